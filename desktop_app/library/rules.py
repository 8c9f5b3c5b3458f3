"""A rule by which the names and shapes of its tensors tell what a file is."""

from dataclasses import dataclass

from desktop_app.weights.headers import Header

Shape = tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row: what is told by names alone.

    Attributes:
        result: the family, or whatever the table is about.
        has: names that must be there; each may have several spellings, of which one is enough.
        lacks: names that must not be there.
        shapes: name and shape; None stands for any number, the count of dimensions counts.
    """

    result: str
    has: tuple[str | tuple[str, ...], ...]
    naming: str = "original"
    variant: str = ""
    lacks: tuple[str, ...] = ()
    shapes: tuple[tuple[str, Shape], ...] = ()

    def holds(self, header: Header, prefix: str = "") -> bool:
        """Whether the tensors below `prefix` are what this row says."""
        tensors = header.tensors
        for name in self.has:
            some = (name,) if isinstance(name, str) else name
            if not any(prefix + one in tensors for one in some):
                return False
        return not any(prefix + name in tensors for name in self.lacks) and all(
            _like(header, prefix + name, shape) for name, shape in self.shapes
        )


def _like(header: Header, name: str, wanted: Shape) -> bool:
    row = header.tensors.get(name)
    return row is not None and like(row.shape, wanted)


def like(shape: tuple[int, ...], wanted: Shape) -> bool:
    """Whether a shape is the wanted one, where None stands for any number."""
    return len(shape) == len(wanted) and all(
        w is None or w == side for w, side in zip(wanted, shape, strict=True)
    )


def first(rules: tuple[Rule, ...], header: Header, prefix: str = "") -> Rule | None:
    """The first row that holds."""
    return next((rule for rule in rules if rule.holds(header, prefix)), None)
