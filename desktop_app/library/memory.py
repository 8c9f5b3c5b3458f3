"""What the artist said about models, kept by their hashes in one small file that outlives them."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.library.identity import KINDS, Defaults, Facts, Kind
from desktop_app.library.reading import read_json
from desktop_app.library.told import text_of, words_of
from desktop_app.recipe.wishes import wishes_in

VERSION = 1
NOTES_MAX = 20_000
_FILE_MAX = 64 * 1024 * 1024
_MODELS_MAX = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """One model that the artist said something about, as it was last seen."""

    facts: Facts
    name: str
    path: Path
    kind: Kind
    family: str


class Memory:
    """The file with the artist's words. Safe to call from any thread.

    A file that cannot be read is kept with `.bad` at its end, never written over; one from a newer
    version of the program is left as it is, and nothing new is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, object]] | None = None
        self._newer = False

    def get(self, key: str) -> Facts:
        """What is known under a hash or `Asset.key`; blank when nothing is."""
        with self._lock:
            row = self._all().get(key)
        return _facts(row) if row is not None else Facts()

    def all(self) -> dict[str, Remembered]:
        """Everything that is kept, by its key."""
        with self._lock:
            rows = dict(self._all())
        return {key: _remembered(row) for key, row in rows.items()}

    def put(self, key: str, seen: Remembered) -> None:
        """Keep what the artist said; forget the model when that is nothing any more.

        Raises:
            AppError: `memory-newer`, or `write-failed` when the disk does not take it; what was
                kept before is still there then.
        """
        with self._lock:
            rows = dict(self._all())
            if seen.facts == Facts():
                rows.pop(key, None)
            else:
                rows[key] = _row(seen)
            self._write(rows)

    def move(self, old: str, new: str) -> None:
        """A model that was known by its place got its hash; what the hash has already wins."""
        with self._lock:
            rows = dict(self._all())
            row = rows.pop(old, None)
            if row is None:
                return
            rows.setdefault(new, row)
            self._write(rows)

    def _all(self) -> dict[str, dict[str, object]]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> dict[str, dict[str, object]]:
        if not self._path.exists():
            return {}
        try:
            data = read_json(self._path, _FILE_MAX)
        except AppError:
            try:
                self._path.replace(self._path.with_name(self._path.name + ".bad"))
            except OSError:
                self._newer = True  # it cannot be kept aside, so it is not written over either
            return {}
        version = data.get("version")
        self._newer = not isinstance(version, int) or version > VERSION
        models = data.get("models")
        rows = cast(dict[str, object], models) if isinstance(models, dict) else {}
        return {
            key: cast(dict[str, object], row)
            for key, row in list(rows.items())[:_MODELS_MAX]
            if isinstance(row, dict)
        }

    def _write(self, rows: dict[str, dict[str, object]]) -> None:
        if self._newer:
            raise AppError(
                "memory-newer",
                f"“{self._path}” was written by a newer Mezzotint and is left as it is.",
                hint="Use the newer version to change notes and favourites.",
                path=str(self._path),
            )
        data = json.dumps({"version": VERSION, "models": rows}, ensure_ascii=True, indent=1)
        try:
            write_atomically(self._path, data.encode())
        except OSError as fault:
            raise AppError(
                "write-failed",
                f"The note could not be kept: {fault.strerror or fault}.",
                hint=f"Make room for “{self._path}”, and try again.",
                path=str(self._path),
            ) from fault
        self._rows = rows


def _row(seen: Remembered) -> dict[str, object]:
    facts = seen.facts
    given = {name: value for name, value in asdict(facts.defaults).items() if value is not None}
    return {
        "name": seen.name,
        "path": str(seen.path),
        "kind": seen.kind,
        "family": seen.family,
        "favourite": facts.favourite,
        "notes": facts.notes[:NOTES_MAX],
        "trigger_words": list(facts.trigger_words),
        "defaults": given,
        "memory": facts.wishes.written(),
    }


def _remembered(row: Mapping[str, object]) -> Remembered:
    kind: Kind = "unknown"
    for known in KINDS:
        if known == row.get("kind"):
            kind = known
    path = row.get("path")
    return Remembered(
        facts=_facts(row),
        name=text_of(row.get("name"), 200),
        path=Path(path if isinstance(path, str) and "\0" not in path else ""),
        kind=kind,
        family=text_of(row.get("family"), 40),
    )


def _facts(row: Mapping[str, object]) -> Facts:
    notes = row.get("notes")
    words = row.get("trigger_words")
    return Facts(
        favourite=row.get("favourite") is True,
        notes=notes[:NOTES_MAX] if isinstance(notes, str) else "",
        trigger_words=words_of([*cast(list[object], words), ""]) if isinstance(words, list) else (),
        defaults=_defaults(row.get("defaults")),
        wishes=wishes_in(row.get("memory")),
    )


def _defaults(value: object) -> Defaults:
    """Every field that has the right type; the others as if they were not there."""
    rows = cast(dict[str, object], value) if isinstance(value, dict) else {}
    found = Defaults()
    for field in fields(Defaults):
        given = rows.get(field.name)
        if isinstance(given, bool) or given is None:
            continue
        wanted: tuple[type, ...] = (int,)
        if field.name in ("scheduler", "sigmas", "negative_prompt"):
            wanted = (str,)
        elif field.name in ("guidance_scale", "weight"):
            wanted = (int, float)
        if isinstance(given, wanted):
            found = replace(found, **{field.name: given})
    return found
