"""What is attached to the model, as an artist adds, weighs and removes it."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop_app.recipe.blocks import LAYOUTS, only
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse, ModelRef
from desktop_app.studio.assets import Asset
from desktop_app.ui.adapters_panel import AdaptersPanel
from desktop_app.ui.parameter_sidebar import ParameterSidebar
from tests.library import files
from tests.ui.conftest import Shown
from tests.ui.test_accessible import controls, describe, name_of
from tests.ui.test_library_page import lora

pytestmark = pytest.mark.gui


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """LoRAs of two families, a textual inversion and a VAE."""
    made = tmp_path / "Others"
    lora(made / "loras" / "ink.safetensors")
    lora(made / "loras" / "oil.safetensors", rank=8)
    modules = files.sdxl_lora_modules()
    files.write_shapes(made / "loras" / "large.safetensors", files.kohya(modules))
    files.write_shapes(made / "embeddings" / "calm hand.safetensors", {"emb_params": (2, 768)})
    files.write_shapes(made / "vae" / "mse.safetensors", files.vae())
    files.write_shapes(made / "vae" / "wide.safetensors", files.vae(16))
    return made


@pytest.fixture
def sidebar(shown: Shown, folder: Path) -> ParameterSidebar:
    """The sidebar with the folder watched and everything hashed."""
    desk = shown.stage.studio.desk
    desk.watch(folder)
    shown.until(lambda: sum(one.path.is_relative_to(folder) for one in desk.assets.all) == 6)
    shown.until(lambda: all(one.sha256 or one.unsupported for one in desk.assets.all))
    library = shown.stage.studio.library
    shown.until(lambda: not library.scanning)
    shown.stage.studio.choose_model(library.models[0])
    assert library.current is not None
    shown.settle()
    return shown.window.create_page.sidebar


def asset(shown: Shown, name: str) -> Asset:
    return next(one for one in shown.stage.studio.desk.assets.all if one.name == name)


def attach(shown: Shown, *names: str) -> AdaptersPanel:
    for name in names:
        shown.stage.studio.desk.use(asset(shown, name))
    shown.settle()
    return shown.window.create_page.sidebar.adapters


def offered(panel: AdaptersPanel) -> list[str]:
    sheet = panel.offer(panel.add)
    names = [
        sheet.offered.rows.index(row, 0).data() for row in range(sheet.offered.rows.rowCount())
    ]
    sheet.close()
    return names


def test_nothing_is_shown_until_something_is_attached(
    shown: Shown, sidebar: ParameterSidebar
) -> None:
    panel = sidebar.adapters
    assert not panel.isVisible()
    sheet = sidebar.model.explain()
    button = next(
        one for one in sheet.findChildren(QPushButton) if one.accessibleName() == "Add a LoRA…"
    )
    with shown.stage.bot.waitSignal(sidebar.model.adapter_asked):
        button.click()
    attach(shown, "ink")
    assert panel.isVisible()
    assert [row.name.full_text() for row in panel.rows] == ["ink"]
    shown.stage.studio.editor.undo()
    assert not panel.isVisible()
    assert panel.rows == []


def test_only_what_fits_is_offered_and_found_by_typing(
    shown: Shown, sidebar: ParameterSidebar
) -> None:
    panel = sidebar.adapters
    assert offered(panel) == ["ink", "oil", "calm hand   ·   textual inversion"]
    attach(shown, "ink")
    assert offered(panel) == ["oil", "calm hand   ·   textual inversion"]
    sheet = panel.offer(panel.add)
    QTest.keyClicks(sheet.offered.search, "inkw oil")
    assert sheet.offered.rows.rowCount() == 1  # by a word that calls it, and by its name
    QTest.keyClick(sheet.offered.search, Qt.Key.Key_Return)
    shown.settle()
    assert [row.name.full_text() for row in panel.rows] == ["ink", "oil"]


def test_a_weight_is_set_by_slider_key_and_number(shown: Shown, sidebar: ParameterSidebar) -> None:
    editor = shown.stage.studio.editor
    attach(shown, "oil")
    panel = attach(shown, "ink")
    row = panel.rows[1].weight
    assert row is not None
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Left)
    QTest.keyClick(row.slider, Qt.Key.Key_Left)
    first, second = editor.draft.adapters
    assert isinstance(first, LoraUse)
    assert isinstance(second, LoraUse)
    assert (first.weight, second.weight) == (1.0, 0.9)
    row.slider.setValue(row.slider.minimum())
    assert editor.draft.adapters[1] == LoraUse(lora=second.lora, weight=-2.0)
    row.number.selectAll()
    QTest.keyClicks(row.number, "3.21")
    assert editor.draft.adapters[1] == LoraUse(lora=second.lora, weight=3.21)
    assert row.slider.value() == row.slider.maximum()
    row.number.selectAll()
    QTest.keyClicks(row.number, "9")
    assert "from -4 to 4" in row.number.check()
    assert shown.window.create_page._first_refused() is not None  # pyright: ignore[reportPrivateUsage]
    editor.undo()
    assert editor.draft.adapters == (first, LoraUse(lora=second.lora, weight=1.0))
    assert row.number.text() == "1.00"
    assert row.slider.value() == 20


def test_blocks_are_weighed_by_choice_and_one_by_one(
    shown: Shown, sidebar: ParameterSidebar
) -> None:
    editor = shown.stage.studio.editor
    panel = attach(shown, "ink")
    fold = panel.rows[0].blocks
    assert fold is not None
    assert fold.isVisible()
    assert fold.rows == {}
    fold.set_open(True)
    assert list(fold.rows) == ["BASE", *LAYOUTS["sd1"].attention]
    fold.choice.setCurrentIndex(2)
    fold.choice.activated.emit(2)
    (use,) = editor.draft.adapters
    assert isinstance(use, LoraUse)
    deep = ("BASE", "IN05", "IN07", "IN08", "M00", "OUT03", "OUT04", "OUT05", "OUT06")
    assert use.blocks == only(deep)
    assert fold.rows["IN04"].number.value == 0.0
    assert fold.rows["M00"].number.value == 1.0
    fold.rows["M00"].slider.setFocus()
    QTest.keyClick(fold.rows["M00"].slider, Qt.Key.Key_Left)
    (use,) = editor.draft.adapters
    assert isinstance(use, LoraUse)
    assert dict(use.blocks)["M00"] == 0.95
    assert fold.choice.currentIndex() == -1
    assert fold.title() == "Blocks: own weights"
    editor.undo()
    editor.undo()
    assert fold.title() == "Blocks"
    assert fold.choice.currentText() == "All alike"
    fold.rows["IN04"].number.selectAll()
    QTest.keyClicks(fold.rows["IN04"].number, "7")
    assert "from -4 to 4" in fold.rows["IN04"].number.check()


def test_tags_of_the_prompt_have_rows_that_edit_the_text(
    shown: Shown, sidebar: ParameterSidebar
) -> None:
    editor, panel = shown.stage.studio.editor, sidebar.adapters
    editor.set(prompt="a fox, <lora:ink:0.8:lbw=OUTD>, <lora:nobody>, fog")
    shown.settle()
    assert panel.isVisible()
    ink, nobody = panel.rows
    assert [row.name.full_text() for row in panel.rows] == ["ink", "nobody"]
    assert "weights of its blocks" in ink.origin.text()
    assert "OUT07 0" in ink.origin.toolTip()
    assert nobody.origin.text() == "From the prompt"
    assert ink.trouble.isHidden()
    assert "no LoRA called “nobody”" in nobody.trouble.text()
    assert ink.words.shown() == ("inkwash",)
    assert ink.weight is not None
    ink.weight.slider.setFocus()
    QTest.keyClick(ink.weight.slider, Qt.Key.Key_Left)
    assert editor.draft.prompt == "a fox, <lora:ink:0.75:lbw=OUTD>, <lora:nobody>, fog"
    assert shown.window.create_page.prompts.prompt.toPlainText() == editor.draft.prompt
    assert panel.rows[0] is ink
    assert "ink" not in offered(panel)
    nobody.remove.click()
    assert editor.draft.prompt == "a fox, <lora:ink:0.75:lbw=OUTD>, fog"
    editor.undo()
    assert len(panel.rows) == 2
    attach(shown, "ink")
    assert [row.name.full_text() for row in panel.rows] == ["ink", "ink", "nobody"]
    assert "weight there counts" in panel.rows[0].trouble.text()
    # A picture's settings name the file as it was called then.
    ref = ModelRef(sha256=asset(shown, "ink").sha256 or "", name="ink_v1", kind="lora")
    editor.set(adapters=(LoraUse(lora=ref),))
    assert "weight there counts" in panel.rows[0].trouble.text()
    editor.set(prompt="a fox")
    assert panel.rows[0].trouble.isHidden()
    editor.set(prompt="a fox <lora:large:1>")
    assert "It was made for Stable Diffusion XL" in panel.rows[1].trouble.text()


def test_words_go_into_the_prompt_and_removing_is_undone(
    shown: Shown, sidebar: ParameterSidebar
) -> None:
    editor = shown.stage.studio.editor
    editor.set(prompt="a fox")
    panel = attach(shown, "ink", "calm hand")
    assert panel.rows[0].words.shown() == ("inkwash",)
    panel.rows[0].words.button("inkwash").click()
    assert editor.draft.prompt == "a fox, calm_hand, inkwash"
    assert isinstance(editor.draft.adapters[1], EmbeddingUse)
    assert panel.rows[1].weight is None
    assert panel.rows[1].words.shown() == ("calm_hand",)
    before = editor.draft.adapters
    panel.rows[0].remove.click()
    assert editor.draft.adapters == before[1:]
    assert editor.undo_label == "LoRA"
    editor.undo()
    assert editor.draft.adapters == before
    assert len(panel.rows) == 2


def test_what_does_not_fit_or_is_not_here_is_named(
    shown: Shown, sidebar: ParameterSidebar, folder: Path
) -> None:
    editor, library = shown.stage.studio.editor, shown.stage.studio.library
    panel = attach(shown, "ink", "large")
    assert panel.rows[0].trouble.isHidden()
    assert panel.rows[1].trouble.text() == (
        "It was made for Stable Diffusion XL; “Mezzotint Starter” is Stable Diffusion 1.x."
    )
    lost = ModelRef(sha256="ab" * 32, name="lost", kind="lora")
    editor.set(adapters=(*editor.draft.adapters[:1], LoraUse(lora=lost)))
    shown.settle()
    assert panel.rows[1].trouble.text() == "This LoRA is not on this computer."
    (folder / "loras" / "ink.safetensors").unlink()
    library.rescan()
    shown.until(lambda: panel.rows[0].trouble.text() == "This LoRA is not on this computer.")


def test_a_lora_that_went_away_is_named(
    shown: Shown, sidebar: ParameterSidebar, folder: Path
) -> None:
    studio = shown.stage.studio
    panel = attach(shown, "ink")
    studio.desk.set_favourite(asset(shown, "ink"), True)
    shown.until(lambda: asset(shown, "ink").favourite)
    shown.settle()
    (folder / "loras" / "ink.safetensors").unlink()
    studio.library.rescan()
    shown.until(lambda: "not where it was" in panel.rows[0].trouble.text())


def test_another_vae_is_chosen_and_left(shown: Shown, sidebar: ParameterSidebar) -> None:
    editor, fold = shown.stage.studio.editor, sidebar.advanced
    fold.set_open(True)
    names = [fold.vae.itemText(row) for row in range(fold.vae.count())]
    assert names == ["The model’s own", "mse"]
    fold.vae.setCurrentIndex(1)
    fold.vae.activated.emit(1)
    vae = asset(shown, "mse")
    assert editor.draft.vae == ModelRef(sha256=vae.sha256 or "", name="mse", kind="vae")
    fold.vae_name.reset_asked.emit()
    assert editor.draft.vae is None
    assert fold.vae.currentIndex() == 0
    wide = asset(shown, "wide")
    editor.set(vae=ModelRef(sha256=wide.sha256 or "", name="wide", kind="vae"))
    assert fold.vae.currentText() == "wide"
    assert "16 channels" in fold.trouble.text()


def test_layers_of_clip_are_skipped(shown: Shown, sidebar: ParameterSidebar) -> None:
    fold = sidebar.advanced
    fold.set_open(True)
    assert fold.clip_skip.isVisible()
    fold.clip_skip.slider.setFocus()
    QTest.keyClick(fold.clip_skip.slider, Qt.Key.Key_Right)
    assert shown.stage.studio.editor.draft.clip_skip == 1
    fold.clip_skip.reset()
    assert shown.stage.studio.editor.draft.clip_skip == 0


def test_every_control_has_a_name(shown: Shown, sidebar: ParameterSidebar) -> None:
    shown.stage.studio.editor.set(prompt="a fox <lora:oil:1>")
    panel = attach(shown, "ink", "calm hand")
    fold = panel.rows[0].blocks
    assert fold is not None
    fold.set_open(True)
    sidebar.advanced.set_open(True)
    shown.settle()
    found = controls(sidebar.adapters) + controls(sidebar.advanced)
    assert len(found) > 8
    assert [describe(one) for one in found if not name_of(one).strip()] == []
