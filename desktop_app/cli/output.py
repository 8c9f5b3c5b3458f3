"""What the command line says: words for people or JSON for machines, and a progress bar."""

import shutil
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from desktop_app.errors import AppError
from desktop_app.recipe import codec

PROGRAM = "mezzotint"
BAR_CELLS = 24


@dataclass(slots=True)
class Output:
    """Where a command's words go.

    Results go to stdout, everything else to stderr; with `json` stdout holds one JSON value and no
    words. The progress bar is drawn on a terminal only.
    """

    json: bool = False
    _shown: int = field(default=0, init=False)

    def line(self, text: str = "") -> None:
        """A line of the result, for people."""
        if not self.json:
            self._print(sys.stdout, text)

    def result(self, values: Mapping[str, object]) -> None:
        """The whole result, for machines."""
        if self.json:
            self._print(sys.stdout, codec.dumps(values), clean=False)

    def note(self, text: str) -> None:
        """Something to know beside the result."""
        self._print(sys.stderr, text)

    def error(self, fault: AppError) -> None:
        """What went wrong, in one line; for machines the code as well."""
        self._print(sys.stderr, f"{PROGRAM}: {fault}")
        self.result({"error": {"code": fault.code, "sentence": fault.sentence, "hint": fault.hint}})

    def progress(self, label: str, done: int = 0, count: int = 0) -> None:
        """Draw the bar anew; without a count only the label."""
        if not sys.stderr.isatty():
            return
        text = label
        if count:
            full = BAR_CELLS * min(done, count) // count
            text = f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {label}"
        text = printable(text)[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0

    def _print(self, stream: TextIO, text: str, *, clean: bool = True) -> None:
        self.clear()
        stream.write((printable(text) if clean else text) + "\n")
        stream.flush()


def printable(text: str) -> str:
    """The text with control characters written out, so that no file can steer the terminal."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else _code(c)
        for c in text
    )


def one_line(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def prepare_streams() -> None:
    """Let every character be written, also where the terminal does not know it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
