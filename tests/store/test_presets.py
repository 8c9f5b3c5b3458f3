"""Seed presets and styles: one file each, any name, and a bad file costs one entry only."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES
from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.recipe import SEED_MAX
from desktop_app.recipe.styles import Style
from desktop_app.store.presets import SeedPreset, SeedPresets, Styles
from tests.store.samples import MODEL


def preset_of(name: str, seed: int = 7) -> SeedPreset:
    return SeedPreset(
        name=name,
        seed=seed,
        variation_seed=SEED_MAX,
        variation_strength=0.18,
        width=512,
        height=768,
        prompt="a fox",
        created="2026-11-21T12:00:00Z",
        picture="ab" * 32,
    )


def names(shelf: SeedPresets) -> list[str]:
    return [preset.name for preset in shelf.list()]


@pytest.fixture
def shelf(tmp_path: Path) -> SeedPresets:
    made = SeedPresets(tmp_path / "seeds")
    for name in ("Moonlit fox", "Old harbour", "../../x: <b>é</b>"):
        made.save(preset_of(name))
    return made


def test_presets_come_back_in_the_order_they_were_saved(tmp_path: Path, shelf: SeedPresets) -> None:
    again = SeedPresets(tmp_path / "seeds")
    assert again.list() == tuple(
        preset_of(name) for name in ("Moonlit fox", "Old harbour", "../../x: <b>é</b>")
    )
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "seeds"}


def test_saving_under_a_known_name_replaces_it_where_it_was(shelf: SeedPresets) -> None:
    shelf.save(preset_of("MOONLIT FOX", SEED_MAX))
    assert names(shelf)[0] == "MOONLIT FOX"
    assert len(names(shelf)) == 3
    assert shelf.list()[0].seed == SEED_MAX


def test_rename_delete_and_move(shelf: SeedPresets) -> None:
    shelf.rename("Old harbour", "Harbour")
    assert names(shelf) == ["Moonlit fox", "Harbour", "../../x: <b>é</b>"]
    shelf.rename("Harbour", "HARBOUR")
    shelf.move("HARBOUR", 0)
    assert names(shelf) == ["HARBOUR", "Moonlit fox", "../../x: <b>é</b>"]
    shelf.move("HARBOUR", 99)
    assert names(shelf) == ["Moonlit fox", "../../x: <b>é</b>", "HARBOUR"]
    gone = shelf.delete("moonlit fox")
    assert names(shelf) == ["../../x: <b>é</b>", "HARBOUR"]
    shelf.save(gone)
    assert "Moonlit fox" in names(shelf)


def test_what_cannot_be_done_is_refused_in_words(shelf: SeedPresets) -> None:
    for action, code in (
        (lambda: shelf.rename("Moonlit fox", "OLD HARBOUR"), "preset-exists"),
        (lambda: shelf.rename("Nothing", "x"), "preset-unknown"),
        (lambda: shelf.rename("Moonlit fox", "  "), "preset-name"),
        (lambda: shelf.delete("Nothing"), "preset-unknown"),
        (lambda: shelf.move("Nothing", 0), "preset-unknown"),
        (lambda: preset_of("x" * 100), "preset-name"),
        (lambda: preset_of("new\nline"), "preset-name"),
        (lambda: replace(preset_of("x"), seed=-1), "range"),
        (lambda: replace(preset_of("x"), width=7), "range"),
    ):
        with pytest.raises(AppError) as refusal:
            action()
        assert refusal.value.code == code
    assert len(names(shelf)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version":2,"name":"x"}',
        '{"version":1,"name":"x","seed":"7"}',
        '{"version":1,"name":"x","seed":7,"width":512,"height":512}',
        '{"version":1,"name":"x","seed":"18446744073709551616","width":512,"height":512}',
        '{"version":1,"name":"x","seed":"7","width":true,"height":512}',
        '{"version":1,"name":5,"seed":"7","width":512,"height":512}',
        "[" * 100_000,
    ],
)
def test_a_bad_file_is_skipped_and_named(tmp_path: Path, shelf: SeedPresets, text: str) -> None:
    bad = tmp_path / "seeds" / "bad.json"
    bad.write_text(text)
    assert len(shelf.list()) == 3
    assert shelf.unreadable == (bad,)


def test_the_styles_of_the_program() -> None:
    styles = Styles(Path("/nowhere/at/all"), RESOURCES / "presets")
    listed = styles.list()
    assert [style.name for style in listed[:3]] == ["Watercolor", "Ink", "Oil"]
    assert len({style.name for style in listed}) == len(listed) >= 7
    assert styles.own() == frozenset()
    words = json.loads((RESOURCES / "models/starter/words.json").read_text("utf-8"))
    known = set(words["media"])
    assert known <= {style.prompt for style in listed}
    draft = Draft(prompt="a fox", model=MODEL, styles=("Watercolor", "Neon"))
    assert expand(draft, styles.by_name())[0].prompt == "a fox, watercolor, neon"


def test_own_styles_replace_those_of_the_program_and_give_way_again(tmp_path: Path) -> None:
    styles = Styles(tmp_path / "styles", RESOURCES / "presets")
    builtin = styles.list()
    styles.save(Style(name="Ink", prompt="india ink on {prompt}", negative_prompt="colour"))
    styles.save(Style(name="Zine", prompt="zine"))
    styles.save(Style(name="art deco", prompt="art deco"))
    listed = styles.list()
    assert listed[1].prompt == "india ink on {prompt}"
    assert [style.name for style in listed[-2:]] == ["art deco", "Zine"]
    assert styles.own() == {"Ink", "Zine", "art deco"}
    for name in ("Ink", "Zine", "art deco", "Nothing"):
        styles.delete(name)
    assert styles.list() == builtin


def test_a_style_that_is_no_style_is_skipped(tmp_path: Path) -> None:
    styles = Styles(tmp_path, RESOURCES / "presets")
    (tmp_path / "a.json").write_text('{"version":1,"name":"x","prompt":5}')
    (tmp_path / "b.json").write_text('{"version":1,"name":"","prompt":"p"}')
    assert styles.own() == frozenset()
    assert [path.name for path in styles.unreadable] == ["a.json", "b.json"]
    with pytest.raises(AppError):
        styles.save(Style(name="long", prompt="x" * 30_000))
