"""Values to JSON and back: recipes, drafts and provenance, with versions and bounds."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_origin

from desktop_app.errors import AppError
from desktop_app.recipe.blocks import NAMES, Blocks
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.provenance import Fingerprint, Origin, Provenance
from desktop_app.recipe.recipe import (
    BRANCHES_MAX,
    EmbeddingUse,
    FromNoise,
    FromStep,
    LoraUse,
    ModelRef,
    Recipe,
    RefinerUse,
    Variation,
)

T = TypeVar("T")
VERSION = 2
"""1 knew no branches, tiling or adapters; what it does not name has the value it had then."""
TEXT_MAX = 1_000_000
"""Characters: a longer JSON text is refused before it is parsed."""

_SEEDS = frozenset({"seed", "variation_seed"})
_KINDS: dict[type, str] = {
    FromNoise: "noise",
    FromStep: "step",
    LoraUse: "lora",
    EmbeddingUse: "embedding",
}
_LATER: dict[str, object] = {"text_encoders": (), "refiner": None, "blocks": ()}
"""Fields that came after the version, and what they are where it is not said; not written then, so
that what does not use them is the same file with the same hash as before."""
_FLOATS = frozenset({"guidance_scale", "weight", "start", "variation_strength", "seconds"})


def dumps(value: object) -> str:
    """Canonical JSON: keys sorted, no spaces, no NaN, every character as it is (UTF-8)."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def loads(text: str, *, limit: int = TEXT_MAX) -> object:
    """Parse JSON that may come from anyone.

    Args:
        limit: characters; a longer text is refused before it is parsed.

    Raises:
        AppError: `json` for text that is too long, too deep, or no JSON.
    """
    if len(text) > limit:
        raise AppError("json", "The settings are too long to be real.", length=len(text))
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise AppError("json", "The settings cannot be read: they are no valid JSON.") from fault


def recipe_to_json(recipe: Recipe) -> dict[str, object]:
    """Every field, so that a default changed later does not change old pictures."""
    return {"version": VERSION, **_plain(recipe)}


def recipe_from_json(value: object) -> Recipe:
    """The recipe that `recipe_to_json` wrote.

    Raises:
        AppError: `recipe-newer` for a later version; `recipe-fields` or a range error otherwise.
    """
    return _recipe(_versioned(value), BRANCHES_MAX)


def draft_to_json(draft: Draft) -> dict[str, object]:
    return {"version": VERSION, **_plain(draft)}


def draft_from_json(value: object) -> Draft:
    """The draft that `draft_to_json` wrote.

    Raises:
        AppError: as `recipe_from_json`.
    """
    data = _versioned(value)
    branch = data.get("branch")
    return _build(
        Draft,
        {
            **data,
            "styles": tuple(str(name) for name in _list(data.get("styles"), "styles", 50)),
            "model": _model(data.get("model")),
            "more_variations": _variations(data.get("more_variations")),
            "branch": None if branch is None else _branch(_kind_of(branch)[1], BRANCHES_MAX),
            **_attached(data),
        },
    )


def provenance_to_json(provenance: Provenance) -> dict[str, object]:
    return {"version": VERSION, **_plain(provenance)}


def provenance_from_json(value: object) -> Provenance:
    """The provenance that `provenance_to_json` wrote.

    Raises:
        AppError: as `recipe_from_json`.
    """
    data = _versioned(value)
    fingerprint = _build(Fingerprint, _fields(data.get("fingerprint"), "fingerprint"))
    texts = tuple(str(note)[:1000] for note in _list(data.get("notes"), "notes", 50))
    origin = data.get("origin")
    return _build(
        Provenance,
        {
            **data,
            "fingerprint": fingerprint,
            "notes": texts,
            "origin": None if origin is None else origin_from_json(origin),
        },
    )


def origin_to_json(origin: Origin) -> dict[str, object]:
    return _plain(origin)


def origin_from_json(value: object) -> Origin:
    """The origin that `origin_to_json` wrote.

    Raises:
        AppError: as `recipe_from_json`.
    """
    return _build(Origin, _fields(value, "origin"))


def canonical(recipe: Recipe) -> str:
    """The recipe as canonical JSON without the model's name, which is for people only."""
    return dumps(_nameless(recipe_to_json(recipe)))


def digest(recipe: Recipe) -> str:
    """Sha256 (64 hex digits) of `canonical`: equal recipes, equal digests."""
    return hashlib.sha256(canonical(recipe).encode()).hexdigest()


def _nameless(value: object) -> object:
    """The same JSON without the names of models, wherever they stand in it."""
    if isinstance(value, list):
        return [_nameless(item) for item in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    rows = cast(dict[str, object], value)
    of_a_model = rows.keys() == {"sha256", "kind", "name"}
    return {key: _nameless(row) for key, row in rows.items() if not (of_a_model and key == "name")}


def _recipe(data: dict[str, object], branches: int) -> Recipe:
    """Args:
    branches: how many further branches it may stand on.
    """
    kind, start = _kind_of(data.pop("start", None))
    match kind:
        case "noise":
            variations = _variations(start.pop("variations", None))
            begins = _build(FromNoise, {**start, "variations": variations})
        case "step":
            begins = _branch(start, branches)
        case _:
            raise AppError("recipe-start", "This picture starts from something not known here.")
    return _build(
        Recipe,
        {
            **data,
            "model": _ref(data.get("model")),
            "start": begins,
            **_attached(data),
        },
    )


def _branch(data: dict[str, object], branches: int) -> FromStep:
    if branches < 1:
        raise AppError("branches", f"At most {BRANCHES_MAX} branches can follow one another.")
    parent = _recipe(_fields(data.get("parent"), "parent"), branches - 1)
    return _build(FromStep, {**data, "parent": parent})


def _attached(data: Mapping[str, object]) -> dict[str, object]:
    """What is attached to the model; the draft and the recipe have it alike."""
    adapters = _list(data.get("adapters"), "adapters", 100)
    return {
        "adapters": tuple(_adapter(row) for row in adapters),
        "vae": _model(data.get("vae")),
        "text_encoders": tuple(
            _ref(row) for row in _list(data.get("text_encoders"), "text encoders", 100)
        ),
        "refiner": _refiner(data.get("refiner")),
    }


def _adapter(value: object) -> LoraUse | EmbeddingUse:
    kind, data = _kind_of(value)
    match kind:
        case "lora":
            lora, blocks = _ref(data.get("lora")), _blocks(data.get("blocks", {}))
            return _build(LoraUse, {**data, "lora": lora, "blocks": blocks})
        case "embedding":
            return _build(EmbeddingUse, {**data, "embedding": _ref(data.get("embedding"))})
        case _:
            raise AppError("recipe-adapter", "This picture uses an adapter not known here.")


def _blocks(value: object) -> Blocks:
    """The weights in blocks, whatever order they were written in."""
    rows = _fields(value, "blocks")
    if not all(name in NAMES and _is(weight, float) for name, weight in rows.items()):
        raise AppError("recipe-fields", "A LoRA is weighed in blocks that are not known here.")
    return tuple((name, float(cast(float, rows[name]))) for name in NAMES if name in rows)


def _refiner(value: object) -> RefinerUse | None:
    if value is None:
        return None
    data = _fields(value, "refiner")
    return _build(RefinerUse, {**data, "model": _ref(data.get("model"))})


def _model(value: object) -> ModelRef | None:
    return None if value is None else _ref(value)


def _ref(value: object) -> ModelRef:
    return _build(ModelRef, _fields(value, "model"))


def _variations(value: object) -> tuple[Variation, ...]:
    rows = _list(value, "variations", 100)
    return tuple(_build(Variation, _fields(row, "variation")) for row in rows)


def _kind_of(value: object) -> tuple[object, dict[str, object]]:
    """The `kind` of a part, and the part without it."""
    data = _fields(value, "settings")
    return data.pop("kind", None), data


def _list(value: object, name: str, limit: int) -> list[object]:
    """The first `limit` items of a list; an absent one is empty."""
    if not isinstance(value, list | None):
        raise AppError("recipe-fields", f"The {name} are no list.")
    return cast(list[object], value or [])[:limit]


def _plain(value: object) -> dict[str, object]:
    items = {name: getattr(value, name) for name in _parts_of(type(value))[0]}
    return {
        name: _one(name, item)
        for name, item in items.items()
        if name not in _LATER or item != _LATER[name]
    }


def _one(name: str, value: Any) -> object:
    match value:
        case FromNoise() | FromStep() | LoraUse() | EmbeddingUse():
            return {"kind": _KINDS[type(value)], **_plain(value)}
        case tuple() if name == "blocks":
            return dict(cast(Blocks, value))
        case tuple():
            return [_one("", item) for item in cast(tuple[Any, ...], value)]
        case int() if name in _SEEDS:
            # JavaScript readers round whole numbers above 2**53, so seeds travel as text.
            return str(value)
        case int() | float() if name in _FLOATS:
            return float(value)
        case _ if dataclasses.is_dataclass(value):
            return _plain(value)
        case _:
            return value


def _versioned(value: object) -> dict[str, object]:
    data = _fields(value, "settings")
    version = data.pop("version", None)
    if isinstance(version, int) and version > VERSION:
        raise AppError(
            "recipe-newer",
            "These settings were written by a newer Mezzotint.",
            hint="Update the program to read them.",
            version=version,
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise AppError("recipe-version", "These settings have no version that is known here.")
    return data


def _fields(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise AppError("recipe-fields", f"The {name} are not readable: a part is missing.")
    data = {str(key): item for key, item in cast(Mapping[object, object], value).items()}
    for seed in _SEEDS & data.keys():
        data[seed] = _seed(data[seed])
    return data


def _seed(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return int(value)
    return value


def _build(kind: type[T], data: dict[str, object]) -> T:
    known, required = _parts_of(kind)
    if not required <= data.keys() <= known.keys():
        wrong = [*(data.keys() - known.keys()), *(required - data.keys())]
        words = ", ".join(sorted(name[:40] for name in wrong)[:5])
        raise AppError("recipe-fields", f"The settings have missing or unknown parts: {words}.")
    for name, item in data.items():
        expected = known[name]
        if expected is not None and not _is(item, expected):
            raise AppError("recipe-fields", f"The setting {name!r} has a value of another kind.")
    return kind(**cast(Any, data))


@cache
def _parts_of(kind: type) -> tuple[dict[str, type | None], frozenset[str]]:
    """The fields of a class with their type where it is a plain one, and the required ones."""
    fields = dataclasses.fields(cast(Any, kind))
    types = {f.name: str if get_origin(f.type) is Literal else f.type for f in fields}
    plain = {
        name: cast(type, one) if one in (str, int, float, bool) else None
        for name, one in types.items()
    }
    required = frozenset(
        f.name
        for f in fields
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )
    return plain, required


def _is(item: object, expected: type) -> bool:
    if expected is float:
        return isinstance(item, (int, float)) and not isinstance(item, bool)
    if expected is int:
        return isinstance(item, int) and not isinstance(item, bool)
    return isinstance(item, expected)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
