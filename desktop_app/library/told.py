"""What a model's maker wrote about it: kohya's `ss_*`, `modelspec.*` and GGUF's `general.*`."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from desktop_app.library.adapter_keys import ARCHITECTURES

WORDS_MAX = 24
"""Trigger words that are kept of one model."""
_WORD_LENGTH = 120
_KEPT_MAX = 60
_KEPT_LENGTH = 500
_JSON_MAX = 8 * 1024 * 1024
_TAGS_MAX = 200_000
_LEFT_OUT = frozenset({"modelspec.thumbnail", "ss_tag_frequency", "ss_bucket_info", "format"})
_SIDE_MAX = 16_384
_LORA_HASH = "sshs_model_hash"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The maker's words, checked and short.

    Attributes:
        family: that they name, a key of the table of families; empty for none.
        prediction: `epsilon`, `v_prediction` or empty.
        size: width and height in pixels; None when not told.
        kept: names and texts for people.
    """

    title: str = ""
    base: str = ""
    family: str = ""
    prediction: str = ""
    zero_snr: bool = False
    size: tuple[int, int] | None = None
    trigger_words: tuple[str, ...] = ()
    kept: Mapping[str, str]


def read_told(metadata: Mapping[str, str]) -> Told:
    """Pick out what is known; whatever is not what it should be is left out."""
    get = metadata.get
    sort = (
        get("modelspec.architecture")
        or get("ss_base_model_version")
        or get("general.architecture")
        or ""
    )
    predicts = (get("modelspec.prediction_type") or get("modelspec.predict_key") or "").lower()
    v_told = predicts in ("v", "v_prediction", "v-prediction")
    epsilon_told = predicts in ("epsilon", "eps")
    v_trained = get("ss_v_parameterization") == "True" or get("ss_v2_v") == "True"
    return Told(
        title=text_of(get("modelspec.title") or get("general.name") or get("ss_output_name"), 200),
        base=text_of(get("ss_sd_model_name") or get("modelspec.merged_from"), 200),
        family=family_of(sort),
        prediction="v_prediction" if v_told or v_trained else "epsilon" if epsilon_told else "",
        zero_snr=get("ss_zero_terminal_snr") == "True",
        size=_size(get("modelspec.resolution") or get("ss_resolution") or ""),
        trigger_words=_trigger_words(metadata),
        kept=_kept(metadata),
    )


def family_of(architecture: str) -> str:
    """The family that `modelspec.architecture` or kohya's name of a base model stands for."""
    wanted = architecture.strip().lower()[:200]
    return next((family for start, family in ARCHITECTURES if wanted.startswith(start)), "")


def lora_sha256(metadata: Mapping[str, str]) -> str:
    """The hash of its tensors that a LoRA's trainer wrote down; empty for none."""
    told = metadata.get(_LORA_HASH, "")
    return told if _SHA256.fullmatch(told) else ""


def text_of(value: object, length: int) -> str:
    """One line of text for people, without characters that could mislead them."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value[: 4 * length]).split())[
        :length
    ]


def words_of(value: object) -> tuple[str, ...]:
    """Trigger words from a list of texts, or from one text with commas."""
    rows = cast(list[object], value) if isinstance(value, list) else [value]
    parts: list[str] = []
    for row in rows[:WORDS_MAX]:
        if isinstance(row, str):
            parts += row[:4000].split(",") if len(rows) == 1 else [row]
    words = (text_of(part, _WORD_LENGTH).strip(" ,") for part in parts)
    return tuple(dict.fromkeys(word for word in words if word))[:WORDS_MAX]


def _trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    phrase = metadata.get("modelspec.trigger_phrase") or metadata.get("ss_trigger_words") or ""
    return words_of(phrase) or _frequent(metadata.get("ss_tag_frequency", ""))


def _frequent(text: str) -> tuple[str, ...]:
    """The tags that at least half of the training pictures have, the most frequent first."""
    if not text or len(text) > _JSON_MAX:
        return ()
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    counts: dict[str, float] = {}
    folders = cast(dict[str, object], parsed).values() if isinstance(parsed, dict) else ()
    for folder in folders:
        tags = cast(dict[str, object], folder) if isinstance(folder, dict) else {}
        for tag, count in tags.items():
            if isinstance(count, int | float) and math.isfinite(count) and len(counts) < _TAGS_MAX:
                counts[tag] = counts.get(tag, 0) + count
    most = max(counts.values(), default=0)
    often = sorted((tag for tag in counts if counts[tag] * 2 >= most), key=lambda tag: -counts[tag])
    return words_of(often[:WORDS_MAX])


def _size(text: str) -> tuple[int, int] | None:
    """`1024x1024`, `1024`, or kohya's `(512, 768)`."""
    numbers = [int(number) for number in re.findall(r"\d{1,6}", text[:60])]
    if len(numbers) == 1:
        numbers *= 2
    good = len(numbers) == 2 and all(64 <= number <= _SIDE_MAX for number in numbers)
    return (numbers[0], numbers[1]) if good else None


def _kept(metadata: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    # Trainers tell more than is kept, in no order.
    for name, value in sorted(metadata.items(), key=lambda row: row[0] != _LORA_HASH):
        if len(found) >= _KEPT_MAX:
            break
        if name not in _LEFT_OUT and len(name) <= 100 and len(value) <= _KEPT_LENGTH:
            shown = text_of(value, _KEPT_LENGTH)
            if shown:
                found[text_of(name, 100)] = shown
    return found
