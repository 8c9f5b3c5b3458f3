"""The known models: what they are, where they lie, and how to find one by its hash."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from desktop_app.errors import AppError
from desktop_app.library.hashing import Hashes, Progress, weight_files
from desktop_app.library.reading import read_json
from desktop_app.library.safety import check_folder
from desktop_app.library.schedule import prediction_of, schedule_of
from desktop_app.paths import RESOURCES
from desktop_app.recipe.recipe import GUIDANCE, HEIGHT, STEPS, WIDTH, ModelRef, check_sampler
from desktop_app.recipe.samplers import ALL_SIGMAS, Sigmas

FAMILY = "Stable Diffusion (diffusers)"
INDEX = "model_index.json"
_RATIOS = ((1, 1), (4, 5), (2, 3), (3, 2), (16, 9))
_DEPTH_MAX = 2
_FOLDERS_MAX = 5000
_WORDS_MAX = 5000


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
        path: its folder.
        built_in: whether it came with the program.
        native_size: width and height in pixels that it was trained at.
        sizes: sizes of other shapes with about the native area, the native one first.
        default_sigmas: of the default sampler.
        prediction_type: `epsilon`, `v_prediction` or `sample`.
        noise_schedule: in words, such as `scaled linear`.
        vae: the class of its picture decoder.
        bytes: of all weights on disk.
        words: what it knows, where it lists that.
        factor: pixels to a latent.
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


class Catalog:
    """The models below some folders. Safe to call from any thread.

    Attributes:
        refused: folders that look like models and were not taken, with the reason; of the last
            `scan`.
    """

    def __init__(self, folders: Sequence[Path], cache: Path) -> None:
        """Args:
        folders: each a model or a folder of models, those that come first win.
        cache: the folder for the remembered hashes.
        """
        self._folders = tuple(folders)
        self._hashes = Hashes(cache / "hashes.json")
        self._lock = threading.RLock()
        self._models: tuple[ModelInfo, ...] | None = None
        self._opened: dict[str, ModelInfo] = {}
        self.refused: tuple[tuple[Path, AppError], ...] = ()

    def scan(self, progress: Progress | None = None) -> tuple[ModelInfo, ...]:
        """Read the folders; the built-in models first, then by title. Equal models appear once.

        Args:
            progress: bytes done and in all of a model that is hashed for the first time.
        """
        found: dict[str, ModelInfo] = {}
        refused: list[tuple[Path, AppError]] = []
        for folder in _model_folders(self._folders):
            try:
                info = self._describe(folder, progress)
            except AppError as refusal:
                refused.append((folder, refusal))
                continue
            found.setdefault(info.ref.sha256, info)
        models = sorted(found.values(), key=lambda one: (not one.built_in, one.title.casefold()))
        with self._lock:
            self._models = tuple(models)
            self.refused = tuple(refused)
        return self._models

    def find(self, ref: ModelRef) -> ModelInfo:
        """The model with these tensors, whatever it is called here.

        Raises:
            AppError: `model-missing`, naming the model and its hash.
        """
        for info in (*self._all(), *self._opened.values()):
            if info.ref.sha256 == ref.sha256:
                return info
        raise AppError(
            "model-missing",
            f"The model “{ref.name}” (hash {ref.sha256[:10]}) is not on this computer.",
            hint=f"Put its folder into “{self._folders[-1]}”, or choose another model."
            if self._folders
            else "",
            name=ref.name,
            sha256=ref.sha256,
        )

    def open(self, path_or_name: str) -> ModelInfo:
        """The model that a person means: a folder, a title, a folder's name, or a hash's beginning.

        Raises:
            AppError: `model-unknown`, or why the folder cannot be used.
        """
        folder = Path(path_or_name).expanduser()
        if _is_model(folder):
            info = self._describe(folder.absolute())
            with self._lock:
                self._opened[info.ref.sha256] = info
            return info
        wanted = path_or_name.strip().casefold()
        for info in self._all():
            names = {info.title.casefold(), info.path.name.casefold(), info.ref.name.casefold()}
            if wanted in names or (len(wanted) >= 6 and info.ref.sha256.startswith(wanted)):
                return info
        known = ", ".join(info.title for info in self._all()[:10]) or "none"
        raise AppError(
            "model-unknown",
            f"There is no model “{path_or_name[:200]}”.",
            hint=f"The models here are: {known}.",
            name=path_or_name[:200],
        )

    def path(self, ref: ModelRef) -> Path:
        """The folder of a model, as the engine asks for it.

        Raises:
            AppError: `model-missing`, or `model-changed` when its files are not those that were
                found any more.
        """
        info = self.find(ref)
        check_folder(info.path)
        if self._hashes.tensor_sha256(info.path) != ref.sha256:
            raise AppError(
                "model-changed",
                f"The files of the model “{info.title}” were changed since the program started.",
                hint="Let the models be looked for again.",
                path=str(info.path),
            )
        return info.path

    def _all(self) -> tuple[ModelInfo, ...]:
        with self._lock:
            return self.scan() if self._models is None else self._models

    def _describe(self, folder: Path, progress: Progress | None = None) -> ModelInfo:
        index = check_folder(folder)
        sha256 = self._hashes.tensor_sha256(folder, progress)
        return _info(folder, index, sha256)


def _info(folder: Path, index: Mapping[str, object], sha256: str) -> ModelInfo:
    own = _optional(folder / "mezzotint.json")
    vae = read_json(folder / "vae" / "config.json")
    unet = read_json(folder / "unet" / "config.json")
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    title = _text(own, "name", folder.name)[:100]
    factor = _factor(vae)
    native = _native_size(own, unet, factor)
    sampler, sigmas = _sampler(own)
    return ModelInfo(
        ref=ModelRef(sha256=sha256, name=title),
        path=folder,
        title=title,
        built_in=folder.is_relative_to(RESOURCES),
        description=_text(own, "description", "")[:2000],
        family=FAMILY,
        native_size=native,
        sizes=_sizes(own, native, factor),
        default_steps=int(_number(own, "steps", 25, STEPS.low, STEPS.high)),
        default_guidance=_number(own, "guidance_scale", 7.0, GUIDANCE.low, GUIDANCE.high),
        default_scheduler=sampler,
        default_sigmas=sigmas,
        prediction_type=prediction_of(scheduler),
        noise_schedule=schedule_of(scheduler),
        vae=str(cast(list[object], index["vae"])[1]),
        bytes=sum(path.stat().st_size for _, path in weight_files(folder)),
        words=_words(folder / "words.json"),
        factor=factor,
    )


def _factor(vae: Mapping[str, object]) -> int:
    blocks = vae.get("block_out_channels")
    if vae.get("_class_name") == "AutoencoderTiny":
        blocks = vae.get("encoder_block_out_channels", blocks)
    count = len(cast(list[object], blocks)) if isinstance(blocks, list) else 4
    return 2 ** (min(max(count, 1), 7) - 1)


def _native_size(
    own: Mapping[str, object], unet: Mapping[str, object], factor: int
) -> tuple[int, int]:
    native = _pair(own.get("native_size"))
    if native is None:
        latent = _pair(unet.get("sample_size")) or (64, 64)
        native = latent[0] * factor, latent[1] * factor
    return native if _legal(native) else (512, 512)


def _sizes(
    own: Mapping[str, object], native: tuple[int, int], factor: int
) -> tuple[tuple[int, int], ...]:
    listed = own.get("sizes")
    if isinstance(listed, list):
        rows = [_pair(row) for row in cast(list[object], listed)[:50]]
        found = [row for row in rows if row and _legal(row)]
    else:
        found = [_with_ratio(native, *ratio, factor) for ratio in _RATIOS]
    return tuple(dict.fromkeys((native, *(size for size in found if _legal(size)))))


def _with_ratio(native: tuple[int, int], across: int, down: int, factor: int) -> tuple[int, int]:
    """The size of a shape with the native area, in steps that the network halves without rest."""
    area = native[0] * native[1]
    step = factor * (4 if min(native) >= 512 else 1)
    width = (area * across / down) ** 0.5
    wide = max(step, round(width / step) * step)
    high = max(step, round(area / width / step) * step)
    return wide, high


def _legal(size: tuple[int, int]) -> bool:
    try:
        WIDTH.check(size[0])
        HEIGHT.check(size[1])
    except AppError:
        return False
    return True


def _sampler(own: Mapping[str, object]) -> tuple[str, Sigmas]:
    name = _text(own, "scheduler", "dpmpp_2m")
    wanted = _text(own, "sigmas", "default" if "scheduler" in own else "karras")
    sigmas: Sigmas = "default"
    for known in ALL_SIGMAS:
        if known == wanted:
            sigmas = known
    try:
        check_sampler(name, sigmas)
    except AppError:
        return "dpmpp_2m", "karras"
    return name, sigmas


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


def _pair(value: object) -> tuple[int, int] | None:
    rows = cast(list[object], value) if isinstance(value, list) else [value, value]
    match rows:
        case [int() as width, int() as height] if 0 < width <= 100_000 and 0 < height <= 100_000:
            return width, height
        case _:
            return None


def _is_model(folder: Path) -> bool:
    try:
        return (folder / INDEX).is_file()
    except (OSError, ValueError):
        return False


def _model_folders(folders: Sequence[Path]) -> Iterator[Path]:
    """Every model below the folders, each once, in a stable order."""
    seen: set[Path] = set()
    waiting = [(folder.absolute(), 0) for folder in reversed(folders)]
    for _ in range(_FOLDERS_MAX):
        if not waiting:
            return
        folder, depth = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        if _is_model(folder):
            yield folder
        elif depth < _DEPTH_MAX:
            try:
                inside = sorted(folder.iterdir(), reverse=True)
            except OSError:
                continue
            waiting += [(path, depth + 1) for path in inside if path.is_dir()]
