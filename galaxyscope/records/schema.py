"""Schema of a session file, one migration per version, and what can be wrong with such a file."""

from __future__ import annotations

# "GSs1": tells a session from every other SQLite file, so that none of those is written to.
APPLICATION_ID = 0x47537331
# Each entry lifts the schema by one version; version N has run the first N entries. An entry
# never changes once it was released: tests/records/golden has a file of every version.
MIGRATIONS = (
    """
    CREATE TABLE record (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        image_sha256 TEXT NOT NULL,
        plane TEXT NOT NULL,
        kind TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0,
        content TEXT NOT NULL
    );
    CREATE INDEX record_of_image ON record (image_sha256, plane);
    CREATE TABLE image (
        image_sha256 TEXT PRIMARY KEY,
        content TEXT NOT NULL
    );
    """,
    # What the window shows (file, state) and what was done (step), so that a session is a whole.
    """
    CREATE TABLE file (
        path TEXT PRIMARY KEY,
        place INTEGER,
        content TEXT NOT NULL
    );
    CREATE TABLE state (
        name TEXT PRIMARY KEY,
        content TEXT NOT NULL
    );
    CREATE TABLE step (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        content TEXT NOT NULL
    );
    """,
)
SCHEMA_VERSION = len(MIGRATIONS)


class SessionError(Exception):
    """A session that cannot be used; ``str()`` is one sentence naming the file."""


class DamagedSessionError(SessionError):
    """A session file that is damaged, or no session at all."""


class ForeignFileError(DamagedSessionError):
    """A file of another program."""
