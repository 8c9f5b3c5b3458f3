"""Training lowers its loss, and a stage that was stopped goes on as if it had not been."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from starter_model import loop, text, unet, vae
from starter_model.muon import iterate, iterate_small, optimizer_for, orthogonalise
from starter_model.pool import Pool
from starter_model.tokens import tokenize
from starter_model.vae import build_kl
from starter_model.world import SMALL

from tests.starter.conftest import Frozen, same, train_unet, weights

pytestmark = pytest.mark.slow


def test_a_resumed_unet_is_the_one_that_was_never_stopped(
    pool: Path, frozen: Frozen, tmp_path: Path
) -> None:
    train_unet(pool, tmp_path / "whole", frozen, 4, curriculum=2)
    train_unet(pool, tmp_path / "parts", frozen, 2, curriculum=2)
    half = weights(tmp_path / "parts", "unet")
    train_unet(pool, tmp_path / "parts", frozen, 4, curriculum=2)
    whole = weights(tmp_path / "whole", "unet")
    assert not same(half, whole)
    assert same(weights(tmp_path / "parts", "unet"), whole)


def test_annealing_keeps_the_state_before_it_and_comes_to_an_end(
    pool: Path, frozen: Frozen, tmp_path: Path
) -> None:
    train_unet(pool, tmp_path, frozen, 2)
    before = weights(tmp_path, "unet")
    train_unet(pool, tmp_path, frozen, 100, anneal_steps=2)
    after = loop.load_state(tmp_path / "unet.ckpt")
    assert after is not None
    assert after["step"] == 4
    assert same(weights(tmp_path, "unet-before-anneal"), before)


def test_annealing_can_take_what_is_left_of_the_budget(
    pool: Path, frozen: Frozen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unet, "PACE_STEPS", 1)
    monkeypatch.setattr(loop.Progress, "steps_left", lambda progress, done: 2 * done)
    train_unet(pool, tmp_path, frozen, 100, anneal_steps=-1)
    after = loop.load_state(tmp_path / "unet.ckpt")
    assert after is not None
    assert (after["anneal_from"], after["anneal_steps"], after["step"]) == (1, 2, 3)


def test_a_unet_can_begin_from_carried_weights(pool: Path, frozen: Frozen, tmp_path: Path) -> None:
    carried = train_unet(pool, tmp_path / "first", frozen, 2)
    begun = train_unet(pool, tmp_path / "second", frozen, 0, start_from=carried)
    first, second = (load_file(f / "diffusion_pytorch_model.safetensors") for f in (carried, begun))
    assert same(first, second)


def test_an_autoencoder_with_a_variance_learns_and_its_decoder_is_polished_alone(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vae, "build_kl", lambda: build_kl((8, 8, 8, 8)))
    common = {"pool_folder": pool, "work": tmp_path, "minutes": 5, "device": "cpu", "batch": 2}
    folder = vae.train(kl=True, steps=2, **common)
    before = vae.load(folder)
    unseen = Pool(pool).pictures(np.arange(2))
    assert isinstance(before, AutoencoderKL)
    assert vae.encode(before, unseen).shape == (2, 4, 8, 8)
    polished = vae.load(vae.train(decoder_only=True, start_from=folder, steps=2, **common))
    assert torch.equal(vae.encode(before, unseen), vae.encode(polished, unseen))
    latents = vae.encode(before, unseen)
    assert not np.array_equal(vae.decode(before, latents), vae.decode(polished, latents))


def test_the_autoencoder_learns_and_resumes(pool: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    vae.build(channels=8).save_pretrained(tmp_path / "start")
    unseen = Pool(pool).pictures(np.arange(8))

    def train(folder: Path, steps: int) -> float:
        out = vae.train(
            pool_folder=pool,
            work=folder,
            minutes=5,
            device="cpu",
            start_from=tmp_path / "start",
            steps=steps,
            batch=4,
            anneal=False,
        )
        model = vae.AutoencoderTiny.from_pretrained(out)
        return float(vae.psnr(unseen, vae.decode(model, vae.encode(model, unseen))).mean())

    early = train(tmp_path / "whole", 1)
    late = train(tmp_path / "whole", 40)
    assert late > early + 1
    train(tmp_path / "parts", 20)
    train(tmp_path / "parts", 40)
    assert same(weights(tmp_path / "parts", "vae"), weights(tmp_path / "whole", "vae"))


def test_a_polished_decoder_leaves_the_latents_alone(
    pool: Path, frozen: Frozen, tmp_path: Path
) -> None:
    pictures = Pool(pool).pictures(np.arange(4))
    before = vae.AutoencoderTiny.from_pretrained(frozen.vae)
    out = vae.train(
        pool_folder=pool,
        work=tmp_path,
        minutes=5,
        device="cpu",
        start_from=frozen.vae,
        decoder_only=True,
        steps=3,
        batch=2,
    )
    after = vae.AutoencoderTiny.from_pretrained(out)
    latents = vae.encode(before, pictures)
    assert torch.equal(vae.encode(after, pictures), latents)
    assert not np.array_equal(vae.decode(after, latents), vae.decode(before, latents))


def test_the_loss_of_the_unet_falls(pool: Path, frozen: Frozen, tmp_path: Path) -> None:
    parts = unet.load_parts(frozen.vae, frozen.text, frozen.tokenizer, "cpu", 1.0)
    pictures = Pool(pool)
    latents = unet.cached_latents(pictures, parts.vae, tmp_path)
    parts = unet.load_parts(
        frozen.vae, frozen.text, frozen.tokenizer, "cpu", 1 / float(latents.float().std())
    )
    torch.manual_seed(0)
    trainer = unet.Trainer(
        unet.build("tiny", 8, 64),
        parts,
        pictures,
        latents,
        device="cpu",
        batch=12,
        seed=0,
        curriculum=0,
        schedule=loop.Schedule(warm_up=5),
    )
    before = trainer.validate()
    for index in range(40):
        trainer.step(index)
    assert trainer.validate() < 0.8 * before


def test_the_text_encoder_learns_to_name_slots(tmp_path: Path, frozen: Frozen) -> None:
    tokenizer = unet.CLIPTokenizer.from_pretrained(frozen.tokenizer)
    torch.manual_seed(0)
    model = text.build(tokenizer, width=64, layers=1)
    heads = text.Heads(64, text.slots(SMALL))
    optimizer = optimizer_for(
        [model, heads], adamw_names=("embed", "heads."), muon_rate=0.02, adamw_rate=5e-3
    )
    losses = []
    for index in range(40):
        texts, labels = text.told(SMALL, 32, loop.step_generator(0, index), unseen=False)
        ids = tokenize(tokenizer, texts)
        states = model(ids).last_hidden_state
        where = text.ends(ids, tokenizer.eos_token_id)
        read = heads(states[torch.arange(32), where])
        terms = [torch.nn.functional.cross_entropy(r, labels[:, i]) for i, r in enumerate(read)]
        loss = torch.stack(terms).sum()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


@pytest.mark.parametrize("shape", [(16, 16), (12, 90), (90, 12)])
def test_orthogonalise_evens_out_singular_values(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(*shape, generator=generator) + torch.ones(shape)
    values = torch.linalg.svdvals(orthogonalise(matrix, iterations=8))
    assert values.max() < 1.4
    assert values.min() > 0.3


def test_the_factored_iteration_is_the_plain_one() -> None:
    wide = torch.randn(10, 80, generator=torch.Generator().manual_seed(2))
    wide = wide / wide.norm()
    assert torch.allclose(iterate_small(wide, 5), iterate(wide, 5), atol=1e-5)


def test_a_step_with_broken_gradients_changes_nothing() -> None:
    layer = torch.nn.Linear(12, 12)
    optimizer = optimizer_for([layer], adamw_names=())
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.weight.grad = torch.full_like(layer.weight, float("nan"))
    optimizer.step()
    assert same(layer.state_dict(), before)
    assert layer.weight.grad is None


def test_a_half_written_checkpoint_is_never_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "unet.ckpt"
    loop.save_atomically({"step": 3}, path)
    path.with_name(path.name + ".partial").write_bytes(b"torn")
    assert loop.load_state(path) == {"step": 3}
    assert loop.load_state(tmp_path / "none.ckpt") is None
