"""Snapshots: bounded, the oldest dropped first, never used when damaged."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from desktop_app.engine.snapshots import (
    SUFFIX,
    Snapshot,
    Snapshots,
    State,
    constants,
    decode,
    encode,
    restore,
    state_of,
)
from tests.engine.branches import Perfect, branch
from tests.engine.models import recipe_for

pytestmark = pytest.mark.slow
KEY = "ab" * 32
PLAN = '{"ets": [{"tensor": "ets.0", "away": false}]}'


def snapshot(number: int) -> Snapshot:
    values = torch.full((1, 4, 8, 8), float(number))
    return Snapshot(
        latents=values.half(),
        x0=values + 1,
        generator=torch.Generator().manual_seed(number).get_state(),
        state=State(
            plan='{"ets": [{"tensor": "ets.0", "away": false}]}', tensors={"ets.0": values}
        ),
    )


def same(first: Snapshot | None, second: Snapshot) -> bool:
    return first is not None and encode(first, (KEY, 1)) == encode(second, (KEY, 1))


SIZE = snapshot(0).bytes


def test_memory_then_disk_then_nothing(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path, memory=3 * SIZE, disk=2 * len(encode(snapshot(1), (KEY, 1))))
    for step in range(1, 8):
        kept.keep(KEY, step, snapshot(step))
    assert [step for step in range(1, 8) if kept.find(KEY, step)] == [3, 4, 5, 6, 7]
    assert len(list(tmp_path.iterdir())) == 2
    assert all(same(kept.find(KEY, step), snapshot(step)) for step in range(3, 8))
    assert kept.last(KEY, range(9, 0, -1))[0] == 7  # pyright: ignore[reportOptionalSubscript]
    assert kept.last(KEY, [1, 2]) is None
    assert kept.find("cd" * 32, 7) is None
    kept.clear()
    assert [step for step in range(1, 8) if kept.find(KEY, step)] == [3, 4]
    # Another session finds what lies there.
    assert same(Snapshots(tmp_path, memory=SIZE, disk=10**6).find(KEY, 4), snapshot(4))


def test_what_was_looked_at_stays_longest(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path, memory=3 * SIZE, disk=0)
    for step in (1, 2, 3):
        kept.keep(KEY, step, snapshot(step))
    kept.find(KEY, 1)
    kept.keep(KEY, 4, snapshot(4))
    assert [step for step in (1, 2, 3, 4) if kept.find(KEY, step)] == [1, 3, 4]
    assert list(tmp_path.iterdir()) == []


def test_without_room_nothing_is_kept(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path / "none", memory=0, disk=0)
    kept.keep(KEY, 1, snapshot(1))
    assert not kept.keeps
    assert kept.find(KEY, 1) is None
    assert not (tmp_path / "none").exists()


def test_one_that_is_larger_than_all_room_is_dropped(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path, memory=SIZE // 2, disk=SIZE // 2)
    kept.keep(KEY, 1, snapshot(1))
    assert kept.find(KEY, 1) is None


@pytest.mark.parametrize("place", [0, 40, 700, -1])
def test_a_damaged_file_is_not_used(place: int, tmp_path: Path) -> None:
    data = bytearray(encode(snapshot(1), (KEY, 1)))
    assert same(decode(bytes(data), (KEY, 1)), snapshot(1))
    data[place] ^= 1
    assert decode(bytes(data), (KEY, 1)) is None
    file = tmp_path / f"{KEY}-1{SUFFIX}"
    file.write_bytes(data)
    kept = Snapshots(tmp_path, memory=SIZE, disk=10**6)
    assert kept.find(KEY, 1) is None
    assert not file.exists()


@pytest.mark.parametrize("data", [b"", b"x" * 31, bytes(64), b"\xff" * 500])
def test_what_is_no_snapshot_is_none(data: bytes) -> None:
    assert decode(data, (KEY, 1)) is None


def test_a_file_of_another_step_is_not_used() -> None:
    data = encode(snapshot(1), (KEY, 1))
    assert decode(data, (KEY, 2)) is None
    assert decode(data, ("cd" * 32, 1)) is None


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    kept = Snapshots(blocked, memory=SIZE, disk=10**6)
    kept.keep(KEY, 1, snapshot(1))
    kept.keep(KEY, 2, snapshot(2))
    assert kept.find(KEY, 1) is None
    assert same(kept.find(KEY, 2), snapshot(2))


def test_a_damaged_snapshot_makes_the_parent_run_again(tmp_path: Path) -> None:
    config: dict[str, Any] = dict(DDIMScheduler(clip_sample=False).config)
    perfect = Perfect(config, tmp_path, memory=10**7)
    parent = recipe_for("x", scheduler="unipc", num_inference_steps=5)
    whole = perfect.walk(parent)
    child = branch(parent, 3)
    assert torch.equal(perfect.walk(child), whole)
    assert (perfect.watcher.taken, perfect.watcher.computed) == ([1, 2, 3], [4, 5])
    later = Perfect(config, tmp_path, memory=1)
    later.snapshots = Snapshots(tmp_path, memory=1, disk=10**7)
    later.walk(parent)
    files = sorted(tmp_path.glob("*-3.snap"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:-5])
    assert torch.equal(later.walk(child), whole)
    # The one before it is sound, so that only its step is taken again.
    assert (later.watcher.taken, later.watcher.computed) == ([1, 2], [3, 4, 5])


def test_a_state_is_a_copy_and_comes_back() -> None:
    class Holder:
        pass

    holder: Any = Holder()
    holder.sigmas = torch.arange(3.0)
    same_ones = constants(holder)
    holder.model_outputs = [None, torch.ones(2)]
    holder.pair = (1, 2.5, "x", True, None, np.float64(0.25))
    holder.table = np.arange(4)
    state = state_of(holder, same_ones)
    holder.model_outputs[1].zero_()
    other: Any = Holder()
    restore(other, state, torch.device("cpu"))
    assert not hasattr(other, "sigmas")
    assert other.model_outputs[0] is None
    assert torch.equal(other.model_outputs[1], torch.ones(2))
    assert other.pair == (1, 2.5, "x", True, None, 0.25)
    assert other.table.tolist() == [0, 1, 2, 3]
    other.model_outputs[1].zero_()
    restored: Any = Holder()
    restore(restored, state, torch.device("cpu"))
    assert torch.equal(restored.model_outputs[1], torch.ones(2))


def test_what_cannot_be_kept_is_said() -> None:
    class Holder:
        pass

    holder: Any = Holder()
    holder.noise = lambda: 1
    with pytest.raises(TypeError, match="noise"):
        state_of(holder, {})
    assert replace(snapshot(1)).bytes == SIZE
