"""The state after each step, kept in memory and then on the disk: a cache, and never more."""

import contextlib
import hashlib
import json
import logging
import math
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.torch
import torch

log = logging.getLogger(__name__)
VERSION = 1
SUFFIX = ".snap"
HASH_BYTES = 32
DEPTH_MAX = 6
OWN = frozenset({"step", "_internal_dict", "steering"})
"""What stands on a scheduler and is no state: the tap, its settings, the way into a branch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What a scheduler has come to, without what any other of its settings has as well.

    Attributes:
        plan: its attributes as JSON; a tensor is named there.
        tensors: by that name, on the CPU, in their own dtype.
    """

    plan: str
    tensors: Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Everything that the next call of a scheduler depends on, besides the recipe.

    Attributes:
        latents: after the step, (1, C, H/f, W/f) in the pipeline's dtype, on the CPU.
        x0: what the network saw in the noise at that step, likewise, float32.
        generator: of the noise of the steps, as `torch.Generator.get_state` gives it.
    """

    latents: torch.Tensor
    x0: torch.Tensor
    generator: torch.Tensor
    state: State

    @property
    def bytes(self) -> int:
        parts = (self.latents, self.x0, self.generator, *self.state.tensors.values())
        return sum(one.numel() * one.element_size() for one in parts) + len(self.state.plan)


def constants(scheduler: Any) -> dict[str, object]:
    """The tensors of a scheduler whose timesteps were just set: the same whenever they are set."""
    return {
        name: value
        for name, value in vars(scheduler).items()
        if isinstance(value, torch.Tensor | np.ndarray)
    }


def state_of(scheduler: Any, same: Mapping[str, object]) -> State:
    """A copy of what a scheduler has come to.

    Args:
        same: its `constants`, which are left out.

    Raises:
        TypeError: it holds something that is neither a number, a text nor a tensor.
    """
    tensors: dict[str, torch.Tensor] = {}
    plan = {
        name: _packed(value, name, tensors, 0)
        for name, value in vars(scheduler).items()
        if name not in OWN and (name not in same or value is not same[name])
    }
    return State(plan=json.dumps(plan), tensors=tensors)


def restore(scheduler: Any, state: State, device: torch.device) -> None:
    """Bring a scheduler with its timesteps set to where another one of equal settings was."""
    plan = json.loads(state.plan)
    for name, value in plan.items():
        setattr(scheduler, name, _unpacked(value, state.tensors, device))


def _packed(value: Any, name: str, tensors: dict[str, torch.Tensor], depth: int) -> object:
    if depth > DEPTH_MAX:
        raise TypeError(f"{name} is nested too deeply")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case torch.Tensor():
            tensors[name] = value.detach().to("cpu", copy=True).contiguous()
            return {"tensor": name, "away": value.device.type != "cpu"}
        case np.ndarray():
            tensors[name] = torch.from_numpy(np.array(value))
            return {"array": name}
        case np.generic():
            return value.item()
        case list() | tuple():
            items = cast("list[Any]", value)
            rows = [_packed(one, f"{name}.{i}", tensors, depth + 1) for i, one in enumerate(items)]
            return {"tuple": rows} if isinstance(value, tuple) else rows
        case _:
            raise TypeError(f"{name} is a {type(value).__name__}")


def _unpacked(value: Any, tensors: Mapping[str, torch.Tensor], device: torch.device) -> Any:
    match value:
        case {"tensor": name, "away": away}:
            return tensors[name].to(device if away else "cpu", copy=True)
        case {"array": name}:
            return tensors[name].numpy().copy()
        case {"tuple": rows}:
            return tuple(_unpacked(one, tensors, device) for one in rows)
        case list():
            return [_unpacked(one, tensors, device) for one in cast("list[Any]", value)]
        case _:
            return value


Place = tuple[str, int]
"""A key and the number of calls that were done."""


class Snapshots:
    """Snapshots by the line of recipes they belong to, the least recently used dropped first.

    Args:
        folder: for what memory has no room for; made when it is needed.
        memory: bytes; 0 keeps nothing at all.
        disk: bytes.
    """

    def __init__(self, folder: Path, *, memory: int, disk: int) -> None:
        self._folder = folder
        self._memory = memory
        self._disk = disk
        self._kept: OrderedDict[Place, Snapshot] = OrderedDict()
        self._bytes = 0
        self._files: OrderedDict[Place, int] | None = None

    @property
    def keeps(self) -> bool:
        return self._memory > 0

    def keep(self, key: str, step: int, snapshot: Snapshot) -> None:
        """Args:
        key: 64 hex digits, of all that determines the state.
        step: calls that were done for the picture.
        """
        if not self.keeps:
            return
        place = key, step
        self._forget(place)
        self._kept[place] = snapshot
        self._bytes += snapshot.bytes
        while self._bytes > self._memory and self._kept:
            oldest, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.bytes
            self._write(oldest, dropped)

    def find(self, key: str, step: int) -> Snapshot | None:
        """What was kept; None when there is nothing, or nothing sound."""
        place = key, step
        kept = self._kept.get(place)
        if kept is not None:
            self._kept.move_to_end(place)
            return kept
        if not self.keeps or place not in self._listed():
            return None
        found = self._read(place)
        if found is None:
            self._unlink(place)
        else:
            self._listed().move_to_end(place)
        return found

    def last(self, key: str, steps: Iterable[int]) -> tuple[int, Snapshot] | None:
        """The first of `steps` that there is a sound snapshot of."""
        for step in steps:
            found = self.find(key, step)
            if found is not None:
                return step, found
        return None

    def clear(self) -> None:
        """Free the memory; what lies on the disk stays."""
        self._kept.clear()
        self._bytes = 0

    def _forget(self, place: Place) -> None:
        before = self._kept.pop(place, None)
        if before is not None:
            self._bytes -= before.bytes

    def _listed(self) -> OrderedDict[Place, int]:
        """The files of this and earlier sessions with their sizes, the oldest first."""
        if self._files is None:
            found: list[tuple[float, Place, int]] = []
            try:
                for path in self._folder.glob(f"*{SUFFIX}"):
                    key, _, step = path.stem.partition("-")
                    if len(key) == 64 and step.isascii() and step.isdigit():
                        about = path.stat()
                        found.append((about.st_mtime, (key, int(step)), about.st_size))
            except OSError as fault:
                log.warning("the snapshots cannot be listed: %s", fault)
            self._files = OrderedDict((place, size) for _, place, size in sorted(found))
        return self._files

    def _path(self, place: Place) -> Path:
        return self._folder / f"{place[0]}-{place[1]}{SUFFIX}"

    def _write(self, place: Place, snapshot: Snapshot) -> None:
        files = self._listed()
        data = encode(snapshot, place)
        if place in files or len(data) > self._disk:
            return
        path = self._path(place)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as fault:
            # It can be computed again: a full disk costs time and nothing else.
            log.warning("a snapshot cannot be written: %s", fault)
            with contextlib.suppress(OSError):
                part.unlink()
            return
        files[place] = len(data)
        while sum(files.values()) > self._disk:
            self._unlink(next(iter(files)))

    def _read(self, place: Place) -> Snapshot | None:
        try:
            with self._path(place).open("rb") as file:
                data = file.read(self._disk + 1)
        except OSError:
            return None
        found = decode(data, place) if len(data) <= self._disk else None
        if found is None:
            log.warning("a kept snapshot is damaged and not used: %s", self._path(place).name)
        return found

    def _unlink(self, place: Place) -> None:
        self._listed().pop(place, None)
        try:
            self._path(place).unlink(missing_ok=True)
        except OSError as fault:
            log.warning("a snapshot cannot be removed: %s", fault)


def encode(snapshot: Snapshot, place: Place) -> bytes:
    """The hash of all that follows, then safetensors."""
    tensors = {f"state {name}": one for name, one in snapshot.state.tensors.items()}
    tensors |= {name: getattr(snapshot, name) for name in ("latents", "x0", "generator")}
    about = {"version": VERSION, "key": place[0], "step": place[1], "plan": snapshot.state.plan}
    body = safetensors.torch.save(tensors, {"about": json.dumps(about)})
    return hashlib.sha256(body).digest() + body


def decode(data: bytes, place: Place) -> Snapshot | None:
    """What `encode` made for this place; None for anything else."""
    body = memoryview(data)[HASH_BYTES:]
    if hashlib.sha256(body).digest() != data[:HASH_BYTES]:
        return None
    try:
        length = int.from_bytes(body[:8], "little")
        about = json.loads(json.loads(bytes(body[8 : 8 + length]))["__metadata__"]["about"])
        tensors = safetensors.torch.load(bytes(body))
        if (about["version"], about["key"], about["step"]) != (VERSION, *place):
            return None
        own = {name: tensors.pop(name) for name in ("latents", "x0", "generator")}
        state = State(
            plan=about["plan"],
            tensors={name.removeprefix("state "): one for name, one in tensors.items()},
        )
        if math.prod(own["latents"].shape) != math.prod(own["x0"].shape):
            return None
    except (safetensors.SafetensorError, ValueError, LookupError, TypeError):
        return None
    return Snapshot(state=state, **own)
