"""The command line makes a refined picture, proves it, and says what it needs."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from desktop_app import cli
from desktop_app.store import metadata, pixels
from tests.cli_runs import ASKED, SAMPLED, models_of, refusal
from tests.engine.refiners import plain_pipes, save_both, two_calls

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SIX = ["--steps", "6"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return save_both(tmp_path_factory.mktemp("refined"))


@pytest.fixture
def models(home: Path, folders: dict[str, Path]) -> Path:
    """Our own folder of models, with both in it."""
    place = models_of(home)
    for name, folder in folders.items():
        shutil.copytree(folder, place / name)
    return place


def test_a_refined_picture_is_made_and_proved(
    models: Path, folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fox.png"
    words = ["--model", "xl", "--refiner", "fine", "--refiner-start", "0.6", "--out", str(out)]
    assert cli.main(["render", *ASKED, *SAMPLED, *SIX, *words]) == 0, capsys.readouterr().err
    recipe = metadata.read_picture(out).recipe
    assert recipe is not None
    assert recipe.refiner is not None
    assert (recipe.refiner.model.name, recipe.refiner.start) == ("fine", 0.6)
    expected = two_calls(plain_pipes(folders), recipe)[1]
    assert np.array_equal(pixels.read_pixels(out), expected)
    assert cli.main(["reproduce", str(out)]) == 0
    assert "Identical" in capsys.readouterr().out
    assert cli.main(["inspect", str(out)]) == 0
    assert "fine from 0.6" in capsys.readouterr().out
    shutil.rmtree(models / "fine")
    assert cli.main(["reproduce", str(out)]) == 1
    told = capsys.readouterr().err
    assert "“fine”" in told
    assert recipe.refiner.model.sha256[:10] in told


def test_a_refiner_may_lie_anywhere(models: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.rmtree(models / "fine")
    out = tmp_path / "fox.png"
    words = ["--model", "xl", "--refiner", str(folders["fine"]), "--out", str(out)]
    assert cli.main(["render", *ASKED, *SAMPLED, *SIX, *words]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "xl", "--refiner", "none"], "Here are: fine"),
        (["--model", "xl", "--refiner", "xl"], "no refiner"),
        (["--model", "xl", "--refiner-start", "0.5"], "goes with --refiner"),
        (["--model", "xl", "--refiner", "fine", "--refiner-start", "2"], "from 0 to 1"),
        (["--refiner", "fine"], "cannot refine"),
        (["--model", "fine"], "no model that makes pictures"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str],
    told: str,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "--model" in words and words[1] == "fine":
        words = ["--model", str(models / "fine")]
    assert told in refusal(tmp_path / "fox.png", capsys, *SIX, *words)
