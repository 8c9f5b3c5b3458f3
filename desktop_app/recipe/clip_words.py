"""CLIP's vocabulary, spelled out from the byte pair merges that the program ships."""

import zlib

MERGES = 48_894
_PACKED_MAX = 4 * 1024 * 1024
START, END = "<|startoftext|>", "<|endoftext|>"


def clip_vocabulary(packed: bytes) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The words with their numbers, and the merges in the order of their rank.

    Radford et al. 2021 (arXiv 2103.00020): the 256 bytes, the same at the end of a word, what each
    merge makes, and two special tokens.

    Args:
        packed: `merges.txt.gz`, one merge a line.

    Raises:
        ValueError: when it is not that file.
    """
    try:
        text = zlib.decompressobj(wbits=31).decompress(packed, _PACKED_MAX).decode("utf-8")
    except zlib.error as error:
        raise ValueError("the vocabulary is no gzip file") from error
    merges: list[tuple[str, str]] = []
    for line in text.split("\n"):
        first, _, second = line.partition(" ")
        merges.append((first, second))
    if len(merges) != MERGES:
        raise ValueError(f"the vocabulary has {len(merges)} merges")
    letters = byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters)]
    words += [first + second for first, second in merges]
    words += [START, END]
    return {word: number for number, word in enumerate(words)}, merges


def byte_letters() -> list[str]:
    """The 256 letters that stand for the bytes, in CLIP's order (GPT-2's byte encoder)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(len(others))]
