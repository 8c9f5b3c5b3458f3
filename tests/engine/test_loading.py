"""Model folders, whole and broken: nothing but numbers is read, and every refusal is a sentence."""

import json
import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file

from desktop_app.engine.loading import Model, load_model
from desktop_app.errors import AppError
from desktop_app.library.hashing import weight_files
from desktop_app.library.safety import check_folder
from desktop_app.weights.counting import held_by
from tests.engine.models import plain_pipeline
from tests.tiny_model import save_tiny_model

pytestmark = pytest.mark.slow
UNET = "unet/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
ROOT = Path(__file__).resolve().parents[2]


def load(folder: Path) -> Model:
    return load_model(folder, "Test", device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(change(value)), "utf-8")


def refused(folder: Path) -> AppError:
    with pytest.raises(AppError) as error:
        load(folder)
    sentence = str(error.value)
    assert "Test" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    return error.value


def test_everything_is_float32_whatever_the_files_hold(starter_model: Path) -> None:
    model = load(starter_model)
    assert load_file(starter_model / UNET)["conv_in.weight"].dtype == torch.float16
    for part in (model.pipe.unet, model.pipe.vae, model.pipe.text_encoder):
        assert {one.dtype for one in part.state_dict().values() if one.is_floating_point()} == {
            torch.float32
        }
        assert not part.training
    assert model.pipe.safety_checker is None
    assert model.size > 50_000_000


@pytest.mark.parametrize("pieces", ["10GB", "40KB"])
def test_a_folder_of_half_precision_copies_alone(
    tiny_model: Path, tmp_path: Path, pieces: str
) -> None:
    place = tmp_path / "halves"
    plain_pipeline(tiny_model).to(torch.float16).save_pretrained(
        place, variant="fp16", max_shard_size=pieces
    )
    names = {path.name for path in place.glob("*/*.safetensors")}
    assert all("fp16" in name for name in names)
    assert any("-of-" in name for name in names) == (pieces == "40KB")
    check_folder(place)
    assert {path for _, path in weight_files(place)} == set(place.glob("*/*.safetensors"))
    plain: Any = StableDiffusionPipeline.from_pretrained(place, variant="fp16", dtype=torch.float32)
    ours = load(place).pipe
    for part in ("unet", "vae", "text_encoder"):
        state = getattr(plain, part).state_dict()
        for key, tensor in getattr(ours, part).state_dict().items():
            assert torch.equal(tensor, state[key].to(tensor.dtype)), key
    assert held_by(place).numbers == held_by(tiny_model).numbers


def test_weights_packed_by_another_library_are_refused_by_its_name(folder: Path) -> None:
    told = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    edit(folder / "unet" / "config.json", lambda config: config | {"quantization_config": told})
    error = refused(folder)
    assert error.code == "model-packed"
    assert "unet packed by bitsandbytes (nf4)" in error.sentence


def test_sizes_that_do_not_fit_are_refused(tiny_model: Path) -> None:
    model = load(tiny_model)
    assert model.latent_shape(72, 64) == (1, 4, 8, 9)
    with pytest.raises(AppError, match="steps of 8 pixels, not 68 × 64") as error:
        model.latent_shape(68, 64)
    assert error.value.code == "size-model"


def test_an_old_scheduler_config_is_read_as_diffusers_means_it(folder: Path) -> None:
    def older(config: dict[str, Any]) -> dict[str, Any]:
        return config | {"steps_offset": 0, "_class_name": "DDIMScheduler", "clip_sample": True}

    edit(folder / "scheduler/scheduler_config.json", older)
    edit(
        folder / "model_index.json",
        lambda index: index | {"scheduler": ["diffusers", "DDIMScheduler"]},
    )
    config: Any = load(folder).pipe.scheduler.config
    assert (config.steps_offset, config.clip_sample) == (1, False)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    error = refused(tmp_path / "gone")
    assert error.code == "model-missing"
    assert str(tmp_path / "gone") in str(error)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index | {"_class_name": "StableDiffusionXLPipeline"},
        lambda index: index | {"_class_name": ["StableDiffusionPipeline"]},
        lambda index: index | {"unet": ["diffusers", "FluxTransformer2DModel"]},
        lambda index: index | {"unet": ["my_library", "UNet2DConditionModel"]},
        lambda index: index | {"unet": ["os", "system"]},
        lambda index: index | {"vae": ["diffusers", ["AutoencoderKL"]]},
        lambda index: index | {"text_encoder": [None, None]},
        lambda index: {k: v for k, v in index.items() if k != "tokenizer"},
        lambda index: index | {"scheduler": ["diffusers", "UNet2DConditionModel"]},
        lambda index: index | {"scheduler": ["diffusers", "__file__"]},
    ],
)
def test_another_kind_of_model(folder: Path, change: Callable[[Any], Any]) -> None:
    edit(folder / "model_index.json", change)
    assert refused(folder).code == "model-kind"


def test_a_model_that_predicts_something_unknown(folder: Path) -> None:
    edit(
        folder / "scheduler/scheduler_config.json",
        lambda config: config | {"prediction_type": "flow_prediction"},
    )
    assert refused(folder).code == "model-kind"


def test_a_model_for_inpainting(folder: Path) -> None:
    weights = load_file(folder / UNET)
    weights["conv_in.weight"] = torch.zeros(32, 9, 3, 3)
    save_file(weights, folder / UNET)
    edit(folder / "unet/config.json", lambda config: config | {"in_channels": 9})
    assert "9 channels" in str(refused(folder))


def test_parts_of_two_models(folder: Path, starter_model: Path) -> None:
    shutil.rmtree(folder / "text_encoder")
    shutil.copytree(starter_model / "text_encoder", folder / "text_encoder")
    assert "does not fit" in str(refused(folder))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty index": lambda f: (f / "model_index.json").write_bytes(b""),
    "index is a list": lambda f: (f / "model_index.json").write_bytes(b"[1]"),
    "index is binary": lambda f: (f / "model_index.json").write_bytes(b"\xff\xfe\x00"),
    "index nests": lambda f: (f / "model_index.json").write_bytes(b"[" * 100_000),
    "no unet": lambda f: shutil.rmtree(f / "unet"),
    "no tokenizer": lambda f: shutil.rmtree(f / "tokenizer"),
    "no scheduler": lambda f: shutil.rmtree(f / "scheduler"),
    "no weights": lambda f: (f / UNET).unlink(),
    "no text weights": lambda f: (f / TEXT).unlink(),
    "empty weights": lambda f: (f / VAE).write_bytes(b""),
    "empty text weights": lambda f: (f / TEXT).write_bytes(b""),
    "huge header": lambda f: (f / UNET).write_bytes(struct.pack("<Q", 2**60) + b"{}"),
    "config of nothing": lambda f: (f / "unet/config.json").write_bytes(b"{}"),
    "config is a list": lambda f: (f / "vae/config.json").write_bytes(b"[]"),
    "text config is binary": lambda f: (f / "text_encoder/config.json").write_bytes(b"\0\1"),
    "broken tokenizer": lambda f: (f / "tokenizer/tokenizer.json").write_bytes(b"{"),
    "scheduler of wrong types": lambda f: edit(
        f / "scheduler/scheduler_config.json", lambda c: c | {"trained_betas": "many"}
    ),
    "unet of wrong types": lambda f: edit(
        f / "unet/config.json", lambda c: c | {"block_out_channels": "abc"}
    ),
    "unet of other sizes": lambda f: edit(
        f / "unet/config.json", lambda c: c | {"block_out_channels": [32, 96]}
    ),
    "unet with more layers": lambda f: edit(
        f / "unet/config.json", lambda c: c | {"layers_per_block": 2}
    ),
    "text encoder with more layers": lambda f: edit(
        f / "text_encoder/config.json", lambda c: c | {"num_hidden_layers": 3}
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_named(damage: str, folder: Path) -> None:
    DAMAGES[damage](folder)
    error = refused(folder)
    assert error.code == "model-broken"
    assert error.hint


@pytest.mark.parametrize("name", [UNET, TEXT, VAE])
def test_truncated_weights(name: str, folder: Path) -> None:
    data = (folder / name).read_bytes()
    for length in (len(data) - 1, len(data) // 2, 100, 7):
        (folder / name).write_bytes(data[:length])
        assert refused(folder).code == "model-broken"


@pytest.mark.parametrize("name", [UNET, TEXT, VAE])
def test_a_tensor_that_is_missing_is_not_made_up(name: str, folder: Path) -> None:
    weights = load_file(folder / name)
    gone = sorted(weights)[len(weights) // 2]
    save_file(
        {key: one for key, one in weights.items() if key != gone},
        folder / name,
        metadata={"format": "pt"},
    )
    assert refused(folder).code == "model-broken"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value: float, folder: Path) -> None:
    weights = load_file(folder / UNET)
    weights["conv_out.bias"][0] = value
    save_file(weights, folder / UNET, metadata={"format": "pt"})
    error = refused(folder)
    assert error.code == "model-broken"
    assert "conv_out.bias is not finite" in str(error)


@pytest.mark.parametrize("name", ["unet/config.json", "vae/config.json", UNET, VAE])
def test_random_damage_is_an_app_error_or_harmless(name: str, folder: Path) -> None:
    chance = random.Random(name)
    whole = (folder / name).read_bytes()
    for _ in range(6):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(min(len(data), 4000))] = chance.randrange(256)
        (folder / name).write_bytes(data)
        try:
            load(folder)
        except AppError as error:
            assert error.code in ("model-broken", "model-kind")


def test_pickled_weights_are_not_read(folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (proof,)

    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")):
        for old in (folder / part).glob("*.safetensors"):
            old.unlink()
        torch.save(Evil(), folder / part / f"{name}.bin")
        assert refused(folder).code == "model-broken"
    assert not proof.exists()


def test_code_in_the_folder_does_not_run(folder: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(proof)!r}).touch()\nclass Net: ...\n"
    for part in ("", "unet", "text_encoder", "tokenizer"):
        (folder / part / "net.py").write_text(code, "utf-8")
    auto = {"AutoConfig": "net.Net", "AutoModel": "net.Net", "AutoTokenizer": ["net.Net", None]}
    for config in ("text_encoder/config.json", "tokenizer/tokenizer_config.json"):
        edit(
            folder / config,
            lambda value: value | {"auto_map": auto, "_attn_implementation_internal": "net/net"},
        )
    edit(folder / "unet/config.json", lambda value: value | {"auto_map": {"Net": "net.Net"}})
    try:
        load(folder)
    except AppError as error:
        assert error.code in ("model-broken", "model-kind")
    assert not proof.exists()


def test_other_latent_channels(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "sixteen", latent_channels=16)
    assert load(tmp_path / "sixteen").latent_shape(64, 64) == (1, 16, 8, 8)


def test_importing_the_engines_door_imports_no_torch() -> None:
    """And starting it sets the network off before diffusers reads the environment."""
    script = """
import sys
from desktop_app.engine.render import LocalBackend
import desktop_app.engine.verify
heavy = {"torch", "diffusers", "transformers", "numpy", "PIL"} & set(sys.modules)
assert not heavy, heavy
from desktop_app.engine.events import Loading
from pathlib import Path
backend = LocalBackend(lambda ref: None, cache=Path("unused"), threads=1, device="cpu")
seen = []
backend.start(seen.append)
backend.start(seen.append)
assert seen == [Loading(what="engine")], seen
import gc, huggingface_hub.constants as hub
assert gc.isenabled() and gc.get_freeze_count() > 100_000
assert hub.HF_HUB_OFFLINE
from diffusers.utils import constants
assert constants.DIFFUSERS_DISABLE_REMOTE_CODE
import torch
assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
print(backend.device().kind)
"""
    names = ("HF_HUB_OFFLINE", "DIFFUSERS_DISABLE_REMOTE_CODE", "TOKENIZERS_PARALLELISM")
    kept = {key: value for key, value in os.environ.items() if key not in names}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:desktop_app", "-c", script],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "cpu\n", "")
