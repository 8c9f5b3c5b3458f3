"""JSON files of model folders, read within bounds: they may come from anyone."""

import json
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError

CONFIG_MAX = 4 * 1024 * 1024
"""Bytes of a config; real ones are some kilobytes."""
VOCABULARY_MAX = 64 * 1024 * 1024


def read_json(path: Path, limit: int = CONFIG_MAX) -> dict[str, object]:
    """The object in a JSON file.

    Raises:
        AppError: `model-file` when it is not there, too large, or no JSON object.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as fault:
        reason = fault.strerror or "it cannot be opened"
        raise _refusal(path, reason) from fault
    if len(data) > limit:
        raise _refusal(path, "it is too large to be real")
    try:
        value: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as fault:
        raise _refusal(path, "it is no valid JSON") from fault
    if not isinstance(value, dict):
        raise _refusal(path, "it holds no settings")
    return cast(dict[str, object], value)


def _refusal(path: Path, reason: str) -> AppError:
    return AppError(
        "model-file",
        f"The model's file “{path}” cannot be read: {reason}.",
        hint="Copy or download the model again.",
        path=str(path),
    )
