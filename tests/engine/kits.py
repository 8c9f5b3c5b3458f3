"""Families as an artist has them: networks, VAEs, text encoders and vocabularies in files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import save_file

from desktop_app.engine.lent import Lent, LentFile
from desktop_app.engine.loading import load_model
from desktop_app.engine.model import Model
from desktop_app.recipe.families import FAMILIES
from desktop_app.recipe.recipe import ModelRef
from desktop_app.recipe.vocabularies import vocabulary_for
from tests.engine.checkpoints import checkpoint_of, vae_checkpoint_of
from tests.engine.original_names import original
from tests.engine.single_files import clip_words, empty_parts
from tests.weights.vocabulary_files import GEMMA_PIECES, qwen_json, sentencepiece_file, t5_json

Tensors = dict[str, torch.Tensor]
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Kit:
    """A family as an artist has it: a network and what completes it, in files of their own."""

    family: str
    folder: Path
    configs: Path
    parts: dict[str, Any]

    @property
    def network(self) -> Path:
        return self.folder / "network.safetensors"

    def lent(self, *without: str) -> Lent:
        encoders = [part for part in self.parts if part.startswith("text_encoder")]
        files = {
            part: lent_file(self.folder / f"{part}.safetensors") for part in (*encoders, "vae")
        }
        return Lent(
            vae=None if "vae" in without else files["vae"],
            text_encoders=tuple(files[part] for part in encoders if part not in without),
            words=lambda kind: words_place(self.folder, kind),
        )


def lent_file(path: Path, kind: Any = "text_encoder") -> LentFile:
    name = path.stem
    sha256 = (name.encode().hex() + "0" * 64)[:64]
    return LentFile(ref=ModelRef(sha256=sha256, name=name, kind=kind), path=path)


def words_place(folder: Path, kind: str) -> Path | None:
    place = {"t5": "tokenizer.json", "gemma": "tokenizer.model", "qwen": "tokenizer.json"}[kind]
    path = folder / kind / place
    return path if path.exists() else None


def random_parts(configs: Path, family: str, dtype: torch.dtype) -> dict[str, Any]:
    """Components with the small settings, seeded; none of their numbers is a plain zero."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.set_default_dtype(dtype)
        try:
            parts = empty_parts(configs, family)
        finally:
            torch.set_default_dtype(torch.float32)
        for part in parts.values():
            for one in part.parameters():
                if not bool(one.detach().any()):
                    torch.nn.init.normal_(one, std=0.05)
    if family == "sd3":
        # Its first text encoder is not projected, whatever is in the file.
        parts["text_encoder"].text_projection.weight.data = torch.eye(32)
    return {name: part.eval() for name, part in parts.items()}


def make_kit(configs: Path, folder: Path, family: str, dtype: torch.dtype) -> Kit:
    parts = random_parts(configs, family, dtype)
    folder.mkdir(exist_ok=True)
    write(network_of(parts, family), folder / "network.safetensors")
    write(vae_of(parts["vae"]), folder / "vae.safetensors")
    for name, part in parts.items():
        if name.startswith("text_encoder"):
            write(encoder_of(part), folder / f"{name}.safetensors")
    t5_json(folder / "t5" / "tokenizer.json")
    qwen_json(folder / "qwen" / "tokenizer.json")
    (folder / "gemma").mkdir(exist_ok=True)
    data = sentencepiece_file(GEMMA_PIECES, merges=True)
    (folder / "gemma" / "tokenizer.model").write_bytes(data)
    return Kit(family=family, folder=folder, configs=configs, parts=parts)


def write(tensors: Tensors, path: Path) -> None:
    save_file({key: one.detach().clone().contiguous() for key, one in tensors.items()}, path)


def network_of(parts: dict[str, Any], family: str) -> Tensors:
    if family == "sdxl":
        start = "model.diffusion_model."
        whole = checkpoint_of(parts, family)
        return {k.removeprefix(start): v for k, v in whole.items() if k.startswith(start)}
    return original(parts["transformer"])


def vae_of(vae: Any) -> Tensors:
    return vae_checkpoint_of(vae) if type(vae).__name__ == "AutoencoderKL" else vae.state_dict()


def encoder_of(part: Any) -> Tensors:
    """As the files of ComfyUI have them: the names that their makers published."""
    state = dict(part.state_dict())
    match type(part).__name__:
        case "CLIPTextModel":
            return {f"text_model.{key}": one for key, one in state.items()}
        case "T5EncoderModel":
            del state["encoder.embed_tokens.weight"]
            return state
        case "Gemma2Model" | "Qwen3Model":
            return {f"model.{key}": one for key, one in state.items()}
        case "Qwen2_5_VLForConditionalGeneration":
            short = {k.replace("model.language_model.", "model."): v for k, v in state.items()}
            return {k.replace("model.visual.", "visual."): v for k, v in short.items()}
        case _:
            return state


def whole_sd3(kit: Kit) -> Tensors:
    """Everything in one file, as ComfyUI writes it."""
    starts = {"text_encoder": "clip_l", "text_encoder_2": "clip_g", "text_encoder_3": "t5xxl"}
    whole = {f"model.diffusion_model.{k}": v for k, v in network_of(kit.parts, "sd3").items()}
    whole |= {f"first_stage_model.{k}": v for k, v in vae_of(kit.parts["vae"]).items()}
    for part, name in starts.items():
        tensors = encoder_of(kit.parts[part])
        whole |= {f"text_encoders.{name}.transformer.{k}": v for k, v in tensors.items()}
    return whole


def plain(kit: Kit, **changed: Any) -> Any:
    """The pipeline as anybody would put it together who has the components."""
    row = FAMILIES[kit.family]
    index = json.loads((kit.configs / kit.family / "model_index.json").read_text("utf-8"))
    told: dict[str, Any] = dict(kit.parts)
    for part in row.parts:
        kind = vocabulary_for(part)
        if kind == "clip":
            told[part.name] = clip_words(kit.configs, kit.family, part.name)
        elif kind:
            told[part.name] = plain_words(kit, part.name, kind)
    place = kit.configs / kit.family / "scheduler" / "scheduler_config.json"
    scheduler: Any = getattr(diffusers, index["scheduler"][1])
    told["scheduler"] = scheduler.from_config(json.loads(place.read_text("utf-8")))
    made = getattr(diffusers, row.pipelines[0])(**{**told, **changed})
    made.set_progress_bar_config(disable=True)
    return made


def plain_words(kit: Kit, part: str, kind: str) -> Any:
    """By transformers alone, from the file as it was published."""
    place = kit.configs / kit.family / part / "tokenizer_config.json"
    settings = json.loads(place.read_text("utf-8"))
    if kind == "gemma":
        numbers = {text: number for number, (text, _, _) in enumerate(GEMMA_PIECES)}
        merges: Any = [("f", "o"), ("fo", "x"), ("\u2581", "fox")]
        made = transformers.GemmaTokenizer(vocab=numbers, merges=merges, **settings)
        made.add_bos_token = True
        return made
    known: Any = {"t5": transformers.T5Tokenizer, "qwen": transformers.Qwen2Tokenizer}[kind]
    return known.from_pretrained(kit.folder / kind, **settings)


def load(kit: Kit, lent: Lent, path: Path | None = None, dtype: Any = torch.float32) -> Model:
    return load_model(
        path or kit.network, "Test", device=CPU, dtype=dtype, configs=kit.configs, lent=lent
    )


def pixels(pipe: Any, **more: Any) -> Any:
    told = {"width": 64, "height": 64, "num_inference_steps": 2, "output_type": "np", **more}
    pipe.set_progress_bar_config(disable=True)
    return pipe("a fox", generator=torch.Generator().manual_seed(1), **told).images[0]


SETTINGS: dict[str, dict[str, Any]] = {
    "sana": {"use_resolution_binning": False, "clean_caption": False},
    "qwen_image": {"true_cfg_scale": 2.0, "negative_prompt": "dim"},
}
