"""Draft: what the panels say; and expand(), which makes recipes of it, one for each picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from desktop_app.errors import AppError
from desktop_app.recipe.names import NO_WILDCARDS, Names, Wildcards, read_lora
from desktop_app.recipe.recipe import (
    CLIP_SKIP,
    COUNT,
    GUIDANCE,
    HEIGHT,
    PROMPT_MAX,
    SEED,
    SEED_MAX,
    STEPS,
    STRENGTH,
    TILINGS,
    VARIATION_METHODS,
    WIDTH,
    EmbeddingUse,
    FromNoise,
    FromStep,
    LoraUse,
    ModelRef,
    Recipe,
    RefinerUse,
    Tiling,
    Variation,
    VariationMethod,
    check_choice,
    check_sampler,
)
from desktop_app.recipe.samplers import Sigmas
from desktop_app.recipe.styles import Style, apply_styles
from desktop_app.recipe.wildcards import Tag, escape, resolve

SeedRule = Literal["random", "keep", "step"]
SEED_RULES: tuple[SeedRule, ...] = get_args(SeedRule)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What the panels say: a Recipe before it is resolved, and how many to make.

    Attributes:
        prompt: as typed, with styles and alternatives not yet resolved.
        styles: names of the style chips that are on, in order.
        seed_rule: what happens to the seed once a run was started: `random` draws a new one,
            `keep` leaves it, `step` adds the count; with a variation in A1111's way, to its seed.
        variation_strength: 0 (off) ... 1: how much of `variation_seed`'s noise is mixed in.
        more_variations: mixed in after that one, in order.
        variation_method: how, as in `FromNoise`.
        branch: the picture and the step to go on from, in place of noise; the size and the model
            are then that picture's, and the variations wait.
        model: None until the artist or the program chose one.
        count: pictures to make, each with the next seed; see `expand`.

    Raises:
        AppError: for a value out of range, with the sentence to show.
    """

    prompt: str = ""
    negative_prompt: str = ""
    styles: tuple[str, ...] = ()
    seed: int = 0
    seed_rule: SeedRule = "random"
    variation_seed: int = 0
    variation_strength: float = 0.0
    more_variations: tuple[Variation, ...] = ()
    variation_method: VariationMethod = "whole"
    branch: FromStep | None = None
    model: ModelRef | None = None
    width: int = 512
    height: int = 512
    num_inference_steps: int = 20
    guidance_scale: float = 7.0
    scheduler: str = "dpmpp_2m"
    sigmas: Sigmas = "default"
    tiling: Tiling = "none"
    adapters: tuple[LoraUse | EmbeddingUse, ...] = ()
    vae: ModelRef | None = None
    text_encoders: tuple[ModelRef, ...] = ()
    clip_skip: int = 0
    refiner: RefinerUse | None = None
    count: int = 1

    def __post_init__(self) -> None:
        if len(self.prompt) > PROMPT_MAX or len(self.negative_prompt) > PROMPT_MAX:
            raise AppError("text-length", f"A prompt may have {PROMPT_MAX:,} characters.")
        if self.seed_rule not in SEED_RULES:
            raise AppError("seed-rule", f"There is no seed rule {self.seed_rule!r:.40}.")
        SEED.check(self.seed)
        SEED.check(self.variation_seed)
        STRENGTH.check(self.variation_strength)
        WIDTH.check(self.width)
        HEIGHT.check(self.height)
        STEPS.check(self.num_inference_steps)
        GUIDANCE.check(self.guidance_scale)
        COUNT.check(self.count)
        check_sampler(self.scheduler, self.sigmas)
        check_choice("variation method", self.variation_method, VARIATION_METHODS)
        check_choice("tiling", self.tiling, TILINGS)
        CLIP_SKIP.check(self.clip_skip)


def expand(
    draft: Draft,
    styles: Mapping[str, Style],
    wildcards: Wildcards = NO_WILDCARDS,
    loras: Mapping[str, ModelRef] = MappingProxyType({}),
) -> tuple[Recipe, ...]:
    """The recipes that a draft asks for, one for each picture, in order.

    Picture i has `seed + i`, around the end of the range to 0, and the variation seed stays; with a
    variation in A1111's way it is the other way round, as it is there.
    Alternatives `{a|b}` and wildcards `__name__` are taken by each picture's own seed, in the
    prompts and in each style by itself before they are joined, so that a style switched on does not
    change what they become. `<style:name>` in the prompt adds a style after those that are on,
    `<lora:name:0.8>` attaches a LoRA; a name that is not known there stays in the words.

    Args:
        styles: the known styles by name; a chip that is not among them is refused.
        wildcards: the known ones by name, casefolded.
        loras: the known ones by name.

    Raises:
        AppError: `no-model`, `no-prompt`, `unknown-style`.
    """
    if draft.model is None:
        raise AppError("no-model", "There is no model chosen.", hint="Choose one in the sidebar.")
    if not draft.prompt.strip() and not draft.styles:
        raise AppError("no-prompt", "The prompt is empty.", hint="Say what the picture shows.")
    known = Names(wildcards=wildcards, styles=styles, loras=loras)
    pictures = (_moved(draft, i) for i in range(draft.count))
    return tuple(_recipe(one, draft.model, one.seed, known) for one in pictures)


def _moved(draft: Draft, by: int) -> Draft:
    """The draft of a later picture: its seed counted up, or its variation seed as in A1111."""
    mixes = draft.branch is None and draft.variation_strength > 0
    if mixes and draft.variation_method == "a1111":
        return replace(draft, variation_seed=(draft.variation_seed + by) % (SEED_MAX + 1))
    return replace(draft, seed=(draft.seed + by) % (SEED_MAX + 1))


def _recipe(draft: Draft, model: ModelRef, seed: int, known: Names) -> Recipe:
    called: list[str] = []
    attached: dict[str, LoraUse] = {}

    def take(tag: Tag) -> bool:
        if tag.kind == "style" and tag.words in known.styles:
            called.append(tag.words)
            return True
        lora = read_lora(tag.words) if tag.kind == "lora" else None
        if lora is None or lora.name not in known.loras:
            return False
        ref = known.loras[lora.name]
        attached[ref.sha256] = LoraUse(lora=ref, weight=lora.weight, blocks=lora.blocks)
        return True

    words = resolve(draft.prompt, seed, "prompt", known.wildcards, take)
    avoid = resolve(draft.negative_prompt, seed, "avoid", known.wildcards)
    names = tuple(dict.fromkeys((*draft.styles, *called)))
    resolved = {
        name: Style(
            name=name,
            prompt=resolve(style.prompt, seed, f"style {name}", known.wildcards),
            negative_prompt=resolve(
                style.negative_prompt, seed, f"style {name} avoid", known.wildcards
            ),
        )
        for name in names
        if (style := known.styles.get(name)) is not None
    }
    prompt, negative = apply_styles(words, avoid, names, resolved)
    kept = (
        one
        for one in draft.adapters
        if not (isinstance(one, LoraUse) and one.lora.sha256 in attached)
    )
    return Recipe(
        model=model,
        prompt=prompt,
        negative_prompt=negative,
        width=draft.width,
        height=draft.height,
        seed=seed,
        scheduler=draft.scheduler,
        sigmas=draft.sigmas,
        num_inference_steps=draft.num_inference_steps,
        guidance_scale=draft.guidance_scale,
        start=_start(draft),
        tiling=draft.tiling,
        adapters=(*kept, *attached.values()),
        vae=draft.vae,
        text_encoders=draft.text_encoders,
        clip_skip=draft.clip_skip,
        refiner=draft.refiner,
    )


def _start(draft: Draft) -> FromNoise | FromStep:
    if draft.branch is not None:
        return draft.branch
    first = Variation(seed=draft.variation_seed, weight=draft.variation_strength)
    own = (first,) if draft.variation_strength > 0 else ()
    variations = (*own, *draft.more_variations)
    return FromNoise(
        variations=variations, method=draft.variation_method if variations else "whole"
    )


def varied(recipe: Recipe, variation: Variation) -> Recipe:
    """The recipe with another seed's noise mixed in last; a branch's first parent gets it.

    Raises:
        AppError: `variations` when there are too many.
    """
    start = recipe.start
    if isinstance(start, FromStep):
        return replace(recipe, start=replace(start, parent=varied(start.parent, variation)))
    return replace(recipe, start=replace(start, variations=(*start.variations, variation)))


def after_run(draft: Draft, random_seed: Callable[[], int]) -> Draft:
    """The draft for the next run: its seed moved as the seed rule says."""
    match draft.seed_rule:
        case "keep":
            return draft
        case "step":
            return _moved(draft, draft.count)
        case "random":
            return replace(draft, seed=random_seed())


def draft_of(recipe: Recipe, base: Draft | None = None) -> Draft:
    """A draft that expands to exactly this recipe; seed rule `keep`, one picture, no style chips.

    Args:
        base: where what a recipe does not hold comes from (the variation seed, when there is none).
    """
    start = recipe.start
    mixed = start.variations if isinstance(start, FromNoise) else ()
    variations = tuple(one for one in mixed if one.weight > 0)
    first = variations[0] if variations else None
    return replace(
        base or Draft(),
        prompt=escape(recipe.prompt),
        negative_prompt=escape(recipe.negative_prompt),
        styles=(),
        seed=recipe.seed,
        seed_rule="keep",
        variation_seed=first.seed if first else (base or Draft()).variation_seed,
        variation_strength=first.weight if first else 0.0,
        more_variations=variations[1:],
        variation_method=start.method if isinstance(start, FromNoise) else "whole",
        branch=start if isinstance(start, FromStep) else None,
        model=recipe.model,
        width=recipe.width,
        height=recipe.height,
        num_inference_steps=recipe.num_inference_steps,
        guidance_scale=recipe.guidance_scale,
        scheduler=recipe.scheduler,
        sigmas=recipe.sigmas,
        tiling=recipe.tiling,
        adapters=recipe.adapters,
        vae=recipe.vae,
        text_encoders=recipe.text_encoders,
        clip_skip=recipe.clip_skip,
        refiner=recipe.refiner,
        count=1,
    )
