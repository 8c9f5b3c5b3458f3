"""A recipe in the words of A1111's infotext, for other programs to read."""

import json

from desktop_app.recipe.foreign import SAMPLER_WORDS, SCHEDULES, number_words
from desktop_app.recipe.infotext import NEGATIVE
from desktop_app.recipe.recipe import FromNoise, Recipe
from desktop_app.recipe.samplers import SAMPLERS


def write(recipe: Recipe, *, app: str) -> str:
    """The recipe in A1111's words.

    A prompt with a line that begins `Negative prompt:` cannot be told apart on reading; it is
    written as it is, and our own record in the picture is what we read ourselves. Of several
    variations only the first has words.

    Args:
        app: what made the picture, such as `Mezzotint 0.1.0`.
    """
    sampler = SAMPLERS[recipe.scheduler]
    rows = [
        ("Steps", str(recipe.num_inference_steps)),
        ("Sampler", SAMPLER_WORDS.get(sampler.key, sampler.label)),
        ("Schedule type", SCHEDULES[recipe.sigmas]),
        ("CFG scale", number_words(recipe.guidance_scale)),
        ("Seed", str(recipe.seed)),
        ("Size", f"{recipe.width}x{recipe.height}"),
        ("Model hash", recipe.model.sha256[:10]),
        ("Model", recipe.model.name),
        ("RNG", "CPU"),
    ]
    variations = recipe.start.variations if isinstance(recipe.start, FromNoise) else ()
    for variation in variations[:1]:
        rows += [
            ("Variation seed", str(variation.seed)),
            ("Variation seed strength", number_words(variation.weight)),
        ]
        if isinstance(recipe.start, FromNoise) and recipe.start.method == "a1111":
            rows.append(("Variation method", "A1111"))
    if recipe.refiner is not None:
        refiner = recipe.refiner.model
        rows += [
            ("Refiner", f"{refiner.name} [{refiner.sha256[:10]}]"),
            ("Refiner switch at", number_words(recipe.refiner.start)),
        ]
    rows.append(("Version", app))
    settings = ", ".join(f"{key}: {_quoted(value)}" for key, value in rows)
    negative = f"{NEGATIVE} {recipe.negative_prompt}" if recipe.negative_prompt else ""
    return "\n".join(part for part in (recipe.prompt, negative, settings) if part)


def _quoted(value: str) -> str:
    plain = not any(c in value for c in ',:\n"') and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)
