"""What was trained travels in small files, and the stages of a GPU run are commands that exist."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from starter_model import parcels, stages
from starter_model.__main__ import parser


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a work folder with one trained part, a checkpoint and a sheet."""
    folder = tmp_path / "work"
    (folder / "vae").mkdir(parents=True)
    (folder / "sheets").mkdir()
    save_file({"weight": torch.linspace(-2, 2, 5000)}, folder / "vae" / "model.safetensors")
    (folder / "vae" / "config.json").write_text("{}")
    (folder / "unet.ckpt").write_bytes(b"not carried")
    (folder / "sheets" / "vae-000001.png").write_bytes(b"a sheet")
    return folder


def test_parcels_are_small_and_bring_back_what_was_packed(work: Path, tmp_path: Path) -> None:
    written = parcels.pack(work, tmp_path / "out", limit=4096)
    assert len(written) > 3
    assert all(path.stat().st_size <= 4096 for path in written)
    names = parcels.unpack(tmp_path / "out", tmp_path / "back")
    assert set(names) == {"vae/config.json", "vae/model.safetensors", "sheets/vae-000001.png"}
    weight = load_file(tmp_path / "back" / "vae" / "model.safetensors")["weight"]
    assert weight.dtype == torch.float16
    assert torch.allclose(weight.float(), torch.linspace(-2, 2, 5000), atol=2e-3)


def test_packing_again_leaves_no_parcel_of_the_time_before(work: Path, tmp_path: Path) -> None:
    many = parcels.pack(work, tmp_path / "out", limit=2048)
    few = parcels.pack(work, tmp_path / "out")
    assert len(few) < len(many)
    assert sorted(tmp_path.joinpath("out").iterdir()) == sorted(few)


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_spoilt_parcel_is_refused_before_anything_is_written(
    harm: str, work: Path, tmp_path: Path
) -> None:
    first = parcels.pack(work, tmp_path / "out", limit=4096)[0]
    if harm == "missing":
        first.unlink()
    else:
        first.write_bytes(first.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match="parcel-00"):
        parcels.unpack(tmp_path / "out", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_list_of_parcels_cannot_reach_outside_its_folder(work: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    parcels.pack(work, out)
    (tmp_path / "secret").write_bytes(b"x")
    listed = json.loads((out / parcels.LIST).read_text())
    (out / parcels.LIST).write_text(json.dumps({"../secret": next(iter(listed.values()))}))
    with pytest.raises(ValueError, match="missing"):
        parcels.unpack(out, tmp_path / "back")


def test_an_empty_work_folder_has_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parcels.pack(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("rehearse", [False, True])
@pytest.mark.parametrize("stage", sorted(stages.STAGES))
def test_every_stage_is_made_of_commands_and_ends_within_ten_minutes(
    stage: int, rehearse: bool, tmp_path: Path
) -> None:
    minutes = 0.0
    for step in stages.STAGES[stage]:
        device = "cpu" if rehearse else "cuda"
        line = stages.arguments(step, tmp_path, device, rehearse=rehearse)
        options = parser().parse_args(line)
        assert (options.command, options.world, options.device) == (step.command, "full", device)
        assert "{" not in "".join(line)
        minutes += 0 if step.beside else options.minutes
    assert minutes < 9


def test_a_stage_runs_its_steps_in_order_and_packs_what_they_made(tmp_path: Path) -> None:
    lines: list[list[str]] = []

    def command(line: list[str]) -> int:
        lines.append(line)
        return 0

    stages.run(3, work=tmp_path, out=tmp_path / "out", device="cpu", rehearse=True, command=command)
    ran = [line[0] for line in lines]
    assert ran == ["train-unet", "train-clip", "train-image-prompt", "train-vae", "pack"]
    assert lines[-1][-1] == str(tmp_path / "out")
