"""train-clip: an image tower beside the pipeline's text encoder, trained contrastively."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from starter_model import loop
from starter_model.muon import Average, optimizer_for
from starter_model.pool import Pool
from starter_model.tokens import tokenize
from starter_model.vae import to_tensor

HELD_BACK = 1000
PROJECTION = 192
ALIKE = (("medium", "place"), ("subject",))  # of the same, in turn, are half of the batches


def build(text_encoder: CLIPTextModel, side: int, layers: int = 4) -> CLIPModel:
    """Return a CLIP whose text tower carries the weights of `text_encoder`."""
    vision = CLIPVisionConfig(
        hidden_size=192,
        intermediate_size=768,
        projection_dim=PROJECTION,
        num_hidden_layers=layers,
        num_attention_heads=3,
        image_size=side,
        patch_size=16,
    )
    text = text_encoder.config.to_dict() | {"projection_dim": PROJECTION}
    config = CLIPConfig(text_config=text, vision_config=vision.to_dict(), projection_dim=PROJECTION)
    model = CLIPModel(config)
    weights = {name.removeprefix("text_model."): v for name, v in text_encoder.state_dict().items()}
    model.text_model.load_state_dict(weights, strict=False)
    model.text_model.requires_grad_(False)
    return model


def processor(tokenizer: CLIPTokenizer, side: int) -> CLIPProcessor:
    """Return the processor: pictures of `side` pixels in -1..1."""
    image_processor = CLIPImageProcessor(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return CLIPProcessor(image_processor=image_processor, tokenizer=tokenizer)


def text_embeddings(model: CLIPModel, ids: Tensor) -> Tensor:
    """Return unit vectors for captions; the text tower itself is frozen."""
    with torch.no_grad():
        pooled = model.text_model(input_ids=ids).pooler_output
    return functional.normalize(model.text_projection(pooled), dim=-1)


def image_embeddings(model: CLIPModel, images: Tensor) -> Tensor:
    """Return unit vectors for pictures n x 3 x side x side in -1..1."""
    pooled = model.vision_model(pixel_values=images).pooler_output
    return functional.normalize(model.visual_projection(pooled), dim=-1)


@torch.inference_mode()
def retrieval(model: CLIPModel, tokenizer: CLIPTokenizer, pool: Pool) -> dict[str, float]:
    """Return how often a full caption finds its own picture among those held back."""
    count = min(HELD_BACK, len(pool) // 4)
    pictures = pool.pictures(np.arange(count))
    images = torch.cat(
        [
            image_embeddings(model, to_tensor(pictures[i : i + 50]).to(model.device))
            for i in range(0, count, 50)
        ]
    )
    ids = tokenize(tokenizer, [pool.captions[i][0] for i in range(count)]).to(model.device)
    ranks = (text_embeddings(model, ids) @ images.T).argsort(descending=True)
    place = (ranks == torch.arange(count, device=ranks.device)[:, None]).int().argmax(-1)
    return {
        "among": float(count),
        "first": round(float((place == 0).float().mean()), 4),
        "first_ten": round(float((place < 10).float().mean()), 4),
    }


def alike(pool: Pool, held_back: int, *slots: str) -> list[np.ndarray]:
    """Return for each picture from `held_back` on those with the same values in `slots`.

    Most pictures are told apart without looking at the subject, so an embedding trained on mixed
    batches alone hardly holds it (hard negatives: Robinson et al., 2021).
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    keys = [tuple(scene[slot] for slot in slots) for scene in pool.scenes[held_back:]]
    for index, key in enumerate(keys, start=held_back):
        groups.setdefault(key, []).append(index)
    members = {key: np.array(indices) for key, indices in groups.items()}
    return [members[key] for key in keys]


def train(
    *,
    pool_folder: Path,
    work: Path,
    text: Path,
    tokenizer_folder: Path,
    minutes: float,
    device: str,
    batch: int = 96,
    layers: int = 4,
    steps: int | None = None,
    seed: int = 6,
) -> Path:
    """Train the image tower and both projections until the budget ends; return the folder."""
    pool, checkpoint = Pool(pool_folder), work / "clip.ckpt"
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    torch.manual_seed(seed)
    encoder = CLIPTextModel.from_pretrained(text, dtype=torch.float32)
    model = build(encoder, pool.side, layers).to(device)
    trained: nn.Module = nn.ModuleDict(
        {
            "vision": model.vision_model,
            "visual": model.visual_projection,
            "text": model.text_projection,
        }
    )
    optimizer = optimizer_for([trained], adamw_names=("embed",), muon_rate=0.01)
    temperature = float(np.log(1 / 0.07))
    model.logit_scale.data.fill_(temperature)
    average, first = Average(trained, 0.995), 0
    if saved := loop.load_state(checkpoint):
        trained.load_state_dict(saved["model"])
        average.values = {k: v.to(device) for k, v in saved["average"].items()}
        optimizer.load_state_dict(saved["optimizer"])
        first = int(saved["step"])
    held_back = min(HELD_BACK, len(pool) // 4)
    everyone = np.arange(held_back, len(pool))
    kin = [alike(pool, held_back, *slots) for slots in ALIKE]
    progress = loop.Progress(name="clip", minutes=minutes)

    def step(index: int) -> tuple[int, float]:
        rng = loop.step_generator(seed, index)
        groups = kin[index // 2 % len(kin)]
        among = groups[int(rng.integers(len(groups)))] if index % 2 else everyone
        chosen = rng.choice(among, min(batch, len(among)), replace=False)
        images = to_tensor(pool.pictures(chosen)).to(device)
        texts = [pool.captions[i][int(rng.integers(len(pool.captions[i])))] for i in chosen]
        ids = tokenize(tokenizer, texts).to(device)
        logits = text_embeddings(model, ids) @ image_embeddings(model, images).T
        logits = logits * float(np.exp(temperature))
        truth = torch.arange(len(chosen), device=device)
        loss = functional.cross_entropy(logits, truth) + functional.cross_entropy(logits.T, truth)
        loss.backward()
        fall = 1 - progress.seconds() / max(1e-6, minutes * 60)
        optimizer.scale = min(1.0, (index + 1) / 50) * max(0.02, fall)
        optimizer.step()
        average.update(trained, index)
        return len(chosen), float(loss.detach()) / 2

    def state(index: int) -> loop.State:
        return {
            "step": index,
            "model": trained.state_dict(),
            "average": average.values,
            "optimizer": optimizer.state_dict(),
        }

    loop.run(
        progress=progress,
        checkpoint=checkpoint,
        first_step=first,
        last_step=steps,
        step=step,
        state=state,
    )
    average.copy_to(trained)
    model.eval()
    print("clip retrieval", retrieval(model, tokenizer, pool), flush=True)
    model.save_pretrained(work / "clip")
    processor(tokenizer, pool.side).save_pretrained(work / "clip")
    tower = CLIPVisionModelWithProjection(model.config.vision_config)
    tower.vision_model.load_state_dict(model.vision_model.state_dict())
    tower.visual_projection.load_state_dict(model.visual_projection.state_dict())
    tower.save_pretrained(work / "image_encoder")
    return work / "clip"
