"""The command line: every command, every way to use it wrongly, and the proof in a new process."""

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop_app import cli, paths, settings
from desktop_app.cli.output import printable
from desktop_app.cli.render import target_of
from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.recipe import LoraUse
from desktop_app.store import metadata
from tests.conftest import ROOT
from tests.store.samples import pixels_of, provenance_of, recipe_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COMMAND = [sys.executable, "-m", "desktop_app"]
SMALL = ["--size", "64x64", "--steps", "3"]


ALONE = (
    "import socket, sys; from desktop_app import cli\n"
    "def refuse(*_, **__): raise SystemExit('a socket was opened')\n"
    "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
    "code = cli.main(sys.argv[1:])\n"
    "assert 'torch' in sys.modules and 'PySide6' not in sys.modules\n"
    "sys.exit(code)"
)


def run(*arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which may load no Qt and reach for no network."""
    env = {**os.environ, **({"MEZZOTINT_HOME": str(home)} if home else {})}
    return subprocess.run(
        [sys.executable, "-c", ALONE, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=280,
        check=False,
    )


def one_thread(home: Path) -> Path:
    """Let the programs of this home compute with one thread, so that tests do not wait in turns."""
    settings.save(home / "config" / "settings.json", settings.Settings(threads=1))
    return home


@pytest.fixture(autouse=True)
def calm(home: Path) -> None:
    one_thread(home)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small picture of the starter model, rendered by a process that is gone."""
    folder = tmp_path_factory.mktemp("made")
    out = folder / "fox.png"
    words = ["--prompt", "a {red|blue} (fox:1.2) in snow", "--negative", "fog", "--seed", "7"]
    done = run("render", *words, *SMALL, "--out", str(out), home=one_thread(folder / "home"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "seed 7" in done.stdout
    return out


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A picture as AUTOMATIC1111 writes it, with a prompt that would clear a terminal."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(
        "parameters",
        "a fox \x1b[2Jin snow\nNegative prompt: fog\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 64x64, Model: other",
    )
    path = tmp_path / "foreign.png"
    Image.new("RGB", (64, 64), "teal").save(path, pnginfo=info)
    return path


def test_a_picture_says_how_it_was_made(made: Path) -> None:
    found = metadata.read_picture(made)
    assert found.recipe and found.provenance
    assert found.recipe.prompt in ("a red (fox:1.2) in snow", "a blue (fox:1.2) in snow")
    assert (found.recipe.seed, found.recipe.width, found.recipe.num_inference_steps) == (7, 64, 3)
    assert found.infotext and "Seed: 7" in found.infotext
    pixels = np.array(Image.open(made))
    assert metadata.pixels_sha256(pixels) == found.provenance.pixels_sha256


def test_a_prompt_calls_a_lora_by_its_name(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import save_file

    from tests.engine.lycoris import made as lycoris
    from tests.engine.models import plain_pipeline
    from tests.tiny_model import save_tiny_model

    models = paths.resolve({"MEZZOTINT_HOME": str(home)}).models
    save_tiny_model(models / "tiny")
    (models / "loras").mkdir()
    save_file(lycoris(plain_pipeline(models / "tiny"), "loha")[0], models / "loras/ink.safetensors")
    words = ["--model", "tiny", "--seed", "7", *SMALL, "--prompt"]
    pictures: list[bytes] = []
    capsys.readouterr()
    for name, prompt in (("with", "a fox <lora:ink:0.8:lbw=ALL>"), ("without", "a fox")):
        out = tmp_path / f"{name}.png"
        assert cli.main(["render", *words, prompt, "--out", str(out)]) == 0
        pictures.append(np.array(Image.open(out)).tobytes())
    assert pictures[0] != pictures[1]
    recipe = metadata.read_picture(tmp_path / "with.png").recipe
    assert recipe is not None
    (use,) = recipe.adapters
    assert isinstance(use, LoraUse)
    assert (use.lora.name, use.weight, recipe.prompt.strip()) == ("ink", 0.8, "a fox")
    whole = hashlib.sha256((models / "loras/ink.safetensors").read_bytes()).hexdigest()
    text = metadata.read_picture(tmp_path / "with.png").infotext or ""
    assert text.startswith("a fox <lora:ink:0.8>\n")
    assert f'"lora:ink": "{whole[:10]}"' in text
    assert "Lora hashes" not in text
    assert capsys.readouterr().err == ""
    done = run("reproduce", str(tmp_path / "with.png"), home=home)
    assert done.stdout.splitlines()[0] == "Identical"
    lost = [*words, "a <lora:nobody:1>", "--out", str(tmp_path / "n.png")]
    assert cli.main(["render", *lost]) == 0
    assert "no LoRA called “nobody”" in capsys.readouterr().err


def test_a_new_process_gives_identical_pixels(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.png"
    done = run("reproduce", str(made), "--out", str(again))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["Identical", f"Saved as {again}"]
    assert np.array_equal(np.array(Image.open(again)), np.array(Image.open(made)))


def test_a_changed_picture_is_told_from_its_recipe(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = metadata.read_picture(made)
    assert found.recipe and found.provenance
    pixels = np.array(Image.open(made))
    pixels[0, 0] ^= 255
    edited = tmp_path / "edited.png"
    edited.write_bytes(metadata.write_png(pixels, found.recipe, found.provenance))
    assert cli.main(["reproduce", str(edited), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "identical"
    assert told["file_changed"] is True
    assert cli.main(["inspect", str(edited)]) == 0
    assert "pixels were changed after it was made" in capsys.readouterr().out


def test_a_recipe_that_gives_something_else_is_different(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = metadata.read_picture(made)
    assert found.recipe and found.provenance
    print_ = replace(found.provenance.fingerprint, torch="1.13.1")
    data = metadata.write_png(
        np.array(Image.open(made)),
        replace(found.recipe, seed=8),
        replace(found.provenance, fingerprint=print_),
    )
    other = tmp_path / "other.png"
    other.write_bytes(data)
    assert cli.main(["reproduce", str(other)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Different (largest channel difference ")
    assert any(line.startswith("- made with torch 1.13.1, now torch") for line in told)


def test_several_pictures_are_numbered_and_seeded(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    words = ["--prompt", "a fox", "--seed", str(2**64 - 1), "--count", "2", "--steps", "1"]
    more = ["--guidance", "7,5", "--model", str(tiny_model), "--out", str(out), "--json"]
    assert cli.main(["render", *words, *more]) == 0
    rows = json.loads(capsys.readouterr().out)["pictures"]
    assert [row["seed"] for row in rows] == [str(2**64 - 1), "0"]
    names = [f"00001-{2**64 - 1}.png", "00002-0.png"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert [Path(row["path"]).name for row in rows] == names
    second = codec.recipe_from_json(rows[1]["recipe"])
    assert (second.seed, second.guidance_scale) == (0, 7.5)


def test_a_seed_that_is_left_out_is_drawn_and_told(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", "--prompt", "a fox", "--steps", "1", "--model", str(tiny_model)]
    seeds: set[int] = set()
    for number, more in enumerate(([], ["--seed", "-1"])):
        out = tmp_path / f"{number}.png"
        assert cli.main([*words, *more, "--out", str(out)]) == 0
        found = metadata.read_picture(out).recipe
        assert found and f"seed {found.seed}," in capsys.readouterr().out
        seeds.add(found.seed)
    assert len(seeds) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["dance"], "invalid choice"),
        (["render"], "--prompt"),
        (["render", "--prompt", "a"], "--out"),
        (["render", "--prompt", " ", "--out", "a.png"], "prompt is empty"),
        (["render", "--prompt", "a" * 20_001, "--out", "a.png"], "20,000 characters"),
        (["render", "--prompt", "a", "--out", "a.jpg"], "saved as PNG"),
        (["render", "--prompt", "a", "--out", "a.png", "--count", "2"], "need a folder"),
        (["render", "--prompt", "a", "--out", "a.png", "--count", "0"], "Count must be"),
        (["render", "--prompt", "a", "--out", "d", "--count", "65"], "Count must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--count", "x"], "invalid int"),
        (["render", "--prompt", "a", "--out", "a.png", "--seed", "fox"], "Seed must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--seed", "-2"], "Seed must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--seed", str(2**64)], "Seed must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--seed", "9" * 5000], "Seed must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--steps", "0"], "Steps must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--steps", "-5"], "Steps must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--steps", "9" * 5000], "--steps"),
        (["render", "--prompt", "a", "--out", "a.png", "--guidance", "nan"], "Guidance must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--guidance", "1e6"], "Guidance must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--guidance=-5"], "Guidance must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--guidance", "x"], "is a number"),
        (["render", "--prompt", "a", "--out", "a.png", "--sampler", "magic"], "no sampler called"),
        (["render", "--prompt", "a", "--out", "a.png", "--size", "64"], "WIDTHxHEIGHT"),
        (["render", "--prompt", "a", "--out", "a.png", "--size", "0x0"], "Width must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--size", "64x65"], "Height must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--size", "1x8193"], "Width must be"),
        (["render", "--prompt", "a", "--out", "a.png", "--size", "-8x8"], "--size"),
        (["render", "--prompt", "a", "--out", "a.png", "--pro", "b"], "unrecognized"),
        (["reproduce", "no-such.png"], "is not there"),
        (["reproduce", "."], "is a folder"),
        (["inspect", "no-such.png"], "is not there"),
        (["inspect", "a\0b.png"], "usable name"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(arguments)
    told = capsys.readouterr()
    assert code == 2 or words == "usable name"
    assert code != 0
    assert words in told.err
    assert told.err.startswith("mezzotint: ")
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_errors_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", "no-such.png", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["code"] == "file-missing"
    assert "is not there" in told["error"]["sentence"]
    assert cli.main(["render", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "arguments"


def test_a_file_is_never_replaced_unasked(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fox.png"
    out.write_bytes(b"precious")
    words = ["render", "--prompt", "a", "--steps", "1", "--model", str(tiny_model)]
    assert cli.main([*words, "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_bytes() == b"precious"
    assert cli.main([*words, "--out", str(out), "--force"]) == 0
    assert metadata.read_picture(out).recipe


def test_what_out_means(tmp_path: Path) -> None:
    assert target_of(str(tmp_path / "a.PNG"), count=1, force=False).file == tmp_path / "a.PNG"
    assert target_of(str(tmp_path / "a.b"), count=1, force=False).folder == tmp_path / "a.b"
    assert target_of(str(tmp_path), count=1, force=False).file is None
    (tmp_path / "d.png").mkdir()
    assert target_of(str(tmp_path / "d.png"), count=1, force=False).file is None
    (tmp_path / "file").touch()
    with pytest.raises(AppError, match="no folder"):
        target_of(str(tmp_path / "file"), count=1, force=True)


def test_inspect_tells_everything_about_our_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = pixels_of()
    made_by = provenance_of(pixels)
    path = tmp_path / "own.png"
    path.write_bytes(metadata.write_png(pixels, recipe_of(), made_by))
    assert cli.main(["inspect", str(path)]) == 0
    told = capsys.readouterr().out
    assert recipe_of().prompt in told
    assert made_by.pixels_sha256 in told
    assert "The pixels are those that were made." in told
    assert cli.main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert codec.recipe_from_json(found["recipe"]) == recipe_of()
    assert codec.provenance_from_json(found["provenance"]) == made_by
    assert found["pixels_unchanged"] is True


def test_inspect_tells_what_others_wrote_and_no_file_steers_the_terminal(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["inspect", str(foreign)]) == 0
    told = capsys.readouterr().out
    assert "a fox \\x1b[2Jin snow" in told
    assert "\x1b" not in told
    assert "42" in told
    assert cli.main(["inspect", str(foreign), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["negative_prompt"] == "fog"
    assert found["recipe"] is None


def test_another_programs_picture_is_not_called_reproducible(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["reproduce", str(foreign)]) == 1
    assert "no recipe of Mezzotint" in capsys.readouterr().err


def test_a_missing_model_is_named_with_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = pixels_of()
    path = tmp_path / "own.png"
    made_with = recipe_of()
    path.write_bytes(metadata.write_png(pixels, made_with, provenance_of(pixels)))
    assert cli.main(["reproduce", str(path)]) == 1
    told = capsys.readouterr().err
    assert made_with.model.name in told
    assert made_with.model.sha256[:8] in told


def test_models_and_samplers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    assert "(built in)" in capsys.readouterr().out
    assert cli.main(["models", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert len(model["sha256"]) == 64
    assert cli.main(["samplers"]) == 0
    assert "DPM++ 2M SDE" in capsys.readouterr().out
    assert cli.main(["samplers", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["samplers"]) == 15


def test_the_index_is_rebuilt_from_the_pictures(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = pixels_of()
    folder = home / "pictures" / "2026-01-01"
    folder.mkdir(parents=True)
    data = metadata.write_png(pixels, recipe_of(), provenance_of(pixels))
    (folder / "00001-7.png").write_bytes(data)
    assert cli.main(["rebuild-index", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["added"], found["damaged"]) == (1, 1, {})
    assert cli.main(["rebuild-index"]) == 0
    assert "1 pictures" in capsys.readouterr().out


def test_looking_loads_neither_torch_nor_qt(foreign: Path) -> None:
    code = (
        "import sys; from desktop_app import cli\n"
        "for words in (['models'], ['samplers'], ['rebuild-index'], ['inspect', sys.argv[1]],"
        " ['reproduce', sys.argv[1]], ['render', '--prompt', 'a', '--out', 'a.jpg']):\n"
        "    cli.main([*words, '--json'])\n"
        "print(sorted({'torch', 'diffusers', 'transformers', 'PySide6'} & set(sys.modules)),"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(foreign)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    for line in done.stdout.splitlines():
        json.loads(line)


def test_control_characters_are_written_out() -> None:
    assert printable("a\x1b[2J\u202eb\ud800\n\tc\x9b") == "a\\x1b[2J\\u202eb\\ud800\n\tc\\x9b"


@pytest.mark.fault
@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal to look at")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_render_leaves_no_file(
    tmp_path: Path, tiny_model: Path, ending: signal.Signals
) -> None:
    out = tmp_path / "out"
    words = ["render", "--prompt", "a fox", "--steps", "500", "--model", str(tiny_model)]
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *words, "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
        encoding="utf-8",
    )
    os.close(theirs)
    try:
        seen = ""
        while "[#" not in seen:
            assert select.select([ours], [], [], 100)[0], "no progress bar was drawn"
            seen += os.read(ours, 4096).decode()
        process.send_signal(ending)
        out_words, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert process.returncode == (130 if ending == signal.SIGINT else -signal.SIGKILL)
    assert out_words == ""
    assert not out.exists() or list(out.iterdir()) == []
    assert "/500 steps" in seen


def test_wildcards_and_styles_are_called_from_the_prompt(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "data" / "wildcards"
    folder.mkdir(parents=True)
    (folder / "beast.txt").write_text("fox\n", "utf-8")
    words = "a __beast__ by __nobody__ <style:Ink> --ar 3:2"
    out = tmp_path / "fox.png"
    given = ["--prompt", words, "--seed", "3", *SMALL, "--out", str(out)]
    assert cli.main(["render", *given]) == 0
    recipe = metadata.read_picture(out).recipe
    assert recipe is not None
    assert recipe.prompt.startswith("a fox by __nobody__ --ar 3:2")
    assert "ink" in recipe.prompt.lower()
    told = capsys.readouterr().err
    assert "no wildcard file" in told
    assert "--ar 3:2: This is read as plain words here" in told


def test_a_folder_is_verified_with_a_report(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "same.png").write_bytes(made.read_bytes())
    found = metadata.read_picture(made)
    assert found.recipe is not None
    assert found.provenance is not None
    other = np.full((64, 64, 3), 7, np.uint8)
    (folder / "other.png").write_bytes(metadata.write_png(other, found.recipe, found.provenance))
    wrong = replace(found.provenance, pixels_sha256="f" * 64, latents_sha256="e" * 64)
    (folder / "differs.png").write_bytes(metadata.write_png(other, found.recipe, wrong))
    lost = replace(found.recipe, model=replace(found.recipe.model, sha256="d" * 64, name="Gone"))
    (folder / "lost.png").write_bytes(metadata.write_png(other, lost, found.provenance))
    Image.new("RGB", (8, 8)).save(folder / "plain.jpg")
    out = tmp_path / "report.csv"
    assert cli.main(["verify", str(folder), "--out", str(out), "--json"]) == 1
    rows = {Path(row["path"]).name: row for row in json.loads(capsys.readouterr().out)["pictures"]}
    assert {name: row["result"] for name, row in rows.items()} == {
        "same.png": "identical",
        "other.png": "changed",
        "differs.png": "different",
        "lost.png": "failed",
        "plain.jpg": "unproved",
    }
    assert "Gone" in rows["lost.png"]["cause"]
    assert "Nothing that is recorded differs" in rows["differs.png"]["cause"]
    assert out.read_text("utf-8-sig").count("\n") == 6
    same = str(folder / "inside" / "same.png")
    assert cli.main(["verify", same, "--out", str(out)]) == 2
    assert cli.main(["verify", same, "--out", str(out), "--force"]) == 0
    assert cli.main(["verify", same, "--out", str(tmp_path / "report.exe")]) == 2
    assert cli.main(["verify", str(tmp_path / "nothing")]) == 2
