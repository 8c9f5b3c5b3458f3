"""The sidebar: seed, shelf, model, picture, and the card that says what is proved."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from desktop_app.recipe.recipe import SEED_MAX
from desktop_app.recipe.samplers import all_labels, label_of
from desktop_app.studio.values import Job
from desktop_app.ui import theme
from desktop_app.ui.panel_scroll import PanelScroll
from desktop_app.ui.parameter_sidebar import WIDTH, ParameterSidebar
from desktop_app.ui.picture_section import ratio_of, shape_chips
from desktop_app.ui.popover import Popover
from desktop_app.ui.proof_card import ProofCard
from desktop_app.ui.settings_dialog import SettingsDialog
from tests.ui.panels.conftest import MODEL, Scene, prompt_panel

pytestmark = pytest.mark.gui


@pytest.fixture
def sidebar(scene: Scene) -> ParameterSidebar:
    """The sidebar of a studio that has not been started."""
    studio = scene.studio
    made = ParameterSidebar(
        editor=studio.editor,
        seeds=studio.seeds,
        library=studio.library,
        desk=studio.desk,
        settings=studio.settings,
        run=studio.run,
        proofs=studio.proofs,
        random_seed=lambda: 4711,
        save_seed=studio.save_seed_preset,
    )
    scene.show(made, 300)
    return made


def read_models(scene: Scene) -> None:
    """Read the models' folders, and take the built-in one."""
    scene.studio.library.rescan()
    scene.until(lambda: scene.studio.library.models)
    scene.studio.choose_model(scene.studio.library.models[0].ref)
    scene.until(lambda: scene.studio.library.current is not None)


def name_sheet(name: str, sheet: Popover, scene: Scene) -> None:
    """Type a name into the sheet that asks for one."""
    field = sheet.findChild(QLineEdit)
    assert field is not None
    field.selectAll()
    scene.bot.keyClicks(field, name)
    scene.bot.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize("height", [500, 1400])
def test_the_scroll_bar_takes_no_width_from_what_is_shown(
    sidebar: ParameterSidebar, scene: Scene, height: int
) -> None:
    sidebar.resize(theme.px(WIDTH), height)
    area = sidebar.findChild(PanelScroll)
    assert area is not None
    scene.until(lambda: area.verticalScrollBar().isVisible() == (height == 500))
    QApplication.processEvents()
    assert sidebar.seed.width() == sidebar.proof.width() == theme.px(WIDTH - 32)


def test_the_draft_is_shown_and_edits_reach_it(sidebar: ParameterSidebar, scene: Scene) -> None:
    editor = scene.studio.editor
    editor.set(
        seed=SEED_MAX,
        seed_rule="step",
        width=192,
        height=128,
        num_inference_steps=33,
        guidance_scale=5.5,
        scheduler="dpmpp_2m",
        sigmas="karras",
        variation_strength=0.25,
        variation_seed=9,
    )
    picture = sidebar.picture
    picture.sampler.setFocus()
    assert sidebar.seed.seed.edit.text() == "18 446 744 073 709 551 615"
    assert (picture.width_edit.text(), picture.height_edit.text()) == ("192", "128")
    assert (picture.steps.number.text(), picture.guidance.number.text()) == ("33", "5.5")
    assert picture.sampler.currentText() == "DPM++ 2M Karras"
    assert sidebar.seed.variation.number.text() == "0.25"
    assert sidebar.seed.second.value == 9
    picture.steps.slider.setValue(9)
    picture.guidance.slider.setValue(0)
    assert editor.draft.num_inference_steps == 10
    assert editor.draft.guidance_scale == 0.0
    assert isinstance(editor.draft.guidance_scale, float)


def test_showing_a_draft_changes_nothing(sidebar: ParameterSidebar, scene: Scene) -> None:
    editor = scene.studio.editor
    for scheduler, sigmas in all_labels().values():
        draft = replace(
            editor.draft, scheduler=scheduler, sigmas=sigmas, guidance_scale=7.123, width=1000
        )
        editor.replace(draft, "test")
        assert editor.draft == draft
        assert sidebar.picture.sampler.currentText() == label_of(scheduler, sigmas)


def test_every_sampler_can_be_chosen(sidebar: ParameterSidebar, scene: Scene) -> None:
    combo = sidebar.picture.sampler
    names = [combo.itemText(row) for row in range(combo.count()) if combo.itemText(row)]
    assert names == list(all_labels())
    for name in names:
        row = combo.findText(name)
        combo.setCurrentIndex(row)
        combo.activated.emit(row)
        draft = scene.studio.editor.draft
        assert label_of(draft.scheduler, draft.sigmas) == name


def test_a_wrong_size_is_refused_in_place(sidebar: ParameterSidebar, scene: Scene) -> None:
    scene.studio.editor.set(width=128)
    edit = sidebar.picture.width_edit
    edit.setFocus()
    edit.selectAll()
    scene.bot.keyClicks(edit, "130")
    scene.bot.keyClick(edit, Qt.Key.Key_Return)
    assert "in steps of 8" in sidebar.picture.refusal.text()
    assert sidebar.picture.refusal.isVisible()
    assert edit.text() == "130"
    assert scene.studio.editor.draft.width == 128


def test_the_second_seed_is_there_when_it_matters(sidebar: ParameterSidebar, scene: Scene) -> None:
    seed = sidebar.seed
    assert not seed.second.isVisible()
    seed.variation.slider.setValue(18)
    draft = scene.studio.editor.draft
    assert (draft.variation_strength, draft.variation_seed) == (0.18, 4711)
    assert seed.second.isVisible()
    scene.studio.editor.set(variation_seed=5)
    seed.variation.slider.setValue(30)
    assert scene.studio.editor.draft.variation_seed == 5
    scene.bot.mouseClick(seed.second_dice, Qt.MouseButton.LeftButton)
    assert scene.studio.editor.draft.variation_seed == 4711
    scene.bot.mouseDClick(seed.variation.name, Qt.MouseButton.LeftButton)
    assert not seed.second.isVisible()


def test_the_seed_rule_goes_round(sidebar: ParameterSidebar, scene: Scene) -> None:
    rules: list[str] = []
    for _ in range(3):
        scene.bot.mouseClick(sidebar.seed.seed.rule, Qt.MouseButton.LeftButton)
        rules.append(scene.studio.editor.draft.seed_rule)
    assert rules == ["keep", "step", "random"]


def test_a_seed_is_kept_used_renamed_and_deleted(sidebar: ParameterSidebar, scene: Scene) -> None:
    scene.start()
    editor, shelf = scene.studio.editor, sidebar.seed.shelf
    editor.set(seed=2847190663, seed_rule="random")
    name_sheet("Moonlit fox", shelf.ask_to_keep(sidebar.seed.seed.bookmark), scene)
    scene.until(lambda: "Moonlit fox" in shelf.row.shown())
    assert shelf.row.button("Moonlit fox").isChecked()

    editor.set(seed=1)
    assert not shelf.row.button("Moonlit fox").isChecked()
    scene.bot.mouseClick(shelf.row.button("Moonlit fox"), Qt.MouseButton.LeftButton)
    assert (editor.draft.seed, editor.draft.seed_rule) == (2847190663, "keep")

    name_sheet("Winter fox", shelf.ask_to_rename("Moonlit fox"), scene)
    scene.until(lambda: "Winter fox" in shelf.row.shown())
    assert "Moonlit fox" not in shelf.row.shown()

    menu = shelf.menu("Winter fox")
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "Delete").trigger()
    scene.until(lambda: "Winter fox" not in shelf.row.shown())


def test_a_name_that_is_taken_is_refused_in_its_sheet(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    scene.start()
    editor, shelf = scene.studio.editor, sidebar.seed.shelf
    editor.set(seed=1)
    name_sheet("Fox", shelf.ask_to_keep(sidebar.seed.seed.bookmark), scene)
    scene.until(lambda: "Fox" in shelf.row.shown())
    editor.set(seed=2)
    sheet = shelf.ask_to_keep(sidebar.seed.seed.bookmark)
    name_sheet("fox", sheet, scene)
    assert sheet.isVisible()
    name_sheet(" ", sheet, scene)
    assert sheet.isVisible()
    sheet.close()
    assert scene.studio.shelf.names() == ("Fox",)


def test_many_seeds_are_in_the_menu_behind_the_chips(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    scene.start()
    for at in range(11):
        scene.studio.editor.set(seed=at)
        scene.studio.shelf.save(f"Seed number {at}")
    scene.until(lambda: len(scene.studio.shelf.names()) == 11)
    shelf = sidebar.seed.shelf
    assert sum(key.startswith("Seed") for key in shelf.row.shown()) == 8
    last = shelf.more_menu().actions()[-1]
    last.trigger()
    assert scene.studio.editor.draft.seed == 10


def test_the_model_is_shown_with_what_it_was_trained_with(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    scene.studio.library.rescan()
    scene.studio.editor.set(model=MODEL)
    assert "being looked for" in sidebar.model.combo.currentText()
    read_models(scene)
    model = scene.studio.library.current
    assert model is not None
    assert sidebar.model.combo.currentText().endswith("built in")
    about = sidebar.model.about
    assert about.text().replace("\u00a0", " ").endswith(model.noise_schedule)
    scene.until(lambda: about.height() >= about.heightForWidth(about.width()))
    scene.studio.editor.set(model=MODEL)
    assert "not here" in sidebar.model.combo.currentText()
    assert "not on this machine" in about.text()
    chosen: list[object] = []
    sidebar.model_chosen.connect(chosen.append)
    sidebar.model.combo.activated.emit(0)
    assert chosen == [model]


def test_how_to_add_a_model_is_said_with_its_folder(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    sheet = sidebar.model.explain()
    labels = " ".join(one.text() for one in sheet.findChildren(QLabel))
    assert str(scene.studio.library.models_folder) in labels
    button = next(b for b in sheet.findChildren(QAbstractButton) if "Open" in b.text())
    with scene.bot.waitSignal(sidebar.folder_asked):
        scene.bot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_shapes_of_the_model_set_width_and_height(sidebar: ParameterSidebar, scene: Scene) -> None:
    read_models(scene)
    shapes = sidebar.picture.shapes
    sizes = [f"{width}x{height}" for width, height in scene.studio.library.sizes]
    assert list(shapes.shown()) == sizes
    for key in sizes:
        scene.bot.mouseClick(shapes.button(key), Qt.MouseButton.LeftButton)
        draft = scene.studio.editor.draft
        assert f"{draft.width}x{draft.height}" == key
        assert shapes.button(key).isChecked()
    scene.studio.editor.set(width=1000)
    assert not any(shapes.button(key).isChecked() for key in sizes)


def test_a_double_click_brings_the_models_own_numbers_back(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    read_models(scene)
    model = scene.studio.library.current
    assert model is not None
    scene.studio.editor.set(
        num_inference_steps=99, guidance_scale=1.0, width=640, height=640, scheduler="lms"
    )
    picture = sidebar.picture
    for name in (picture.steps.name, picture.guidance.name, picture.title, picture.sampler_name):
        scene.bot.mouseDClick(name, Qt.MouseButton.LeftButton)
    draft = scene.studio.editor.draft
    assert draft.num_inference_steps == model.default_steps
    assert draft.guidance_scale == model.default_guidance
    assert (draft.width, draft.height) == model.native_size
    assert draft.scheduler == model.default_scheduler


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((512, 512), "1:1"),
        ((512, 768), "2:3"),
        ((1344, 768), "16:9"),
        ((464, 576), "4:5"),
        ((1000, 64), "125:8"),
    ],
)
def test_a_shape_is_said_as_photographers_do(size: tuple[int, int], text: str) -> None:
    assert ratio_of(*size) == text


def test_two_sizes_of_one_shape_are_told_apart() -> None:
    chips = shape_chips(((128, 128), (192, 192), (128, 128), (128, 192), (256, 384)))
    assert [chip.text for chip in chips] == ["1:1", "192²", "2:3", "256×384"]


def test_previews_are_switched_in_the_settings(sidebar: ParameterSidebar, scene: Scene) -> None:
    sidebar.advanced.set_open(True)
    sidebar.advanced.previews.click()
    assert scene.studio.settings.values.previews is False
    scene.studio.settings.set(previews=True)
    assert sidebar.advanced.previews.isChecked()


def test_the_card_says_what_is_proved_about_the_picture(scene: Scene) -> None:
    scene.start()
    studio = scene.studio
    card = ProofCard(studio.run, studio.proofs)
    scene.show(card, 268, 120)
    studio.focus_picture.connect(card.show_picture)
    asked: list[object] = []
    card.verify_asked.connect(asked.append)
    assert card.title.text() == "Reproducible"
    assert not card.button.isVisible()
    studio.editor.set(prompt="a fox", width=64, height=64, num_inference_steps=2)
    studio.generate()
    scene.until(lambda: studio.gallery.total == 1 and studio.queue.active == 0)
    picture = studio.gallery.id_at(0)
    assert picture is not None
    scene.until(lambda: studio.gallery.record_of(picture) is not None)
    record = studio.gallery.record_of(picture)
    assert record is not None
    card.show_picture(record)
    assert card.title.text() == "Not yet verified"
    scene.bot.mouseClick(card.button, Qt.MouseButton.LeftButton)
    assert asked == [picture]
    assert record.recipe is not None
    job = Job(id=-1, run=99, kind="verify", recipe=record.recipe, picture=picture)
    studio.run.begin(job, (job,))
    scene.until(lambda: card.title.text() == "Making it again…")
    assert not card.button.isEnabled()
    studio.run.rest()
    scene.until(card.button.isEnabled)
    for verdict, title in (
        ("identical", "Reproducible"),
        ("similar", "Visually identical"),
        ("different", "Different"),
    ):
        card.show_picture(replace(record, verified=verdict))
        assert card.title.text() == title
        assert card.button.text() == "Verify again"
    card.show_picture(replace(record, recipe=None, provenance=None))
    assert "No proof" in card.title.text()
    assert not card.button.isVisible()


def test_the_settings_take_effect_as_they_are_changed(scene: Scene, tmp_path: Path) -> None:
    dialog = SettingsDialog(scene.studio)
    scene.show(dialog, 460, 560)
    settings = scene.studio.settings
    scene.bot.mouseClick(dialog.look.button("light"), Qt.MouseButton.LeftButton)
    assert settings.values.theme == "light"
    assert dialog.look.button("light").isChecked()
    dialog.threads.setFocus()
    dialog.threads.selectAll()
    scene.bot.keyClicks(dialog.threads, "2")
    assert settings.values.threads == 2
    scene.bot.mouseDClick(dialog.threads_name, Qt.MouseButton.LeftButton)
    assert settings.values.threads == 0
    dialog.text.setFocus()
    scene.bot.keyClick(dialog.text, Qt.Key.Key_Up)
    assert settings.values.text_percent == 110
    scene.bot.mouseDClick(dialog.text_name, Qt.MouseButton.LeftButton)
    assert settings.values.text_percent == 100
    settings.set(model_folders=(str(tmp_path),), pictures=str(tmp_path))
    remove = next(
        b for b in dialog.findChildren(QAbstractButton) if str(tmp_path) in b.accessibleName()
    )
    scene.bot.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert settings.values.model_folders == ()
    scene.bot.mouseClick(dialog.usual, Qt.MouseButton.LeftButton)
    assert settings.values.pictures == ""


CONTROLS = (
    QAbstractButton,
    QLineEdit,
    QPlainTextEdit,
    QComboBox,
    QAbstractSlider,
    QCheckBox,
)


def controls(widget: QWidget) -> list[QWidget]:
    """What can be worked with in a panel, scroll bars and lists inside combos left out."""
    found = [one for kind in CONTROLS for one in widget.findChildren(kind) if one.isVisible()]
    return [
        one
        for one in found
        if not one.inherits("QScrollBar") and one.isEnabled() and one.window() is widget.window()
    ]


def test_every_control_has_a_name_and_is_reached_by_tab(
    sidebar: ParameterSidebar, scene: Scene
) -> None:
    read_models(scene)
    scene.studio.editor.set(variation_strength=0.3)
    sidebar.advanced.set_open(True)
    prompts = prompt_panel(scene)
    for panel in (sidebar, prompts):
        wanted = controls(panel)
        assert len(wanted) >= 8
        for one in wanted:
            named = one.accessibleName() or getattr(one, "text", str)()
            assert named.strip(), one
        panel.activateWindow()
        wanted[0].setFocus()
        reached: set[QWidget] = set()
        for _ in range(len(wanted) + 30):
            focus = panel.focusWidget()
            reached.add(focus)
            scene.bot.keyClick(focus, Qt.Key.Key_Tab)
        assert not [one for one in wanted if one not in reached]
