"""One generation on the real engine: a real pipeline at toy size in the real thread."""

import shutil
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop_app.paths import resolve
from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.recipe.wishes import Wishes
from desktop_app.settings import Settings, save
from desktop_app.studio.local_engine import local_backend
from desktop_app.studio.studio import Studio
from tests.studio.conftest import Listener

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_picture_is_made_kept_and_proved_to_be_the_same(
    qtbot: QtBot, home: Path, tiny_model: Path
) -> None:
    shutil.copytree(tiny_model, home / "models" / "tiny")
    save(resolve().settings_file, Settings(threads=1))
    studio = Studio(resolve(), model_folders=(home / "models",))
    listener = Listener(studio)
    try:
        studio.start()
        studio.editor.set(prompt="(a red fox:1.2), snow", num_inference_steps=3)
        qtbot.waitUntil(lambda: studio.editor.draft.model is not None, timeout=60_000)
        studio.editor.set(width=64, height=64, count=2)
        studio.generate()
        qtbot.waitUntil(lambda: studio.gallery.total == 2, timeout=120_000)
        qtbot.waitUntil(lambda: not studio.run.busy, timeout=20_000)
        assert all(image is not None and image.width() == 8 for image in studio.run.previews)
        assert studio.timeline.filled == 3
        assert studio.device is not None
        picture = studio.gallery.id_at(1)
        assert picture is not None
        studio.again.reproduce(picture)
        qtbot.waitUntil(lambda: bool(listener.notices), timeout=60_000)
        assert listener.texts() == "Identical: every pixel came out the same."

        studio.editor.set(num_inference_steps=500)
        studio.generate()
        qtbot.waitUntil(lambda: studio.run.stage == "step", timeout=60_000)
        studio.cancel()
        qtbot.waitUntil(lambda: studio.queue.active == 0, timeout=60_000)
        assert studio.gallery.total == 2
    finally:
        assert studio.shutdown()
        studio.deleteLater()


@pytest.mark.parametrize(("megabytes", "kept"), [(0, 0), (1, 1)])
def test_the_engine_keeps_as_many_steps_as_the_settings_say(
    tmp_path: Path, tiny_model: Path, megabytes: int, kept: int
) -> None:
    backend = local_backend(
        lambda _: tiny_model,
        tmp_path,
        1,
        megabytes,
        device="",
        words=lambda _: None,
        wishes=lambda _: Wishes(),
    )
    recipe = Recipe(
        model=ModelRef(sha256="ab" * 32, name="tiny"),
        prompt="a red fox",
        seed=3,
        num_inference_steps=3,
        width=64,
        height=64,
    )
    try:
        backend.render(recipe, lambda _: None, previews=False)
        taken: list[int] = []
        backend.film(
            recipe,
            lambda _: None,
            lambda index, _count, _pixels: taken.append(index),
            noisy=False,
            small=False,
            only=2,
        )
    finally:
        backend.close()
    assert len(taken) == kept
