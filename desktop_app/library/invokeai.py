"""The names that InvokeAI gave its models; its database is only read."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast
from urllib.parse import quote

from desktop_app.library.told import text_of

_ROWS_MAX = 20_000
_CONFIG_MAX = 200_000
# Version 4 and later; the one before kept the same rows under another name.
_QUERIES = ("SELECT config FROM models LIMIT ?", "SELECT config FROM model_config LIMIT ?")


def model_names(root: Path) -> dict[Path, str]:
    """The name of each model by its place; empty when there is no such database.

    Args:
        root: of InvokeAI, with `databases/invokeai.db` in it.
    """
    database = root / "databases" / "invokeai.db"
    if not database.is_file():
        return {}
    # Immutable: no lock, no journal, not a byte is written beside it.
    address = f"file:{quote(str(database))}?mode=ro&immutable=1"
    for query in _QUERIES:
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                rows = connection.execute(query, (_ROWS_MAX,)).fetchall()
        except sqlite3.Error:
            continue
        return dict(found for (config,) in rows for found in _named(root, config))
    return {}


def _named(root: Path, config: object) -> list[tuple[Path, str]]:
    if not isinstance(config, str) or len(config) > _CONFIG_MAX:
        return []
    try:
        value: object = json.loads(config)
    except (ValueError, RecursionError):
        return []
    fields = cast(dict[str, object], value) if isinstance(value, dict) else {}
    path, name = fields.get("path"), text_of(fields.get("name"), 200)
    if not isinstance(path, str) or not name or "\0" in path:
        return []
    return [(root / "models" / path, name)]
