"""Pools: folders of rendered pictures in shards, with masks, captions, scenes and cached latents.

A shard is `NNNNN.pictures.npy` (uint8, n x side x side x 3), `NNNNN.masks.npy` (uint8, how much of
each 8 x 8 cell the subject covers, 0 to 255), and `NNNNN.texts.json` (captions and scenes). It is
complete when its `.texts.json` exists, because that is written last.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

CELL = 8


def shard_paths(folder: Path) -> list[Path]:
    """Return the `.texts.json` of every complete shard, in order."""
    return sorted(folder.glob("[0-9]*.texts.json"))


def part(text_path: Path, kind: str) -> Path:
    """Return the path of another part of the shard that `text_path` belongs to."""
    return text_path.with_name(text_path.name.split(".")[0] + f".{kind}.npy")


def save_array(array: np.ndarray, path: Path) -> None:
    """Write `array` atomically."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def write_shard(
    folder: Path,
    index: int,
    pictures: np.ndarray,
    masks: np.ndarray,
    captions: list[list[str]],
    scenes: list[dict[str, Any]],
) -> None:
    """Write one complete shard; a kill half-way leaves no `.texts.json`, so it is redone."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = folder / f"{index:05d}.texts.json"
    save_array(pictures, part(texts, "pictures"))
    save_array(masks, part(texts, "masks"))
    partial = texts.with_name(texts.name + ".partial")
    partial.write_text(json.dumps({"captions": captions, "scenes": scenes}), encoding="utf-8")
    partial.replace(texts)


def cover(mask: np.ndarray) -> np.ndarray:
    """Return how much of each 8 x 8 cell a 0..1 `mask` of the full picture covers, as uint8."""
    rows, columns = mask.shape[0] // CELL, mask.shape[1] // CELL
    means = mask.reshape(rows, CELL, columns, CELL).mean((1, 3))
    return np.clip(means * 255 + 0.5, 0, 255).astype(np.uint8)


class Pool:
    """All complete shards of a folder as arrays: `pictures`, `masks`, `captions`, `scenes`.

    Pictures stay on disk (memory-mapped). Raises FileNotFoundError when the folder has no shard.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shards = shard_paths(folder)
        if not self.shards:
            raise FileNotFoundError(f"no rendered pictures under {folder}: run `render` first")
        self._pictures = [np.load(part(s, "pictures"), mmap_mode="r") for s in self.shards]
        self.masks = np.concatenate([np.load(part(s, "masks")) for s in self.shards])
        self.captions: list[list[str]] = []
        self.scenes: list[dict[str, Any]] = []
        for shard in self.shards:
            texts = json.loads(shard.read_text(encoding="utf-8"))
            self.captions += texts["captions"]
            self.scenes += texts["scenes"]
        self._starts = np.cumsum([0] + [len(p) for p in self._pictures])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def side(self) -> int:
        """The height and width of a picture in pixels."""
        return self._pictures[0].shape[1]

    def pictures(self, indices: np.ndarray) -> np.ndarray:
        """Return the pictures at `indices` as uint8, len(indices) x side x side x 3."""
        shards = np.searchsorted(self._starts, indices, side="right") - 1
        rows = [
            self._pictures[s][i - self._starts[s]] for s, i in zip(shards, indices, strict=True)
        ]
        return np.stack(rows)
