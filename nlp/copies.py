"""Find near copies of texts: a wire story in twenty papers, with another headline and a sentence less."""

import hashlib
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from datasketch import LeanMinHash, MinHash

NEAR: Final = 0.6
"""Estimated Jaccard similarity of word trigrams from which two texts count as near copies."""
_PERMUTATIONS: Final = 128
_ROWS: Final = 4
"""Values of a band. 32 bands of 4: a pair at a similarity of 0.6 shares a band with probability 0.99."""
_TABLES: Final = """
CREATE TABLE originals (number INTEGER PRIMARY KEY, id TEXT NOT NULL, sketch BLOB NOT NULL);
CREATE TABLE bands (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;
"""


def shingles(text: str) -> set[str]:
    """Word trigrams, lower-cased; of a shorter text, its words."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)} or set(words)


def sketch(text: str) -> LeanMinHash:
    """MinHash of the shingles, 128 permutations."""
    minhash = MinHash(num_perm=_PERMUTATIONS, seed=1)
    minhash.update_batch([s.encode() for s in shingles(text)])
    return LeanMinHash(minhash)


@dataclass(frozen=True)
class Copy:
    """A text, and the first one before it that it is a near copy of."""

    id: str
    duplicate_of: str | None
    similarity: float | None
    """Estimated Jaccard similarity of the word trigrams."""


def find_copies(texts: Iterable[tuple[str, str]], threshold: float = NEAR) -> Iterator[Copy]:
    """Say of each ``(id, text)`` whether it is a near copy of an original before it: the most similar one of at least
    ``threshold``. The first of several copies is the original of all. Originals are kept on disk, not in memory.
    """
    with (
        tempfile.TemporaryDirectory(prefix="netralitas-") as folder,
        closing(sqlite3.connect(Path(folder) / "originals.sqlite", isolation_level=None)) as db,
    ):
        # Nothing of it outlives the process, so nothing need be safe from a crash.
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        for number, (id, text) in enumerate(texts):
            values = sketch(text).hashvalues.astype("<u8")
            keys = _band_keys(values)
            best, similarity = _most_similar(db, keys, values)
            if best is not None and similarity >= threshold:
                yield Copy(id, best, round(similarity, 4))
                continue
            db.execute("INSERT INTO originals VALUES (?, ?, ?)", (number, id, values.tobytes()))
            db.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", [(key, number) for key in keys])
            yield Copy(id, None, None)


def _band_keys(values: np.ndarray) -> list[int]:
    """A number for each band of a sketch, as SQLite keeps them."""
    bands = values.reshape(-1, _ROWS)
    digests = (hashlib.blake2b(bytes([i]) + band.tobytes(), digest_size=8).digest() for i, band in enumerate(bands))
    return [int.from_bytes(d, "little", signed=True) for d in digests]


def _most_similar(db: sqlite3.Connection, keys: list[int], values: np.ndarray) -> tuple[str | None, float]:
    marks = ",".join("?" * len(keys))
    asked = f"SELECT DISTINCT number FROM bands WHERE key IN ({marks}) ORDER BY number"
    best, similarity = None, 0.0
    for (number,) in db.execute(asked, keys).fetchall():
        id, blob = db.execute("SELECT id, sketch FROM originals WHERE number = ?", (number,)).fetchone()
        shared = float((np.frombuffer(blob, "<u8") == values).mean())
        if shared > similarity:
            best, similarity = id, shared
    return best, similarity
