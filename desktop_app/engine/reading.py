"""A model's settings as they are read, and the words for what may be wrong with its files."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError

from desktop_app.engine.residency import is_out_of_memory
from desktop_app.errors import AppError
from desktop_app.recipe.completing import named
from desktop_app.recipe.family import Family, Part

Found = TypeVar("Found")
INDEX_MAX = 1024 * 1024
CONFIG_MAX = 64 * 1024 * 1024
WORDS = {
    "unet": "image network (UNet)",
    "transformer": "image network (transformer)",
    "prior": "prior",
    "vae": "picture decoder (VAE)",
    "scheduler": "scheduler",
}
TROUBLES = (
    SafetensorError,
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    ImportError,
)
"""What diffusers and transformers were seen to raise on damaged models; all of it means one."""


def word_for(part: str) -> str:
    """A component as an artist would call it."""
    if part.startswith("tokenizer"):
        return "tokenizer" + part.removeprefix("tokenizer").replace("_", " ")
    if part.startswith("text_encoder"):
        return "text encoder" + part.removeprefix("text_encoder").replace("_", " ")
    return WORDS.get(part, part.replace("_", " "))


def read_json(path: Path, name: str, limit: int = INDEX_MAX) -> dict[str, Any]:
    """A JSON object that is no longer than `limit` bytes.

    Raises:
        AppError: `model-broken`.
    """
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(limit + 1)[:limit])
    except (OSError, ValueError, RecursionError) as error:
        raise broken(name, path.parent.name + "/" + path.name, error) from error
    if not isinstance(value, dict):
        raise broken(name, path.parent.name + "/" + path.name, None)
    return value


def guarded(name: str, part: str, load: Callable[[], Found]) -> Found:
    """What `load` gives; what it raises on damage becomes the sentence about it.

    Raises:
        AppError: `model-broken`.
        RuntimeError, MemoryError: when memory runs out.
    """
    try:
        return load()
    except TROUBLES as error:
        if is_out_of_memory(error):
            raise
        raise broken(name, word_for(part), error) from error


def broken(name: str, what: str, error: Exception | None) -> AppError:
    """The refusal of a model that is damaged."""
    reason = f": {error}".splitlines()[0][:200] if error else ""
    return AppError(
        "model-broken",
        f"The model {name} is damaged or incomplete; its {what} cannot be read{reason}.",
        hint="Copy or download the model again.",
        what=what,
    )


def config_sha256(folder: Path, parts: Iterable[str], name: str) -> str:
    """Of all settings and vocabularies of these parts, whatever library version wrote them."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted((folder / part).iterdir()):
            if path.suffix == ".json" and not path.name.endswith(".index.json"):
                config = read_json(path, name, CONFIG_MAX)
                kept = {k: v for k, v in config.items() if k == "_class_name" or k[:1] != "_"}
                text = json.dumps(kept, sort_keys=True)
            elif path.name == "merges.txt":
                text = path.read_text("utf-8", "replace")
            else:
                continue
            digest.update(f"{part}/{path.name}\n{text}\n".encode())
    return digest.hexdigest()


def no_reader(what: str, name: str, family: Family) -> AppError:
    """The refusal of a text encoder that a family does not read with, or one too many."""
    return AppError(
        "encoder-kind",
        f"The {what} is none that the model {name} reads with.",
        hint=f"{family.label} reads with "
        + ", ".join(named(family.key, one.name) for one in encoders_of(family))
        + "; take it off, or choose one of these.",
    )


def encoders_of(family: Family) -> list[Part]:
    """The components that read the prompt."""
    return [part for part in family.parts if part.name.startswith("text_encoder")]
