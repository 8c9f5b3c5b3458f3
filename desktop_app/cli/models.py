"""The command that lists models, LoRAs and all else that was found: models."""

import argparse
from collections import Counter
from collections.abc import Sequence

from desktop_app import paths
from desktop_app.cli.output import Output
from desktop_app.cli.render import open_catalog
from desktop_app.cli.show import table
from desktop_app.errors import AppError
from desktop_app.library.catalog import Catalog
from desktop_app.library.families import title_of
from desktop_app.library.identity import KIND_WORDS, Asset
from desktop_app.library.info import ModelInfo
from desktop_app.recipe.samplers import label_of


def models(chosen: argparse.Namespace, output: Output) -> int:
    """List what was found; exit code 0."""
    catalog = open_catalog()
    catalog.scan(hashing=False)
    found = _hashed(catalog, output)
    refused = dict(catalog.refused)
    others = [one for one in catalog.assets() if not _is_listed(one, found)]
    for model in found:
        _tell_model(output, model)
    waiting = [one for one in others if one.identity.makes_pictures and not one.unsupported]
    for asset in waiting:
        words = f"{title_of(asset.identity.family)}, {_size(asset.identity.bytes)}"
        state = "not there now" if asset.missing else "its hash is computed when it is used"
        output.line(f"{asset.name} ({words}; {state})")
    others = [one for one in others if one not in waiting]
    _tell_others(output, others, chosen.all)
    if not chosen.all:
        for path, refusal in refused.items():
            output.line(f"- {path} was not taken: {refusal}")
    if not found and not waiting:
        output.line(f"There are no models; put some into {paths.resolve().models}.")
    output.result(
        {
            "models": [_model_row(model) for model in found],
            "others": [_asset_row(asset) for asset in (*waiting, *others)],
            "refused": {str(path): str(refusal) for path, refusal in refused.items()},
            "folders": [
                {"path": str(one.path), "program": one.program, "missing": one.missing}
                for one in catalog.watched
            ],
        }
    )
    return 0


def _hashed(catalog: Catalog, output: Output) -> tuple[ModelInfo, ...]:
    """The models whose hash is known, and those that are quickly read."""
    for asset in catalog.quickly_hashed():
        output.progress(f"Reading {asset.name} …")
        try:
            catalog.hash(asset)
        except (AppError, OSError):
            continue  # it is listed without a hash
    output.clear()
    catalog.save()
    return catalog.refresh()


def _is_listed(asset: Asset, found: Sequence[ModelInfo]) -> bool:
    return asset.sha256 is not None and any(one.ref.sha256 == asset.sha256 for one in found)


def _tell_model(output: Output, model: ModelInfo) -> None:
    width, height = model.native_size
    output.line(f"{model.title}{' (built in)' if model.built_in else ''}")
    place = "File" if model.ref.kind == "single" else "Folder"
    steps, guidance = model.default_steps, model.default_guidance
    rows = [
        (place, str(model.path)),
        ("Family", model.family),
        ("Size", f"{width} x {height}, {_size(model.bytes)}"),
        ("Noise", f"{model.noise_schedule}, {model.prediction_type}"),
        ("Defaults", f"{steps} steps, guidance {guidance:g}"),
        ("Sampler", label_of(model.default_scheduler, model.default_sigmas)),
        ("Hash", model.ref.sha256),
    ]
    table(output, rows, indent=2)


def _tell_others(output: Output, others: Sequence[Asset], everything: bool) -> None:
    if not others:
        return
    output.line()
    if not everything:
        counts = Counter(KIND_WORDS[one.identity.kind] for one in others)
        words = ", ".join(f"{count} x {word}" for word, count in counts.most_common())
        output.line(f"Also found: {words}; --all lists them.")
        return
    for asset in others:
        identity = asset.identity
        parts = [KIND_WORDS[identity.kind], title_of(identity.family), identity.variant]
        parts += [identity.quantisation or identity.dtype, _size(identity.bytes)]
        output.line(f"{asset.name} ({', '.join(part for part in parts if part)})")
        rows = [("Place", str(asset.path)), ("From", asset.source)]
        rows += [("Trigger words", ", ".join(asset.trigger_words[:12]))]
        rows += [("Note", "not there now" if asset.missing else asset.unsupported)]
        table(output, [(name, value) for name, value in rows if value], indent=2)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _model_row(model: ModelInfo) -> dict[str, object]:
    return {
        "name": model.ref.name,
        "sha256": model.ref.sha256,
        "kind": model.ref.kind,
        "title": model.title,
        "path": str(model.path),
        "built_in": model.built_in,
        "family": model.family,
        "native_size": list(model.native_size),
        "steps": model.default_steps,
        "guidance_scale": model.default_guidance,
        "scheduler": model.default_scheduler,
        "sigmas": model.default_sigmas,
        "prediction_type": model.prediction_type,
        "noise_schedule": model.noise_schedule,
        "bytes": model.bytes,
    }


def _asset_row(asset: Asset) -> dict[str, object]:
    identity = asset.identity
    return {
        "name": asset.name,
        "path": str(asset.path),
        "kind": identity.kind,
        "family": identity.family,
        "variant": identity.variant,
        "format": identity.format,
        "prediction_type": identity.prediction,
        "dtype": identity.dtype,
        "quantisation": identity.quantisation,
        "parameters": identity.parameters,
        "bytes": identity.bytes,
        "sha256": asset.sha256,
        "file_sha256": asset.file_sha256,
        "trigger_words": list(asset.trigger_words),
        "source": asset.source,
        "missing": asset.missing,
        "unsupported": asset.unsupported,
    }
