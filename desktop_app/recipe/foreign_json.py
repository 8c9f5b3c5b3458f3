"""The plain JSON that SwarmUI, Fooocus, InvokeAI and NovelAI write: reads what it says."""

import json
from collections.abc import Mapping
from typing import cast

from desktop_app.recipe.foreign import Infotext, Taker
from desktop_app.recipe.recipe import GUIDANCE, SEED, STEPS

# In the order of the programs above where names differ.
_ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "positive_prompt", "Prompt"),
    "negative": ("negativeprompt", "negative_prompt", "Negative Prompt", "uc"),
    "seed": ("seed", "Seed"),
    "steps": ("steps", "Steps"),
    "guidance": ("cfgscale", "guidance_scale", "cfg_scale", "scale", "Guidance Scale"),
    "sampler": ("sampler", "Sampler"),
    "schedule": ("scheduler", "Scheduler", "noise_schedule"),
    "model": ("model", "base_model", "Base Model", "Model"),
    "hash": ("base_model_hash", "model_hash"),
    "size": ("resolution", "Resolution"),
}


def read_json(text: str) -> Infotext | None:
    """What the text says; None when it is not of their kind."""
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    data = cast(dict[str, object], parsed)
    nested = data.get("sui_image_params")
    if isinstance(nested, dict):
        data = cast(dict[str, object], nested)
    found: dict[str, object] = {}
    for name, keys in _ALIASES.items():
        value = next((data[key] for key in keys if key in data), None)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found[name] = value
    if not isinstance(found.get("prompt"), str) or len(found) < 2:
        return None
    return _taken_from_json(data, found)


def _taken_from_json(data: Mapping[str, object], found: Mapping[str, object]) -> Infotext:
    taker = Taker()
    taker.text("prompt", "The prompt", str(found["prompt"]))
    taker.text("negative_prompt", "The text to avoid", str(found.get("negative", "")))
    for name, field, kind, clamp in (
        ("seed", "seed", SEED, False),
        ("steps", "num_inference_steps", STEPS, True),
        ("guidance", "guidance_scale", GUIDANCE, True),
    ):
        if name in found:
            taker.number(field, kind, found[name], clamp=clamp)
    if "width" in data and "height" in data:
        taker.size(f"{data['width']!s:.12}x{data['height']!s:.12}")
    elif "size" in found:
        taker.size(str(found["size"]))
    sampler = found.get("sampler", found.get("schedule"))
    if sampler is not None:
        schedule = str(found["schedule"]) if "sampler" in found and "schedule" in found else ""
        taker.sampler(str(sampler), schedule)
    return Infotext(
        changes=taker.changes,
        fields={name: str(value)[:1000] for name, value in found.items() if name != "prompt"},
        model_name=str(found.get("model", ""))[:300],
        model_hash=str(found.get("hash", ""))[:64].lower(),
        notes=tuple(taker.notes),
    )
