"""render: fills a pool with pictures, shard by shard, on all cores; a killed run goes on."""

import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from starter_model import sheet
from starter_model.captions import caption
from starter_model.pool import cover, shard_paths, write_shard
from starter_model.scene import render
from starter_model.world import WORLDS, draw_scene

SHARD = 500
CAPTIONS = 4


def picture_seed(seed: int, index: int) -> np.random.Generator:
    """Return the source of all randomness of picture `index` of a pool."""
    return np.random.default_rng([seed, index])


def render_shard(folder: Path, world_name: str, seed: int, shard: int, side: int) -> int:
    """Render shard number `shard` into `folder`; nothing but the arguments decides the bytes."""
    world = WORLDS[world_name]
    pictures = np.zeros((SHARD, side, side, 3), np.uint8)
    masks = np.zeros((SHARD, side // 8, side // 8), np.uint8)
    captions: list[list[str]] = []
    scenes = []
    for offset in range(SHARD):
        rng = picture_seed(seed, shard * SHARD + offset)
        scene = draw_scene(world, rng)
        pictures[offset], mask = render(scene, side, int(rng.integers(2**62)))
        masks[offset] = cover(mask)
        captions.append([caption(scene, rng, full=i == 0)[0] for i in range(CAPTIONS)])
        scenes.append(scene.labels())
    write_shard(folder, shard, pictures, masks, captions, scenes)
    return shard


def draw_sheet(world_name: str, side: int, seed: int, path: Path, count: int = 48) -> None:
    """Save a sheet of `count` rendered scenes with their captions."""
    world = WORLDS[world_name]
    pictures, captions = [], []
    for index in range(count):
        rng = picture_seed(seed, index)
        scene = draw_scene(world, rng, unseen=None)
        pictures.append(render(scene, side, int(rng.integers(2**62)))[0])
        captions.append(caption(scene, rng)[0])
    sheet.draw(pictures, captions, path, columns=8)


def fill(
    folder: Path, *, world: str, count: int, seed: int, side: int, minutes: float, workers: int
) -> int:
    """Render until the pool holds `count` pictures or the budget ends; return how many it holds."""
    draw_sheet(world, side, seed, folder / "sheets" / f"{world}.png")
    done = {int(path.name.split(".")[0]) for path in shard_paths(folder)}
    missing = [shard for shard in range(-(-count // SHARD)) if shard not in done]
    started = time.monotonic()
    with ProcessPoolExecutor(workers) as executor:
        jobs = [executor.submit(render_shard, folder, world, seed, s, side) for s in missing]
        for finished, job in enumerate(as_completed(jobs), 1):
            done.add(job.result())
            rate = finished * SHARD / (time.monotonic() - started)
            left = (len(missing) - finished) * SHARD / rate / 60
            print(f"rendered {len(done) * SHARD} {rate:.1f}/s left {left:.1f} min", flush=True)
            if time.monotonic() - started > minutes * 60:
                for rest in jobs:
                    rest.cancel()
                break
    return len(shard_paths(folder)) * SHARD
