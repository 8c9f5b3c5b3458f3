"""Numbers, pictures and models in the words that several panels have for them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_app.studio.values import Record

_PREDICTED = {
    "epsilon": "the noise",
    "v_prediction": "the velocity",
    "sample": "the picture",
    "flow": "the flow",
}


def grouped(seed: int) -> str:
    """A seed as people read it: `2 847 190 663`."""
    return f"{seed:,}".replace(",", " ")


def counted(count: int) -> str:
    """How many, with thin spaces between the thousands."""
    return f"{count:,}".replace(",", "\u2009")


def label_of(record: "Record") -> str:
    """What tells a picture from its neighbour."""
    if record.recipe is not None:
        return f"Seed {grouped(record.recipe.seed)}"
    return record.path.name


def predicted(prediction: str) -> str:
    """What a network with that prediction type foretells; the type's own name if it is new."""
    return _PREDICTED.get(prediction, prediction)
