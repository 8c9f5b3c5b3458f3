"""Adapters that change whole weights: a copy stands in for the model's own while they are on."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.hooks import group_offloading

from desktop_app.engine.adapters.deltas import change_of
from desktop_app.engine.adapters.layers import Layer, Layers, Lora, parted
from desktop_app.engine.adapters.reading import Tensors, broken, misfit
from desktop_app.engine.residency import is_out_of_memory
from desktop_app.errors import AppError

log = logging.getLogger(__name__)
MARK = re.compile(
    r"\.(?:hada_\w+|lokr_\w+|oft_blocks|oft_diag|on_input|a1\.weight|dora_scale|diff|diff_b"
    r"|[wb]_norm|lora_mid\.weight)$"
)
"""Ends of tensors' names that diffusers and peft do not read for every family."""
FOUND_MIN = 0.5
"""Share of a file's layers that a model must have. Some text encoders lack their last layer."""

_Uses = dict[Layer, list[tuple[Lora, dict[str, torch.Tensor]]]]


def merges(tensors: Tensors) -> bool:
    """Whether an adapter has to be added into the weights."""
    return any(MARK.search(key) for key in tensors)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """A weight of the model itself, put aside."""

    layer: Layer
    name: str
    value: torch.nn.Parameter | None

    def back(self, pipe: Any) -> None:
        module = self.layer.module(pipe)
        device = getattr(module, self.name).device
        # The copy goes before the own one comes: there may be no room for both.
        setattr(module, self.name, self.value)
        if self.value is not None and self.value.device != device:
            self.value.data = self.value.data.to(device)


@contextmanager
def merged(pipe: Any, loras: Sequence[tuple[Lora, Tensors]], model: str) -> Iterator[None]:
    """Let a pipeline work with changed copies of its weights.

    What each adapter changes is reckoned from the model's own weights and summed, so that their
    order does not matter; a weight w goes that far on the straight line to the trained one. The
    model's own come back untouched. Meanwhile they wait in the computer's memory, for a graphics
    card may have no room for both.

    Args:
        model: the model's name, for the sentences.

    Raises:
        AppError: `adapter-family` when one does not fit the model, `adapter-packed` when the
            weights are not plain numbers, or `adapter-broken`.
    """
    if not loras:
        yield
        return
    uses = _uses(pipe, loras, model)
    aside: list[_Own] = []
    try:
        for layer, used in uses.items():
            _change(pipe, layer, used, aside, model)
        _settle(pipe, uses)
        yield
    finally:
        for own in aside:
            own.back(pipe)
        _settle(pipe, uses)


def _uses(pipe: Any, loras: Sequence[tuple[Lora, Tensors]], model: str) -> _Uses:
    """By the layer: the adapters that change it, and their parts for it."""
    layers = Layers(pipe)
    found: _Uses = {}
    for lora, tensors in loras:
        what = f"LoRA {lora.name}"
        try:
            parts = parted(tensors)
        except ValueError as error:
            raise broken(what, error) from error
        known = {name: layer for name in parts if (layer := layers.find(name)) is not None}
        if len(known) < FOUND_MIN * len(parts):
            lost = len(parts) - len(known)
            raise misfit(what, model, f"{lost} of its {len(parts)} layers are not in the model")
        if len(known) < len(parts):
            log.info("%s: %d layers are not in %s", what, len(parts) - len(known), model)
        for name, layer in known.items():
            found.setdefault(layer, []).append((lora, parts[name]))
    return found


def _change(
    pipe: Any,
    layer: Layer,
    used: list[tuple[Lora, dict[str, torch.Tensor]]],
    aside: list[_Own],
    model: str,
) -> None:
    """Put changed copies of a layer's weight and bias in their place."""
    module = layer.module(pipe)
    own: torch.nn.Parameter = module.weight
    if type(own) is not torch.nn.Parameter or not own.is_floating_point():
        raise AppError(
            "adapter-packed",
            f"The LoRA {used[0][0].name} changes whole weights, and those of {model} are packed.",
            hint="Take it off, or use the model with its plain weights.",
        )
    own_bias: torch.nn.Parameter | None = getattr(module, "bias", None)
    weight = own.detach().float()
    bias = None if own_bias is None else own_bias.detach().float()
    new, new_bias = weight, bias
    block = layer.block(pipe)
    for lora, stored in used:
        parts = {name: part.to(own.device, torch.float32) for name, part in stored.items()}
        shift = parts.pop("diff_b", None)
        try:
            if parts.keys() - {"alpha"}:
                new = torch.add(new, change_of(parts, weight), alpha=lora.weight_in(block))
            if shift is not None:
                if shift.shape != weight.shape[:1]:
                    raise ValueError(f"its bias has the shape {tuple(shift.shape)}")
                shift = lora.weight_in(block) * shift
                new_bias = shift if new_bias is None else new_bias + shift
        except LookupError as error:
            reason = f"its layer {layer.path} lacks {error.args[0]}"
            raise broken(f"LoRA {lora.name}", ValueError(reason)) from error
        except (ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            reason = f"in {layer.path}, {error}"[:200]
            raise misfit(f"LoRA {lora.name}", model, reason) from error
    for name, value, then, before in (
        ("weight", new, weight, own),
        ("bias", new_bias, bias, own_bias),
    ):
        if value is not None and value is not then:
            aside.append(_Own(layer=layer, name=name, value=before))
            setattr(module, name, torch.nn.Parameter(value.to(own.dtype), requires_grad=False))
            if before is not None:
                before.data = before.data.cpu()


def _settle(pipe: Any, uses: _Uses) -> None:
    """Let the hooks that move a component's weights in groups look at them anew."""
    for part in dict.fromkeys(layer.part for layer in uses):
        group_offloading._maybe_remove_and_reapply_group_offloading(getattr(pipe, part))
