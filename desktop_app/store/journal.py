"""Finished latents on disk until their picture is saved, so that a failed decode costs a retry."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from desktop_app.errors import AppError
from desktop_app.recipe import codec
from desktop_app.recipe.provenance import Origin
from desktop_app.recipe.recipe import Recipe
from desktop_app.store.files import read_bounded, told, write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENTRIES_MAX = 64
_MAGIC = b"mezzotint latents 1\n"
_HEADER_MAX = 200_000
_BYTES_MAX = 64 * 1024 * 1024


class Finished(Protocol):
    """What the last step leaves, such as `engine.events.Latents`."""

    @property
    def latents(self) -> "NDArray[np.float32]": ...

    @property
    def noise_sha256(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptLatents:
    """What was kept.

    Attributes:
        latents: (1, C, H/f, W/f) float32.
        origin: what the picture is derived from.
    """

    latents: "NDArray[np.float32]"
    noise_sha256: str
    origin: Origin | None = None


class Journal:
    """One file for each latent; safe to call from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, recipe: Recipe, latents: Finished, origin: Origin | None = None) -> str:
        """Write a latent to the disk; the token that `drop` and `pending` know it by.

        Raises:
            AppError: `disk-full` and the like.
        """
        import numpy as np

        array = np.ascontiguousarray(latents.latents, dtype="<f4")
        body = array.tobytes()
        header = codec.dumps(
            {
                "recipe": codec.recipe_to_json(recipe),
                "noise_sha256": latents.noise_sha256,
                "origin": None if origin is None else codec.origin_to_json(origin),
                "shape": list(array.shape),
                "sha256": hashlib.sha256(body).hexdigest(),
            }
        ).encode()
        token = secrets.token_hex(8)
        data = _MAGIC + len(header).to_bytes(4) + header + body
        write_atomic(self._path(token), data)
        return token

    def drop(self, token: str) -> None:
        """Forget a latent, for its picture is saved or not wanted; unknown tokens are fine."""
        if token.isalnum():
            with told(self._path(token)):
                self._path(token).unlink(missing_ok=True)

    def pending(self) -> list[tuple[str, Recipe, KeptLatents]]:
        """What an earlier session left, the oldest first; at most `ENTRIES_MAX`.

        A damaged file is renamed to end in `.bad` and left out.
        """
        try:
            paths = sorted(self._folder.glob("*.latents"), key=lambda path: path.stat().st_mtime_ns)
        except OSError:
            return []
        found: list[tuple[str, Recipe, KeptLatents]] = []
        for path in paths[:ENTRIES_MAX]:
            try:
                recipe, kept = _read(path)
            except AppError as refusal:
                if refusal.code == "latents-damaged":
                    _set_aside(path)
                continue
            found.append((path.stem, recipe, kept))
        return found

    def _path(self, token: str) -> Path:
        return self._folder / f"{token}.latents"


def _read(path: Path) -> tuple[Recipe, KeptLatents]:
    """Raises:
    AppError: `latents-damaged`, or why the file or its recipe cannot be read.
    """
    import numpy as np

    data = read_bounded(path, _BYTES_MAX)
    start = len(_MAGIC) + 4
    length = int.from_bytes(data[len(_MAGIC) : start])
    damaged = AppError("latents-damaged", f"The unfinished picture “{path}” is damaged.")
    if not data.startswith(_MAGIC) or length > _HEADER_MAX:
        raise damaged
    try:
        parsed = codec.loads(data[start : start + length].decode("utf-8", "replace"))
    except AppError as fault:
        raise damaged from fault
    header = cast(dict[str, object], parsed) if isinstance(parsed, dict) else {}
    body = data[start + length :]
    shape, noise = header.get("shape"), header.get("noise_sha256")
    if (
        header.get("sha256") != hashlib.sha256(body).hexdigest()
        or not isinstance(noise, str)
        or not isinstance(shape, list)
    ):
        raise damaged
    sides = [side for side in cast(list[object], shape) if isinstance(side, int) and side > 0]
    count = 1
    for side in sides:
        count *= side
    if len(sides) != 4 or len(cast(list[object], shape)) != 4 or count * 4 != len(body):
        raise damaged
    latents = np.frombuffer(body, dtype="<f4").astype(np.float32).reshape(sides)
    recipe = codec.recipe_from_json(header.get("recipe"))
    tie = header.get("origin")
    origin = None if tie is None else codec.origin_from_json(tie)
    return recipe, KeptLatents(latents=latents, noise_sha256=noise, origin=origin)


def _set_aside(path: Path) -> None:
    try:
        path.replace(path.with_suffix(".bad"))
    except OSError:
        pass  # the same is tried at the next start
