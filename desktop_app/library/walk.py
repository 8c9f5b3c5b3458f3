"""Goes through folders for models: files, diffusers folders, and parts of such, each once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop_app.library.folders import KIND_FOLDERS
from desktop_app.library.identify import MODEL_FILES, PICKLES
from desktop_app.library.identity import Kind

FOLDERS_MAX = 20_000
FILES_MAX = 200_000
_DEPTH_MAX = 10
_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "venv", "blobs", "refs", "outputs", "output", "lost+found"}
)
_PART_WEIGHTS = (
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "model.safetensors",
    "model.fp16.safetensors",
    "model.safetensors.index.json",
)
_NO_MODELS = frozenset(
    {"optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt", "training_args.bin"}
    | {"rng_state.pth", "random_states_0.pkl"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that may be a model.

    Attributes:
        form: `file`; `folder` with a `model_index.json`; `part`, a folder with one component.
        size: bytes of a file; 0 for folders.
        mtime_ns: of the file, or of the folder's own index or config.
        hint: what the folder's name says that it is.
        beside: names in the same folder, by the name in small letters.
    """

    path: Path
    form: Literal["file", "folder", "part"]
    size: int
    mtime_ns: int
    hint: Kind | None
    beside: Mapping[str, str]


class Walk:
    """Walks through roots one after the other; what two roots share comes once."""

    def __init__(self) -> None:
        self._folders: set[object] = set()
        self._files: set[object] = set()
        self._count = 0

    def entries(self, root: Path, kind: Kind | None = None) -> Iterator[Entry]:
        """What lies below a folder; links are followed, but none twice and none in a circle."""
        waiting: list[tuple[Path, Kind | None, int]] = [(root, kind, 0)]
        while waiting and len(self._folders) < FOLDERS_MAX and self._count < FILES_MAX:
            folder, hint, depth = waiting.pop()
            listed = self._list(folder)
            if listed is None:
                continue
            files, below = listed
            names = {entry.name.lower(): entry.name for entry in files}
            whole = self._whole(folder, hint, names)
            if whole is not None:
                yield whole
                continue
            for entry in files:
                found = self._file(folder, entry, hint, names)
                if found is not None:
                    yield found
            if depth < _DEPTH_MAX:
                chosen = _revision(folder, below)
                for path in sorted(chosen, reverse=True):
                    waiting.append((path, KIND_FOLDERS.get(path.name.lower()) or hint, depth + 1))

    def _list(self, folder: Path) -> tuple[list[os.DirEntry[str]], list[Path]] | None:
        """Files, and the folders to go on with; None when it was seen or cannot be read."""
        try:
            mark = _mark(folder, folder.stat())
            if mark in self._folders:
                return None
            self._folders.add(mark)
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except (OSError, ValueError):
            return None
        files: list[os.DirEntry[str]] = []
        below: list[Path] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if not entry.is_dir():
                    files.append(entry)
                elif entry.name not in _SKIPPED:
                    below.append(Path(entry.path))
            except OSError:
                continue
        return files, below

    def _whole(self, folder: Path, hint: Kind | None, names: Mapping[str, str]) -> Entry | None:
        """A folder that is one model."""
        form: Literal["folder", "part"]
        if "model_index.json" in names:
            form, about = "folder", folder / names["model_index.json"]
        elif "config.json" in names and any(name in names for name in _PART_WEIGHTS):
            form, about = "part", folder / names["config.json"]
        else:
            return None
        try:
            mtime_ns = about.stat().st_mtime_ns
        except OSError:
            return None
        return Entry(path=folder, form=form, size=0, mtime_ns=mtime_ns, hint=hint, beside=names)

    def _file(
        self, folder: Path, entry: os.DirEntry[str], hint: Kind | None, names: Mapping[str, str]
    ) -> Entry | None:
        lower = Path(entry.name.lower())
        suffix = lower.suffix
        if suffix not in MODEL_FILES or entry.name.lower() in _NO_MODELS:
            return None
        # Converted already, or offered as both by its maker.
        if suffix in PICKLES and f"{lower.stem}.safetensors" in names:
            return None
        try:
            about = Path(entry.path).stat()
        except OSError:
            return None
        mark = _mark(folder / entry.name, about)
        if mark in self._files:
            return None
        self._files.add(mark)
        self._count += 1
        return Entry(
            path=folder / entry.name,
            form="file",
            size=about.st_size,
            mtime_ns=about.st_mtime_ns,
            hint=hint,
            beside=names,
        )


def _mark(path: Path, about: os.stat_result) -> object:
    """What two names of one thing have in common; some drives number nothing."""
    return (about.st_dev, about.st_ino) if about.st_ino else path.resolve()


def _revision(folder: Path, below: list[Path]) -> list[Path]:
    """Of a repository in the Hugging Face cache the revision in use, of any other folder all."""
    if folder.name != "snapshots" or not folder.parent.name.startswith("models--"):
        return below
    try:
        with (folder.parent / "refs" / "main").open("rb") as file:
            name = file.read(100).decode("ascii", "replace").strip()
    except OSError:
        name = ""
    current = [path for path in below if path.name == name]
    return current or below
