"""The program's door: a window, or a command that needs none."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from desktop_app.errors import AppError

COMMANDS = (
    "render",
    "reproduce",
    "verify",
    "inspect",
    "models",
    "convert",
    "samplers",
    "rebuild-index",
)


def needs_window(arguments: Sequence[str]) -> bool:
    """Whether these arguments open the window; otherwise Qt is never imported."""
    return not arguments or not (arguments[0] in COMMANDS or arguments[0].startswith("-"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code: 0 done, 1 failed, 2 wrong use or no window possible.

    Args:
        arguments: a command with its own, or one picture whose settings the window shall show, or
            none; those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not needs_window(given):
        from desktop_app import cli

        return cli.main(given)
    try:
        _check_pictures(given)
        _prepare_window()
    except AppError as refusal:
        print(refusal.sentence, refusal.hint, sep="\n", file=sys.stderr)
        return 2
    from desktop_app import app

    return app.main(given)


def _check_pictures(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        raise AppError("arguments", "The window opens with one picture at most.", hint=_usage())
    for name in arguments:
        if not Path(name).is_file():
            raise AppError("arguments", f'"{name}" is no picture and no command.', hint=_usage())


def _prepare_window() -> None:
    from desktop_app import preflight

    platforms = preflight.usable_platforms(os.environ)
    if platforms:
        os.environ["QT_QPA_PLATFORM"] = platforms


def _usage() -> str:
    return f"Use: mezzotint [PICTURE], or one of the commands {', '.join(COMMANDS)}."


if __name__ == "__main__":
    sys.exit(main())
