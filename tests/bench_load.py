"""Load time and peak memory of a checkpoint of true shapes, ours beside plain diffusers; asserts
nothing. Run: python tests/bench_load.py."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CONFIGS = ROOT / "resources" / "model_configs"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the loading of one file.")
    parser.add_argument("--family", default="sd1", help="a family of one file; sd1")
    parser.add_argument("--file", type=Path, help="a checkpoint to use; by default one is made")
    parser.add_argument("--part", choices=["ours", "plain", "make"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part == "make":
        write_true_shapes(chosen.family, chosen.file)
    elif chosen.part:
        print(json.dumps(measure(chosen.part, chosen.family, chosen.file)), flush=True)
    else:
        with tempfile.TemporaryDirectory() as folder:
            file = chosen.file or Path(folder) / "true.safetensors"
            if not chosen.file:
                _part("make", chosen.family, file)
            ways = {way: json.loads(_part(way, chosen.family, file)) for way in ("plain", "ours")}
        print(table(ways))


def table(ways: dict[str, Any]) -> str:
    """The measurements for people."""
    rows = [
        "",
        f"{'':8}{'seconds':>9}{'weights':>10}{'anonymous':>12}{'resident':>11}  (peaks, MB)",
    ]
    for way, one in ways.items():
        rows.append(
            f"{way:8}{one['seconds']:9.1f}{one['weights']:10.0f}"
            f"{one['anonymous']:7.0f} {one['anonymous'] / one['weights']:4.2f}"
            f"{one['resident']:6.0f} {one['resident'] / one['weights']:4.2f}"
        )
    if "switch" in ways["ours"]:
        rows.append(f"back to a warm model  {ways['ours']['switch'] * 1000:.2f} ms")
    return "\n".join(rows)


def _part(part: str, family: str, file: Path) -> str:
    command = [sys.executable, __file__, "--part", part, "--family", family, "--file", str(file)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def write_true_shapes(family: str, file: Path) -> None:
    """A checkpoint by the original names with all the shapes of a family, float16, random."""
    import torch
    from safetensors.torch import save_file

    from tests.engine.checkpoints import checkpoint_of
    from tests.engine.single_files import empty_parts

    with torch.device("meta"):
        shapes = checkpoint_of(empty_parts(CONFIGS, family), family)
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for key, tensor in shapes.items():
        values = torch.randn(tensor.shape, generator=generator, dtype=torch.float16) * 0.02
        tensors[key] = values + 1 if "norm" in key and key.endswith("weight") else values
    save_file(tensors, file)


class Peak:
    """The most memory of this process while it lasts, in MB, above what it had before."""

    def __enter__(self) -> "Peak":
        self.anonymous = self.resident = 0.0
        self._first = _memory()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            anonymous, resident = _memory()
            self.anonymous = max(self.anonymous, anonymous - self._first[0])
            self.resident = max(self.resident, resident - self._first[1])


def _memory() -> tuple[float, float]:
    """Anonymous and resident memory in MB, as Linux tells it."""
    found = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines()
    )
    return int(found["RssAnon"].split()[0]) / 1000, int(found["VmRSS"].split()[0]) / 1000


def measure(way: str, family: str, file: Path) -> dict[str, float]:
    """One load in this process, in float32, with the libraries in memory already."""
    import torch

    from desktop_app.engine.loading import load_model
    from desktop_app.engine.model import weights_size
    from tests.engine.single_files import plain_single_file

    loads = {
        "ours": lambda: (
            load_model(
                file, "true", device=torch.device("cpu"), dtype=torch.float32, configs=CONFIGS
            ).pipe
        ),
        "plain": lambda: plain_single_file(file, CONFIGS, family),
    }
    # Both ways find the file in the system's cache.
    with file.open("rb", buffering=0) as read:
        while read.read(1 << 24):
            pass
    with Peak() as peak:
        began = time.perf_counter()
        pipe = loads[way]()
        seconds = time.perf_counter() - began
    found = {
        "seconds": seconds,
        "weights": weights_size(pipe) / 1e6,
        "anonymous": peak.anonymous,
        "resident": peak.resident,
    }
    return found | ({"switch": _switch()} if way == "ours" else {})


def _switch() -> float:
    """Seconds from one warm model to another and back, halved."""
    from desktop_app.engine.session import Session
    from desktop_app.recipe.recipe import ModelRef
    from tests.tiny_model import save_tiny_model

    with tempfile.TemporaryDirectory() as folder:
        refs = [ModelRef(sha256=str(number) * 64, name=str(number)) for number in (1, 2)]
        for ref in refs:
            save_tiny_model(Path(folder, ref.name), seed=int(ref.name))
        session = Session(
            lambda ref: Path(folder, ref.name), cache=Path(folder), threads=None, device="cpu"
        )
        for ref in refs:
            session.models.get(ref, lambda _: None)
        began = time.perf_counter()
        for _ in range(1000):
            for ref in refs:
                session.models.get(ref, lambda _: None)
        return (time.perf_counter() - began) / 2000


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
