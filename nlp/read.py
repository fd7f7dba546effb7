"""Read texts from files and standard input, one item a row; a bad row becomes a dead letter, never an end.

Formats by suffix: ``.jsonl``/``.ndjson``, ``.csv``, ``.tsv``, ``.txt`` (the whole file is one text), and standard
input (``-``): JSON Lines if its first line is a JSON object, else one text a line.
"""

import csv
import datetime as dt
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from nlp.errors import NetralitasError
from nlp.record import Source

MAX_BYTES: Final = 2_000_000
"""A longer row is a dead letter: no article is that long, and one row must not fill the memory."""

RAW_KEPT: Final = 2_000
"""As much of a bad row is shown."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Item:
    """A text to tag: ``line`` is its first line in the file (1-based)."""

    id: str | None
    text: str
    date: dt.date | None
    source: Source
    file: str
    line: int


@dataclass(frozen=True)
class DeadLetter:
    """A row that could not be tagged, with its reason; ``raw`` is its beginning."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Fields:
    """Names of the columns or keys that hold each part of a row."""

    text: str = "text"
    title: str = "title"
    id: str = "id"
    date: str = "date"
    url: str = "url"
    outlet: str = "outlet"


def read_sources(sources: list[str], fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of all sources in order. ``-`` is standard input.

    Raises:
        NetralitasError: a source is missing, unreadable, of an unknown suffix, or lacks the text column.
    """
    for source in sources:
        if source == "-":
            yield from _lines_of(sys.stdin.buffer, "-", fields, None)
            continue
        path = Path(source)
        try:
            with path.open("rb") as stream:
                yield from read_stream(stream, source, fields)
        except IsADirectoryError as e:
            raise NetralitasError(f"{source}: is a directory; name its files") from e
        except OSError as e:
            raise NetralitasError(f"{source}: cannot be read: {e.strerror or e}") from e


def read_stream(stream: IO[bytes], name: str, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of a stream in the format of the name's suffix.

    Raises:
        NetralitasError: unknown suffix, or no text column.
    """
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        yield from _lines_of(stream, str(path), fields, True)
    elif suffix in (".csv", ".tsv"):
        yield from _table(stream, str(path), fields, "," if suffix == ".csv" else "\t")
    elif suffix == ".txt":
        raw = stream.read(MAX_BYTES + 1)
        if not _fits(raw):
            yield _too_long(raw, str(path), 1)
        elif (text := _decode(raw)) is None:
            yield DeadLetter(str(path), 1, "not UTF-8; convert the file", _show(raw))
        else:
            yield make_item({fields.text: text}, raw, str(path), 1, fields)
    else:
        raise NetralitasError(f"{path}: unknown suffix '{suffix}'; known are .jsonl, .ndjson, .csv, .tsv, .txt, or '-'")


def _fits(raw: bytes) -> bool:
    return len(raw) <= MAX_BYTES


def _decode(raw: bytes) -> str | None:
    """UTF-8 without its byte order mark; None where it is no UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _show(raw: bytes) -> str:
    return raw[:RAW_KEPT].decode("utf-8", "backslashreplace")


def _too_long(raw: bytes, file: str, line: int) -> DeadLetter:
    return DeadLetter(file, line, f"row is longer than {MAX_BYTES} bytes; split it or leave it out", _show(raw))


def _bounded_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Numbered lines, each cut at MAX_BYTES + 1: the rest of a longer one is read and dropped."""
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        rest = line
        while len(rest) == MAX_BYTES + 1 and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_BYTES + 1)
        yield number, line


def _lines_of(stream: IO[bytes], file: str, fields: Fields, as_json: bool | None) -> Iterator[Item | DeadLetter]:
    for number, raw in _bounded_lines(stream):
        content = raw.rstrip(b"\r\n")
        if number == 1:
            content = content.removeprefix(b"\xef\xbb\xbf")
        if as_json is None and content.strip():
            as_json = content.lstrip().startswith(b"{")
        if content.strip():
            yield read_line(content, file, number, fields, as_json=bool(as_json))


def read_line(content: bytes, file: str, number: int, fields: Fields, *, as_json: bool = True) -> Item | DeadLetter:
    """Read one line: a JSON object, or a plain text."""
    if not _fits(content):
        return _too_long(content, file, number)
    text = _decode(content)
    if text is None:
        return DeadLetter(file, number, "not UTF-8; convert the file", _show(content))
    row = _json_row(text) if as_json else {fields.text: text}
    if isinstance(row, str):
        return DeadLetter(file, number, row, _show(content))
    return make_item(row, content, file, number, fields)


def _json_row(line: str) -> dict[str, Any] | str:
    """The line's JSON object, or what is wrong with it."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as e:
        return f"not JSON: {e.msg} at column {e.colno}"
    except RecursionError:
        return "JSON nested too deeply"
    except ValueError as e:  # an integer of more digits than Python reads
        return f"not readable JSON: {e}"
    return row if isinstance(row, dict) else f"not a JSON object but {type(row).__name__}"


class _Numbered:
    """Decoded lines for the csv reader that remember the raw beginning and the size of the current row."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.number = 0
        self.start_row()

    def start_row(self) -> None:
        """Forget the row before."""
        self.raw = b""
        self.size = 0

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        # Whole lines, for a cut one would leave a quote open and swallow the rows that follow.
        line = self._stream.readline()
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        self.raw += line[: RAW_KEPT - len(self.raw)] if len(self.raw) < RAW_KEPT else b""
        # Bytes that are no UTF-8 survive as lone surrogates, so that the row can be told and shown.
        return line.decode("utf-8-sig" if self.number == 1 else "utf-8", "surrogateescape")


def _header(reader: Iterator[list[str]], file: str, fields: Fields) -> list[str] | None:
    try:
        header = next(reader, None)
    except csv.Error as e:
        raise NetralitasError(f"{file}:1: the header is no CSV ({e}); save the file as CSV with line ends") from e
    if header is not None and fields.text not in header:
        shown = ", ".join(header)[:200]
        raise NetralitasError(f"{file}:1: no column '{fields.text}' (has: {shown}); name it with --text")
    return header


def _table(stream: IO[bytes], file: str, fields: Fields, delimiter: str) -> Iterator[Item | DeadLetter]:
    # The reader may hold a field of any length; rows over MAX_BYTES are turned away below.
    csv.field_size_limit(sys.maxsize)
    lines = _Numbered(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header = _header(reader, file, fields)
    while header is not None:
        first = lines.number + 1
        lines.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            span = f", lines {first} to {lines.number}" if lines.number > first else ""
            yield DeadLetter(file, first, f"bad CSV: {e}{span}", _show(lines.raw))
            continue
        if not cells:
            continue
        if lines.size > MAX_BYTES:
            yield _too_long(lines.raw, file, first)
        elif len(cells) != len(header):
            yield DeadLetter(file, first, f"{len(cells)} cells where the header has {len(header)}", _show(lines.raw))
        elif any(_SURROGATE.search(cell) for cell in cells):
            yield DeadLetter(file, first, "not UTF-8; convert the file", _show(lines.raw))
        else:
            row = {k: v or None for k, v in zip(header, cells, strict=True)}
            yield make_item(row, lines.raw, file, first, fields)


def _optional(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str | int):
        raise ValueError(f"'{key}' is {type(value).__name__}, not text")
    if _SURROGATE.search(str(value)):
        raise ValueError(f"'{key}' holds a lone surrogate")
    return str(value)


def _date(row: Mapping[str, Any], key: str) -> dt.date | None:
    value = _optional(row, key)
    if value is None:
        return None
    try:
        return dt.datetime.fromisoformat(value).date()
    except ValueError:
        raise ValueError(f"'{key}' is {value[:40]!r}, not a date like 2024-10-29") from None


def make_item(row: Mapping[str, Any], raw: bytes, file: str, line: int, fields: Fields) -> Item | DeadLetter:
    """Make a row an item. Title and body are joined by an empty line, unless the body begins with the title."""
    try:
        if fields.text not in row:
            raise ValueError(
                f"no field '{fields.text}' (has: {', '.join(map(str, list(row)[:8]))}); name it with --text"
            )
        text = row[fields.text]
        if text is not None and not isinstance(text, str):
            raise ValueError(f"'{fields.text}' is {type(text).__name__}, not text")
        title = _optional(row, fields.title)
        if title and not (text or "").startswith(title):
            text = f"{title}\n\n{text or ''}"
        if not text or not text.strip():
            raise ValueError("the text is empty")
        if "\0" in text:
            raise ValueError("the text holds a NUL character")
        if _SURROGATE.search(text):
            raise ValueError("the text holds a lone surrogate")
        date = _date(row, fields.date)
        source = Source(
            url=_optional(row, fields.url), outlet=_optional(row, fields.outlet), title=title, published=date
        )
        return Item(_optional(row, fields.id), text, date, source, file, line)
    except ValueError as e:
        return DeadLetter(file, line, str(e), _show(raw))
