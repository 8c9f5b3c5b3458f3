"""What a model file is: the values that identification gives and the library page shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from desktop_app.recipe.recipe import ModelKind, ModelRef
from desktop_app.recipe.wishes import Wishes

Kind = Literal[
    "checkpoint",
    "refiner",
    "denoiser",
    "prior",
    "vae",
    "text-encoder",
    "image-encoder",
    "lora",
    "embedding",
    "controlnet",
    "t2i-adapter",
    "ip-adapter",
    "upscaler",
    "unknown",
]
"""`checkpoint` makes pictures alone, `refiner` takes their last steps and is as complete;
`denoiser` is the UNet or transformer without the rest."""

Format = Literal["folder", "safetensors", "gguf", "pickle"]

KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_WORDS: Mapping[Kind, str] = {
    "checkpoint": "checkpoint",
    "refiner": "refiner",
    "denoiser": "image network",
    "prior": "prior",
    "vae": "VAE",
    "text-encoder": "text encoder",
    "image-encoder": "image encoder",
    "lora": "LoRA",
    "embedding": "textual inversion",
    "controlnet": "ControlNet",
    "t2i-adapter": "T2I-Adapter",
    "ip-adapter": "IP-Adapter",
    "upscaler": "upscaler",
    "unknown": "unknown",
}
_REF_KINDS: Mapping[Kind, ModelKind] = {
    "checkpoint": "single",
    "denoiser": "single",
    "refiner": "single",
    "lora": "lora",
    "embedding": "embedding",
    "vae": "vae",
    "text-encoder": "text_encoder",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What one file or folder is, read from its header alone.

    Attributes:
        kind: what it is for.
        format: how it lies on disk; `folder` is a diffusers folder.
        family: a key of `library.families.FAMILIES`; empty when it cannot be told, or when it fits
            every family.
        variant: of a LoRA its method (`lora`, `loha`, `lokr`, `dora`, `oft`, `glora`, `ia3`,
            `full`); of a checkpoint or denoiser `inpaint`, `edit`, `depth` or empty; of a text
            encoder its architecture, such as `clip-l` or `t5-xxl`; of a VAE `tiny`, or `sd`,
            `sdxl`, `sd3` or `flux` where what lies beside it tells whose it is.
        naming: whose names the tensors have: `diffusers`, `original` (the first authors'), or of a
            LoRA `kohya`, `diffusers`, `peft`, `original`.
        prediction: `epsilon`, `v_prediction`, `sample` or `flow`; empty where the header does not
            tell it.
        zero_snr: whether its noise schedule ends in pure noise (Lin et al. 2023, arXiv 2305.08891),
            where the file says so.
        dtype: that most of the weights have, as safetensors names it (`F16`, `BF16`, `F8_E4M3`).
        quantisation: such as `Q4_K_M`, `fp8`, `nf4`; empty for plain weights.
        parameters: how many numbers it holds.
        bytes: on disk.
        tensors: how many.
        native_size: width and height in pixels that it was trained at, where that is known.
        in_channels: of the denoiser's first layer; 0 where it has none.
        latent_channels: of a VAE, also of the one in a checkpoint; 0 where there is none.
        parts: of a checkpoint that are inside, as diffusers names them (`unet`, `transformer`,
            `vae`, `text_encoder`, `text_encoder_2` ...).
        rank: of a LoRA, the largest; 0 elsewhere.
        targets: of a LoRA, the parts that it changes.
        trigger_words: that call what it was trained on, the most frequent first.
        title: that its maker gave it inside the file; empty for none.
        base: the model that it was made from, in its maker's words.
        metadata: what else the header says, in short texts; at most some kilobytes.
        unsupported: why it cannot be used, in one sentence; empty when it can.
    """

    kind: Kind
    format: Format
    family: str = ""
    variant: str = ""
    naming: str = ""
    prediction: str = ""
    zero_snr: bool = False
    dtype: str = ""
    quantisation: str = ""
    parameters: int = 0
    bytes: int = 0
    tensors: int = 0
    native_size: tuple[int, int] | None = None
    in_channels: int = 0
    latent_channels: int = 0
    parts: tuple[str, ...] = ()
    rank: int = 0
    targets: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    title: str = ""
    base: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    unsupported: str = ""

    @property
    def makes_pictures(self) -> bool:
        """Whether it is a model, alone or with what completes it."""
        return self.kind in ("checkpoint", "denoiser")


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What the artist wants to start with when this model is chosen; None leaves it as it is."""

    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    sigmas: str | None = None
    width: int | None = None
    height: int | None = None
    negative_prompt: str | None = None
    weight: float | None = None
    """Of an adapter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the artist said about a model; kept by its hash, whatever happens to the file.

    Attributes:
        trigger_words: the artist's own, used instead of the file's when there are any.
        wishes: how it is to be kept in memory, where that is not what the settings say.
    """

    favourite: bool = False
    notes: str = ""
    trigger_words: tuple[str, ...] = ()
    defaults: Defaults = field(default_factory=Defaults)
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One model on this machine, or one that was here.

    Attributes:
        path: of the file or folder; where it was last when it is missing.
        sha256: of its tensors (name, type, shape and data), the identity that recipes use; None
            until it was computed in the background.
        file_sha256: of the whole file, as Civitai and A1111 give it; None as above, and for
            folders.
        name: for people.
        source: whose folder it lies in, such as `ComfyUI`; empty for our own.
        preview: a picture of it beside it.
        trigger_words: the artist's, else the maker's.
        maker_words: those of the sidecar, else of the file.
        base: the model that it was made for, in its maker's words.
        weight: that its maker recommends for an adapter; None for none.
        negative: the words to avoid that its maker recommends.
        facts: what the artist said.
        missing: not there now: deleted, or on a drive that is out.
        modified: when the file was last written, in seconds since 1970; 0 when it is not known.
    """

    path: Path
    identity: Identity
    name: str
    sha256: str | None = None
    file_sha256: str | None = None
    source: str = ""
    preview: Path | None = None
    trigger_words: tuple[str, ...] = ()
    maker_words: tuple[str, ...] = ()
    description: str = ""
    base: str = ""
    weight: float | None = None
    negative: str = ""
    facts: Facts = field(default_factory=Facts)
    missing: bool = False
    modified: float = 0.0

    @property
    def favourite(self) -> bool:
        return self.facts.favourite

    @property
    def notes(self) -> str:
        return self.facts.notes

    @property
    def unsupported(self) -> str:
        """Why it cannot be used; empty when it can."""
        return self.identity.unsupported

    @property
    def why_not(self) -> str:
        """The same for where its name and its place are read beside it."""
        return unnamed(self.unsupported, self.path)

    @property
    def ref(self) -> ModelRef | None:
        """How a recipe names it; None for what no recipe names, and until its hash is known."""
        kind = _REF_KINDS.get(self.identity.kind)
        if kind is None or self.sha256 is None:
            return None
        if kind == "single" and self.identity.format == "folder":
            kind = "diffusers"
        return ModelRef(sha256=self.sha256, name=self.name, kind=kind)

    @property
    def key(self) -> str:
        """Names this asset as long as it is listed: its hash, or its place until that is known."""
        return self.sha256 or f"path:{self.path}"


def unnamed(sentence: str, path: Path) -> str:
    """A sentence about a model's file, for where the file is named already."""
    return sentence.replace(f"The model's file “{path}”", "It", 1)
