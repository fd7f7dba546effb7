"""JSON Lines, texts a line, and whole texts."""

import json
from collections.abc import Iterator
from typing import Any

from nlp.read.rows import (
    MAX_BYTES,
    BadRowError,
    DeadCode,
    DeadLetter,
    Fields,
    Format,
    Item,
    Row,
    decoded,
    make_item,
    not_utf8,
    too_long,
)
from nlp.read.streams import Input


def read_lines(source: Input, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield a row for each line that is not blank. Where the format is not given, the first such line tells it."""
    started = source.format == Format.JSON
    while True:
        source.start_row()
        line, _ = source.readline()
        if not line:
            return
        content = line.rstrip(b"\r\n")
        if source.line == 1:
            content = content.removeprefix(b"\xef\xbb\xbf")
        if not content.strip():
            continue
        if not started:
            started = True
            source.format = Format.JSON if content.lstrip().startswith(b"{") else Format.TEXT
        yield read_row(source.row(content), fields)


def read_text(source: Input, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the whole file as one text."""
    yield read_row(source.row(source.read(MAX_BYTES)), fields)


def read_line(content: bytes, file: str, number: int, fields: Fields) -> Item | DeadLetter:
    """Read one line that is a JSON object."""
    return read_row(Row(file, number, content, Format.JSON), fields)


def read_row(row: Row, fields: Fields) -> Item | DeadLetter:
    """Read a row that is a JSON object, or a plain text."""
    if len(row.raw) > MAX_BYTES:
        return too_long(row)
    text = decoded(row.raw)
    if text is None:
        return not_utf8(row)
    if row.format == Format.TEXT:
        return make_item({fields.text: text}, row, fields)
    try:
        return make_item(json_object(text), row, fields)
    except BadRowError as e:
        return row.dead(e.code, str(e))


def json_object(line: str) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        BadRowError: it is none.
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as e:
        raise BadRowError(DeadCode.NOT_JSON, f"not JSON: {e.msg} at column {e.colno}") from None
    except RecursionError:
        raise BadRowError(DeadCode.NOT_JSON, "JSON nested too deeply") from None
    except ValueError as e:  # an integer of more digits than Python reads
        raise BadRowError(DeadCode.NOT_JSON, f"not readable JSON: {e}") from None
    if not isinstance(row, dict):
        raise BadRowError(DeadCode.NOT_AN_OBJECT, f"not a JSON object but {type(row).__name__}")
    return row
