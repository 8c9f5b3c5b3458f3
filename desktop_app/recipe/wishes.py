"""What the artist decides about precision and memory; the rest is planned for each machine."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, cast, get_args

Offload = Literal["none", "model", "group"]
Dtype = Literal["float32", "float16", "bfloat16"]
OFFLOADS: tuple[Offload, ...] = get_args(Offload)
DTYPES: tuple[Dtype, ...] = get_args(Dtype)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What is decided; None leaves it to the plan.

    Attributes:
        dtype: of the numbers that are computed with; another one gives other pixels.
        offload: `none` keeps the whole model on the device, `model` one component at a time,
            `group` the blocks of one component at a time.
        float8: whether the network's weights are stored in eight bits; it changes pixels a little.
        tiled: whether large pictures are decoded in tiles, which can leave faint seams.
    """

    dtype: Dtype | None = None
    offload: Offload | None = None
    float8: bool | None = None
    tiled: bool | None = None

    def over(self, usual: "Wishes") -> "Wishes":
        """These, and where nothing is decided the usual ones."""
        return replace(usual, **self.written())

    def written(self) -> dict[str, Any]:
        """What is decided, by name, as JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def wishes_in(row: object) -> Wishes:
    """What `written` gave; whatever is unknown there counts as not decided."""
    told = cast(dict[str, object], row) if isinstance(row, dict) else {}
    known: dict[str, tuple[object, ...]] = {"dtype": DTYPES, "offload": OFFLOADS}
    found: dict[str, Any] = {}
    for field in fields(Wishes):
        value = told.get(field.name)
        allowed = known.get(field.name)
        if value in allowed if allowed is not None else isinstance(value, bool):
            found[field.name] = value
    return Wishes(**found)
