"""The page with the models, as an artist uses it: real files, a hub on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QContextMenuEvent, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton

from desktop_app.recipe.recipe import LoraUse
from desktop_app.studio.assets import Asset
from desktop_app.ui.drop_overlay import model_paths
from desktop_app.ui.fields import FoldSection
from desktop_app.ui.library_cards import AssetDelegate, card_line
from desktop_app.ui.library_details import DetailsPane
from desktop_app.ui.library_page import LibraryPage
from desktop_app.ui.main_window import CREATE, MODELS
from tests.library import files
from tests.library import hub_server as server
from tests.library.hub_server import Hub, serve
from tests.ui.conftest import Shown
from tests.ui.test_accessible import controls, describe, name_of

pytestmark = pytest.mark.gui


def lora(path: Path, rank: int = 4) -> Path:
    modules = [
        (f"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_{part}", 320, 320)
        for part in ("q", "k", "v")
    ]
    words = '{"a": {"inkwash": 12, "dark line": 3}}'
    told = {"ss_base_model_version": "sd_v1", "ss_tag_frequency": words}
    return files.write_shapes(path, files.kohya(modules, rank=rank), metadata=told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Another program's models: two LoRAs, a VAE, and one that cannot be used."""
    made = tmp_path / "Others"
    lora(made / "loras" / "ink.safetensors")
    lora(made / "loras" / "oil.safetensors", rank=8)
    files.write_shapes(made / "vae" / "mse.safetensors", files.vae())
    (made / "upscale_models").mkdir()
    (made / "upscale_models" / "sharp.pth").write_bytes(b"x" * 50)
    return made


@pytest.fixture
def page(shown: Shown, folder: Path) -> LibraryPage:
    """The page with the folder watched and everything hashed."""
    desk = shown.stage.studio.desk
    shown.window.show_page(MODELS)
    desk.watch(folder)
    shown.until(lambda: sum(one.path.is_relative_to(folder) for one in desk.assets.all) == 4)
    shown.until(lambda: all(one.sha256 or one.unsupported for one in desk.assets.all))
    shown.settle()
    return shown.window.library_page


def names(page: LibraryPage) -> list[str]:
    model = page.view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def choose(page: LibraryPage, name: str) -> Asset:
    row = names(page).index(name)
    page.view.setCurrentIndex(page.view.model().index(row, 0))
    asset = page.view.current
    assert asset is not None
    return asset


def test_the_page_is_reached_by_bar_and_key(shown: Shown) -> None:
    QTest.keyClick(shown.window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert shown.window.page == MODELS
    assert shown.window.pages.currentWidget() is shown.window.library_page
    assert shown.window.focusWidget() is shown.window.library_page.view
    QTest.keyClick(shown.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert shown.window.focusWidget() is shown.window.library_page.filters.field


def test_every_control_has_a_name_and_is_reached(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    page.details.defaults_fold.set_open(True)
    shown.settle()
    found = controls(page)
    assert len(found) > 20
    assert [describe(one) for one in found if not name_of(one).strip()] == []
    reached = set()
    start = page.filters.field
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        start.setFocus()
        for _ in range(120):
            focus = shown.window.focusWidget()
            reached.add(focus)
            QTest.keyClick(focus, key)
            if shown.window.focusWidget() is start:
                break
    wanted = [one for one in found if one.focusPolicy() & Qt.FocusPolicy.TabFocus]
    missed = [one for one in wanted if one not in reached and one.focusProxy() is None]
    assert [f"{describe(one)} {name_of(one)}" for one in missed] == []


def test_search_and_filters_narrow_the_cards(shown: Shown, page: LibraryPage) -> None:
    everything = names(page)
    page.filters.field.setText("oil")
    shown.until(lambda: names(page) == ["oil"])
    assert page.filters.count.text() == f"1 of {len(everything)}"
    QTest.keyClick(page.view, Qt.Key.Key_Escape)
    shown.until(lambda: names(page) == everything)
    with shown.stage.bot.waitSignal(page.escaped):
        QTest.keyClick(page.view, Qt.Key.Key_Escape)
    kind = page.filters.kind
    kind.setCurrentIndex(
        next(i for i in range(kind.count()) if kind.itemText(i).startswith("LoRA"))
    )
    kind.activated.emit(kind.currentIndex())
    assert names(page) == ["ink", "oil"]
    page.filters.clear()
    page.filters.usable.click()
    assert "sharp" not in names(page)
    page.filters.clear()
    row = next(one for one in page.folders.rows if one.path.name == "Others")
    row.button.click()
    assert set(names(page)) == {"ink", "oil", "mse", "sharp"}
    row.button.click()
    assert names(page) == everything


def test_nothing_found_says_what_to_do(shown: Shown, page: LibraryPage) -> None:
    before = page.view.grab().toImage()
    page.filters.field.setText("no such model")
    shown.until(lambda: names(page) == [])
    assert page.view.grab().toImage() != before
    assert page.side.currentWidget() is not page.details


def test_what_cannot_be_used_says_why(shown: Shown, page: LibraryPage) -> None:
    asset = choose(page, "sharp")
    assert asset.unsupported
    assert page.details.why.text() == asset.unsupported
    assert page.details.why.isVisible()
    assert not page.details.use.isVisible()


def test_a_damaged_file_says_what_it_lacks_and_no_size(
    shown: Shown, page: LibraryPage, folder: Path
) -> None:
    (folder / "vae" / "cut.safetensors").write_bytes(b"x" * 4000)
    shown.stage.studio.library.rescan()
    shown.until(lambda: "cut" in names(page))
    asset = choose(page, "cut")
    assert str(asset.path) in asset.unsupported
    assert page.details.why.text().startswith("It is damaged: ")
    assert "Size" not in [one.text() for one in page.details.facts.findChildren(QLabel)]
    assert card_line(asset) == "unknown"


def test_what_is_unfolded_of_a_model_comes_into_view(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    pane = page.details
    fold = next(one for one in pane.findChildren(FoldSection) if one.title() == "From its maker")
    shown.until(fold.isVisible)
    pane.verticalScrollBar().setValue(0)
    fold.findChildren(QPushButton)[0].click()
    low = pane.viewport().rect().bottom() + 1
    shown.until(lambda: pane.verticalScrollBar().value() > 0)
    assert fold.mapTo(pane.viewport(), QPoint()).y() + fold.height() <= low


def test_a_pickle_is_converted_only_after_consent(shown: Shown, page: LibraryPage) -> None:
    """The file is no real pickle, so the answer is a refusal; nothing was opened before."""
    choose(page, "ink")
    assert not page.details.convert.isVisible()
    choose(page, "sharp")
    box = page.details.convert
    assert box.isVisible()
    assert not box.agree.isVisible()
    box.ask.click()
    assert "can run any code" in box.warning.text()
    choose(page, "ink")
    choose(page, "sharp")
    assert not box.agree.isVisible(), "consent is for one look at one file"
    box.ask.click()
    box.agree.click()
    shown.stage.bot.waitUntil(
        lambda: any(one.kind == "bad" for one in shown.stage.listener.notices), timeout=60_000
    )


def test_a_lora_is_added_from_its_card(shown: Shown, page: LibraryPage) -> None:
    asset = choose(page, "ink")
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_Return)
    (use,) = shown.stage.studio.editor.draft.adapters
    assert isinstance(use, LoraUse)
    assert use.lora.sha256 == asset.sha256
    assert shown.window.page == CREATE
    shown.window.show_page(MODELS)
    choose(page, "oil")
    choose(page, "ink")
    assert page.details.why.text() == "In use for the next picture."


def test_the_star_is_pressed_on_the_card_and_by_key(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    index = page.view.currentIndex()
    page.view.scrollTo(index)
    shown.settle()
    place = AssetDelegate.star_place(page.view.visualRect(index)).center()
    viewport = page.view.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    shown.until(lambda: page.view.current and page.view.current.favourite)
    assert page.details.star.isChecked()
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_F)
    shown.until(lambda: page.view.current and not page.view.current.favourite)
    page.details.star.click()
    shown.until(lambda: page.view.current and page.view.current.favourite)
    page.filters.star.click()
    assert names(page) == ["ink"]


def test_notes_words_and_settings_are_kept(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    page.details.notes.setFocus()
    QTest.keyClicks(page.details.notes, "dark lines")
    page.view.setFocus()
    shown.until(lambda: page.view.current and page.view.current.notes == "dark lines")
    page.details.defaults_fold.set_open(True)
    weight = page.details.defaults.weight
    weight.setFocus()
    QTest.keyClicks(weight, "0,7")
    QTest.keyClick(weight, Qt.Key.Key_Return)
    shown.until(
        lambda: page.view.current and page.view.current.facts.defaults.weight == pytest.approx(0.7)
    )
    weight.setFocus()
    weight.setText("99")
    QTest.keyClick(weight, Qt.Key.Key_Return)
    assert "must be a number" in page.details.defaults.refusal.text()
    assert weight.text() == "99"
    assert weight.findChildren(QLabel) == [], "what was typed can be read"
    choose(page, "oil")
    assert page.details.notes.toPlainText() == ""
    choose(page, "ink")
    assert page.details.notes.toPlainText() == "dark lines"
    assert weight.text() == "0.7"


def test_words_that_were_only_looked_at_are_not_taken_for_the_artists(
    shown: Shown, page: LibraryPage
) -> None:
    choose(page, "ink")
    page.details.words_edit.setFocus()
    page.view.setFocus()
    shown.settle()
    assert page.view.current is not None
    assert page.view.current.facts.trigger_words == ()


def test_a_trigger_word_goes_to_the_prompt(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    chip = next(one for one in page.details.findChildren(QPushButton) if one.text() == "inkwash")
    chip.click()
    assert shown.stage.studio.editor.draft.prompt == "inkwash"


def test_a_folder_is_only_let_go(shown: Shown, page: LibraryPage, folder: Path) -> None:
    before = sorted(path for path in folder.rglob("*"))
    row = next(one for one in page.folders.rows if one.path == folder)
    row.remove.click()
    shown.until(lambda: not any(one.path == folder for one in page.folders.rows))
    assert sorted(path for path in folder.rglob("*")) == before


def send_drop(shown: Shown, mime: QMimeData, part: float) -> None:
    window = shown.window
    none, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    actions = Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), actions, mime, none, keys))
    assert window.drops.files.isVisible()
    # The overlay lies on top now, so the next move of the pointer enters it.
    QApplication.sendEvent(
        window.drops.files, QDragEnterEvent(QPoint(5, 5), actions, mime, none, keys)
    )
    at = QPoint(round(window.drops.files.width() * part), window.drops.files.height() // 2)
    QApplication.sendEvent(window.drops.files, QDropEvent(at, actions, mime, none, keys))
    assert not window.drops.files.isVisible()


def urls(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def test_a_dropped_folder_is_used_where_it_lies(shown: Shown, folder: Path) -> None:
    assert model_paths(urls(folder)) == (folder,)
    send_drop(shown, urls(folder), 0.2)
    desk = shown.stage.studio.desk
    shown.until(lambda: any(one.name == "ink" for one in desk.assets.all))
    assert shown.window.page == MODELS
    assert shown.stage.studio.settings.values.model_folders == (str(folder),)


def test_a_dropped_file_is_copied_by_choice(shown: Shown, folder: Path) -> None:
    send_drop(shown, urls(folder / "loras" / "ink.safetensors"), 0.8)
    desk = shown.stage.studio.desk
    copy = desk.own_folder / "loras" / "ink.safetensors"
    shown.until(lambda: any(one.path == copy for one in desk.assets.all))
    assert shown.stage.studio.settings.values.model_folders == ()
    card = next(one for one in shown.window.notices.cards if one.notice.action == "Show it")
    assert card.action is not None
    card.action.click()
    current = shown.window.library_page.view.current
    assert current is not None
    assert current.path == copy


# Getting models.


@pytest.fixture
def hub(shown: Shown) -> Iterator[Hub]:
    with serve() as running:
        running.put("LICENSE.md", b"Be kind.", lfs=False)
        running.put("ink.safetensors", lora_bytes())
        running.put("old.ckpt", b"x")
        running.card = {"license": "creativeml-openrail-m"}
        shown.stage.studio.settings.set(hub_mirror=running.endpoint)
        yield running


def lora_bytes() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        return lora(Path(place) / "x.safetensors").read_bytes()


def ask(shown: Shown, words: str) -> LibraryPage:
    shown.window.show_page(MODELS)
    page = shown.window.library_page
    page.downloads.field.setFocus()
    page.downloads.field.setText(words)
    QTest.keyClick(page.downloads.field, Qt.Key.Key_Return)
    return page


def test_a_model_is_got_from_the_hub(shown: Shown, hub: Hub) -> None:
    page = ask(shown, "maker/model")
    shown.until(lambda: page.offer is not None)
    offer = page.offer
    assert offer is not None
    assert offer.licence.toPlainText() == "Be kind."
    assert "free on the disk" in offer.about.text()
    assert offer.fetch.text().startswith("Download ")
    asked = len(hub.requests)
    shown.settle()
    assert len(hub.requests) == asked, "nothing is fetched before the button"
    offer.fetch.click()
    assert page.offer is None
    shown.until(lambda: page.downloads.rows and page.downloads.rows[0].download.state == "done")
    assert page.downloads.rows[0].state.text().startswith("Here")
    shown.until(lambda: "ink" in names(page))
    page.downloads.rows[0].stop.click()
    assert page.downloads.rows == ()
    assert "ink" in names(page)


def test_a_wrong_name_is_refused_under_the_field(shown: Shown, hub: Hub) -> None:
    page = ask(shown, "fox")
    assert "no name or address" in page.downloads.refusal.text()
    assert hub.requests == []
    page = ask(shown, "maker/other")
    assert page.downloads.look.text() == "Stop"
    shown.until(lambda: "no such model" in page.downloads.refusal.text())
    assert page.downloads.look.text() == "Look up"


def test_escape_closes_the_offer(shown: Shown, hub: Hub) -> None:
    page = ask(shown, "maker/model")
    shown.until(lambda: page.offer is not None)
    QTest.keyClick(shown.window.focusWidget(), Qt.Key.Key_Escape)
    assert page.offer is None
    assert shown.window.focusWidget() is page.view


def test_an_offer_has_names_for_all_its_controls(shown: Shown, hub: Hub) -> None:
    page = ask(shown, "maker/model")
    shown.until(lambda: page.offer is not None)
    assert page.offer is not None
    assert [describe(one) for one in controls(page.offer) if not name_of(one).strip()] == []


def test_a_download_is_paused_and_goes_on(shown: Shown, hub: Hub) -> None:
    hub.faults["ink.safetensors"] = [server.silent]
    page = ask(shown, "maker/model")
    shown.until(lambda: page.offer is not None)
    assert page.offer is not None
    page.offer.fetch.click()
    shown.until(lambda: page.downloads.rows and page.downloads.rows[0].bar.value() >= 490)
    row = page.downloads.rows[0]
    row.pause.click()
    shown.until(lambda: row.download.state == "paused")
    assert row.state.text().startswith("Paused")
    assert row.resume.isVisible()
    row.resume.click()
    shown.until(lambda: row.download.state == "done")


def test_too_little_room_is_told_before_the_button(
    shown: Shown, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown.stage.studio.downloads, "room", lambda: 5_000)
    page = ask(shown, "maker/model")
    shown.until(lambda: page.offer is not None)
    assert page.offer is not None
    assert not page.offer.fetch.isEnabled()
    assert page.offer.about.text().startswith("Only 5 kB are free")


def test_the_mirror_and_the_token_are_set(shown: Shown, hub: Hub) -> None:
    shown.window.show_page(MODELS)
    sheet = shown.window.library_page.open_settings()
    assert sheet.mirror.text() == hub.endpoint
    sheet.mirror.setText("http://example.com")
    sheet.keep.click()
    assert "begins with https://" in sheet.refusal.text()
    sheet.mirror.setText(hub.endpoint)
    sheet.token.setText("hf_secret")
    sheet.keep.click()
    assert shown.stage.studio.downloads.hub.has_token
    sheet = shown.window.library_page.open_settings()
    assert sheet.token.text() == ""
    assert sheet.about.text().startswith("A token is kept")
    sheet.forget.click()
    assert not shown.stage.studio.downloads.hub.has_token
    sheet.close()


# Order, menu, and what is made only when it is wanted.


def test_the_order_is_chosen_and_kept(shown: Shown, page: LibraryPage) -> None:
    order = page.filters.order
    row = order.findText("Largest first")
    order.setCurrentIndex(row)
    order.activated.emit(row)
    sizes = [one.identity.bytes for one in shown.stage.studio.desk.assets.shown]
    assert sizes == sorted(sizes, reverse=True)
    assert shown.stage.studio.settings.values.models_order == "size"
    again = LibraryPage(shown.stage.studio)
    assert again.filters.order.currentText() == "Largest first"
    again.deleteLater()


def test_what_was_current_stays_so_in_another_order(shown: Shown, page: LibraryPage) -> None:
    choose(page, "oil")
    shown.stage.studio.settings.set(models_order="size")
    assert page.view.current is not None
    assert page.view.current.name == "oil"


def menu_by_key(shown: Shown, page: LibraryPage) -> QMenu:
    """The menu of the current card, as the Menu key opens it."""
    heard: list[QPoint] = []
    page.view.menu_wanted.connect(lambda _, at: heard.append(at))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(3, 3), QPoint(3, 3))
    QApplication.sendEvent(page.view.viewport(), event)
    card = page.view.visualRect(page.view.currentIndex())
    assert card.contains(page.view.viewport().mapFromGlobal(heard[0]))
    (menu,) = [one for one in page.findChildren(QMenu) if one.isVisible()]
    return menu


def lines(menu: QMenu) -> dict[str, QAction]:
    return {one.text().split("\t")[0]: one for one in menu.actions() if one.text()}


def test_a_card_has_a_menu_that_keys_reach(shown: Shown, page: LibraryPage) -> None:
    asset = choose(page, "ink")
    found = lines(menu_by_key(shown, page))
    found["Favourite"].trigger()
    shown.until(lambda: page.view.current and page.view.current.favourite)
    found["Notes…"].trigger()
    assert page.details.notes.hasFocus()
    found["Trigger words…"].trigger()
    assert page.details.words_edit.hasFocus()
    found["Settings to start with…"].trigger()
    assert page.details.defaults.weight.hasFocus()
    found["Copy the place"].trigger()
    assert QApplication.clipboard().text() == str(asset.path)
    hashes = next(one.menu() for one in found.values() if one.text() == "Copy the hash")
    assert isinstance(hashes, QMenu)
    copied = []
    for line in hashes.actions():
        line.trigger()
        copied.append(QApplication.clipboard().text())
    assert asset.file_sha256 is not None
    assert copied == [asset.sha256, asset.file_sha256, asset.file_sha256[:10].upper()]
    found["Add this LoRA"].trigger()
    (use,) = shown.stage.studio.editor.draft.adapters
    assert isinstance(use, LoraUse)
    assert use.lora.sha256 == asset.sha256


def test_the_menu_tells_why_a_model_cannot_be_used(shown: Shown, page: LibraryPage) -> None:
    asset = choose(page, "sharp")
    found = lines(menu_by_key(shown, page))
    assert not found["Use"].isEnabled()
    assert found["Use"].toolTip() == asset.unsupported
    found["Convert to safetensors…"].trigger()
    assert page.details.convert.agree.isVisible()
    assert "Copy the hash" not in found


def test_beside_the_cards_there_is_no_menu(shown: Shown, page: LibraryPage) -> None:
    corner = page.view.viewport().rect().bottomRight()
    assert not page.view.indexAt(corner).isValid()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, corner, corner)
    QApplication.sendEvent(page.view.viewport(), event)
    assert not any(one.isVisible() for one in page.findChildren(QMenu))


def test_the_pane_is_made_when_a_model_is_looked_at(shown: Shown, page: LibraryPage) -> None:
    fresh = LibraryPage(shown.stage.studio)
    assert not fresh.findChildren(DetailsPane)
    choose(fresh, "oil")
    shown.until(lambda: fresh.side.currentWidget() is fresh.details)
    assert fresh.details.name.text() == "oil"
    fresh.deleteLater()


def test_facts_of_one_model_do_not_stay_for_the_next(shown: Shown, page: LibraryPage) -> None:
    choose(page, "ink")
    ink = {one.text() for one in page.details.facts.findChildren(QLabel) if one.isVisible()}
    choose(page, "mse")
    mse = {one.text() for one in page.details.facts.findChildren(QLabel) if one.isVisible()}
    assert "Rank" in ink
    assert "Rank" not in mse
    assert "VAE" in mse


def test_where_there_is_only_ours_it_is_said_how_to_get_more(
    shown: Shown, page: LibraryPage
) -> None:
    page.filters.field.setText("oil")
    shown.until(lambda: names(page) == ["oil"])
    plain = page.view.grab().toImage()
    page.view.set_hint("Add a folder")
    assert page.view.grab().toImage() != plain
    shown.stage.studio.desk.assets.read.emit()
    assert page.view.grab().toImage() == plain, "there are models of others here"


def test_a_model_without_a_picture_leaves_its_room_to_the_words(
    shown: Shown, page: LibraryPage, folder: Path
) -> None:
    choose(page, "ink")
    plain = page.details.preview.height()
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(0xFF884422)
    page.details.preview.show_image(image, "box")
    assert page.details.preview.height() > plain
