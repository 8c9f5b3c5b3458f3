"""Which layers of a model an adapter's tensors are for: every spelling, and the block of each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine.adapters.joined import parts_of
from desktop_app.recipe.blocks import BASE, Blocks

Tensors = Mapping[str, torch.Tensor]

_SPELLINGS = {
    "down": (
        "lora_down.weight",
        "lora_A.weight",
        "lora_A.default.weight",
        "lora.down.weight",
        "lora_linear_layer.down.weight",
    ),
    "up": (
        "lora_up.weight",
        "lora_B.weight",
        "lora_B.default.weight",
        "lora.up.weight",
        "lora_linear_layer.up.weight",
    ),
    "mid": ("lora_mid.weight",),
    "diff": ("diff", "w_norm"),
    "diff_b": ("diff_b", "b_norm"),
    "oft_blocks": ("oft_blocks", "oft_diag"),
}
_OWN = (
    *(f"hada_{one}" for one in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    *(f"lokr_{one}" for one in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t1", "t2")),
    *(f"{one}.weight" for one in ("a1", "a2", "b1", "b2", "bm")),
    *("on_input", "weight", "alpha", "dora_scale", "rescale"),
)
PARTS = {name: name for name in _OWN} | {
    spelled: part for part, names in _SPELLINGS.items() for spelled in names
}
"""Ends of tensors' names -> the part of a layer's adapter that `deltas` knows it by."""
_KEY = re.compile(rf"(.+?)\.({'|'.join(re.escape(one) for one in PARTS)})")

_DENOISER = ("unet", "transformer")
_PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lora_unet_", _DENOISER),
    ("lora_transformer_", _DENOISER),
    ("lora_te1_", ("text_encoder",)),
    ("lora_te2_", ("text_encoder_2",)),
    ("lora_te3_", ("text_encoder_3",)),
    ("lora_te_", ("text_encoder",)),
    ("lycoris_", (*_DENOISER, "text_encoder", "text_encoder_2")),
    ("base_model.model.", _DENOISER),
    ("diffusion_model.", _DENOISER),
    ("transformer.", _DENOISER),
    ("unet.", _DENOISER),
    ("text_encoder_2.", ("text_encoder_2",)),
    ("text_encoder_3.", ("text_encoder_3",)),
    ("text_encoder.", ("text_encoder",)),
)
"""How names begin, and the components that the layer may be in."""

_LDM = (
    ("conv_in", "input_blocks_0_0"),
    ("conv_norm_out", "out_0"),
    ("conv_out", "out_2"),
    ("time_embedding_linear_1", "time_embed_0"),
    ("time_embedding_linear_2", "time_embed_2"),
    ("add_embedding_linear_1", "label_emb_0_0"),
    ("add_embedding_linear_2", "label_emb_0_2"),
    ("mid_block_resnets_0", "middle_block_0"),
    ("mid_block_attentions_0", "middle_block_1"),
    ("mid_block_resnets_1", "middle_block_2"),
)
_LDM_RESNET = (
    ("norm1", "in_layers_0"),
    ("conv1", "in_layers_2"),
    ("time_emb_proj", "emb_layers_1"),
    ("norm2", "out_layers_0"),
    ("conv2", "out_layers_3"),
    ("conv_shortcut", "skip_connection"),
)
"""Parts of a UNet as diffusers spells them, and as its first authors did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """One to attach.

    Attributes:
        weight: 0 is without it, 1 as it was trained.
        blocks: times this in some blocks.
    """

    path: Path
    name: str
    weight: float
    blocks: Blocks = ()

    def weight_in(self, block: str) -> float:
        """How much of it goes into a layer of that block."""
        return self.weight * dict(self.blocks).get(block, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer of a pipeline.

    Attributes:
        part: the component, as the pipeline calls it.
        path: of the module in it.
    """

    part: str
    path: str

    def module(self, pipe: Any) -> Any:
        return getattr(pipe, self.part).get_submodule(self.path)

    def block(self, pipe: Any) -> str:
        """The block by the name that artists know; see `block_of`."""
        return block_of(self.part, self.path, depth_of(getattr(pipe, self.part)))


def parted(tensors: Tensors) -> dict[str, dict[str, torch.Tensor]]:
    """An adapter's tensors by the layer's name in the file, then by the part.

    Raises:
        ValueError: for a tensor whose part is not known.
    """
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise ValueError(f"its tensor {key[:80]} is not known")
        found.setdefault(match[1], {})[PARTS[match[2]]] = tensor
    return found


class Layers:
    """The layers of a pipeline by every name that files call them by."""

    def __init__(self, pipe: Any) -> None:
        self._known: dict[str, dict[str, Layer]] = {}
        for part in dict.fromkeys(part for _, parts in _PREFIXES for part in parts):
            component = getattr(pipe, part, None)
            if isinstance(component, torch.nn.Module):
                self._known[part] = {
                    name: Layer(part=part, path=path)
                    for path, module in component.named_modules()
                    if isinstance(getattr(module, "weight", None), torch.nn.Parameter)
                    for name in _names(part, path, component)
                }

    def find(self, name: str) -> tuple[Layer, ...]:
        """The layers that a name in a file means, as one; none where the pipeline has them not."""
        start, parts = next(
            ((start, parts) for start, parts in _PREFIXES if name.startswith(start)),
            ("", _DENOISER),
        )
        plain = name.removeprefix(start).replace(".processor.", ".").replace(".", "_")
        plain = plain.removeprefix("text_model_")
        for known in (self._known[part] for part in parts if part in self._known):
            if plain in known:
                return (known[plain],)
            if "transformer" in parts and (names := parts_of(plain, known.__contains__)):
                return tuple(known[one] for one in names)
        return ()


def _names(part: str, path: str, component: Any) -> Iterator[str]:
    plain = path.replace(".", "_")
    yield plain.removeprefix("text_model_")
    if part == "unet":
        yield from _ldm_names(plain, depth_of(component))


def _ldm_names(plain: str, depth: int) -> Iterator[str]:
    """How the first authors of Stable Diffusion call a layer of the UNet, underscores for dots."""
    match = re.fullmatch(r"(down|up)_blocks_(\d+)_([a-z]+)_(\d+)_(.+)", plain)
    if match is None:
        own, theirs = next((pair for pair in _LDM if plain.startswith(pair[0])), ("", ""))
        place, rest = theirs, plain.removeprefix(own).removeprefix("_")
    else:
        way, number, kind, at, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
        first = number * (depth + 1) + (way == "down")
        row, column = first + at, 0 if kind == "resnets" else 1
        if kind == "downsamplers":
            row, column, rest = first + depth, 0, rest.replace("conv", "op", 1)
        elif kind == "upsamplers":
            row = first + depth
            yield f"output_blocks_{row}_2_{rest}"
        place = f"{'input' if way == 'down' else 'output'}_blocks_{row}_{column}"
    for own, theirs in _LDM_RESNET:
        if rest == own and "attentions" not in plain:
            rest = theirs
    if place:
        yield f"{place}_{rest}" if rest else place


def depth_of(unet: Any) -> int:
    """Pairs of layers in a block of a UNet; 0 where it says none."""
    depth = getattr(getattr(unet, "config", None), "layers_per_block", 0)
    return int(depth if isinstance(depth, int) else depth[0])


def block_of(part: str, path: str, depth: int) -> str:
    """The block of a layer as A1111's users count them: `IN04`, `M00`, `OUT03`.

    Args:
        depth: see `depth_of`.

    Returns:
        `BASE` for the text encoders and what is in no block.
    """
    if part != "unet":
        return BASE
    match path.split("."):
        case ["conv_in", *_]:
            return "IN00"
        case ["down_blocks", number, "downsamplers", *_]:
            return f"IN{(int(number) + 1) * (depth + 1):02}"
        case ["down_blocks", number, _, at, *_]:
            return f"IN{int(number) * (depth + 1) + int(at) + 1:02}"
        case ["mid_block", *_]:
            return "M00"
        case ["up_blocks", number, "upsamplers", *_]:
            return f"OUT{int(number) * (depth + 1) + depth:02}"
        case ["up_blocks", number, _, at, *_]:
            return f"OUT{int(number) * (depth + 1) + int(at):02}"
        case _:
            return BASE
