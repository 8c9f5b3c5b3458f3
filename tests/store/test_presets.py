"""Seed presets and styles: one file each, any name, and a bad file costs one entry only."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES
from desktop_app.recipe.draft import Draft, expand
from desktop_app.recipe.preset_file import SEEDS, STYLES
from desktop_app.recipe.presets import SeedPreset, seed_preset
from desktop_app.recipe.recipe import SEED_MAX, Variation
from desktop_app.recipe.styles import Style
from desktop_app.store.shelf import Shelf, carry
from desktop_app.store.styles import builtin_styles
from tests.store.samples import MODEL

FOUND = Draft(
    prompt="a fox",
    seed=7,
    variation_seed=SEED_MAX,
    variation_strength=0.18,
    more_variations=(Variation(seed=3, weight=0.5),),
    variation_method="a1111",
    model=MODEL,
    width=512,
    height=768,
    num_inference_steps=33,
)


def preset_of(name: str, seed: int = 7, **known: Any) -> SeedPreset:
    return seed_preset(
        name,
        replace(FOUND, seed=seed),
        created="2026-11-21T12:00:00Z",
        samples=("ab" * 32,),
        **known,
    )


def names(shelf: Shelf[SeedPreset]) -> list[str]:
    return [preset.name for preset in shelf.list()]


def style_shelf(folder: Path) -> Shelf[Style]:
    return Shelf(folder, STYLES, builtin_styles(RESOURCES / "presets"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf[SeedPreset]:
    made = Shelf(tmp_path / "seeds", SEEDS)
    for name in ("Moonlit fox", "Old harbour", "../../x: <b>é</b>"):
        made.save(preset_of(name))
    return made


def test_presets_come_back_in_the_order_they_were_saved(
    tmp_path: Path, shelf: Shelf[SeedPreset]
) -> None:
    again = Shelf(tmp_path / "seeds", SEEDS)
    assert again.list() == tuple(
        preset_of(name) for name in ("Moonlit fox", "Old harbour", "../../x: <b>é</b>")
    )
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "seeds"}


def test_saving_under_a_known_name_replaces_it_where_it_was(shelf: Shelf[SeedPreset]) -> None:
    shelf.save(preset_of("MOONLIT FOX", SEED_MAX))
    assert names(shelf)[0] == "MOONLIT FOX"
    assert len(names(shelf)) == 3
    assert shelf.list()[0].seed == SEED_MAX


def test_rename_delete_and_move(shelf: Shelf[SeedPreset]) -> None:
    shelf.rename("Old harbour", "Harbour")
    assert names(shelf) == ["Moonlit fox", "Harbour", "../../x: <b>é</b>"]
    shelf.rename("Harbour", "HARBOUR")
    shelf.move(["HARBOUR"], 0)
    assert names(shelf) == ["HARBOUR", "Moonlit fox", "../../x: <b>é</b>"]
    shelf.move(["HARBOUR"], 99)
    assert names(shelf) == ["Moonlit fox", "../../x: <b>é</b>", "HARBOUR"]
    gone = shelf.delete(["moonlit fox"])
    assert names(shelf) == ["../../x: <b>é</b>", "HARBOUR"]
    shelf.put_back(gone)
    assert names(shelf) == ["Moonlit fox", "../../x: <b>é</b>", "HARBOUR"]


def test_what_cannot_be_done_is_refused_in_words(shelf: Shelf[SeedPreset]) -> None:
    for action, code in (
        (lambda: shelf.rename("Moonlit fox", "OLD HARBOUR"), "preset-exists"),
        (lambda: shelf.rename("Nothing", "x"), "preset-unknown"),
        (lambda: shelf.rename("Moonlit fox", "  "), "preset-name"),
        (lambda: shelf.delete(["Nothing"]), "preset-unknown"),
        (lambda: shelf.move(["Nothing"], 0), "preset-unknown"),
        (lambda: preset_of("x" * 100), "preset-name"),
        (lambda: preset_of("new\nline"), "preset-name"),
        (lambda: preset_of("x", tags=("a,b",)), "preset-tag"),
        (lambda: preset_of("x", tags=("A", "a")), "preset-tag"),
        (lambda: preset_of("x", notes="n" * 20_001), "text-length"),
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
        '{"version":3,"name":"x"}',
        '{"version":2,"name":"x","draft":{"version":2},"parts":["all"]}',
        '{"version":2,"name":"x","draft":{"version":2},"path":"/etc"}',
        '{"version":1,"name":"x","seed":"7"}',
        '{"version":1,"name":"x","seed":"18446744073709551616","width":512,"height":512}',
        '{"version":1,"name":"x","seed":"7","width":true,"height":512}',
        '{"version":1,"name":5,"seed":"7","width":512,"height":512}',
        "[" * 100_000,
    ],
)
def test_a_bad_file_is_skipped_and_named(
    tmp_path: Path, shelf: Shelf[SeedPreset], text: str
) -> None:
    bad = tmp_path / "seeds" / "bad.json"
    bad.write_text(text)
    assert len(shelf.list()) == 3
    assert shelf.unreadable == (bad,)


def test_the_styles_of_the_program() -> None:
    styles = style_shelf(Path("/nowhere/at/all"))
    listed = styles.list()
    assert [style.name for style in listed[:3]] == ["Watercolor", "Ink", "Oil"]
    assert len({style.name for style in listed}) == len(listed) >= 7
    assert styles.own() == frozenset()
    words = json.loads((RESOURCES / "models/starter/words.json").read_text("utf-8"))
    known = set(words["media"])
    assert known <= {style.prompt for style in listed}
    draft = Draft(prompt="a fox", model=MODEL, styles=("Watercolor", "Neon"))
    assert (
        expand(draft, {style.name: style for style in listed})[0].prompt
        == "a fox, watercolor, neon"
    )


def test_own_styles_replace_those_of_the_program_and_give_way_again(tmp_path: Path) -> None:
    styles = style_shelf(tmp_path / "styles")
    builtin = styles.list()
    styles.save(Style(name="Ink", prompt="india ink on {prompt}", negative_prompt="colour"))
    styles.save(Style(name="Zine", prompt="zine"))
    styles.save(Style(name="art deco", prompt="art deco", tags=("poster",)))
    listed = styles.list()
    assert listed[1].prompt == "india ink on {prompt}"
    assert [style.name for style in listed[-2:]] == ["Zine", "art deco"]
    assert listed[-1].tags == ("poster",)
    assert styles.own() == {"Ink", "Zine", "art deco"}
    styles.delete(["Ink", "Zine", "art deco"])
    assert styles.list() == builtin
    for action in (lambda: styles.delete(["Ink"]), lambda: styles.rename("Ink", "Tusche")):
        with pytest.raises(AppError) as refusal:
            action()
        assert refusal.value.code == "preset-builtin"


def test_the_programs_own_styles_can_be_moved(tmp_path: Path) -> None:
    styles = style_shelf(tmp_path / "styles")
    names = [style.name for style in styles.list()]
    styles.save(Style(name="Zine", prompt="zine"))
    styles.move(["Oil"], 0)
    styles.move(["Ink", "Zine"], 1)
    again = style_shelf(tmp_path / "styles")
    listed = [style.name for style in again.list()]
    assert listed[:4] == ["Oil", "Ink", "Zine", "Watercolor"]
    assert sorted(listed) == sorted([*names, "Zine"])
    assert again.own() == {"Zine"}
    again.save(Style(name="Ink", prompt="mine"))
    assert [style.name for style in again.list()][:3] == ["Oil", "Ink", "Zine"]
    again.delete(["Ink"])
    assert {style.name: style.prompt for style in again.list()}["Ink"] == "ink drawing"


def test_styles_of_an_earlier_version_stand_where_they_stood(tmp_path: Path) -> None:
    (tmp_path / "ink.json").write_text('{"version":1,"name":"Ink","prompt":"mine"}')
    (tmp_path / "own.json").write_text('{"version":1,"name":"Own","prompt":"o"}')
    listed = [style.name for style in style_shelf(tmp_path).list()]
    assert listed[1] == "Ink"
    assert listed[-1] == "Own"


def test_a_style_that_is_no_style_is_skipped(tmp_path: Path) -> None:
    styles = style_shelf(tmp_path)
    (tmp_path / "a.json").write_text('{"version":1,"name":"x","prompt":5}')
    (tmp_path / "b.json").write_text('{"version":1,"name":"","prompt":"p"}')
    long = json.dumps({"version": 1, "name": "long", "prompt": "x" * 30_000})
    (tmp_path / "c.json").write_text(long)
    assert styles.own() == frozenset()
    assert [path.name for path in styles.unreadable] == ["a.json", "b.json", "c.json"]


def test_a_preset_of_version_1_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(
        '{"version":1,"place":4,"name":"Old","seed":"18446744073709551615","variation_seed":"9",'
        '"variation_strength":0.5,"width":512,"height":768,"prompt":"a fox",'
        f'"created":"2026-11-20T10:00:00Z","picture":"{"cd" * 32}"}}'
    )
    (old,) = Shelf(tmp_path, SEEDS).list()
    assert (old.name, old.seed, old.width, old.height) == ("Old", SEED_MAX, 512, 768)
    assert old.variations == (Variation(seed=9, weight=0.5),)
    assert (old.prompt, old.parts, old.samples) == ("a fox", ("prompt",), ("cd" * 32,))
    assert old.created == "2026-11-20T10:00:00Z"


def test_presets_that_come_from_elsewhere_get_free_names(shelf: Shelf[SeedPreset]) -> None:
    there = preset_of("Moonlit fox")
    other = preset_of("MOONLIT FOX", 8)
    added = shelf.add([there, other, preset_of("New")])
    assert [preset.name for preset in added] == ["MOONLIT FOX 2", "New"]
    assert names(shelf)[-2:] == ["MOONLIT FOX 2", "New"]
    assert shelf.list()[-2].seed == 8


def test_merging_leaves_one_and_can_be_taken_back(shelf: Shelf[SeedPreset]) -> None:
    before = names(shelf)
    merged = preset_of("Moonlit fox", tags=("both",))
    gone = shelf.merge(["Moonlit fox", "Old harbour"], merged)
    assert names(shelf) == ["Moonlit fox", "../../x: <b>é</b>"]
    assert shelf.list()[0].tags == ("both",)
    shelf.delete(["Moonlit fox"])
    shelf.put_back(gone)
    assert names(shelf) == before


def test_an_unreadable_file_is_never_written_over(tmp_path: Path, shelf: Shelf[SeedPreset]) -> None:
    (path,) = (tmp_path / "seeds").glob("old-harbour*.json")
    newer = path.read_text().replace('"version":2,"width"', '"version":99,"width"')
    path.write_text(newer + " ")
    shelf.save(preset_of("Old harbour", 9))
    assert path.read_text() == newer + " "
    assert "Old harbour" in names(shelf)


def test_two_files_of_one_name_are_both_shown(tmp_path: Path, shelf: Shelf[SeedPreset]) -> None:
    (path,) = (tmp_path / "seeds").glob("old-harbour*.json")
    (tmp_path / "seeds" / "copy.json").write_bytes(path.read_bytes())
    assert sorted(names(shelf)) == sorted(
        ["Moonlit fox", "Old harbour", "Old harbour 2", "../../x: <b>é</b>"]
    )


def test_many_moves_between_two_neighbours_keep_the_order(shelf: Shelf[SeedPreset]) -> None:
    first, *others = names(shelf)
    for _ in range(60):
        shelf.move([names(shelf)[2]], 1)
        shelf.move([names(shelf)[2]], 1)
    assert names(shelf) == [first, *others]


def test_a_shelf_goes_with_the_pictures(tmp_path: Path, shelf: Shelf[SeedPreset]) -> None:
    target = tmp_path / "elsewhere" / ".mezzotint" / "seeds"
    (target.parent / "seeds.new").mkdir(parents=True)
    assert carry(shelf.folder, target)
    assert Shelf(target, SEEDS).list() == shelf.list()
    shelf.delete(["Moonlit fox"])
    assert not carry(shelf.folder, target)
    assert len(Shelf(target, SEEDS).list()) == 3
    assert not carry(tmp_path / "nothing", tmp_path / "new")
