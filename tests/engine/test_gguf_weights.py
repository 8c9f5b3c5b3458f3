"""GGUF weights: read as diffusers reads them, kept packed, and refused where they lie."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from diffusers import FluxTransformer2DModel, GGUFQuantizationConfig, UNet2DConditionModel
from diffusers.models.model_loading_utils import load_gguf_checkpoint

from desktop_app.engine import gguf_weights
from desktop_app.engine.checkpoint import fill, without_memory
from desktop_app.engine.gguf_weights import (
    SCALES,
    GgufFile,
    is_packed,
    packings,
    shapes_of,
    take_packed,
    unpacked,
)
from desktop_app.errors import AppError
from tests.engine.gguf_files import any_blocks, close, packed, write_packed

pytestmark = pytest.mark.slow
CPU = torch.device("cpu")
KINDS = [gguf.GGMLQuantizationType[name] for name in SCALES]


@pytest.fixture(scope="module")
def flux() -> FluxTransformer2DModel:
    torch.manual_seed(3)
    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=32,
        num_attention_heads=8,
        joint_attention_dim=256,
        pooled_projection_dim=256,
        axes_dims_rope=(8, 12, 12),
    ).eval()


def config_folder(model: Any, folder: Path) -> Path:
    model.save_config(folder)
    return folder


def ours(model: Any, path: Path, dtype: torch.dtype) -> Any:
    """The same class with the weights of a GGUF file, by our reader."""
    with without_memory():
        made = type(model).from_config(model.config)
    file = GgufFile(path, "model x")
    tensors = file.tensors
    take_packed(made, tensors, device=CPU, dtype=dtype, forget=file.forget)
    fill(made, tensors, device=CPU, dtype=dtype, forget=file.forget)
    return made.eval()


def plain(model: Any, path: Path, folder: Path, dtype: torch.dtype) -> Any:
    return type(model).from_single_file(
        str(path),
        config=str(config_folder(model, folder)),
        quantization_config=GGUFQuantizationConfig(compute_dtype=dtype),
        torch_dtype=dtype,
        local_files_only=True,
    )


def flux_input(dtype: torch.dtype) -> dict[str, Any]:
    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(5)).to(dtype)

    return {
        "hidden_states": drawn(1, 16, 16),
        "encoder_hidden_states": drawn(1, 6, 256),
        "pooled_projections": drawn(1, 256),
        "timestep": torch.tensor([0.7], dtype=dtype),
        "img_ids": torch.zeros(16, 3),
        "txt_ids": torch.zeros(6, 3),
        "return_dict": False,
    }


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_each_packing_gives_what_diffusers_gives(
    flux: FluxTransformer2DModel, tmp_path: Path, kind: gguf.GGMLQuantizationType
) -> None:
    path = write_packed(tmp_path / "x.gguf", flux.state_dict(), kind=kind)
    known = load_gguf_checkpoint(str(path))
    found = GgufFile(path, "model x")
    assert found.tensors.keys() == known.keys()
    for name, tensor in known.items():
        assert is_packed(found.tensors[name]) == is_packed(tensor)
        assert torch.equal(unpacked(found.tensors[name]), unpacked(tensor))
        assert shapes_of(found.tensors)[name].shape == flux.state_dict()[name].shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["Q8_0", "Q4_K"])
def test_a_transformer_computes_as_in_diffusers(
    flux: FluxTransformer2DModel, tmp_path: Path, dtype: torch.dtype, kind: str
) -> None:
    path = write_packed(
        tmp_path / "x.gguf", flux.state_dict(), kind=gguf.GGMLQuantizationType[kind]
    )
    one, other = ours(flux, path, dtype), plain(flux, path, tmp_path / "flux", dtype)
    assert one.state_dict().keys() == other.state_dict().keys()
    assert one.dtype == other.dtype == dtype
    with torch.no_grad():
        mine, theirs = (each(**flux_input(dtype))[0] for each in (one, other))
    assert torch.isfinite(mine.float()).all()
    assert torch.equal(mine, theirs)
    assert packings(one) == kind
    whole = sum(tensor.nbytes for tensor in flux.state_dict().values())
    assert sum(tensor.nbytes for tensor in one.state_dict().values()) < whole / 2.5


def test_layers_in_bfloat16_are_plain_numbers(flux: FluxTransformer2DModel, tmp_path: Path) -> None:
    path = write_packed(tmp_path / "x.gguf", flux.state_dict(), kind=gguf.GGMLQuantizationType.BF16)
    one = ours(flux, path, torch.float32)
    assert packings(one) == ""
    other = plain(flux, path, tmp_path / "flux", torch.float32)
    with torch.no_grad():
        assert torch.equal(
            one(**flux_input(torch.float32))[0], other(**flux_input(torch.float32))[0]
        )


def test_a_unet_whose_layers_were_rearranged(tmp_path: Path) -> None:
    torch.manual_seed(1)
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=96,
        attention_head_dim=2,
        norm_num_groups=4,
        layers_per_block=1,
    ).eval()
    kind = gguf.GGMLQuantizationType.Q4_K
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, arch="sd1")
    wanted: dict[str, torch.Tensor] = {}
    for name, tensor in unet.state_dict().items():
        if tensor.ndim == 2 and tensor.shape[1] == 96:
            blocks = any_blocks((tensor.numel() // 256, 256), kind)
            writer.add_tensor(name, blocks, raw_dtype=kind)
            writer.add_array(f"comfy.gguf.orig_shape.{name}", [*tensor.shape])
            values = gguf.quants.dequantize(blocks, kind)
            wanted[name] = torch.from_numpy(values).view(tensor.shape)
        else:
            writer.add_tensor(name, tensor.numpy())
            wanted[name] = tensor
    close(writer, path)
    assert sum(1 for tensor in wanted.values() if tensor.shape[-1:] == (96,)) == 12
    made = ours(unet, path, torch.float32).state_dict()
    for name, tensor in wanted.items():
        assert torch.allclose(made[name], tensor, rtol=2e-3, atol=1e-5), name


def test_other_parts_of_a_checkpoint_are_unpacked(tmp_path: Path) -> None:
    values = torch.randn(64, 64)
    names = ("cond_stage_model.transformer.x.weight", "first_stage_model.y.weight")
    network = "model.diffusion_model.input_blocks.1.1.z.weight"
    path = write_packed(tmp_path / "x.gguf", dict.fromkeys((*names, network), values))
    file = GgufFile(path, "model x")
    assert [is_packed(file.tensors[name]) for name in (*names, network)] == [False, False, True]
    for name in names:
        assert torch.allclose(file.tensors[name].float(), values, atol=0.05)


def test_lora_layers_stand_before_packed_ones(flux: FluxTransformer2DModel, tmp_path: Path) -> None:
    from peft import LoraConfig

    path = write_packed(tmp_path / "x.gguf", flux.state_dict())
    made = ours(flux, path, torch.float32)
    with torch.no_grad():
        before = made(**flux_input(torch.float32))[0]
        torch.manual_seed(0)
        made.add_adapter(LoraConfig(r=2, target_modules=["to_q"], init_lora_weights=False), "a")
        assert not torch.equal(made(**flux_input(torch.float32))[0], before)
        made.delete_adapters("a")
        made.unload_lora()
        assert torch.equal(made(**flux_input(torch.float32))[0], before)


def test_a_packing_that_diffusers_does_not_know_is_named(tmp_path: Path) -> None:
    kind = gguf.GGMLQuantizationType.IQ2_XS
    size = gguf.GGML_QUANT_SIZES[kind][1]
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", arch="flux")
    writer.add_tensor("a.weight", np.zeros((4, size), np.uint8), raw_dtype=kind)
    with pytest.raises(AppError, match="The model x is packed as IQ2_XS") as refusal:
        GgufFile(close(writer, tmp_path / "x.gguf"), "model x")
    assert refusal.value.code == "model-kind"


def test_without_the_package_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf_weights, "find_spec", lambda _: None)
    with pytest.raises(AppError) as refusal:
        GgufFile(tmp_path / "x.gguf", "model x")
    assert refusal.value.code == "gguf-missing"
    assert "pip install gguf" in str(refusal.value.hint)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    kind = gguf.GGMLQuantizationType.Q6_K
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", arch="flux")
    writer.add_tensor("a.weight", any_blocks((2, 256), kind, float("nan")), raw_dtype=kind)
    with pytest.raises(ValueError, match=r"a\.weight is not finite"):
        GgufFile(close(writer, tmp_path / "x.gguf"), "model x")


def test_a_file_that_is_cut_short_is_refused(flux: FluxTransformer2DModel, tmp_path: Path) -> None:
    path = write_packed(tmp_path / "x.gguf", flux.state_dict())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(AppError) as refusal:
        GgufFile(path, "model x")
    assert refusal.value.code == "model-damaged"


def test_a_layer_of_another_size_is_refused(flux: FluxTransformer2DModel, tmp_path: Path) -> None:
    tensors = dict(flux.state_dict())
    tensors["context_embedder.weight"] = torch.zeros(256, 512)
    path = write_packed(tmp_path / "x.gguf", tensors)
    with pytest.raises(ValueError, match=r"context_embedder\.weight has the shape \(256, 512\)"):
        ours(flux, path, torch.float32)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    kind = gguf.GGMLQuantizationType.Q8_0
    path = write_packed(tmp_path / "x.gguf", {"a.weight": torch.from_numpy(values)})
    exact = gguf.quants.dequantize(packed(values, kind), kind)
    found = unpacked(GgufFile(path, "model x").tensors["a.weight"])
    assert np.abs(found.float().numpy() - exact).max() < 2e-3
    assert json.dumps(shapes_of({"a": found})["a"].shape) == "[8, 64]"
