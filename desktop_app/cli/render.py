"""The commands that make pictures: render and reproduce."""

import argparse
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from desktop_app import paths, settings
from desktop_app.cli.asked import draft_of, loras_called, recipes_of
from desktop_app.cli.output import Output
from desktop_app.engine.backend import Backend, Rendered
from desktop_app.engine.events import Decoding, Encoding, Event, Frame, Latents, Loading, Step
from desktop_app.errors import AppError, Cancelled
from desktop_app.library.catalog import Catalog, ModelInfo
from desktop_app.recipe import codec, flags, marks
from desktop_app.recipe.foreign import Files
from desktop_app.recipe.names import Names
from desktop_app.recipe.preset_file import STYLES
from desktop_app.recipe.provenance import Fingerprint
from desktop_app.recipe.wishes import wishes_in
from desktop_app.store import files, metadata, pixels
from desktop_app.store.shelf import Shelf
from desktop_app.store.styles import builtin_styles
from desktop_app.store.wildcard_files import WildcardFiles

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict

VERDICT_WORDS = {
    "identical": "Identical",
    "similar": "Visually identical",
    "different": "Different",
}
_OTHER_PICTURES = frozenset({".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where pictures go: one file, or a folder that gives them names."""

    file: Path | None
    folder: Path

    def prepare(self) -> None:
        """Make the folder, and refuse before the work what could not be saved after it.

        Raises:
            AppError: `disk-full`, `read-only`, `folder-gone` or `write-failed`.
        """
        with files.told(self.folder / "picture.png"):
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()

    def save(self, rendered: Rendered, models: Files) -> Path:
        """Write the picture with its recipe inside; its path."""
        recipe, provenance = rendered.recipe, rendered.provenance
        data = metadata.write_png(rendered.pixels, recipe, provenance, files=models)
        if self.file is None:
            return files.write_numbered(self.folder, f"{recipe.seed}.png", data)
        files.write_atomic(self.file, data)
        return self.file


def render(chosen: argparse.Namespace, output: Output) -> int:
    """Make `--count` pictures; exit code 0."""
    target = target_of(chosen.out, count=chosen.count, force=chosen.force)
    catalog = open_catalog()
    model = catalog.open(chosen.model) if chosen.model else _first(catalog)
    names = replace(_names(), loras=loras_called([chosen.prompt], catalog))
    for slip in marks.problems(chosen.prompt, names):
        output.note(f"{chosen.prompt[slip.start : slip.end]}: {slip.sentence}")
    for flag in flags.read(chosen.prompt, names.styles).flags:
        typed = chosen.prompt[flag.start : flag.end]
        output.note(f"{typed}: This is read as plain words here; the command has its own options.")
    draft = draft_of(chosen, model, catalog)
    recipes = recipes_of(draft, names, catalog)
    # Looked up before anything is made: what fails afterwards loses a picture.
    models = catalog.files()
    target.prepare()
    backend = engine_for(catalog)
    rows: list[dict[str, object]] = []
    with interruptible() as stopped:
        try:
            for number, recipe in enumerate(recipes):
                place = f"{number + 1}/{len(recipes)} " if len(recipes) > 1 else ""
                report = reporter(output, stopped, place)
                rendered = backend.render(recipe, report, previews=False)
                path = _saved(target, rendered, models, output)
                output.line(f"{path} (seed {recipe.seed}, {rendered.provenance.seconds:.1f} s)")
                rows.append(_row(path, rendered))
        finally:
            output.clear()
            backend.close()
    output.result({"pictures": rows})
    return 0


def reproduce(chosen: argparse.Namespace, output: Output) -> int:
    """Make a picture again from what is in it; exit code 0 if it is the same, 1 if not.

    A file whose pixels are no longer those that were made counts as not the same, whatever its
    recipe gives.
    """
    source = Path(chosen.image)
    target = target_of(chosen.out, count=1, force=chosen.force) if chosen.out else None
    imported = metadata.read_picture(source)
    recipe, provenance = imported.recipe, imported.provenance
    if recipe is None or provenance is None:
        raise AppError(
            "no-recipe",
            imported.problem or f"“{source.name}” holds no recipe of Mezzotint.",
            hint="Only a picture with its whole recipe can be made again exactly.",
        )
    kept = pixels.read_pixels(source)
    changed = metadata.pixels_sha256(kept) != provenance.pixels_sha256
    catalog = open_catalog(Path(chosen.model) if chosen.model else None)
    # Before torch is loaded: a missing model is told at once.
    catalog.find(recipe.model)
    if recipe.refiner is not None:
        catalog.path(recipe.refiner.model)
    if target:
        target.prepare()
    backend = engine_for(catalog, like=provenance.fingerprint)
    with interruptible() as stopped:
        try:
            report = reporter(output, stopped, "")
            rendered = backend.render(recipe, report, previews=False, like=provenance.fingerprint)
            path = target.save(rendered, catalog.files()) if target else None
        finally:
            output.clear()
            backend.close()
    from desktop_app.engine import verify

    verdict = verify.compare(rendered, recipe, provenance, kept)
    _tell(output, verdict, changed=changed, path=path)
    return 1 if changed or verdict.kind == "different" else 0


def target_of(out: str, *, count: int, force: bool) -> Target:
    """What `--out` means: a name that ends in `.png` is a file, any other a folder.

    Raises:
        AppError: `arguments` for a name that cannot be meant, `file-exists`.
    """
    path = Path(out)
    if path.suffix.lower() in _OTHER_PICTURES and not path.is_dir():
        raise AppError(
            "arguments",
            f"Pictures are saved as PNG, not as {path.suffix}.",
            hint="PNG keeps every pixel, so that the picture can be proved.",
        )
    if path.suffix.lower() != ".png" or path.is_dir():
        if path.exists() and not path.is_dir():
            raise AppError("file-exists", f"“{path}” is there already and is no folder.")
        return Target(file=None, folder=path)
    if count > 1:
        raise AppError("arguments", "Several pictures need a folder: --out DIR.")
    if path.exists() and not force:
        raise AppError(
            "file-exists", f"“{path}” is there already.", hint="Use --force to replace it."
        )
    return Target(file=path, folder=path.parent)


def open_catalog(further: Path | None = None) -> Catalog:
    """The models of this installation: built in, the artist's, and one more file or folder.

    Raises:
        AppError: when that file is no model.
    """
    where = paths.resolve()
    chosen = settings.load(where.settings_file).settings.model_folders
    folders = [paths.RESOURCES / "models", where.models, *(Path(folder) for folder in chosen)]
    folders += [further] if further and not further.is_file() else []
    catalog = Catalog(folders, where.cache, where.model_facts)
    if further and further.is_file():
        catalog.open(str(further))
    return catalog


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl+C ask first, so that the work stops between two steps; a second one breaks in.

    Yields:
        A function that says whether it was asked.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _saved(target: Target, rendered: Rendered, models: Files, output: Output) -> Path:
    try:
        return target.save(rendered, models)
    except AppError:
        output.note(f"The picture is lost, but seed {rendered.recipe.seed} makes it again.")
        raise


def _names() -> Names:
    """What a prompt can call here: the artist's wildcards, and all styles."""
    where = paths.resolve()
    styles = Shelf(where.presets / STYLES.key, STYLES, builtin_styles(paths.RESOURCES / "presets"))
    return Names(
        wildcards=WildcardFiles(where.wildcards).read(),
        styles={style.name: style for style in styles.list()},
    )


def _first(catalog: Catalog) -> ModelInfo:
    found = catalog.scan(hashing=False)
    for model in found:
        if model.built_in:
            return model
    if not found:
        raise AppError(
            "no-model", "There is no model.", hint="Name one: --model PATH, or install it again."
        )
    return found[0]


def engine_for(catalog: Catalog, like: Fingerprint | None = None) -> Backend:
    """The engine; torch is imported when it starts.

    Args:
        like: compute where it was computed then, if that was on the CPU.
    """
    from desktop_app.engine.render import LocalBackend

    where = paths.resolve()
    values = settings.load(where.settings_file).settings
    usual = wishes_in(dict(values.memory))
    on_cpu = like is not None and like.device == "cpu"
    return LocalBackend(
        catalog.path,
        cache=where.cache,
        threads=values.threads or None,
        device="cpu" if on_cpu else values.device or None,
        configs=paths.RESOURCES / "model_configs",
        words=catalog.words,
        wishes=lambda ref: catalog.facts(ref).wishes.over(usual),
    )


def reporter(output: Output, stopped: Callable[[], bool], place: str) -> Callable[[Event], None]:
    began = time.monotonic()

    def report(event: Event) -> None:
        nonlocal began
        if stopped():
            raise Cancelled
        match event:
            case Loading():
                output.progress(f"{place}Loading {event.what} …")
            case Encoding():
                output.progress(f"{place}Reading the prompt …")
            case Step():
                if event.index == 1:
                    began = time.monotonic() - event.seconds
                rate = event.index / max(time.monotonic() - began, 1e-6)
                label = f"{place}{event.index}/{event.count} steps, {rate:.1f} a second"
                output.progress(label, event.index, event.count)
            case Decoding():
                output.progress(f"{place}Decoding …")
            case Latents() | Frame():
                pass

    return report


def _row(path: Path, rendered: Rendered) -> dict[str, object]:
    provenance = rendered.provenance
    return {
        "path": str(path),
        "seed": str(rendered.recipe.seed),
        "seconds": provenance.seconds,
        "pixels_sha256": provenance.pixels_sha256,
        "recipe": codec.recipe_to_json(rendered.recipe),
    }


def _tell(output: Output, verdict: "Verdict", *, changed: bool, path: Path | None) -> None:
    words = VERDICT_WORDS[verdict.kind]
    if verdict.largest > 0:
        words += f" (largest channel difference {verdict.largest} of 255)"
    if changed:
        words += " – and the pixels of this file were changed after it was made"
    output.line(words)
    for difference in verdict.differences:
        output.line(f"- {difference}")
    if path:
        output.line(f"Saved as {path}")
    output.result(
        {
            "verdict": verdict.kind,
            "largest_difference": verdict.largest,
            "equal": list(verdict.hashes),
            "differences": list(verdict.differences),
            "file_changed": changed,
            "path": str(path) if path else None,
        }
    )
