"""Styles: named words that are put around a prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop_app.errors import AppError
from desktop_app.recipe.preset import Preset


@dataclass(frozen=True, kw_only=True, slots=True)
class Style(Preset):
    """One style chip.

    Attributes:
        name: what the chip says.
        prompt: words added to the prompt; with `{prompt}` in them they are put around it instead.
        negative_prompt: words added to what is avoided.
    """

    prompt: str
    negative_prompt: str = ""


def apply_styles(
    prompt: str, negative_prompt: str, names: Sequence[str], styles: Mapping[str, Style]
) -> tuple[str, str]:
    """Prompt and negative prompt with the styles' words, each style in turn.

    Raises:
        AppError: `unknown-style` for a name that is not in `styles`.
    """
    for name in names:
        style = styles.get(name)
        if style is None:
            raise AppError("unknown-style", f"There is no style called “{name[:60]}”.")
        if "{prompt}" in style.prompt:
            prompt = style.prompt.replace("{prompt}", prompt)
        else:
            prompt = _joined(prompt, style.prompt)
        negative_prompt = _joined(negative_prompt, style.negative_prompt)
    return prompt, negative_prompt


def _joined(words: str, more: str) -> str:
    return ", ".join(part for part in (words.strip().rstrip(","), more.strip()) if part)
