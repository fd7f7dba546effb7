"""Read dead letters again, as they are or as somebody has repaired them."""

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from nlp.errors import NetralitasError
from nlp.extras import require
from nlp.read.arrow import read_values
from nlp.read.feeds import entries, read_entry
from nlp.read.lines import json_object, read_row
from nlp.read.pages import article
from nlp.read.rows import BadRowError, DeadCode, DeadLetter, Fields, Format, Item, Row, decoded, make_item
from nlp.read.streams import Input
from nlp.read.table import read_table
from nlp.schema import Extent

_MAX_LINE: Final = 20_000_000
"""A repaired row may be as long as any other, and JSON may write a byte as six."""

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "file": (str,),
    "line": (int,),
    "offset": (int, type(None)),
    "code": (str,),
    "reason": (str,),
    "format": (str, type(None)),
    "columns": (list, type(None)),
    "raw": (str, type(None)),
    "raw_base64": (str, type(None)),
    "truncated": (bool,),
}


def read_dead_letters(path: Path, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Read the rows in a file of dead letters again, with the file and line they had.

    A letter that holds only the beginning of its row comes back as it is.

    Raises:
        NetralitasError: the file cannot be read, or a line is no dead letter.
    """
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(_MAX_LINE + 1):
                number += 1
                if line.strip():
                    try:
                        letter = _letter(line)
                    except ValueError as e:
                        raise NetralitasError(f"{path}:{number}: no dead letter: {e}") from e
                    yield from _read_again(letter, fields)
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror or e}") from e


def _letter(line: bytes) -> DeadLetter:
    """The dead letter of a line.

    Raises:
        ValueError: what is wrong with it.
    """
    if len(line) > _MAX_LINE:
        raise ValueError(f"longer than {_MAX_LINE} bytes")
    text = decoded(line)
    if text is None:
        raise ValueError("not UTF-8")
    values = json_object(text)
    for name, kinds in _KINDS.items():
        if name not in values:
            raise ValueError(f"no '{name}'")
        if type(values[name]) not in kinds:
            raise ValueError(f"'{name}' is {type(values[name]).__name__}, not {kinds[0].__name__}")
    if unknown := values.keys() - _KINDS.keys():
        raise ValueError(f"unknown '{min(unknown)}'")
    if values["columns"] is not None:
        if not all(isinstance(c, str) for c in values["columns"]):
            raise ValueError("'columns' holds what is not text")
        values["columns"] = tuple(values["columns"])
    if (values["raw"] is None) == (values["raw_base64"] is None):
        raise ValueError("give one of 'raw' and 'raw_base64', and null for the other")
    if values["raw_base64"] is not None:
        try:
            base64.b64decode(values["raw_base64"], validate=True)
        except ValueError as e:
            raise ValueError(f"'raw_base64': {e}") from None
    format = None if values["format"] is None else Format(values["format"])
    return DeadLetter(**{**values, "code": DeadCode(values["code"]), "format": format})


def _read_again(letter: DeadLetter, fields: Fields) -> Iterator[Item | DeadLetter]:
    lost = letter.format in (Format.CSV, Format.TSV) and letter.columns is None
    if letter.truncated or letter.format is None or lost:
        yield letter
        return
    # A row that was repaired into nothing is still a row.
    rows = _rows(_row(letter), fields)
    first = next(rows, letter)
    yield first
    yield from rows


def _row(letter: DeadLetter) -> Row:
    if letter.raw is not None:
        raw = letter.raw.encode("utf-8", "surrogatepass")
    else:
        raw = base64.b64decode(letter.raw_base64 or "")
    return Row(letter.file, letter.line, raw, letter.format, letter.offset, letter.columns)


def _rows(row: Row, fields: Fields) -> Iterator[Item | DeadLetter]:
    if row.format in (Format.CSV, Format.TSV):
        # A broken quote may have held several rows.
        source = Input(BytesIO(row.raw), row.file, row.format, line=row.line - 1, offset=row.offset or 0)
        source.columns = row.columns
        yield from read_table(source, fields)
    elif row.format == Format.HTML:
        require("formats", "trafilatura", what=f"{row.file}: reading .html")
        yield article(row)
    elif row.format in (Format.FEED, Format.ARROW, Format.ITEM):
        if row.format == Format.FEED and not row.raw.lstrip().startswith(b"{"):
            require("formats", "feedparser", "lxml", what=f"{row.file}: reading a feed")
            yield from entries(row)
            return
        yield _from_json(row, fields)
    else:
        yield read_row(row, fields)


def _from_json(row: Row, fields: Fields) -> Item | DeadLetter:
    """What was read of a feed, of a table of pyarrow, or as an item, from the JSON that was kept of it."""
    text = decoded(row.raw)
    if text is None:
        return row.dead(DeadCode.NOT_UTF8, "not UTF-8; convert the file")
    try:
        values: dict[str, Any] = json_object(text)
    except BadRowError as e:
        return row.dead(e.code, str(e))
    if row.format == Format.FEED:
        return read_entry(values, row)
    return read_values(values, row, fields) if row.format == Format.ARROW else _item(values, row)


def _item(values: dict[str, Any], row: Row) -> Item | DeadLetter:
    try:
        extent = None if values.get("extent") is None else Extent(values["extent"])
    except ValueError:
        return row.dead(
            DeadCode.BAD_FIELD, f"'extent' is {str(values['extent'])[:40]!r}, not one of {', '.join(Extent)}"
        )
    return make_item(values, row, Fields(), extent=extent, extracted=values.get("extracted") is True)
