"""The rows of models: filters, marks, pictures, and what using one changes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from desktop_app.library.identity import Asset, Defaults, Facts, Identity, Kind
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.recipe import EmbeddingUse, LoraUse
from desktop_app.studio.asset_use import fields_to_use, token_of, with_words
from desktop_app.studio.assets import AssetFilter, AssetsModel, described, size_words
from desktop_app.studio.background import Background

pytestmark = pytest.mark.gui


def asset(
    name: str,
    kind: Kind = "checkpoint",
    family: str = "sd1",
    *,
    facts: Facts | None = None,
    unsupported: str = "",
    **fields: object,
) -> Asset:
    identity = Identity(
        kind=kind, format="safetensors", family=family, bytes=2_000_000, unsupported=unsupported
    )
    made = Asset(
        path=Path("/models") / kind / f"{name}.safetensors",
        identity=identity,
        name=name,
        sha256=f"{hash(name) % 16**12:064x}",
        facts=facts or Facts(),
    )
    return replace(made, **fields)  # pyright: ignore[reportArgumentType]


FOX = asset("Fox", trigger_words=("red fur",))
OWL = asset("Owl", family="sdxl", facts=Facts(favourite=True, notes="for nights"))
INK = asset("ink", "lora", "sdxl")
BAD = asset("bad", "upscaler", "", unsupported="It is an upscaler.")
GONE = asset("gone", missing=True)
ALL = (BAD, INK, OWL, GONE, FOX)


@pytest.fixture
def reads() -> Iterator[Background]:
    pool = Background(threads=1)
    yield pool
    pool.close()


@pytest.fixture
def model(reads: Background) -> AssetsModel:
    made = AssetsModel(reads)
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    made.set_assets(ALL)
    return made


def names(model: AssetsModel) -> list[str]:
    return [one.name for one in model.shown]


def test_rows_stand_by_kind_and_name(model: AssetsModel) -> None:
    assert names(model) == ["Fox", "gone", "Owl", "ink", "bad"]
    assert model.kinds == (("checkpoint", 3), ("lora", 1), ("upscaler", 1))
    assert model.families == (("sd1", 2), ("sdxl", 2))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AssetFilter(words="fox"), ["Fox"]),
        (AssetFilter(words="RED"), ["Fox"]),
        (AssetFilter(words="nights owl"), ["Owl"]),
        (AssetFilter(words="nights fox"), []),
        (AssetFilter(words="lora"), ["ink"]),
        (AssetFilter(words=FOX.sha256 or ""), ["Fox"]),
        (AssetFilter(kind="lora"), ["ink"]),
        (AssetFilter(family="sdxl"), ["Owl", "ink"]),
        (AssetFilter(family="sdxl", kind="lora"), ["ink"]),
        (AssetFilter(favourites=True), ["Owl"]),
        (AssetFilter(usable=True), ["Fox", "Owl", "ink"]),
        (AssetFilter(folder=Path("/models/lora")), ["ink"]),
        (AssetFilter(folder=Path("/models/lor")), []),
    ],
)
def test_a_filter_narrows(model: AssetsModel, wanted: AssetFilter, found: list[str]) -> None:
    model.set_filter(wanted)
    assert names(model) == found
    model.set_filter(AssetFilter())
    assert len(names(model)) == len(ALL)


def test_a_change_of_one_tells_its_row_alone(model: AssetsModel, qtbot: QtBot) -> None:
    starred = replace(FOX, facts=Facts(favourite=True))
    with qtbot.waitSignal(model.dataChanged) as told:
        model.replace(starred)
    assert told.args is not None
    assert told.args[0].row() == 0
    assert model.data(model.index(0), model.Role.FAVOURITE) is True
    model.set_filter(AssetFilter(favourites=True))
    assert names(model) == ["Fox", "Owl"]


def test_an_asset_that_gets_its_hash_stays_one_row(model: AssetsModel) -> None:
    before = replace(FOX, sha256=None)
    model.set_assets([before, OWL])
    model.replace(FOX)
    assert [one.key for one in model.shown] == [FOX.key, OWL.key]
    model.set_filter(AssetFilter(words="fox"))
    assert names(model) == ["Fox"]


def test_a_copy_elsewhere_is_a_row_of_its_own_with_the_same_facts(model: AssetsModel) -> None:
    twin = replace(FOX, path=Path("/other/fox copy.safetensors"), name="fox copy", source="Other")
    model.set_assets([*ALL, twin])
    model.set_filter(AssetFilter(words="other"))
    assert names(model) == ["fox copy"]
    model.set_filter(AssetFilter())
    model.replace(replace(FOX, facts=Facts(favourite=True)))
    model.set_filter(AssetFilter(favourites=True))
    assert names(model) == ["Fox", "fox copy", "Owl"]
    assert model.shown[1].path == twin.path


def test_equal_rows_are_not_reset(model: AssetsModel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(model.modelReset):
        model.set_assets([*ALL[:-1], replace(FOX, name="Fox", description="new")])
    assert model.shown[0].description == "new"


def test_what_is_in_use_is_marked(model: AssetsModel) -> None:
    model.set_in_use(frozenset({INK.sha256 or ""}))
    marks = [model.data(model.index(row), model.Role.IN_USE) for row in range(5)]
    assert marks == [False, False, False, True, False]


def test_a_preview_is_read_small_and_once(model: AssetsModel, qtbot: QtBot, tmp_path: Path) -> None:
    image = QImage(1600, 2400, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    assert image.save(str(tmp_path / "fox.png"))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    model.set_assets(
        [replace(FOX, preview=tmp_path / "fox.png"), replace(OWL, preview=tmp_path / "bad.png")]
    )
    assert model.data(model.index(0), model.Role.PREVIEW) is None
    assert model.data(model.index(1), model.Role.PREVIEW) is None
    qtbot.waitUntil(lambda: model.preview(model.shown[0]) is not None)
    small = model.data(model.index(0), model.Role.PREVIEW)
    assert (small.width(), small.height()) == (400, 600)
    qtbot.wait(30)
    assert model.data(model.index(1), model.Role.PREVIEW) is None


def test_a_row_can_be_heard(model: AssetsModel) -> None:
    heard = model.data(model.index(4), Qt.ItemDataRole.AccessibleTextRole)
    assert heard == "bad, upscaler, 2 MB, cannot be used: It is an upscaler."
    assert described(OWL, in_use=True) == (
        "Owl, Stable Diffusion XL, checkpoint, 2 MB, in use, favourite"
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 kB"), (1, "1 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (6_938_040_682, "6.9 GB")],
)
def test_sizes_are_said_as_disks_count(count: int, words: str) -> None:
    assert size_words(count) == words


def test_a_lora_is_added_once_with_the_weight_that_is_wanted() -> None:
    wanted = replace(INK, facts=Facts(defaults=Defaults(weight=0.6)))
    fields = fields_to_use(Draft(), wanted)
    assert fields is not None
    (use,) = fields["adapters"]
    assert isinstance(use, LoraUse)
    assert (use.weight, use.lora.sha256, use.lora.kind) == (0.6, INK.sha256, "lora")
    assert fields_to_use(replace(Draft(), **fields), wanted) == {}


def test_an_embedding_is_attached_and_named_in_the_prompt() -> None:
    word = asset("easy negative", "embedding")
    fields = fields_to_use(Draft(prompt="a fox"), word)
    assert fields is not None
    assert fields["prompt"] == "a fox, easy_negative"
    assert isinstance(fields["adapters"][0], EmbeddingUse)
    assert fields["adapters"][0].token == token_of(word) == "easy_negative"


def test_a_vae_takes_the_place_of_the_models_own() -> None:
    fields = fields_to_use(Draft(), asset("mse", "vae"))
    assert fields is not None
    assert fields["vae"].kind == "vae"


def test_what_cannot_be_used_by_itself_changes_nothing() -> None:
    assert fields_to_use(Draft(), BAD) is None
    assert fields_to_use(Draft(), replace(INK, sha256=None)) is None


def test_words_are_put_at_the_end_once() -> None:
    assert with_words("", ("red fur",)) == "red fur"
    assert with_words("a fox, ", ("red fur",)) == "a fox, red fur"
    assert with_words("a Red Fur fox", ("red fur",)) == "a Red Fur fox"
