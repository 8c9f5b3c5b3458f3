"""The licence of a repository: its name, what it means in a sentence, and its own words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from desktop_app.library.hub_files import RemoteFile

_FILE = re.compile(r"(licen[cs]e|copying)([-_. ][\w. -]*)?", re.IGNORECASE)
_TEXTS = frozenset({"", ".md", ".txt", ".rst"})
_WORD = re.compile(r"[\w.+ ()/:&,'-]{1,120}")

_KNOWN: Mapping[str, tuple[str, str]] = {
    "apache-2.0": ("Apache 2.0", "Free for every use; keep the notice when you pass it on."),
    "mit": ("MIT", "Free for every use; keep the notice when you pass it on."),
    "bsd-3-clause": ("BSD 3-Clause", "Free for every use; keep the notice when you pass it on."),
    "openrail": ("OpenRAIL", "Free use, with a list of harms that it may not serve."),
    "openrail++": ("OpenRAIL++", "Free use, with a list of harms that it may not serve."),
    "creativeml-openrail-m": (
        "CreativeML OpenRAIL-M",
        "Free use, with a list of harms that it may not serve.",
    ),
    "bigscience-openrail-m": (
        "BigScience OpenRAIL-M",
        "Free use, with a list of harms that it may not serve.",
    ),
    "cc0-1.0": ("CC0 1.0", "Free for every use."),
    "cc-by-4.0": ("CC BY 4.0", "Free for every use; name its makers."),
    "cc-by-sa-4.0": ("CC BY-SA 4.0", "Name its makers; what you build on it has this licence."),
    "cc-by-nc-4.0": ("CC BY-NC 4.0", "Not for commercial use; name its makers."),
    "cc-by-nc-sa-4.0": ("CC BY-NC-SA 4.0", "Not for commercial use; name its makers."),
    "flux-1-dev-non-commercial-license": (
        "FLUX.1 [dev] Non-Commercial",
        "The model is not for commercial use; read what it says about pictures.",
    ),
    "stabilityai-ai-community": (
        "Stability AI Community",
        "Free below a yearly income that it names; above it, another licence is needed.",
    ),
    "sai-nc-community": ("Stability AI Non-Commercial", "Not for commercial use."),
    "stabilityai-nc-research-community": ("Stability AI Research", "For research only."),
    "gemma": ("Gemma", "Free use within the terms that it names."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """Attributes:
    name: for people; `None stated` where the repository names none.
    meaning: in a sentence; empty where that is not known.
    link: an https address with the full terms; empty for none.
    text: its own words; empty where the repository holds none.
    """

    name: str
    meaning: str = ""
    link: str = ""
    text: str = ""


def licence_file(files: Sequence[RemoteFile]) -> RemoteFile | None:
    """The file at the top of a repository that holds its licence."""
    for file in sorted(files, key=lambda one: one.path.casefold()):
        # The end of LICENSE-CC-BY-4.0 is no format.
        text = file.suffix in _TEXTS or file.suffix[1:].isdigit()
        if text and _FILE.fullmatch(file.path):
            return file
    return None


def licence_of(card: Mapping[str, object], text: str, page: str) -> Licence:
    """What the head of the README and the licence's file say together.

    Args:
        card: the front matter of the README, as the hub reads it.
        page: of the repository, where the terms are when no link is given.
    """
    key = _plain(card.get("license"))
    own = _plain(card.get("license_name"))
    name, meaning = _KNOWN.get(own.lower()) or _KNOWN.get(key.lower()) or (own or key, "")
    if not name or name == "unknown":
        return Licence(
            name="None stated",
            meaning="Without a licence, the makers keep all rights: ask them before you use it.",
            link=page,
            text=text,
        )
    if name == "other":
        name = "The makers' own terms"
    return Licence(
        name=name, meaning=meaning, link=_link(card.get("license_link"), page), text=text
    )


def _plain(value: object) -> str:
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), "")
    return value.strip() if isinstance(value, str) and _WORD.fullmatch(value.strip()) else ""


def _link(value: object, page: str) -> str:
    if not isinstance(value, str) or len(value) > 500:
        return page
    try:
        parts = urlsplit(value)
    except ValueError:
        return page
    if parts.scheme == "https" and parts.hostname and value.isascii() and value.isprintable():
        return value
    return page
