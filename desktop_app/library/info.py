"""What the program needs to know to use a model: its defaults, its sizes, its words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.library.families import FAMILIES, title_of
from desktop_app.library.hashing import weight_files
from desktop_app.library.identity import Asset, Defaults
from desktop_app.library.reading import read_json
from desktop_app.library.schedule import prediction_of, schedule_of
from desktop_app.library.sizes import factor_of, legal, native_size, sizes_for
from desktop_app.paths import RESOURCES
from desktop_app.recipe import families as made
from desktop_app.recipe.completing import COMPONENTS, NEEDED, Needed
from desktop_app.recipe.recipe import GUIDANCE, STEPS, ModelRef, check_sampler
from desktop_app.recipe.samplers import ALL_SIGMAS, Sigmas

_WORDS_MAX = 5000
_DECODERS = ("vae", "movq", "vqgan")
"""The part that makes pixels, by its names in pipelines."""
_FACTORS = {"sana": 32, "cascade": 32}
_DISTILLED = {"flux-schnell": (4, 0.0)}
"""Steps and guidance of sisters that work best with others than their family."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a small model knows, as its `words.json` lists it.

    Attributes:
        groups: name of the group (`subjects`, `places` ...) and its words.
        example_prompts: what it does best.
    """

    groups: tuple[tuple[str, tuple[str, ...]], ...]
    example_prompts: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every word once, in the order of the groups."""
        return tuple(dict.fromkeys(word for _, words in self.groups for word in words))


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """One model on this machine.

    Attributes:
        path: its folder, or its file.
        built_in: whether it came with the program.
        native_size: width and height in pixels that it was trained at.
        sizes: sizes of other shapes with about the native area, the native one first.
        default_sigmas: of the default sampler.
        prediction_type: `epsilon`, `v_prediction`, `sample` or `flow`.
        noise_schedule: in words, such as `scaled linear`.
        vae: the class of its picture decoder.
        bytes: of all weights on disk.
        words: what it knows, where it lists that.
        factor: pixels to a latent.
        family_key: of its row in `recipe.families`.
        default_size: that the artist wants to start with; None for the native one.
        default_negative: words to avoid that the artist wants to start with.
        own_vae: the file that completes a model without one; None for one that is whole.
        own_text_encoders: those that complete it.
        reads_with: the text encoders that it is built for, keys of
            `recipe.completing.COMPONENTS`.
    """

    ref: ModelRef
    path: Path
    title: str
    built_in: bool
    description: str
    family: str
    native_size: tuple[int, int]
    sizes: tuple[tuple[int, int], ...]
    default_steps: int
    default_guidance: float
    default_scheduler: str
    default_sigmas: Sigmas
    prediction_type: str
    noise_schedule: str
    vae: str
    bytes: int
    words: Words | None
    factor: int
    family_key: str = "sd1"
    default_size: tuple[int, int] | None = None
    default_negative: str = ""
    own_vae: ModelRef | None = None
    own_text_encoders: tuple[ModelRef, ...] = ()
    reads_with: tuple[str, ...] = ()


def info_of(asset: Asset, sha256: str) -> ModelInfo:
    """A checkpoint as the program uses it.

    Args:
        asset: a folder or a file that can be used.
        sha256: of its tensors.

    Raises:
        AppError: `model-file` or `model-kind`.
    """
    folder = asset.identity.format == "folder"
    info = _of_folder(asset.path, sha256) if folder else _of_file(asset, sha256)
    return with_defaults(info, asset.facts.defaults)


def with_defaults(info: ModelInfo, wanted: Defaults) -> ModelInfo:
    """The same with what the artist wants to start with, as far as that is legal."""
    steps, guidance = wanted.num_inference_steps, wanted.guidance_scale
    if steps is not None and STEPS.allows(steps):
        info = replace(info, default_steps=steps)
    if guidance is not None and GUIDANCE.allows(guidance):
        info = replace(info, default_guidance=guidance)
    if wanted.scheduler is not None:
        sigmas = next((one for one in ALL_SIGMAS if one == wanted.sigmas), "default")
        try:
            check_sampler(wanted.scheduler, sigmas)
            info = replace(info, default_scheduler=wanted.scheduler, default_sigmas=sigmas)
        except AppError:
            pass  # a sampler that this version does not have
    if wanted.width is not None and wanted.height is not None:
        size = wanted.width, wanted.height
        info = replace(info, default_size=size) if legal(size) else info
    return replace(info, default_negative=wanted.negative_prompt or "")


def _of_folder(folder: Path, sha256: str) -> ModelInfo:
    index = read_json(folder / "model_index.json")
    own = _optional(folder / "mezzotint.json")
    decoder = next((name for name in _DECODERS if isinstance(index.get(name), list)), "vae")
    vae = read_json(folder / decoder / "config.json")
    denoiser = _optional(folder / "unet" / "config.json") or _optional(
        folder / "transformer" / "config.json"
    )
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    row = _row_of(folder, index, denoiser)
    title = _text(own, "name", folder.name)[:100]
    factor = factor_of(vae)
    told = native_size(own, denoiser, factor) if row.sized and not row.sizes else None
    native = told or (row.native, row.native)
    sampler, sigmas = _sampler(own, row)
    return ModelInfo(
        ref=ModelRef(sha256=sha256, name=title),
        path=folder,
        title=title,
        built_in=folder.is_relative_to(RESOURCES),
        description=_text(own, "description", "")[:2000],
        family=f"{row.label} (diffusers)",
        native_size=native,
        sizes=row.sizes or sizes_for(own, native, factor, row.multiple),
        default_steps=int(_number(own, "steps", row.steps, STEPS.low, STEPS.high)),
        default_guidance=_number(
            own, "guidance_scale", row.guidance_scale, GUIDANCE.low, GUIDANCE.high
        ),
        default_scheduler=sampler,
        default_sigmas=sigmas,
        prediction_type=prediction_of(scheduler),
        noise_schedule=schedule_of(scheduler),
        vae=str(cast(list[object], index[decoder])[1]),
        bytes=sum(path.stat().st_size for _, path in weight_files(folder)),
        words=_words(folder / "words.json"),
        factor=factor,
        family_key=row.key,
        reads_with=tuple(
            one.component for one in _readers(row.key) if _width(folder / one.part) == _wide(one)
        ),
    )


def _readers(family: str) -> tuple[Needed, ...]:
    return tuple(one for one in NEEDED.get(family, ()) if _wide(one))


def _wide(needed: Needed) -> int:
    return COMPONENTS[needed.component].width


def _width(part: Path) -> object:
    config = _optional(part / "config.json")
    return config.get("hidden_size", config.get("d_model"))


def _of_file(asset: Asset, sha256: str) -> ModelInfo:
    identity = asset.identity
    family = FAMILIES.get(identity.family)
    row = family.row if family is not None else None
    if row is None:
        raise AppError(
            "model-kind",
            f"“{asset.name}” is of a family that cannot be used: {identity.unsupported}",
            path=str(asset.path),
        )
    factor = _FACTORS.get(identity.family, 8)
    native = identity.native_size or (row.native, row.native)
    if not legal(native):
        native = (row.native, row.native)
    flow = identity.prediction == "flow"
    steps, guidance = _DISTILLED.get(identity.family, (row.steps, row.guidance_scale))
    vae = row.part("vae")
    return ModelInfo(
        ref=ModelRef(sha256=sha256, name=asset.name, kind="single"),
        path=asset.path,
        title=asset.name[:100],
        built_in=False,
        description=asset.description,
        family=title_of(identity.family),
        native_size=native,
        sizes=row.sizes or sizes_for({}, native, factor, row.multiple),
        default_steps=steps,
        default_guidance=guidance,
        default_scheduler=row.scheduler,
        default_sigmas=row.sigmas,
        prediction_type=identity.prediction or "epsilon",
        noise_schedule="flow matching"
        if flow
        else "scaled linear" + (", zero terminal SNR" if identity.zero_snr else ""),
        vae=vae.classes[0] if vae is not None else "",
        bytes=identity.bytes,
        words=None,
        factor=factor,
        family_key=row.key,
        reads_with=tuple(one.component for one in _readers(row.key)),
    )


def _row_of(
    folder: Path, index: Mapping[str, object], denoiser: Mapping[str, object]
) -> made.Family:
    found = made.families_of(str(index.get("_class_name")))
    if not found:
        raise AppError("model-kind", f"“{folder.name}” makes no pictures here.", path=str(folder))
    if found[0].key in ("sd1", "sd2"):
        return made.stable_family(denoiser.get("cross_attention_dim"))
    return found[0]


def _sampler(own: Mapping[str, object], row: made.Family) -> tuple[str, Sigmas]:
    name = _text(own, "scheduler", row.scheduler)
    wanted = _text(own, "sigmas", "default" if "scheduler" in own else row.sigmas)
    sigmas: Sigmas = "default"
    for known in ALL_SIGMAS:
        if known == wanted:
            sigmas = known
    try:
        check_sampler(name, sigmas)
    except AppError:
        return row.scheduler, row.sigmas
    return (name, sigmas) if name in row.schedulers else (row.scheduler, row.sigmas)


def _words(path: Path) -> Words | None:
    groups: list[tuple[str, tuple[str, ...]]] = []
    data = _optional(path)
    for name, value in data.items():
        if name != "example_prompts" and isinstance(value, list):
            groups.append((name[:60], _texts(cast(list[object], value), 60)))
    examples = data.get("example_prompts")
    prompts = _texts(cast(list[object], examples), 300) if isinstance(examples, list) else ()
    return Words(groups=tuple(groups), example_prompts=prompts[:24]) if groups else None


def _texts(values: list[object], length: int) -> tuple[str, ...]:
    return tuple(
        value
        for value in values[:_WORDS_MAX]
        if isinstance(value, str) and 0 < len(value) <= length
    )


def _optional(path: Path) -> dict[str, object]:
    try:
        return read_json(path)
    except AppError:
        return {}  # what it would tell is only for people


def _text(data: Mapping[str, object], key: str, default: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) and value.strip() else default


def _number(data: Mapping[str, object], key: str, default: float, low: float, high: float) -> float:
    value = data.get(key)
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return float(value) if good and isinstance(value, int | float) else default
