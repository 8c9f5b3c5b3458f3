"""python packaging/starter_model COMMAND: renders, trains, evaluates and exports the model."""

import argparse
import os
import sys
from pathlib import Path

# Run as a folder, this file finds its siblings as the package `starter_model`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from starter_model import (
    clip,
    evaluate,
    export,
    image_prompt,
    loop,
    parcels,
    recogniser,
    render,
    shown,
    stages,
    text,
    unet,
    vae,
)
from starter_model.world import WORLDS

ROOT = Path(__file__).resolve().parent.parent.parent
SHEET_PROMPTS = Path(__file__).with_name("sheet_prompts.txt")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    main = argparse.ArgumentParser(prog="starter_model", description=__doc__)
    main.add_argument(
        "command",
        choices=(
            "render",
            "train-vae",
            "train-text",
            "train-unet",
            "train-clip",
            "train-image-prompt",
            "train-judge",
            "evaluate",
            "export",
            "sheet",
            "pack",
            "unpack",
            "gpu-stage",
        ),
    )
    add = main.add_argument
    add("--work", type=Path, required=True, help="folder of pools, checkpoints and sheets")
    add("--world", choices=sorted(WORLDS), default="small")
    add("--pool", choices=sorted(WORLDS), help="world of the pool, when it is another one")
    add("--minutes", type=float, default=10.0, help="time budget of this call")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--threads", type=int, default=1, help="processor threads for training")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes for rendering")
    add("--pictures", type=int, default=20000, help="render: size of the pool")
    add("--prompts", type=int, default=1000, help="evaluate: how many")
    add("--seed", type=int, default=100, help="render: seed of the pool")
    add("--size", choices=sorted(unet.SIZES), default="light", help="train-unet: width")
    add("--batch", type=int, help="train-unet, train-vae: pictures a step")
    add("--curriculum", type=int, default=300, help="train-unet: first steps on illustrations")
    add("--only", choices=sorted(WORLDS), help="train-unet: learn this part of the pool")
    add("--favour", default="", help="train-unet: media to show more often, with commas between")
    add("--anneal-steps", type=int, default=0, help="train-unet: let the rate fall; -1: to the end")
    add("--decoder-only", action="store_true", help="train-vae: polish without moving latents")
    add("--kl", action="store_true", help="train-vae: a mean and a variance, slower")
    add("--start-from", type=Path, help="train-vae, train-unet: folder of trained weights")
    add("--parcels", type=Path, help="pack, unpack, gpu-stage: folder of small files to carry")
    add("--stage", type=int, choices=sorted(stages.STAGES), default=1, help="gpu-stage")
    add("--rehearse", action="store_true", help="gpu-stage: a few steps of everything, on the CPU")
    add("--out", type=Path, default=ROOT / "resources" / "models" / "starter", help="export, sheet")
    add("--description", default="A very small model of storybook scenes, trained by us.")
    return main


def examples() -> list[str]:
    """Return the prompts of the sample sheets; the first six are the program's examples."""
    return SHEET_PROMPTS.read_text(encoding="utf-8").splitlines()


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    pool = work / f"pool-{options.pool or options.world}"
    frozen = {"vae": work / "vae", "text": work / "text_encoder", "tokenizer": work / "tokenizer"}
    batch = {"batch": options.batch} if options.batch else {}
    budget = {"minutes": options.minutes, "device": options.device}
    match options.command:
        case "render":
            render.fill(
                pool,
                world=options.world,
                count=options.pictures,
                seed=options.seed,
                side=WORLDS[options.world].side,
                minutes=options.minutes,
                workers=options.workers,
            )
        case "train-vae":
            vae.train(
                pool_folder=pool,
                work=work,
                start_from=options.start_from,
                decoder_only=options.decoder_only,
                kl=options.kl,
                **batch,
                **budget,
            )
        case "train-text":
            text.train(world_name=options.world, work=work, **budget)
        case "train-unet":
            unet.train(
                pool_folder=pool,
                work=work,
                prompts=examples(),
                size=options.size,
                curriculum=options.curriculum,
                anneal_steps=options.anneal_steps,
                only=options.only,
                favoured=tuple(options.favour.split(",")),
                start_from=options.start_from,
                **batch,
                **frozen,
                **budget,
            )
        case "train-clip":
            clip.train(
                pool_folder=pool,
                work=work,
                text=frozen["text"],
                tokenizer_folder=frozen["tokenizer"],
                **budget,
            )
        case "train-image-prompt":
            image_prompt.train(pool_folder=pool, work=work, **frozen, **budget)
        case "train-judge":
            _, own = recogniser.train(
                pool_folder=pool,
                world_name=options.pool or options.world,
                work=work,
                minutes=options.minutes,
            )
            print("judge on renders it never saw:", own)
        case "evaluate":
            evaluate.evaluate(
                pool_folder=pool,
                world_name=options.world,
                judge_world=options.pool or options.world,
                work=work,
                vae_folder=frozen["vae"],
                text=frozen["text"],
                tokenizer=frozen["tokenizer"],
                scaling=trained_scaling(work),
                count=options.prompts,
                minutes=options.minutes,
            )
        case "export":
            size = export.export(
                out=options.out,
                work=work,
                scaling=trained_scaling(work),
                world_name=options.world,
                description=options.description,
                examples=examples()[:6],
                **frozen,
            )
            print(f"exported {size / 1e6:.1f} MB to {options.out}")
        case "sheet":
            print("\n".join(str(path) for path in shown.draw(options.out, examples())))
        case "pack":
            for path in parcels.pack(work, parcel_folder(options)):
                print(path, path.stat().st_size)
        case "unpack":
            print("\n".join(parcels.unpack(parcel_folder(options), work)))
        case _:  # gpu-stage, the last of the choices
            stages.run(
                options.stage,
                work=work,
                out=parcel_folder(options),
                device="cpu" if options.rehearse else "cuda",
                rehearse=options.rehearse,
                command=main,
            )
    return 0


def parcel_folder(options: argparse.Namespace) -> Path:
    """Return the folder of parcels: the one named, or one in the work folder."""
    return options.parcels or options.work / "parcels"


def trained_scaling(work: Path) -> float:
    """Return the latent scaling the U-Net was trained with; raises SystemExit without one."""
    saved = loop.load_state(work / "unet.ckpt")
    if saved is None:
        raise SystemExit("no trained U-Net in the work folder: run train-unet first")
    return float(saved["scaling"])


if __name__ == "__main__":
    raise SystemExit(main())
