"""Makes resources/model_configs/clip/merges.txt.gz from the byte pair table in open_clip's wheel.

Run: pip download --no-deps open_clip_torch, then python packaging/clip_vocabulary.py WHEEL.
"""

import argparse
import gzip
import zipfile
from pathlib import Path

TABLE = "open_clip/bpe_simple_vocab_16e6.txt.gz"
FOLDER = Path(__file__).resolve().parent.parent / "resources" / "model_configs" / "clip"
MERGES = 49152 - 256 - 2
"""Merges that CLIP uses of the 262,144 in the table: what is left of its vocabulary of 49,408
beside 256 bytes, 256 bytes that end a word, and two special tokens."""


def merges_of(wheel: Path) -> bytes:
    """The merges in use, one a line, in the order of their rank."""
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(TABLE)).decode("utf-8").split("\n")
    return "\n".join(lines[1 : 1 + MERGES]).encode("utf-8")


def licence_of(wheel: Path) -> bytes:
    """open_clip's licence (MIT), which must go with the table."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(one for one in archive.namelist() if one.endswith("/licenses/LICENSE"))
        return archive.read(name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the shipped CLIP vocabulary.")
    parser.add_argument("wheel", type=Path, help="open_clip_torch-*.whl")
    wheel = parser.parse_args().wheel
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Without a time inside, equal input gives an equal file.
    (FOLDER / "merges.txt.gz").write_bytes(gzip.compress(merges_of(wheel), 9, mtime=0))
    (FOLDER / "LICENSE").write_bytes(licence_of(wheel))


if __name__ == "__main__":
    main()
