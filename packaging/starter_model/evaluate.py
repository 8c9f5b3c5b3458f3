"""evaluate: the marks of a trained model, as a table and as JSON, at fixed seeds."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPModel, CLIPTokenizer, CLIPVisionModelWithProjection

from starter_model import clip, image_prompt, recogniser, sheet, unet, vae
from starter_model.captions import caption
from starter_model.pool import Pool
from starter_model.recogniser import SLOTS, Judge, Reading
from starter_model.scene import render
from starter_model.world import WORLDS, Scene, draw_scene

Marks = dict[str, Any]


def prompts(world_name: str, count: int, *, unseen: bool, seed: int = 4242) -> list[Scene]:
    """Return `count` scenes with one subject, all of them with held-out pairs or none of them."""
    rng = np.random.default_rng([seed, int(unseen)])
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = draw_scene(WORLDS[world_name], rng, unseen=unseen)
        if len(scene.subjects) == 1 and scene.subjects[0].count == 1 and not scene.sticker:
            scenes.append(scene)
    return scenes


def truths(scenes: list[Scene], slots: dict[str, list[str]]) -> dict[str, torch.Tensor]:
    """Return the index of every scene's value in every slot."""
    labels = [scene.labels() for scene in scenes]
    return {
        name: torch.tensor([values.index(label[name]) for label in labels])
        for name, values in slots.items()
    }


def commonest(truth: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return what always guessing the commonest value of each slot would score."""
    return {n: float(torch.bincount(t).max()) / len(t) for n, t in truth.items()}


def as_marks(reading: Reading) -> dict[str, float]:
    """Return a reading as plain numbers."""
    right = reading.right | {"subject_top5": reading.top5}
    return {name: round(value, 4) for name, value in right.items()}


def drawn(
    judge: Judge,
    model: UNet2DConditionModel,
    parts: unet.Parts,
    scenes: list[Scene],
    slots: dict[str, list[str]],
    path: Path,
) -> Marks:
    """Draw every scene from its full caption, judge the pictures, save a sheet of the first."""
    rng = np.random.default_rng(7)
    texts = [caption(scene, rng, full=True)[0] for scene in scenes]
    started = time.monotonic()
    pictures = unet.sample(model, parts, texts, seed=1000)
    seconds = (time.monotonic() - started) / len(texts)
    truth = truths(scenes, slots)
    sheet.draw(list(pictures[:48]), texts[:48], path, columns=8)
    marks: Marks = as_marks(recogniser.read(judge, pictures, truth))
    marks["commonest"] = {n: round(v, 4) for n, v in commonest(truth).items()}
    marks["seconds_each"] = round(seconds, 3)
    return marks


def prompted(
    judge: Judge,
    work: Path,
    parts: unet.Parts,
    scenes: list[Scene],
    slots: dict[str, list[str]],
    side: int,
) -> dict[str, float]:
    """Give the model newly rendered pictures as its only prompt; judge what it makes of them.

    A slot is right when the variation shows what the picture shows.
    """
    originals = np.stack([render(scene, side, index)[0] for index, scene in enumerate(scenes)])
    encoder = CLIPVisionModelWithProjection.from_pretrained(work / "image_encoder").eval()
    embeds = image_prompt.embeddings(encoder, originals)
    model = image_prompt.load(work)
    made = unet.sample(model, parts, [""] * len(scenes), seed=2000, image_embeds=embeds)
    pairs = [one for two in zip(originals[:24], made[:24], strict=True) for one in two]
    texts = [one for scene in scenes[:24] for one in (scene.labels()["subject"], "variation")]
    sheet.draw(pairs, texts, work / "sheets" / "evaluate-image-prompts.png", columns=8)
    return as_marks(recogniser.read(judge, made, truths(scenes, slots)))


def relative(seen: Marks, held: Marks) -> dict[str, float]:
    """Return the held-out marks as parts of the seen ones."""
    names = (*SLOTS, "subject_top5")
    return {n: round(held[n] / seen[n], 3) if seen[n] else 0.0 for n in names}


def table(marks: Marks) -> str:
    """Return the marks as text."""
    seen, held, own = marks["seen"], marks["held_out"], marks["judge_on_unseen_renders"]
    lines = [f"{'':14}{'seen':>8}{'held out':>10}{'relative':>10}{'guess':>8}{'renders':>9}"]
    for name in ("subject_top5", *SLOTS):
        guess = seen["commonest"].get(name, float("nan"))
        lines.append(
            f"{name:14}{seen[name]:8.3f}{held[name]:10.3f}"
            f"{marks['relative'][name]:10.2f}{guess:8.2f}{own[name]:9.3f}"
        )
    lines.append(f"VAE {marks['vae_psnr_db']:.2f} dB on unseen pictures")
    lines.append(f"one picture of {marks['side']} px, 20 steps: {marks['seconds_alone']:.2f} s")
    if "image_prompt" in marks:
        right = "  ".join(f"{name} {value:.3f}" for name, value in marks["image_prompt"].items())
        lines.append(f"variations show what their picture shows: {right}")
    if "clip_retrieval" in marks:
        lines.append(f"CLIP retrieval {marks['clip_retrieval']}")
    return "\n".join(lines)


def evaluate(
    *,
    pool_folder: Path,
    world_name: str,
    judge_world: str,
    work: Path,
    vae_folder: Path,
    text: Path,
    tokenizer: Path,
    scaling: float,
    count: int,
    minutes: float,
) -> Marks:
    """Print and save (`work/marks.json`) the marks from `count` prompts; return them.

    Prompts come from `world_name`; the judge knows all of `judge_world`, the pool's, so that a
    subject outside the smaller world can be mistaken for one inside it.
    """
    slots = recogniser.values(WORLDS[judge_world])
    judge, own = recogniser.train(
        pool_folder=pool_folder, world_name=judge_world, work=work, minutes=minutes
    )
    parts = unet.load_parts(vae_folder, text, tokenizer, "cpu", scaling)
    model = UNet2DConditionModel.from_pretrained(work / "unet").eval()
    pool = Pool(pool_folder)
    unseen = pool.pictures(np.arange(min(vae.HELD_BACK, len(pool))))
    decibels = vae.psnr(unseen, vae.decode(parts.vae, vae.encode(parts.vae, unseen)))
    marks: Marks = {
        "world": world_name,
        "judge_world": judge_world,
        "side": pool.side,
        "prompts": count,
    }
    for name, held in (("seen", False), ("held_out", True)):
        scenes = prompts(world_name, count // 2, unseen=held)
        path = work / "sheets" / f"evaluate-{name}.png"
        marks[name] = drawn(judge, model, parts, scenes, slots, path)
    marks["relative"] = relative(marks["seen"], marks["held_out"])
    marks["judge_on_unseen_renders"] = as_marks(own)
    marks["vae_psnr_db"] = round(float(decibels.mean()), 2)
    started = time.monotonic()
    unet.sample(model, parts, ["a fox"])
    marks["seconds_alone"] = round(time.monotonic() - started, 2)
    if (work / "clip" / "config.json").exists():
        towers = CLIPModel.from_pretrained(work / "clip").eval()
        marks["clip_retrieval"] = clip.retrieval(
            towers, CLIPTokenizer.from_pretrained(tokenizer), pool
        )
    if (work / image_prompt.FILE).exists():
        scenes = prompts(world_name, count // 4, unseen=False, seed=4243)
        marks["image_prompt"] = prompted(judge, work, parts, scenes, slots, pool.side)
    (work / "marks.json").write_text(json.dumps(marks, indent=1), encoding="utf-8")
    print(table(marks), flush=True)
    return marks
