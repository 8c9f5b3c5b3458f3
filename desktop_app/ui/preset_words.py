"""What is said of a preset on its card, in its details and in a search."""

from datetime import UTC, datetime

from desktop_app.recipe.preset import Preset
from desktop_app.recipe.presets import DraftPreset, ParameterPreset, Part, SeedPreset
from desktop_app.recipe.samplers import SAMPLERS
from desktop_app.recipe.styles import Style
from desktop_app.ui.words import grouped

PART_WORDS: dict[Part, str] = {
    "prompt": "Prompt and styles",
    "size": "Size",
    "model": "Model and what is attached",
    "settings": "Steps, guidance, sampler …",
    "count": "Number of pictures",
}


def line_of(preset: Preset) -> str:
    """The second line of a card."""
    match preset:
        case SeedPreset():
            more = f"  + {len(preset.variations)}" if preset.variations else ""
            return f"{grouped(preset.seed)}{more}"
        case ParameterPreset():
            draft = preset.draft
            words: list[str] = []
            if "size" in preset.parts:
                words.append(f"{draft.width} × {draft.height}")
            if "settings" in preset.parts:
                sampler = SAMPLERS.get(draft.scheduler)
                words.append(f"{draft.num_inference_steps} steps")
                words.append(sampler.label if sampler is not None else draft.scheduler)
            elif "model" in preset.parts and draft.model is not None:
                words.append(draft.model.name)
            return "  ·  ".join(words)
        case Style():
            return " ".join((preset.prompt or preset.negative_prompt).split())
        case _:
            return ""


def facts_of(preset: Preset) -> list[str]:
    """All that a preset holds, line by line, without its name, tags and notes."""
    match preset:
        case SeedPreset():
            return [*_noise(preset), *_kept(preset)]
        case ParameterPreset():
            return _kept(preset)
        case Style():
            lines = [preset.prompt] if preset.prompt else []
            return [*lines, *([f"Avoid: {p}"] if (p := preset.negative_prompt) else [])]
        case _:
            return []


def matches(preset: Preset, text: str) -> bool:
    """Whether name, tags, notes, words or seed have every word of a search.

    A seed may be typed with or without the spaces between its digits.
    """
    words = text.casefold().split()
    joined = "".join(words)
    if isinstance(preset, SeedPreset) and joined.isdigit():
        seeds = (preset.seed, *(one.seed for one in preset.variations))
        if any(str(seed).startswith(joined) for seed in seeds):
            return True
    held = [preset.name, *preset.tags, preset.notes, *facts_of(preset)]
    if isinstance(preset, DraftPreset):
        held += [preset.draft.prompt, preset.draft.negative_prompt]
        held += [str(preset.draft.seed)] if isinstance(preset, SeedPreset) else []
    held_text = "\n".join(held).casefold()
    return all(word in held_text for word in words)


def age(when: str) -> str:
    """How long ago a UTC time in ISO 8601 was, such as `5 min ago`; empty when it is not known."""
    try:
        then = datetime.fromisoformat(when)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h ago"
    if seconds < 7 * 86_400:
        days = int(seconds // 86_400)
        return f"{days} day{'s' if days > 1 else ''} ago"
    return f"{then.astimezone():%d %b %Y}"


def _noise(preset: SeedPreset) -> list[str]:
    lines = [f"Found at {preset.width} × {preset.height}"]
    lines += [f"Variation {one.weight:g} of seed {grouped(one.seed)}" for one in preset.variations]
    if preset.method == "a1111":
        lines.append("Mixed as A1111 does")
    return lines


def _kept(preset: DraftPreset) -> list[str]:
    draft, parts = preset.draft, preset.parts
    lines: list[str] = []
    if "size" in parts and not isinstance(preset, SeedPreset):
        lines.append(f"{draft.width} × {draft.height}")
    if "settings" in parts:
        sampler = SAMPLERS.get(draft.scheduler)
        name = sampler.label if sampler is not None else draft.scheduler
        lines.append(
            f"{draft.num_inference_steps} steps, guidance {draft.guidance_scale:g}, {name}"
        )
        if draft.tiling != "none":
            lines.append({"x": "Tiles across", "y": "Tiles down"}.get(draft.tiling, "Tiles"))
        if draft.clip_skip:
            lines.append(f"CLIP skip {draft.clip_skip}")
    if "model" in parts and draft.model is not None:
        attached = f" with {len(draft.adapters)} attached" if draft.adapters else ""
        lines.append(f"{draft.model.name}{attached}")
        if draft.refiner is not None:
            lines.append(f"Refined by {draft.refiner.model.name} from {draft.refiner.start:g}")
    if "count" in parts:
        lines.append(f"{draft.count} picture{'s' if draft.count > 1 else ''} at a time")
    return lines
