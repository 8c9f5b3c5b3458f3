"""What the explorer's map costs: its first pass, and a place that is refined."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

DEADLINE = 300


def explorer_part(rounds: int) -> dict[str, Any]:
    """Seconds until the first rough picture, until all of them, and for one refined place."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QGuiApplication

    from desktop_app.paths import resolve
    from desktop_app.studio.studio import Studio

    app = QGuiApplication([])
    studio = Studio(resolve())
    explorer = studio.explorer

    def seconds(condition: Callable[[], object]) -> float:
        began = time.perf_counter()
        while not condition():
            app.processEvents()
            time.sleep(0.001)
            if time.perf_counter() - began > DEADLINE:
                raise TimeoutError("the map is not made")
        return time.perf_counter() - began

    studio.start()
    seconds(lambda: studio.engine == "ready" and studio.gallery.ready and studio.library.current)
    studio.editor.set(prompt="a watercolor of a red fox in snow")
    explorer.open()
    cells = explorer.columns * explorer.rows
    seconds(lambda: explorer.left == 0)  # the model is loaded and warm
    first = list[float]()
    whole = list[float]()
    refined = list[float]()
    for _ in range(max(1, rounds // 2)):
        studio.dice()
        explorer.start_anew()
        began = time.perf_counter()
        seconds(lambda: explorer.left < cells)
        first.append(time.perf_counter() - began)
        seconds(lambda: explorer.left == 0)
        whole.append(time.perf_counter() - began)
        explorer.refine([(2, 2)])
        refined.append(seconds(lambda: explorer.left == 0))
    recipe = explorer.recipe((0, 0))
    studio.shutdown()
    return {
        "cells": cells,
        "size": [recipe.width, recipe.height] if recipe else [],
        "first": statistics.median(first),
        "whole": statistics.median(whole),
        "refined": statistics.median(refined),
    }


def explorer_rows(found: dict[str, Any]) -> list[str]:
    """The measurements for people."""
    size = "×".join(map(str, found["size"]))
    return [
        "",
        f"explorer, {found['cells']} places at {size}: first {found['first']:.2f} s,"
        f" all {found['whole']:.2f} s, one refined {found['refined']:.2f} s",
    ]
