"""Checkpoints in one file: the weights and pixels that diffusers itself makes of them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from desktop_app.engine.loading import load_model
from desktop_app.engine.model import Model
from desktop_app.errors import AppError
from desktop_app.paths import RESOURCES
from desktop_app.recipe.families import FAMILIES
from tests.engine.checkpoints import Tensors, checkpoint_of
from tests.engine.single_files import clip_words, empty_parts, plain_single_file
from tests.engine.tiny_settings import tiny_configs

pytestmark = pytest.mark.slow
SINGLE = ("sd1", "sd2", "sdxl", "sdxl_refiner")


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_configs(tmp_path_factory.mktemp("configs") / "model_configs")


def random_parts(configs: Path, family: str) -> dict[str, Any]:
    """Components of the family with the small settings and seeded weights."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return empty_parts(configs, family)


@pytest.fixture(scope="module")
def files(configs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made: dict[str, Path] = {}
    for family in SINGLE:
        made[family] = folder / f"{family}.safetensors"
        tensors = checkpoint_of(random_parts(configs, family), family)
        save_file({key: one.half() for key, one in tensors.items()}, made[family])
    return made


def load(path: Path, configs: Path) -> Model:
    cpu = torch.device("cpu")
    return load_model(path, "Test", device=cpu, dtype=torch.float32, configs=configs)


@pytest.mark.parametrize("family", SINGLE)
def test_the_weights_are_those_that_diffusers_reads(
    family: str, files: dict[str, Path], configs: Path
) -> None:
    model = load(files[family], configs)
    other = plain_single_file(files[family], configs, family)
    assert model.family.key == family
    for part in FAMILIES[family].parts:
        ours, theirs = getattr(model.pipe, part.name), getattr(other, part.name)
        if part.name.startswith("tokenizer"):
            text = "a Fox, in snow's\n light 3"
            assert ours(text).input_ids == theirs(text).input_ids
            continue
        state = theirs.state_dict()
        assert ours.state_dict().keys() == state.keys()
        for key, tensor in ours.state_dict().items():
            assert torch.equal(tensor, state[key]), key
            assert tensor.device.type == "cpu"


def test_the_pixels_are_those_of_the_plain_call(files: dict[str, Path], configs: Path) -> None:
    told = {"width": 64, "height": 64, "num_inference_steps": 2, "output_type": "np"}
    pixels = [
        pipe("a fox", generator=torch.Generator().manual_seed(1), **told).images[0]
        for pipe in (
            load(files["sd1"], configs).pipe,
            plain_single_file(files["sd1"], configs, "sd1"),
        )
    ]
    assert np.array_equal(*pixels)


def test_the_shipped_settings_have_the_published_sizes() -> None:
    """The numbers of parameters that the papers and model cards give, in millions."""
    known = {
        ("sd1", "unet"): 859.5,
        ("sd1", "vae"): 83.7,
        ("sd1", "text_encoder"): 123.1,
        ("sd2", "unet"): 865.9,
        ("sdxl", "unet"): 2567.5,
        ("sdxl", "text_encoder_2"): 694.7,
    }
    with torch.device("meta"):
        made = {family: empty_parts(RESOURCES / "model_configs", family) for family, _ in known}
    for (family, part), millions in known.items():
        count = sum(one.numel() for one in made[family][part].parameters()) / 1e6
        assert count == pytest.approx(millions, abs=0.06), (family, part)


def test_the_vocabulary_is_clips(configs: Path) -> None:
    tokenizer = clip_words(configs, "sd1", "tokenizer")
    assert tokenizer.vocab_size == 49408
    # As the published tokenizer of CLIP ViT-L/14 gives them.
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokenizer.pad_token_id == 49407
    assert clip_words(configs, "sd2", "tokenizer").pad_token_id == 0


def changed(path: Path, to: Path, change: Any, metadata: dict[str, str] | None = None) -> Path:
    from safetensors.torch import load_file

    tensors: Tensors = load_file(path)
    save_file(change(tensors), to, metadata=metadata)
    return to


def prediction(path: Path, configs: Path) -> Any:
    return load(path, configs).pipe.scheduler.config.prediction_type


def test_v_prediction_is_told_by_marks_metadata_sidecar_and_weights(
    files: dict[str, Path], configs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.safetensors"
    assert prediction(files["sd1"], configs) == "epsilon"
    changed(files["sd1"], file, lambda t: t | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)})
    model = load(file, configs)
    assert model.pipe.scheduler.config.prediction_type == "v_prediction"
    assert model.pipe.scheduler.config.rescale_betas_zero_snr is True
    changed(files["sd1"], file, dict, {"modelspec.prediction_type": "v"})
    assert prediction(file, configs) == "v_prediction"
    changed(files["sd1"], file, dict)
    (tmp_path / "a.yaml").write_text("model:\n  params:\n    parameterization: 'v'\n", "utf-8")
    assert prediction(file, configs) == "v_prediction"
    (tmp_path / "a.yaml").unlink()
    bias = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    wide = torch.linspace(-1, 1, 32).half()
    changed(files["sd2"], file, lambda t: t | {bias: wide})
    assert prediction(file, configs) == "v_prediction"
    changed(files["sd2"], file, lambda t: t | {bias: wide}, {"modelspec.prediction_type": "eps"})
    assert prediction(file, configs) == "epsilon"


def test_names_of_old_mergers_are_understood(
    files: dict[str, Path], configs: Path, tmp_path: Path
) -> None:
    def older(tensors: Tensors) -> Tensors:
        return {
            key.replace("transformer.text_model.", "transformer."): t for key, t in tensors.items()
        }

    file = changed(files["sd1"], tmp_path / "old.safetensors", older)
    ours, usual = load(file, configs), load(files["sd1"], configs)
    for key, tensor in usual.pipe.text_encoder.state_dict().items():
        assert torch.equal(ours.pipe.text_encoder.state_dict()[key], tensor)


def without(start: str) -> Any:
    return lambda tensors: {key: one for key, one in tensors.items() if not key.startswith(start)}


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (without("model.diffusion_model."), "model-kind", "no checkpoint"),
        (without("cond_stage_model."), "model-incomplete", "text encoder"),
        (without("first_stage_model."), "model-incomplete", "picture decoder"),
        (without("model.diffusion_model.out.2.bias"), "model-broken", "conv_out.bias"),
        (without("first_stage_model.decoder.conv_in.bias"), "model-broken", "conv_in.bias"),
        (
            lambda t: (
                t | {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(32, 9, 3, 3)}
            ),
            "model-kind",
            "9 channels",
        ),
        (
            lambda t: t | {"model.diffusion_model.out.2.bias": torch.zeros(5)},
            "model-broken",
            "shape",
        ),
        (
            lambda t: t | {"model.diffusion_model.out.2.bias": torch.full((4,), torch.nan)},
            "model-broken",
            "not finite",
        ),
        (lambda t: {}, "model-kind", "no checkpoint"),
    ],
)
def test_what_cannot_be_loaded_is_named(
    change: Any, code: str, says: str, files: dict[str, Path], configs: Path, tmp_path: Path
) -> None:
    file = changed(files["sd1"], tmp_path / "a.safetensors", change)
    with pytest.raises(AppError) as error:
        load(file, configs)
    assert error.value.code == code
    assert says in str(error.value)


@pytest.mark.parametrize("keep", [0, 7, 100, 5000, -1])
def test_a_truncated_file_is_named(
    keep: int, files: dict[str, Path], configs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(files["sd1"].read_bytes()[:keep])
    with pytest.raises(AppError) as error:
        load(file, configs)
    assert error.value.code == "model-broken"


def test_pickles_are_not_opened(configs: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (proof,)

    for name in ("a.ckpt", "a.pt", "a.safetensors"):
        torch.save(Evil(), tmp_path / name)
        with pytest.raises(AppError):
            load(tmp_path / name, configs)
    assert not proof.exists()


def test_the_file_is_free_after_loading(
    files: dict[str, Path], configs: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy(files["sd1"], tmp_path / "a.safetensors"))
    model = load(file, configs)
    before = model.pipe.unet.conv_in.weight.clone()
    file.write_bytes(b"")
    assert torch.equal(model.pipe.unet.conv_in.weight, before)
