"""Nothing of a model folder runs, and what could is refused with the reason."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.errors import AppError
from desktop_app.library.safety import check_folder
from tests.library.models import INDEX, make_model, write_json

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


def test_ordinary_folders_pass(model: Path, starter_model: Path) -> None:
    assert check_folder(model)["_class_name"] == "StableDiffusionPipeline"
    check_folder(starter_model)
    (model / "README.md").write_text("hello")
    (model / "unet/diffusion_pytorch_model.bin").write_bytes(b"beside the safetensors")
    (model / "safety_checker").mkdir()
    (model / "safety_checker/pytorch_model.bin").write_bytes(b"never loaded")
    check_folder(model)


@pytest.mark.slow
def test_the_tiny_pipeline_of_the_tests_passes(tiny_model: Path) -> None:
    check_folder(tiny_model)


def change(part: str, value: object) -> Callable[[Path], None]:
    def apply(model: Path) -> None:
        write_json(model / "model_index.json", {**INDEX, part: value})

    return apply


def config(path: str, **values: object) -> Callable[[Path], None]:
    def apply(model: Path) -> None:
        old = json.loads((model / path).read_text()) if (model / path).exists() else {}
        write_json(model / path, {**old, **values})

    return apply


def code(path: str) -> Callable[[Path], None]:
    def apply(model: Path) -> None:
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_text("raise SystemExit")

    return apply


def link_away(model: Path) -> None:
    (model / "more").symlink_to(model.parent)


UNSAFE: dict[str, Callable[[Path], None]] = {
    "own pipeline": code("pipeline.py"),
    "own unet": code("unet/my_unet.py"),
    "compiled": code("vae/x.SO"),
    "list for a class": change("_class_name", ["pipeline", "Mine"]),
    "own library": change("unet", ["my_unet", "UNet2DConditionModel"]),
    "path for a library": change("vae", ["../../evil", "AutoencoderKL"]),
    "number for a class": change("vae", ["diffusers", 5]),
    "text for a pair": change("scheduler", "diffusers"),
    "unknown part": change("helper", ["helper", "Runner"]),
    "checker of its own": change("safety_checker", ["checker", "Mine"]),
    "auto_map": config("text_encoder/config.json", auto_map={"AutoModel": "evil--x.Model"}),
    "auto_map inside": config("text_encoder/config.json", sub={"a": [{"auto_map": {"A": "b"}}]}),
    "attention from elsewhere": config(
        "text_encoder/config.json", _attn_implementation_internal="evil/kernels"
    ),
    "tokenizer of its own": config("tokenizer/tokenizer_config.json", auto_map={"x": "y"}),
    "remote code": config("unet/config.json", trust_remote_code=True),
    "another class in the config": config("unet/config.json", _class_name="EvilModel"),
    "list in the config": config("vae/config.json", _class_name=["a", "b"]),
    "link to a folder": link_away,
}


@pytest.mark.parametrize(
    ("told", "packing"),
    [
        ({"quant_method": "torchao"}, "torchao"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes (int8)"),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
            "bitsandbytes (nf4)",
        ),
        (["x"], "another library"),
        ({"quant_method": "x" * 500}, "x" * 40),
    ],
)
def test_weights_that_another_library_packed_are_refused_by_its_name(
    model: Path, told: object, packing: str
) -> None:
    config("text_encoder/config.json", quantization_config=told)(model)
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert refusal.value.code == "model-packed"
    assert f"text encoder packed by {packing}, which" in refusal.value.sentence


@pytest.mark.parametrize("trick", list(UNSAFE))
def test_what_could_run_code_is_refused(model: Path, trick: str) -> None:
    UNSAFE[trick](model)
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert refusal.value.code == "model-unsafe"
    assert model.name in refusal.value.sentence


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("_class_name", "StableDiffusionXLPipeline"),
        ("_class_name", "FluxPipeline"),
        ("unet", ["diffusers", "UNet3DConditionModel"]),
        ("text_encoder", ["transformers", "T5EncoderModel"]),
        ("scheduler", ["diffusers", "os.system"]),
    ],
)
def test_another_kind_of_model_is_named(model: Path, part: str, value: object) -> None:
    change(part, value)(model)
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert refusal.value.code == "model-kind"


def test_a_part_that_is_missing_is_named(model: Path) -> None:
    write_json(model / "model_index.json", {k: v for k, v in INDEX.items() if k != "vae"})
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert (refusal.value.code, "vae" in refusal.value.sentence) == ("model-kind", True)


def test_pickles_alone_are_refused(model: Path) -> None:
    (model / UNET).rename(model / "unet/diffusion_pytorch_model.bin")
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert refusal.value.code == "model-weights"
    assert "pickle" in refusal.value.sentence


def test_halves_alone_are_loaded_and_other_variants_are_not(model: Path) -> None:
    halves = model / "unet/diffusion_pytorch_model.fp16.safetensors"
    (model / UNET).rename(halves)
    assert check_folder(model)
    halves.rename(model / "unet/diffusion_pytorch_model.non_ema.safetensors")
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert refusal.value.code == "model-weights"
    assert "or else diffusion_pytorch_model.fp16.safetensors" in str(refusal.value.hint)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, "nul\0", '{"a": ' + "1" * 5000 + "}"]
)
def test_an_index_that_cannot_be_read_is_said_in_words(model: Path, text: str) -> None:
    (model / "model_index.json").write_text(text)
    with pytest.raises(AppError):
        check_folder(model)


def test_a_giant_config_is_not_read_to_its_end(model: Path) -> None:
    (model / "vae/config.json").write_bytes(b" " * (5 * 1024 * 1024))
    with pytest.raises(AppError) as refusal:
        check_folder(model)
    assert "too large" in refusal.value.sentence


class Planted:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.sentinel,)  # pyright: ignore[reportReturnType]


def test_nothing_in_a_folder_runs(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    folders = tmp_path / "models"
    plant = f"from pathlib import Path; Path({str(sentinel)!r}).touch()\n"
    for name in ("own_code", "pickled", "auto"):
        model = make_model(folders / name)
        if name == "own_code":
            write_json(model / "model_index.json", {**INDEX, "unet": ["my_unet", "Mine"]})
            for path in ("my_unet.py", "unet/my_unet.py", "pipeline.py", "__init__.py"):
                (model / path).write_text(plant)
        elif name == "pickled":
            (model / UNET).unlink()
            data = pickle.dumps(Planted(sentinel))
            (model / "unet/diffusion_pytorch_model.bin").write_bytes(data)
        else:
            (model / "text_encoder/modeling_x.py").write_text(plant)
            auto = {"AutoModel": "modeling_x.Model"}
            write_json(model / "text_encoder/config.json", {"auto_map": auto})
    pickle.loads(pickle.dumps(Planted(tmp_path / "proof")))
    assert (tmp_path / "proof").exists()
    program = (
        "import sys; from pathlib import Path; from desktop_app.library.catalog import Catalog\n"
        "folders = Path(sys.argv[1])\n"
        "catalog = Catalog([folders], folders.parent / 'cache')\n"
        "assert catalog.scan() == ()\n"
        "print(*sorted(f'{path.name}:{refusal.code}' for path, refusal in catalog.refused))\n"
        "assert 'torch' not in sys.modules and 'pickle' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folders)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        "auto:model-unsafe",
        "own_code:model-unsafe",
        "pickled:model-weights",
    ]
    assert not sentinel.exists()
