"""Presets as JSON: one in a file of the shelf, or several in a file that is handed on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset import NOTES_MAX, SAMPLES_MAX, TAGS_MAX, Preset
from desktop_app.recipe.presets import (
    PARTS,
    DraftPreset,
    ParameterPreset,
    SeedPreset,
    parameter_preset,
    seed_preset,
)
from desktop_app.recipe.recipe import PROMPT_MAX
from desktop_app.recipe.styles import Style

P = TypeVar("P", bound=Preset)
VERSION = 2
"""1 was seeds and styles without tags, notes and samples, one in each file."""
FILE_MAX = 4_000_000
"""Bytes of a file that is handed on."""
PRESETS_MAX = 500
"""Presets in such a file."""

_TEXTS = ("name", "notes", "created")
_LISTS = {"tags": TAGS_MAX, "samples": SAMPLES_MAX}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind(Generic[P]):
    """One kind of preset, as files and other programs know it.

    Attributes:
        key: of the list in a file that is handed on; and the name of its folder on the shelf.
        word: for people; `words` are several.
        suffix: how a file of them ends.
        mime: type of such a file's contents in a drag or on the clipboard.
        parts: the JSON fields that this kind has besides those of every preset.
        read: makes one of its JSON fields; raises AppError.
        plain: its own JSON fields.
    """

    key: str
    word: str
    words: str
    suffix: str
    mime: str
    parts: frozenset[str]
    read: Callable[[Mapping[str, object], dict[str, Any]], P]
    plain: Callable[[P], dict[str, object]]


def to_json(kind: Kind[P], preset: P) -> dict[str, object]:
    """One preset."""
    common: dict[str, object] = {name: getattr(preset, name) for name in _TEXTS}
    common |= {name: list(getattr(preset, name)) for name in _LISTS}
    return {"version": VERSION, **common, **kind.plain(preset)}


def from_json(kind: Kind[P], value: object) -> P:
    """The preset that `to_json` wrote, in this version or an earlier one.

    Raises:
        AppError: `preset-newer`, `preset-file`, or what is wrong with a value.
    """
    data = _mapping(value, f"The {kind.word} is not readable.")
    version = data.pop("version", None)
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise AppError(
            "preset-newer",
            f"The {kind.word} was written by a newer Mezzotint.",
            hint="Update the program to read it.",
        )
    if isinstance(version, bool) or version not in (1, VERSION):
        raise AppError("preset-file", f"The {kind.word} was not written by Mezzotint.")
    known = {*_TEXTS, *_LISTS, *kind.parts, *(_OLD if version == 1 else ())}
    if not data.keys() <= known:
        raise AppError("preset-file", f"The {kind.word} has parts that are not known here.")
    return kind.read(data, _common(kind, data))


def document(kind: Kind[P], presets: Sequence[P]) -> bytes:
    """A file of presets to hand on, in UTF-8."""
    rows = [to_json(kind, preset) for preset in presets]
    return codec.dumps({"mezzotint": kind.key, "version": VERSION, "presets": rows}).encode()


def parse_document(kind: Kind[P], data: bytes) -> tuple[P, ...]:
    """The presets in a file or a drag that may come from anyone: all of them or a refusal.

    Raises:
        AppError: `preset-file` and the like, with a sentence that names the preset it is about.
    """
    if len(data) > FILE_MAX:
        raise AppError("preset-file", "The file is too large to hold presets.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise AppError("preset-file", "The file holds no presets: it is no text.") from fault
    fields = _mapping(codec.loads(text, limit=FILE_MAX), "The file holds no presets.")
    found = fields.get("mezzotint")
    if found != kind.key:
        other = next((one for one in KINDS if one.key == found), None)
        what = f"{other.words}, not {kind.words}" if other is not None else "no presets"
        raise AppError("preset-kind", f"The file holds {what}.")
    rows = fields.get("presets")
    if not isinstance(rows, list) or not rows:
        raise AppError("preset-file", f"The file holds no {kind.words}.")
    rows = cast(list[object], rows)
    if len(rows) > PRESETS_MAX:
        raise AppError("preset-file", f"A file may hold {PRESETS_MAX} {kind.words}.")
    return tuple(_numbered(kind, number, row) for number, row in enumerate(rows, 1))


def kind_of(data: bytes) -> "Kind[Any]":
    """Which kind of presets a file holds, by what it says of itself.

    Raises:
        AppError: `preset-file` or `json` when it is no file of presets.
    """
    text = data[: FILE_MAX + 1].decode("utf-8-sig", "replace")
    fields = _mapping(codec.loads(text, limit=FILE_MAX), "The file holds no presets.")
    for kind in KINDS:
        if fields.get("mezzotint") == kind.key:
            return kind
    raise AppError("preset-file", "The file holds no presets.")


def _numbered(kind: Kind[P], number: int, row: object) -> P:
    try:
        return from_json(kind, row)
    except AppError as refusal:
        raise AppError(
            refusal.code,
            f"Nothing was taken, for preset {number} in the file is not whole: {refusal.sentence}",
            hint=refusal.hint,
        ) from refusal


def _common(kind: Kind[P], data: Mapping[str, object]) -> dict[str, Any]:
    """The fields that every preset has, of the right types."""
    refusal = AppError("preset-file", f"The {kind.word} is not readable.")
    found: dict[str, Any] = {}
    for name in _TEXTS:
        value = data.get(name, "")
        if not isinstance(value, str) or len(value) > NOTES_MAX:
            raise refusal
        found[name] = value
    for name, limit in _LISTS.items():
        found[name] = _texts(data.get(name, []), limit, refusal)
    return found


def _texts(value: object, limit: int, refusal: AppError) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise refusal
    rows = cast(list[object], value)
    if len(rows) > limit or not all(isinstance(row, str) for row in rows):
        raise refusal
    return tuple(str(row) for row in rows)


def _mapping(value: object, sentence: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise AppError("preset-file", sentence)
    return dict(cast(dict[str, object], value))


def _read_seed(data: Mapping[str, object], common: dict[str, Any]) -> SeedPreset:
    if "draft" not in data:
        return _read_old_seed(data, common)
    return seed_preset(draft=_draft(data), parts=_parts(data), **common)


def _read_parameters(data: Mapping[str, object], common: dict[str, Any]) -> ParameterPreset:
    return parameter_preset(draft=_draft(data), parts=_parts(data), **common)


def _read_style(data: Mapping[str, object], common: dict[str, Any]) -> Style:
    words = data.get("prompt", ""), data.get("negative_prompt", "")
    if not all(isinstance(text, str) for text in words):
        raise AppError("preset-file", "The style is not readable.")
    prompt, negative = (str(text) for text in words)
    if len(prompt) > PROMPT_MAX or len(negative) > PROMPT_MAX:
        raise AppError("text-length", f"A style may have {PROMPT_MAX:,} characters.")
    return Style(prompt=prompt, negative_prompt=negative, **common)


_OLD = frozenset(
    ["seed", "variation_seed", "variation_strength", "width", "height", "prompt", "picture"]
)


def _read_old_seed(data: Mapping[str, object], common: dict[str, Any]) -> SeedPreset:
    """Version 1: the seed, its one variation and the prompt as fields of their own."""
    if not {"seed", "width", "height"} <= data.keys():
        raise AppError("preset-file", "The seed preset lacks a part.")
    names = _OLD & data.keys() - {"picture"}
    draft = codec.draft_from_json({"version": 1, **{name: data[name] for name in names}})
    picture = data.get("picture", "")
    if not isinstance(picture, str):
        raise AppError("preset-file", "The seed preset is not readable.")
    if picture and not common["samples"]:
        common = {**common, "samples": (picture,)}
    parts = ("prompt",) if draft.prompt else ()
    return seed_preset(draft=draft, parts=parts, **common)


def _draft(data: Mapping[str, object]) -> Draft:
    return codec.draft_from_json(data.get("draft"))


def _parts(data: Mapping[str, object]) -> Any:
    refusal = AppError("preset-file", "The preset keeps a part that is not known here.")
    parts = _texts(data.get("parts", []), len(PARTS), refusal)
    if len(set(parts)) != len(parts) or not set(parts) <= set(PARTS):
        raise refusal
    return parts


def _plain_draft(preset: DraftPreset) -> dict[str, object]:
    return {"draft": codec.draft_to_json(preset.draft), "parts": list(preset.parts)}


def _plain_style(style: Style) -> dict[str, object]:
    return {"prompt": style.prompt, "negative_prompt": style.negative_prompt}


SEEDS = Kind(
    key="seeds",
    word="seed preset",
    words="seed presets",
    suffix=".mezzotint-seed.json",
    mime="application/x-mezzotint-seed-preset+json",
    parts=frozenset(["draft", "parts"]),
    read=_read_seed,
    plain=_plain_draft,
)
PARAMETERS = Kind(
    key="parameters",
    word="settings preset",
    words="settings presets",
    suffix=".mezzotint-settings.json",
    mime="application/x-mezzotint-settings-preset+json",
    parts=frozenset(["draft", "parts"]),
    read=_read_parameters,
    plain=_plain_draft,
)
STYLES = Kind(
    key="styles",
    word="style",
    words="styles",
    suffix=".mezzotint-style.json",
    mime="application/x-mezzotint-style+json",
    parts=frozenset(["prompt", "negative_prompt"]),
    read=_read_style,
    plain=_plain_style,
)
KINDS: tuple[Kind[Any], ...] = (SEEDS, PARAMETERS, STYLES)
