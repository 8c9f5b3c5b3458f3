"""gpu-stage: one whole training in calls of under ten minutes, for a large GPU held for a while."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLD = ("--world", "full")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One command of a stage: its minutes on a GPU, its further arguments, and their short form.

    `beside` lets it run on the processor cores while the steps after it use the GPU; the next step
    with `wait` begins when it has ended. `rehearsal` replaces arguments on a CPU.
    """

    command: str
    minutes: float
    arguments: tuple[str, ...] = ()
    rehearsal: tuple[str, ...] = ()
    beside: bool = False
    wait: bool = False


# Eight, eight and a half and eight minutes: pictures, words and autoencoder; the U-Net; its finish.
STAGES: dict[int, tuple[Step, ...]] = {
    1: (
        Step(
            command="render",
            minutes=4.5,
            arguments=("--pictures", "100000"),
            rehearsal=("--pictures", "500", "--workers", "1"),
            beside=True,
        ),
        Step(command="train-text", minutes=4.0),
        Step(
            command="train-vae",
            minutes=3.0,
            arguments=("--batch", "96"),
            rehearsal=("--batch", "2"),
            wait=True,
        ),
    ),
    2: (
        Step(
            command="train-unet",
            minutes=7.5,
            arguments=("--size", "large", "--batch", "512", "--curriculum", "400"),
            rehearsal=("--size", "tiny", "--batch", "4", "--curriculum", "1"),
        ),
    ),
    3: (
        Step(
            command="train-unet",
            minutes=4.0,
            arguments=("--size", "large", "--batch", "512", "--anneal-steps", "-1"),
            rehearsal=("--size", "tiny", "--batch", "4", "--anneal-steps", "2"),
        ),
        Step(command="train-clip", minutes=1.5),
        Step(command="train-image-prompt", minutes=1.0),
        Step(
            command="train-vae",
            minutes=1.0,
            arguments=("--batch", "96", "--decoder-only", "--start-from", "{work}/vae"),
            rehearsal=("--batch", "2", "--decoder-only", "--start-from", "{work}/vae"),
        ),
    ),
}
REHEARSED_MINUTES = 0.1


def arguments(step: Step, work: Path, device: str, *, rehearse: bool) -> list[str]:
    """Return the command line of one step."""
    minutes = REHEARSED_MINUTES if rehearse and not step.beside else step.minutes
    more = step.rehearsal if rehearse else step.arguments
    return [
        step.command,
        "--work",
        str(work),
        *WORLD,
        "--minutes",
        str(minutes),
        "--device",
        device,
        "--threads",
        str(1 if rehearse else 4),
        *(part.format(work=work) for part in more),
    ]


def run(
    stage: int,
    *,
    work: Path,
    out: Path,
    device: str,
    rehearse: bool,
    command: Callable[[list[str]], int],
) -> None:
    """Run one stage with `command` and pack what is finished into `out`.

    Every step resumes from its checkpoint, so a stage that was cut off is called again. Raises
    subprocess.CalledProcessError when the step running beside the others fails.
    """
    beside: subprocess.Popen[bytes] | None = None
    for step in STAGES[stage]:
        line = arguments(step, work, device, rehearse=rehearse)
        if step.wait:
            finish(beside)
            beside = None
        started = time.monotonic()
        print("stage", stage, *line, flush=True)
        if step.beside:
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            beside = subprocess.Popen([sys.executable, str(HERE), *line], env=environment)
            continue
        command(line)
        print(f"stage {stage} {step.command}: {time.monotonic() - started:.0f} s", flush=True)
    finish(beside)
    command(["pack", "--work", str(work), "--parcels", str(out)])


def finish(process: "subprocess.Popen[bytes] | None") -> None:
    """Wait for a step that runs beside the others."""
    if process is not None and process.wait() != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
