"""PromptHistory: the prompts that pictures were made with, newest first, kept on disk."""

import logging
from pathlib import Path

from PySide6.QtCore import QObject

from desktop_app.errors import AppError
from desktop_app.files import write_atomically
from desktop_app.recipe.codec import TEXT_MAX, dumps, loads
from desktop_app.recipe.recipe import PROMPT_MAX
from desktop_app.studio.background import Background

log = logging.getLogger(__name__)
PROMPTS_MAX = 500


class PromptHistory(QObject):
    """At most 500 prompts, none of them twice; the file is read and written in the background."""

    def __init__(self, file: Path, disk: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._disk = disk
        self._prompts: list[str] = []

    def start(self) -> None:
        """Read what earlier sessions left."""
        self._disk.run(_read, self._file, done=self._found)

    def add(self, prompt: str) -> None:
        """A picture is made with this prompt."""
        prompt = prompt.strip()
        if prompt and self._prompts[:1] != [prompt]:
            self._prompts = [prompt, *(one for one in self._prompts if one != prompt)]
            del self._prompts[PROMPTS_MAX:]
            self._disk.run(_write, self._file, tuple(self._prompts))

    def find(self, words: str = "", limit: int = PROMPTS_MAX) -> list[str]:
        """Prompts that hold all of these words, in any order and case."""
        wanted = words.casefold().split()
        found = (one for one in self._prompts if all(w in one.casefold() for w in wanted))
        return [one for one, _ in zip(found, range(limit), strict=False)]

    def _found(self, prompts: list[str]) -> None:
        known = set(self._prompts)
        self._prompts += [one for one in prompts if one not in known]
        del self._prompts[PROMPTS_MAX:]


def _read(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            data = loads(stream.read(TEXT_MAX + 1).decode("utf-8", "replace"))
    except FileNotFoundError:
        return []
    except (OSError, AppError) as fault:
        log.warning("the prompts used before cannot be read: %s", fault)
        return []
    rows = data.get("prompts") if isinstance(data, dict) else None
    texts = [row for row in rows or [] if isinstance(row, str)] if isinstance(rows, list) else []
    return [text for text in texts if text.strip() and len(text) <= PROMPT_MAX][:PROMPTS_MAX]


def _write(file: Path, prompts: tuple[str, ...]) -> None:
    # What would not be read again is not written: long prompts leave room for fewer.
    kept = list(prompts)
    while len(text := dumps({"version": 1, "prompts": kept})) > TEXT_MAX:
        del kept[len(kept) * 9 // 10 :]
    try:
        write_atomically(file, text.encode("utf-8", "replace"))
    except OSError as fault:
        # A convenience: a full disk is told by what matters more.
        log.warning("the prompts used before cannot be kept: %s", fault)
