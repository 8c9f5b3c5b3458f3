"""How models are kept in memory, as an artist sees and decides it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from desktop_app.engine.backend import DeviceChoice, DeviceInfo, Rendered
from desktop_app.engine.plan import Place
from desktop_app.errors import AppError
from desktop_app.recipe.wishes import Wishes
from desktop_app.ui.fields import Combo
from desktop_app.ui.main_window import MODELS
from desktop_app.ui.settings_dialog import SettingsDialog
from tests.studio.conftest import Stage
from tests.studio.scripted import ScriptedBackend
from tests.ui.conftest import Shown, show_window

pytestmark = pytest.mark.gui
CARD = Place(kind="cuda", memory=8 * 10**9, half=True, bfloat16=True)
CPU = Place(kind="cpu", memory=16 * 10**9, half=False, bfloat16=True)
NOTE = "Because the memory ran out, attention was computed in slices."


class Placed(ScriptedBackend):
    """On a machine whose devices are known."""

    place = CARD
    machine = ("cuda:0", "cpu")
    notes: tuple[str, ...] = ()

    def device(self) -> DeviceInfo:
        choices = tuple(DeviceChoice(key=key, name=f"Device {key}") for key in self.machine)
        return replace(super().device(), place=self.place, choices=choices)

    def render(self, *arguments: Any, **options: Any) -> Rendered:
        made = super().render(*arguments, **options)
        return replace(made, provenance=replace(made.provenance, notes=self.notes))


class OnProcessor(Placed):
    place = CPU
    machine = ("cpu",)


@pytest.fixture
def placed(open_stage: Callable[..., Stage], qapp: QApplication) -> Iterator[Shown]:
    stage = open_stage(Placed())
    stage.start()
    yield from show_window(stage, qapp)


@pytest.fixture
def on_processor(open_stage: Callable[..., Stage], qapp: QApplication) -> Iterator[Shown]:
    stage = open_stage(OnProcessor())
    stage.start()
    yield from show_window(stage, qapp)


def choose(combo: Combo, words: str) -> None:
    row = next(row for row in range(combo.count()) if combo.itemText(row).startswith(words))
    combo.setCurrentIndex(row)
    combo.activated.emit(row)


def settings(shown: Shown) -> SettingsDialog:
    dialog = shown.window.open_settings()
    assert isinstance(dialog, SettingsDialog)
    shown.settle()
    return dialog


def shown_fields(form: Any) -> list[str]:
    return [name for name, combo in form.fields.items() if combo.isVisible()]


def test_only_what_the_machine_has_is_offered(placed: Shown) -> None:
    dialog = settings(placed)
    assert shown_fields(dialog.memory.form) == ["dtype", "offload", "float8", "tiled"]
    assert dialog.memory.device.isVisible()
    assert [dialog.memory.device.itemText(row) for row in range(3)] == [
        "Automatic",
        "Device cuda:0",
        "Device cpu",
    ]


def test_a_processor_alone_has_fewer_choices(on_processor: Shown) -> None:
    dialog = settings(on_processor)
    assert shown_fields(dialog.memory.form) == ["dtype", "float8", "tiled"]
    assert not dialog.memory.device.isVisible()
    dtype = dialog.memory.form.fields["dtype"]
    assert [dtype.itemData(row) for row in range(dtype.count())] == [None, "float32", "bfloat16"]


def test_nothing_is_offered_by_an_engine_without_a_plan(shown: Shown) -> None:
    dialog = settings(shown)
    assert shown_fields(dialog.memory.form) == []
    assert "this engine makes no plan" in dialog.memory.hint.text()


def test_what_can_be_chosen_is_awaited_no_longer_than_the_engine(
    open_stage: Callable[..., Stage], qapp: QApplication
) -> None:
    backend = Placed()
    stage = open_stage(backend)
    backend.fail("start", AppError("no-torch", "PyTorch is damaged."))
    for shown in show_window(stage, qapp):
        hint = settings(shown).memory.hint
        assert "once the engine is there" in hint.text()
        stage.studio.start()
        stage.until(lambda: stage.studio.engine == "failed")
        assert "the engine could not be started" in hint.text()
        again = stage.listener.with_action("Try again").act
        assert again is not None
        again()
        stage.until(lambda: stage.studio.engine == "ready")
        assert "Counts from the next picture on" in hint.text()


def test_what_is_decided_for_all_is_kept_and_taken_back(placed: Shown) -> None:
    studio = placed.stage.studio
    dialog = settings(placed)
    form = dialog.memory.form
    assert form.reset.isHidden()
    choose(form.fields["dtype"], "float32")
    choose(form.fields["tiled"], "In tiles")
    assert studio.settings.values.memory == {"dtype": "float32", "tiled": True}
    model = studio.library.models[0].ref
    assert studio.memory.wishes(model) == Wishes(dtype="float32", tiled=True)
    form.reset.click()
    assert studio.settings.values.memory == {}
    assert form.fields["dtype"].currentText() == "Automatic"
    assert form.reset.isHidden()


def test_another_device_is_chosen_and_one_that_is_gone_is_named(placed: Shown) -> None:
    studio = placed.stage.studio
    dialog = settings(placed)
    choose(dialog.memory.device, "Device cpu")
    assert studio.settings.values.device == "cpu"
    placed.until(lambda: studio.engine == "ready")
    studio.settings.set(device="cuda:7")
    assert dialog.memory.device.currentText() == "cuda:7 – not here"
    choose(dialog.memory.device, "Automatic")
    assert studio.settings.values.device == ""
    placed.until(lambda: studio.engine == "ready")


def test_a_model_tells_its_plan_and_takes_decisions_of_its_own(placed: Shown) -> None:
    studio = placed.stage.studio
    placed.window.show_page(MODELS)
    placed.until(lambda: any(one.sha256 for one in studio.desk.assets.all))
    asset = next(one for one in studio.desk.assets.all if one.identity.kind == "checkpoint")
    placed.window.show_model(asset.path)
    placed.settle()
    memory = placed.window.library_page.details.memory
    memory.set_open(True)
    placed.until(lambda: "graphics card (float16)" in memory.words.text())
    assert "about" in memory.words.text()
    assert not memory.pixels.isVisible()
    assert memory.form.fields["dtype"].currentText() == "As usual: float16"
    choose(memory.form.fields["dtype"], "bfloat16")
    choose(memory.form.fields["offload"], "One part")
    placed.until(lambda: "One part of the model at a time" in memory.words.text())
    assert "(bfloat16)" in memory.words.text()
    assert memory.pixels.isVisible()
    ref = studio.library.models[0].ref
    wanted = Wishes(dtype="bfloat16", offload="model")
    placed.until(lambda: studio.memory.wishes(ref) == wanted)
    studio.memory.decide(Wishes(dtype="float32", tiled=True))
    assert studio.memory.wishes(ref) == replace(wanted, tiled=True)
    memory.form.reset.click()
    placed.until(lambda: studio.memory.wishes(ref) == Wishes(dtype="float32", tiled=True))
    placed.until(lambda: memory.form.fields["dtype"].currentText() == "As usual: float32")


def test_what_memory_made_necessary_is_told_once_and_stays_with_the_picture(
    placed: Shown,
) -> None:
    backend, listener = placed.stage.backend, placed.stage.listener
    assert isinstance(backend, Placed)
    placed.make()
    card = placed.window.create_page.sidebar.proof
    placed.until(lambda: card.made.text() == "Computed in float32 on the processor.")
    backend.notes = (NOTE,)
    placed.make()
    placed.until(lambda: NOTE in card.made.text())
    placed.make()
    assert listener.texts().count(NOTE) == 1
    backend.notes = ()
    placed.make()
    placed.until(lambda: NOTE not in card.made.text())
    backend.notes = (NOTE,)
    placed.make()
    placed.until(lambda: listener.texts().count(NOTE) == 2)
