"""Adapters that change whole weights: a copy stands in for the model's own while they are on."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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

_Used = list[tuple[Lora, dict[str, torch.Tensor]]]
_Uses = dict[tuple[Layer, ...], _Used]


def merges(tensors: Tensors) -> bool:
    """Whether an adapter has to be added into the weights."""
    return any(MARK.search(key) for key in tensors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
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
def merged(
    pipe: Any,
    loras: Sequence[tuple[Lora, Tensors]],
    model: str,
    done: Callable[[Sequence[Aside]], None] = lambda _: None,
) -> Iterator[None]:
    """Let a pipeline work with changed copies of its weights.

    What each adapter changes is reckoned from the model's own weights and summed, so that their
    order does not matter; a weight w goes that far on the straight line to the trained one. The
    model's own come back untouched. Meanwhile they wait in the computer's memory, for a graphics
    card may have no room for both.

    Args:
        model: the model's name, for the sentences.
        done: is told, while the copies are still in place, what was put aside for them; not when
            something went wrong.

    Raises:
        AppError: `adapter-family` when one does not fit the model, `adapter-packed` when the
            weights are not plain numbers, or `adapter-broken`.
    """
    if not loras:
        yield
        return
    uses = _uses(pipe, loras, model)
    changed = [layer for layers in uses for layer in layers]
    aside: list[Aside] = []
    try:
        for layers, used in uses.items():
            _change(pipe, layers, used, aside, model)
        settle(pipe, changed)
        yield
        done(aside)
    finally:
        # The last first: a layer may have been changed alone and as a part of another.
        for own in reversed(aside):
            own.back(pipe)
        settle(pipe, changed)


def _uses(pipe: Any, loras: Sequence[tuple[Lora, Tensors]], model: str) -> _Uses:
    """By the layer, or the layers that are one in a file: what changes them."""
    layers = Layers(pipe)
    found: _Uses = {}
    for lora, tensors in loras:
        what = f"LoRA {lora.name}"
        try:
            parts = parted(tensors)
        except ValueError as error:
            raise broken(what, error) from error
        known = {name: meant for name in parts if (meant := layers.find(name))}
        if len(known) < FOUND_MIN * len(parts):
            lost = len(parts) - len(known)
            raise misfit(what, model, f"{lost} of its {len(parts)} layers are not in the model")
        if len(known) < len(parts):
            log.info("%s: %d layers are not in %s", what, len(parts) - len(known), model)
        for name, meant in known.items():
            found.setdefault(meant, []).append((lora, parts[name]))
    return found


def _change(
    pipe: Any, layers: tuple[Layer, ...], used: _Used, aside: list[Aside], model: str
) -> None:
    """Put changed copies of the weights and biases of layers in their place."""
    modules = [layer.module(pipe) for layer in layers]
    for module in modules:
        if type(module.weight) is not torch.nn.Parameter or not module.weight.is_floating_point():
            raise AppError(
                "adapter-packed",
                f"The LoRA {used[0][0].name} changes whole weights, and those of {model} are "
                "packed.",
                hint="Take it off, or use the model with its plain weights.",
            )
    weights = [module.weight.detach().float() for module in modules]
    weight = weights[0] if len(weights) == 1 else torch.cat(weights)
    gain, shift = _changes(pipe, layers, used, weight, model)
    rows = [len(one) for one in weights]
    for name, whole in (("weight", gain), ("bias", shift)):
        if whole is None:
            continue
        for layer, module, change in zip(layers, modules, whole.split(rows), strict=True):
            own: torch.nn.Parameter | None = getattr(module, name, None)
            new = change if own is None else own.detach().float() + change
            copy = torch.nn.Parameter(new.to(module.weight.dtype), requires_grad=False)
            # Not before the copy is there: memory may have run out for it.
            aside.append(Aside(layer=layer, name=name, value=own))
            setattr(module, name, copy)
            if own is not None:
                own.data = own.data.cpu()


def _changes(
    pipe: Any, layers: tuple[Layer, ...], used: _Used, weight: torch.Tensor, model: str
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """What a weight and its bias gain in all; None where nothing changes them."""
    gain: torch.Tensor | None = None
    shift: torch.Tensor | None = None
    block, path = layers[0].block(pipe), layers[0].path
    for lora, stored in used:
        what, share = f"LoRA {lora.name}", lora.weight_in(block)
        parts = {name: part.to(weight.device, torch.float32) for name, part in stored.items()}
        moved = parts.pop("diff_b", None)
        try:
            if moved is not None and moved.shape != weight.shape[:1]:
                raise ValueError(f"its bias has the shape {tuple(moved.shape)}")
            if moved is not None:
                shift = _added(shift, moved, share)
            if parts.keys() - {"alpha"}:
                gain = _added(gain, change_of(parts, weight), share)
        except LookupError as error:
            reason = f"its layer {path} lacks {error.args[0]}"
            raise broken(what, ValueError(reason)) from error
        except (ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise misfit(what, model, f"in {path}, {error}"[:200]) from error
    return gain, shift


def _added(total: torch.Tensor | None, more: torch.Tensor, share: float) -> torch.Tensor:
    # A change is as large as the weight: it is not gone over more often than it must be.
    if total is not None:
        return torch.add(total, more, alpha=share)
    return more if share == 1.0 else share * more


def settle(pipe: Any, layers: Iterable[Layer]) -> None:
    """Let the hooks that move a component's weights in groups look at them anew."""
    for part in dict.fromkeys(layer.part for layer in layers):
        group_offloading._maybe_remove_and_reapply_group_offloading(getattr(pipe, part))
