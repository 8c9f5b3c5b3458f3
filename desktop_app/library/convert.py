"""Converts pickles in a process of its own: what is in them never meets the program."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError, Cancelled
from desktop_app.weights.headers import read_header

SOURCE = "mezzotint.converted_from"
"""In the metadata of what was converted: the sha256 of the file that it was made from."""
CONSENT = (
    "A pickle can run any code when it is opened. Only its numbers will be read, by a reader that"
    " calls nothing, in a process of its own; that lock was broken once, in 2025, and then mended."
)
"""What the artist is told before a pickle is opened."""
_SECONDS_MAX = 3600
_LOOK_SECONDS = 0.2


def convert_outside(path: Path, models: Path, stop: Callable[[], bool]) -> Path:
    """Convert a pickle that the artist trusts, and return the safetensors file.

    Args:
        models: our own folder of models; the file goes below it, by its kind. One that was
            converted before is returned as it lies there.
        stop: asked a few times a second; true ends the process.

    Raises:
        AppError: what the command `convert` says.
        Cancelled: `stop` said so; nothing stays.
    """
    command = [sys.executable, "-m", "desktop_app", "convert", str(path)]
    command += ["--out", str(models), "--trust", "--json"]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    ) as process:
        try:
            out = _waited(process, stop)
        finally:
            if process.poll() is None:
                process.terminate()
    return _answer(path, out)


def _waited(process: "subprocess.Popen[bytes]", stop: Callable[[], bool]) -> bytes:
    ends = time.monotonic() + _SECONDS_MAX
    while not stop() and time.monotonic() < ends:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            continue
    raise Cancelled


def converted_before(models: Path, stem: str, sha256: str) -> Path | None:
    """The file that was made from a pickle with this hash, if it is still there."""
    for found in sorted(models.rglob("*.safetensors")):
        if not found.stem.startswith(stem):
            continue
        try:
            header = read_header(found)
        except AppError:
            continue
        if header.metadata.get(SOURCE) == sha256:
            return found
    return None


def _answer(path: Path, out: bytes) -> Path:
    """What the command printed: the place of the file, or an error."""
    try:
        value: object = json.loads(out[-100_000:] or b"null")
    except ValueError:
        value = None
    answer = cast(dict[str, object], value) if isinstance(value, dict) else {}
    place, error = answer.get("path"), answer.get("error")
    if isinstance(place, str):
        return Path(place)
    fields = cast(dict[str, object], error) if isinstance(error, dict) else {}
    raise AppError(
        str(fields.get("code") or "convert-failed"),
        str(fields.get("sentence") or f"“{path.name}” could not be converted."),
        hint=str(fields.get("hint") or ""),
        path=str(path),
    )
