"""train-image-prompt: an IP-Adapter (Ye et al., 2023) that lets a picture prompt the U-Net."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from starter_model import loop, sheet
from starter_model import vae as autoencoders
from starter_model.muon import optimizer_for
from starter_model.pool import Pool
from starter_model.schedule import timesteps, v_loss
from starter_model.tokens import tokenize
from starter_model.unet import (
    DROPOUT,
    HELD_BACK,
    TextStates,
    cached_latents,
    load_parts,
    sample,
)
from starter_model.vae import to_tensor

FILE = "ip-adapter.safetensors"
TOKENS = 4  # what diffusers expects of the plain adapter
WORDLESS = 0.75
RIDGE = 1e-6  # of the mean square: half precision holds the weights, and little is lost


def untrained(unet: UNet2DConditionModel, projection: dict[str, Tensor]) -> dict[str, Any]:
    """Return fresh adapter weights in the published layout, around a `projection`.

    Keys and values begin as those that the U-Net has for its text (Ye et al., section 3.2).
    """
    attention: dict[str, Tensor] = {}
    crossing = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for index, name in enumerate(crossing):
        layer = unet.get_submodule(name.removesuffix(".processor"))
        for kind in ("k", "v"):
            weight = getattr(layer, f"to_{kind}").weight.detach().clone()
            attention[f"{2 * index + 1}.to_{kind}_ip.weight"] = weight
    return {"image_proj": projection, "ip_adapter": attention}


def worded(
    pictures: Tensor, told: Tensor, nothing: Tensor, norm: nn.LayerNorm
) -> dict[str, Tensor]:
    """Return the projection whose tokens come nearest to what the captions of pictures say.

    Both embeddings were trained to agree, so that a ridge regression turns one into the other, but
    for what the image embedding lacks: training goes on from a picture that is read as its caption.
    What the empty prompt says is taken out, because its attention is added to that of the picture;
    taken from every token alike it changes no weight of the attention (a softmax does not see it).

    Args:
        pictures: image embeddings, n x embedding; one of zeros means no picture.
        told: TOKENS of the text encoder's last states for each caption, n x TOKENS x width.
        nothing: the same for the empty prompt, TOKENS x width.
        norm: what the text encoder ends with, as the projection does.
    """
    inner = ((torch.cat([told, nothing[None]]) - norm.bias) / norm.weight).flatten(1).double()
    known = torch.cat([pictures, torch.ones(len(pictures), 1)], 1).double()
    without = torch.zeros(1, known.shape[1], dtype=torch.float64)
    without[0, -1] = 1
    weight = torch.ones(len(inner), 1, dtype=torch.float64)
    weight[-1] = len(pictures) ** 0.5  # as much as all pictures together
    known = weight * torch.cat([known, without])
    squares = known.T @ known
    # Embeddings fill few of their directions: without a bound the others take weights of thousands.
    bound = RIDGE * squares.diagonal()[:-1].mean() * torch.eye(len(squares), dtype=torch.float64)
    bound[-1, -1] = 0
    solution = torch.linalg.solve(squares + bound, known.T @ (weight * inner))
    return {
        "proj.weight": solution[:-1].T.float().contiguous(),
        "proj.bias": solution[-1].float(),
        "norm.weight": norm.weight.detach().clone(),
        "norm.bias": norm.bias.detach() - nothing.mean(0),
    }


def summaries(tokenizer: CLIPTokenizer, encoder: CLIPTextModel, captions: list[str]) -> Tensor:
    """Return TOKENS of the last states of every caption, n x TOKENS x width.

    The end of the text and the padding behind it have read the whole of it. The first state is
    always the same, but the U-Net looks there where it wants no words: without it, one subject in
    eight was drawn right, with it, nine in ten.
    """
    parts: list[Tensor] = []
    for start in range(0, len(captions), 500):
        ids = tokenize(tokenizer, captions[start : start + 500])
        with torch.inference_mode():
            states = encoder(ids.to(encoder.device)).last_hidden_state.float().cpu()
        end = (ids == tokenizer.eos_token_id).int().argmax(-1)
        behind = (end[:, None] + torch.arange(TOKENS - 1)).clamp(max=ids.shape[1] - 1)
        places = torch.cat([torch.zeros_like(end)[:, None], behind], 1)
        parts.append(states[torch.arange(len(ids))[:, None], places])
    return torch.cat(parts).clone()


def published(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Return the adapter inside `unet` in the layout that `load_ip_adapter` reads."""
    result: dict[str, Tensor] = {}
    names = {"image_embeds": "proj", "norm": "norm"}
    for name, value in unet.encoder_hid_proj.image_projection_layers[0].state_dict().items():
        part, leaf = name.split(".")
        result[f"image_proj.{names[part]}.{leaf}"] = value.detach().cpu().contiguous()
    crossing = [p for n, p in unet.attn_processors.items() if n.endswith("attn2.processor")]
    for index, processor in enumerate(crossing):
        for kind in ("k", "v"):
            weight = getattr(processor, f"to_{kind}_ip")[0].weight
            key = f"ip_adapter.{2 * index + 1}.to_{kind}_ip.weight"
            result[key] = weight.detach().cpu().contiguous()
    return result


def trainable(unet: UNet2DConditionModel) -> nn.ModuleDict:
    """Freeze `unet` and return the adapter's own modules, ready to be trained."""
    unet.requires_grad_(False)
    modules = nn.ModuleDict({"projection": unet.encoder_hid_proj})
    for index, (name, processor) in enumerate(unet.attn_processors.items()):
        if name.endswith("attn2.processor"):
            modules[f"attention{index}"] = processor
    modules.requires_grad_(True)
    return modules


def load(work: Path) -> UNet2DConditionModel:
    """Return the trained U-Net with the trained adapter in it.

    Raises OSError when either has not been trained.
    """
    unet = UNet2DConditionModel.from_pretrained(work / "unet").eval()
    parts: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in load_file(work / FILE).items():
        part, leaf = name.split(".", 1)
        parts[part][leaf] = value.float()
    unet._load_ip_adapter_weights([parts])
    return unet


@torch.inference_mode()
def embeddings(encoder: CLIPVisionModelWithProjection, pictures: np.ndarray) -> Tensor:
    """Return the image embeddings (n x projection) of uint8 n x h x w x 3 pictures."""
    parts = [
        encoder(to_tensor(pictures[start : start + 50]).to(encoder.device)).image_embeds.cpu()
        for start in range(0, len(pictures), 50)
    ]
    return torch.cat(parts)


def train(
    *,
    pool_folder: Path,
    work: Path,
    vae: Path,
    text: Path,
    tokenizer: Path,
    minutes: float,
    device: str,
    batch: int = 32,
    steps: int | None = None,
    seed: int = 8,
) -> Path:
    """Train the adapter of `work/unet` on `work/image_encoder`; return the file written.

    The words are left out mostly and the picture at times, so that either alone works too. The rate
    falls to nothing in each call. Raises OSError when the U-Net or the image encoder has not been
    trained yet.
    """
    pool, checkpoint = Pool(pool_folder), work / "image_prompt.ckpt"
    encoder = CLIPVisionModelWithProjection.from_pretrained(work / "image_encoder").to(device)
    unet = UNet2DConditionModel.from_pretrained(work / "unet").to(device)
    autoencoder = autoencoders.load(vae).to(device)
    latents = cached_latents(pool, autoencoder, work)
    scaling = 1 / float(latents[:4000].float().std((0, 2, 3)).mean())
    parts = load_parts(vae, text, tokenizer, device, scaling)
    states = TextStates(parts.tokenizer, parts.text_encoder, pool)
    pictures = torch.cat(
        [
            embeddings(encoder, pool.pictures(np.arange(start, min(start + 500, len(pool)))))
            for start in range(0, len(pool), 500)
        ]
    )
    norm = parts.text_encoder.get_submodule("final_layer_norm").cpu()
    captions = ["", *(texts[0] for texts in pool.captions)]
    nothing, *told = summaries(parts.tokenizer, parts.text_encoder, captions)
    projection = worded(pictures, torch.stack(told), nothing, norm)
    unet._load_ip_adapter_weights([untrained(unet, projection)])
    modules = trainable(unet)
    optimizer = optimizer_for([modules], adamw_names=("norm",), muon_rate=0.01)
    first, held_back = 0, min(HELD_BACK, len(pool) // 4)
    progress = loop.Progress(name="image-prompt", minutes=minutes)
    if saved := loop.load_state(checkpoint):
        modules.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = int(saved["step"])

    def step(index: int) -> tuple[int, float]:
        rng = loop.step_generator(seed, index)
        source = loop.step_noise(rng)
        chosen = rng.integers(held_back, len(pool), batch)
        wordless = rng.random(batch) < WORDLESS
        text_states = states.get(chosen, rng.integers(0, 64, batch), wordless).to(device)
        images = pictures[torch.from_numpy(chosen)].clone()
        images[torch.from_numpy(rng.random(batch) < DROPOUT)] = 0
        further = {"image_embeds": [images[:, None].to(device)]}
        clean = latents[torch.from_numpy(chosen)].to(device).float() * scaling
        loss = v_loss(
            lambda noisy, times: unet(noisy, times, text_states, added_cond_kwargs=further).sample,
            clean,
            noise=torch.randn(clean.shape, generator=source).to(device),
            times=timesteps(batch, source).to(device),
            cover=torch.from_numpy(pool.masks[chosen]).to(device),
        )
        loss.backward()
        fall = 1 - progress.seconds() / max(1e-6, minutes * 60)
        optimizer.scale = min(1.0, (index + 1) / 50) * max(0.02, fall)
        optimizer.step()
        return batch, float(loss.detach())

    def draw(index: int) -> None:
        shown = np.arange(min(12, held_back))
        originals = pool.pictures(shown)
        made = sample(unet, parts, [""] * len(shown), seed=2000, image_embeds=pictures[shown])
        pairs = [one for two in zip(originals, made, strict=True) for one in two]
        sheet.draw(pairs, [], work / "sheets" / f"image-prompt-{index:06d}.png", columns=8)

    def state(index: int) -> loop.State:
        return {"step": index, "model": modules.state_dict(), "optimizer": optimizer.state_dict()}

    loop.run(
        progress=progress,
        checkpoint=checkpoint,
        first_step=first,
        last_step=steps,
        step=step,
        state=state,
        sheet=draw,
    )
    out = work / FILE
    save_file({name: value.half() for name, value in published(unet).items()}, out)
    return out
