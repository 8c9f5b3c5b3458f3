"""What a picture was derived from goes with it, through the queue and a restart, into its file."""

from collections.abc import Callable

import pytest

from desktop_app.errors import AppError
from desktop_app.recipe.provenance import Origin
from desktop_app.store.metadata import read_picture
from tests.studio.conftest import Stage

pytestmark = pytest.mark.gui
Open = Callable[..., Stage]


def made_last(stage: Stage) -> tuple[Origin | None, str]:
    """What the newest picture's file says it comes from, and its prompt."""
    newest = stage.studio.gallery.id_at(0)
    assert newest is not None
    record = stage.studio.gallery.record_of(newest)
    assert record is not None
    imported = read_picture(record.path)
    assert imported.provenance is not None
    assert imported.recipe is not None
    return imported.provenance.origin, imported.recipe.prompt


def first_picture(stage: Stage) -> tuple[int, str]:
    """Make one; its number and the hash of its pixels."""
    stage.order("a fox", seed=1, seed_rule="keep")
    stage.made(1)
    number = stage.studio.gallery.id_at(0)
    assert number is not None
    record = stage.studio.gallery.record_of(number)
    assert record is not None
    return number, record.pixels_sha256


def test_a_variation_knows_its_picture(stage: Stage) -> None:
    number, pixels = first_picture(stage)
    stage.studio.again.vary(number, "subtle")
    stage.made(2)
    assert made_last(stage)[0] == Origin(picture=pixels, kind="variation")


def test_altered_settings_know_the_picture_they_were_taken_from(stage: Stage) -> None:
    number, pixels = first_picture(stage)
    stage.order("a hen", seed=2)
    stage.made(2)
    assert made_last(stage) == (None, "a hen")
    stage.studio.restoring.restore(number)
    stage.order("a fox, foggy")
    stage.made(3)
    assert made_last(stage) == (Origin(picture=pixels, kind="settings"), "a fox, foggy")
    stage.order("a ship", seed=9)
    stage.made(4)
    assert made_last(stage) == (None, "a ship")


def test_undoing_a_restore_takes_its_tie_back(stage: Stage) -> None:
    number, _ = first_picture(stage)
    stage.studio.editor.set(prompt="a hen", seed=2)
    stage.studio.restoring.restore(number)
    assert stage.studio.editor.origin_of(stage.studio.editor.draft) is not None
    stage.studio.editor.undo()
    assert stage.studio.editor.origin_of(stage.studio.editor.draft) is None
    stage.studio.editor.redo()
    assert stage.studio.editor.origin_of(stage.studio.editor.draft) is not None


def test_a_picture_that_comes_out_the_same_is_no_child_of_itself(stage: Stage) -> None:
    number, _ = first_picture(stage)
    stage.studio.restoring.restore(number)
    stage.studio.generate()
    stage.made(2)
    assert made_last(stage)[0] is None


@pytest.mark.parametrize("at", ["step 2", "decoding"])
def test_the_tie_outlives_a_restart(stage: Stage, open_stage: Open, at: str) -> None:
    number, pixels = first_picture(stage)
    gate = stage.backend.gate(at)
    stage.studio.again.vary(number, "strong")
    stage.until(gate.reached.is_set)
    assert stage.end()
    again = open_stage()
    again.start()
    again.until(lambda: again.listener.notices)
    notice = next(one for one in again.listener.notices if one.act is not None)
    assert notice.act is not None
    notice.act()
    again.made(2)
    assert made_last(again)[0] == Origin(picture=pixels, kind="variation")


@pytest.mark.parametrize(
    ("picture", "kind", "sheet"),
    [
        ("", "grid", ""),
        ("ab", "grid", ""),
        ("AB" * 32, "variation", ""),
        ("ab" * 32, "theft", ""),
        ("", "grid", "../../etc/passwd"),
        ("ab" * 32, "grid", "12"),
    ],
)
def test_an_unreadable_origin_is_refused(picture: str, kind: str, sheet: str) -> None:
    with pytest.raises(AppError):
        Origin(picture=picture, kind=kind, sheet=sheet)  # pyright: ignore[reportArgumentType]
