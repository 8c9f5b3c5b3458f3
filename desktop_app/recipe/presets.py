"""Seed presets and parameter presets: a part of a draft under a name, and how it is applied."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft, draft_of
from desktop_app.recipe.preset import SAMPLES_MAX, Preset, free_name, united
from desktop_app.recipe.recipe import FromNoise, Recipe, Variation, VariationMethod

Part = Literal["prompt", "size", "model", "settings", "count"]
PARTS: tuple[Part, ...] = get_args(Part)

SEED_FIELDS = (
    "seed",
    "variation_seed",
    "variation_strength",
    "more_variations",
    "variation_method",
)
_NAMED: dict[Part, tuple[str, ...]] = {
    "prompt": ("prompt", "negative_prompt", "styles"),
    "size": ("width", "height"),
    "model": ("model", "vae", "text_encoders", "refiner", "adapters"),
    "count": ("count",),
}
# A branch belongs to one picture, and the rule says what comes after a run: neither is kept.
_LEFT_OUT = ("seed_rule", "branch")
_SETTINGS = tuple(
    field.name
    for field in fields(Draft)
    if field.name not in {*SEED_FIELDS, *_LEFT_OUT, *(n for part in _NAMED.values() for n in part)}
)
FIELDS: dict[Part, tuple[str, ...]] = {**_NAMED, "settings": _SETTINGS}
"""The fields of a Draft that each part is made of; `settings` are all that no other part has."""

SEED_PARTS: tuple[Part, ...] = ("prompt", "size", "model", "settings")
"""What can be kept with a seed."""
PARAMETER_PARTS: tuple[Part, ...] = ("size", "model", "settings", "count")
"""Everything but the seed and the words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftPreset(Preset):
    """A part of a draft under a name.

    Attributes:
        draft: has the kept fields; all others have their defaults.
        parts: which parts of the draft are kept.

    Raises:
        AppError: as `Preset`.
    """

    draft: Draft
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        Preset.__post_init__(self)
        if len(set(self.parts)) != len(self.parts) or not set(self.parts) <= set(PARTS):
            raise AppError("preset-file", "The preset keeps a part that is not known here.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedPreset(DraftPreset):
    """A seed under a name, with its variations and the size it was found at.

    At another size a seed gives another picture, so the size is known even where it is not one of
    the parts that applying the preset changes.
    """

    @property
    def seed(self) -> int:
        """0 ... 2**64 - 1."""
        return self.draft.seed

    @property
    def variations(self) -> tuple[Variation, ...]:
        """What is mixed into the seed's noise, in order."""
        return variations_of(self.draft)

    @property
    def method(self) -> VariationMethod:
        return self.start.method

    @property
    def start(self) -> FromNoise:
        """The noise, as a recipe says it."""
        return start_of(self.draft)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.draft.width

    @property
    def height(self) -> int:
        return self.draft.height

    @property
    def prompt(self) -> str:
        """Empty where none is kept."""
        return self.draft.prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterPreset(DraftPreset):
    """Everything but the seed and the words, or the ticked parts of it, under a name."""


def variations_of(draft: Draft) -> tuple[Variation, ...]:
    """All that a draft mixes into its seed's noise, in order; a share of 0 changes no bit of it."""
    first = Variation(seed=draft.variation_seed, weight=draft.variation_strength)
    return _effective((first, *draft.more_variations))


def start_of(draft: Draft) -> FromNoise:
    """The noise that a draft asks for, whatever it branches from."""
    variations = variations_of(draft)
    method = draft.variation_method if variations else "whole"
    return FromNoise(variations=variations, method=method)


def noise_of(recipe: Recipe) -> tuple[int, FromNoise] | None:
    """The seed and the variations that a picture began with, those without a share left out; None
    for a branch.
    """
    if not isinstance(recipe.start, FromNoise):
        return None
    variations = _effective(recipe.start.variations)
    method = recipe.start.method if variations else "whole"
    return recipe.seed, FromNoise(variations=variations, method=method)


def seed_preset(
    name: str, draft: Draft, parts: Collection[Part] = SEED_PARTS, **known: Any
) -> SeedPreset:
    """The seed of a draft under a name.

    Args:
        parts: what else of the draft is kept; nothing of the others is in the preset.
        known: tags, notes, created and samples.
    """
    draft = _with(draft, start_of(draft))
    kept: tuple[Part, ...] = tuple(part for part in SEED_PARTS if part in parts)
    names = (*SEED_FIELDS, *FIELDS["size"], *_names(kept))
    return SeedPreset(name=name, draft=_only(draft, names), parts=kept, **known)


def seed_preset_of(
    name: str, recipe: Recipe, parts: Collection[Part] = SEED_PARTS, **known: Any
) -> SeedPreset:
    """The seed of a picture under a name; of a branch, the seed that its first parent began with.

    Args:
        parts, known: as `seed_preset`. A branch keeps the settings of that parent.
    """
    while not isinstance(recipe.start, FromNoise):
        recipe = recipe.start.parent
    return seed_preset(name, draft_of(recipe), parts, **known)


def parameter_preset(
    name: str, draft: Draft, parts: Collection[Part] = PARAMETER_PARTS, **known: Any
) -> ParameterPreset:
    """The settings of a draft under a name; arguments as `seed_preset`."""
    kept: tuple[Part, ...] = tuple(part for part in PARAMETER_PARTS if part in parts)
    return ParameterPreset(name=name, draft=_only(draft, _names(kept)), parts=kept, **known)


def applied(preset: DraftPreset, draft: Draft, parts: Iterable[Part] | None = None) -> Draft:
    """A draft with what a preset keeps; a seed is locked in it, so that no run moves it.

    Args:
        parts: those of the preset's parts that are wanted; all if left out. A seed preset's seed
            and variations are taken always.
    """
    wanted = set(preset.parts if parts is None else parts) & set(preset.parts)
    names = [*_names(part for part in PARTS if part in wanted)]
    changes: dict[str, Any] = {}
    if isinstance(preset, SeedPreset):
        names += SEED_FIELDS
        changes["seed_rule"] = "keep"
    if wanted & {"size", "model"}:
        # A branch has its picture's size and model, so it ends where another is wanted.
        changes["branch"] = None
    taken: dict[str, Any] = {name: getattr(preset.draft, name) for name in names}
    if isinstance(preset, SeedPreset) and not preset.variations:
        # The second seed waits where none is mixed in; it is not the preset's to change.
        del taken["variation_seed"]
    return replace(draft, **taken, **changes)


def shows(preset: DraftPreset, recipe: Recipe) -> bool:
    """Whether a picture was made with what a preset keeps: its noise, or its settings."""
    if isinstance(preset, SeedPreset):
        size = (preset.width, preset.height) == (recipe.width, recipe.height)
        return size and noise_of(recipe) == (preset.seed, preset.start)
    made = draft_of(recipe)
    names = _names(part for part in preset.parts if part != "count")
    return bool(names) and all(getattr(made, n) == getattr(preset.draft, n) for n in names)


def with_sample(preset: Preset, pixels_sha256: str) -> tuple[str, ...]:
    """The samples of a preset with another picture in front."""
    others = (one for one in preset.samples if one != pixels_sha256)
    return (pixels_sha256, *others)[:SAMPLES_MAX]


def merged_notes(presets: Iterable[Preset]) -> dict[str, Any]:
    """Tags, notes and samples of several presets, united in order."""
    presets = tuple(presets)
    notes = dict.fromkeys(one.notes.strip() for one in presets if one.notes.strip())
    samples = dict.fromkeys(sample for one in presets for sample in one.samples)
    return {
        "tags": united(tag for one in presets for tag in one.tags),
        "notes": "\n\n".join(notes),
        "samples": tuple(samples)[:SAMPLES_MAX],
    }


def name_for(prompt: str, seed: int, taken: Iterable[str]) -> str:
    """A name for a seed that nobody named: the prompt's first words, else the number."""
    words = " ".join(prompt.split())
    if len(words) > 40:
        words = words[:40].rpartition(" ")[0] or words[:40]
    return free_name(words.rstrip(" ,.;:") or f"Seed {seed}", taken)


def _with(draft: Draft, start: FromNoise) -> Draft:
    """The draft with its variations in one form, so that equal noises are equal drafts."""
    first = start.variations[0] if start.variations else None
    return replace(
        draft,
        variation_seed=first.seed if first else 0,
        variation_strength=first.weight if first else 0.0,
        more_variations=start.variations[1:],
        variation_method=start.method,
    )


def _effective(variations: tuple[Variation, ...]) -> tuple[Variation, ...]:
    return tuple(one for one in variations if one.weight > 0)


def _names(parts: Iterable[Part]) -> tuple[str, ...]:
    return tuple(name for part in parts for name in FIELDS[part])


def _only(draft: Draft, names: Collection[str]) -> Draft:
    kept: dict[str, Any] = {name: getattr(draft, name) for name in names}
    return Draft(**kept)
