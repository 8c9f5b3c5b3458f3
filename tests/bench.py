"""What things cost here, in medians and ratios; asserts nothing. Run: python tests/bench.py."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TICK_MS = 5
PICTURES = 4
"""Made with the window open while its event loop is measured."""
DEADLINE = 600
"""Seconds: a part that takes longer is given up."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure start, rendering, the window, memory.")
    parser.add_argument("--json", action="store_true", help="one JSON value instead of the table")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement; 5")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 for the usual number")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part](chosen.rounds)), flush=True)
        # A render thread may still be alive, and tearing it down is not what is measured.
        os._exit(0)
    found = measure(max(1, chosen.rounds), max(0, chosen.threads))
    print(json.dumps(found, indent=1) if chosen.json else table(found))


def measure(rounds: int, threads: int) -> dict[str, Any]:
    """Every part in processes of their own, each with an empty home."""
    windows = [_window() for _ in range(rounds)]
    colds = [_cold(threads) for _ in range(max(1, rounds // 2))]
    return {
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        },
        "window_seconds": _spread(seconds for seconds, _ in windows),
        "window_megabytes": statistics.median(megabytes for _, megabytes in windows),
        "first_picture_seconds": _spread(colds),
        "render": _part("render", rounds, threads),
        "snapshots": _part("snapshots", rounds, threads),
        "loop": _part("loop", rounds, threads),
        "library": _part("library", rounds, threads),
        "explorer": _part("explorer", rounds, threads),
        "renderer": _part("renderer", rounds, threads),
    }


def table(found: dict[str, Any]) -> str:
    """The measurements for people."""
    machine, render, loop = found["machine"], found["render"], found["loop"]
    size = "×".join(map(str, render["size"]))
    rows = [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load'] or 0:.1f}",
        "",
        f"window on screen            {_shown(found['window_seconds'])} s",
        f"first picture, cold start   {_shown(found['first_picture_seconds'])} s",
        "",
        f"{render['model']}, {size}, {render['steps']} steps, {render['sampler']},"
        f" {render['threads']} threads",
        f"plain diffusers call        {_shown(render['plain'])} s",
        f"ours, previews off          {_shown(render['off'])} s   ratio {render['ratio_off']:.3f}",
        f"ours, previews every step   {_shown(render['on'])} s   ratio {render['ratio_on']:.3f}",
        "",
        _snapshot_row(found["snapshots"]),
        "",
        "event loop, ms late           p50     p99     max   over 16   ticks",
    ]
    for name, late in loop["late"].items():
        rows.append(
            f"  {name:24} {late['p50']:8.2f}{late['p99']:8.1f}{late['max']:8.1f}"
            f"{late['over_16']:10}{late['ticks']:8}"
        )
    rows += [
        "",
        f"peak memory, window shown   {found['window_megabytes']:.0f} MB",
        f"peak memory, {loop['pictures']} pictures    {loop['megabytes']:.0f} MB",
    ]
    from tests.bench_explorer import explorer_rows
    from tests.bench_library import library_rows
    from tests.bench_starter import renderer_rows

    rows += library_rows(found["library"])
    rows += explorer_rows(found["explorer"])
    rows += renderer_rows(found["renderer"])
    return "\n".join(rows)


def _snapshot_row(found: dict[str, Any]) -> str:
    return (
        f"snapshot of a step          {found['milliseconds']:.2f} ms, {found['share']:.2%} of it,"
        f" {found['kilobytes']:.0f} KB; to the disk {found['disk_milliseconds']:.2f} ms"
    )


def _window() -> tuple[float, float]:
    """Seconds from the start of the process to the window's first paint, and its peak MB."""
    began = time.monotonic()
    found = _part("window", 1, 0)
    return found["painted"] - began, found["megabytes"]


def _cold(threads: int) -> float:
    """Seconds for one picture from the command line at the model's own settings."""
    with tempfile.TemporaryDirectory() as home:
        _write_threads(home, threads)
        words = ["render", "--prompt", "a fox in snow", "--seed", "7"]
        began = time.monotonic()
        _run([sys.executable, "-m", "desktop_app", *words, "--out", f"{home}/fox.png"], home)
        return time.monotonic() - began


def _part(name: str, rounds: int, threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        _write_threads(home, threads)
        command = [sys.executable, __file__, "--part", name, "--rounds", str(rounds)]
        return json.loads(_run(command, home).splitlines()[-1])


def _write_threads(home: str, threads: int) -> None:
    """The settings of this home, as the program keeps them."""
    from desktop_app import settings

    settings.save(
        Path(home, "config", "settings.json"), settings.Settings(threads=threads, previews=True)
    )


def _run(command: list[str], home: str) -> str:
    env = {**os.environ, "MEZZOTINT_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, timeout=DEADLINE, check=True, text=True
    )
    return done.stdout


def window_part(rounds: int) -> dict[str, Any]:
    """The moment of the first paint, on the clock that all processes share."""
    from desktop_app import app
    from desktop_app.studio.studio import Studio

    class Painted(Studio):
        def start(self) -> None:
            print(json.dumps({"painted": time.monotonic(), "megabytes": _peak()}), flush=True)
            os._exit(0)

    app.Studio = Painted
    return {"code": _open_window()}


def loop_part(rounds: int) -> dict[str, Any]:
    """How late a timer of 5 ms comes while the open program imports, renders and decodes."""
    from PySide6.QtCore import Qt, QTimer

    from desktop_app import app
    from desktop_app.studio.studio import Studio

    late: dict[str, list[float]] = {}

    class Watched(Studio):
        _last = 0.0
        _phase = "imports"
        _asked = False

        def start(self) -> None:
            super().start()
            self._timer = QTimer(self)
            self._timer.setTimerType(Qt.TimerType.PreciseTimer)
            self._timer.timeout.connect(self._tick)
            self._last = time.perf_counter()
            self._timer.start(TICK_MS)

        def _tick(self) -> None:
            now = time.perf_counter()
            late.setdefault(self._phase, []).append(max(0.0, (now - self._last) * 1000 - TICK_MS))
            self._last = now
            if self.engine == "ready" and self.library.current and not self._asked:
                self._asked = True
                self.editor.set(prompt="a fox in snow", count=PICTURES)
                self.generate()
            self._phase = "imports" if self.engine == "starting" else _phase_of(self.run.stage)
            if self.engine == "failed" or len([r for r in self.run.results if r]) == PICTURES:
                result = {
                    "pictures": PICTURES,
                    "late": {name: _lateness(values) for name, values in late.items()},
                    "megabytes": _peak(),
                }
                print(json.dumps(result), flush=True)
                os._exit(0)

    app.Studio = Watched
    return {"code": _open_window()}


def render_part(rounds: int) -> dict[str, Any]:
    """Our render against a plain diffusers call with the same settings, taking turns."""
    from desktop_app.recipe.samplers import label_of

    model, recipe, backend = _built_in()
    ways: dict[str, Callable[[], object]] = {
        "off": lambda: backend.render(recipe, lambda _: None, previews=False),
        "on": lambda: backend.render(recipe, lambda _: None, previews=True),
    }
    ways["off"]()
    ways["plain"] = _plain_call(model.path, recipe)
    for way in ways.values():
        way()
    seconds = {name: list[float]() for name in ways}
    work = {name: list[float]() for name in ways}
    for turn in range(max(3, rounds)):
        names = list(ways)
        # Each way comes first, second and third equally often.
        for name in names[turn % 3 :] + names[: turn % 3]:
            began, used = time.perf_counter(), time.process_time()
            ways[name]()
            seconds[name].append(time.perf_counter() - began)
            work[name].append(time.process_time() - used)
    import torch

    return {
        "model": model.title,
        "size": list(model.native_size),
        "steps": model.default_steps,
        "sampler": label_of(model.default_scheduler, model.default_sigmas),
        "threads": torch.get_num_threads(),
        **{name: _spread(values) for name, values in seconds.items()},
        "ratio_off": _ratio(seconds["off"], seconds["plain"]),
        "ratio_on": _ratio(seconds["on"], seconds["plain"]),
        "work_ratio_off": _ratio(work["off"], work["plain"]),
        "work_ratio_on": _ratio(work["on"], work["plain"]),
    }


def snapshots_part(rounds: int) -> dict[str, Any]:
    """What keeping the state after each step adds to a step, and what it takes."""
    from desktop_app.engine import denoising, snapshots, walking

    spent: dict[str, list[float]] = {"look": [], "seen": [], "write": []}
    sizes = list[int]()

    def timed(kind: Any, name: str, row: str) -> None:
        plain = getattr(kind, name)

        def call(*given: Any) -> None:
            began = time.perf_counter()
            plain(*given)
            spent[row].append(time.perf_counter() - began)

        setattr(kind, name, call)

    def sized(self: Any, key: str, step: int, snapshot: Any) -> None:
        sizes.append(snapshot.bytes)
        keep(self, key, step, snapshot)

    keep = snapshots.Snapshots.keep
    snapshots.Snapshots.keep = sized
    timed(walking._Keeper, "look", "look")
    timed(denoising.Teller, "seen", "seen")
    timed(snapshots.Snapshots, "_write", "write")
    _, recipe, backend = _built_in(snapshot_bytes=1_000_000)
    seconds = list[float]()
    for _ in range(max(3, rounds)):
        began = time.perf_counter()
        backend.render(recipe, lambda _: None, previews=False)
        seconds.append((time.perf_counter() - began) / recipe.num_inference_steps)
    # The keeper hands each step on; what is told of it then is no part of its own work.
    own = [a - b for a, b in zip(spent["look"], spent["seen"], strict=True)]
    step, cost = statistics.median(seconds), statistics.median(own)
    written = statistics.median(spent["write"] or [0.0])
    return {
        "milliseconds": cost * 1000,
        "disk_milliseconds": written * 1000,
        "share": cost / step,
        "kilobytes": statistics.median(sizes) / 1000,
        "step_milliseconds": step * 1000,
    }


def _built_in(snapshot_bytes: int = 0) -> tuple[Any, Any, Any]:
    """The built-in model, a recipe at its own settings, and an engine."""
    from desktop_app import paths, settings
    from desktop_app.engine.render import LocalBackend
    from desktop_app.library.catalog import Catalog
    from desktop_app.recipe.recipe import Recipe

    where = paths.resolve()
    catalog = Catalog([paths.RESOURCES / "models"], where.cache)
    model = catalog.scan()[0]
    recipe = Recipe(
        model=model.ref,
        prompt="a watercolor of a red fox in snow",
        negative_prompt="fog",
        width=model.native_size[0],
        height=model.native_size[1],
        seed=7,
        scheduler=model.default_scheduler,
        sigmas=model.default_sigmas,
        num_inference_steps=model.default_steps,
        guidance_scale=model.default_guidance,
    )
    threads = settings.load(where.settings_file).settings.threads or None
    backend = LocalBackend(
        catalog.path, cache=where.cache, threads=threads, snapshot_bytes=snapshot_bytes
    )
    return model, recipe, backend


def _plain_call(folder: Path, recipe: Any) -> Callable[[], object]:
    """What anybody would write with diffusers alone."""
    import torch
    from diffusers import StableDiffusionPipeline

    from desktop_app.engine.schedulers import make_scheduler, spacing_arguments

    pipe = StableDiffusionPipeline.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    config = pipe.scheduler.config

    def call() -> object:
        pipe.scheduler = make_scheduler(config, recipe)
        return pipe(
            prompt=recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            width=recipe.width,
            height=recipe.height,
            guidance_scale=recipe.guidance_scale,
            generator=torch.Generator().manual_seed(recipe.seed),
            output_type="np",
            **spacing_arguments(pipe.scheduler, recipe),
        )

    return call


def library_part(rounds: int) -> dict[str, Any]:
    """The page with a thousand models."""
    from tests.bench_library import library_part as measured

    return measured(rounds)


def explorer_part(rounds: int) -> dict[str, Any]:
    """See `tests.bench_explorer`."""
    from tests.bench_explorer import explorer_part

    return explorer_part(rounds)


def renderer_part(rounds: int) -> dict[str, Any]:
    """See `tests.bench_starter`."""
    from tests.bench_starter import renderer_part

    return renderer_part(rounds)


def _open_window() -> int:
    from desktop_app.__main__ import main as start

    return start([])


def _phase_of(stage: str) -> str:
    return {"step": "generation", "decoding": "decode", "loading": "model load"}.get(stage, "other")


def _lateness(values: list[float]) -> dict[str, float]:
    row = sorted(values)
    return {
        "p50": row[len(row) // 2],
        "p99": row[min(len(row) - 1, int(len(row) * 0.99))],
        "max": row[-1],
        "over_16": sum(value > 16 for value in row),
        "ticks": len(row),
    }


def _spread(values: Iterable[float]) -> dict[str, float]:
    row = sorted(values)
    return {"median": statistics.median(row), "min": row[0], "max": row[-1]}


def _ratio(ours: list[float], plain: list[float]) -> float:
    """Median of the ratios within a turn: slow moments of the machine meet both alike."""
    return statistics.median(a / b for a, b in zip(ours, plain, strict=True))


def _shown(spread: dict[str, float]) -> str:
    return f"{spread['median']:6.2f} ({spread['min']:.2f}–{spread['max']:.2f})"


def _peak() -> float:
    """Peak resident memory of this process, in MB."""
    try:
        import resource
    except ImportError:
        import psutil

        return psutil.Process().memory_info()._asdict()["peak_wset"] / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


PARTS = {
    "window": window_part,
    "loop": loop_part,
    "render": render_part,
    "library": library_part,
    "snapshots": snapshots_part,
    "explorer": explorer_part,
    "renderer": renderer_part,
}

if __name__ == "__main__":
    main()
