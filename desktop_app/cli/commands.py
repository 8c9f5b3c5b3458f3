"""The door: reads the command's words, runs it, and turns every end into an exit code."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from desktop_app import __version__, log, paths
from desktop_app.cli import convert, models, render, show, verify
from desktop_app.cli.output import PROGRAM, Output, one_line, prepare_streams
from desktop_app.errors import AppError, Cancelled

DONE, FAILED, WRONG_USE, CANCELLED = 0, 1, 2, 130
WRONG_USE_CODES = frozenset(
    {"arguments", "file-missing", "file-kind", "range", "text-length", "text-characters"}
    | {"no-prompt", "unknown-sampler", "sampler-sigmas", "model-unknown", "file-exists"}
)
"""Errors that say the command was given wrongly; all others are failures."""

_log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse prints the whole usage first."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        # A shortened option would change its meaning with the next one that begins the same.
        super().__init__(*arguments, allow_abbrev=False, **named)

    def error(self, message: str) -> NoReturn:
        raise AppError("arguments", one_line(message)[:500] + ".", hint=f"See {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Args:
        arguments: those of the process by default.

    Returns:
        0 done, 1 differs or failed, 2 wrong use, 130 cancelled with Ctrl+C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    output = Output(json="--json" in given)
    try:
        chosen = _parser().parse_args(given)
        output = Output(json=chosen.json)
        if not logging.getLogger().handlers:
            # Only what went wrong: where the folder cannot be written, the log goes to stderr.
            log.start(paths.resolve().logs, level=logging.WARNING)
        return chosen.run(chosen, output)
    except AppError as fault:
        output.error(fault)
        return WRONG_USE if fault.code in WRONG_USE_CODES else FAILED
    except (Cancelled, KeyboardInterrupt):
        output.note("Cancelled.")
        return CANCELLED
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as fault:  # noqa: BLE001  the last door: a bug is logged and said, never a trace
        _log.exception("the command failed")
        output.error(_bug(fault))
        return FAILED


def _bug(fault: Exception) -> AppError:
    return AppError(
        "bug",
        f"Something went wrong that should not have: {type(fault).__name__}:"
        f" {one_line(str(fault))[:300]}.",
        hint=f"The details are in {paths.resolve().logs / log.LOG_NAME}.",
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Make pictures with Stable Diffusion, and prove that they can be made again.",
        epilog="Without a command the window opens; a picture's name opens it with its settings."
        " Exit codes: 0 done, 1 differs or failed, 2 wrong use, 130 cancelled.",
    )
    parser.add_argument("--version", action="version", version=f"Mezzotint {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    shared = _Parser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON value on stdout")
    _add_render(commands.add_parser("render", parents=[shared], help="make pictures"))
    _add_reproduce(
        commands.add_parser(
            "reproduce", parents=[shared], help="make a picture again and compare every pixel"
        )
    )
    _add_verify(
        commands.add_parser(
            "verify", parents=[shared], help="make many pictures again, and report on them"
        )
    )
    inspect = commands.add_parser(
        "inspect", parents=[shared], help="say how a picture was made, ours or another program's"
    )
    inspect.add_argument("image", metavar="IMAGE", help="PNG, JPEG or WebP")
    inspect.set_defaults(run=show.inspect)
    listed = commands.add_parser("models", parents=[shared], help="the models that were found")
    listed.add_argument("--all", action="store_true", help="also LoRAs and what cannot be used")
    listed.set_defaults(run=models.models)
    _add_convert(
        commands.add_parser("convert", parents=[shared], help="turn a pickle into safetensors")
    )
    for name, words, run in (
        ("samplers", "the samplers and their noise levels", show.samplers),
        ("rebuild-index", "make the gallery's index again from the pictures", show.rebuild),
    ):
        commands.add_parser(name, parents=[shared], help=words).set_defaults(run=run)
    return parser


def _add_render(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--prompt",
        required=True,
        help="what the picture shows; (word:1.3), {this|that}, BREAK, <lora:name:0.8>",
    )
    add("--negative", default="", metavar="PROMPT", help="what to avoid")
    add("--seed", metavar="S", help="0 to 2^64-1; random and printed if it is left out")
    add("--count", type=int, default=1, metavar="N", help="pictures, with seeds S, S+1, ...")
    add("--steps", type=int, metavar="N", help="the model's own number if it is left out")
    add("--guidance", metavar="G", help="how strictly the prompt is followed")
    add("--refiner", metavar="NAME", help="a refiner's folder, file or name, for the last steps")
    add(
        "--refiner-start",
        metavar="X",
        help="where the refiner takes over, 0 to 1 of the noise levels; 0.8 if left out",
    )
    add("--vae", metavar="NAME", help="another VAE than the model's own: a file or a name")
    add(
        "--text-encoder",
        action="append",
        metavar="NAME",
        help="another text encoder than the model's own; once for each",
    )
    add("--sampler", metavar="NAME", help="such as 'DPM++ 2M Karras'; see the command samplers")
    add("--size", metavar="WxH", help="pixels, such as 512x768")
    add("--model", metavar="NAME|PATH", help="the built-in one if it is left out")
    add("--out", required=True, metavar="FILE|DIR", help="a file ending in .png, or a folder")
    add("--force", action="store_true", help="replace FILE if it is there")
    parser.set_defaults(run=render.render)


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("image", metavar="IMAGE", help="a picture made by Mezzotint")
    add("--model", metavar="PATH", help="where the picture's model lies, if it is not in its place")
    add("--out", metavar="FILE", help="keep the new picture, as PNG")
    add("--force", action="store_true", help="replace FILE if it is there")
    parser.set_defaults(run=render.reproduce)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", metavar="PICTURE|FOLDER", nargs="+", help="folders are searched through")
    add("--out", metavar="FILE", help="write the report: .html, .csv or .txt")
    add("--model", metavar="PATH", help="where a model lies, if it is not in its place")
    add("--force", action="store_true", help="replace FILE if it is there")
    parser.set_defaults(run=verify.verify)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="a .ckpt, .pt, .pth or .bin file")
    add("--trust", action="store_true", help="you trust its maker: a pickle can run any code")
    add("--out", metavar="FOLDER", help="of models; our own if it is left out")
    parser.set_defaults(run=convert.convert)
