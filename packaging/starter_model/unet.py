"""train-unet: the denoiser, trained on cached latents and cached text states by v-prediction."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from starter_model import loop, sheet
from starter_model import vae as autoencoder
from starter_model.muon import Average, optimizer_for
from starter_model.pool import Pool, save_array
from starter_model.schedule import scheduler, timesteps, v_loss
from starter_model.tokens import tokenize
from starter_model.vae import Autoencoder
from starter_model.world import WORLDS, World

HELD_BACK = 128
DROPOUT = 0.10
FAVOUR = 3
AVERAGING = 0.998
ANNEALED_AVERAGING = 0.98  # the fall of the rate averages too; a long memory would only lag
PACE_STEPS = 20  # how many steps tell how many more fit into a budget
SIZES = {
    "tiny": (16, 32, 64),
    "light": (32, 96, 192),
    "medium": (64, 128, 224),
    "large": (96, 144, 224),
}


def build(size: str, latent_side: int, text_width: int) -> UNet2DConditionModel:
    """Return an untrained U-Net; `size` is a key of SIZES. Attention at the two coarse levels."""
    channels = SIZES[size]
    return UNet2DConditionModel(
        sample_size=latent_side,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=channels,
        layers_per_block=1,
        cross_attention_dim=text_width,
        attention_head_dim=tuple(max(1, c // 32) for c in channels),  # diffusers: number of heads
        norm_num_groups=8 if channels[0] < 64 else 16,
        use_linear_projection=True,
    )


def cached_latents(pool: Pool, vae: Autoencoder, work: Path) -> Tensor:
    """Return the raw latents of the whole pool as float16, encoding only shards not yet cached.

    The cache is keyed by the encoder's weights: a changed encoder never meets stale latents.
    """
    digest = hashlib.sha256()
    for value in vae.encoder.state_dict().values():
        digest.update(value.detach().cpu().float().numpy().tobytes())
    folder = work / f"latents-{pool.folder.name}-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    parts, start = [], 0
    for shard in pool.shards:
        path = folder / f"{shard.name.split('.')[0]}.npy"
        count = len(np.load(shard.with_name(shard.name.replace(".texts.json", ".masks.npy"))))
        if not path.exists():
            pictures = pool.pictures(np.arange(start, start + count))
            save_array(autoencoder.encode(vae, pictures).half().numpy(), path)
            print(f"encoded {start + count} of {len(pool)}", flush=True)
        parts.append(np.load(path))
        start += count
    return torch.from_numpy(np.concatenate(parts))


class TextStates:
    """Text encoder states of every caption of a pool, computed when first asked for (float16)."""

    def __init__(self, tokenizer: CLIPTokenizer, encoder: CLIPTextModel, pool: Pool) -> None:
        self.tokenizer, self.encoder, self.captions = tokenizer, encoder, pool.captions
        self.each = max(len(c) for c in pool.captions)
        length, width = tokenizer.model_max_length, encoder.config.hidden_size
        self.states = torch.zeros(len(pool) * self.each, length, width, dtype=torch.float16)
        self.known = np.zeros(len(pool) * self.each, bool)
        self.nothing = self.encode([""])[0]

    @torch.inference_mode()
    def encode(self, texts: list[str]) -> Tensor:
        """Return the states of `texts`, float32 n x length x width, on the CPU."""
        tokens = tokenize(self.tokenizer, texts).to(self.encoder.device)
        return self.encoder(tokens).last_hidden_state.float().cpu()

    def get(self, pictures: np.ndarray, choice: np.ndarray, dropped: np.ndarray) -> Tensor:
        """Return states for a caption (`choice`) of each of `pictures`, empty where `dropped`."""
        which = choice % np.array([len(self.captions[p]) for p in pictures])
        slots = pictures * self.each + which
        missing = np.flatnonzero(~self.known[slots])
        if len(missing):
            texts = [self.captions[pictures[m]][which[m]] for m in missing]
            self.states[slots[missing]] = self.encode(texts).half()
            self.known[slots[missing]] = True
        states = self.states[slots].float()
        states[torch.from_numpy(dropped)] = self.nothing
        return states


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The frozen parts around the U-Net."""

    vae: Autoencoder
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    scaling: float


def load_parts(vae: Path, text: Path, tokenizer: Path, device: str, scaling: float) -> Parts:
    """Load the frozen parts in float32 from their folders."""
    return Parts(
        vae=autoencoder.load(vae).to(device).eval(),
        tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
        text_encoder=CLIPTextModel.from_pretrained(text, dtype=torch.float32).to(device).eval(),
        scaling=scaling,
    )


@torch.inference_mode()
def sample(
    unet: UNet2DConditionModel,
    parts: Parts,
    prompts: list[str],
    *,
    seed: int = 0,
    steps: int = 20,
    guidance_scale: float = 3.0,
    batch: int = 32,
    image_embeds: Tensor | None = None,
) -> np.ndarray:
    """Return one uint8 picture per prompt, by DDIM with classifier-free guidance.

    A U-Net with an image prompt adapter takes `image_embeds` (prompts x embedding) as well.
    """
    ddim = scheduler()
    side, device = unet.config.sample_size, unet.device
    empty = parts.text_encoder(tokenize(parts.tokenizer, [""]).to(device)).last_hidden_state
    pictures = []
    for start in range(0, len(prompts), batch):
        texts = prompts[start : start + batch]
        states = parts.text_encoder(tokenize(parts.tokenizer, texts).to(device)).last_hidden_state
        states = torch.cat([empty.expand_as(states), states])
        generator = torch.Generator().manual_seed(seed + start)
        latents = torch.randn(len(texts), 4, side, side, generator=generator).to(device)
        further = None
        if image_embeds is not None:
            images = image_embeds[start : start + batch].to(device)
            images = torch.cat([torch.zeros_like(images), images])
            further = {"image_embeds": [images[:, None]]}
        ddim.set_timesteps(steps)
        for timestep in ddim.timesteps:
            both = unet(
                torch.cat([latents, latents]), timestep, states, added_cond_kwargs=further
            ).sample
            without, with_text = both.chunk(2)
            guided = without + guidance_scale * (with_text - without)
            latents = ddim.step(guided, timestep, latents).prev_sample
        pictures.append(autoencoder.decode(parts.vae, latents / parts.scaling))
    return np.concatenate(pictures)


def belongs(world: World, labels: dict[str, str]) -> bool:
    """Tell whether a rendered scene could have been drawn from `world`."""
    return (
        labels["subject"] in world.subjects
        and labels["place"] in world.places
        and labels["medium"] in world.media
        and labels["time"] in world.times
    )


class Trainer:
    """One U-Net in training; `step`, `state` and `draw` are what `loop.run` calls."""

    def __init__(
        self,
        unet: UNet2DConditionModel,
        parts: Parts,
        pool: Pool,
        latents: Tensor,
        *,
        device: str,
        batch: int,
        seed: int,
        curriculum: int,
        schedule: loop.Schedule,
        world: World | None = None,
        favoured: tuple[str, ...] = (),
        rates: tuple[float, float] = (0.02, 1e-3),
    ) -> None:
        self.unet, self.parts, self.pool, self.device = unet.to(device), parts, pool, device
        self.latents = latents
        self.batch, self.seed, self.curriculum = batch, seed, curriculum
        self.schedule = schedule
        self.states = TextStates(parts.tokenizer, parts.text_encoder, pool)
        self.optimizer = optimizer_for(
            [unet],
            adamw_names=("conv_in", "conv_out", "time_emb"),
            muon_rate=rates[0],
            adamw_rate=rates[1],
        )
        self.average = Average(unet, AVERAGING)
        held_back = min(HELD_BACK, len(pool) // 4)
        self.validation = np.arange(held_back)
        fits = [world is None or belongs(world, pool.scenes[i]) for i in range(len(pool))]
        self.validation = self.validation[fits[:held_back]]
        self.everything = np.arange(held_back, len(pool))[fits[held_back:]]
        media = [pool.scenes[i]["medium"] for i in self.everything]
        often = [i for i, m in zip(self.everything, media, strict=True) if m in favoured]
        self.everything = np.concatenate([self.everything, *[often] * (FAVOUR - 1)]).astype(int)
        simple = [i for i in self.everything if pool.scenes[i]["medium"] == "illustration"]
        self.simple = np.array(simple) if simple else self.everything

    def loss(self, pictures: np.ndarray, rng: np.random.Generator, dropout: float) -> Tensor:
        """Return the mean squared error in v, subjects counting more than the rest."""
        count, device = len(pictures), self.device
        states = self.states.get(pictures, rng.integers(0, 64, count), rng.random(count) < dropout)
        times = timesteps(count, loop.step_noise(rng))
        # Noise is made where it is used: a processor could not keep up with a large GPU.
        clean = self.latents[torch.from_numpy(pictures)].to(device).float() * self.parts.scaling
        noise = torch.randn(clean.shape, generator=loop.step_noise(rng, device), device=device)
        cover = torch.from_numpy(self.pool.masks[pictures]).to(device)
        with torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda"):
            return v_loss(
                lambda noisy, times: self.unet(noisy, times, states.to(device)).sample,
                clean,
                noise=noise,
                times=times.to(device),
                cover=cover,
            )

    def step(self, index: int) -> tuple[int, float]:
        """Train one step."""
        rng = loop.step_generator(self.seed, index)
        chosen = self.simple if index < self.curriculum else self.everything
        loss = self.loss(rng.choice(chosen, self.batch), rng, DROPOUT)
        loss.backward()
        self.optimizer.scale = self.schedule.scale(index)
        self.optimizer.step()
        self.average.decay = AVERAGING if self.schedule.anneal_from < 0 else ANNEALED_AVERAGING
        self.average.update(self.unet, index)
        return self.batch, float(loss.detach())

    def state(self, index: int) -> loop.State:
        """Return everything a resumed run needs to go on exactly as if it had not stopped."""
        return {
            "step": index,
            "scaling": self.parts.scaling,
            "model": self.unet.state_dict(),
            "average": self.average.values,
            "optimizer": self.optimizer.state_dict(),
            "anneal_from": self.schedule.anneal_from,
            "anneal_steps": self.schedule.anneal_steps,
        }

    def restore(self, saved: loop.State) -> int:
        """Take up a saved state; return its step."""
        self.unet.load_state_dict(saved["model"])
        self.average.values = {k: v.to(self.device) for k, v in saved["average"].items()}
        self.optimizer.load_state_dict(saved["optimizer"])
        return int(saved["step"])

    @torch.no_grad()
    def validate(self) -> float:
        """Return the loss on pictures held back, at fixed noise and timesteps."""
        rng = np.random.default_rng(4242)
        rows = np.array_split(self.validation, max(1, len(self.validation) // 32))
        return float(np.mean([float(self.loss(r, rng, 0.0)) for r in rows]))

    def averaged(self) -> UNet2DConditionModel:
        """Return a copy of the U-Net that carries the averaged weights."""
        copy = UNet2DConditionModel.from_config(self.unet.config).to(self.device).eval()
        copy.load_state_dict(self.unet.state_dict())
        self.average.copy_to(copy)
        return copy


def train(
    *,
    pool_folder: Path,
    work: Path,
    vae: Path,
    text: Path,
    tokenizer: Path,
    minutes: float,
    device: str,
    prompts: list[str],
    size: str = "light",
    batch: int = 48,
    steps: int | None = None,
    seed: int = 2,
    curriculum: int = 0,
    anneal_steps: int = 0,
    only: str | None = None,
    favoured: tuple[str, ...] = (),
    start_from: Path | None = None,
    sheet_minutes: float = 10.0,
) -> Path:
    """Train until the budget ends or annealing is over; return the folder of the averaged U-Net.

    `anneal_steps` > 0 lets the learning rate fall to zero over so many steps from here; the state
    before is kept as `unet-before-anneal.ckpt`. Below 0 it takes as many steps as fit into the
    budget at the pace of the first `PACE_STEPS`. `only` names a smaller world: pictures outside it
    are passed over, so that a wide pool can be learnt from its heart outwards. Pictures in the
    `favoured` media are shown `FAVOUR` times as often, so that what lags behind catches up. Without
    a checkpoint training begins from the weights in `start_from`, if given. Raises
    FileNotFoundError without a pool.
    """
    pool = Pool(pool_folder)
    checkpoint = work / "unet.ckpt"
    saved = loop.load_state(checkpoint)
    parts = load_parts(vae, text, tokenizer, device, 1.0)
    latents = cached_latents(pool, parts.vae, work)
    spread = float(latents[:4000].float().std((0, 2, 3)).mean())
    scaling = saved["scaling"] if saved else 1 / spread
    parts = load_parts(vae, text, tokenizer, device, scaling)
    torch.manual_seed(seed)
    unet = build(size, pool.side // 8, parts.text_encoder.config.hidden_size)
    if start_from is not None:
        unet = UNet2DConditionModel.from_pretrained(start_from, dtype=torch.float32)
    trainer = Trainer(
        unet,
        parts,
        pool,
        latents,
        device=device,
        batch=batch,
        seed=seed,
        curriculum=curriculum,
        schedule=loop.Schedule(),
        world=WORLDS[only] if only else None,
        favoured=favoured,
    )
    first = trainer.restore(saved) if saved else 0
    if saved and saved["anneal_from"] >= 0:
        trainer.schedule.anneal_from = saved["anneal_from"]
        trainer.schedule.anneal_steps = saved["anneal_steps"]
    elif anneal_steps:
        loop.save_atomically(trainer.state(first), work / "unet-before-anneal.ckpt")
        if anneal_steps > 0:
            trainer.schedule.begin(first, anneal_steps)
    progress = loop.Progress(name="unet", minutes=minutes)

    def step(index: int) -> tuple[int, float]:
        waiting = anneal_steps < 0 and trainer.schedule.anneal_from < 0
        if waiting and index == first + PACE_STEPS:
            trainer.schedule.begin(index, progress.steps_left(PACE_STEPS))
        return trainer.step(index)

    def draw(index: int) -> None:
        averaged = trainer.averaged()
        averaged.save_pretrained(work / "unet")
        print(f"unet step {index}: validation {trainer.validate():.4f}", flush=True)
        pictures = sample(averaged, parts, prompts)
        sheet.draw(list(pictures), prompts, work / "sheets" / f"unet-{index:06d}.png")

    loop.run(
        progress=progress,
        checkpoint=checkpoint,
        first_step=first,
        last_step=steps,
        step=step,
        state=trainer.state,
        finished=trainer.schedule.finished,
        sheet=draw,
        sheet_every=sheet_minutes * 60,
    )
    return work / "unet"
