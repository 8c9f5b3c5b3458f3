"""Refuses model folders that could run code, and pipelines that are not known here."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.library.reading import read_json
from desktop_app.recipe.families import FAMILIES, families_of
from desktop_app.recipe.family import Part, is_setting
from desktop_app.weights import packing
from desktop_app.weights.variants import VARIANTS, WEIGHTS, variant_in, with_variant

# Named in many folders, never loaded here.
_UNUSED = frozenset(
    {"safety_checker", "feature_extractor", "image_encoder", "text_processor", "pe", "pe_tokenizer"}
    | {"prior_feature_extractor", "prior_image_encoder"}
)
_NOTHING = [None, None]
_UNUSED_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})
_CODE = frozenset(
    [".py", ".pyc", ".pyo", ".pyd", ".pyw", ".pyx", ".so", ".dll", ".dylib", ".exe", ".sh", ".js"]
)
_PICKLES = frozenset([".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz"])
# Keys by which transformers and diffusers were made to import or download code (CVE-2026-4372,
# CVE-2026-5241, GHSA-4prv-5hj7-c2xr), or would load a library that is not here.
_KEYS = ("auto_map", "trust_remote_code", "custom_pipeline", "custom_code")
_KEY_STARTS = ("_attn_implementation", "_remote", "_module")
_FILES_MAX = 2000
_DEPTH_MAX = 4


def check_folder(folder: Path) -> dict[str, object]:
    """Look a model folder through without loading anything; its `model_index.json`.

    Raises:
        AppError: `model-unsafe` for what could run code, `model-kind` for a pipeline that is not
            in the table of families, `model-file` for what cannot be read, `model-weights` where
            weights are missing or are pickles.
    """
    index = read_json(folder / "model_index.json")
    _check_index(folder, index)
    check_contents(folder)
    for part, name in weight_parts(index).items():
        _check_weights(folder, part, name)
        _check_config(folder, part, index)
    return index


def check_contents(folder: Path) -> None:
    """Refuse a folder with program code in it, or with a config that asks for some.

    Raises:
        AppError: `model-unsafe`, `model-file`, or `model-packed` for weights that another library
            packed.
    """
    for path in _walk(folder):
        suffix = path.suffix.lower()
        if suffix in _CODE:
            raise _unsafe(folder, f"it holds program code ({path.relative_to(folder)})")
        if path.name.endswith("config.json") or path.name == "model_index.json":
            _check_keys(folder, path, read_json(path))


def weight_parts(index: Mapping[str, object]) -> dict[str, str]:
    """The parts of a pipeline that have tensors, and the file that each is loaded from."""
    return {
        name: WEIGHTS[part.library]
        for name, part in _parts(index).items()
        if part.has_weights and index.get(name, _NOTHING) != _NOTHING
    }


def _parts(index: Mapping[str, object]) -> dict[str, Part]:
    """The parts that the pipeline of an index may have, by their names."""
    kind = index.get("_class_name")
    rows = families_of(kind) if isinstance(kind, str) else ()
    return {part.name: part for row in rows for part in row.parts}


def _check_index(folder: Path, index: dict[str, object]) -> None:
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise _unsafe(folder, "its pipeline is not named by a plain word")
    parts = _parts(index)
    if not parts:
        raise AppError(
            "model-kind",
            f"“{folder.name}” is a {kind[:60]}, which makes no pictures here.",
            hint=f"These can be used: {', '.join(row.label for row in FAMILIES.values())}.",
            path=str(folder),
            kind=kind[:60],
        )
    for name, value in index.items():
        if name.startswith("_") or name == "requires_safety_checker":
            if name not in ("_class_name", "_diffusers_version", "_name_or_path") and isinstance(
                value, list | dict
            ):
                raise _unsafe(folder, f"its index has an unknown part {name[:60]!r}")
            continue
        _check_part(folder, name, value, parts)
    needed = [name for name, part in parts.items() if part.needed]
    for part in (*needed, "scheduler"):
        if part not in index:
            row = parts.get(part)
            raise AppError(
                "model-kind",
                f"“{folder.name}” has no {part.replace('_', ' ')}.",
                hint=row.hint if row is not None else "",
                path=str(folder),
            )


def _check_part(folder: Path, name: str, value: object, parts: Mapping[str, Part]) -> None:
    pair = cast(list[object], value) if isinstance(value, list) else []
    known = parts.get(name)
    told: object = pair if pair else cast(object, value)
    setting = told is None or is_setting(told)
    if known is None and name != "scheduler" and setting:
        return
    if known is not None and not known.needed and pair == _NOTHING:
        return
    if known is None and pair == _NOTHING:
        return  # nothing is loaded for it, as for the first text encoder of SDXL's refiner
    if known is None and name in _UNUSED and pair and pair[0] in _UNUSED_LIBRARIES:
        return
    if known is not None and pair == _NOTHING:
        raise AppError(
            "model-kind",
            f"“{folder.name}” has no {name.replace('_', ' ')}.",
            hint=known.hint or "Copy or download the model again.",
            path=str(folder),
        )
    if len(pair) != 2 or not all(isinstance(word, str) for word in pair):
        raise _unsafe(folder, f"its part {name[:60]!r} is not named by two plain words")
    library, kind = str(pair[0]), str(pair[1])
    if known is not None and known.is_of(library) and kind in known.classes:
        return
    scheduler = name == "scheduler" and library == "diffusers" and kind.endswith("Scheduler")
    if scheduler and kind.isalnum() and kind.isascii():
        return
    if library not in ("diffusers", "transformers"):
        raise _unsafe(
            folder, f"its part {name[:60]!r} wants the library {library[:60]!r}, which is unknown"
        )
    raise AppError(
        "model-kind",
        f"“{folder.name}” has a part {name[:60]!r} of a kind that cannot be used: {kind[:60]}.",
        path=str(folder),
        kind=kind[:60],
    )


def _check_keys(folder: Path, path: Path, config: dict[str, object]) -> None:
    waiting: list[object] = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, item in cast(dict[str, object], value).items():
                if key == packing.KEY and item:
                    raise packing.refusal(folder.name, path.parent.name, packing.packing_of(item))
                bad = key in _KEYS or key.startswith(_KEY_STARTS)
                if bad and item not in (None, False, "eager", "sdpa"):
                    where = path.relative_to(folder)
                    raise _unsafe(folder, f"{where} asks for other code ({key[:60]!r})")
                waiting.append(item)
        elif isinstance(value, list):
            waiting.extend(cast(list[object], value))


def _check_config(folder: Path, part: str, index: dict[str, object]) -> None:
    config = read_json(folder / part / "config.json")
    kind = config.get("_class_name")
    named = cast(list[object], index[part])[1]
    if kind is not None and kind != named:
        raise _unsafe(folder, f"its {part} says {str(kind)[:60]!r} where {named!r} was named")


def _check_weights(folder: Path, part: str, name: str) -> None:
    place = folder / part
    if variant_in(place, name) is not None:
        return
    names = {path.name for path in _walk(place)}
    if any(found.endswith(".safetensors") for found in names):
        copies = " or ".join(with_variant(name, one) for one in VARIANTS)
        hint = f"Only {name} is loaded, or else {copies}: fetch that file as well."
        raise AppError(
            "model-weights", f"“{folder.name}” has no {part}/{name}.", hint=hint, path=str(folder)
        )
    if any(Path(found).suffix.lower() in _PICKLES for found in names):
        raise AppError(
            "model-weights",
            f"“{folder.name}” has its {part} only as a pickle, which can run any code when it is"
            " opened; it was not opened.",
            hint="Look for the same model with .safetensors files.",
            path=str(folder),
        )
    raise AppError(
        "model-weights",
        f"“{folder.name}” has no {part}/{name}.",
        hint="Copy or download the model again.",
        path=str(folder),
    )


def _walk(folder: Path) -> Iterator[Path]:
    """All files below a folder; a link to a folder is refused, one to a file is what it points to.

    Raises:
        AppError: `model-unsafe`.
    """
    count = 0
    for place, folders, names in os.walk(folder, followlinks=False):
        depth = len(Path(place).relative_to(folder).parts)
        for name in folders:
            if depth >= _DEPTH_MAX or Path(place, name).is_symlink():
                raise _unsafe(folder, f"its folder {name[:60]!r} leads elsewhere or too deep")
        count += len(names)
        if count > _FILES_MAX:
            raise _unsafe(folder, f"it holds more than {_FILES_MAX:,} files")
        yield from (Path(place, name) for name in names)


def _unsafe(folder: Path, reason: str) -> AppError:
    return AppError(
        "model-unsafe",
        f"The model “{folder.name}” was not used: {reason}.",
        hint="Use a model from a source you trust, with .safetensors files only.",
        path=str(folder),
    )
