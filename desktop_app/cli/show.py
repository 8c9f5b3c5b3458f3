"""The commands that only look: inspect and samplers; and rebuild-index."""

import argparse
from pathlib import Path

from desktop_app import paths, settings
from desktop_app.cli.output import Output
from desktop_app.recipe import codec
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import FromNoise, FromStep, Recipe
from desktop_app.recipe.samplers import SAMPLERS, SIGMAS_LABELS, label_of
from desktop_app.store import metadata, pixels
from desktop_app.store.database import Database
from desktop_app.store.pictures import Pictures


def inspect(chosen: argparse.Namespace, output: Output) -> int:
    """Say everything that a picture file says about itself; exit code 0."""
    path = Path(chosen.image)
    found = metadata.read_picture(path)
    actual = metadata.pixels_sha256(pixels.read_pixels(path))
    recipe, provenance = found.recipe, found.provenance
    whole = None if provenance is None else actual == provenance.pixels_sha256
    output.line(f"{path} ({found.width} x {found.height})")
    if found.problem:
        output.line(found.problem)
    if recipe:
        table(output, _settings(recipe))
    if provenance:
        output.line()
        table(output, _proof(provenance))
        output.line()
        output.line(
            "The pixels are those that were made."
            if whole
            else "The picture's pixels were changed after it was made."
        )
    if not recipe and found.draft_changes:
        output.line("Made by another program:")
        table(output, [(name, str(value)) for name, value in found.draft_changes.items()])
        if found.model_name or found.model_hash:
            output.line(f"Model: {found.model_name} {found.model_hash}".rstrip())
        for note in found.notes:
            output.line(f"- {note}")
    if not recipe and found.infotext:
        output.line()
        output.line(found.infotext)
    if not recipe and not found.infotext and not found.draft_changes:
        output.line("It says nothing about how it was made.")
    output.result(
        {
            "path": str(path),
            "width": found.width,
            "height": found.height,
            "problem": found.problem,
            "pixels_sha256": actual,
            "pixels_unchanged": whole,
            "recipe": codec.recipe_to_json(recipe) if recipe else None,
            "provenance": codec.provenance_to_json(provenance) if provenance else None,
            "settings": {name: _plain(value) for name, value in (found.draft_changes or {}).items()}
            or None,
            "model_name": found.model_name,
            "model_hash": found.model_hash,
            "notes": list(found.notes),
            "infotext": found.infotext,
        }
    )
    return 0


def samplers(chosen: argparse.Namespace, output: Output) -> int:
    """List the samplers with the noise levels each can use; exit code 0."""
    for row in SAMPLERS.values():
        levels = [SIGMAS_LABELS[sigmas] for sigmas in row.sigmas if SIGMAS_LABELS[sigmas]]
        words = [
            *(["two network passes a step"] if row.order == 2 else []),
            *(["fresh noise at each step"] if row.stochastic else []),
            *([f"also {', '.join(levels)}"] if levels else []),
        ]
        output.line(f"{row.label:14} {'; '.join(words)}".rstrip())
    output.result(
        {
            "samplers": [
                {
                    "key": row.key,
                    "label": row.label,
                    "scheduler": row.scheduler,
                    "sigmas": list(row.sigmas),
                    "order": row.order,
                    "stochastic": row.stochastic,
                }
                for row in SAMPLERS.values()
            ]
        }
    )
    return 0


def rebuild(chosen: argparse.Namespace, output: Output) -> int:
    """Make the gallery's index again from the pictures alone; exit code 0."""
    where = paths.resolve()
    folder = Path(settings.load(where.settings_file).settings.pictures or where.pictures)
    database = Database(where.database)
    try:
        gallery = Pictures(database, pictures=folder, trash=where.trash)
        try:
            found = gallery.rebuild_index(
                lambda done, count: output.progress(f"{done}/{count} pictures", done, count),
                everything=True,
            )
        finally:
            gallery.close()
    finally:
        output.clear()
        database.close()
    output.line(f"{found.pictures} pictures in {folder}, {found.added} of them new to the index.")
    if found.missing:
        output.line(f"{found.missing} pictures are not where they were.")
    for path, sentence in found.damaged:
        output.line(f"- {path}: {sentence}")
    output.result(
        {
            "folder": str(folder),
            "pictures": found.pictures,
            "added": found.added,
            "missing": found.missing,
            "damaged": {str(path): sentence for path, sentence in found.damaged},
        }
    )
    return 0


def _settings(recipe: Recipe) -> list[tuple[str, str]]:
    """A recipe as names and values for people."""
    rows = [
        ("Prompt", recipe.prompt),
        ("Avoid", recipe.negative_prompt),
        ("Seed", str(recipe.seed)),
        ("Size", f"{recipe.width} x {recipe.height}"),
        ("Steps", str(recipe.num_inference_steps)),
        ("Guidance", f"{recipe.guidance_scale:g}"),
        ("Sampler", label_of(recipe.scheduler, recipe.sigmas)),
        ("Model", f"{recipe.model.name} ({recipe.model.sha256[:12]})"),
        *(("Reads", f"{one.name} ({one.sha256[:12]})") for one in recipe.text_encoders),
        *([("VAE", f"{recipe.vae.name} ({recipe.vae.sha256[:12]})")] if recipe.vae else []),
    ]
    if recipe.refiner is not None:
        model, start = recipe.refiner.model, recipe.refiner.start
        rows.append(("Refiner", f"{model.name} from {start:g} ({model.sha256[:12]})"))
    match recipe.start:
        case FromNoise(variations=variations):
            rows += [("Variation", f"{one.weight:g} of seed {one.seed}") for one in variations]
        case FromStep(parent=parent, step=step):
            rows.append(("Branch", f"from step {step} of “{parent.prompt[:60]}”, {parent.seed}"))
    return [(name, value) for name, value in rows if value]


def _proof(provenance: Provenance) -> list[tuple[str, str]]:
    print_ = provenance.fingerprint
    return [
        ("Made", f"{provenance.created}, in {provenance.seconds:.1f} s"),
        ("By", f"Mezzotint {print_.app}, torch {print_.torch}, diffusers {print_.diffusers}"),
        ("On", f"{print_.device_name}, {print_.dtype}, {print_.threads} threads"),
        ("Noise", provenance.noise_sha256),
        ("Latent", provenance.latents_sha256),
        ("Pixels", provenance.pixels_sha256),
        *(("Note", note) for note in provenance.notes),
    ]


def table(output: Output, rows: list[tuple[str, str]], indent: int = 0) -> None:
    """Names and values below each other."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        lines = value.splitlines() or [""]
        output.line(f"{' ' * indent}{name:{width}}  {lines[0]}")
        for more in lines[1:]:
            output.line(" " * (indent + width + 2) + more)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
