"""Values to JSON and back: recipes, drafts and provenance, with versions and bounds."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_origin

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.provenance import Fingerprint, Provenance
from desktop_app.recipe.recipe import FromNoise, ModelRef, Recipe, Variation

T = TypeVar("T")
VERSION = 1
TEXT_MAX = 1_000_000
"""Characters: a longer JSON text is refused before it is parsed."""

_SEEDS = frozenset({"seed", "variation_seed"})
_FLOATS = frozenset({"guidance_scale", "weight", "variation_strength", "seconds"})


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
    data = _versioned(value)
    start = _fields(data.pop("start", None), "start")
    if start.pop("kind", None) != "noise":
        raise AppError("recipe-start", "This picture starts from something not known here.")
    variations = start.pop("variations", [])
    if not isinstance(variations, list):
        raise AppError("recipe-fields", "The recipe's variations are no list.")
    rows = [_fields(row, "variation") for row in cast(list[object], variations)[:100]]
    return _build(
        Recipe,
        {
            **data,
            "model": _build(ModelRef, _fields(data.get("model"), "model")),
            "start": FromNoise(
                variations=tuple(_build(Variation, row) for row in rows), **_no_more(start)
            ),
        },
    )


def draft_to_json(draft: Draft) -> dict[str, object]:
    return {"version": VERSION, **_plain(draft)}


def draft_from_json(value: object) -> Draft:
    """The draft that `draft_to_json` wrote.

    Raises:
        AppError: as `recipe_from_json`.
    """
    data = _versioned(value)
    model = data.get("model")
    styles = data.get("styles", [])
    if not isinstance(styles, list):
        raise AppError("recipe-fields", "The styles are no list.")
    names = tuple(str(name) for name in cast(list[object], styles)[:50])
    ref = None if model is None else _build(ModelRef, _fields(model, "model"))
    return _build(Draft, {**data, "styles": names, "model": ref})


def provenance_to_json(provenance: Provenance) -> dict[str, object]:
    return {"version": VERSION, **_plain(provenance)}


def provenance_from_json(value: object) -> Provenance:
    """The provenance that `provenance_to_json` wrote.

    Raises:
        AppError: as `recipe_from_json`.
    """
    data = _versioned(value)
    fingerprint = _build(Fingerprint, _fields(data.get("fingerprint"), "fingerprint"))
    notes = data.get("notes", [])
    if not isinstance(notes, list):
        raise AppError("recipe-fields", "The notes are no list.")
    texts = tuple(str(note)[:1000] for note in cast(list[object], notes)[:50])
    return _build(Provenance, {**data, "fingerprint": fingerprint, "notes": texts})


def canonical(recipe: Recipe) -> str:
    """The recipe as canonical JSON without the model's name, which is for people only."""
    data = recipe_to_json(recipe)
    data["model"] = {"kind": recipe.model.kind, "sha256": recipe.model.sha256}
    return dumps(data)


def digest(recipe: Recipe) -> str:
    """Sha256 (64 hex digits) of `canonical`: equal recipes, equal digests."""
    return hashlib.sha256(canonical(recipe).encode()).hexdigest()


def _plain(value: object) -> dict[str, object]:
    return {name: _one(name, getattr(value, name)) for name in _parts_of(type(value))[0]}


def _one(name: str, value: Any) -> object:
    match value:
        case FromNoise():
            return {"kind": "noise", **_plain(value)}
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
    if version != VERSION:
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


def _no_more(rest: dict[str, object]) -> dict[str, Any]:
    if rest:
        raise AppError("recipe-fields", "The recipe's start has unknown parts.")
    return {}


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
