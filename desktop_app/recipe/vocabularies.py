"""The vocabularies that text encoders read by: which a family needs, and where one comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from desktop_app.recipe.family import Family, Part


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One vocabulary.

    Attributes:
        title: for people.
        files: which file it is and whose, for people; empty for one that is shipped.
    """

    title: str
    files: str = ""


VOCABULARIES: Mapping[str, Words] = {
    "clip": Words(title="CLIP"),
    "t5": Words(
        title="T5", files="spiece.model or tokenizer.json from google/t5-v1_1-xxl on Hugging Face"
    ),
    "gemma": Words(
        title="Gemma 2",
        files="tokenizer.json or tokenizer.model from google/gemma-2-2b-it on Hugging Face",
    ),
    "qwen": Words(title="Qwen", files="tokenizer.json from Qwen/Qwen3-4B on Hugging Face"),
}
_OF_CLASSES = {"CLIP": "clip", "T5": "t5", "Gemma": "gemma", "Qwen2": "qwen"}


def vocabulary_for(part: Part) -> str:
    """The key of the vocabulary of a tokenizer; empty for a part that is none, or not known."""
    kind = part.classes[0]
    if "Tokenizer" not in kind:
        return ""
    return next((key for start, key in _OF_CLASSES.items() if kind.startswith(start)), "")


def vocabularies_of(family: Family) -> tuple[str, ...]:
    """Those that a family cannot read without, as far as they are not shipped; each once."""
    found = [vocabulary_for(part) for part in family.parts if part.needed]
    return tuple(dict.fromkeys(one for one in found if one not in ("", "clip")))
