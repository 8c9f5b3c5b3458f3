"""What of a prompt the models of a family pass over, in words."""

from desktop_app.recipe.family import Family
from desktop_app.recipe.prompt import plain_text


def unread(prompt: str, negative_prompt: str, family: Family) -> tuple[str, ...]:
    """One sentence for each thing that is said and not read; none where all of it is."""
    said: list[str] = []
    avoids = "negative_prompt" in family.controls
    texts = (prompt, negative_prompt) if avoids else (prompt,)
    if "weights" not in family.controls and any(plain_text(text) is None for text in texts):
        said.append(
            f"{family.label} models know no weights: the words in (…:1.3), (…) and […] are read "
            "like all others."
        )
    if not avoids and negative_prompt.strip():
        said.append(f"{family.label} models read no words to avoid.")
    return tuple(said)
