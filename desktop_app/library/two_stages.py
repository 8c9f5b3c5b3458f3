"""Models that are published as two folders, one for each stage, and the one folder of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.library.reading import read_json

_PRIOR = "prior_"
_NOTES = (".json", ".md", ".txt")
"""Beside the components; the weights that lie there are the same ones in their authors' form."""
_LOOKED_AT_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """The pipelines of a family with two stages, by their classes in diffusers."""

    decoder: str
    prior: str
    combined: str


_STAGES = (
    Stages(
        decoder="KandinskyV22Pipeline",
        prior="KandinskyV22PriorPipeline",
        combined="KandinskyV22CombinedPipeline",
    ),
    Stages(
        decoder="StableCascadeDecoderPipeline",
        prior="StableCascadePriorPipeline",
        combined="StableCascadeCombinedPipeline",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Joint:
    """A decoder and its prior.

    Attributes:
        decoder, prior: their folders.
        index: of the folder of both.
    """

    decoder: Path
    prior: Path
    index: Mapping[str, object]

    def place(self, file: Path) -> Path | None:
        """Where a file of either folder lies in that of both; None for one that is not needed."""
        inside = file.relative_to(self.prior) if file.is_relative_to(self.prior) else None
        if inside is None:
            whole = file.relative_to(self.decoder)
            noted = len(whole.parts) == 1 and whole.suffix.lower() in _NOTES
            return whole if noted or whole.parts[0] in self.index else None
        name = _PRIOR + inside.parts[0]
        return Path(name, *inside.parts[1:]) if name in self.index else None


def stage_of(pipeline: str) -> str:
    """`decoder` or `prior` for a pipeline of one stage of two; empty for all others."""
    for one in _STAGES:
        if pipeline in (one.decoder, one.prior):
            return "decoder" if pipeline == one.decoder else "prior"
    return ""


def joint_of(folder: Path) -> Joint | None:
    """The two stages, where a folder is one of them and the other lies beside it.

    Of several that lie there, the one whose name is nearest is taken.
    """
    kind = _class_of(folder)
    stages = next((one for one in _STAGES if kind in (one.decoder, one.prior)), None)
    if stages is None:
        return None
    wanted = stages.prior if kind == stages.decoder else stages.decoder
    beside = sorted(folder.parent.iterdir())[:_LOOKED_AT_MAX]
    others = [one for one in beside if one.is_dir() and _class_of(one) == wanted]
    if not others:
        return None
    other = max(others, key=lambda one: _alike(one.name, folder.name))
    decoder, prior = (folder, other) if kind == stages.decoder else (other, folder)
    return Joint(decoder=decoder, prior=prior, index=_joined(decoder, prior, stages.combined))


def _joined(decoder: Path, prior: Path, combined: str) -> dict[str, object]:
    """The index of both: the prior's parts by the names that the combined pipeline gives them."""
    index, own = (read_json(one / "model_index.json") for one in (decoder, prior))
    joined: dict[str, object] = {"_class_name": combined}
    joined["_diffusers_version"] = index.get("_diffusers_version", "")
    for start, one in (("", index), (_PRIOR, own)):
        for name, pair in one.items():
            if isinstance(pair, list):
                joined[start + name] = cast(object, pair)
    return joined


def _class_of(folder: Path) -> str:
    try:
        return str(read_json(folder / "model_index.json").get("_class_name"))
    except AppError:
        return ""


def _alike(one: str, other: str) -> int:
    """How many letters two names share at their beginning."""
    pairs = zip(one.lower(), other.lower(), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
