"""What lies beside a model: a picture of it, and what Civitai, A1111 or others wrote about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.library.reading import read_json
from desktop_app.library.told import text_of, words_of

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_BEFORE = (".preview", "", ".thumb", ".thumbnail")
_INFOS = (".civitai.info", ".cm-info.json", ".metadata.json", ".json")
_IN_FOLDER = ("preview", "cover", "thumbnail", "sample")
_DESCRIPTION_MAX = 2000

BASES: tuple[tuple[str, str], ...] = (
    ("sd 1", "sd1"),
    ("sd1", "sd1"),
    ("sd 2.1 768", "sd2-v"),
    ("sd 2.0 768", "sd2-v"),
    ("sd 2", "sd2"),
    ("sd2", "sd2"),
    ("sd 3.5", "sd35"),
    ("sd 3", "sd3"),
    ("sdxl", "sdxl"),
    ("pony", "sdxl"),
    ("illustrious", "sdxl"),
    ("noobai", "sdxl"),
    ("flux.2", "flux2"),
    ("flux.1 s", "flux-schnell"),
    ("flux.1", "flux-dev"),
    ("pixart", "pixart"),
    ("stable cascade", "cascade"),
    ("sana", "sana"),
    ("lumina", "lumina2"),
    ("qwen", "qwen-image"),
    ("zimage", "z-image"),
    ("chroma", "chroma"),
    ("hidream", "hidream"),
)
"""Beginning of the base model's name in small letters, as Civitai and A1111 write it -> family."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """What was found; empty where nothing was.

    Attributes:
        family: that the base model's name stands for.
        weight: that its maker recommends for an adapter.
    """

    preview: Path | None = None
    name: str = ""
    base: str = ""
    family: str = ""
    description: str = ""
    notes: str = ""
    negative: str = ""
    weight: float | None = None
    trigger_words: tuple[str, ...] = ()


def read_sidecar(path: Path, beside: Mapping[str, str]) -> Sidecar:
    """Look beside a model, or into its folder.

    Args:
        path: of the model's file or folder.
        beside: the names in the file's folder (or in the folder itself) by small letters; only
            what is listed there is opened.
    """
    inside = path.name not in beside.values()
    stem = path.stem.lower()
    stems = _IN_FOLDER if inside else (*(stem + before for before in _BEFORE), path.name.lower())
    pictures = (beside.get(one + suffix) for one in stems for suffix in PICTURES)
    folder = path if inside else path.parent
    preview = next((folder / name for name in pictures if name), None)
    for suffix in _INFOS if not inside else ():
        name = beside.get(stem + suffix)
        if name:
            try:
                return _info(read_json(folder / name), preview)
            except AppError:
                continue  # another program's file: what it would tell is missing, no more
    return Sidecar(preview=preview)


def _info(data: Mapping[str, object], preview: Path | None) -> Sidecar:
    inner = _mapping(data.get("civitai"))
    model = _mapping(data.get("model")) or _mapping(inner.get("model"))
    base = _first(data, inner, "baseModel", "BaseModel", "base_model", "sd version")
    weight = data.get("preferred weight")
    good = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 4
    words = (
        words_of(data.get("trainedWords"))
        or words_of(data.get("TrainedWords"))
        or words_of(inner.get("trainedWords"))
        or words_of(data.get("activation text"))
    )
    about = _first(data, inner, "description", "ModelDescription", "modelDescription")
    return Sidecar(
        preview=preview,
        name=text_of(model.get("name") or data.get("ModelName") or data.get("model_name"), 200),
        base=text_of(base, 100),
        family=family_of_base(text_of(base, 100)),
        description=_plain(about or _text(model.get("description"))),
        notes=_plain(_text(data.get("notes"))),
        negative=_plain(_text(data.get("negative text"))),
        weight=float(weight) if good and isinstance(weight, int | float) else None,
        trigger_words=words,
    )


def family_of_base(base: str) -> str:
    """The family for a base model's name as Civitai and A1111 write it; empty for others."""
    wanted = base.lower()
    return next((family for start, family in BASES if wanted.startswith(start)), "")


def _first(data: Mapping[str, object], inner: Mapping[str, object], *names: str) -> str:
    for name in names:
        for one in (data, inner):
            found = _text(one.get(name))
            if found:
                return found
    return ""


def _mapping(value: object) -> dict[str, object]:
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain(text: str) -> str:
    """Text without the HTML that Civitai stores."""
    short = text[: 20 * _DESCRIPTION_MAX]
    return text_of(unescape(re.sub(r"<[^<>]{0,2000}>", " ", short)), _DESCRIPTION_MAX)
