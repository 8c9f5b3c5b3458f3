"""LoRAs attached to a pipeline, several with weights, as diffusers and peft read them."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from desktop_app.engine.adapters.copies import Copies
from desktop_app.engine.adapters.layers import Layer, Lora
from desktop_app.engine.adapters.merged import Aside, merged, merges
from desktop_app.engine.adapters.reading import Tensors, broken, misfit, read_tensors
from desktop_app.errors import AppError

DOWN = re.compile(r"(?:\.lora_A|[._]lora\.down|\.lora_linear_layer\.down|\.lora_down)\.weight$")
TROUBLES = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, AssertionError)
"""What diffusers and peft were seen to raise for files that they cannot read."""
PARTS = ("unet", "text_encoder", "text_encoder_2")
"""The components that blocks are told apart in."""

_Read = tuple[Lora, Tensors]


@contextmanager
def attached(
    pipe: Any, loras: Sequence[Lora], model: str, copies: Copies | None = None
) -> Iterator[None]:
    """Let a pipeline work with LoRAs, and with what LyCORIS made of them.

    Plain ones are not added into the weights but run beside them; the others are added to a copy.
    So afterwards the weights are what they were, bit for bit.

    Args:
        model: the model's name, for the sentences.
        copies: where those that were made last are kept, for the same adapters again.

    Raises:
        AppError: `adapter-family` when one was made for another kind of model, `adapter-kind`,
            `adapter-missing`, `adapter-broken`, `adapter-blocks` when the model has not the blocks
            that one is weighed in, or as `merged`.
    """
    used = [lora for lora in loras if lora.weight]
    copies = copies or Copies()
    kept = copies.of(pipe, used)
    if not used:
        yield
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise misfit(f"LoRA {used[0].name}", model, "its family takes no LoRAs")
    _check_blocks(pipe, used, model)
    read = [(one, read_tensors(one.path, f"LoRA {one.name}")) for one in used if one not in kept]
    into = [one for one in read if merges(one[1])]
    beside = [one for one in read if not merges(one[1])]

    def keep(aside: Sequence[Aside]) -> None:
        copies.keep(pipe, [one for one, _ in into], aside)

    changed = copies.attached(pipe) if kept else merged(pipe, into, model, keep)
    with changed, _beside(pipe, beside, model):
        yield


@contextmanager
def _beside(pipe: Any, loras: Sequence[_Read], model: str) -> Iterator[None]:
    """Plain LoRAs (Hu et al. 2021, arXiv 2106.09685), as diffusers attaches them."""
    if not loras:
        yield
        return
    names: list[str] = []
    try:
        for lora, tensors in loras:
            what = f"LoRA {lora.name}"
            _check(pipe, tensors, what, model)
            names.append(f"lora{len(names)}")
            try:
                with warnings.catch_warnings():
                    # peft warns of every second adapter that there is one already.
                    warnings.filterwarnings("ignore", "Already found a", UserWarning)
                    pipe.load_lora_weights(tensors, adapter_name=names[-1])
            except TROUBLES as error:
                raise broken(what, error) from error
        pipe.set_adapters(names, [lora.weight for lora, _ in loras])
        for name, (lora, _) in zip(names, loras, strict=True):
            if lora.blocks:
                _weigh(pipe, name, lora)
        yield
    finally:
        pipe.unload_lora_weights()


def _weigh(pipe: Any, name: str, lora: Lora) -> None:
    """Weigh an adapter in each block.

    In the layers with attention it is what `pipe.set_adapters` does with a weight for each block;
    that leaves those of the other layers at 1, whatever the LoRA's own weight is.
    """
    for part in PARTS:
        component = getattr(pipe, part, None)
        if isinstance(component, torch.nn.Module):
            for path, module in component.named_modules():
                tuner: Any = module
                if name in getattr(tuner, "scaling", {}):
                    block = Layer(part=part, path=path).block(pipe)
                    tuner.set_scale(name, lora.weight_in(block))


def _check_blocks(pipe: Any, loras: Sequence[Lora], model: str) -> None:
    weighed = next((lora for lora in loras if lora.blocks), None)
    if weighed is not None and getattr(pipe, "unet", None) is None:
        raise AppError(
            "adapter-blocks",
            f"The model {model} has no blocks to weigh the LoRA {weighed.name} in.",
            hint="Give it one weight for the whole model, or choose another model.",
        )


def _check(pipe: Any, tensors: Tensors, what: str, model: str) -> None:
    """See whether every matrix fits the layer it is for, before anything is attached."""
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
