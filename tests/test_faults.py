"""What must not break it, across the rooms: faults that no single room can be tested for alone."""

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from desktop_app import cli, paths
from desktop_app.errors import AppError
from desktop_app.library.catalog import Catalog
from desktop_app.recipe.draft import Draft, draft_of, expand
from desktop_app.recipe.recipe import PROMPT_MAX, Recipe
from desktop_app.store import metadata
from desktop_app.store.database import Database
from desktop_app.store.pictures import Pictures
from desktop_app.store.search import parse as parse_query
from tests.store.samples import MODEL, pixels_of, provenance_of, recipe_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

HOSTILE_PROMPTS = [
    "<img src=file:///etc/passwd><b>bold</b> &amp; javascript:alert(1)",
    "\u202egnp.exe \u200b\u200d👩‍👩‍👧 zero\u00a0width",
    "../../.ssh/x {0.__class__} %s C:\\x\\ $(rm -rf ~) `id`",
    "a fox\nNegative prompt: nothing\nSteps: 1, Sampler: DDIM, Seed: 1, Size: 8x8",
    "'; DROP TABLE pictures; -- \" OR 1=1 NEAR( AND *",
    "ネコ と 狐 " * 100,
    "(" * 5000 + "fox" + ")" * 5000,
    "x" * PROMPT_MAX,
    "\x1b]0;title\x07\x1b[2J\x00"[:-1],
]


@pytest.mark.core
@pytest.mark.parametrize("prompt", HOSTILE_PROMPTS, ids=range(len(HOSTILE_PROMPTS)))
def test_no_prompt_is_too_hostile_to_be_kept_found_and_made_again(
    prompt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recipe,) = expand(Draft(prompt=prompt, width=64, height=64, model=MODEL), {})
    database = Database(tmp_path / "library.sqlite")
    gallery = Pictures(database, pictures=tmp_path / "pictures", trash=tmp_path / "trash")
    try:
        pixels = pixels_of()
        record = gallery.save(recipe, provenance_of(pixels), pixels)
        assert record.path.resolve().is_relative_to((tmp_path / "pictures").resolve())
        assert record.path.name.isascii()
        assert gallery.record(record.id).recipe == recipe
        assert expand(draft_of(recipe), {}) == (recipe,)
        assert gallery.ids(parse_query("model:starter")) == [record.id]
        gallery.ids(parse_query(prompt[:500]))
        assert cli.main(["inspect", str(record.path)]) == 0
        told = capsys.readouterr().out
        assert "\x1b" not in told and "\u202e" not in told
        assert "The pixels are those that were made." in told
    finally:
        gallery.close()
        database.close()


def _png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (64, 64)).save(path, pnginfo=info)
    return path


@pytest.mark.core
@pytest.mark.parametrize(
    "words",
    [
        "a\nSteps: 1e309, Sampler: ../../x, CFG scale: nan, Seed: 18446744073709551616, Size: 0x0",
        "a\nSteps: -0, Sampler: Euler, CFG scale: -5, Seed: -1, Size: 100000x100000",
        'a <lora:../../x:1>\nSteps: 20, Sampler: "Eu"ler", Seed: 7, Size: 64x64, Model: "a, b',
        "[" * 200_000,
        '{"prompt": ' * 20_000,
        "Steps: " * 30_000,
        "a\nNegative prompt: b\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 7\n" * 500,
    ],
    ids=range(7),
)
def test_hostile_words_of_others_are_bounded(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _png(tmp_path / "foreign.png", parameters=words)
    assert cli.main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["recipe"] is None
    taken = found["settings"] or {}
    replace(Draft(), **{k: v for k, v in taken.items() if k != "styles"})
    assert cli.main(["reproduce", str(path)]) == 1


@pytest.mark.core
@pytest.mark.parametrize("kind", ["empty", "text", "cut", "folder", "bomb", "noise"])
def test_what_is_no_whole_picture_is_refused_in_one_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "picture.png"
    whole = metadata.write_png(pixels_of(), recipe_of(), provenance_of(pixels_of()))
    match kind:
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("a fox in the snow", "utf-8")
        case "cut":
            path.write_bytes(whole[: len(whole) - 2000])
        case "bomb":
            header = whole.index(b"IHDR") + 4
            size = (60_000).to_bytes(4, "big")
            path.write_bytes(whole[:header] + size * 2 + whole[header + 8 :])
        case _:
            path.write_bytes(whole[:100] + os.urandom(4000))
    for command in ("inspect", "reproduce"):
        assert cli.main([command, str(path)]) in (1, 2)
        told = capsys.readouterr()
        assert told.err.startswith("mezzotint: ") and told.err.count("\n") == 1
        assert "bug" not in told.err and "should not have" not in told.err


@pytest.mark.core
@pytest.mark.parametrize("damage", ["database", "settings", "hashes", "all"])
def test_damaged_files_of_its_own_stop_no_command(
    damage: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = paths.resolve()
    picture = where.pictures / "2026-01-01" / "00001-7.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(metadata.write_png(pixels_of(), recipe_of(), provenance_of(pixels_of())))
    rubbish = {
        "database": where.database,
        "settings": where.settings_file,
        "hashes": where.cache / "hashes.json",
    }
    for name, path in rubbish.items():
        if damage in (name, "all"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(5000))
    assert cli.main(["models"]) == 0
    assert cli.main(["rebuild-index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"] == 1


@pytest.mark.slow
def test_a_home_that_cannot_be_written_stops_no_picture(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("MEZZOTINT_HOME", str(blocked / "below"))
    out = tmp_path / "fox.png"
    words = ["render", "--prompt", "a fox", "--steps", "1", "--model", str(tiny_model)]
    assert cli.main([*words, "--out", str(out)]) == 0
    assert metadata.read_picture(out).recipe


@pytest.mark.slow
def test_where_nothing_can_be_saved_nothing_is_rendered(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    words = ["render", "--prompt", "a fox", "--model", str(tiny_model), "--steps", "500"]
    assert cli.main([*words, "--out", str(tmp_path / "file" / "fox.png")]) == 1
    assert "Nothing could be saved" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2**31, 2**32, 2**53 + 1, 2**63, 2**64 - 1])
def test_every_seed_is_exact_alone_and_in_a_run(
    seed: int, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", "--prompt", "a fox", "--steps", "1", "--model", str(tiny_model)]
    run = [*words, "--seed", str((seed - 1) % 2**64), "--count", "2", "--out", str(tmp_path / "r")]
    assert cli.main([*run, "--json"]) == 0
    in_run = json.loads(capsys.readouterr().out)["pictures"][1]
    assert cli.main([*words, "--seed", str(seed), "--out", str(tmp_path / "a"), "--json"]) == 0
    (alone,) = json.loads(capsys.readouterr().out)["pictures"]
    assert in_run["seed"] == alone["seed"] == str(seed)
    assert in_run["pixels_sha256"] == alone["pixels_sha256"]


@pytest.mark.slow
def test_a_model_taken_away_or_changed_between_two_pictures_is_named(
    tmp_path: Path, tiny_model: Path
) -> None:
    from desktop_app.engine.render import LocalBackend

    folder = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_model, folder)
    catalog = Catalog([folder.parent], tmp_path / "cache")
    (model,) = catalog.scan()
    recipe = Recipe(model=model.ref, prompt="a fox", width=64, height=64, num_inference_steps=1)
    backend = LocalBackend(catalog.path, cache=tmp_path / "cache", threads=1)
    first = backend.render(recipe, lambda _: None)
    backend.close()
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.unlink()
    weights.write_bytes(data)
    with pytest.raises(AppError, match="were changed"):
        backend.render(recipe, lambda _: None)
    shutil.rmtree(folder)
    with pytest.raises(AppError, match="tiny"):
        backend.render(recipe, lambda _: None)
    shutil.copytree(tiny_model, folder)
    again = backend.render(recipe, lambda _: None)
    assert np.array_equal(again.pixels, first.pixels)
    backend.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are POSIX")
def test_a_disk_that_fills_up_tells_the_seed_that_brings_the_picture_back(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource
    import signal

    words = ["render", "--prompt", "a fox", "--steps", "1", "--model", str(tiny_model)]
    out = tmp_path / "fox.png"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    told = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        code = cli.main([*words, "--seed", "77", "--out", str(out)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)
    assert code == 1
    assert "seed 77 makes it again" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".png", ".part")] == []
