"""What lies beside a model is read within bounds and without belief."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.library.sidecars import family_of_base, read_sidecar

pytestmark = pytest.mark.core


def beside(folder: Path) -> dict[str, str]:
    return {path.name.lower(): path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    "name", ["fox.preview.png", "fox.png", "Fox.PREVIEW.PNG", "fox.jpeg", "fox.webp", "fox.jpg"]
)
def test_a_picture_beside_the_file_is_its_preview(tmp_path: Path, name: str) -> None:
    model = tmp_path / "fox.safetensors"
    for one in (model, tmp_path / name, tmp_path / "other.png"):
        one.write_bytes(b"x")
    assert read_sidecar(model, beside(tmp_path)).preview == tmp_path / name


def test_a_preview_meant_for_it_wins(tmp_path: Path) -> None:
    model = tmp_path / "fox.safetensors"
    for one in (model, tmp_path / "fox.png", tmp_path / "fox.preview.jpg"):
        one.write_bytes(b"x")
    assert read_sidecar(model, beside(tmp_path)).preview == tmp_path / "fox.preview.jpg"


def test_a_folder_has_its_preview_inside(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "preview.png").write_bytes(b"x")
    assert read_sidecar(folder, beside(folder)).preview == folder / "preview.png"


SIDECARS: dict[str, dict[str, object]] = {
    ".civitai.info": {
        "model": {"name": "Fine fox"},
        "baseModel": "SDXL 1.0",
        "trainedWords": ["foxx", "red, fur"],
        "description": "<p>A <b>fox</b> &amp; more</p>",
    },
    ".json": {
        "sd version": "SDXL",
        "activation text": "foxx, red, fur",
        "preferred weight": 0.8,
        "negative text": "blurry",
        "description": "A fox & more",
        "notes": "mine",
    },
    ".cm-info.json": {
        "ModelName": "Fine fox",
        "BaseModel": "SDXL 1.0",
        "TrainedWords": ["foxx", "red"],
        "ModelDescription": "<br>A fox &amp; more",
    },
    ".metadata.json": {
        "civitai": {"model": {"name": "Fine fox"}, "trainedWords": ["foxx"]},
        "base_model": "SDXL 1.0",
        "modelDescription": "A fox & more",
    },
}


@pytest.mark.parametrize(("suffix", "data"), SIDECARS.items())
def test_what_other_programs_wrote(tmp_path: Path, suffix: str, data: dict[str, object]) -> None:
    model = tmp_path / "fox.safetensors"
    model.write_bytes(b"x")
    (tmp_path / f"fox{suffix}").write_text(json.dumps(data))
    found = read_sidecar(model, beside(tmp_path))
    assert found.family == "sdxl"
    assert found.trigger_words[0] == "foxx"
    assert "fox & more" in found.description
    assert "<" not in found.description
    assert found.name == ("" if suffix == ".json" else "Fine fox")
    if suffix == ".json":
        assert (found.weight, found.negative, found.notes) == (0.8, "blurry", "mine")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null", '{"model": 5}', "\xff"])
def test_nonsense_beside_a_model_is_no_harm(tmp_path: Path, text: str) -> None:
    model = tmp_path / "fox.safetensors"
    model.write_bytes(b"x")
    (tmp_path / "fox.civitai.info").write_text(text)
    found = read_sidecar(model, beside(tmp_path))
    assert (found.name, found.trigger_words, found.weight) == ("", (), None)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["model", "civitai", "trainedWords", "preferred weight", "description", "baseModel", "notes"]
)


@given(st.dictionaries(KEYS, JSON, max_size=7))
def test_any_values_are_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "fuzz.json").write_text(json.dumps(data))
    found = read_sidecar(
        folder / "fuzz.safetensors",
        {"fuzz.safetensors": "fuzz.safetensors", "fuzz.json": "fuzz.json"},
    )
    assert found.weight is None or 0 < found.weight <= 4
    assert len(found.description) <= 2000


def test_a_sidecar_of_megabytes_is_not_read(tmp_path: Path) -> None:
    model = tmp_path / "fox.safetensors"
    model.write_bytes(b"x")
    (tmp_path / "fox.json").write_text(json.dumps({"notes": "x" * 5_000_000}))
    assert read_sidecar(model, beside(tmp_path)).notes == ""


@pytest.mark.parametrize(
    ("base", "family"),
    [
        *[("SD 1.5", "sd1"), ("SD 2.1 768", "sd2-v"), ("Pony", "sdxl"), ("Illustrious", "sdxl")],
        *[("Flux.1 D", "flux-dev"), ("Flux.1 S", "flux-schnell"), ("SD 3.5 Large", "sd35")],
        *[("Other", ""), ("", "")],
    ],
)
def test_base_models_as_civitai_names_them(base: str, family: str) -> None:
    assert family_of_base(base) == family
