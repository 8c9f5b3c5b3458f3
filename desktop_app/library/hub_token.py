"""The artist's access token: for one server alone, in a file that no one else may read."""

import contextlib
import re
from pathlib import Path

from desktop_app.errors import AppError
from desktop_app.files import replacing

_TOKEN = re.compile(r"[\x21-\x7e]{1,500}")
_FILE_MAX = 3000


def read_token(file: Path, endpoint: str) -> str:
    """The token that was kept for a server; empty for none, and for one of another server.

    A mirror that is set later must not learn the token that was meant for the hub.
    """
    try:
        with file.open("rb") as stream:
            lines = stream.read(_FILE_MAX).decode("ascii", "replace").splitlines()
    except OSError:
        return ""
    good = len(lines) == 2 and lines[0] == endpoint and _TOKEN.fullmatch(lines[1])
    return lines[1] if good else ""


def keep_token(file: Path, token: str, endpoint: str) -> None:
    """Keep a token for a server, or forget the one that is kept when it is empty.

    Raises:
        AppError: `token-form` for what can be none, `token-save` when the disk refuses.
    """
    words = token.strip()
    if words and not _TOKEN.fullmatch(words):
        raise AppError(
            "token-form", "That is no access token: it is one word, such as hf_ and some letters."
        )
    try:
        if words:
            # Readable by its owner alone from the first byte on, and not only after it was written.
            with replacing(file, mode=0o600) as stream:
                stream.write(f"{endpoint}\n{words}\n".encode("ascii"))
        else:
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
    except OSError as fault:
        raise AppError(
            "token-save", f"The access token cannot be kept: {fault.strerror or fault}."
        ) from fault
