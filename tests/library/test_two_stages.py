"""Models that were published as two folders are brought in as one."""

from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.bring_in import copy_in
from desktop_app.library.pipelines import identify_folder
from desktop_app.library.reading import read_json
from desktop_app.library.two_stages import joint_of, stage_of
from desktop_app.recipe.families import FAMILIES
from desktop_app.weights.variants import WEIGHTS
from tests.library.models import TENSORS, write_json, write_tensors

pytestmark = pytest.mark.core

PIPELINES = {
    "kandinsky22": ("KandinskyV22Pipeline", "KandinskyV22PriorPipeline"),
    "cascade": ("StableCascadeDecoderPipeline", "StableCascadePriorPipeline"),
}


def never() -> bool:
    return False


def write_stages(key: str, place: Path) -> tuple[Path, Path]:
    """The two folders as they were published: a decoder and a prior."""
    folders = place / key, place / f"{key}-prior"
    for folder, kind, stage in zip(folders, PIPELINES[key], ("", "prior_"), strict=True):
        index: dict[str, object] = {"_class_name": kind, "_diffusers_version": "0.42.1"}
        for part in FAMILIES[key].parts:
            if part.name.startswith("prior_") != bool(stage):
                continue
            name = part.name.removeprefix(stage)
            index[name] = [part.index_library, part.classes[0]]
            write_json(folder / name / "config.json", {})
            if part.has_weights:
                write_tensors(folder / name / WEIGHTS[part.library], TENSORS)
        scheduler = "DDPMWuerstchenScheduler" if key == "cascade" else "DDPMScheduler"
        index.setdefault("scheduler", ["diffusers", scheduler])
        write_json(folder / "scheduler/scheduler_config.json", {})
        write_json(folder / "model_index.json", index)
        (folder / "big.safetensors").write_bytes(b"the original, in one file")
    return folders


@pytest.mark.parametrize("dropped", [0, 1])
@pytest.mark.parametrize("key", PIPELINES)
def test_both_stages_come_as_one_model(tmp_path: Path, key: str, dropped: int) -> None:
    folders = write_stages(key, tmp_path / "from")
    assert "alone, one stage of two" in identify_folder(folders[dropped]).unsupported
    copy = copy_in(folders[dropped], tmp_path / "models", never)
    assert copy == tmp_path / "models" / "checkpoints" / key
    found = identify_folder(copy)
    assert (found.kind, found.unsupported) == ("checkpoint", "")
    assert set(found.parts) == {part.name for part in FAMILIES[key].parts if part.has_weights}
    assert read_json(copy / "model_index.json")["_class_name"] == FAMILIES[key].pipelines[0]
    assert copy_in(folders[1 - dropped], tmp_path / "models", never) == copy
    assert [one.name for one in copy.parent.iterdir()] == [key]
    assert not (copy / "big.safetensors").exists()


def test_the_prior_of_the_nearest_name_is_taken(tmp_path: Path) -> None:
    decoder, prior = write_stages("cascade", tmp_path)
    prior.rename(tmp_path / "a prior")
    decoder.rename(tmp_path / "b decoder")
    write_stages("cascade", tmp_path)
    joint = joint_of(tmp_path / "cascade")
    assert joint is not None
    assert (joint.decoder.name, joint.prior.name) == ("cascade", "cascade-prior")


def test_a_stage_alone_is_not_copied(tmp_path: Path) -> None:
    decoder, prior = write_stages("cascade", tmp_path)
    prior.rename(tmp_path.parent / "elsewhere")
    assert joint_of(decoder) is None
    with pytest.raises(AppError, match="put the folder of its prior beside it"):
        copy_in(decoder, tmp_path / "models", never)


def test_what_does_not_belong_together_leaves_nothing(tmp_path: Path) -> None:
    decoder, prior = write_stages("cascade", tmp_path / "from")
    index = read_json(prior / "model_index.json")
    write_json(prior / "model_index.json", index | {"prior": ["evil", "Model"]})
    with pytest.raises(AppError, match="unknown"):
        copy_in(decoder, tmp_path / "models", never)
    assert list((tmp_path / "models" / "checkpoints").iterdir()) == []
    (prior / "text_encoder" / "boom.py").write_text("boom")
    with pytest.raises(AppError, match="program code"):
        copy_in(decoder, tmp_path / "models", never)


def test_other_pipelines_have_no_stages(tmp_path: Path) -> None:
    assert stage_of("StableDiffusionPipeline") == ""
    write_json(tmp_path / "m/model_index.json", {"_class_name": "StableDiffusionPipeline"})
    assert joint_of(tmp_path / "m") is None
    assert joint_of(tmp_path) is None
