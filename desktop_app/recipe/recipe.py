"""Recipe: everything that determines one picture, and nothing else; and the ranges of its parts."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from desktop_app.errors import AppError
from desktop_app.recipe.blocks import LIMIT, NAMES, Blocks
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, Sigmas

SEED_MAX = 2**64 - 1
PROMPT_MAX = 20_000
VARIATIONS_MAX = 16
BRANCHES_MAX = 32
"""How many branches may stand on one another."""
ADAPTERS_MAX = 32
TEXT_ENCODERS_MAX = 8

ModelKind = Literal["diffusers", "single", "lora", "embedding", "vae", "text_encoder"]
MODEL_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
VariationMethod = Literal["whole", "a1111"]
VARIATION_METHODS: tuple[VariationMethod, ...] = get_args(VariationMethod)
Tiling = Literal["none", "x", "y", "both"]
TILINGS: tuple[Tiling, ...] = get_args(Tiling)


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """What a number may be: both ends included.

    Attributes:
        name: the artist's word for it.
        multiple: whole numbers only, in multiples of this; 0 for any real number.
        unit: such as `px`; empty for a plain count.
    """

    name: str
    low: float
    high: float
    multiple: int = 1
    unit: str = ""

    def check(self, value: object) -> None:
        """Raises:
        AppError: `range` with a sentence, when `value` is no number inside the range.
        """
        if self.allows(value):
            return
        shown = f"{value!r}"[:40]
        step = f" in steps of {self.multiple}" if self.multiple > 1 else ""
        unit = f" {self.unit}" if self.unit else ""
        low, high = (f"{end:,.0f}".replace(",", " ") for end in (self.low, self.high))
        raise AppError(
            "range",
            f"{self.name} must be a number from {low} to {high}{unit}{step}, not {shown}.",
            field=self.name,
            value=shown,
        )

    def allows(self, value: object) -> bool:
        """Whether `value` is a number inside the range."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if self.multiple and (not isinstance(value, int) or value % self.multiple):
            return False
        return math.isfinite(value) and self.low <= value <= self.high


SEED = Range(name="Seed", low=0, high=SEED_MAX)
WIDTH = Range(name="Width", low=64, high=4096, multiple=8, unit="px")
HEIGHT = Range(name="Height", low=64, high=4096, multiple=8, unit="px")
STEPS = Range(name="Steps", low=1, high=500)
GUIDANCE = Range(name="Guidance", low=0, high=50, multiple=0)
STRENGTH = Range(name="Variation", low=0, high=1, multiple=0)
COUNT = Range(name="Count", low=1, high=64)
STEP = Range(name="The step to branch from", low=1, high=1000)
CLIP_SKIP = Range(name="CLIP skip", low=0, high=12)
REFINER_START = Range(name="Refiner from", low=0, high=1, multiple=0)
ADAPTER_WEIGHT = Range(name="The weight of a LoRA", low=-4, high=4, multiple=0)
BLOCK_WEIGHT = Range(name="The weight of a LoRA in a block", low=-LIMIT, high=LIMIT, multiple=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRef:
    """Which weights, wherever they lie.

    Attributes:
        sha256: hash of the tensor data of all components, 64 lower-case hex digits: the identity.
        name: for people; never used to find the model while the hash can.
        kind: what it is on disk: `diffusers` is a pipeline folder, `single` a checkpoint in one
            file, the others are one file each.
    """

    sha256: str
    name: str
    kind: ModelKind = "diffusers"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise AppError("model-hash", "The model's hash is not 64 hexadecimal digits.")
        _check_text("The model's name", self.name, 300)
        if self.kind not in MODEL_KINDS:
            raise AppError("model-kind", f"Models of kind {self.kind[:40]!r} are not known.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """Another seed's noise, mixed in by spherical interpolation.

    Attributes:
        weight: 0 keeps the noise as it was, 1 replaces it.
    """

    seed: int
    weight: float

    def __post_init__(self) -> None:
        SEED.check(self.seed)
        STRENGTH.check(self.weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class FromNoise:
    """Start from pure noise: the seed's, then each variation mixed in, in order.

    Attributes:
        method: how noises are mixed: `whole` turns the whole tensor towards the other, `a1111`
            each column by itself, as A1111 mixes its variation seed.
    """

    variations: tuple[Variation, ...] = ()
    method: VariationMethod = "whole"

    def __post_init__(self) -> None:
        if len(self.variations) > VARIATIONS_MAX:
            raise AppError("variations", f"At most {VARIATIONS_MAX} variations can be mixed.")
        check_choice("variation method", self.method, VARIATION_METHODS)


@dataclass(frozen=True, kw_only=True, slots=True)
class FromStep:
    """Start from the state in which another picture was after some of its steps.

    The picture is, by definition, the parent's first `step` calls of its scheduler, then the
    settings of the recipe that this start stands in. With nothing changed it is the parent's
    picture, bit for bit. The noise of the steps goes on from the parent's while the seed is the
    parent's, and is drawn anew from the seed when it is another.

    Attributes:
        step: calls of the parent's scheduler that were done, 1 or more, those that the parent
            shares with its own parent among them but not the last; samplers that look twice call
            it twice in a step.
    """

    parent: "Recipe"
    step: int

    def __post_init__(self) -> None:
        STEP.check(self.step)
        start = self.parent.start
        before = start.step if isinstance(start, FromStep) else 0
        if self.step > before + 2 * self.parent.num_inference_steps:
            raise AppError("branch-step", "The picture to branch from has not that many steps.")
        if self.step <= before:
            raise AppError(
                "branch-step",
                f"Step {self.step} of that picture belongs to the one it was branched from.",
            )
        depth = 1
        while isinstance(start, FromStep):
            depth, start = depth + 1, start.parent.start
        if depth > BRANCHES_MAX:
            raise AppError("branches", f"At most {BRANCHES_MAX} branches can follow one another.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraUse:
    """A LoRA (Hu et al. 2021, arXiv 2106.09685) added to the model's weights.

    Attributes:
        weight: 0 is without it, 1 as it was trained.
        blocks: times this in some blocks of the UNet, in the order of `blocks.NAMES`.
    """

    lora: ModelRef
    weight: float = 1.0
    blocks: Blocks = ()

    def __post_init__(self) -> None:
        ADAPTER_WEIGHT.check(self.weight)
        names = [name for name, _ in self.blocks]
        if names != [name for name in NAMES if name in names]:
            raise AppError("blocks", "The blocks of a LoRA are not those that are known here.")
        for _, weight in self.blocks:
            BLOCK_WEIGHT.check(weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingUse:
    """A textual inversion (Gal et al. 2022, arXiv 2208.01618) that the prompt may name.

    Attributes:
        token: the word in the prompt that stands for it.
    """

    embedding: ModelRef
    token: str

    def __post_init__(self) -> None:
        _check_text("The word of an embedding", self.token, 200)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefinerUse:
    """A model that takes the last steps, trained for low noise alone.

    The two are an ensemble of experts: Podell et al. 2023 (arXiv 2307.01952, section 2.5), Balaji
    et al. 2022 (arXiv 2211.01324).

    Attributes:
        start: share of the training's noise levels that are left to the model itself, from the
            highest on: 0.8 gives the refiner the last fifth of them.
    """

    model: ModelRef
    start: float = 0.8

    def __post_init__(self) -> None:
        REFINER_START.check(self.start)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that determines one picture.

    Wildcards and styles are already resolved in the prompts; the syntax of weights is kept. Every
    field is checked when the value is made, so a Recipe that exists can be rendered.

    Attributes:
        width: pixels; so is `height`.
        seed: 0 ... 2**64 - 1, the range of torch.Generator.
        scheduler: a key of `recipe.samplers.SAMPLERS`.
        sigmas: how the noise levels are spaced; one that this sampler can use.
        guidance_scale: classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598); up to 1
            means none.
        tiling: along which axes the picture goes on at its opposite edge.
        adapters: what is attached to the model, in order.
        vae: another autoencoder in place of the model's own, or the one of a model that has none;
            None for the model's own.
        text_encoders: others in place of the model's own, or those of a model that has none, each
            in the place that it was made for; what is not among them is the model's own.
        clip_skip: how many of the text encoder's last layers are left out.
        refiner: what takes the last steps; None for the model itself. A branch goes on with the
            refiner, or without, as its own settings say.

    Raises:
        AppError: for a value out of range, with the sentence to show.
    """

    model: ModelRef
    prompt: str
    negative_prompt: str = ""
    width: int = 512
    height: int = 512
    seed: int = 0
    scheduler: str = "euler"
    sigmas: Sigmas = "default"
    num_inference_steps: int = 25
    guidance_scale: float = 7.5
    start: FromNoise | FromStep = field(default_factory=FromNoise)
    tiling: Tiling = "none"
    adapters: tuple[LoraUse | EmbeddingUse, ...] = ()
    vae: ModelRef | None = None
    text_encoders: tuple[ModelRef, ...] = ()
    clip_skip: int = 0
    refiner: RefinerUse | None = None

    def __post_init__(self) -> None:
        _check_text("The prompt", self.prompt, PROMPT_MAX)
        _check_text("The words to avoid", self.negative_prompt, PROMPT_MAX)
        WIDTH.check(self.width)
        HEIGHT.check(self.height)
        SEED.check(self.seed)
        STEPS.check(self.num_inference_steps)
        GUIDANCE.check(self.guidance_scale)
        check_sampler(self.scheduler, self.sigmas)
        check_choice("tiling", self.tiling, TILINGS)
        CLIP_SKIP.check(self.clip_skip)
        if len(self.adapters) > ADAPTERS_MAX:
            raise AppError("adapters", f"At most {ADAPTERS_MAX} adapters can be attached.")
        if len(self.text_encoders) > TEXT_ENCODERS_MAX:
            raise AppError("text-encoders", f"At most {TEXT_ENCODERS_MAX} text encoders can read.")
        if isinstance(self.start, FromStep):
            _check_branch(self, self.start.parent)


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raises:
    AppError: `choice` when `value` is none of the words in `allowed`.
    """
    if value not in allowed:
        raise AppError("choice", f"There is no {name} {value!r:.40}.")


def check_sampler(scheduler: str, sigmas: str) -> None:
    """Raises:
    AppError: `unknown-sampler` or `sampler-sigmas` when the pair is not in the table.
    """
    sampler = SAMPLERS.get(scheduler)
    if sampler is None:
        raise AppError("unknown-sampler", f"There is no sampler {scheduler[:60]!r}.")
    if sigmas not in sampler.sigmas:
        known = ", ".join(SIGMAS_LABELS[one] or "the usual ones" for one in sampler.sigmas)
        raise AppError(
            "sampler-sigmas",
            f"The sampler {sampler.label} has no {sigmas[:40]!r} noise levels, only {known}.",
        )


def _check_branch(recipe: Recipe, parent: Recipe) -> None:
    if (recipe.width, recipe.height) != (parent.width, parent.height):
        raise AppError(
            "branch-size",
            "A branch has the size of the picture it comes from.",
            hint=f"Set it to {parent.width} × {parent.height}, or leave the branch.",
        )
    if recipe.model.sha256 != parent.model.sha256:
        raise AppError(
            "branch-model",
            "A branch goes on with the model of the picture it comes from.",
            hint=f"Choose {parent.model.name}, or leave the branch.",
        )


def _check_text(name: str, text: str, limit: int) -> None:
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise AppError("text", f"{name} is not text.")
    if len(text) > limit:
        raise AppError(
            "text-length", f"{name} is longer than {limit:,} characters.", length=len(text)
        )
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise AppError("text-characters", f"{name} holds characters that are no text.")
