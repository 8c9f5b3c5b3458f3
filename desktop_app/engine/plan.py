"""What fits where, planned before a model is loaded; imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

Offload = Literal["none", "model", "group"]
Dtype = Literal["float32", "float16", "bfloat16"]
OFFLOADS: tuple[Offload, ...] = get_args(Offload)
DTYPES: tuple[Dtype, ...] = get_args(Dtype)

BYTES: dict[Dtype, int] = {"float32": 4, "float16": 2, "bfloat16": 2}
OWN_MEMORY = ("cuda", "xpu")
"""Devices with memory of their own; the others share the computer's. ROCm calls itself cuda."""
RESERVE = 0.08
"""Share of a device's memory that its driver, its libraries and the screen keep."""
RESERVE_SHARED = 0.15
"""The same where the memory is the computer's, with all its other programs."""
STEP_VALUES = 1024
"""Numbers that a denoising step holds for each pixel, with guidance: an estimate."""
DECODE_VALUES = 2048
"""Numbers that an AutoencoderKL holds for each pixel at its last block: 16 planes of 128."""
TILE_PIXELS = 512 * 512
GROUP_SHARE = 0.08
"""Share of a network that is on the device at once when it is brought block by block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What the artist decides; None leaves it to the plan."""

    dtype: Dtype | None = None
    offload: Offload | None = None
    float8: bool | None = None
    tiled: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a model is to work.

    Attributes:
        kind: `cpu`, `cuda`, `mps` or `xpu`.
        memory: bytes of the device that are free or could be made free; 0 when not known.
        half: whether the device is quick and sound in float16.
        bfloat16: whether it computes in bfloat16.
    """

    kind: str
    memory: int
    half: bool
    bfloat16: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a model is kept and computed.

    Attributes:
        dtype: of the numbers that are computed with.
        offload: `none` keeps everything on the device, `model` one component at a time, `group`
            the blocks of one component at a time.
        float8: whether the network's weights are stored in eight bits and widened when used.
        tiled: whether pictures are decoded in tiles from the start.
        sliced: whether attention goes head by head.
        expected: bytes on the device at the most.
        available: bytes that the device has for it; 0 when not known.
        rung: how often it was stepped down from the first plan.
    """

    dtype: Dtype
    offload: Offload = "none"
    float8: bool = False
    tiled: bool = False
    sliced: bool = False
    expected: int = 0
    available: int = 0
    rung: int = 0

    @property
    def fits(self) -> bool:
        """Whether it should; where the memory is not known it is taken to."""
        return not self.available or self.expected <= self.available


def make_plan(
    parameters: Mapping[str, int],
    place: Place,
    pixels: int,
    wishes: Wishes | None = None,
    *,
    wide: bool = False,
) -> Plan:
    """The first plan that fits, from the quickest on; the smallest one where none does.

    Args:
        parameters: how many numbers each component has, by name; `unet`, `transformer` and `prior`
            are networks, `vae` and its like decode.
        pixels: of the pictures that shall be possible.
        wide: whether the family's numbers are too large for float16.
    """
    wishes = wishes or Wishes()
    dtype = wishes.dtype or _dtype(parameters, place, wide)
    first = Plan(dtype=dtype, available=_available(place), tiled=bool(wishes.tiled))
    plan = first
    for offload, float8, tiled in _ways(place, wishes):
        plan = replace(first, offload=offload, float8=float8, tiled=tiled)
        plan = replace(plan, expected=expected(plan, parameters, pixels))
        if plan.fits:
            break
    return plan


def expected(plan: Plan, parameters: Mapping[str, int], pixels: int) -> int:
    """Bytes on the device at the most while a plan makes a picture; an estimate."""
    width = BYTES[plan.dtype]
    held = {
        name: count * (1 if plan.float8 and name in NETWORKS else width)
        for name, count in parameters.items()
    }
    networks = [size for name, size in held.items() if name in NETWORKS]
    decoders = [size for name, size in held.items() if name in DECODERS]
    step = pixels * STEP_VALUES * width
    decode = (min(pixels, TILE_PIXELS) if plan.tiled else pixels) * DECODE_VALUES * width
    match plan.offload:
        case "none":
            return sum(held.values()) + max(step, decode)
        case "model":
            read = max((size for size in held.values()), default=0)
            return max(read, max(networks, default=0) + step, sum(decoders) + decode)
        case "group":
            largest = int(max(held.values(), default=0) * GROUP_SHARE)
            return max(largest + step, sum(decoders) + decode)


NETWORKS = ("unet", "transformer", "prior", "decoder")
DECODERS = ("vae", "movq", "vqgan")


def step_down(plan: Plan, place: Place) -> tuple[Plan, str] | None:
    """The next smaller plan after memory ran out, and what changes, for people.

    Returns:
        None when nothing smaller is left.
    """
    down: Plan
    if place.kind in OWN_MEMORY and plan.offload == "none":
        down, words = replace(plan, offload="model"), "one part of the model was on it at a time"
    elif place.kind in OWN_MEMORY and plan.offload == "model":
        down, words = replace(plan, offload="group"), "the model was brought to it block by block"
    elif not plan.sliced:
        down, words = replace(plan, sliced=True, tiled=True), "attention was computed in slices"
    else:
        return None
    device = "the graphics memory" if place.kind in OWN_MEMORY else "the memory"
    return replace(down, rung=plan.rung + 1), f"Because {device} ran out, {words}."


def in_words(plan: Plan, place: Place) -> str:
    """The plan for people: where the model is, in what precision, and the memory it takes."""
    where = {"cpu": "the processor", "mps": "the Apple GPU"}.get(place.kind, "the graphics card")
    ways = {
        "none": f"The whole model stays on {where}",
        "model": f"One part of the model at a time is on {where}",
        "group": f"The model is brought to {where} block by block, which is slow",
    }
    stored = f"{plan.dtype}, stored in 8 bits" if plan.float8 else plan.dtype
    words = f"{ways[plan.offload]} ({stored}); about {_gigabytes(plan.expected)}"
    if plan.available:
        words += f" of {_gigabytes(plan.available)}"
    extras = [word for on, word in ((plan.tiled, "decoded in tiles"),) if on]
    words += "".join(f", {word}" for word in extras) + "."
    return words if plan.fits else words + " That is more than there is: it may not work."


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _available(place: Place) -> int:
    share = RESERVE if place.kind in OWN_MEMORY else RESERVE_SHARED
    return int(place.memory * (1 - share))


def _dtype(parameters: Mapping[str, int], place: Place, wide: bool) -> Dtype:
    if place.half and not (wide and place.bfloat16):
        return "float16"
    if place.half:
        return "bfloat16"
    # The processor is at its best in float32, as long as the model is in memory at all.
    needed = sum(parameters.values()) * BYTES["float32"]
    room = _available(place)
    return "bfloat16" if room and needed > room and place.bfloat16 else "float32"


def _ways(place: Place, wishes: Wishes) -> list[tuple[Offload, bool, bool]]:
    """(offload, float8, tiled), the quickest first, among those that are wished for."""
    offloads: tuple[Offload, ...] = OFFLOADS if place.kind in OWN_MEMORY else ("none",)
    if wishes.offload is not None:
        offloads = (wishes.offload,)
    float8s: tuple[bool, ...] = (False, True) if place.kind in OWN_MEMORY else (False,)
    if wishes.float8 is not None:
        float8s = (wishes.float8,)
    tileds: tuple[bool, ...] = (False, True) if wishes.tiled is None else (wishes.tiled,)
    # Eight bits change the picture a little, so offloading, which does not, comes before them;
    # but blocks that travel for every step are the last resort.
    rank: dict[Offload, int] = {"none": 0, "model": 1, "group": 3}
    ways: list[tuple[Offload, bool, bool]] = [
        (o, f, t) for o in offloads for f in float8s for t in tileds
    ]
    return sorted(ways, key=lambda way: (rank[way[0]] + 2 * way[1], way[2]))
