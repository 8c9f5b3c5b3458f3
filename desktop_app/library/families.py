"""The model families by the names that the whole program uses for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from desktop_app.recipe import families as made

_VIDEO = "it makes films, not pictures"
_OTHER = "pictures of this family cannot be made yet"
_TORCHVISION = "it reads its prompts with a part that needs torchvision, which is not brought along"
_SENTENCEPIECE = (
    "it reads its prompts with a tokenizer that needs sentencepiece, which is not brought along"
)
_ENCODER = "its text encoder is loaded by a change to transformers that is not made here"
_PIXELS = "it works on pixels in three stages, and takes no noise that a seed could be kept for"
_NOISE = "its pipeline takes no noise that a seed could be kept for"
_GUARD = "its pipeline does not work without a censor, which is not brought along"
_SPRINT = "its sampler looks at the picture in a form of its own, which cannot be watched or kept"
_GUIDER = "its guidance is a part of its own that looks back at earlier steps, and is not read here"
_JSON = "it reads prompts as JSON of a set form, which a language model has to write first"
_SECOND = "its guidance comes from a second network, which is not called here"
_FOLDER = "what its noise and its VAE are is told only in a folder in diffusers format; use that"
_UNKNOWN = "diffusers has no pipeline for it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One family of models.

    Attributes:
        title: for people.
        base: families with the same base take the same LoRAs and embeddings.
        native_size: width and height in pixels that most of them were trained at.
        prediction: what the network predicts where a file does not say it.
        made_as: the key of the row in `recipe.families` that makes its pictures; empty for none.
        why_not: why it cannot make pictures here, as the end of a sentence; empty when it can.
    """

    key: str
    title: str
    base: str
    native_size: tuple[int, int]
    prediction: str = "flow"
    made_as: str = ""
    why_not: str = ""

    @property
    def row(self) -> made.Family | None:
        """How its pictures are made; None when they are not."""
        return made.FAMILIES.get(self.made_as)


def _table(*rows: Family) -> Mapping[str, Family]:
    return {row.key: row for row in rows}


def _family(
    key: str,
    title: str,
    side: int = 1024,
    *,
    base: str = "",
    prediction: str = "flow",
    made_as: str = "",
    why_not: str = "",
) -> Family:
    # What one room writes with a hyphen, the other may write as a name in Python.
    spellings = (made_as or key, (made_as or key).replace("-", "_"))
    row = next((one for one in spellings if one in made.FAMILIES), "")
    return Family(
        key=key,
        title=title,
        base=base or key,
        native_size=(side, side),
        prediction=prediction,
        made_as=row,
        why_not=why_not or ("" if row else _OTHER),
    )


FAMILIES: Mapping[str, Family] = _table(
    _family("sd1", "Stable Diffusion 1", 512, prediction="epsilon"),
    _family("sd2", "Stable Diffusion 2", 512, prediction="epsilon"),
    _family(
        "sd2-v", "Stable Diffusion 2 (v)", 768, base="sd2", prediction="v_prediction", made_as="sd2"
    ),
    _family("sdxl", "Stable Diffusion XL", prediction="epsilon"),
    _family("sdxl-refiner", "Stable Diffusion XL Refiner", prediction="epsilon"),
    _family("sd3", "Stable Diffusion 3"),
    _family("sd35", "Stable Diffusion 3.5", made_as="sd3"),
    _family("flux-dev", "Flux.1 dev", base="flux", made_as="flux"),
    _family("flux-schnell", "Flux.1 schnell", base="flux", made_as="flux"),
    _family("flux2", "Flux.2"),
    _family("flux2-klein", "Flux.2 Klein", base="flux2"),
    _family("pixart", "PixArt", prediction="epsilon"),
    _family("kandinsky22", "Kandinsky 2.2", 512, prediction="epsilon"),
    _family("unclip", "Stable unCLIP", 768, prediction="v_prediction"),
    _family("cascade", "Stable Cascade", prediction="epsilon"),
    _family("sana", "Sana"),
    _family("sana-sprint", "Sana Sprint", why_not=_SPRINT),
    _family("lumina", "Lumina-Next"),
    _family("lumina2", "Lumina Image 2"),
    _family("qwen-image", "Qwen-Image", 1328),
    _family("z-image", "Z-Image"),
    _family("chroma", "Chroma"),
    _family("hidream", "HiDream"),
    _family("auraflow", "AuraFlow"),
    _family("hunyuan-dit", "HunyuanDiT", prediction="v_prediction"),
    _family("hunyuan-image", "HunyuanImage 2.1", 2048, why_not=_GUIDER),
    _family("kolors", "Kolors", prediction="epsilon", why_not=_SENTENCEPIECE),
    _family("kandinsky3", "Kandinsky 3", prediction="epsilon"),
    _family("kandinsky5", "Kandinsky 5", why_not=_TORCHVISION),
    _family("cogview3", "CogView 3", prediction="v_prediction"),
    _family("cogview4", "CogView 4"),
    _family("omnigen", "OmniGen", why_not=_TORCHVISION),
    _family("bria", "Bria"),
    _family("bria-fibo", "Bria FIBO", why_not=_JSON),
    _family("krea2", "Krea 2"),
    _family("ovis-image", "Ovis-Image"),
    _family("longcat-image", "LongCat-Image"),
    _family("ernie-image", "ERNIE-Image"),
    _family("glm-image", "GLM-Image", why_not=_TORCHVISION),
    _family("prx", "PRX", why_not=_ENCODER),
    _family("nucleus", "Nucleus-Image", why_not=_TORCHVISION),
    _family("ideogram4", "Ideogram 4", why_not=_SECOND),
    _family("dreamlite", "DreamLite", why_not=_NOISE),
    _family("flux3", "Flux.3", why_not=_UNKNOWN),
    _family("qwen-image-2.1", "Qwen-Image 2.1", why_not=_TORCHVISION),
    _family("playground25", "Playground 2.5", base="sdxl", prediction="epsilon", why_not=_FOLDER),
    _family("deepfloyd-if", "DeepFloyd IF", 64, prediction="epsilon", why_not=_PIXELS),
    _family("cosmos", "Cosmos", why_not=_GUARD),
    _family("wan", "Wan", 480, why_not=_VIDEO),
    _family("ltx", "LTX-Video", 512, why_not=_VIDEO),
    _family("hunyuan-video", "HunyuanVideo", 720, why_not=_VIDEO),
    _family("mochi", "Mochi", 480, why_not=_VIDEO),
    _family("cogvideo", "CogVideoX", 480, prediction="v_prediction", why_not=_VIDEO),
    _family("svd", "Stable Video Diffusion", 576, prediction="v_prediction", why_not=_VIDEO),
    _family("animatediff", "AnimateDiff", 512, prediction="epsilon", why_not=_VIDEO),
)


def title_of(key: str) -> str:
    """The name of a family for people; the key itself for one that is not in the table."""
    family = FAMILIES.get(key)
    return family.title if family else key


def fits(adapter: str, model: str) -> bool:
    """Whether an adapter made for one family can be used on a model of another.

    An adapter whose family could not be told is let through; loading it tells.
    """
    one, other = FAMILIES.get(adapter), FAMILIES.get(model)
    return one is None or other is None or one.base == other.base
