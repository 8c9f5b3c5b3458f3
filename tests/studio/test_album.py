"""What can be done with stored pictures and with files from elsewhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage

from desktop_app.store.pixels import read_pixels
from desktop_app.studio.qimage import from_qimage, to_qimage
from tests.studio.conftest import Stage
from tests.studio.scripted import save_picture

pytestmark = pytest.mark.gui


@pytest.fixture
def picture(stage: Stage) -> int:
    """A stored picture; the draft was changed since."""
    stage.order("a red fox", seed=11, seed_rule="keep", negative_prompt="blur", variation_seed=3)
    stage.made(1)
    stage.studio.editor.set(
        prompt="other", negative_prompt="", seed=5, seed_rule="random", num_inference_steps=9
    )
    number = stage.studio.gallery.id_at(0)
    assert number is not None
    return number


def test_all_settings_come_back_and_can_be_undone(stage: Stage, picture: int) -> None:
    before = stage.studio.editor.draft
    stage.studio.restoring.restore(picture, "all")
    draft = stage.studio.editor.draft
    assert (draft.prompt, draft.negative_prompt, draft.seed) == ("a red fox", "blur", 11)
    assert (draft.num_inference_steps, draft.seed_rule) == (4, "keep")
    undo = stage.listener.with_action("Undo").act
    assert undo is not None
    undo()
    assert stage.studio.editor.draft == before


def test_the_same_settings_make_the_same_picture(stage: Stage, picture: int) -> None:
    stage.studio.restoring.restore(picture, "all")
    stage.studio.generate()
    stage.made(2)
    assert stage.backend.rendered[0] == stage.backend.rendered[1]


def test_the_seed_alone(stage: Stage, picture: int) -> None:
    stage.studio.restoring.restore(picture, "seed")
    draft = stage.studio.editor.draft
    assert (draft.seed, draft.seed_rule, draft.prompt) == (11, "keep", "other")
    assert draft.num_inference_steps == 9


def test_the_prompt_alone(stage: Stage, picture: int) -> None:
    stage.studio.restoring.restore(picture, "prompt")
    draft = stage.studio.editor.draft
    assert (draft.prompt, draft.negative_prompt, draft.seed) == ("a red fox", "blur", 5)


def test_settings_of_a_file_of_ours(stage: Stage, tmp_path: Path) -> None:
    save_picture(tmp_path / "owl.png", prompt="an owl", seed=2**64 - 1)
    stage.studio.open_file(tmp_path / "owl.png")
    stage.until(lambda: stage.studio.editor.draft.prompt == "an owl")
    draft = stage.studio.editor.draft
    assert draft.seed == 2**64 - 1
    assert draft.model is not None
    assert draft.model.name == "Scripted"
    assert "Its model, Elsewhere, is not here, so Scripted stays." in stage.listener.texts()


def test_a_model_that_stays_keeps_what_completes_it(stage: Stage, tmp_path: Path) -> None:
    stage.choose_network()
    before = stage.studio.editor.draft
    save_picture(tmp_path / "owl.png", prompt="an owl", seed=3)
    stage.studio.open_file(tmp_path / "owl.png")
    stage.until(lambda: stage.studio.editor.draft.prompt == "an owl")
    draft = stage.studio.editor.draft
    assert before.vae is not None
    assert [one.name for one in before.text_encoders] == ["clip_l"]
    assert (draft.model, draft.vae) == (before.model, before.vae)
    assert draft.text_encoders == before.text_encoders


def _foreign(path: Path, text: str) -> None:
    info = PngInfo()
    info.add_text("parameters", text)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, pnginfo=info)


WORDS = "a lighthouse\nNegative prompt: fog\nSteps: 30, Sampler: Euler a, CFG scale: 6.5, Seed: 42"


def test_settings_of_another_programs_file_and_what_was_taken(stage: Stage, tmp_path: Path) -> None:
    _foreign(tmp_path / "a1111.png", WORDS)
    stage.studio.open_file(tmp_path / "a1111.png")
    stage.until(lambda: stage.listener.notices)
    draft = stage.studio.editor.draft
    assert (draft.prompt, draft.negative_prompt, draft.seed) == ("a lighthouse", "fog", 42)
    assert (draft.num_inference_steps, draft.guidance_scale) == (30, 6.5)
    assert draft.scheduler == "euler_a"
    for word in ("a1111.png", "prompt", "avoid", "seed", "steps", "guidance", "sampler"):
        assert word in stage.listener.texts()
    stage.studio.editor.undo()
    assert stage.studio.editor.draft.prompt == ""


def test_a_file_without_settings_can_be_added(stage: Stage, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "plain.png")
    stage.studio.open_file(tmp_path / "plain.png")
    stage.until(lambda: stage.listener.notices)
    act = stage.listener.with_action("Add to gallery").act
    assert act is not None
    act()
    stage.until(lambda: stage.studio.gallery.total == 1)
    number = stage.studio.gallery.id_at(0)
    assert number is not None
    stage.studio.restoring.restore(number, "all")
    stage.studio.again.reproduce(number)
    assert stage.listener.texts().count("does not say how it was made") == 3


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_file_that_is_no_picture_is_refused_in_words(
    stage: Stage, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "x.png").write_bytes(data)
    stage.studio.open_file(tmp_path / "x.png")
    stage.studio.album.add_file(tmp_path / "x.png")
    stage.until(lambda: len(stage.listener.notices) == 2)
    assert all("inside Mezzotint" not in one.text for one in stage.listener.notices)
    assert stage.studio.gallery.total == 0


def test_markup_in_a_files_name_stays_plain_text(stage: Stage, tmp_path: Path) -> None:
    name = "<img src=x>.png"
    _foreign(tmp_path / name, WORDS)
    stage.studio.open_file(tmp_path / name)
    stage.until(lambda: stage.listener.notices)
    assert name in stage.listener.texts()


def test_trash_and_undo(stage: Stage, picture: int) -> None:
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    stage.studio.show(picture)
    stage.studio.album.trash([picture, picture])
    stage.until(lambda: stage.studio.gallery.total == 0)
    assert not path.exists()
    assert stage.studio.focused is None
    assert stage.studio.run.results == [None]
    undo = stage.listener.with_action("Undo")
    assert undo.text == "Moved the picture to the trash."
    assert undo.act is not None
    undo.act()
    stage.until(lambda: stage.studio.gallery.total == 1)
    assert path.exists()
    assert stage.studio.gallery.id_at(0) == picture


def test_a_picture_whose_file_is_gone_leaves_the_gallery_with_the_others(
    stage: Stage, picture: int
) -> None:
    stage.order("another")
    stage.made(2)
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    path.unlink()
    other = stage.studio.gallery.id_at(0)
    assert other is not None
    stage.studio.album.trash([picture, other])
    stage.until(lambda: stage.studio.gallery.total == 0)
    undo = stage.listener.with_action("Undo").act
    assert undo is not None
    undo()
    stage.until(lambda: stage.studio.gallery.id_at(0) == other)
    assert stage.studio.gallery.total == 1


def test_a_copy_holds_the_pixels_and_no_words(stage: Stage, picture: int) -> None:
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    stage.studio.album.copy(picture)
    stage.until(lambda: not QGuiApplication.clipboard().image().isNull())
    image = QGuiApplication.clipboard().image()
    assert image.textKeys() == []
    assert (from_qimage(image) == read_pixels(path)).all()


def test_copied_settings_can_be_pasted(stage: Stage, picture: int) -> None:
    stage.studio.album.copy_settings(picture)
    assert "a red fox\nNegative prompt: blur\nSteps: 4" in QGuiApplication.clipboard().text()
    stage.studio.restoring.paste()
    draft = stage.studio.editor.draft
    assert (draft.prompt, draft.negative_prompt, draft.seed) == ("a red fox", "blur", 11)
    assert draft.num_inference_steps == 4


def test_a_pasted_file_is_opened(stage: Stage, tmp_path: Path) -> None:
    save_picture(tmp_path / "owl.png", prompt="an owl", seed=1)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "owl.png"))])
    QGuiApplication.clipboard().setMimeData(data)
    stage.studio.restoring.paste()
    stage.until(lambda: stage.studio.editor.draft.prompt == "an owl")


def test_pasted_pixels_are_added_to_the_gallery(stage: Stage) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    QGuiApplication.clipboard().setImage(to_qimage(pixels))
    stage.studio.restoring.paste()
    stage.until(lambda: stage.studio.gallery.total == 1)
    path = stage.studio.gallery.path_of(stage.studio.gallery.id_at(0) or 0)
    assert path is not None
    assert (read_pixels(path) == pixels).all()


def test_an_image_that_is_too_large_is_refused(stage: Stage) -> None:
    stage.studio.album.add_image(QImage(16_000, 5_000, QImage.Format.Format_Mono))
    stage.until(lambda: "16000 × 5000" in stage.listener.texts())


@pytest.mark.parametrize("text", ["", "just words", "{" * 10_000])
def test_a_clipboard_without_settings_says_so(stage: Stage, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    stage.studio.restoring.paste()
    assert "The clipboard holds" in stage.listener.texts()


def test_export_copies_the_file_with_its_words(stage: Stage, picture: int, tmp_path: Path) -> None:
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    stage.studio.album.export(picture, tmp_path / "mine.png")
    stage.until(lambda: stage.listener.notices)
    assert (tmp_path / "mine.png").read_bytes() == path.read_bytes()
    stage.studio.album.export(picture, tmp_path / "no such folder" / "mine.png")
    stage.until(lambda: "cannot be written" in stage.listener.texts())


def test_reveal_opens_the_folder(
    stage: Stage, picture: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url.toLocalFile())
        return True

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    path = stage.studio.gallery.path_of(picture)
    assert path is not None
    stage.studio.album.reveal(picture)
    stage.studio.open_pictures_folder()
    assert opened == [str(path.parent), str(stage.home / "pictures")]


def test_verbs_on_a_picture_that_is_gone_are_no_harm(stage: Stage) -> None:
    studio = stage.studio
    verbs: list[Callable[[], None]] = [
        lambda: studio.restoring.restore(99, "all"),
        lambda: studio.again.reproduce(99),
        lambda: studio.again.vary(99, "subtle"),
        lambda: studio.show(99),
        lambda: studio.album.copy(99),
        lambda: studio.album.copy_settings(99),
        lambda: studio.album.reveal(99),
        lambda: studio.album.trash([99]),
        lambda: studio.album.set_rating([99], 3),
    ]
    for verb in verbs:
        verb()
    stage.order()
    stage.made(1)
    assert "inside Mezzotint" not in stage.listener.texts()


def test_verbs_before_the_store_is_open_say_so(open_stage: Callable[..., Stage]) -> None:
    stage = open_stage()
    stage.studio.album.trash([1])
    stage.studio.restoring.restore(1)
    assert "still being opened" in stage.listener.texts()


def test_a_picture_that_is_there_already_is_not_said_to_be_added(
    stage: Stage, picture: int, tmp_path: Path
) -> None:
    record = stage.studio.gallery.record_of(picture)
    assert record is not None
    copy = tmp_path / "again.png"
    copy.write_bytes(record.path.read_bytes())
    stage.studio.album.add_file(copy)
    stage.until(lambda: "again.png is already in the gallery." in stage.listener.texts())
    assert stage.studio.gallery.total == 1
    notice = stage.listener.with_action("Show")
    assert notice.act is not None
    stage.studio.follow_run()
    notice.act()
    stage.until(lambda: stage.studio.focused is not None)
    assert stage.studio.focused == stage.studio.gallery.record_of(picture)
