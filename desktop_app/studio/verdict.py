"""What making a picture again came to, in words."""

from typing import TYPE_CHECKING

from desktop_app.studio.values import NoticeKind

if TYPE_CHECKING:
    from desktop_app.engine.verify import Verdict


def verdict_words(verdict: "Verdict") -> tuple[str, NoticeKind]:
    """One or two sentences, and how good the news is."""
    why = f" {_sentence(verdict.differences)}" if verdict.differences else ""
    match verdict.kind:
        case "identical":
            return f"Identical: every pixel came out the same.{why}", "ok"
        case "similar":
            return (
                f"Visually identical: no colour is off by more than {verdict.largest} of 255.{why}",
                "ok",
            )
        case _:
            return (
                f"Different: a colour differs by up to {verdict.largest} of 255.{why}",
                "warn",
            )


def _sentence(clauses: tuple[str, ...]) -> str:
    words = "; ".join(clauses)
    return f"{words[:1].upper()}{words[1:]}."
