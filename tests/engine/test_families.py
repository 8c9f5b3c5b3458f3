"""The oracle for every family: our pixels are those of a plain diffusers call, bit for bit."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
import transformers
from diffusers.pipelines.deprecated.wuerstchen import PaellaVQModel

from desktop_app.engine.families import CALLS, caller
from desktop_app.engine.render import LocalBackend
from desktop_app.engine.schedulers import calls_of
from desktop_app.errors import AppError
from desktop_app.recipe.families import FAMILIES, families_of
from tests.engine.models import backend_for, recipe_for, ref, render, steps_of
from tests.engine.tiny_families import MAKERS, save_tiny_family

pytestmark = [
    pytest.mark.slow,
    # Chroma's own code makes what diffusers calls deprecated.
    pytest.mark.filterwarnings("ignore:`FluxPosEmbed` is deprecated:FutureWarning"),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "sana": {"width": 64, "height": 96},
    "kandinsky22": {"width": 128, "height": 64},
    "kandinsky3": {"width": 128, "height": 64},
    "cascade": {"width": 256, "height": 128},
    "hidream": {"width": 832, "height": 1248},
}
# What a person would write beside prompt, size, steps, noise and guidance.
TOLD: dict[str, dict[str, Any]] = {
    "pixart": {"use_resolution_binning": False, "clean_caption": False},
    "sana": {"use_resolution_binning": False},
    "hunyuan_dit": {"use_resolution_binning": False},
    "lumina": {"clean_caption": False},
    "longcat_image": {"enable_prompt_rewrite": False},
    "ernie_image": {"use_pe": False},
}
WITHOUT_NEGATIVE = ("flux", "lcm", "flux2", "flux2_klein")
NONE = {"sd3": ("text_encoder_3", "tokenizer_3"), "longcat_image": ("text_processor",)}
TWO_STAGES = ("kandinsky22", "cascade")
SHARED = ("sd2", "sdxl", "pixart", "unclip")
"""Families with any sampler, tried with one that draws no noise."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made: dict[str, Path] = {}
    for key in MAKERS:
        made[key] = tmp_path_factory.mktemp("families") / key
        save_tiny_family(key, made[key])
    return made


@pytest.fixture(scope="module")
def families(folders: dict[str, Path], cache: Path) -> Any:
    backend = backend_for(cache, **folders)
    yield backend
    backend.close()


def plain(key: str, folder: Path) -> Any:
    kind = getattr(diffusers, FAMILIES[key].pipelines[0])
    if key == "cascade":
        return plain_cascade(folder)
    told = dict.fromkeys(NONE.get(key, ()))
    pipe = kind.from_pretrained(folder, dtype=torch.float32, local_files_only=True, **told)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_cascade(folder: Path) -> Any:
    """Stable Cascade part by part: diffusers does not find its VQGAN where the index says."""
    made: dict[str, Any] = {}
    for part in FAMILIES["cascade"].parts:
        library = diffusers if part.library == "diffusers" else transformers
        name = part.classes[0]
        kind = PaellaVQModel if name == "PaellaVQModel" else getattr(library, name)
        made[part.name] = kind.from_pretrained(folder / part.name)
    loose: Any = diffusers
    scheduler = loose.DDPMWuerstchenScheduler.from_pretrained(folder / "scheduler")
    pipe = loose.StableCascadeCombinedPipeline(**made, scheduler=scheduler)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_picture(key: str, pipe: Any, seed: int, told: dict[str, Any]) -> Any:
    """What a plain call makes in three steps."""
    generator = torch.Generator().manual_seed(seed)
    if key == "unclip":
        # The pipeline would draw for its prior first; the noise of a seed is the same everywhere.
        shape = 1, 4, told["height"] // 8, told["width"] // 8
        told = told | {"latents": torch.randn(shape, generator=generator)}
    if key == "kandinsky22":
        texts = {"prompt": told.pop("prompt"), "negative_prompt": told.pop("negative_prompt")}
        seeded = torch.Generator().manual_seed(seed)
        wanted, unwanted = pipe.prior_pipe(**texts, generator=seeded, return_dict=False)
        told |= {"image_embeds": wanted, "negative_image_embeds": unwanted}
        pipe = pipe.decoder_pipe
    if key == "cascade":
        sizes = {name: told.pop(name) for name in ("width", "height")}
        seeded = torch.Generator().manual_seed(seed)
        prior = pipe.prior_pipe(**told, **sizes, num_inference_steps=6, generator=seeded)
        told = {
            **{name: one for name, one in prior.items() if name != "image_embeddings"},
            "image_embeddings": prior.image_embeddings,
            "guidance_scale": 0.0,
        }
        pipe = pipe.decoder_pipe
    return pipe(**told, num_inference_steps=3, generator=generator).images[0]


@pytest.mark.parametrize("key", MAKERS)
def test_the_pixels_are_those_of_the_plain_call(
    key: str, families: LocalBackend, folders: dict[str, Path]
) -> None:
    row = FAMILIES[key]
    guidance = 3.0
    recipe = recipe_for(
        key,
        scheduler="ddim" if key in SHARED else row.scheduler,
        guidance_scale=guidance,
        negative_prompt="blurry" if "negative_prompt" in row.controls else "",
        **SETTINGS.get(key, {}),
    )
    rendered, events = render(families, recipe)
    pipe = plain(key, folders[key])
    if key in SHARED:
        ddim: Any = diffusers.DDIMScheduler
        pipe.scheduler = ddim.from_config(pipe.scheduler.config)
    told: dict[str, Any] = {"true_cfg_scale" if key == "qwen_image" else "guidance_scale": guidance}
    if key not in WITHOUT_NEGATIVE:
        told["negative_prompt"] = "blurry"
    told |= {"width": recipe.width, "height": recipe.height, "prompt": "a fox"}
    picture = plain_picture(key, pipe, recipe.seed, told | TOLD.get(key, {}))
    assert np.array_equal(rendered.pixels, np.array(picture))
    assert rendered.pixels.std() > 1
    looks = steps_of(events)
    assert [look.index for look in looks] == list(range(1, len(looks) + 1))
    call = caller(pipe)
    drawn = torch.zeros(call.shape(pipe, recipe.width, recipe.height))
    high, wide = call.shown(pipe, drawn).shape[-2:]
    for look in looks:
        assert look.preview is not None
        assert look.preview.shape == (high, wide, 3)
    stage = pipe.decoder_pipe if key in TWO_STAGES else pipe
    used = [float(one) for one in calls_of(stage.scheduler)]
    assert [look.timestep for look in looks] == used


@pytest.mark.parametrize("key", MAKERS)
def test_a_family_is_told_from_its_folder(key: str, folders: dict[str, Path]) -> None:
    from desktop_app.engine.folder import index_of

    assert index_of(folders[key], "Test")[1].key == key


def test_every_pipeline_of_the_table_is_in_diffusers_and_can_be_called() -> None:
    for row in FAMILIES.values():
        for name in row.pipelines:
            kind = getattr(diffusers, name)
            parts, _ = kind._get_signature_keys(kind)
            assert {part.name for part in row.parts} <= set(parts)
            assert "refine" in row.tasks or name in CALLS
            assert "lora" not in row.adapters or hasattr(kind, "load_lora_weights")
    for name in CALLS:
        assert families_of(name)


def test_a_sampler_that_a_family_does_not_have_is_named(families: LocalBackend) -> None:
    with pytest.raises(AppError, match=r"Flux\.1 models cannot be sampled") as error:
        render(families, recipe_for("flux", scheduler="dpmpp_2m"))
    assert error.value.code == "sampler-family"
    assert "Euler" in (error.value.hint or "")


@pytest.mark.parametrize("key", ["unclip", "hunyuan_dit", "sana"])
def test_timesteps_that_a_pipeline_cannot_be_told_are_refused(
    key: str, families: LocalBackend
) -> None:
    assert not FAMILIES[key].samples("dpmpp_2m", "ays")
    asked = recipe_for(key, scheduler="dpmpp_2m", sigmas="ays", **SETTINGS.get(key, {}))
    with pytest.raises(AppError, match="at the timesteps of AYS") as error:
        render(families, asked)
    assert error.value.code == "sampler-family"


def test_what_is_not_read_is_noted_in_the_picture(families: LocalBackend) -> None:
    asked = {"width": 64, "height": 64, "num_inference_steps": 1, "scheduler": "euler"}
    recipe = recipe_for("flux", prompt="a (red:1.3) fox", negative_prompt="fog", **asked)
    notes = render(families, recipe)[0].provenance.notes
    assert len(notes) == 2
    assert "know no weights" in notes[0]
    assert "read no words to avoid" in notes[1]
    plain_words = recipe_for("flux", prompt=r"a \(red\) fox", **asked)
    assert render(families, plain_words)[0].provenance.notes == ()
    weighed = recipe_for("sd2", prompt="a (red:1.3) fox", negative_prompt="fog", **asked)
    assert render(families, weighed)[0].provenance.notes == ()


def test_another_vae_is_refused_by_a_family_that_has_none(families: LocalBackend) -> None:
    recipe = recipe_for("cascade", scheduler="ddpm", vae=ref("sd2"), **SETTINGS["cascade"])
    with pytest.raises(AppError, match="no VAE") as error:
        render(families, recipe)
    assert error.value.code == "vae-none"
    rendered, _ = render(families, replace(recipe, vae=None))
    assert rendered.pixels.std() > 1, "the model is as it was"


def test_a_size_that_a_family_does_not_make_is_named(families: LocalBackend) -> None:
    with pytest.raises(AppError, match="a few sizes only") as error:
        render(families, recipe_for("hidream", scheduler="euler", width=1328, height=800))
    assert error.value.code == "size-model"
    assert "Choose 1360 × 768" in (error.value.hint or "")


def test_the_words_of_flux_2_are_read_without_its_processor(
    families: LocalBackend, folders: dict[str, Path], tmp_path: Path, cache: Path
) -> None:
    """The folder that was published names a class that needs torchvision."""
    asked = recipe_for("flux2", scheduler="euler", num_inference_steps=1)
    wanted = render(families, asked)[0].pixels
    folder = tmp_path / "flux2"
    shutil.copytree(folders["flux2"], folder)
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    index["tokenizer"] = ["transformers", "PixtralProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    backend = backend_for(cache, flux2=folder)
    assert np.array_equal(render(backend, asked)[0].pixels, wanted)
    backend.close()


def test_a_size_is_a_multiple_of_the_familys(families: LocalBackend) -> None:
    with pytest.raises(AppError, match="steps of 16 pixels"):
        render(families, recipe_for("flux", width=72, scheduler="euler"))
