"""Parquet with nested, typed columns, as ``datasets.load_dataset("parquet", …)`` reads it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from nlp.errors import NetralitasError, describe_error
from nlp.tables import write_parquet
from training.corpus import CorpusText

_STRINGS: Final = pa.list_(pa.string())
_SPANS: Final = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
_MENTION: Final = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("id", pa.string()),
        ("type", pa.string()),
        ("code", pa.string()),
        ("dateline", pa.bool_()),
    ]
)
_OFFICIAL: Final = pa.struct(
    [("mentions", _STRINGS), *((n, pa.string()) for n in ("office", "agency", "region", "role", "status"))]
)
_ANNOTATION: Final = pa.struct([*((n, pa.string()) for n in ("by", "date", "guide")), ("layers", _STRINGS)])
SCHEMA: Final = pa.schema(
    [
        *((n, pa.string()) for n in ("id", "text", "kind", "style", "date", "event", "group")),
        ("confusions", pa.list_(pa.int8())),
        ("split", pa.string()),
        ("private", pa.bool_()),
        ("url", pa.string()),
        ("annotations", pa.list_(_ANNOTATION)),
        ("layers", _STRINGS),
        ("label", pa.string()),
        *((n, _STRINGS) for n in ("flags", "forms", "subjects")),
        ("evidence", _SPANS),
        ("mentions", pa.list_(_MENTION)),
        ("officials", pa.list_(_OFFICIAL)),
        ("regions", _STRINGS),
        ("primary_region", pa.string()),
        ("election", pa.struct([("type", _STRINGS), ("year", pa.int16())])),
        ("ignored", _SPANS),
    ]
)
_ROWS: Final = 1000


def write(texts: Iterable[CorpusText], path: Path) -> int:
    """Write rows in groups of a thousand; return how many."""
    return write_parquet((t.model_dump(mode="json") for t in texts), SCHEMA, path)


def read(path: Path) -> Iterator[CorpusText | str]:
    """Yield the rows as texts, or a message ``FILE: row N (ID): problem``.

    Raises:
        NetralitasError: no Parquet file, or not with these columns.
    """
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as e:
        raise NetralitasError(f"{path}: cannot be read as Parquet: {e}") from e
    missing = [n for n in ("id", "text", "label") if n not in file.schema_arrow.names]
    if missing:
        raise NetralitasError(f"{path}: no column {', '.join(missing)}; export it with 'netralitas data export'")
    number = 0
    for batch in file.iter_batches(_ROWS):
        for row in batch.to_pylist():
            number += 1
            try:
                yield CorpusText.model_validate(row)
            except ValidationError as e:
                yield f"{path}: row {number} ({row.get('id')}): {describe_error(e)}"
