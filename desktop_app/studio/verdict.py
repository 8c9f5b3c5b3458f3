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
        case "different" if verdict.largest < 0:
            return f"Different: the pictures' hashes are not the same.{why}", "warn"
        case "different":
            return f"Different: a colour is off by up to {verdict.largest} of 255.{why}", "warn"


def _sentence(clauses: tuple[str, ...]) -> str:
    words = "; ".join(clauses)
    return f"{words[:1].upper()}{words[1:]}."
