"""train-text: the text encoder learns, from captions alone, to tell what a caption names."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from starter_model import loop, tokens
from starter_model.captions import caption
from starter_model.muon import Average, optimizer_for
from starter_model.tokens import tokenize
from starter_model.world import COUNTS, LAYOUTS, LIGHTS, RELATIONS, WORLDS, World, draw_scene


def slots(world: World) -> dict[str, list[str]]:
    """Return the values of each slot of a world; the first, empty one means "not named"."""
    subjects = ["", *world.subjects]
    colours = ["", "none", *world.colours]
    return {
        "subject": subjects,
        "colour": colours,
        "count": ["", *(str(count) for count in COUNTS)],
        "second": subjects,
        "place": ["", *world.places],
        "time": ["", *world.times],
        "weather": ["", *world.weathers],
        "light": ["", *LIGHTS],
        "medium": ["", "sticker", *world.media],
        "layout": ["", *LAYOUTS],
        "background": ["", *world.backgrounds],
        "relation": ["", "none", *RELATIONS],
    }


def build(tokenizer: CLIPTokenizer, width: int = 192, layers: int = 3) -> CLIPTextModel:
    """Return an untrained text encoder for the vocabulary of `tokenizer`."""
    size = len(tokenizer)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=size,
            hidden_size=width,
            intermediate_size=4 * width,
            projection_dim=width,
            num_hidden_layers=layers,
            num_attention_heads=max(1, width // 64),
            max_position_embeddings=tokenizer.model_max_length,
            hidden_act="quick_gelu",
            bos_token_id=size - 2,
            eos_token_id=size - 1,
            pad_token_id=size - 1,
        )
    )


class Heads(nn.Module):
    """One linear reader for each slot."""

    def __init__(self, width: int, values: dict[str, list[str]]) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(v)) for name, v in values.items()})

    def forward(self, states: Tensor) -> list[Tensor]:
        """Return the logits of every slot, in order."""
        return [head(states) for head in self.heads.values()]


def told(
    world: World, count: int, rng: np.random.Generator, *, unseen: bool
) -> tuple[list[str], Tensor]:
    """Return `count` captions and, for each, the index of the value it names in every slot."""
    values = slots(world)
    texts, labels = [], []
    for _ in range(count):
        text, named = caption(draw_scene(world, rng, unseen=unseen), rng)
        texts.append(text)
        labels.append([v.index(named.get(name, "")) for name, v in values.items()])
    return texts, torch.tensor(labels)


def ends(ids: Tensor, eos: int) -> Tensor:
    """Return where the first end token stands in each row."""
    return (ids == eos).int().argmax(-1)


@torch.no_grad()
def accuracy(
    model: CLIPTextModel, heads: Heads, tokenizer: CLIPTokenizer, world: World, *, unseen: bool
) -> dict[str, float]:
    """Return, for each slot, how often it is read right in fresh captions that name it."""
    texts, labels = told(world, 512, np.random.default_rng(99), unseen=unseen)
    ids = tokenize(tokenizer, texts).to(model.device)
    states = model(ids).last_hidden_state
    at_end = states[torch.arange(len(ids)), ends(ids, tokenizer.eos_token_id)]
    result = {}
    for index, (name, logits) in enumerate(zip(slots(world), heads(at_end), strict=True)):
        named = labels[:, index] > 0
        if named.any():
            right = logits.argmax(-1).cpu()[named] == labels[named, index]
            result[name] = round(float(right.float().mean()), 3)
    return result


def train(
    *,
    world_name: str,
    work: Path,
    minutes: float,
    device: str,
    batch: int = 64,
    steps: int | None = None,
    seed: int = 3,
    anneal_steps: int = 400,
) -> Path:
    """Learn the tokenizer when there is none, then train the text encoder; return its folder.

    The fall of the learning rate begins so that it fits into the budget that is left.
    """
    world, checkpoint = WORLDS[world_name], work / "text.ckpt"
    folder = work / "tokenizer"
    if not (folder / "tokenizer.json").exists():
        tokens.train(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    torch.manual_seed(seed)
    model = build(tokenizer).to(device)
    heads = Heads(model.config.hidden_size, slots(world)).to(device)
    both = nn.ModuleDict({"model": model, "heads": heads})
    optimizer = optimizer_for(
        [both], adamw_names=("embed", "heads."), muon_rate=0.01, adamw_rate=2e-3
    )
    average, schedule, first = Average(both, 0.99), loop.Schedule(warm_up=50), 0
    if saved := loop.load_state(checkpoint):
        both.load_state_dict(saved["model"])
        average.values = {k: v.to(device) for k, v in saved["average"].items()}
        optimizer.load_state_dict(saved["optimizer"])
        schedule.anneal_from, schedule.anneal_steps = saved["anneal"]
        first = int(saved["step"])
    progress = loop.Progress(name="text", minutes=minutes)

    def step(index: int) -> tuple[int, float]:
        rng = loop.step_generator(seed, index)
        texts, labels = told(world, batch, rng, unseen=False)
        ids = tokenize(tokenizer, texts)
        # The padding after the end is read too: cross-attention sees it, so it should know as much.
        shift = rng.integers(0, 12, batch) * (rng.random(batch) < 0.5)
        where = ends(ids, tokenizer.eos_token_id) + torch.from_numpy(shift)
        where = where.clamp(max=tokenizer.model_max_length - 1)
        states = model(ids.to(device)).last_hidden_state[torch.arange(batch), where.to(device)]
        labels = labels.to(device)
        losses = [
            functional.cross_entropy(logits, labels[:, slot])
            for slot, logits in enumerate(heads(states))
        ]
        loss = torch.stack(losses).sum()
        loss.backward()
        pace = progress.seconds() / max(1, index - first + 1)
        if schedule.anneal_from < 0 and minutes * 60 - progress.seconds() < anneal_steps * pace:
            schedule.anneal_from, schedule.anneal_steps = index, anneal_steps
        optimizer.scale = schedule.scale(index)
        optimizer.step()
        average.update(both, index)
        return batch, float(loss.detach())

    def state(index: int) -> loop.State:
        return {
            "step": index,
            "model": both.state_dict(),
            "average": average.values,
            "optimizer": optimizer.state_dict(),
            "anneal": [schedule.anneal_from, schedule.anneal_steps],
        }

    loop.run(
        progress=progress,
        checkpoint=checkpoint,
        first_step=first,
        last_step=steps,
        step=step,
        state=state,
        finished=schedule.finished,
    )
    average.copy_to(both)
    for unseen in (False, True):
        kind = "held-out" if unseen else "seen"
        print(kind, accuracy(model, heads, tokenizer, world, unseen=unseen), flush=True)
    model.save_pretrained(work / "text_encoder")
    return work / "text_encoder"
