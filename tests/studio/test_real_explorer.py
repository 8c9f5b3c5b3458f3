"""The map and the grid on the real engine: a place of the map is the picture that is kept."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop_app.engine.noise import initial_noise, slerp
from desktop_app.paths import resolve
from desktop_app.recipe.explore import Corner
from desktop_app.recipe.recipe import FromNoise, Recipe
from desktop_app.settings import Settings, save
from desktop_app.store.sheets import read_sheet
from desktop_app.studio.qimage import from_qimage
from desktop_app.studio.sheet_image import lay_out
from desktop_app.studio.studio import Studio

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def studio(qtbot: QtBot, home: Path, tiny_model: Path) -> Iterator[Studio]:
    shutil.copytree(tiny_model, home / "models" / "tiny")
    save(resolve().settings_file, Settings(threads=1))
    made = Studio(resolve(), model_folders=(home / "models",))
    made.start()
    qtbot.waitUntil(
        lambda: made.gallery.ready and made.editor.draft.model is not None, timeout=60_000
    )
    made.editor.set(
        prompt="a red fox",
        seed=5,
        seed_rule="keep",
        width=64,
        height=64,
        num_inference_steps=10,
        scheduler="ddim",
        sigmas="default",
        guidance_scale=3.0,
    )
    yield made
    assert made.shutdown()
    made.deleteLater()


def plain(folder: Path, recipe: Recipe, noise: torch.Tensor) -> torch.Tensor:
    """The pixels of a plain diffusers call on this noise, (H, W, 3) 0 ... 1."""
    pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    (images, *_) = pipe(
        prompt=recipe.prompt,
        width=recipe.width,
        height=recipe.height,
        guidance_scale=recipe.guidance_scale,
        num_inference_steps=recipe.num_inference_steps,
        latents=noise,
        output_type="np",
        return_dict=False,
    )
    return torch.from_numpy(images[0])


def test_a_place_of_the_map_is_the_picture_that_is_kept(
    studio: Studio, qtbot: QtBot, home: Path
) -> None:
    explorer = studio.explorer
    explorer.open()
    explorer.set_corner(1, Corner(seed=77))
    qtbot.waitUntil(lambda: explorer.left == 0, timeout=180_000)
    explorer.refine([(2, 0), (4, 0)])
    qtbot.waitUntil(lambda: explorer.left == 0, timeout=60_000)
    assert studio.gallery.total == 0
    explorer.keep((2, 0))
    qtbot.waitUntil(lambda: studio.gallery.total == 1, timeout=60_000)
    number = studio.gallery.id_at(0)
    record = studio.gallery.record_of(number) if number is not None else None
    look, recipe = explorer.look((2, 0)), explorer.recipe((2, 0))
    assert record is not None
    assert look is not None
    assert recipe is not None
    assert record.recipe == recipe
    assert (from_qimage(QImage(str(record.path))) == from_qimage(look.image)).all()

    shape = (1, 4, 8, 8)
    first, second = (initial_noise(seed, FromNoise(), shape)[0] for seed in (5, 77))
    folder = home / "models" / "tiny"
    wanted = plain(folder, recipe, slerp(first, second, 0.5))
    assert (from_qimage(look.image) == (wanted * 255).round().numpy().astype("uint8")).all()
    corner = explorer.look((4, 0))
    assert corner is not None
    wanted = plain(folder, recipe, second)
    assert (from_qimage(corner.image) == (wanted * 255).round().numpy().astype("uint8")).all()


def test_a_grid_on_the_real_engine(studio: Studio, qtbot: QtBot) -> None:
    axes = [
        studio.sweeps.read_axis("seed", "1, 2"),
        studio.sweeps.read_axis("sampler", "DDIM, Euler a"),
    ]
    studio.sweeps.start(axes)
    qtbot.waitUntil(lambda: studio.gallery.total == 5, timeout=180_000)
    records = [studio.gallery.record_of(studio.gallery.id_at(row) or 0) for row in range(5)]
    sheet_record = records[0]
    assert sheet_record is not None
    sheet = read_sheet(sheet_record.path)
    assert sheet is not None
    shown = QImage(str(sheet_record.path))
    layout = lay_out(sheet)
    made = {record.recipe: record for record in records[1:] if record is not None}
    for cell in sheet.cells:
        pixels = from_qimage(QImage(str(made[cell.recipe].path)))
        part = shown.copy(layout.place(cell.at).toRect())
        assert (from_qimage(part) == pixels).all()
    studio.sweeps.measure()
    qtbot.waitUntil(lambda: studio.sweeps.seconds(sheet.cells) is not None, timeout=20_000)
