"""Write records and dead letters as JSON Lines, whole or not at all."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TextIO, cast

from nlp.errors import NetralitasError
from nlp.read import DeadLetter
from nlp.record import Record

OPTIONAL: Final = ("text", "revision")
"""Fields of a record that are left out of its JSON where there is none."""


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a file that appears under its name only when the block ends well; else it is removed.

    Raises:
        NetralitasError: the place cannot be written.
    """
    with _whole(path, "w", encoding="utf-8", newline="\n") as stream:
        yield cast(TextIO, stream)


@contextmanager
def whole_binary(path: Path) -> Iterator[BinaryIO]:
    """Open a file of bytes like ``whole_file``.

    Raises:
        NetralitasError: the place cannot be written.
    """
    with _whole(path, "wb") as stream:
        yield cast(BinaryIO, stream)


@contextmanager
def _whole(path: Path, mode: str, encoding: str | None = None, newline: str | None = None) -> Iterator[IO[Any]]:
    partial = path.with_name(path.name + ".partial")
    try:
        stream = partial.open(mode, encoding=encoding, newline=newline)
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_parts(parts: Iterable[str], path: Path) -> int:
    """Write strings one after another into a whole file; return how many.

    Raises:
        NetralitasError: the place cannot be written.
    """
    count = 0
    with whole_file(path) as f:
        for part in parts:
            f.write(part)
            count += 1
    return count


def record_line(record: Record) -> str:
    """One record as a line of JSON; ``OPTIONAL`` fields are left out where there is none."""
    exclude = {name for name in OPTIONAL if getattr(record, name) is None}
    return record.model_dump_json(exclude=exclude) + "\n"


def dead_line(letter: DeadLetter) -> str:
    """One dead letter as a line of JSON."""
    line = json.dumps(asdict(letter), ensure_ascii=False) + "\n"
    # Lone surrogates, of a file's name or a key, have no UTF-8.
    return line.encode("utf-8", "backslashreplace").decode()
