"""What fits where, planned before a model is loaded; imports no torch."""

from dataclasses import dataclass, replace

from desktop_app.recipe.wishes import OFFLOADS, Dtype, Offload, Wishes
from desktop_app.weights.counting import Held

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
USUAL_SIDE = 1024
USUAL_PIXELS = USUAL_SIDE * USUAL_SIDE
"""Of the pictures that a model must have room for beside its weights."""
GROUP_SHARE = 0.08
"""Share of a network that is on the device at once when it is brought block by block."""


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

    @property
    def own(self) -> bool:
        """Whether the device has memory of its own, from which parts can be kept out."""
        return self.kind in OWN_MEMORY

    @property
    def dtypes(self) -> tuple[Dtype, ...]:
        """In which precisions it computes, the most exact first."""
        halves: dict[Dtype, bool] = {
            "bfloat16": self.bfloat16,
            "float16": self.half or self.kind == "mps",
        }
        return "float32", *(name for name, can in halves.items() if can)

    @property
    def offloads(self) -> tuple[Offload, ...]:
        """The ways to keep a model on it, the quickest first."""
        return OFFLOADS if self.own else ("none",)

    @property
    def float8(self) -> bool:
        """Whether weights can be stored in eight bits; an Apple GPU has no such numbers."""
        return self.kind != "mps"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a model is kept and computed.

    Attributes:
        dtype: of the numbers that are computed with.
        offload: `none` keeps everything on the device, `model` one component at a time, `group`
            the blocks of one component at a time.
        float8: whether the network's weights are stored in eight bits and widened when used.
        packed: whether they are packed in its file, and stay so.
        tiled: whether pictures are decoded in tiles from the start.
        sliced: whether attention goes head by head.
        expected: bytes on the device at the most.
        available: bytes that the device has for it; 0 when not known.
        rung: how often it was stepped down from the first plan.
    """

    dtype: Dtype
    offload: Offload = "none"
    float8: bool = False
    packed: bool = False
    tiled: bool = False
    sliced: bool = False
    expected: int = 0
    available: int = 0
    rung: int = 0

    @property
    def fits(self) -> bool:
        """Whether it should; where the memory is not known it is taken to."""
        return not self.available or self.expected <= self.available


def make_plan(held: Held, place: Place, pixels: int, wishes: Wishes | None = None) -> Plan:
    """The first plan that fits, from the quickest on; the smallest one where none does.

    Args:
        held: what each component holds; `unet`, `transformer` and `prior` are networks, `vae` and
            its like decode.
        pixels: of the pictures that shall be possible.
        wishes: those that the place or the model does not have count for nothing.
    """
    wishes = possible(wishes or Wishes(), held, place)
    dtype = wishes.dtype or _dtype(held, place)
    first = Plan(
        dtype=dtype,
        available=_available(place),
        packed=any(name in held.packed for name in NETWORKS),
        tiled=bool(wishes.tiled),
    )
    plan = first
    for offload, float8, tiled in _ways(held, place, wishes):
        plan = replace(first, offload=offload, float8=float8, tiled=tiled)
        plan = replace(plan, expected=expected(plan, held, pixels))
        if plan.fits:
            break
    return plan


def make_plan_beside(
    held: Held, place: Place, pixels: int, wishes: Wishes, other: Plan, size: int
) -> Plan:
    """The plan of a model that takes turns with another one for one picture.

    Where the two are too much for a device with memory of its own, one part of each is on it at a
    time; where the memory is the computer's, the model has what the other leaves.

    Args:
        other: by which that one is kept when it is alone.
        size: bytes of its weights.
    """
    alone = make_plan(held, place, pixels, wishes)
    if not crowded(alone, held, pixels, other, size):
        return alone
    if place.own:
        free = wishes.offload is None and alone.offload == "none"
        return make_plan(held, place, pixels, replace(wishes, offload="model") if free else wishes)
    left = replace(place, memory=max(place.memory - size, 1))
    return make_plan(held, left, pixels, wishes)


def crowded(alone: Plan, held: Held, pixels: int, other: Plan, size: int) -> bool:
    """Whether a model kept by that plan is too much beside another one; see `make_plan_beside`."""
    weights = alone.expected - expected(alone, Held(), pixels) if alone.offload == "none" else 0
    resting = size if other.offload == "none" else 0
    together = max(weights + other.expected, resting + alone.expected)
    return bool(alone.available) and together > alone.available


def possible(wishes: Wishes, held: Held, place: Place) -> Wishes:
    """The wishes that can be met for a model here; the others as if they were not decided."""
    return replace(
        wishes,
        dtype=wishes.dtype if wishes.dtype in place.dtypes else None,
        offload=wishes.offload if wishes.offload in offloads_of(held, place) else None,
        float8=wishes.float8 if float8_of(held, place) else None,
    )


def offloads_of(held: Held, place: Place) -> tuple[Offload, ...]:
    """How a model can be kept; packed weights cannot be brought block by block."""
    ways = place.offloads
    return tuple(way for way in ways if way != "group") if held.packed else ways


def float8_of(held: Held, place: Place) -> bool:
    """Whether a network can be stored in eight bits; one that is packed already cannot."""
    return place.float8 and not any(name in held.packed for name in NETWORKS)


def expected(plan: Plan, held: Held, pixels: int) -> int:
    """Bytes on the device at the most while a plan makes a picture; an estimate."""
    width = BYTES[plan.dtype]
    sizes = dict(held.packed)
    for name, count in held.numbers.items():
        size = count * (1 if plan.float8 and name in NETWORKS else width)
        sizes[name] = sizes.get(name, 0) + size
    networks = [size for name, size in sizes.items() if name in NETWORKS]
    decoders = [size for name, size in sizes.items() if name in DECODERS]
    step = pixels * STEP_VALUES * width
    decode = (min(pixels, TILE_PIXELS) if plan.tiled else pixels) * DECODE_VALUES * width
    match plan.offload:
        case "none":
            return sum(sizes.values()) + max(step, decode)
        case "model":
            read = max((size for size in sizes.values()), default=0)
            return max(read, max(networks, default=0) + step, sum(decoders) + decode)
        case "group":
            largest = int(max(sizes.values(), default=0) * GROUP_SHARE)
            return max(largest + step, sum(decoders) + decode)


NETWORKS = ("unet", "transformer", "prior", "decoder")
DECODERS = ("vae", "movq", "vqgan")


def step_down(plan: Plan, held: Held, place: Place) -> tuple[Plan, str] | None:
    """The next smaller plan after memory ran out, and what changes, for people.

    Returns:
        None when nothing smaller is left.
    """
    ways = offloads_of(held, place)
    down: Plan
    if plan.offload == "none" and "model" in ways:
        down, words = replace(plan, offload="model"), "one part of the model was on it at a time"
    elif plan.offload == "model" and "group" in ways:
        down, words = replace(plan, offload="group"), "the model was brought to it block by block"
    elif not plan.sliced:
        down, words = replace(plan, sliced=True, tiled=True), "attention was computed in slices"
    else:
        return None
    return replace(down, rung=plan.rung + 1), f"Because {_memory(place)} ran out, {words}."


def load_down(plan: Plan, held: Held, place: Place, wishes: Wishes) -> tuple[Plan, str] | None:
    """The next smaller plan after memory ran out while the model was loaded, and what changes.

    Slices of attention help no load, but half the bytes a number do; a precision that the artist
    decided is kept.

    Returns:
        None when nothing smaller is left.
    """
    if plan.offload == "none" and len(offloads_of(held, place)) > 1:
        return step_down(plan, held, place)
    kept = wishes.dtype is not None or not place.bfloat16 or not held.numbers
    if kept or plan.dtype != "float32":
        return None
    down = replace(plan, dtype="bfloat16", rung=plan.rung + 1)
    return down, (
        f"Because {_memory(place)} ran out while the model was loaded, it was computed in bfloat16."
    )


def _memory(place: Place) -> str:
    return "the graphics memory" if place.own else "the memory"


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """How a model is kept on a device, whatever is made with it there."""

    plan: Plan
    held: Held
    place: Place

    def in_words(self, width: int = USUAL_SIDE, height: int = USUAL_SIDE) -> str:
        """See `in_words`, for pictures of so many pixels."""
        plan = replace(self.plan, expected=expected(self.plan, self.held, width * height))
        return in_words(plan, self.place, (width, height))


def in_words(plan: Plan, place: Place, size: tuple[int, int] = (USUAL_SIDE, USUAL_SIDE)) -> str:
    """The plan for people: where the model is, in what precision, and the memory it takes.

    Args:
        size: width and height in pixels of the picture that the memory is expected for.
    """
    where = {"cpu": "the processor", "mps": "the Apple GPU"}.get(place.kind, "the graphics card")
    ways = {
        "none": f"The whole model stays on {where}",
        "model": f"One part of the model at a time is on {where}",
        "group": f"The model is brought to {where} block by block, which is slow",
    }
    stored = plan.dtype
    if plan.float8 or plan.packed:
        stored += ", stored in 8 bits" if plan.float8 else ", its weights packed"
    words = f"{ways[plan.offload]} ({stored}); about {_gigabytes(plan.expected)}"
    if plan.available:
        words += f" of {_gigabytes(plan.available)}"
    words += f" for a picture of {size[0]} × {size[1]}"
    words += ", decoded in tiles." if plan.tiled else "."
    return words if plan.fits else words + " That is more than there is: it may not work."


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _available(place: Place) -> int:
    share = RESERVE if place.own else RESERVE_SHARED
    return int(place.memory * (1 - share))


def _dtype(held: Held, place: Place) -> Dtype:
    # Transformers were trained in bfloat16, and their numbers can be too large for float16.
    if place.half and not (held.wide and place.bfloat16):
        return "float16"
    if place.half:
        return "bfloat16"
    # The processor is at its best in float32, as long as the model is in memory at all.
    needed = sum(held.numbers.values()) * BYTES["float32"] + sum(held.packed.values())
    room = _available(place)
    return "bfloat16" if room and needed > room and place.bfloat16 else "float32"


def _ways(held: Held, place: Place, wishes: Wishes) -> list[tuple[Offload, bool, bool]]:
    """(offload, float8, tiled), the quickest first, among those that are wished for."""
    offloads = offloads_of(held, place)
    if wishes.offload is not None:
        offloads = (wishes.offload,)
    float8s: tuple[bool, ...] = (False, True) if place.own and float8_of(held, place) else (False,)
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
