"""What a file lacks that holds only the network of a model: the components, by what they are."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A component as a file of its own.

    Attributes:
        title: for people, with its article.
        file: the name under which it is usually published.
        width: numbers that a text encoder gives for each word; 0 for what is none.
    """

    title: str
    file: str
    width: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """A component that a family's network works with.

    Attributes:
        part: of the pipeline.
        component: a key of `COMPONENTS`.
        optional: whether pictures can be made without it.
    """

    part: str
    component: str
    optional: bool = False


def _reader(name: str, file: str, width: int) -> Component:
    return Component(title=f"the text encoder {name}", file=file, width=width)


COMPONENTS: Mapping[str, Component] = {
    "clip-l": _reader("CLIP-L", "clip_l.safetensors", 768),
    "clip-g": _reader("CLIP-G", "clip_g.safetensors", 1280),
    "clip-h": _reader("CLIP-H", "clip_h.safetensors", 1024),
    "t5-xxl": _reader("T5-XXL", "t5xxl_fp16.safetensors", 4096),
    "gemma-2-2b": _reader("Gemma 2", "gemma_2_2b_fp16.safetensors", 2304),
    "qwen3-4b": _reader("Qwen 3", "qwen_3_4b.safetensors", 2560),
    "qwen2.5-vl-7b": _reader("Qwen 2.5 VL", "qwen_2.5_vl_7b.safetensors", 3584),
    "vae-sd": Component(
        title="the VAE of Stable Diffusion", file="vae-ft-mse-840000-ema-pruned.safetensors"
    ),
    "vae-sdxl": Component(title="the VAE of SDXL", file="sdxl_vae.safetensors"),
    "vae-sd3": Component(title="the VAE of Stable Diffusion 3", file="sd3_vae.safetensors"),
    "vae-flux": Component(title="the VAE of Flux", file="ae.safetensors"),
    "vae-sana": Component(title="the VAE of Sana", file="dc_ae_f32c32_sana_1.0.safetensors"),
    "vae-qwen": Component(title="the VAE of Qwen-Image", file="qwen_image_vae.safetensors"),
}
_CLIP_L = Needed(part="text_encoder", component="clip-l")
_CLIP_G = Needed(part="text_encoder_2", component="clip-g")
_GEMMA = Needed(part="text_encoder", component="gemma-2-2b")


def _vae(component: str) -> Needed:
    return Needed(part="vae", component=component)


NEEDED: Mapping[str, tuple[Needed, ...]] = {
    "sd1": (_CLIP_L, _vae("vae-sd")),
    "sd2": (Needed(part="text_encoder", component="clip-h"), _vae("vae-sd")),
    "sdxl": (_CLIP_L, _CLIP_G, _vae("vae-sdxl")),
    "sdxl_refiner": (_CLIP_G, _vae("vae-sdxl")),
    "sd3": (
        _CLIP_L,
        _CLIP_G,
        Needed(part="text_encoder_3", component="t5-xxl", optional=True),
        _vae("vae-sd3"),
    ),
    "flux": (_CLIP_L, Needed(part="text_encoder_2", component="t5-xxl"), _vae("vae-flux")),
    "chroma": (Needed(part="text_encoder", component="t5-xxl"), _vae("vae-flux")),
    "sana": (_GEMMA, _vae("vae-sana")),
    "lumina2": (_GEMMA, _vae("vae-flux")),
    "z_image": (Needed(part="text_encoder", component="qwen3-4b"), _vae("vae-flux")),
    "qwen_image": (Needed(part="text_encoder", component="qwen2.5-vl-7b"), _vae("vae-qwen")),
}
"""Key of a family -> the components beside its network. Only these can be made of single files."""


def named(family: str, part: str) -> str:
    """A component as people would look for it, such as `the text encoder T5-XXL (t5xxl...)`."""
    row = next((one for one in NEEDED.get(family, ()) if one.part == part), None)
    if row is None:
        return part
    component = COMPONENTS[row.component]
    return f"{component.title} ({component.file})"
