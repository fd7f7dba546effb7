"""Tables of pyarrow: Parquet, and Arrow's own format (file and stream). A row's line is its number."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from nlp.extras import require
from nlp.read.rows import (
    MAX_BYTES,
    DeadCode,
    DeadLetter,
    Fields,
    Format,
    Item,
    Row,
    check_columns,
    make_item,
    too_long,
)
from nlp.read.streams import Input

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS: Final = 64
"""As many rows are unpacked at once."""
_MAGIC: Final = b"ARROW1\0\0"


def read_parquet(source: Input, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of a Parquet file; a row group that cannot be read is one dead letter.

    Raises:
        NetralitasError: pyarrow is missing.
        SourceError: no text column.
    """
    require("formats", "pyarrow", what=f"{source.file}: reading .parquet")
    import pyarrow.parquet as pq

    with source.seekable() as stream:
        try:
            table = pq.ParquetFile(stream)
            names, groups = table.schema_arrow.names, range(table.num_row_groups)
        except _faults() as e:
            yield _unreadable(source, 1, e)
            return
        check_columns(names, fields, source.file)
        wanted = [n for n in fields.names() if n in names]
        line = 1
        for group in groups:
            after = line + int(table.metadata.row_group(group).num_rows)
            try:
                for batch in table.iter_batches(_ROWS, [group], wanted):
                    for row in _rows(batch, source.file, line, fields):
                        yield row
                        line += 1
            except _faults() as e:
                yield _unreadable(source, line, e)
            line = max(line, after)


def read_arrow(source: Input, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of an Arrow file or stream, up to where it cannot be read.

    Raises:
        NetralitasError: pyarrow is missing.
        SourceError: no text column.
    """
    require("formats", "pyarrow", what=f"{source.file}: reading an Arrow table")
    import pyarrow as pa

    line = 1
    try:
        # An Arrow file is a stream between a magic number and a directory that is not needed.
        if source.stream.peek(1)[:1] == _MAGIC[:1]:
            source.stream.read(len(_MAGIC))
        batches = pa.ipc.open_stream(source.stream)
        names = batches.schema.names
    except _faults() as e:
        yield _unreadable(source, line, e)
        return
    check_columns(names, fields, source.file)
    try:
        for batch in batches:
            for row in _rows(batch, source.file, line, fields):
                yield row
                line += 1
    except _faults() as e:
        yield _unreadable(source, line, e)


def _faults() -> tuple[type[Exception], ...]:
    """What pyarrow raises over a broken file."""
    import pyarrow as pa

    return (pa.ArrowException, OSError, MemoryError, ValueError, OverflowError, KeyError)


def _unreadable(source: Input, line: int, error: Exception) -> DeadLetter:
    reason = " ".join((source.fault or str(error) or type(error).__name__).split())[:200]
    row = Row(source.file, line, format=Format.ARROW, truncated=True)
    return row.dead(DeadCode.UNREADABLE, f"cannot be read from here on ({reason}); get the file again")


def _rows(batch: "pa.RecordBatch", file: str, line: int, fields: Fields) -> Iterator[Item | DeadLetter]:
    columns = {}
    for name in fields.names():
        places = batch.schema.get_all_field_indices(name)
        if places:
            columns[name] = _checked(batch.column(places[0]))
    for number in range(batch.num_rows):
        values: dict[str, Any] = {}
        problem: tuple[DeadCode, str] | None = None
        for name, column in columns.items():
            try:
                values[name] = column[number].as_py()
            except Exception as e:  # a year beyond Python's, an unknown time zone, and whatever else a cell may hold
                code = DeadCode.NOT_UTF8 if isinstance(e, UnicodeDecodeError) else DeadCode.BAD_FIELD
                problem = code, f"'{name}' cannot be read ({' '.join(str(e).split())[:100]})"
        # What JSON does not know becomes a list, so that it is no text when it is read again.
        raw = json.dumps(values, ensure_ascii=False, default=_as_json).encode("utf-8", "surrogatepass")
        row = Row(file, line + number, raw, Format.ARROW)
        yield row.dead(*problem) if problem else read_values(values, row, fields)


def read_values(values: dict[str, Any], row: Row, fields: Fields) -> Item | DeadLetter:
    """A row of a table of pyarrow."""
    if len(row.raw) > MAX_BYTES:
        return too_long(row)
    return make_item(values, row, fields)


def _as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else [repr(value)[:1000]]


def _checked(column: "pa.Array") -> "pa.Array":
    """A column whose values can be asked for. Without the check a broken file may end the process."""
    import pyarrow as pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        # Text that is no UTF-8 spoils its row, not all rows; any other fault is raised again.
        plain = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
        if column.type not in plain:
            raise
        column.view(plain[column.type]).validate(full=True)
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's dates end at microseconds.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column
