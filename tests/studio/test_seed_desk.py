"""The desk of seeds: presets of pictures and files, the history, samples, and a lost database."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from desktop_app.paths import resolve
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset_file import PARAMETERS, SEEDS, STYLES, document
from desktop_app.recipe.presets import SeedPreset, parameter_preset, seed_preset
from desktop_app.recipe.recipe import FromNoise, ModelRef, Variation
from desktop_app.recipe.styles import Style
from desktop_app.settings import Settings, save
from desktop_app.store.database import Database
from desktop_app.store.seed_history import SeedHistory, SeedUse
from desktop_app.studio.seed_history import SeedHistoryModel
from tests.studio.conftest import Stage
from tests.studio.scripted import ScriptedBackend, save_picture

Open = Callable[..., Stage]
A1111 = (
    "a fox\nNegative prompt: dogs\nSteps: 22, Sampler: Euler, CFG scale: 6.5, Seed: 5, Size: 64x64,"
    " Variation seed: 77, Variation seed strength: 0.3"
)


def newest(stage: Stage) -> int:
    picture = stage.studio.gallery.id_at(0)
    assert picture is not None
    return picture


def preset(stage: Stage, name: str) -> SeedPreset:
    found = stage.studio.shelf.preset(name)
    assert found is not None
    return found


def uses(stage: Stage) -> list[SeedUse]:
    """What is in the history on the disk."""
    database = Database(resolve().database)
    try:
        return SeedHistory(database).page("", 0, 100)
    finally:
        database.close()


def test_seeds_are_noted_before_the_run_starts(open_stage: Open) -> None:
    backend = ScriptedBackend()
    gate = backend.gate("loading")
    stage = open_stage(backend)
    stage.start()
    stage.order("a fox", seed=11, seed_rule="keep", count=2)
    stage.until(gate.reached.is_set)
    assert not backend.rendered
    assert [(use.seed, use.prompt, use.picture) for use in uses(stage)] == [
        (12, "a fox", ""),
        (11, "a fox", ""),
    ]
    gate.open.set()
    stage.made(2)
    stage.until(lambda: all(use.picture for use in uses(stage)))


def test_the_history_is_rebuilt_when_the_database_is_lost(stage: Stage, open_stage: Open) -> None:
    stage.order("a fox", seed=11, seed_rule="keep")
    stage.made(1)
    stage.studio.save_seed_preset("Fox")
    stage.until(lambda: stage.studio.shelf.names() == ("Fox",))
    assert stage.end()
    for path in resolve().data.rglob("*"):
        if path.is_file():
            path.unlink()
    again = open_stage()
    again.start()
    again.until(lambda: again.studio.shelf.names() == ("Fox",))
    history = again.studio.seeds.history
    history.refresh()

    def found() -> bool:
        history.refresh()
        return history.count == 1

    again.until(found)
    use = history.use(0)
    assert use is not None
    assert (use.seed, use.prompt) == (11, "a fox")
    again.until(lambda: history.index(0).data(SeedHistoryModel.Role.IMAGE) is not None)


def test_the_seed_of_a_picture_is_kept_with_all_that_made_it(stage: Stage) -> None:
    mixed = (Variation(seed=3, weight=0.5),)
    stage.order("a fox", seed=11, seed_rule="keep", more_variations=mixed, num_inference_steps=3)
    stage.made(1)
    desk = stage.studio.seeds
    assert desk.name_for_picture(newest(stage)) == "a fox"
    desk.keep_picture(newest(stage), "Fox")
    stage.until(lambda: stage.studio.shelf.names() == ("Fox",))
    made = preset(stage, "Fox")
    record = stage.studio.gallery.record_of(newest(stage))
    assert record is not None
    assert made.samples == (record.pixels_sha256,)
    stage.studio.editor.replace(Draft(prompt="a boat", model=made.draft.model), "Other")
    desk.use(made)
    stage.studio.generate()
    stage.made(2)
    again = stage.studio.gallery.record_of(newest(stage))
    assert again is not None
    assert again.pixels_sha256 == record.pixels_sha256
    assert again.recipe == record.recipe


def test_pictures_of_other_programs_give_their_seed(stage: Stage, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", A1111)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "theirs.png", pnginfo=info)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "silent.png")
    ours = save_picture(tmp_path / "ours.png", prompt="a cat", seed=9)
    stage.studio.seeds.keep_files([tmp_path / f"{n}.png" for n in ("theirs", "silent", "ours")])
    stage.until(lambda: stage.studio.shelf.names() == ("a fox", "a cat"))
    theirs = preset(stage, "a fox")
    assert (theirs.seed, theirs.variations) == (5, (Variation(seed=77, weight=0.3),))
    assert theirs.method == "a1111"
    assert (theirs.prompt, theirs.draft.num_inference_steps) == ("a fox", 22)
    assert set(theirs.parts) == {"prompt", "size", "settings"}
    assert theirs.notes == "From theirs.png"
    assert preset(stage, "a cat").draft.model == ours.model
    stage.until(lambda: "silent.png does not say which seed" in stage.listener.texts())


def test_files_of_every_kind_find_their_shelf(stage: Stage, tmp_path: Path) -> None:
    seed = seed_preset("Fox", Draft(prompt="a fox", seed=7))
    paths = [tmp_path / f"a{kind.suffix}" for kind in (SEEDS, PARAMETERS, STYLES)]
    paths[0].write_bytes(document(SEEDS, [seed, replace(seed, name="Two")]))
    paths[1].write_bytes(document(PARAMETERS, [parameter_preset("Final", Draft())]))
    paths[2].write_bytes(document(STYLES, [Style(name="Zine", prompt="zine")]))
    desk = stage.studio.seeds
    desk.keep_files(paths)
    stage.until(lambda: desk.shelf.names() == ("Fox", "Two"))
    stage.until(lambda: desk.parameters.names() == ("Final",))
    stage.until(lambda: "Zine" in desk.styles.names())
    desk.keep_files(paths[:1])
    stage.until(lambda: "on the shelf already" in stage.listener.texts())
    paths[0].write_text(json.dumps({"mezzotint": "seeds", "presets": [{"version": 9}]}))
    desk.keep_files(paths[:1])
    stage.until(lambda: "Nothing was taken, for preset 1" in stage.listener.texts())
    assert desk.shelf.names() == ("Fox", "Two")


def test_presets_go_out_as_a_file_and_come_in_again(stage: Stage, tmp_path: Path) -> None:
    shelf = stage.studio.shelf
    stage.studio.editor.set(prompt="a fox", seed=2**64 - 1)
    stage.studio.save_seed_preset("Fox")
    stage.until(lambda: shelf.names() == ("Fox",))
    shelf.export(["Fox"], tmp_path / "fox.mezzotint-seed.json")
    stage.until(lambda: "Saved fox.mezzotint-seed.json." in stage.listener.texts())
    kept = preset(stage, "Fox")
    shelf.delete("Fox")
    stage.until(lambda: shelf.names() == ())
    shelf.import_file(tmp_path / "fox.mezzotint-seed.json")
    stage.until(lambda: shelf.names() == ("Fox",))
    assert preset(stage, "Fox") == kept
    dragged = stage.studio.seeds.drag_file(shelf, ["Fox"], shelf.to_bytes(["Fox"]))
    assert dragged is not None
    assert dragged.name == "Fox.mezzotint-seed.json"
    assert dragged.read_bytes() == (tmp_path / "fox.mezzotint-seed.json").read_bytes()


def test_a_deleted_preset_comes_back_where_it_stood(stage: Stage) -> None:
    shelf = stage.studio.shelf
    for number, name in enumerate("abc"):
        stage.studio.editor.set(seed=number)
        stage.studio.save_seed_preset(name)
    stage.until(lambda: shelf.names() == ("a", "b", "c"))
    shelf.delete("a", "b")
    stage.until(lambda: shelf.names() == ("c",))
    undo = stage.listener.with_action("Undo").act
    assert undo is not None
    undo()
    stage.until(lambda: shelf.names() == ("a", "b", "c"))


def test_merge_duplicate_and_edit(stage: Stage) -> None:
    shelf = stage.studio.shelf
    for number, name in enumerate("ab"):
        stage.studio.editor.set(seed=number)
        stage.studio.save_seed_preset(name)
    stage.until(lambda: shelf.names() == ("a", "b"))
    shelf.edit("a", tags=("fox",), notes="one")
    shelf.edit("b", tags=("FOX", "snow"), notes="two")
    stage.until(lambda: preset(stage, "b").notes == "two")
    shelf.duplicate("a")
    stage.until(lambda: shelf.names() == ("a", "a 2", "b"))
    shelf.merge(["a", "b"])
    stage.until(lambda: shelf.names() == ("a", "a 2"))
    merged = preset(stage, "a")
    assert (merged.seed, merged.tags, merged.notes) == (0, ("fox", "snow"), "one\n\ntwo")
    undo = stage.listener.with_action("Undo").act
    assert undo is not None
    undo()
    stage.until(lambda: shelf.names() == ("a", "a 2", "b"))
    assert preset(stage, "a").notes == "one"


def test_kept_again_under_its_name_a_preset_keeps_tags_and_notes(stage: Stage) -> None:
    shelf, studio = stage.studio.shelf, stage.studio
    studio.save_seed_preset("Fox")
    stage.until(lambda: shelf.names() == ("Fox",))
    shelf.edit("Fox", tags=("fox",), notes="good fur")
    stage.until(lambda: preset(stage, "Fox").tags)
    studio.editor.set(seed=777)
    studio.save_seed_preset("fox")
    stage.until(lambda: shelf.names() == ("fox",))
    again = preset(stage, "fox")
    assert (again.seed, again.tags, again.notes) == (777, ("fox",), "good fur")


def test_pictures_made_with_a_preset_become_its_samples(stage: Stage) -> None:
    studio = stage.studio
    studio.editor.set(prompt="a fox", seed=5, seed_rule="keep", count=1)
    studio.save_seed_preset("Fox")
    studio.seeds.keep_parameters("Final", ("size", "settings"))
    stage.until(lambda: studio.shelf.names() and studio.seeds.parameters.names())
    studio.generate()
    stage.made(1)
    stage.order("another prompt", seed=5)
    stage.made(2)
    stage.order("another prompt", seed=6)
    stage.made(3)
    records = [studio.gallery.record_of(newest(stage) - at) for at in (1, 2)]
    wanted = tuple(one.pixels_sha256 for one in records if one is not None)
    stage.until(lambda: preset(stage, "Fox").samples == wanted)

    def final() -> int:
        found = studio.seeds.parameters.preset("Final")
        return len(found.samples) if found is not None else 0

    stage.until(lambda: final() == 3)
    shown = preset(stage, "Fox")
    stage.until(lambda: studio.shelf.image_of(shown) is not None)
    studio.seeds.show_sample(shown)
    stage.until(lambda: studio.focused is not None and studio.focused.id == newest(stage) - 1)


def test_a_seed_without_pictures_shows_its_noise(stage: Stage) -> None:
    studio = stage.studio
    studio.editor.set(seed=5, width=128, height=64)
    studio.save_seed_preset("Fox")
    stage.until(lambda: studio.shelf.names() == ("Fox",))
    fox = preset(stage, "Fox")
    stage.until(lambda: studio.shelf.image_of(fox) is not None)
    image = studio.shelf.image_of(fox)
    assert image is not None
    assert (image.width(), image.height()) == (16, 8)
    assert len([*resolve().cache.glob("noise/*.png")]) == 1


def test_what_is_not_here_is_left_out_and_told(stage: Stage) -> None:
    studio = stage.studio
    stage.until(studio.styles.rowCount)
    before = studio.editor.draft.model
    elsewhere = ModelRef(sha256="cd" * 32, name="Elsewhere")
    draft = Draft(prompt="a fox", seed=3, styles=("Nowhere", "Ink"), model=elsewhere)
    studio.seeds.use(seed_preset("Fox", draft))
    assert studio.editor.draft.model == before
    assert studio.editor.draft.styles == ("Ink",)
    assert "Not here: the style “Nowhere”, the model Elsewhere." in stage.listener.texts()
    studio.editor.undo()
    assert studio.editor.draft.prompt == ""


def test_a_model_that_stays_keeps_what_completes_it(stage: Stage) -> None:
    stage.choose_network()
    before = stage.studio.editor.draft
    gone = ModelRef(sha256="ef" * 32, name="Elsewhere")
    stage.studio.seeds.use(seed_preset("Fox", Draft(prompt="a fox", seed=3, model=gone)))
    draft = stage.studio.editor.draft
    assert before.vae is not None
    assert (draft.seed, draft.model, draft.vae) == (3, before.model, before.vae)
    assert draft.text_encoders == before.text_encoders != ()


def test_another_size_than_the_one_it_was_found_at_is_told(stage: Stage) -> None:
    studio = stage.studio
    studio.editor.set(width=512, height=512)
    studio.seeds.use(seed_preset("Fox", Draft(seed=3, width=256, height=128)), ())
    notice = stage.listener.with_action("Use 256 × 128")
    assert notice.act is not None
    notice.act()
    assert (studio.editor.draft.width, studio.editor.draft.height) == (256, 128)


def test_dropped_on_the_page_a_seed_does_what_the_place_says(stage: Stage) -> None:
    studio = stage.studio
    fox = seed_preset("Fox", Draft(prompt="a fox", seed=3, width=64, height=64))
    studio.editor.set(prompt="a boat", width=64, height=64)
    studio.seeds.drop("prompt", fox)
    assert (studio.editor.draft.prompt, studio.editor.draft.seed) == ("a fox", 3)
    studio.editor.set(prompt="a boat", seed=8)
    studio.seeds.drop("make", fox)
    stage.made(1)
    record = studio.gallery.record_of(newest(stage))
    assert record is not None
    assert record.recipe is not None
    assert (record.recipe.seed, record.recipe.prompt) == (3, "a boat")
    studio.seeds.drop("show", fox)
    stage.until(lambda: "no picture of “Fox” yet" in stage.listener.texts())


def test_a_seed_from_the_history_is_used_and_kept(stage: Stage) -> None:
    studio = stage.studio
    stage.order("a fox", seed=11, seed_rule="keep", variation_seed=4, variation_strength=0.5)
    stage.made(1)
    stage.order("a boat", seed=12, variation_strength=0.0)
    stage.made(2)
    last = studio.seeds.last_seeds
    last.refresh()
    stage.until(lambda: last.rowCount() == 2)
    use = last.use(1)
    assert use is not None
    studio.seeds.use_again(use)
    draft = studio.editor.draft
    assert (draft.seed, draft.seed_rule, draft.prompt) == (11, "keep", "a boat")
    assert (draft.variation_seed, draft.variation_strength) == (4, 0.5)
    studio.seeds.use_again(use, everything=True)
    assert studio.editor.draft.prompt == "a fox"
    studio.seeds.keep_use(use)
    stage.until(lambda: studio.shelf.names() == ("a fox",))
    assert preset(stage, "a fox").samples == (use.picture,)


def test_a_batch_of_variations(stage: Stage) -> None:
    stage.order("a fox", seed=11, seed_rule="keep", count=1)
    stage.made(1)
    stage.studio.again.mix(newest(stage), 0.35, 3)
    stage.made(4)
    starts = [one.start for one in stage.backend.rendered[1:]]
    mixed = [start.variations for start in starts if isinstance(start, FromNoise)]
    assert len({variations[0].seed for variations in mixed}) == len(mixed) == 3
    assert {variations[0].weight for variations in mixed} == {0.35}


def test_the_shelf_goes_along_to_another_pictures_folder(
    stage: Stage, open_stage: Open, tmp_path: Path
) -> None:
    stage.studio.save_seed_preset("Fox")
    stage.until(lambda: stage.studio.shelf.names() == ("Fox",))
    assert stage.end()
    assert [*resolve().pictures.glob(".mezzotint/seeds/*.json")]
    save(resolve().settings_file, Settings(pictures=str(tmp_path / "elsewhere")))
    again = open_stage()
    again.start()
    again.until(lambda: again.studio.shelf.names() == ("Fox",))
    assert [*(tmp_path / "elsewhere").glob(".mezzotint/seeds/*.json")]


def test_presets_of_an_earlier_version_are_taken_over(open_stage: Open) -> None:
    folder = resolve().presets / "seeds"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text(
        '{"version":1,"place":1,"name":"Old","seed":"7","width":64,"height":64,"prompt":"a fox"}'
    )
    stage = open_stage()
    stage.start()
    stage.until(lambda: stage.studio.shelf.names() == ("Old",))
    stage.studio.shelf.rename("Old", "New")
    stage.until(lambda: stage.studio.shelf.names() == ("New",))
    assert (folder / "old.json").exists()
