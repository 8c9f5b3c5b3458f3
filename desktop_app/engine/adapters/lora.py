"""LoRAs attached to a pipeline, several with weights, as diffusers and peft read them."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from desktop_app.engine.adapters.reading import Tensors, broken, misfit, read_tensors
from desktop_app.errors import AppError

UNREAD = {
    ".hada_": "LoHa",
    ".lokr_": "LoKr",
    ".oft_": "OFT",
    ".glora_": "GLoRA",
    "dora_scale": "DoRA",
}
"""Parts of tensors' names by which LyCORIS' other kinds are told; diffusers reads none of them."""
DOWN = re.compile(r"(?:\.lora_A|[._]lora\.down|\.lora_linear_layer\.down|\.lora_down)\.weight$")
TROUBLES = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, AssertionError)
"""What diffusers and peft were seen to raise for files that they cannot read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """One to attach.

    Attributes:
        weight: 0 is without it, 1 as it was trained.
    """

    path: Path
    name: str
    weight: float


@contextmanager
def attached(pipe: Any, loras: Sequence[Lora], model: str) -> Iterator[None]:
    """Let a pipeline work with LoRAs (Hu et al. 2021, arXiv 2106.09685).

    They are not added into the weights but run beside them, so that afterwards the weights are
    what they were, bit for bit.

    Args:
        model: the model's name, for the sentences.

    Raises:
        AppError: `adapter-family` when one was made for another kind of model, `adapter-kind`,
            `adapter-missing` or `adapter-broken`.
    """
    used = [lora for lora in loras if lora.weight]
    if not used:
        yield
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise misfit(f"LoRA {used[0].name}", model, "its family takes no LoRAs")
    names: list[str] = []
    try:
        for lora in used:
            what = f"LoRA {lora.name}"
            tensors = read_tensors(lora.path, what)
            _check(pipe, tensors, what, model)
            names.append(f"lora{len(names)}")
            try:
                with warnings.catch_warnings():
                    # peft warns of every second adapter that there is one already.
                    warnings.filterwarnings("ignore", "Already found a", UserWarning)
                    pipe.load_lora_weights(tensors, adapter_name=names[-1])
            except TROUBLES as error:
                raise broken(what, error) from error
        pipe.set_adapters(names, [lora.weight for lora in used])
        yield
    finally:
        pipe.unload_lora_weights()


def _check(pipe: Any, tensors: Tensors, what: str, model: str) -> None:
    """See whether every matrix fits the layer it is for, before anything is attached."""
    for mark, kind in UNREAD.items():
        if any(mark in key for key in tensors):
            raise AppError(
                "adapter-kind",
                f"The {what} is a {kind}, which cannot be attached here.",
                hint="Take it off, or use one that was trained as a plain LoRA.",
            )
    network = getattr(pipe, "unet", None)
    told = {} if network is None else {"unet_config": network.config}
    try:
        found: Any = pipe.lora_state_dict(dict(tensors), **told)
    except TROUBLES as error:
        raise misfit(what, model, f"its layers are not known ({error})"[:200]) from error
    converted: Mapping[str, torch.Tensor] = found[0] if isinstance(found, tuple) else found
    fits = 0
    for key, tensor in converted.items():
        if DOWN.search(key) is None:
            continue
        width = _width(pipe, DOWN.sub("", key))
        if width is not None and width != tensor.shape[1]:
            raise misfit(
                what, model, f"it has layers for {tensor.shape[1]} numbers where that has {width}"
            )
        fits += width is not None
    if not fits:
        raise misfit(what, model, "none of its layers is in the model")


def _width(pipe: Any, key: str) -> int | None:
    """Numbers that a layer takes; None where the pipeline has no such layer."""
    part, _, path = key.replace(".processor.", ".").partition(".")
    component = getattr(pipe, part, None)
    if not isinstance(component, torch.nn.Module):
        return None
    modules = dict(component.named_modules())
    for name in (path, path + ".0", path.removeprefix("text_model."), "text_model." + path):
        weight = getattr(modules.get(name), "weight", None)
        if weight is not None:
            return int(weight.shape[1])
    return None
