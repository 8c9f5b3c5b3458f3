"""The command that turns a pickle into safetensors: convert."""

import argparse
import secrets
import time
from pathlib import Path

from desktop_app import paths
from desktop_app.cli.output import Output
from desktop_app.cli.render import interruptible
from desktop_app.errors import AppError
from desktop_app.library.assets import Stop
from desktop_app.library.convert import CONSENT, converted_before
from desktop_app.library.folders import OWN_FOLDERS
from desktop_app.library.hashing import file_sha256
from desktop_app.library.identify import PICKLES, identify
from desktop_app.library.identity import KIND_WORDS, Identity

_UNDER_WAY = ".converting-"


def convert(chosen: argparse.Namespace, output: Output) -> int:
    """Write a pickle's weights as safetensors among our own models, once; exit code 0."""
    source = Path(chosen.file)
    if not source.is_file():
        raise AppError("file-missing", f"There is no file “{source}”.", path=str(source))
    if source.suffix.lower() not in PICKLES:
        endings = ", ".join(sorted(PICKLES))
        raise AppError("file-kind", f"“{source.name}” is no pickle; those end in {endings}.")
    if not chosen.trust:
        raise AppError("arguments", CONSENT, hint="Say --trust if you trust its maker.")
    models = Path(chosen.out) if chosen.out else paths.resolve().models
    with interruptible() as stopped:
        _, sha256 = file_sha256(source, stop=stopped)
        target = converted_before(models, source.stem, sha256)
        if target is None:
            target = _convert(source, models, output, stopped)
    identity = identify(target)
    output.line(f"{target} ({_words(identity)})")
    if identity.unsupported:
        output.line(identity.unsupported)
    output.result(
        {
            "path": str(target),
            "kind": identity.kind,
            "family": identity.family,
            "unsupported": identity.unsupported,
        }
    )
    return 0


def _convert(source: Path, models: Path, output: Output, stopped: Stop) -> Path:
    from desktop_app.engine.convert import convert as write_safetensors

    # What it is can be told only when it is readable; then it goes where that belongs.
    _sweep(models)
    made = models / f"{_UNDER_WAY}{secrets.token_hex(8)}.safetensors"
    try:
        write_safetensors(
            source,
            made,
            lambda done, total: output.progress(f"Converting {source.name} …", done, total),
            stopped,
        )
        folder = models / OWN_FOLDERS[identify(made).kind]
        folder.mkdir(parents=True, exist_ok=True)
        target = _free(folder / f"{source.stem}.safetensors")
        return made.rename(target)
    finally:
        output.clear()
        made.unlink(missing_ok=True)


def _sweep(models: Path) -> None:
    """Take away what a killed conversion left behind more than a day ago."""
    for left in models.glob(f"*{_UNDER_WAY}*"):
        if left.stat().st_mtime < time.time() - 86_400:
            left.unlink(missing_ok=True)


def _free(path: Path) -> Path:
    number = 2
    found = path
    while found.exists():
        found = path.with_stem(f"{path.stem} {number}")
        number += 1
    return found


def _words(identity: Identity) -> str:
    return f"{KIND_WORDS[identity.kind]}, {identity.family or 'of unknown family'}"
