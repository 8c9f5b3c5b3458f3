"""How fast the pictures are drawn that the starter model learns from."""

import statistics
import sys
import time
from pathlib import Path
from typing import Any

PICTURES = 24
"""Drawn anew in every round, of each world."""
WORLDS_SHOWN = ("small", "full")


def renderer_part(rounds: int) -> dict[str, Any]:
    """Pictures a second in one process and their side, by world; empty without the emoji font."""
    sys.path.append(str(Path(__file__).resolve().parent.parent / "packaging"))
    import numpy as np
    from starter_model import glyphs
    from starter_model.scene import render
    from starter_model.world import WORLDS, draw_scene

    if glyphs.font_path() is None:
        return {}
    found: dict[str, Any] = {}
    for name in WORLDS_SHOWN:
        world = WORLDS[name]
        scenes = [draw_scene(world, np.random.default_rng([7, i])) for i in range(PICTURES)]
        rates = list[float]()
        for _ in range(rounds + 1):
            began = time.perf_counter()
            for index, scene in enumerate(scenes):
                render(scene, world.side, index)
            rates.append(PICTURES / (time.perf_counter() - began))
        # The first round reads the glyphs and fills the tables.
        found[name] = {"side": world.side, "rate": statistics.median(rates[1:])}
    return found


def renderer_rows(found: dict[str, Any]) -> list[str]:
    """The measurements for people."""
    if not found:
        return ["", "starter model's renderer    not measured: Noto Color Emoji is not installed"]
    rates = [f"{one['rate']:.0f} a second at {one['side']} px" for one in found.values()]
    return ["", f"starter model's renderer    {', '.join(rates)}, one process"]
