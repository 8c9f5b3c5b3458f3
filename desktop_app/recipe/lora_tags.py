"""The LoRAs that a prompt calls by tags, and the prompt with one of them changed."""

from dataclasses import dataclass, replace

from desktop_app.recipe.blocks import decimal
from desktop_app.recipe.names import LoraCall, called, read_lora
from desktop_app.recipe.wildcards import TAG


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraTag:
    """One `<lora:name:0.8>` in a text.

    Attributes:
        start, end: its place, by index as Python counts them.
        kind: `lora`, or another word for it, as it is written.
    """

    start: int
    end: int
    kind: str
    call: LoraCall


def lora_tags(text: str) -> tuple[LoraTag, ...]:
    """The tags that are called, in order; those in alternatives that may not be taken included."""
    found: list[LoraTag] = []
    for match in called(text, TAG):
        call = read_lora(match["words"]) if match["kind"].lower() != "style" else None
        if call is not None:
            found.append(
                LoraTag(start=match.start(), end=match.end(), kind=match["kind"], call=call)
            )
    return tuple(found)


def written(call: LoraCall, kind: str = "lora") -> str:
    """The tag that calls a LoRA so."""
    return f"<{kind}:{call.name}:{decimal(call.weight)}{call.rest}>"


def reweighed(text: str, tag: LoraTag, weight: float) -> str:
    """The text with another weight in a tag of it; what else the tag says stays."""
    return _with(text, tag, replace(tag.call, weight=weight))


def renamed(text: str, tag: LoraTag, name: str) -> str:
    """The text with another name in a tag of it; what else the tag says stays."""
    return _with(text, tag, replace(tag.call, name=name))


def _with(text: str, tag: LoraTag, call: LoraCall) -> str:
    return text[: tag.start] + written(call, tag.kind) + text[tag.end :]


def without(text: str, tag: LoraTag) -> str:
    """The text without a tag of it, and without the comma or the space that parted it."""
    before, after = text[: tag.start], text[tag.end :]
    open_end = not before.strip() or before.rstrip(" ").endswith((",", "\n", "{", "|"))
    if open_end and after.lstrip(" ").startswith(","):
        after = after.lstrip(" ")[1:]
    if not after.strip():
        return before.rstrip(" ,") + after.strip(" ")
    if not before or before.endswith((" ", "\n")):
        after = after.lstrip(" ")
    return before + after
