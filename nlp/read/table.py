"""CSV and TSV."""

import csv
import sys
from collections.abc import Iterator

from nlp.read.rows import (
    MAX_BYTES,
    DeadCode,
    DeadLetter,
    Fields,
    Format,
    Item,
    SourceError,
    check_columns,
    has_surrogate,
    make_item,
    not_utf8,
    too_long,
)
from nlp.read.streams import Input


class _Lines:
    """Decoded lines for the csv reader. Of a row over MAX_BYTES only what opens and closes quotes is passed on."""

    def __init__(self, source: Input) -> None:
        self._source = source

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        size = self._source.size
        line, dropped = self._source.readline()
        if not line:
            raise StopIteration
        # The row is turned away later, but where it ends must be known, or the rows after it would be lost with it.
        if size > MAX_BYTES:
            line, dropped = b"", dropped + line.count(b'"')
        if len(line) > MAX_BYTES or not line:
            line = line.rstrip(b"\r\n") + (b'"' if dropped % 2 else b"") + b"\n"
        # Bytes that are no UTF-8 survive as lone surrogates, so that the row can be told and shown.
        return line.decode("utf-8-sig" if self._source.line == 1 else "utf-8", "surrogateescape")


def read_table(source: Input, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of a table. ``source.columns`` are its header, where this is not its first row.

    Raises:
        SourceError: no text column.
    """
    # The reader may hold a field of any length; rows over MAX_BYTES are turned away below.
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(_Lines(source), delimiter="\t" if source.format == Format.TSV else ",", strict=True)
    if source.columns is None:
        source.columns = _header(reader, source.file, fields)
    while source.columns is not None:
        source.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            span = f", lines {source.first} to {source.line}" if source.line > source.first else ""
            yield source.row().dead(DeadCode.BAD_CSV, f"bad CSV: {e}{span}")
            continue
        if cells:
            yield _row(cells, source.columns, source, fields)


def _header(reader: Iterator[list[str]], file: str, fields: Fields) -> tuple[str, ...] | None:
    try:
        header = next(reader, None)
    except csv.Error as e:
        message = f"{file}:1: the header is no CSV ({e}); save the file as CSV with line ends"
        raise SourceError(DeadCode.BAD_CSV, message) from e
    if header is None:
        return None
    check_columns(header, fields, f"{file}:1")
    return tuple(header)


def _row(cells: list[str], columns: tuple[str, ...], source: Input, fields: Fields) -> Item | DeadLetter:
    row = source.row()
    if source.size > MAX_BYTES:
        return too_long(row)
    if len(cells) != len(columns):
        return row.dead(DeadCode.WRONG_CELLS, f"{len(cells)} cells where the header has {len(columns)}")
    if any(has_surrogate(cell) for cell in cells):
        return not_utf8(row)
    return make_item({k: v or None for k, v in zip(columns, cells, strict=True)}, row, fields)
