"""The tables of the index, as numbered migrations; a number once released is never edited."""

APPLICATION_ID = 0x4D5A5454

# `pictures` is kept narrow so that a filter can run through 100,000 rows in some milliseconds; the
# long texts stand in `details`. Seeds are text, for SQLite's numbers end at 2**63 - 1. `path` is
# relative to the pictures folder, with `/`, so that the folder can be moved.
_FIRST = """
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    created TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seed TEXT NOT NULL,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    pixels_sha256 TEXT NOT NULL,
    favourite INTEGER NOT NULL DEFAULT 0,
    rating INTEGER NOT NULL DEFAULT 0,
    verified TEXT NOT NULL DEFAULT '',
    missing INTEGER NOT NULL DEFAULT 0,
    trashed TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL
);
CREATE UNIQUE INDEX pictures_path ON pictures (path) WHERE trashed = '';
CREATE INDEX pictures_live ON pictures (trashed, id);
CREATE INDEX pictures_pixels ON pictures (pixels_sha256);
CREATE INDEX pictures_seed ON pictures (seed);
CREATE TABLE details (
    id INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE,
    prompt TEXT NOT NULL,
    recipe TEXT NOT NULL,
    provenance TEXT NOT NULL,
    infotext TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5 (
    prompt, content='details', content_rowid='id',
    tokenize="unicode61 remove_diacritics 2", prefix='2 3'
);
CREATE TRIGGER details_added AFTER INSERT ON details BEGIN
    INSERT INTO words (rowid, prompt) VALUES (new.id, new.prompt);
END;
CREATE TRIGGER details_removed AFTER DELETE ON details BEGIN
    INSERT INTO words (words, rowid, prompt) VALUES ('delete', old.id, old.prompt);
END;
CREATE TRIGGER details_changed AFTER UPDATE OF prompt ON details BEGIN
    INSERT INTO words (words, rowid, prompt) VALUES ('delete', old.id, old.prompt);
    INSERT INTO words (rowid, prompt) VALUES (new.id, new.prompt);
END;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    error TEXT NOT NULL DEFAULT '',
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_state ON jobs (state, id);
"""

# What a picture was derived from, and the grid it is a cell of; both stand in its file too. Jobs
# carry it as JSON until the picture is saved.
_DERIVED = """
ALTER TABLE pictures ADD COLUMN parent TEXT NOT NULL DEFAULT '';
ALTER TABLE pictures ADD COLUMN sheet TEXT NOT NULL DEFAULT '';
CREATE INDEX pictures_parent ON pictures (parent) WHERE parent != '';
CREATE INDEX pictures_sheet ON pictures (sheet) WHERE sheet != '';
ALTER TABLE jobs ADD COLUMN origin TEXT NOT NULL DEFAULT '';
"""

# One row for each use of a seed, written with the job that uses it. `job` is NULL for a use that
# was found in a picture; `start` is JSON of what was mixed into the noise, empty for nothing.
_SEEDS = """
CREATE TABLE seeds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER,
    used TEXT NOT NULL,
    seed TEXT NOT NULL,
    start TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    pixels_sha256 TEXT NOT NULL DEFAULT ''
);
CREATE INDEX seeds_used ON seeds (used, id);
CREATE INDEX seeds_job ON seeds (job) WHERE job IS NOT NULL;
CREATE INDEX seeds_pixels ON seeds (pixels_sha256);
CREATE INDEX seeds_seed ON seeds (seed);
"""

LIBRARY: tuple[str, ...] = (_FIRST, _DERIVED, _SEEDS)

THUMBNAILS: tuple[str, ...] = (
    "CREATE TABLE thumbnails (picture TEXT PRIMARY KEY, jpeg BLOB NOT NULL);",
)
