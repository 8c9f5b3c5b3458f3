"""The folders of other programs: where they usually lie, and what lies where in them."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from desktop_app.errors import AppError
from desktop_app.library.identity import Kind

Program = Literal[
    "own", "a1111", "comfyui", "invokeai", "stability-matrix", "hugging-face", "folder"
]
TITLES: Mapping[Program, str] = {
    "own": "",
    "a1111": "A1111 / Forge",
    "comfyui": "ComfyUI",
    "invokeai": "InvokeAI",
    "stability-matrix": "Stability Matrix",
    "hugging-face": "Hugging Face cache",
    "folder": "",
}

KIND_FOLDERS: Mapping[str, Kind] = {
    "stable-diffusion": "checkpoint",
    "stablediffusion": "checkpoint",
    "checkpoints": "checkpoint",
    "main": "checkpoint",
    "diffusion_models": "denoiser",
    "diffusionmodels": "denoiser",
    "unet": "denoiser",
    "text_encoders": "text-encoder",
    "text_encoder": "text-encoder",
    "textencoders": "text-encoder",
    "clip": "text-encoder",
    "clip_vision": "image-encoder",
    "clipvision": "image-encoder",
    "vae": "vae",
    "vae_approx": "vae",
    "approxvae": "vae",
    "loras": "lora",
    "lora": "lora",
    "lycoris": "lora",
    "embeddings": "embedding",
    "embedding": "embedding",
    "textualinversion": "embedding",
    "controlnet": "controlnet",
    "t2i_adapter": "t2i-adapter",
    "t2iadapter": "t2i-adapter",
    "ipadapter": "ip-adapter",
    "ip_adapter": "ip-adapter",
    "upscale_models": "upscaler",
    "esrgan": "upscaler",
    "realesrgan": "upscaler",
    "swinir": "upscaler",
}
"""A folder's name in small letters -> what lies in it, in any of the programs."""

OWN_FOLDERS: Mapping[Kind, str] = {
    "checkpoint": "checkpoints",
    "refiner": "checkpoints",
    "denoiser": "diffusion_models",
    "prior": "diffusion_models",
    "vae": "vae",
    "text-encoder": "text_encoders",
    "image-encoder": "clip_vision",
    "lora": "loras",
    "embedding": "embeddings",
    "controlnet": "controlnet",
    "t2i-adapter": "controlnet",
    "ip-adapter": "ip_adapter",
    "upscaler": "upscale_models",
    "unknown": "other",
}
"""What is brought in -> its folder below our own models folder."""

_YAML_MAX = 256 * 1024
_YAML_NODES_MAX = 5000
_YAML_FLOWS_MAX = 200
"""Brackets: of some thousands within each other, PyYAML's time grows with the square."""
_PATHS_MAX = 500
_EXTRA_NAMES = ("extra_model_paths.yaml", "extra_models_config.yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedFolder:
    """A folder that is looked through, where it lies; nothing in it is ever changed.

    Attributes:
        path: as it was found or pointed to.
        program: whose layout it has.
        roots: the folders to walk through, with what lies in each where the program says so.
        missing: not there now, such as on a drive that is out.
    """

    path: Path
    program: Program
    roots: tuple[tuple[Path, Kind | None], ...]
    missing: bool = False

    @property
    def title(self) -> str:
        """Of the program, for people; of the folder where it is no program's."""
        return TITLES[self.program] or self.path.name


def recognise(path: Path) -> WatchedFolder:
    """Whose folder this is, and where models lie in it. Reads names only, and ComfyUI's YAML."""
    path = path.expanduser().absolute()
    for program, look in (
        ("hugging-face", _hugging_face),
        ("invokeai", _invokeai),
        ("stability-matrix", _stability_matrix),
        ("comfyui", _comfyui),
        ("a1111", _a1111),
    ):
        roots = look(path)
        if roots:
            once: dict[Path, Kind | None] = {}
            for folder, kind in roots:
                once.setdefault(folder, kind)
            return WatchedFolder(
                path=path, program=cast(Program, program), roots=tuple(once.items())
            )
    return WatchedFolder(
        path=path, program="folder", roots=((path, None),), missing=not _is_folder(path)
    )


def usual(environment: Mapping[str, str] | None = None) -> tuple[WatchedFolder, ...]:
    """Folders of other programs at their usual places on this machine; only those that are there.

    Args:
        environment: of this process if left out.
    """
    env = os.environ if environment is None else environment
    found: dict[Path, WatchedFolder] = {}
    for place in _usual_places(env):
        if not _is_folder(place):
            continue
        folder = recognise(place)
        if folder.program != "folder":
            found.setdefault(place.resolve(), folder)
    return tuple(found.values())


def _usual_places(env: Mapping[str, str]) -> Iterator[Path]:
    home = Path(env.get("HOME") or env.get("USERPROFILE") or Path.home())
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if env.get(name):
            yield Path(env[name])
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
    yield Path(env.get("HF_HOME") or cache / "huggingface") / "hub"
    if env.get("INVOKEAI_ROOT"):
        yield Path(env["INVOKEAI_ROOT"])
    for name in ("APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME"):
        if env.get(name):
            yield from (Path(env[name]) / program for program in ("StabilityMatrix", "ComfyUI"))
    yield from (home / ".config" / program for program in ("StabilityMatrix", "ComfyUI"))
    support = home / "Library" / "Application Support"
    yield from (support / program for program in ("StabilityMatrix", "ComfyUI"))
    parents = [home, *(home / name for name in ("Documents", "Desktop", "Downloads", "AI", "ai"))]
    parents += [Path("/opt")]
    if sys.platform == "win32":
        parents += [Path(f"{drive}:/{name}") for drive in "CDE" for name in ("", "AI", "ai")]
    for parent in parents:
        for name in (
            *("stable-diffusion-webui", "stable-diffusion-webui-forge", "sd-webui-forge-neo"),
            *("ComfyUI", "ComfyUI_windows_portable/ComfyUI", "invokeai", "InvokeAI"),
            *("StabilityMatrix", "StabilityMatrix/Data"),
        ):
            yield parent / name


def _hugging_face(path: Path) -> list[tuple[Path, Kind | None]]:
    for folder in (path, path / "hub"):
        if any(name.startswith("models--") for name in _names(folder)):
            return [(folder, None)]
    return []


def _invokeai(path: Path) -> list[tuple[Path, Kind | None]]:
    names = _names(path)
    if "invokeai.yaml" not in names and not (path / "databases" / "invokeai.db").is_file():
        return []
    chosen = _yaml(path / "invokeai.yaml").get("models_dir")
    folder = path / chosen if isinstance(chosen, str) and chosen else path / "models"
    return [(folder, None)]


def _stability_matrix(path: Path) -> list[tuple[Path, Kind | None]]:
    for folder in (path / "Data" / "Models", path / "Models", path):
        names = _names(folder)
        # Windows and macOS do not tell ComfyUI's `models` from this one's `Models`.
        if "StableDiffusion" in names and ("Lora" in names or "VAE" in names):
            return [(folder, None)]
    return []


def _comfyui(path: Path) -> list[tuple[Path, Kind | None]]:
    roots: list[tuple[Path, Kind | None]] = []
    for folder in (path / "models", path):
        names = _names(folder)
        if "checkpoints" in names and names & {"loras", "diffusion_models", "clip", "vae"}:
            roots.append((folder, None))
            break
    for name in _EXTRA_NAMES:
        roots += extra_model_paths(path / name)
    return roots


def _a1111(path: Path) -> list[tuple[Path, Kind | None]]:
    for models in (path / "models", path):
        if "Stable-diffusion" in _names(models):
            around = models.parent
            further: list[tuple[Path, Kind | None]] = [
                (around / "embeddings", "embedding"),
                (around / "extensions/sd-webui-controlnet/models", "controlnet"),
            ]
            return [(models, None), *((p, kind) for p, kind in further if _is_folder(p))]
    return []


def extra_model_paths(path: Path) -> list[tuple[Path, Kind | None]]:
    """The folders that a YAML file of ComfyUI names, with what lies in each.

    A file that is not there, too large, or no such YAML names none. Paths may be relative to
    `base_path`, and that to the file; several stand on lines of their own.
    """
    found: list[tuple[Path, Kind | None]] = []
    for section in _yaml(path).values():
        if not isinstance(section, dict):
            continue
        rows = cast(dict[object, object], section)
        base = rows.get("base_path")
        above = path.parent / _user(base) if isinstance(base, str) else path.parent
        for name, value in rows.items():
            if name in ("base_path", "is_default") or not isinstance(value, str):
                continue
            kind = KIND_FOLDERS.get(str(name).lower())
            for line in value.splitlines()[:100]:
                if line.strip() and "\0" not in line and len(found) < _PATHS_MAX:
                    found.append((Path(os.path.normpath(above / _user(line.strip()))), kind))
    return found


def _user(text: str) -> Path:
    try:
        return Path(os.path.expandvars(text)).expanduser()
    except RuntimeError:
        return Path(text)


def _yaml(path: Path) -> dict[object, object]:
    """A small YAML file as plain values; without aliases, by which a short file grows huge."""
    import yaml

    try:
        with path.open("rb") as file:
            data = file.read(_YAML_MAX + 1)
        if len(data) > _YAML_MAX:
            return {}
        text = data.decode("utf-8-sig")
        if text.count("[") + text.count("{") > _YAML_FLOWS_MAX:
            return {}
        events = cast(Iterable[object], yaml.parse(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
        for count, event in enumerate(events):
            if count > _YAML_NODES_MAX or isinstance(event, yaml.AliasEvent):
                return {}
        value: object = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError, AttributeError, TypeError):
        return {}  # as if it were not there: it belongs to another program
    return cast(dict[object, object], value) if isinstance(value, dict) else {}


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except (OSError, ValueError):
        return frozenset()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def check_folder_to_watch(path: Path) -> WatchedFolder:
    """The folder that a person points to.

    Raises:
        AppError: `folder-missing` when there is none.
    """
    if not _is_folder(path):
        raise AppError(
            "folder-missing",
            f"There is no folder “{path}”.",
            hint="Connect its drive, or choose another folder.",
            path=str(path),
        )
    return recognise(path)
