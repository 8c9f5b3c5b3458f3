"""Components of the families that come in one file, and the plain way to load such a file."""

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from desktop_app.recipe.clip_words import clip_vocabulary
from desktop_app.recipe.families import FAMILIES


def empty_parts(configs: Path, family: str) -> dict[str, Any]:
    """Components of a family as its settings say, with whatever weights they begin with."""
    parts: dict[str, Any] = {}
    for part in FAMILIES[family].parts:
        if part.name.startswith("tokenizer"):
            continue
        config = json.loads((configs / family / part.name / "config.json").read_text("utf-8"))
        kind = str(config.get("_class_name") or config["architectures"][0])
        if hasattr(diffusers, kind):
            parts[part.name] = getattr(diffusers, kind).from_config(config)
        else:
            known: Any = getattr(transformers, kind)
            parts[part.name] = known(known.config_class(**config))
    return parts


def clip_words(configs: Path, family: str, part: str) -> Any:
    """The tokenizer of a family, as transformers makes it from the shipped vocabulary."""
    merges: Any
    vocabulary, merges = clip_vocabulary((configs / "clip/merges.txt.gz").read_bytes())
    told = json.loads((configs / family / part / "tokenizer_config.json").read_text("utf-8"))
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, **told)


def plain_single_file(path: Path, configs: Path, family: str) -> Any:
    """The pipeline as anybody would load it who has the settings as a folder."""
    kind = getattr(diffusers, FAMILIES[family].pipelines[0])
    parts = [part.name for part in FAMILIES[family].parts if part.name.startswith("tokenizer")]
    told = {part: clip_words(configs, family, part) for part in parts}
    if family in ("sd1", "sd2"):
        told |= {"safety_checker": None, "feature_extractor": None}
    folder = str(configs / family)
    pipe = kind.from_single_file(str(path), config=folder, torch_dtype=torch.float32, **told)
    pipe.set_progress_bar_config(disable=True)
    return pipe
