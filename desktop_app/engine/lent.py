"""What a recipe lends to its model: files of components, and the words that they read by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from desktop_app.recipe.recipe import ModelRef, Recipe
from desktop_app.weights.vocabulary import Stamp, stamp_of


@dataclass(frozen=True, kw_only=True, slots=True)
class LentFile:
    """A component in a file of its own."""

    ref: ModelRef
    path: Path


def no_words(kind: str) -> Path | None:
    """Where there are none but those that are shipped."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lent:
    """Files beside the model's own.

    Attributes:
        words: where the vocabulary of a kind (`t5`, `gemma` ...) lies, a file or the folder of a
            tokenizer; None where there is none.
    """

    vae: LentFile | None = None
    text_encoders: tuple[LentFile, ...] = ()
    words: Callable[[str], Path | None] = no_words

    @property
    def hashes(self) -> frozenset[str]:
        """By which the recipe names the files."""
        files = (*self.text_encoders, *([self.vae] if self.vae else []))
        return frozenset(one.ref.sha256 for one in files)

    def renews(self, read: Mapping[str, Stamp]) -> bool:
        """Whether a vocabulary is another one than when it was read; one that is gone is none.

        Args:
            read: by kind, the stamps of then.
        """
        places = {kind: self.words(kind) for kind in read}
        now = {kind: stamp_of(place) for kind, place in places.items() if place is not None}
        return any(stamp not in ((), read[kind]) for kind, stamp in now.items())


NOTHING = Lent()


def lent_by(
    recipe: Recipe,
    weights: Callable[[ModelRef], Path],
    words: Callable[[str], Path | None] = no_words,
) -> Lent:
    """What a recipe lends, found on the disk.

    Raises:
        AppError: as `weights`, for a file that is not there.
    """
    vae = recipe.vae
    return Lent(
        vae=None if vae is None else LentFile(ref=vae, path=weights(vae)),
        text_encoders=tuple(LentFile(ref=r, path=weights(r)) for r in recipe.text_encoders),
        words=words,
    )
