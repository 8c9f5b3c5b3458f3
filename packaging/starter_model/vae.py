"""train-vae: a small 8x autoencoder with 4 latent channels, and its decoder's later polish."""

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor

from starter_model import loop, sheet
from starter_model.muon import optimizer_for
from starter_model.pool import Pool

HELD_BACK = 48
CROP = 64
LATENT_BOUND = 3.0  # AutoencoderTiny's decoder saturates its input there
KL_WEIGHT = 1e-6  # of the divergence summed over a latent and averaged, as in latent diffusion
Autoencoder = AutoencoderKL | AutoencoderTiny


def build(channels: int = 64) -> AutoencoderTiny:
    """Return an untrained autoencoder, lighter than the usual one at full resolution."""
    return AutoencoderTiny(
        encoder_block_out_channels=(channels,) * 4,
        decoder_block_out_channels=(channels,) * 4,
        num_encoder_blocks=(0, 1, 3, 3),
        num_decoder_blocks=(3, 3, 1, 0),
        scaling_factor=1.0,
    )


def build_kl(channels: tuple[int, ...] = (32, 64, 96, 128)) -> AutoencoderKL:
    """Return an untrained autoencoder with a mean and a variance, slower and heavier than tiny."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=min(8, channels[0]),
        scaling_factor=1.0,
    )


def load(folder: Path) -> Autoencoder:
    """Return the autoencoder saved in `folder`, of either kind, in float32."""
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"]
    model = AutoencoderKL if kind == "AutoencoderKL" else AutoencoderTiny
    return model.from_pretrained(folder, dtype=torch.float32)


def distribution(vae: Autoencoder, images: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the latents' mean and log-variance (None: this kind has no variance)."""
    if isinstance(vae, AutoencoderTiny):
        return vae.encode(images).latents, None
    drawn = vae.encode(images).latent_dist
    return drawn.mean, drawn.logvar


def to_tensor(pictures: np.ndarray) -> Tensor:
    """Return uint8 n x h x w x 3 pictures as float n x 3 x h x w in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pictures(images: Tensor) -> np.ndarray:
    """Return float n x 3 x h x w images in -1..1 as uint8 n x h x w x 3."""
    scaled = (images.float().clamp(-1, 1) + 1) * 127.5 + 0.5
    return scaled.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


@torch.inference_mode()
def encode(vae: Autoencoder, pictures: np.ndarray, batch: int = 16) -> Tensor:
    """Return the raw (unscaled) latents of uint8 `pictures`, float32 n x 4 x h/8 x w/8."""
    parts = []
    for start in range(0, len(pictures), batch):
        images = to_tensor(np.ascontiguousarray(pictures[start : start + batch]))
        parts.append(distribution(vae, images.to(vae.device))[0].float().cpu())
    return torch.cat(parts)


@torch.inference_mode()
def decode(vae: Autoencoder, latents: Tensor, batch: int = 16) -> np.ndarray:
    """Return uint8 pictures of raw (unscaled) `latents`."""
    parts = [
        to_pictures(vae.decode(latents[start : start + batch].to(vae.device)).sample)
        for start in range(0, len(latents), batch)
    ]
    return np.concatenate(parts)


def psnr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the peak signal-to-noise ratio in dB of each pair of uint8 pictures."""
    squared = (a.astype(np.float32) - b.astype(np.float32)) ** 2
    return 10 * np.log10(255**2 / np.maximum(squared.mean((1, 2, 3)), 1e-6))


def gradient_loss(difference: Tensor) -> Tensor:
    """Return the mean absolute slope of `difference`: it keeps edges where they are."""
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return across + down


def latents_loss(mean: Tensor, deviation: Tensor | None) -> Tensor:
    """Return what keeps latents near unit deviation (tiny) or near a normal distribution (KL)."""
    if deviation is not None:
        variance = deviation.square()
        divergence = mean.square() + variance - 1 - variance.log()
        return KL_WEIGHT * 0.5 * divergence.sum((1, 2, 3)).mean()
    spread = (mean.std((0, 2, 3)) - 1).square().mean()
    centre = mean.mean((0, 2, 3)).square().mean()
    over = torch.relu(mean.abs() - LATENT_BOUND).mean()
    return 0.02 * (spread + centre) + 0.01 * over


def crops(pool: Pool, rng: np.random.Generator, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random 64 px crops (uint8) and for each pixel its weight (twice on subjects)."""
    indices = rng.integers(min(HELD_BACK, len(pool) - 1), len(pool), batch)
    limit = (pool.side - CROP) // 8 + 1
    y, x = (int(v) for v in rng.integers(0, limit, 2))
    pictures = pool.pictures(indices)[:, y * 8 : y * 8 + CROP, x * 8 : x * 8 + CROP]
    cells = pool.masks[indices, y : y + CROP // 8, x : x + CROP // 8].astype(np.float32) / 255
    return pictures, 1 + cells.repeat(8, 1).repeat(8, 2)


def train(
    *,
    pool_folder: Path,
    work: Path,
    minutes: float,
    device: str,
    start_from: Path | None = None,
    decoder_only: bool = False,
    kl: bool = False,
    batch: int = 12,
    steps: int | None = None,
    seed: int = 1,
    rate: float = 0.012,
    anneal: bool = True,
) -> Path:
    """Train (or polish, `decoder_only`) until the budget ends; return the exported folder.

    With `anneal` the rate falls to zero over the budget of this call, which is what makes the
    result sharp; a resumed call starts its own fall. `kl` asks for an AutoencoderKL.
    Raises FileNotFoundError without a pool.
    """
    pool = Pool(pool_folder)
    name = "vae-decoder" if decoder_only else "vae"
    checkpoint, out = work / f"{name}.ckpt", work / "vae"
    torch.manual_seed(seed)
    vae = load(start_from) if start_from else build_kl() if kl else build()
    vae.to(device).train()
    vae.requires_grad_(not decoder_only)
    vae.decoder.requires_grad_(True)
    optimizer = optimizer_for(
        [vae],
        adamw_names=("encoder.layers.0.", "decoder.layers.0.", "conv_in.", "decoder.conv_out."),
        muon_rate=rate,
        weight_decay=0.0,
    )
    first = 0
    if saved := loop.load_state(checkpoint):
        vae.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = int(saved["step"])
    progress = loop.Progress(name=name, minutes=minutes)

    def step(index: int) -> tuple[int, float]:
        rng = loop.step_generator(seed, index)
        pictures, weights = crops(pool, rng, batch)
        images = to_tensor(np.ascontiguousarray(pictures)).to(device)
        weight = torch.from_numpy(weights)[:, None].to(device)
        with torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda"):
            mean, log_variance = distribution(vae, images)
            deviation = None if log_variance is None else (0.5 * log_variance.float()).exp()
            noise = torch.randn(mean.shape, generator=loop.step_noise(rng)).to(device)
            latents = mean + noise * (0.05 if deviation is None else deviation)
            again = vae.decode(latents).sample
        difference = (again.float() - images) * weight
        loss = difference.abs().mean() + 0.15 * gradient_loss(difference)
        if not decoder_only:
            loss = loss + latents_loss(mean.float(), deviation)
        loss.backward()
        fall = 1 - progress.seconds() / (minutes * 60) if anneal and minutes > 0 else 1.0
        optimizer.scale = min(1.0, (index + 1) / 40) * max(0.01, fall)
        optimizer.step()
        return batch, float(loss.detach())

    def state(index: int) -> loop.State:
        return {"step": index, "model": vae.state_dict(), "optimizer": optimizer.state_dict()}

    def draw(index: int) -> None:
        unseen = pool.pictures(np.arange(min(HELD_BACK, len(pool))))
        again = decode(vae, encode(vae, unseen))
        print(f"{name} step {index}: {psnr(unseen, again).mean():.2f} dB unseen", flush=True)
        pairs = [p for two in zip(unseen[:24], again[:24], strict=True) for p in two]
        sheet.draw(pairs, [], work / "sheets" / f"{name}-{index:06d}.png", columns=8)

    loop.run(
        progress=progress,
        checkpoint=checkpoint,
        first_step=first,
        last_step=steps,
        step=step,
        state=state,
        sheet=draw,
        sheet_every=240.0,
    )
    vae.save_pretrained(out)
    return out
