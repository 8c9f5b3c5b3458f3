"""What the artist can act on: one exception with a code, a sentence and a hint."""


class AppError(Exception):
    """Something that went wrong in a way the artist can do something about.

    Args:
        code: stable kebab-case name for tests, logs and translations, such as `seed-range`.
        sentence: what happened, one sentence in the artist's words.
        hint: what to try next, one sentence; empty where the sentence says it.
        parameters: the values that stand in the sentence, for tests and machines.
    """

    def __init__(self, code: str, sentence: str, *, hint: str = "", **parameters: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.parameters = parameters

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


class Cancelled(Exception):
    """The artist stopped the work; raised by `report`, never shown as an error."""
