"""How the pipeline of each family is called, and how its latents become pixels: the table."""

from typing import Any

from desktop_app.engine import diffusion_calls as diffusing
from desktop_app.engine import flow_calls as flowing
from desktop_app.engine.calls import Call
from desktop_app.errors import AppError

CALLS: dict[str, Call] = {
    "StableDiffusionPipeline": Call(),
    "LatentConsistencyModelPipeline": diffusing.LCM(),
    "StableDiffusionXLPipeline": diffusing.XL(),
    "StableDiffusionXLImg2ImgPipeline": diffusing.Refiner(),
    "PixArtAlphaPipeline": diffusing.PixArt(),
    "PixArtSigmaPipeline": diffusing.PixArt(),
    "HunyuanDiTPipeline": diffusing.HunyuanDiT(),
    "CogView3PlusPipeline": diffusing.CogView3(),
    "KandinskyV22CombinedPipeline": diffusing.Kandinsky22(),
    "Kandinsky3Pipeline": diffusing.Kandinsky3(),
    "StableUnCLIPPipeline": diffusing.UnCLIP(),
    "StableCascadeCombinedPipeline": diffusing.Cascade(),
    "SanaPipeline": diffusing.Sana(),
    "StableDiffusion3Pipeline": flowing.Stable3(),
    "AuraFlowPipeline": flowing.AuraFlow(),
    "LuminaPipeline": flowing.Lumina(),
    "Lumina2Pipeline": flowing.Lumina2(),
    "CogView4Pipeline": flowing.CogView4(),
    "HiDreamImagePipeline": flowing.HiDream(),
    "ZImagePipeline": flowing.ZImage(),
    "FluxPipeline": flowing.Packed(),
    "ChromaPipeline": flowing.Chroma(),
    "OvisImagePipeline": flowing.Chroma(),
    "LongCatImagePipeline": flowing.LongCat(),
    "BriaPipeline": flowing.Bria(),
    "QwenImagePipeline": flowing.Qwen(),
    "Krea2Pipeline": flowing.Krea2(),
    "ErnieImagePipeline": flowing.Ernie(),
    "Flux2Pipeline": flowing.Flux2(),
    "Flux2KleinPipeline": flowing.Flux2Klein(),
}


def caller(pipe: Any) -> Call:
    """How this pipeline is called.

    Raises:
        AppError: `model-kind` when it makes no pictures from text here.
    """
    kind = type(pipe).__name__
    call = CALLS.get(kind)
    if call is None:
        raise AppError(
            "model-kind",
            f"Pictures cannot be made from text with a {kind}.",
            hint="Choose another model.",
            kind=kind,
        )
    return call
