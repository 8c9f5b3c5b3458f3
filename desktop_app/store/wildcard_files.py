"""The artist's wildcards: text files in a folder and its folders, read within bounds."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_app.recipe.names import WILDCARD, Wildcard, Wildcards, read_wildcard

FILES_MAX = 2_000
FILE_MAX = 4 * 1024 * 1024
"""Bytes of one file; what is beyond is not read."""
WHOLE_MAX = 64 * 1024 * 1024
"""Bytes of all files together."""
DEPTH_MAX = 6
"""Folders in folders."""
_ENDING = ".txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    stamp: tuple[int, int]
    wildcard: Wildcard


class WildcardFiles:
    """Reads the folder; a file that has not changed since is not read again. Safe in any thread."""

    def __init__(self, folder: Path) -> None:
        """Args:
        folder: need not exist.
        """
        self.folder = folder
        self._lock = threading.Lock()
        self._kept: dict[Path, _Kept] = {}

    def read(self) -> Wildcards:
        """The wildcards by their casefolded name: the path in the folder, without `.txt`.

        What cannot be read is left out: links, files with a name that no prompt can say, and what
        is beyond the bounds. Never raises for what lies in the folder.
        """
        with self._lock:
            kept: dict[Path, _Kept] = {}
            whole = 0
            for path, status in self._files():
                whole += min(status.st_size, FILE_MAX)
                if whole > WHOLE_MAX:
                    break
                stamp = (status.st_mtime_ns, status.st_size)
                known = self._kept.get(path)
                if known is None or known.stamp != stamp:
                    text = _text(path)
                    if text is None:
                        continue
                    known = _Kept(stamp=stamp, wildcard=read_wildcard(self._name(path), text))
                kept[path] = known
            self._kept = kept
            return {one.wildcard.name.casefold(): one.wildcard for one in kept.values()}

    def places(self) -> tuple[Path, ...]:
        """The folders to watch, the outermost first; none while it does not exist."""
        found = [self.folder, *(path.parent for path in self._kept)]
        return tuple(path for path in dict.fromkeys(found) if path.is_dir())

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).with_suffix("").as_posix()

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        count = 0
        waiting = [(self.folder, 0)]
        while waiting:
            folder, depth = waiting.pop(0)
            for entry in _entries(folder):
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if depth < DEPTH_MAX and not entry.name.startswith("."):
                            waiting.append((Path(entry.path), depth + 1))
                        continue
                    if not entry.is_file(follow_symlinks=False) or not self._speakable(entry):
                        continue
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                count += 1
                if count > FILES_MAX:
                    return
                yield Path(entry.path), status

    def _speakable(self, entry: "os.DirEntry[str]") -> bool:
        if not entry.name.lower().endswith(_ENDING):
            return False
        call = f"__{self._name(Path(entry.path))}__"
        found = WILDCARD.fullmatch(call)
        return found is not None and "*" not in call


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _text(path: Path) -> str | None:
    """The text of a file in the encoding that its first bytes tell; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX)
    except OSError:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        if len(data) == FILE_MAX and fault.start > len(data) - 4:
            # A letter that the bound cut in two.
            return data.decode("utf-8-sig", "ignore")
        # Windows' Notepad of old.
        return data.decode("cp1252", "replace")
