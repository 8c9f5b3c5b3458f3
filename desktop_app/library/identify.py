"""What a model file is, told from its header alone, without loading a tensor."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.library import keys, part_keys, rules
from desktop_app.library.adapters import find_adapter
from desktop_app.library.families import FAMILIES
from desktop_app.library.identity import Format, Identity
from desktop_app.library.support import judged
from desktop_app.library.told import Told, read_told
from desktop_app.weights import gguf, headers
from desktop_app.weights.headers import Header

SAFE = frozenset({".safetensors", ".sft", ".gguf"})
PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin"})
MODEL_FILES = SAFE | PICKLES
"""Endings of the files that are looked at."""

DENOISER_PREFIXES = (
    keys.CHECKPOINT_PREFIX,
    "",
    "diffusion_model.",
    "model.",
    "net.",
    "transformer.",
    "unet.",
)
VAE_PREFIXES = ("first_stage_model.", "vae.", "")
TEXT_ENCODER_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "text_encoder": (
        "cond_stage_model.transformer.",
        "cond_stage_model.model.",
        "conditioner.embedders.0.transformer.",
        "text_encoders.clip_l.transformer.",
        "text_encoders.gemma2_2b.transformer.",
        "text_encoders.qwen3_4b.transformer.",
        "text_encoders.qwen25_7b.transformer.",
    ),
    "text_encoder_2": (
        "conditioner.embedders.1.model.",
        "conditioner.embedders.0.model.",
        "text_encoders.clip_g.transformer.",
    ),
    "text_encoder_3": ("text_encoders.t5xxl.transformer.", "text_encoders.t5xxl."),
}
_UNETS = frozenset(
    {"sd1", "sd2", "sd2-v", "sdxl", "sdxl-refiner", "unclip", "kolors", "playground25"}
    | {"kandinsky22", "deepfloyd-if", "svd", "animatediff", "kandinsky3"}
)
_TASKS = {9: "inpaint", 8: "edit", 5: "depth", 7: "upscale"}
_STAGE_C = "prior"
# Stable Diffusion 2 says nowhere whether it predicts v, but the biases of this layer spread wider
# where it does (found by the authors of ComfyUI in all models that were published).
_SD2_TELLTALE = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
_SD2_SPREAD = 0.09
_LANGUAGE = ("blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight", "token_embd.weight")


def identify(path: Path) -> Identity:
    """What the file at `path` is, and whether it can be used; never raises for what is in it.

    A file that cannot be read, is damaged or unknown has kind `unknown` and says why.
    Pickles are not opened: see `engine.convert`.
    """
    return judged(look_at(path))


def look_at(path: Path) -> Identity:
    """As `identify`, but without asking whether this program can use it."""
    suffix = path.suffix.lower()
    try:
        size = path.stat().st_size
        if suffix in PICKLES:
            return Identity(kind="unknown", format="pickle", bytes=size)
        if suffix == ".gguf":
            return _of_header(path, gguf.read_header(path), "gguf")
        return _of_header(path, headers.read_header(path), "safetensors")
    except AppError as refusal:
        return Identity(kind="unknown", format=_format(suffix), unsupported=refusal.sentence)
    except OSError as fault:
        reason = fault.strerror or "it cannot be read"
        return Identity(
            kind="unknown", format=_format(suffix), unsupported=f"It cannot be read: {reason}."
        )


def _format(suffix: str) -> Format:
    return "gguf" if suffix == ".gguf" else "pickle" if suffix in PICKLES else "safetensors"


def _of_header(path: Path, header: Header, form: Format) -> Identity:
    told = read_told(header.metadata)
    found = _sorted(path, header, form, told)
    dtype, parameters, quantisation = _numbers(header, form)
    return replace(
        found,
        bytes=header.size,
        tensors=len(header.tensors),
        dtype=dtype,
        parameters=parameters,
        quantisation=quantisation,
        trigger_words=told.trigger_words,
        title=told.title,
        base=told.base,
        metadata=told.kept,
    )


def _sorted(path: Path, header: Header, form: Format, told: Told) -> Identity:
    """Kind and family; numbers and words follow."""
    found = _model(path, header, form, told)
    if found is not None:
        return found
    adapter = find_adapter(header, told.family)
    if adapter is not None:
        return Identity(
            kind=adapter.kind,
            format=form,
            family=adapter.family,
            variant=adapter.variant,
            naming=adapter.naming,
            rank=adapter.rank,
            targets=adapter.targets,
        )
    return _part(header, form) or _unknown(header, form)


def _model(path: Path, header: Header, form: Format, told: Told) -> Identity | None:
    """A checkpoint, a denoiser or a prior."""
    if "lora_controlnet" in header.tensors:
        return None
    for prefix in DENOISER_PREFIXES:
        rule = rules.first(keys.DENOISERS, header, prefix)
        if rule is None:
            continue
        if prefix == "" and ("controlnet_blocks.0.weight" in header.tensors):
            return None
        if prefix == "" and "controlnet_cond_embedding.conv_in.weight" in header.tensors:
            return None
        if "input_hint_block.0.weight" in header.tensors:
            return None
        return _denoiser(path, header, form, told, rule, prefix)
    if keys.CHECKPOINT_PREFIX + keys.UNET_STEM in header.tensors:
        return _odd_checkpoint(path, header, form, told)
    rule = rules.first(keys.PRIORS, header)
    if rule is None:
        return None
    return Identity(
        kind="prior", format=form, family=rule.result, naming=rule.naming, prediction="sample"
    )


def _odd_checkpoint(path: Path, header: Header, form: Format, told: Told) -> Identity:
    """A checkpoint whose UNet has a width that nobody published, told by its text encoder."""
    family = next((family for name, family in keys.ENCODERS if name in header.tensors), "")
    if not family:
        return Identity(kind="denoiser", format=form, naming="original", parts=("unet",))
    rule = rules.Rule(result=family, has=())
    return _denoiser(path, header, form, told, rule, keys.CHECKPOINT_PREFIX)


def _denoiser(
    path: Path, header: Header, form: Format, told: Told, rule: rules.Rule, prefix: str
) -> Identity:
    unet = "unet" if rule.result in _UNETS else "transformer"
    parts = [unet]
    parts += [part for part in TEXT_ENCODER_PREFIXES if _text_encoder(header, part)]
    vae = _vae(header, inside=True)
    if vae:
        parts.append("vae")
    family, prediction = _finer(path, header, rule.result, told, prefix)
    row = FAMILIES[family]
    stem = keys.UNET_STEM if rule.naming == "original" else keys.DIFFUSERS_STEM
    channels = _channels(header, prefix, stem)
    task = rule.variant if rule.variant != _STAGE_C else ""
    if unet == "unet":
        task = _TASKS.get(channels, task)
    elif family == "flux-dev" and channels in (384, 128):
        task = "inpaint" if channels == 384 else "depth"
    kind = "prior" if rule.variant == _STAGE_C else "checkpoint" if len(parts) > 1 else "denoiser"
    return Identity(
        kind=kind,
        format=form,
        family=family,
        variant=task,
        naming=rule.naming,
        prediction=prediction,
        zero_snr=told.zero_snr or "ztsnr" in header.tensors,
        native_size=told.size or row.native_size,
        in_channels=channels,
        latent_channels=_latent_channels(header, vae) if vae else 0,
        parts=tuple(parts),
    )


def _finer(path: Path, header: Header, family: str, told: Told, prefix: str) -> tuple[str, str]:
    """Family and prediction, with what the metadata and single tensors add to the names."""
    prediction = told.prediction
    if "v_pred" in header.tensors:
        prediction = "v_prediction"
    if family == "sd2":
        if not prediction and told.family == "sd2-v":
            prediction = "v_prediction"
        if not prediction:
            spread = headers.spread(path, header, prefix + _SD2_TELLTALE)
            prediction = "v_prediction" if spread > _SD2_SPREAD else ""
        family = "sd2-v" if prediction == "v_prediction" else family
    if family == "flux-schnell" and told.family == "chroma":
        family = "chroma"
    return family, prediction or FAMILIES[family].prediction


def _channels(header: Header, prefix: str, stem: str) -> int:
    for name in (stem, "img_in.weight", "x_embedder.weight"):
        row = header.tensors.get(prefix + name)
        if row is not None and len(row.shape) >= 2:
            return row.shape[1]
    return 0


def _vae(header: Header, *, inside: bool) -> tuple[rules.Rule, str] | None:
    for prefix in VAE_PREFIXES[:2] if inside else VAE_PREFIXES:
        rule = rules.first(part_keys.VAES, header, prefix)
        if rule is not None:
            return rule, prefix
    return None


def _latent_channels(header: Header, vae: tuple[rules.Rule, str]) -> int:
    prefix = vae[1]
    for name in ("decoder.conv_in.weight", "decoder.1.weight", "decoder.conv1.weight"):
        row = header.tensors.get(prefix + name)
        if row is not None and len(row.shape) >= 2:
            return row.shape[1]
    row = header.tensors.get(prefix + "decoder.layers.0.weight")
    return row.shape[1] if row is not None and len(row.shape) >= 2 else 0


def _text_encoder(header: Header, part: str) -> str:
    """The architecture of one text encoder of a checkpoint; empty when it is not inside."""
    for prefix in TEXT_ENCODER_PREFIXES[part]:
        for name, key, _ in part_keys.TEXT_ENCODERS:
            row = header.tensors.get(prefix + key)
            if row is not None:
                return name
    return ""


def _part(header: Header, form: Format) -> Identity | None:
    """A VAE, text encoder, image encoder or upscaler alone."""
    upscaler = rules.first(part_keys.UPSCALERS, header)
    if upscaler is not None:
        return Identity(kind="upscaler", format=form, variant=upscaler.result, naming="original")
    vae = _vae(header, inside=False)
    if vae is not None:
        rule, _ = vae
        channels = _latent_channels(header, vae)
        known = rule.result in FAMILIES
        return Identity(
            kind="vae",
            format=form,
            family=rule.result if known else "",
            variant="tiny" if rule.result == "tiny" else "",
            naming=rule.naming,
            latent_channels=channels,
            parts=("vae",),
        )
    for prefix in ("", "transformer.", "text_encoder.", "text_encoders.", "model."):
        for name, key, shape in part_keys.TEXT_ENCODERS:
            row = header.tensors.get(prefix + key)
            if row is not None and rules.like(row.shape, shape):
                return _encoder(form, name)
    vision = ("vision_model.embeddings.class_embedding", "visual.class_embedding")
    if any(name in header.tensors for name in vision):
        return Identity(kind="image-encoder", format=form)
    return None


def _encoder(form: Format, name: str) -> Identity:
    return Identity(
        kind="text-encoder",
        format=form,
        family=part_keys.TEXT_ENCODER_FAMILIES.get(name, ""),
        variant=name,
        parts=("text_encoder",),
    )


def _unknown(header: Header, form: Format) -> Identity:
    if any(name in header.tensors for name in _LANGUAGE):
        why = "It is a language model, which makes no pictures."
    elif not header.tensors:
        why = "It holds no tensors."
    else:
        some = ", ".join(sorted(header.tensors)[:2])[:120]
        why = f"It is of no known kind; its first tensors are called {some}."
    return Identity(kind="unknown", format=form, unsupported=why)


def _numbers(header: Header, form: Format) -> tuple[str, int, str]:
    """The type that most numbers have, how many there are, and the quantisation."""
    sizes: dict[str, int] = {}
    for dtype, _, start, end in header.tensors.values():
        sizes[dtype] = sizes.get(dtype, 0) + end - start
    counts = {dtype: _count(dtype, size) for dtype, size in sizes.items()}
    dtype = max(counts, key=lambda one: counts[one], default="")
    total = sum(counts.values())
    if form == "gguf":
        named = header.metadata.get("quantisation", "")
        plain = dtype in ("F32", "F16", "BF16")
        return dtype, total, "" if plain else named or dtype
    if dtype.startswith("F8_"):
        return dtype, total, "fp8"
    if dtype in ("U8", "I8", "F4"):
        text = "\n".join(header.tensors)
        for mark, name in part_keys.QUANTISED:
            if mark in text:
                packed = name in ("nf4", "fp4", "svdquant")
                return dtype, total + (counts.get("U8", 0) if packed else 0), name
        return dtype, total, dtype.lower()
    return dtype, total, ""


def _count(dtype: str, size: int) -> int:
    """How many numbers of a type so many bytes are."""
    if dtype in headers.BITS:
        return size * 8 // headers.BITS[dtype]
    _, numbers, block = next(row for row in gguf.BLOCKS.values() if row[0] == dtype)
    return size // block * numbers
