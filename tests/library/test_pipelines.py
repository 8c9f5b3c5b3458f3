"""A folder of every family in the table is known, checked part by part, and listed as a model."""

from pathlib import Path

import pytest

from desktop_app.library.catalog import Catalog
from desktop_app.library.families import FAMILIES as SORTS
from desktop_app.library.pipelines import identify_folder
from desktop_app.library.reading import read_json
from desktop_app.recipe.families import FAMILIES, Family
from desktop_app.recipe.recipe import HEIGHT, WIDTH
from desktop_app.weights.variants import WEIGHTS
from tests.library.models import TENSORS, write_json, write_tensors

pytestmark = pytest.mark.core

KINDS = [(family, pipeline) for family in FAMILIES.values() for pipeline in family.pipelines]


def write_pipeline(folder: Path, family: Family, pipeline: str) -> Path:
    """A folder with every part of a family, whose weights are some bytes."""
    index: dict[str, object] = {"_class_name": pipeline, "_diffusers_version": "0.42.1"}
    for part in family.parts:
        index[part.name] = [part.index_library, part.classes[0]]
        config: dict[str, object] = {"_class_name": part.classes[0]}
        if part.library == "transformers":
            config = {"architectures": [part.classes[0]]}
        if part.name == "unet" and family.key in ("sd2", "unclip"):
            config["cross_attention_dim"] = 1024
        write_json(folder / part.name / "config.json", config)
        if part.has_weights:
            write_tensors(folder / part.name / WEIGHTS[part.library], TENSORS)
    index.setdefault("scheduler", ["diffusers", "EulerDiscreteScheduler"])
    write_json(folder / "scheduler/scheduler_config.json", {"prediction_type": "epsilon"})
    write_json(folder / "model_index.json", index)
    return folder


@pytest.mark.parametrize(("family", "pipeline"), KINDS, ids=[pipeline for _, pipeline in KINDS])
def test_every_family_is_known_by_its_folder(tmp_path: Path, family: Family, pipeline: str) -> None:
    folder = write_pipeline(tmp_path / "models/some model", family, pipeline)
    found = identify_folder(folder)
    assert found.kind == ("checkpoint" if "text" in family.tasks else "refiner")
    expected = "sd1" if family.key == "lcm" else family.key
    assert SORTS[found.family].made_as == expected
    assert set(found.parts) == {part.name for part in family.parts if part.has_weights}
    catalog = Catalog([tmp_path / "models"], tmp_path / "cache")
    models = catalog.scan()
    if "text" not in family.tasks:
        assert models == catalog.refused == ()
        (asset,) = catalog.assets()
        assert asset.unsupported == ""
        return
    assert found.unsupported == ""
    (info,) = models
    assert info.family_key == family.key
    assert (info.default_steps, info.default_guidance) == (family.steps, family.guidance_scale)
    assert info.default_scheduler in family.schedulers
    for width, height in (info.native_size, *info.sizes):
        WIDTH.check(width)
        HEIGHT.check(height)
        assert width % family.multiple == height % family.multiple == 0
    assert catalog.path(info.ref) == folder


@pytest.mark.parametrize(("family", "pipeline"), KINDS[:6], ids=[name for _, name in KINDS[:6]])
def test_a_foreign_part_is_refused_in_every_family(
    tmp_path: Path, family: Family, pipeline: str
) -> None:
    folder = write_pipeline(tmp_path / "m", family, pipeline)
    index = {"_class_name": pipeline, **{part.name: ["evil", "Model"] for part in family.parts}}
    write_json(folder / "model_index.json", {**index, "scheduler": ["diffusers", "DDIMScheduler"]})
    assert "unknown" in identify_folder(folder).unsupported


def test_a_pipeline_that_makes_no_pictures_says_so(tmp_path: Path) -> None:
    write_json(tmp_path / "m/model_index.json", {"_class_name": "WanPipeline"})
    found = identify_folder(tmp_path / "m")
    assert found.family == "wan"
    assert found.unsupported == "It is for Wan: it makes films, not pictures."


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("StableCascadePriorPipeline", "the prior of Stable Cascade alone"),
        ("StableCascadeDecoderPipeline", "put the folder of its prior beside it"),
        ("KandinskyV22Pipeline", "the decoder of Kandinsky 2.2 alone"),
        ("QwenImage21Pipeline", "needs torchvision"),
        ("KolorsPipeline", "needs sentencepiece"),
        ("IFPipeline", "takes no noise"),
        ("SanaSprintPipeline", "Sana Sprint"),
        ("EvilPipeline", "makes no pictures here"),
    ],
)
def test_a_pipeline_that_cannot_be_used_says_exactly_why(
    tmp_path: Path, pipeline: str, said: str
) -> None:
    write_json(tmp_path / "m/model_index.json", {"_class_name": pipeline})
    assert said in identify_folder(tmp_path / "m").unsupported


def test_a_pipeline_by_its_old_name_is_known(tmp_path: Path) -> None:
    folder = write_pipeline(tmp_path / "m", FAMILIES["lumina"], "LuminaText2ImgPipeline")
    found = identify_folder(folder)
    assert (found.family, found.unsupported) == ("lumina", "")


@pytest.mark.parametrize("missing", [None, [None, None]])
def test_a_folder_without_its_language_model_says_where_to_find_it(
    tmp_path: Path, missing: object
) -> None:
    folder = write_pipeline(tmp_path / "m", FAMILIES["hidream"], "HiDreamImagePipeline")
    index = read_json(folder / "model_index.json")
    index["text_encoder_4"] = missing
    if missing is None:
        del index["text_encoder_4"]
    write_json(folder / "model_index.json", index)
    why = identify_folder(folder).unsupported
    assert "has no text encoder 4" in why
    assert "Llama 3.1 8B Instruct" in why
