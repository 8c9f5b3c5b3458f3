"""Seed presets and styles: one small file each, so that one bad file costs one entry."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.recipe import HEIGHT, PROMPT_MAX, SEED, STRENGTH, WIDTH
from desktop_app.recipe.styles import Style
from desktop_app.store.files import read_bounded, safe_name, told, write_atomic

NAME_MAX = 80
_FILE_MAX = 1_000_000
_COUNT_MAX = 2000
_VERSION = 1
_SEEDS = ("seed", "variation_seed")


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedPreset:
    """A seed under a name, with what makes it that picture.

    Attributes:
        variation_strength: 0 (off) ... 1.
        width: pixels; so is `height`. A seed means another picture at another size.
        created: UTC, ISO 8601.
        picture: pixel hash of the picture it stands for; may be empty.

    Raises:
        AppError: for a value out of range.
    """

    name: str
    seed: int
    variation_seed: int = 0
    variation_strength: float = 0.0
    width: int
    height: int
    prompt: str = ""
    created: str = ""
    picture: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        SEED.check(self.seed)
        SEED.check(self.variation_seed)
        STRENGTH.check(self.variation_strength)
        WIDTH.check(self.width)
        HEIGHT.check(self.height)
        if len(self.prompt) > PROMPT_MAX:
            raise AppError("text-length", f"A prompt may have {PROMPT_MAX:,} characters.")


# Inside the classes below, `list` is their method.
_Rows = list[tuple[float, SeedPreset]]
_Styles = list[Style]
_Paths = list[Path]


class SeedPresets:
    """The shelf: one file for each preset. Names are told apart without upper and lower case.

    Attributes:
        unreadable: the files that the last `list` skipped.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.unreadable: tuple[Path, ...] = ()

    def list(self) -> tuple[SeedPreset, ...]:
        """All presets in the artist's order, new ones last."""
        return tuple(preset for _, preset in self._ordered())

    def save(self, preset: SeedPreset) -> None:
        """Keep a preset; one of the same name is replaced and keeps its place.

        Raises:
            AppError: `disk-full` and the like.
        """
        rows = self._ordered()
        places = [place for place, old in rows if _same(old.name, preset.name)]
        place = places[0] if places else max((place for place, _ in rows), default=0.0) + 1
        self._write(place, preset)

    def rename(self, name: str, new: str) -> None:
        """Give a preset another name; its place stays.

        Raises:
            AppError: `preset-unknown`, `preset-exists`, `preset-name`.
        """
        rows = self._ordered()
        place, preset = _find(rows, name)
        if not _same(name, new) and any(_same(old.name, new) for _, old in rows):
            raise AppError("preset-exists", f"There is a preset “{new}” already.")
        self._write(place, replace(preset, name=new))
        if not _same(name, new):
            self._remove(preset.name)

    def delete(self, name: str) -> SeedPreset:
        """Take a preset off the shelf and return it, so that it can be saved again.

        Raises:
            AppError: `preset-unknown`.
        """
        _, preset = _find(self._ordered(), name)
        self._remove(preset.name)
        return preset

    def move(self, name: str, row: int) -> None:
        """Put a preset at another place, counted from 0 in the list without it.

        Raises:
            AppError: `preset-unknown`.
        """
        rows = self._ordered()
        found = _find(rows, name)
        others = [old for old in rows if old is not found]
        others.insert(max(0, min(row, len(others))), found)
        for place, (old, preset) in enumerate(others, 1):
            if old != place:
                self._write(float(place), preset)

    def _ordered(self) -> "_Rows":
        found: _Rows = []
        bad: _Paths = []
        for path in _files(self._folder):
            try:
                data = _read(path)
                place = data.pop("place", 0)
                number = float(place) if isinstance(place, int | float) else 0.0
                found.append((number, _preset(data)))
            except AppError:
                bad.append(path)
        self.unreadable = tuple(bad)
        return sorted(found, key=lambda row: (row[0], row[1].created, row[1].name))

    def _write(self, place: float, preset: SeedPreset) -> None:
        data: dict[str, object] = {
            name: str(value) if name in _SEEDS else value
            for name, value in dataclasses.asdict(preset).items()
        }
        _write(self._path(preset.name), {**data, "place": place})

    def _remove(self, name: str) -> None:
        with told(self._path(name)):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return _path(self._folder, name)


class Styles:
    """The style chips: those of the program, and the artist's own, which may replace them.

    Attributes:
        unreadable: the files that the last `list` skipped.
    """

    def __init__(self, folder: Path, builtin: Path) -> None:
        """Args:
        folder: of the artist's own styles.
        builtin: the folder with the program's `styles.json`.
        """
        self._folder = folder
        self._builtin = builtin / "styles.json"
        self.unreadable: tuple[Path, ...] = ()

    def list(self) -> tuple[Style, ...]:
        """All styles: the program's in their order, replaced where the artist has one of that
        name, then the artist's others by name.
        """
        own = {style.name.casefold(): style for style in self._own()}
        builtin = [own.pop(style.name.casefold(), style) for style in _builtin(self._builtin)]
        return (*builtin, *sorted(own.values(), key=lambda style: style.name.casefold()))

    def own(self) -> frozenset[str]:
        """The names of the artist's own styles."""
        return frozenset(style.name for style in self._own())

    def by_name(self) -> Mapping[str, Style]:
        """As `expand` wants them."""
        return {style.name: style for style in self.list()}

    def save(self, style: Style) -> None:
        """Keep a style of the artist's own; one of the same name is replaced.

        Raises:
            AppError: `preset-name`, `text-length`, `disk-full` and the like.
        """
        _check_style(style)
        data: dict[str, object] = dict(dataclasses.asdict(style))
        _write(_path(self._folder, style.name), data)

    def delete(self, name: str) -> None:
        """Forget one of the artist's own; the program's own of that name comes back."""
        path = _path(self._folder, name)
        with told(path):
            path.unlink(missing_ok=True)

    def _own(self) -> "_Styles":
        found: _Styles = []
        bad: _Paths = []
        for path in _files(self._folder):
            try:
                found.append(_style(_read(path)))
            except AppError:
                bad.append(path)
        self.unreadable = tuple(bad)
        return found


def _builtin(path: Path) -> tuple[Style, ...]:
    rows = _read(path).get("styles")
    if not isinstance(rows, list):
        raise AppError("preset-file", f"“{path}” holds no styles.")
    return tuple(_style(_mapping(row)) for row in cast(list[object], rows))


def _style(data: Mapping[str, object]) -> Style:
    texts = {key: data.get(key, "") for key in ("name", "prompt", "negative_prompt")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise AppError("preset-file", "The style is not readable.")
    name, prompt, negative = (str(text) for text in texts.values())
    style = Style(name=name, prompt=prompt, negative_prompt=negative)
    _check_style(style)
    return style


def _check_style(style: Style) -> None:
    _check_name(style.name)
    if len(style.prompt) > PROMPT_MAX or len(style.negative_prompt) > PROMPT_MAX:
        raise AppError("text-length", f"A style may have {PROMPT_MAX:,} characters.")


def _preset(data: Mapping[str, object]) -> SeedPreset:
    kinds: dict[str, type] = {field.name: str for field in dataclasses.fields(SeedPreset)}
    kinds |= {"width": int, "height": int, "variation_strength": float}
    values: dict[str, object] = {}
    for name, kind in kinds.items():
        if name not in data:
            continue
        value = data[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise AppError("preset-file", "The preset is not readable.")
        if name in _SEEDS:
            text = str(value)
            if not (text.isascii() and text.isdigit() and len(text) <= 20):
                raise AppError("preset-file", "The preset has no readable seed.")
            value = int(text)
        values[name] = value
    if not {"name", "seed", "width", "height"} <= values.keys():
        raise AppError("preset-file", "The preset lacks a part.")
    return SeedPreset(**values)  # pyright: ignore[reportArgumentType]


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip():
        raise AppError("preset-name", "A name needs at least one letter.")
    if len(name) > NAME_MAX or not name.isprintable():
        raise AppError("preset-name", f"A name may have {NAME_MAX} plain characters.")


def _find(rows: _Rows, name: str) -> tuple[float, SeedPreset]:
    for row in rows:
        if _same(row[1].name, name):
            return row
    raise AppError("preset-unknown", f"There is no preset “{name[:NAME_MAX]}”.")


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.glob("*.json"))[:_COUNT_MAX]
    except OSError:
        return


def _path(folder: Path, name: str) -> Path:
    return folder / f"{safe_name(name.casefold())}.json"


def _read(path: Path) -> dict[str, object]:
    data = _mapping(codec.loads(read_bounded(path, _FILE_MAX).decode("utf-8-sig", "replace")))
    version = data.pop("version", None)
    if version != _VERSION:
        raise AppError("preset-file", f"“{path}” was not written by this Mezzotint.")
    return data


def _write(path: Path, data: Mapping[str, object]) -> None:
    write_atomic(path, codec.dumps({**data, "version": _VERSION}).encode())


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise AppError("preset-file", "The file is not readable.")
    return dict(cast(dict[str, object], value))
