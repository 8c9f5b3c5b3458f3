"""pack and unpack: trained parts as a few files of limited size, to be carried between machines."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from safetensors.torch import load_file, save

LIMIT = 15 * 2**20  # bytes in one parcel: a little below the 16 MiB that carriers often allow
LIST = "parcels.json"
FOLDERS = ("vae", "text_encoder", "tokenizer", "unet", "clip", "image_encoder")
FILES = ("ip-adapter.safetensors", "judge.ckpt", "marks.json")
SHEETS = 6


def half(path: Path) -> bytes:
    """Return the safetensors file at `path` with its weights in float16."""
    return save({name: value.half() for name, value in load_file(path).items()}, {"format": "pt"})


def contents(work: Path) -> list[Path]:
    """Return what is worth carrying: finished parts, marks, and the newest sheets."""
    files = [p for name in FOLDERS for p in sorted((work / name).rglob("*")) if p.is_file()]
    files += [work / name for name in FILES if (work / name).is_file()]
    sheets = sorted((work / "sheets").glob("*.png"), key=lambda p: (p.stat().st_mtime, p.name))
    return files + sheets[-SHEETS:]


def bundle(work: Path) -> bytes:
    """Return a tar archive of the finished parts, the weights in float16."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in contents(work):
            data = half(path) if path.suffix == ".safetensors" else path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(work).as_posix())
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def pack(work: Path, out: Path, limit: int = LIMIT) -> list[Path]:
    """Write the finished parts of `work` into `out` as files of at most `limit` bytes; return them.

    Checkpoints and pools stay behind: what is carried starts new stages and can be exported, but
    is not the state of a training. Raises FileNotFoundError when nothing has been trained.
    """
    if not contents(work):
        raise FileNotFoundError(f"nothing has been trained in {work}")
    data = bundle(work)
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("parcel-*"):
        stale.unlink()
    paths, sums = [], {}
    for index, start in enumerate(range(0, len(data), limit)):
        piece = data[start : start + limit]
        path = out / f"parcel-{index:02d}"
        path.write_bytes(piece)
        sums[path.name] = hashlib.sha256(piece).hexdigest()
        paths.append(path)
    (out / LIST).write_text(json.dumps(sums, indent=1), encoding="utf-8")
    return [*paths, out / LIST]


def unpack(parcels: Path, work: Path) -> list[str]:
    """Put the parcels in `parcels` together into `work`; return the names of the files written.

    Raises ValueError, before anything is written, when a parcel is missing or not as it was.
    """
    data = bytearray()
    for name, digest in json.loads((parcels / LIST).read_text(encoding="utf-8")).items():
        path = parcels / Path(name).name
        piece = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(piece).hexdigest() != digest:
            raise ValueError(f"{path} is missing or damaged")
        data += piece
    with tarfile.open(fileobj=io.BytesIO(bytes(data))) as archive:
        archive.extractall(work, filter="data")
        return archive.getnames()
