"""What a folder in diffusers format is, told from its index, configs and headers."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.library.families import FAMILIES, Family
from desktop_app.library.hashing import weight_files
from desktop_app.library.identity import Identity, Kind
from desktop_app.library.reading import read_json
from desktop_app.library.safety import check_folder, weight_parts
from desktop_app.library.schedule import prediction_of
from desktop_app.library.sizes import factor_of, native_size
from desktop_app.library.support import judged
from desktop_app.library.two_stages import stage_of
from desktop_app.weights.headers import read_header

PIPELINES: Mapping[str, str] = {
    "StableDiffusionPipeline": "sd1",
    "StableDiffusionImg2ImgPipeline": "sd1",
    "StableDiffusionInpaintPipeline": "sd1",
    "StableDiffusionInstructPix2PixPipeline": "sd1",
    "LatentConsistencyModelPipeline": "sd1",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionXLImg2ImgPipeline": "sdxl-refiner",
    "StableDiffusionXLInpaintPipeline": "sdxl",
    "StableDiffusion3Pipeline": "sd3",
    "FluxPipeline": "flux-dev",
    "FluxFillPipeline": "flux-dev",
    "FluxKontextPipeline": "flux-dev",
    "FluxControlPipeline": "flux-dev",
    "Flux2Pipeline": "flux2",
    "Flux2KleinPipeline": "flux2-klein",
    "Flux2KleinKVPipeline": "flux2-klein",
    "PixArtAlphaPipeline": "pixart",
    "PixArtSigmaPipeline": "pixart",
    "KandinskyV22Pipeline": "kandinsky22",
    "KandinskyV22PriorPipeline": "kandinsky22",
    "KandinskyV22CombinedPipeline": "kandinsky22",
    "StableUnCLIPPipeline": "unclip",
    "StableUnCLIPImg2ImgPipeline": "unclip",
    "StableCascadePriorPipeline": "cascade",
    "StableCascadeDecoderPipeline": "cascade",
    "StableCascadeCombinedPipeline": "cascade",
    "SanaPipeline": "sana",
    "SanaSprintPipeline": "sana-sprint",
    "LuminaPipeline": "lumina",
    "LuminaText2ImgPipeline": "lumina",
    "Lumina2Pipeline": "lumina2",
    "Lumina2Text2ImgPipeline": "lumina2",
    "QwenImagePipeline": "qwen-image",
    "QwenImageEditPipeline": "qwen-image",
    "QwenImage21Pipeline": "qwen-image-2.1",
    "ZImagePipeline": "z-image",
    "ChromaPipeline": "chroma",
    "HiDreamImagePipeline": "hidream",
    "AuraFlowPipeline": "auraflow",
    "CogView3PlusPipeline": "cogview3",
    "OvisImagePipeline": "ovis-image",
    "LongCatImagePipeline": "longcat-image",
    "ErnieImagePipeline": "ernie-image",
    "GlmImagePipeline": "glm-image",
    "PRXPipeline": "prx",
    "NucleusMoEImagePipeline": "nucleus",
    "BriaFiboPipeline": "bria-fibo",
    "BriaFibo2Pipeline": "bria-fibo",
    "Ideogram4Pipeline": "ideogram4",
    "DreamLitePipeline": "dreamlite",
    "HunyuanDiTPipeline": "hunyuan-dit",
    "HunyuanImagePipeline": "hunyuan-image",
    "KolorsPipeline": "kolors",
    "Kandinsky3Pipeline": "kandinsky3",
    "Kandinsky5T2IPipeline": "kandinsky5",
    "CogView4Pipeline": "cogview4",
    "OmniGenPipeline": "omnigen",
    "BriaPipeline": "bria",
    "Krea2Pipeline": "krea2",
    "IFPipeline": "deepfloyd-if",
    "Cosmos2TextToImagePipeline": "cosmos",
    "WanPipeline": "wan",
    "LTXPipeline": "ltx",
    "LTX2Pipeline": "ltx",
    "HunyuanVideoPipeline": "hunyuan-video",
    "MochiPipeline": "mochi",
    "CogVideoXPipeline": "cogvideo",
    "StableVideoDiffusionPipeline": "svd",
    "AnimateDiffPipeline": "animatediff",
}
"""Pipeline class in diffusers -> family; what further numbers tell is below."""

_VARIANTS: tuple[tuple[str, str], ...] = (
    ("Inpaint", "inpaint"),
    ("Fill", "inpaint"),
    ("Pix2Pix", "edit"),
    ("Edit", "edit"),
    ("Kontext", "edit"),
    ("Control", "depth"),
)


def identify_folder(folder: Path) -> Identity:
    """What a folder with a `model_index.json` is; never raises for what is in it."""
    try:
        index = read_json(folder / "model_index.json")
    except AppError as refusal:
        return Identity(kind="unknown", format="folder", unsupported=refusal.sentence)
    found = _told(folder, index)
    why = _why_not(str(index.get("_class_name")), FAMILIES.get(found.family))
    if why:
        return replace(found, unsupported=why)
    try:
        check_folder(folder)
        return judged(_counted(folder, found))
    except AppError as refusal:
        why = f"{refusal.sentence} {refusal.hint}".strip()
        return replace(found, unsupported=why)
    except OSError as fault:
        why = f"It cannot be read: {fault.strerror or fault}."
        return replace(found, unsupported=why)


def check_model(folder: Path) -> None:
    """Refuse what could run code, what no pipeline here can use, and what is damaged.

    Raises:
        AppError: as `safety.check_folder`, and `model-damaged`.
    """
    check_folder(folder)
    for _, path in weight_files(folder):
        read_header(path)


def _told(folder: Path, index: Mapping[str, object]) -> Identity:
    """As the index and the configs say; nothing is checked yet."""
    name = str(index.get("_class_name"))
    family = PIPELINES.get(name, "")
    unet, transformer = _config(folder, "unet"), _config(folder, "transformer")
    prediction = prediction_of(_config(folder, "scheduler"))
    if family == "sd1" and unet.get("cross_attention_dim") == 1024:
        family = "sd2-v" if prediction == "v_prediction" else "sd2"
    if family == "sd3" and transformer.get("qk_norm"):
        family = "sd35"
    if family == "flux-dev" and transformer.get("guidance_embeds") is not True:
        family = "flux-schnell"
    row = FAMILIES.get(family)
    kind: Kind = "prior" if "Prior" in name else "checkpoint"
    channels = unet.get("in_channels") or transformer.get("in_channels")
    latent = _config(folder, "vae").get("latent_channels")
    flow = row is not None and row.prediction == "flow"
    return Identity(
        kind=kind,
        format="folder",
        family=family,
        variant=next((word for mark, word in _VARIANTS if mark in name), ""),
        naming="diffusers",
        prediction="flow" if flow else prediction,
        zero_snr=_config(folder, "scheduler").get("rescale_betas_zero_snr") is True,
        native_size=_size(folder, unet or transformer, row) or (row.native_size if row else None),
        in_channels=channels if isinstance(channels, int) else 0,
        latent_channels=latent if isinstance(latent, int) else 0,
        parts=tuple(weight_parts(index)),
    )


def _why_not(pipeline: str, family: Family | None) -> str:
    """Why a pipeline of a family makes no pictures, where something better than its name tells."""
    if family is None:
        return ""
    if family.why_not:
        return f"It is for {family.title}: {family.why_not}."
    stage = stage_of(pipeline)
    if not stage:
        return ""
    other = "prior" if stage == "decoder" else "decoder"
    return (
        f"It is the {stage} of {family.title} alone, one stage of two; put the folder of its"
        f" {other} beside it and drop it on the window, and both are brought in as one model."
    )


def _size(
    folder: Path, denoiser: Mapping[str, object], family: Family | None
) -> tuple[int, int] | None:
    row = family.row if family is not None else None
    if row is not None and not row.sized:
        return None
    try:
        own = read_json(folder / "mezzotint.json")
    except AppError:
        own = {}
    return native_size(own, denoiser, factor_of(_config(folder, "vae")))


def _counted(folder: Path, found: Identity) -> Identity:
    """With the numbers of its files."""
    counts: dict[str, int] = {}
    tensors = size = 0
    for _, path in weight_files(folder):
        header = read_header(path)
        size += header.size
        tensors += len(header.tensors)
        for row in header.tensors.values():
            counts[row.dtype] = counts.get(row.dtype, 0) + prod(row.shape)
    return replace(
        found,
        bytes=size,
        tensors=tensors,
        dtype=max(counts, key=lambda one: counts[one], default=""),
        parameters=sum(counts.values()),
    )


def _config(folder: Path, part: str) -> dict[str, object]:
    name = "scheduler_config.json" if part == "scheduler" else "config.json"
    try:
        return read_json(folder / part / name)
    except AppError:
        return {}  # what is missing is told by the check
