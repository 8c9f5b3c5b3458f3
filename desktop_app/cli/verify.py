"""The command that verifies many pictures: each is made again, and a report tells of them."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktop_app import __version__
from desktop_app.cli.output import Output
from desktop_app.cli.render import engine_for, interruptible, open_catalog, reporter
from desktop_app.engine.backend import Backend
from desktop_app.errors import AppError, Cancelled
from desktop_app.library.catalog import Catalog
from desktop_app.recipe.causes import causes
from desktop_app.recipe.provenance import Provenance
from desktop_app.recipe.recipe import Recipe
from desktop_app.store import metadata, pixels, report
from desktop_app.store.report import GOOD, RESULTS, ReportRow

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
FILES_MAX = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    path: Path
    recipe: Recipe
    provenance: Provenance


def verify(chosen: argparse.Namespace, output: Output) -> int:
    """Make pictures again and compare them; exit code 0 if all are the same, 1 if not.

    Ctrl+C ends it after the step that is under way; what was done by then is in the report.
    """
    out = Path(chosen.out) if chosen.out else None
    if out is not None:
        _check_report(out, force=chosen.force)
    catalog = open_catalog(Path(chosen.model) if chosen.model else None)
    paths = list(_pictures([Path(name) for name in chosen.paths]))
    if not paths:
        raise AppError("file-missing", "There are no pictures there.", hint="PNG, JPEG or WebP.")
    rows: dict[Path, ReportRow] = {}
    proofs: list[_Proof] = []
    for path in paths:
        found = _proof(path)
        if isinstance(found, ReportRow):
            rows[path] = found
            _say(output, found)
        else:
            proofs.append(found)
    stopped = _make_all(proofs, catalog, output, rows)
    for proof in proofs:
        rows.setdefault(proof.path, _row(proof, "cancelled"))
    ordered = [rows[path] for path in paths]
    if out is not None:
        made = datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        report.write(out, ordered, made=made, here=f"Mezzotint {__version__}")
    output.line(report.summary(ordered))
    output.result({"pictures": [_plain(row) for row in ordered]})
    if stopped:
        raise Cancelled
    return 0 if all(row.result in GOOD for row in ordered) else 1


def _make_all(
    proofs: list[_Proof], catalog: Catalog, output: Output, rows: dict[Path, ReportRow]
) -> bool:
    """Fill `rows`; returns whether it was stopped on the way."""
    with interruptible() as stopped:
        # Pictures of the processor first: both kinds need an engine of their own.
        for on_cpu in (True, False):
            group = [one for one in proofs if _of_cpu(one) == on_cpu]
            if not group:
                continue
            backend = engine_for(catalog, like=group[0].provenance.fingerprint)
            try:
                for number, proof in enumerate(group, 1):
                    place = f"{number}/{len(group)} "
                    row = _made_again(proof, catalog, backend, output, stopped, place)
                    rows[proof.path] = row
                    _say(output, row)
            except Cancelled:
                return True
            finally:
                output.clear()
                backend.close()
    return False


def _of_cpu(proof: _Proof) -> bool:
    return proof.provenance.fingerprint.device == "cpu"


def _made_again(
    proof: _Proof,
    catalog: Catalog,
    backend: Backend,
    output: Output,
    stopped: Callable[[], bool],
    place: str,
) -> ReportRow:
    from desktop_app.engine import verify

    like = proof.provenance.fingerprint
    try:
        catalog.find(proof.recipe.model)
        report_ = reporter(output, stopped, place)
        rendered = backend.render(proof.recipe, report_, previews=False, like=like)
        kept = pixels.read_pixels(proof.path)
    except AppError as fault:
        return _row(proof, "failed", cause=str(fault))
    verdict = verify.compare(rendered, proof.recipe, proof.provenance, kept)
    if verdict.kind == "identical" and verdict.file_changed:
        return _row(proof, "changed", cause="The file no longer holds the pixels it had.")
    found = causes(proof.provenance, rendered.provenance)
    cause = f"{found[0].sentence} {found[0].remedy}" if found else ""
    return _row(proof, verdict.kind, largest=verdict.largest, cause=cause)


def _pictures(places: list[Path]) -> Iterator[Path]:
    """The files named, and the pictures in the folders named; each once."""
    seen: set[Path] = set()
    for place in places:
        if not place.exists():
            raise AppError("file-missing", f"“{place}” is not there.")
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in found:
            named = path == place
            if path in seen or not path.is_file():
                continue
            if named or path.suffix.lower() in PICTURES:
                seen.add(path)
                yield path
            if len(seen) == FILES_MAX:
                return


def _proof(path: Path) -> _Proof | ReportRow:
    try:
        found = metadata.read_picture(path)
    except AppError as fault:
        return ReportRow(path=str(path), result="unproved", cause=fault.sentence)
    if found.recipe is None or found.provenance is None:
        cause = found.problem or "It holds no recipe of Mezzotint."
        return ReportRow(path=str(path), result="unproved", cause=cause)
    return _Proof(path=path, recipe=found.recipe, provenance=found.provenance)


def _row(proof: _Proof, result: str, *, largest: int = -1, cause: str = "") -> ReportRow:
    return ReportRow(
        path=str(proof.path),
        result=result,
        largest=largest,
        cause=cause,
        model=proof.recipe.model.name,
    )


def _say(output: Output, row: ReportRow) -> None:
    off = f" (off by up to {row.largest} of 255)" if row.largest > 0 else ""
    cause = f" – {row.cause}" if row.cause else ""
    output.line(f"{RESULTS[row.result]}{off}: {row.path}{cause}")


def _plain(row: ReportRow) -> dict[str, object]:
    return {
        "path": row.path,
        "result": row.result,
        "largest_difference": row.largest,
        "cause": row.cause,
        "model": row.model,
    }


def _check_report(path: Path, *, force: bool) -> None:
    if path.suffix.lower() not in report.ENDINGS:
        raise AppError("arguments", f"A report ends in one of {', '.join(report.ENDINGS)}.")
    if path.exists() and not force:
        raise AppError(
            "file-exists", f"“{path}” is there already.", hint="Use --force to replace it."
        )
