"""The explorer makes its pictures beside the queue, keeps nothing, and gives way at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.explore import Corner
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import FromNoise, Variation
from desktop_app.studio.explorer import ROUGH_STEPS, Explorer
from tests.studio.conftest import Stage
from tests.studio.test_names import lora

pytestmark = pytest.mark.gui


def opened(stage: Stage, *, seed: int = 5) -> Explorer:
    """The map of a draft, all of it made."""
    large = {"width": 384, "height": 384}
    stage.studio.editor.set(prompt="a fox", seed=seed, num_inference_steps=12, **large)
    stage.studio.explorer.open()
    stage.until(lambda: stage.studio.explorer.left == 0)
    return stage.studio.explorer


def test_the_map_of_the_draft_is_made_roughly_and_nothing_is_kept(stage: Stage) -> None:
    explorer = opened(stage)
    assert explorer.corners[0].seed == 5
    assert len({corner.seed for corner in explorer.corners}) == 4
    assert stage.backend.rendered == []  # a rough picture ends before it is decoded
    assert all(look is not None and not look.fine for look in map(explorer.look, places(explorer)))
    assert stage.studio.gallery.total == 0
    assert stage.studio.queue.jobs() == []
    assert stage.studio.run.stage == "idle"
    storage = stage.studio.gallery._storage  # pyright: ignore[reportPrivateUsage]
    assert storage is not None
    assert storage.journal.pending() == []


def test_the_map_is_made_once_the_lora_of_its_prompt_is_read(stage: Stage) -> None:
    studio, explorer = stage.studio, stage.studio.explorer
    studio.desk.assets.set_assets([replace(lora("ink", "ink"), sha256=None)])
    studio.editor.set(prompt="a fox <lora:ink:0.5>")
    explorer.open()
    assert explorer.problem is not None
    assert explorer.problem.code == "lora-unread"
    studio.desk.assets.set_assets([lora("ink", "ink")])
    assert explorer.problem is None
    stage.until(lambda: explorer.left == 0)
    recipe = explorer.recipe((0, 0))
    assert recipe is not None
    assert len(recipe.adapters) == 1


def test_a_rough_picture_too_small_to_be_seen_is_decoded(stage: Stage) -> None:
    stage.studio.editor.set(prompt="a fox", width=64, height=64)
    stage.studio.explorer.open()
    stage.until(lambda: stage.studio.explorer.left == 0)
    look = stage.studio.explorer.look((0, 0))
    assert look is not None
    assert not look.fine
    assert look.image.width() == 64
    assert stage.studio.gallery.total == 0


def places(explorer: Explorer) -> list[tuple[int, int]]:
    return [(c, r) for r in range(explorer.rows) for c in range(explorer.columns)]


def test_a_refined_place_is_the_picture_that_is_kept(stage: Stage) -> None:
    explorer = opened(stage)
    explorer.refine([(2, 1)])
    stage.until(lambda: (look := explorer.look((2, 1))) is not None and look.fine)
    (refined,) = stage.backend.rendered
    assert refined == explorer.recipe((2, 1))
    assert refined.num_inference_steps == 12
    explorer.keep((2, 1))
    stage.made(1)
    assert stage.backend.rendered[-1] == refined
    look = explorer.look((2, 1))
    newest = stage.studio.gallery.id_at(0)
    assert newest is not None
    path = stage.studio.gallery.path_of(newest)
    assert look is not None
    assert path is not None
    assert bits(QImage(str(path))) == bits(look.image)


def bits(image: QImage) -> bytes:
    # The bits are gone with their image, so it must have a name until they are copied.
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    return bytes(plain.constBits())


def test_generate_goes_before_the_map_and_the_map_goes_on(stage: Stage) -> None:
    gate = stage.backend.gate(f"step {ROUGH_STEPS}")
    stage.studio.editor.set(prompt="a fox", num_inference_steps=12, width=384, height=384)
    stage.studio.explorer.open()
    stage.until(gate.reached.is_set)
    stage.studio.generate()
    stage.until(lambda: stage.studio.queue.running is not None)
    stage.backend.gates.clear()
    gate.open.set()
    stage.until(lambda: stage.studio.gallery.total == 1)
    stage.until(lambda: stage.studio.explorer.left == 0)
    (made,) = stage.backend.rendered
    assert made.num_inference_steps == 12


def test_a_picture_that_was_ordered_over_the_map_can_be_cancelled_before_it_begins(
    stage: Stage,
) -> None:
    gate = stage.backend.gate("step 2")
    stage.studio.editor.set(prompt="a fox")
    stage.studio.explorer.open()
    stage.until(gate.reached.is_set)
    stage.studio.generate()
    stage.until(lambda: stage.studio.queue.running is not None)
    stage.studio.cancel()
    stage.until(lambda: stage.studio.queue.active == 0)
    stage.backend.gates.clear()
    gate.open.set()
    stage.until(lambda: stage.studio.explorer.left == 0)
    assert stage.studio.gallery.total == 0
    stage.studio.generate()
    stage.made(1)


def test_leaving_the_page_ends_what_is_made_for_it(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    stage.studio.editor.set(prompt="a fox")
    stage.studio.explorer.open()
    stage.until(gate.reached.is_set)
    stage.studio.explorer.rest()
    stage.backend.gates.clear()
    gate.open.set()
    stage.order()
    stage.made(1)
    assert stage.studio.explorer.left > 20


def test_zooming_in_keeps_the_pictures_that_both_have(stage: Stage) -> None:
    explorer = opened(stage)
    middle = explorer.recipe((2, 2))
    corner = explorer.look((2, 2))
    explorer.zoom(2, (2, 2))
    assert explorer.window.side == 0.5
    assert explorer.recipe((2, 2)) == middle
    again = explorer.look((2, 2))
    assert again is not None
    assert corner is not None
    assert again.image == corner.image
    assert explorer.left == 16
    explorer.recentre((4, 4))
    assert explorer.place((4, 4)) == (1.0, 1.0)
    explorer.whole()
    assert explorer.left == 0


def test_the_corners_are_their_seeds(stage: Stage) -> None:
    explorer = opened(stage)
    a, b, _, d = explorer.corners
    first, second, last = (explorer.recipe(place) for place in ((0, 0), (4, 0), (4, 4)))
    assert first is not None
    assert second is not None
    assert last is not None
    assert (first.seed, first.start) == (a.seed, FromNoise())
    assert second.start == FromNoise(variations=(Variation(seed=b.seed, weight=1.0),))
    assert last.start == FromNoise(variations=(Variation(seed=d.seed, weight=1.0),))


def test_corners_come_and_go(stage: Stage) -> None:
    explorer = opened(stage)
    explorer.remove_corner(3)
    explorer.remove_corner(2)
    assert explorer.is_line
    assert (explorer.columns, explorer.rows) == (7, 1)
    explorer.remove_corner(1)
    assert len(explorer.corners) == 2
    explorer.add_corner()
    explorer.set_corner(2, Corner(seed=77, name="Dawn"))
    assert explorer.corners[-1] == Corner(seed=77, name="Dawn")
    stage.until(lambda: explorer.left == 0)
    explorer.start_anew()
    assert explorer.corners[0].seed == 5


def test_a_corner_from_a_picture_is_the_parent_of_what_is_near_it(stage: Stage) -> None:
    stage.order(seed=9, seed_rule="keep")
    stage.made(1)
    newest = stage.studio.gallery.id_at(0)
    assert newest is not None
    record = stage.studio.gallery.record_of(newest)
    assert record is not None
    explorer = opened(stage)
    explorer.set_picture(1, record)
    assert explorer.corners[1].seed == 9
    explorer.keep((3, 0))
    stage.made(2)
    newest = stage.studio.gallery.id_at(0)
    made = stage.studio.gallery.record_of(newest) if newest is not None else None
    assert made is not None
    assert made.provenance is not None
    assert made.provenance.origin == Origin(picture=record.pixels_sha256, kind="explorer")
    explorer.keep((0, 4))
    stage.made(3)


def test_a_place_goes_into_the_draft_and_makes_the_same_picture(stage: Stage) -> None:
    explorer = opened(stage)
    wanted = explorer.recipe((1, 3))
    explorer.use((1, 3))
    stage.studio.generate()
    stage.made(1)
    assert stage.backend.rendered[-1] == wanted


def test_other_settings_make_another_map_and_another_seed_does_not(stage: Stage) -> None:
    explorer = opened(stage)
    stage.studio.editor.set(seed=1234)
    assert explorer.left == 0
    stage.studio.editor.set(guidance_scale=11.5)
    assert explorer.left == 25
    stage.until(lambda: explorer.left == 0)


def test_what_stands_in_the_way_is_told(stage: Stage, caught: list[AppError]) -> None:
    stage.studio.explorer.failed.connect(caught.append)
    stage.studio.explorer.open()
    assert stage.studio.explorer.problem is not None
    assert stage.studio.explorer.problem.code == "no-prompt"
    stage.backend.fail("step 1", AppError("out-of-memory", "There is not enough memory."))
    stage.studio.editor.set(prompt="a fox")
    stage.until(lambda: caught)
    assert stage.studio.explorer.recipe((0, 0)) is None
    assert stage.listener.notices == []
    stage.studio.editor.set(prompt="a fox in snow")
    stage.until(lambda: stage.studio.explorer.left == 0)
    assert stage.studio.explorer.problem is None


@pytest.fixture
def caught() -> list[AppError]:
    return []


def test_the_end_comes_while_the_map_is_made(open_stage: Callable[..., Stage]) -> None:
    stage = open_stage()
    stage.start()
    gate = stage.backend.gate("step 2")
    stage.studio.editor.set(prompt="a fox")
    stage.studio.explorer.open()
    stage.until(gate.reached.is_set)
    assert stage.end()
