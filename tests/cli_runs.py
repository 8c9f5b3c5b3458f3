"""The command line run in this process, as its tests with models of their own need it."""

from pathlib import Path

import pytest

from desktop_app import cli, paths, settings

ASKED = ("--prompt", "a fox", "--size", "64x64", "--seed", "7")
SAMPLED = ("--sampler", "euler", "--guidance", "3")


def models_of(home: Path) -> Path:
    """Our own folder of models, with pictures to be computed by one thread."""
    settings.save(home / "config" / "settings.json", settings.Settings(threads=1))
    return paths.resolve().models


def refusal(out: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What `render` says where it makes no picture."""
    assert cli.main(["render", *ASKED, *words, "--out", str(out)]) != 0
    assert not out.exists()
    return capsys.readouterr().err
