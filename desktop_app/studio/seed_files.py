"""Seed presets from picture files of any program, and names that are not taken yet."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_app.errors import AppError
from desktop_app.recipe.draft import Draft
from desktop_app.recipe.preset import same
from desktop_app.recipe.presets import (
    FIELDS,
    SEED_PARTS,
    Part,
    SeedPreset,
    name_for,
    seed_preset,
    seed_preset_of,
)
from desktop_app.recipe.recipe import HEIGHT, WIDTH
from desktop_app.studio.preset_model import now

if TYPE_CHECKING:
    from desktop_app.store.metadata import Imported


def refuse_taken(name: str, taken: Iterable[str]) -> None:
    """Raises:
    AppError: `preset-exists` when a preset of that name is there.
    """
    if any(same(name, one) for one in taken):
        raise AppError("preset-exists", f"There is a preset “{name}” already.")


def seeds_of_pictures(
    paths: Sequence[Path], taken: Sequence[str]
) -> "tuple[list[SeedPreset], list[str]]":
    """Seed presets from pictures that say how they were made, and a sentence for each other."""
    from desktop_app.store.metadata import read_picture

    names, presets, problems = [*taken], list[SeedPreset](), list[str]()
    for path in paths:
        try:
            preset = _seed_of(path, read_picture(path), names)
        except AppError as error:
            problems.append(str(error))
        else:
            names.append(preset.name)
            presets.append(preset)
    return presets, problems


def _seed_of(path: Path, imported: "Imported", taken: Sequence[str]) -> SeedPreset:
    """The preset of one picture.

    Raises:
        AppError: `no-seed` when the picture does not say its seed.
    """
    if imported.recipe is not None:
        recipe, provenance = imported.recipe, imported.provenance
        samples = (provenance.pixels_sha256,) if provenance is not None else ()
        name = name_for(recipe.prompt, recipe.seed, taken)
        return seed_preset_of(name, recipe, created=now(), samples=samples)
    changes: dict[str, Any] = dict(imported.draft_changes or {})
    if "seed" not in changes:
        why = f" {imported.problem}" if imported.problem else ""
        raise AppError("no-seed", f"{path.name} does not say which seed it was made with.{why}")
    size = {"width": imported.width, "height": imported.height}
    draft = replace(_sized(size), **changes)
    kept: list[Part] = []
    for part in SEED_PARTS:
        if part != "model" and set(FIELDS[part][:1]) <= changes.keys():
            kept.append(part)
    name = name_for(draft.prompt, draft.seed, taken)
    notes = f"From {path.name[:200]}" + (f", made with {m}" if (m := imported.model_name) else "")
    return seed_preset(name, draft, kept, created=now(), notes=notes[:1000])


def _sized(size: dict[str, int]) -> Draft:
    try:
        WIDTH.check(size["width"])
        HEIGHT.check(size["height"])
    except AppError:
        return Draft()
    return Draft(width=size["width"], height=size["height"])
