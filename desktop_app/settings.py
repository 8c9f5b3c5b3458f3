"""What the artist has set about the program itself: one frozen value, one JSON file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

from desktop_app.files import write_atomically

VERSION = 1
LARGEST_FILE = 1_000_000
"""Bytes; a settings file is some kilobytes, anything above this was not written by us."""

Theme = Literal["dark", "light", "system"]
ModelsOrder = Literal["kind", "name", "newest", "size", "used", "family"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything about the program that outlives a session and is not about a picture.

    Attributes:
        theme: `dark`, `light`, or `system` for what the desktop says.
        text_percent: size of words and controls on top of the system's own, 80 ... 160.
        pictures: folder for new pictures; empty for the usual one.
        model_folders: further folders that are looked through for models.
        hub_mirror: address that models are fetched from; empty for the Hugging Face hub itself.
        previews: show the picture while it forms.
        device: that pictures are made on, such as `cpu` or `cuda:1`; empty for the best there is.
        memory: what is decided of precision and memory for every model, by the names of
            `recipe.wishes`; what is not in it is automatic.
        threads: CPU threads for rendering, 0 ... 256; 0 for one per core.
        snapshot_megabytes: memory for the steps of pictures, 0 ... 65536, and four times that on
            the disk; 0 keeps none.
        thumbnail_size: pixels, 80 ... 400.
        window_geometry: QWidget.saveGeometry() in base64; empty before the first start.
        models_order: what the models are sorted by on their page.
        splitters: sizes by the splitter's name, in pixels at 100 % text size.
    """

    theme: Theme = "dark"
    text_percent: int = 100
    pictures: str = ""
    model_folders: tuple[str, ...] = ()
    hub_mirror: str = ""
    previews: bool = True
    device: str = ""
    memory: Mapping[str, str | bool] = field(default_factory=dict[str, "str | bool"])
    threads: int = 0
    snapshot_megabytes: int = 256
    thumbnail_size: int = 160
    window_geometry: str = ""
    models_order: ModelsOrder = "kind"
    splitters: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """Settings as they were found.

    Attributes:
        reset: the names that could not be used and have their default again; `*` for all.
        kept: a copy of the file as it was, made when something had to be reset.
    """

    settings: Settings
    reset: tuple[str, ...] = ()
    kept: Path | None = None


def load(path: Path) -> Loaded:
    """Read the settings at `path`; whatever cannot be used there gets its default.

    A file that is not wholly usable is kept beside it with `.bad` at the end, because the next
    save replaces it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return Loaded(settings=Settings())
    except OSError:
        return Loaded(settings=Settings(), reset=("*",))
    settings, reset = decode(data)
    return Loaded(settings=settings, reset=reset, kept=_keep(path, data) if reset else None)


def save(path: Path, settings: Settings) -> None:
    """Write `settings` to `path`.

    Raises:
        OSError: the file there is as it was.
    """
    write_atomically(path, encode(settings))


def encode(settings: Settings) -> bytes:
    """`settings` as JSON, every field written out so that a later default changes nothing."""
    document = {"version": VERSION, **asdict(settings)}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def decode(data: bytes) -> tuple[Settings, tuple[str, ...]]:
    """The settings in `data`, and the names in it that could not be used (`*`: nothing could)."""
    document = _document(data)
    if document is None:
        return Settings(), ("*",)
    version = document.pop("version", None)
    bad = [] if version == VERSION else ["version"]
    good: dict[str, Any] = {}
    for name, value in document.items():
        check = _CHECKS.get(name)
        try:
            if check is None:
                raise ValueError(name)
            good[name] = check(value)
        except ValueError:
            bad.append(name)
    return Settings(**good), tuple(bad)


def _document(data: bytes) -> dict[str, object] | None:
    """The JSON object in `data`; None for anything else."""
    if len(data) > LARGEST_FILE:
        return None
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", document) if isinstance(document, dict) else None


def _keep(path: Path, data: bytes) -> Path | None:
    kept = path.with_name(path.name + ".bad")
    try:
        write_atomically(kept, data)
    except OSError:
        return None
    return kept


def _one_of(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(value)
        return value

    return check


def _whole(lowest: int, highest: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError(value)
        return value

    return check


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    """Text that can be a path or go to Qt: no NUL, no half of a surrogate pair, at most 32 KiB."""
    if not isinstance(value, str) or "\0" in value or len(value.encode()) > 32768:
        raise ValueError(value)
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _sizes(value: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict):
        raise ValueError("no mapping")
    pixels = _whole(0, 100_000)
    sizes: dict[str, tuple[int, ...]] = {}
    for name, numbers in cast("dict[object, object]", value).items():
        sizes[_text(name)] = tuple(pixels(number) for number in _list(numbers))
    return sizes


def _decisions(value: object) -> dict[str, str | bool]:
    """A few words and switches by name; which of them mean something is known elsewhere."""
    if not isinstance(value, dict):
        raise ValueError("no mapping")
    rows = cast("dict[object, object]", value)
    if len(rows) > 16:
        raise ValueError("too much of it")
    found: dict[str, str | bool] = {}
    for name, one in rows.items():
        found[_text(name)] = one if isinstance(one, bool) else _text(one)
    return found


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("no list")
    return cast("list[object]", value)


_CHECKS: dict[str, Callable[[object], object]] = {
    "theme": _one_of("dark", "light", "system"),
    "text_percent": _whole(80, 160),
    "pictures": _text,
    "model_folders": _texts,
    "hub_mirror": _text,
    "previews": _yes_or_no,
    "device": _text,
    "memory": _decisions,
    "threads": _whole(0, 256),
    "snapshot_megabytes": _whole(0, 65536),
    "thumbnail_size": _whole(80, 400),
    "window_geometry": _text,
    "models_order": _one_of(*get_args(ModelsOrder)),
    "splitters": _sizes,
}
assert _CHECKS.keys() == {each.name for each in fields(Settings)}
