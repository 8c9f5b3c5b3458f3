"""Recipe: everything that determines one picture, and nothing else; and the ranges of its parts."""

import math
from dataclasses import dataclass, field

from desktop_app.errors import AppError
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, Sigmas

SEED_MAX = 2**64 - 1
PROMPT_MAX = 20_000
VARIATIONS_MAX = 16


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
        if self._allows(value):
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

    def _allows(self, value: object) -> bool:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRef:
    """Which weights, wherever they lie.

    Attributes:
        sha256: hash of the tensor data of all components, 64 lower-case hex digits: the identity.
        name: for people; never used to find the model while the hash can.
        kind: the layout on disk; `diffusers` is a pipeline folder.
    """

    sha256: str
    name: str
    kind: str = "diffusers"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise AppError("model-hash", "The model's hash is not 64 hexadecimal digits.")
        _check_text("The model's name", self.name, 300)
        if self.kind != "diffusers":
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
    """Start from pure noise: the seed's, then each variation mixed in, in order."""

    variations: tuple[Variation, ...] = ()

    def __post_init__(self) -> None:
        if len(self.variations) > VARIATIONS_MAX:
            raise AppError("variations", f"At most {VARIATIONS_MAX} variations can be mixed.")


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
    start: FromNoise = field(default_factory=FromNoise)

    def __post_init__(self) -> None:
        _check_text("The prompt", self.prompt, PROMPT_MAX)
        _check_text("The words to avoid", self.negative_prompt, PROMPT_MAX)
        WIDTH.check(self.width)
        HEIGHT.check(self.height)
        SEED.check(self.seed)
        STEPS.check(self.num_inference_steps)
        GUIDANCE.check(self.guidance_scale)
        check_sampler(self.scheduler, self.sigmas)


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


def _check_text(name: str, text: str, limit: int) -> None:
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise AppError("text", f"{name} is not text.")
    if len(text) > limit:
        raise AppError(
            "text-length", f"{name} is longer than {limit:,} characters.", length=len(text)
        )
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise AppError("text-characters", f"{name} holds characters that are no text.")
