"""What was read before: ids within a run, and, with a store, the texts of earlier runs."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import urldefrag

from nlp.errors import NetralitasError
from nlp.extras import require
from nlp.read import Item
from nlp.record import Revision, text_digest

_STORE: Final = """
CREATE TABLE IF NOT EXISTS texts (
    key TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, record_id TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID
"""
_WORK: Final = """
CREATE TABLE IF NOT EXISTS ids (id TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS read (
    key TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, record_id TEXT NOT NULL, revision INTEGER NOT NULL,
    place TEXT NOT NULL
) WITHOUT ROWID;
"""


class Unchanged(Enum):
    """A text that was tagged before and is the same."""

    UNCHANGED = "unchanged"


def text_key(item: Item) -> str:
    """What names a text over the days: its canonical address, else its id, else its words.

    Tracking parameters and the fragment are no part of an address.
    """
    if item.source.url:
        from courlan import normalize_url

        return "url:" + str(normalize_url(urldefrag(item.source.url).url))
    return f"id:{item.id}" if item.id else f"text:{text_digest(item.text)}"


class ReadBefore:
    """Keeps on disk which ids and texts a run has read, and looks texts up in the store of earlier runs.

    The store changes only when the run's output stands (``settle``). One thread only.

    Raises:
        NetralitasError: the store is no SQLite file of netralitas, or cannot be read.
    """

    def __init__(self, directory: Path, store: Path | None) -> None:
        self._store_path = store
        self._work = sqlite3.connect(directory / "keys.sqlite", isolation_level=None)
        self._work.executescript(_WORK)
        self._work.execute("BEGIN")
        self._store = self._open(store) if store else None

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        require("formats", "courlan", what=f"{path}: a store of seen texts")
        try:
            store = sqlite3.connect(path, isolation_level=None)
            store.execute(_STORE)
            store.execute("SELECT key, text_sha256, record_id, revision FROM texts LIMIT 1")
        except sqlite3.Error as e:
            raise NetralitasError(f"{path}: is no store of seen texts ({e}); name another with --seen") from e
        return store

    def close(self) -> None:
        """Keep what was noted, and close."""
        if self._work.in_transaction:
            self._work.execute("COMMIT")
        self._work.close()
        if self._store:
            self._store.close()

    def first_place(self, id: str, place: str) -> str:
        """Where in this run an id was used first; notes ``place`` if nowhere."""
        self._work.execute("INSERT OR IGNORE INTO ids VALUES (?, ?)", (id, place))
        return str(self._work.execute("SELECT place FROM ids WHERE id = ?", (id,)).fetchone()[0])

    def knows(self, item: Item) -> bool:
        """Whether a text was tagged in an earlier run, edited since or not."""
        asked = "SELECT 1 FROM texts WHERE key = ?"
        return bool(self._store and self._store.execute(asked, (text_key(item),)).fetchone())

    def look_up(self, item: Item, record_id: str, place: str) -> Revision | Unchanged | None:
        """What is known of a text: the same as before, edited since, or new (None). Notes it as read at ``place``.

        Without a store, None.
        """
        if self._store is None:
            return None
        key, digest = text_key(item), text_digest(item.text)
        asked = "SELECT text_sha256, record_id, revision FROM {} WHERE key = ?"
        before = self._work.execute(asked.format("read"), (key,)).fetchone()
        before = before or self._store.execute(asked.format("texts"), (key,)).fetchone()
        if before and before[0] == digest:
            return Unchanged.UNCHANGED
        number = before[2] + 1 if before else 1
        self._work.execute("REPLACE INTO read VALUES (?, ?, ?, ?, ?)", (key, digest, record_id, number, place))
        return Revision(number=number, supersedes=before[1], supersedes_text_sha256=before[0]) if before else None

    def settle(self, dead: Iterable[str]) -> None:
        """Note in the store all texts read, except those at the places of dead letters: these are to be read again.

        Raises:
            NetralitasError: the store cannot be written.
        """
        if self._store is None:
            return
        for place in dead:
            self._work.execute("DELETE FROM read WHERE place = ?", (place,))
        try:
            self._store.execute("BEGIN IMMEDIATE")
            with closing(self._work.execute("SELECT key, text_sha256, record_id, revision FROM read")) as rows:
                self._store.executemany("REPLACE INTO texts VALUES (?, ?, ?, ?)", rows)
            self._store.execute("COMMIT")
        except sqlite3.Error as e:
            raise NetralitasError(f"{self._store_path}: cannot be written: {e}; run again to go on") from e
