"""What reading gives: items, and dead letters that hold enough to be read again."""

import base64
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from nlp.errors import NetralitasError
from nlp.record import Source
from nlp.schema import Extent

MAX_BYTES: Final = 2_000_000
"""A longer row is a dead letter: no article is that long, and one row must not fill the memory."""

RAW_KEPT: Final = 64_000
"""As many bytes of a bad row are kept."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Format(StrEnum):
    """How the row of a dead letter is written, and so how it is read again.

    The row of a table of pyarrow and the entry of a feed have no text of their own; they are kept as JSON. ``ITEM`` is
    a row that was read and could not be tagged: the JSON of what was read, whatever its columns were called.
    """

    JSON = "json"
    TEXT = "text"
    CSV = "csv"
    TSV = "tsv"
    HTML = "html"
    FEED = "feed"
    ARROW = "arrow"
    ITEM = "item"


class DeadCode(StrEnum):
    """Why a row gave no record."""

    NOT_UTF8 = "not_utf8"
    TOO_LONG = "too_long"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    BAD_CSV = "bad_csv"
    WRONG_CELLS = "wrong_cells"
    NO_TEXT_FIELD = "no_text_field"
    BAD_FIELD = "bad_field"
    EMPTY_TEXT = "empty_text"
    BAD_CHARACTER = "bad_character"
    DUPLICATE_ID = "duplicate_id"
    NO_WORDS = "no_words"
    UNKNOWN_SUFFIX = "unknown_suffix"
    UNREADABLE = "unreadable"
    NO_ARTICLE = "no_article"
    INTERNAL = "internal"


@dataclass(frozen=True)
class DeadLetter:
    """A row that could not be tagged: where it stands, why, and the row itself.

    ``offset`` is where it begins in the (decompressed) file, in bytes; None where it has no such place. Of ``raw`` and
    ``raw_base64`` one is given: the second where the row is no UTF-8. ``truncated``: that is only its beginning.
    ``columns`` is the header of a CSV. ``format`` is None where a whole file was not read.
    """

    file: str
    line: int
    offset: int | None
    code: DeadCode
    reason: str
    format: Format | None
    columns: tuple[str, ...] | None
    raw: str | None
    raw_base64: str | None
    truncated: bool


@dataclass(frozen=True)
class Row:
    """A row as it stands in its file: ``line`` is its first line (1-based); ``raw`` may be its beginning only."""

    file: str
    line: int
    raw: bytes = b""
    format: Format | None = None
    offset: int | None = None
    columns: tuple[str, ...] | None = None
    truncated: bool = False

    def dead(self, code: DeadCode, reason: str) -> DeadLetter:
        """The row as a dead letter."""
        raw = self.raw[:RAW_KEPT]
        truncated = self.truncated or len(self.raw) > RAW_KEPT
        text, encoded = None, None
        try:
            text = raw.decode()
        except UnicodeDecodeError as e:
            if truncated and e.start > len(raw) - 4:  # the cut went through a character
                text = raw[: e.start].decode()
            else:
                encoded = base64.b64encode(raw).decode()
        return DeadLetter(
            self.file, self.line, self.offset, code, reason, self.format, self.columns, text, encoded, truncated
        )


@dataclass(frozen=True)
class Item:
    """A text to tag: ``line`` is its first line in the file (1-based), or its number in a feed or a table of pyarrow;
    ``offset`` is as in :class:`DeadLetter`. ``extracted``: the text is not in its file as such, so a record keeps it.
    """

    id: str | None
    text: str
    date: dt.date | None
    source: Source
    file: str
    line: int
    offset: int | None = None
    extracted: bool = False

    def dead(self, code: DeadCode, reason: str) -> DeadLetter:
        """The item as a dead letter: it could be read and not be tagged."""
        values = {
            "id": self.id,
            "text": self.text,
            "date": self.date and self.date.isoformat(),
            "title": self.source.title,
            "url": self.source.url,
            "outlet": self.source.outlet,
            "extent": self.source.extent,
            "extracted": self.extracted,
        }
        raw = json.dumps(values, ensure_ascii=False).encode()
        return Row(self.file, self.line, raw, Format.ITEM, self.offset).dead(code, reason)


@dataclass(frozen=True)
class Fields:
    """Names of the columns or keys that hold each part of a row."""

    text: str = "text"
    title: str = "title"
    id: str = "id"
    date: str = "date"
    url: str = "url"
    outlet: str = "outlet"

    def names(self) -> list[str]:
        """All names, each once."""
        return list(dict.fromkeys((self.text, self.title, self.id, self.date, self.url, self.outlet)))


class SourceError(NetralitasError):
    """A file that cannot be read at all; of a file found in a directory only a dead letter is made."""

    def __init__(self, code: DeadCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadRowError(ValueError):
    """What is wrong with a row."""

    def __init__(self, code: DeadCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def too_long(row: Row, limit: int = MAX_BYTES) -> DeadLetter:
    """The dead letter of a row over the limit."""
    return row.dead(DeadCode.TOO_LONG, f"row is longer than {limit} bytes; split it or leave it out")


def not_utf8(row: Row) -> DeadLetter:
    """The dead letter of a row that is no UTF-8."""
    return row.dead(DeadCode.NOT_UTF8, "not UTF-8; convert the file")


def check_columns(columns: Sequence[str], fields: Fields, where: str) -> None:
    """Make sure that a table has the text.

    Raises:
        SourceError: it has not.
    """
    if fields.text not in columns:
        shown = ", ".join(columns)[:200]
        message = f"{where}: no column '{fields.text}' (has: {shown}); name it with --text"
        raise SourceError(DeadCode.NO_TEXT_FIELD, message)


def decoded(raw: bytes) -> str | None:
    """UTF-8 without its byte order mark; None where it is no UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def has_surrogate(text: str) -> bool:
    """Whether a text holds a lone surrogate, which has no UTF-8."""
    return bool(_SURROGATE.search(text))


def _optional(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str | int):
        raise BadRowError(DeadCode.BAD_FIELD, f"'{key}' is {type(value).__name__}, not text")
    if has_surrogate(str(value)):
        raise BadRowError(DeadCode.BAD_CHARACTER, f"'{key}' holds a lone surrogate")
    return str(value)


def _date(values: Mapping[str, Any], key: str) -> dt.date | None:
    given = values.get(key)
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    value = _optional(values, key)
    if value is None:
        return None
    try:
        return dt.datetime.fromisoformat(value).date()
    except ValueError:
        reason = f"'{key}' is {value[:40]!r}, not a date like 2024-10-29"
        raise BadRowError(DeadCode.BAD_FIELD, reason) from None


def _text(values: Mapping[str, Any], fields: Fields, title: str | None) -> str:
    if fields.text not in values:
        has = ", ".join(map(str, list(values)[:8]))
        raise BadRowError(DeadCode.NO_TEXT_FIELD, f"no field '{fields.text}' (has: {has}); name it with --text")
    text: str | None = values[fields.text]
    if text is not None and not isinstance(text, str):
        raise BadRowError(DeadCode.BAD_FIELD, f"'{fields.text}' is {type(text).__name__}, not text")
    if title and not (text or "").startswith(title):
        text = f"{title}\n\n{text or ''}"
    if not text or not text.strip():
        raise BadRowError(DeadCode.EMPTY_TEXT, "the text is empty")
    if "\0" in text:
        raise BadRowError(DeadCode.BAD_CHARACTER, "the text holds a NUL character")
    if has_surrogate(text):
        raise BadRowError(DeadCode.BAD_CHARACTER, "the text holds a lone surrogate")
    return text


def make_item(
    values: Mapping[str, Any], row: Row, fields: Fields, *, extent: Extent | None = None, extracted: bool = False
) -> Item | DeadLetter:
    """Make the values of a row an item.

    Title and body are joined by an empty line, unless the body begins with the title.
    """
    try:
        # The text's field is asked for first: a row without one is a row of another kind.
        title = _optional(values, fields.title) if fields.text in values else None
        text = _text(values, fields, title)
        date = _date(values, fields.date)
        source = Source(
            url=_optional(values, fields.url),
            outlet=_optional(values, fields.outlet),
            title=title,
            published=date,
            extent=extent,
        )
        return Item(_optional(values, fields.id), text, date, source, row.file, row.line, row.offset, extracted)
    except BadRowError as e:
        return row.dead(e.code, str(e))
