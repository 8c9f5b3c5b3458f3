"""Grids: every cell a real picture, a sheet that holds all recipes, and none is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from desktop_app.errors import AppError
from desktop_app.recipe.codec import digest
from desktop_app.recipe.draft import draft_of
from desktop_app.recipe.duration import estimate, rates_of
from desktop_app.recipe.preset_file import SEEDS, document
from desktop_app.recipe.presets import seed_preset
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import ModelRef, RefinerUse
from desktop_app.recipe.sheet import Sheet
from desktop_app.store.metadata import read_picture
from desktop_app.store.sheets import read_sheet
from desktop_app.studio.sheet_image import PIXELS_MAX, SIDE_MAX, TEXT_LOW, draw, lay_out
from tests.recipe.test_sheet import sheet_of
from tests.store.samples import recipe_of
from tests.studio.conftest import Stage
from tests.studio.scripted import pixels_of

pytestmark = pytest.mark.gui
Open = Callable[..., Stage]


def start(stage: Stage, *axes: tuple[str, str], prompt: str = "a {red|blue} fox") -> int:
    """Order a grid; how many pictures it is."""
    stage.studio.editor.set(prompt=prompt, seed=3, seed_rule="keep")
    read = [stage.studio.sweeps.read_axis(key, text) for key, text in axes]
    stage.studio.sweeps.start(read)
    return len(stage.studio.sweeps.cells(read))


def newest(stage: Stage) -> Path:
    return path_at(stage, 0)


def path_at(stage: Stage, row: int) -> Path:
    number = stage.studio.gallery.id_at(row)
    assert number is not None
    path = stage.studio.gallery.path_of(number)
    assert path is not None
    return path


def test_every_cell_is_a_picture_and_the_sheet_holds_their_recipes(stage: Stage) -> None:
    count = start(stage, ("guidance_scale", "3, 5, 7"), ("options", "{red|blue}"))
    stage.made(count + 1)
    assert count == 6
    assert len(stage.backend.rendered) == 6
    stage.until(lambda: "grid of 6 pictures is done" in stage.listener.texts())
    sheet = read_sheet(newest(stage))
    assert sheet is not None
    assert sheet.title == "Guidance × Alternatives"
    assert {digest(cell.recipe) for cell in sheet.cells} == {
        digest(recipe) for recipe in stage.backend.rendered
    }
    for row in range(1, 7):
        number = stage.studio.gallery.id_at(row)
        record = stage.studio.gallery.record_of(number) if number is not None else None
        assert record is not None
        assert record.provenance is not None
        assert record.provenance.origin == sheet.origin


def test_the_sheet_shows_the_pictures_at_their_places(stage: Stage) -> None:
    count = start(stage, ("seed", "1-3"), ("num_inference_steps", "2, 4"))
    stage.made(count + 1)
    sheet = read_sheet(newest(stage))
    assert sheet is not None
    image = QImage(str(newest(stage))).convertToFormat(QImage.Format.Format_RGB888)
    layout = lay_out(sheet)
    assert image.size() == layout.size
    for cell in sheet.cells:
        place = layout.place(cell.at).toRect()
        part = image.copy(place).convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(part.constBits(), np.uint8).reshape(part.height(), part.bytesPerLine())
        shown = rows[:, : 3 * part.width()].reshape(part.height(), part.width(), 3)
        assert np.array_equal(shown, pixels_of(cell.recipe))


def test_a_grid_goes_on_after_a_restart(stage: Stage, open_stage: Open) -> None:
    gate = stage.backend.gate("decoding")
    start(stage, ("seed", "1-4"))
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 4)
    assert stage.end()
    again = open_stage()
    again.start()
    again.until(lambda: len(again.listener.notices) == 2)
    for notice in list(again.listener.notices):
        assert notice.act is not None
        notice.act()
    again.made(5)
    sheet = read_sheet(newest(again))
    assert sheet is not None
    assert [cell.recipe.seed for cell in sheet.cells] == [1, 2, 3, 4]


def test_a_cancelled_grid_can_be_completed(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    start(stage, ("seed", "1-4"))
    stage.until(gate.reached.is_set)
    stage.backend.gates.clear()
    gate.open.set()
    stage.until(lambda: stage.studio.gallery.total == 1)
    gate = stage.backend.gate("step 3")
    stage.until(lambda: gate.reached.is_set() or stage.studio.queue.active == 0)
    stage.studio.cancel()
    stage.backend.gates.clear()
    gate.open.set()
    stage.until(lambda: any(one.action == "Make the rest" for one in stage.listener.notices))
    there = stage.studio.gallery.total
    assert 1 <= there < 4
    notice = stage.listener.with_action("Make the rest")
    assert f"{there} of the 4" in notice.text
    assert notice.act is not None
    assert notice.other_act is not None
    notice.other_act()
    stage.made(there + 1)
    stage.until(lambda: f"shows {there} of 4" in stage.listener.texts())
    notice.act()
    stage.made(4 + 2)
    assert sorted(recipe.seed for recipe in stage.backend.rendered) == [1, 2, 3, 4]


def test_a_large_grid_is_shown_in_parts_and_cancelled_as_one(stage: Stage) -> None:
    gate = stage.backend.gate("step 2")
    start(stage, ("seed", "1-80"))
    stage.until(gate.reached.is_set)
    stage.until(lambda: stage.studio.queue.active == 80)
    assert stage.studio.run.size == 64
    stage.studio.cancel()
    stage.backend.gates.clear()
    gate.open.set()
    stage.idle()
    assert stage.studio.gallery.total == 0
    assert stage.listener.notices == []


def test_a_sheet_of_another_computer_can_be_made_here(stage: Stage) -> None:
    foreign = sheet_of(2, 1)
    model = stage.studio.library.models[0].ref
    cells = tuple(
        replace(cell, recipe=replace(cell.recipe, model=model, width=64, height=64))
        for cell in foreign.cells
    )
    foreign = replace(foreign, cells=cells)
    stage.studio.sweeps.again(foreign, cells)
    stage.made(3)
    assert read_sheet(newest(stage)) == foreign
    own = replace(foreign, cells=cells[:1])
    stage.studio.sweeps.again(own, own.cells)
    stage.until(lambda: stage.studio.gallery.total == 4)
    stage.idle()
    storage = stage.studio.sweeps._storage  # pyright: ignore[reportPrivateUsage]
    assert storage is not None
    assert storage.sheets.find(foreign.id) == foreign


def test_a_grid_of_a_picture_knows_it(stage: Stage) -> None:
    stage.order("a fox", seed=1, seed_rule="keep")
    stage.made(1)
    number = stage.studio.gallery.id_at(0)
    assert number is not None
    record = stage.studio.gallery.record_of(number)
    assert record is not None
    stage.studio.restoring.restore(number)
    guidance = stage.backend.rendered[0].guidance_scale
    axis = stage.studio.sweeps.read_axis("guidance_scale", f"{guidance}, 11.5")
    stage.studio.sweeps.start([axis])
    stage.made(4)
    sheet = read_sheet(newest(stage))
    assert sheet is not None
    assert sheet.picture == record.pixels_sha256
    other, same = (read_picture(path_at(stage, row)).provenance for row in (1, 2))
    assert other is not None
    assert other.origin == sheet.origin
    assert same is not None
    # The cell that is the picture itself is no child of it, and belongs to the grid all the same.
    assert same.pixels_sha256 == record.pixels_sha256
    assert same.origin == Origin(picture="", kind="grid", sheet=sheet.id)


def test_a_dropped_sheet_lists_its_recipes(stage: Stage) -> None:
    count = start(stage, ("seed", "1-2"))
    stage.made(count + 1)
    found: list[Sheet] = []
    stage.studio.sweeps.sheet_read.connect(found.append)
    stage.studio.open_file(newest(stage))
    stage.until(lambda: found)
    assert [cell.recipe.seed for cell in found[0].cells] == [1, 2]
    stage.studio.sweeps.again(found[0], found[0].cells[:1])
    stage.made(4)
    draft = stage.studio.editor.draft
    number = stage.studio.gallery.id_at(2)
    path = stage.studio.gallery.path_of(number) if number is not None else None
    assert path is not None
    stage.studio.open_file(path)
    stage.until(lambda: stage.studio.editor.draft != draft)
    assert len(found) == 1


def test_seed_presets_are_dropped_on_an_axis(stage: Stage) -> None:
    draft = replace(draft_of(recipe_of(77)), variation_seed=5, variation_strength=0.25)
    data = document(SEEDS, [seed_preset("Dawn", draft), seed_preset("Dusk", draft)])
    assert stage.studio.sweeps.preset_names(data) == ("Dawn", "Dusk")
    stage.until(lambda: len(stage.studio.shelf.names()) == 2)
    axis = stage.studio.sweeps.read_axis("preset", "Dawn")
    stage.studio.editor.set(prompt="a fox")
    (cell,) = stage.studio.sweeps.cells([axis])
    assert cell.recipe.seed == 77
    with pytest.raises(AppError):
        stage.studio.sweeps.preset_names(b"not a preset")


def test_each_model_of_a_grid_has_what_completes_it(stage: Stage) -> None:
    other = ModelRef(sha256="ab" * 32, name="other", kind="text_encoder")
    stage.studio.editor.set(prompt="a fox")
    stage.choose_network()
    for _ in range(2):
        axis = stage.studio.sweeps.read_axis("model", "Scripted, dreams")
        whole, network = (cell.recipe for cell in stage.studio.sweeps.cells([axis]))
        assert (whole.vae, whole.text_encoders) == (None, ())
        assert network.vae is not None
        assert network.vae.name == "mse"
        assert [one.name for one in network.text_encoders] == ["clip_l"]
        models = {one.title: one for one in stage.studio.library.models}
        stage.studio.choose_model(models["Scripted"])
        assert stage.studio.editor.draft.text_encoders == ()
    # What the artist chose for the model in use stays with it.
    stage.studio.editor.set(text_encoders=(other,))
    axis = stage.studio.sweeps.read_axis("model", "Scripted, dreams")
    whole, network = (cell.recipe for cell in stage.studio.sweeps.cells([axis]))
    assert whole.text_encoders == (other,)
    assert [one.name for one in network.text_encoders] == ["clip_l"]


def test_a_refiner_is_left_out_for_models_that_have_none(stage: Stage) -> None:
    refiner = RefinerUse(model=ModelRef(sha256="ab" * 32, name="fine"))
    stage.choose_network()
    stage.studio.editor.set(prompt="a fox", refiner=refiner)
    axis = stage.studio.sweeps.read_axis("model", "Scripted")
    (cell,) = stage.studio.sweeps.cells([axis])
    assert cell.recipe.refiner is None


def test_the_time_is_told_from_pictures_that_were_made(stage: Stage) -> None:
    sweeps = stage.studio.sweeps
    stage.studio.editor.set(prompt="a fox")
    found = sweeps.cells([sweeps.read_axis("num_inference_steps", "2, 4")])
    assert sweeps.seconds(found) is None
    stage.order(seed=1)
    stage.made(1)
    sweeps.measure()
    stage.until(lambda: sweeps.seconds(found) is not None)
    steps = stage.backend.rendered[0].num_inference_steps
    assert sweeps.seconds(found) == pytest.approx(0.1 / steps * 6)


def test_a_sampler_that_looks_twice_takes_twice_as_long() -> None:
    base = replace(recipe_of(), num_inference_steps=10)
    rates = rates_of([(base, 1.0), (base, 3.0), (base, 2.0)])
    assert estimate(rates, [base]) == pytest.approx(2.0)
    assert estimate(rates, [replace(base, scheduler="heun")] * 2) == pytest.approx(8.0)
    assert estimate(rates, [replace(base, width=2 * base.width)]) == pytest.approx(4.0)
    other = replace(base, model=replace(base.model, sha256="99" * 32))
    assert estimate(rates, [base, other]) is None


@pytest.mark.parametrize("side", [64, 512, 2048])
@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (100, 5), (5, 100), (20, 25)])
def test_a_sheet_is_bounded_and_its_text_can_be_read(side: int, columns: int, rows: int) -> None:
    sheet = sheet_of(columns, rows)
    big = tuple(
        replace(cell, recipe=replace(cell.recipe, width=side, height=side)) for cell in sheet.cells
    )
    layout = lay_out(replace(sheet, cells=big))
    size = layout.size
    assert max(size.width(), size.height()) <= SIDE_MAX
    assert size.width() * size.height() <= PIXELS_MAX
    assert layout.text >= TEXT_LOW
    last = layout.place((columns - 1, rows - 1))
    assert last.right() <= size.width()
    assert last.bottom() <= size.height()


def test_a_third_axis_makes_parts_and_gaps_are_left_empty(qapp: object) -> None:
    flat = sheet_of(2, 2)
    deep = Sheet(
        id=flat.id,
        axes=(*flat.axes, replace(flat.axes[0], name="Style", labels=("Ink", "Fog" * 80))),
        cells=tuple(replace(cell, at=(*cell.at, z)) for z in range(2) for cell in flat.cells),
    )
    image = draw(deep, lambda cell: None)
    assert image.size() == lay_out(deep).size
    assert lay_out(deep).place((0, 0, 1)).top() > lay_out(deep).place((0, 1, 0)).bottom()
