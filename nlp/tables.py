"""Files of records: JSON Lines plain or compressed, CSV and XLSX with one row a record, Parquet nested and typed."""

import datetime as dt
import gzip
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, NamedTuple

from nlp import sheets
from nlp.errors import NetralitasError
from nlp.extras import require
from nlp.schema import DISPLAY_ID, Label, Role
from nlp.write import whole_binary

PACKAGES: Final[dict[str, str | None]] = {
    ".jsonl": None,
    ".jsonl.gz": None,
    ".jsonl.zst": "zstandard",
    ".csv": None,
    ".xlsx": "openpyxl",
    ".parquet": "pyarrow",
}
"""Suffixes that can be written, with what writing them needs of the extra ``formats``."""
EXCEL_CELL: Final = 32_767
"""Characters that a cell holds, as Excel counts them: in UTF-16."""
_GROUP: Final = 1000
"""Records of a Parquet row group."""

Row = Mapping[str, Any]
"""A record as JSON has it; fields may be missing."""


def check_suffix(output: Path) -> str:
    """The suffix by which an output's format is known.

    Raises:
        NetralitasError: unknown suffix, or what writing the format needs is not installed.
    """
    suffix = next((s for s in PACKAGES if output.name.lower().endswith(s)), None)
    if suffix is None:
        raise NetralitasError(f"{output}: unknown suffix '{output.suffix}'; known are {', '.join(PACKAGES)}")
    if package := PACKAGES[suffix]:
        require("formats", package, what=f"{output}: writing {suffix}")
    return suffix


def write_output(lines: Iterable[str], output: Path) -> int:
    """Write records, one line of JSON each, in the format of the output's suffix; return how many. The file appears
    whole or not at all, and the same records give the same bytes.

    Raises:
        NetralitasError: unknown suffix, a package is missing, the place cannot be written, or a sheet is full.
    """
    suffix = check_suffix(output)
    if suffix.startswith(".jsonl"):
        return _write_lines(lines, output, suffix)
    rows = map(json.loads, lines)
    if suffix == ".csv":
        return sheets.write_csv([c.name for c in COLUMNS], map(_cells, rows), output)
    if suffix == ".xlsx":
        headings, widths = [c.heading for c in COLUMNS], [c.width for c in COLUMNS]
        cut = ([_cut(v) if isinstance(v, str) else v for v in _cells(row)] for row in rows)
        return sheets.write_xlsx(headings, cut, output, title="Rekaman", widths=widths, held="B2")
    return write_parquet(map(_typed, rows), parquet_schema(), output)


def _write_lines(lines: Iterable[str], output: Path, suffix: str) -> int:
    count = 0
    with whole_binary(output) as f, _compressed(f, suffix) as out:
        for count, line in enumerate(lines, 1):  # noqa: B007
            out.write(line.encode())
    return count


def _compressed(stream: BinaryIO, suffix: str) -> AbstractContextManager[IO[bytes] | gzip.GzipFile]:
    """What is written to is compressed into the stream, which stays open."""
    if suffix == ".jsonl.gz":
        # Neither name nor time, so that the same records give the same bytes.
        return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
    if suffix == ".jsonl.zst":
        import zstandard

        return zstandard.ZstdCompressor(write_checksum=True).stream_writer(stream, closefd=False)
    return nullcontext(stream)


class Column(NamedTuple):
    """A column of CSV and XLSX: its heading in each, its width in XLSX, and what a record has there."""

    name: str
    heading: str
    width: int
    value: Callable[[Row], sheets.Cell | None]


def _inside(field: str, key: str) -> Callable[[Row], sheets.Cell | None]:
    """What a record has in a field of a field."""
    return lambda row: (row.get(field) or {}).get(key)


def _displayed(codes: Iterable[str]) -> str:
    return "; ".join(DISPLAY_ID[code] for code in codes)


def _abstained(row: Row) -> str:
    return ("ya" if row["label"]["abstained"] else "tidak") if "label" in row else ""


def _officials(row: Row) -> str:
    return "; ".join(map(_official, row.get("officials", ())))


def _official(official: Row) -> str:
    """ "Name — office, agency — role (status)", of what there is."""
    office, agency = official["office"] or "", official["agency"] or ""
    # "Kepala Dinas Sosial" says the agency too.
    post = office if agency in office else ", ".join(filter(None, (office, agency)))
    status = f" ({DISPLAY_ID[official['status']]})" if official["status"] else ""
    return " — ".join(filter(None, (official.get("name"), post, DISPLAY_ID[official["role"]] + status)))


def _subjects(row: Row) -> int | None:
    return sum(o["role"] == Role.SUBJECT for o in row["officials"]) if "officials" in row else None


def _primary(key: str) -> Callable[[Row], sheets.Cell | None]:
    return lambda row: next((r[key] for r in row.get("regions", ()) if r["primary"]), None)


def _other_regions(row: Row) -> str:
    return "; ".join(f"{r['code']} {r['name']}" for r in row.get("regions", ()) if not r["primary"])


def _election(row: Row) -> str:
    election = row.get("election") or {"type": [], "year": None}
    year = [str(election["year"])] if election["year"] else []
    return "; ".join([*(DISPLAY_ID[t] for t in election["type"]), *year])


COLUMNS: Final = (
    Column("id", "ID", 20, lambda row: row["id"]),
    Column("date", "Tanggal", 12, _inside("source", "published")),
    Column("outlet", "Media", 18, _inside("source", "outlet")),
    Column("title", "Judul", 50, _inside("source", "title")),
    Column("url", "URL", 30, _inside("source", "url")),
    Column("label", "Label", 16, _inside("label", "name")),
    Column("label_display", "Arti label", 32, _inside("label", "display")),
    Column("score", "Skor", 8, _inside("label", "score")),
    Column("abstained", "Perlu dibaca ulang", 18, _abstained),
    Column("forms", "Bentuk", 36, lambda row: _displayed(f["name"] for f in row.get("forms", ()))),
    Column("subject_groups", "Kelompok subjek", 24, lambda row: _displayed(row.get("subject_groups", ()))),
    Column("officials", "Pejabat", 60, _officials),
    Column("subjects", "Jumlah subjek", 14, _subjects),
    Column("primary_region", "Wilayah utama", 14, _primary("code")),
    Column("primary_region_name", "Nama wilayah utama", 28, _primary("name")),
    Column("other_regions", "Wilayah lain", 36, _other_regions),
    Column("election", "Pemilu", 30, _election),
    Column("flags", "Penanda", 20, lambda row: _displayed(row.get("flags", ()))),
    Column("warnings", "Peringatan", 40, lambda row: "; ".join(row.get("warnings", ()))),
    Column("model", "Model", 16, _inside("versions", "model")),
)
"""The columns of CSV and XLSX, in order."""


def _cells(row: Row) -> list[sheets.Cell]:
    """A row of a sheet; characters that no sheet can hold are shown as such."""
    values = ("" if (v := c.value(row)) is None else v for c in COLUMNS)
    return [sheets.UNSHOWN.sub("\ufffd", v) if isinstance(v, str) else v for v in values]


def _cut(value: str) -> str:
    """The value as far as a cell holds it."""
    units = value.encode("utf-16-le")
    if len(units) <= 2 * EXCEL_CELL:
        return value
    # A half of a pair is no character.
    return units[: 2 * (EXCEL_CELL - 1)].decode("utf-16-le", "ignore") + "…"


@cache
def parquet_schema() -> Any:
    """The columns of Parquet: those of :class:`nlp.record.Record`. What a file leaves out is null."""
    import pyarrow as pa

    text, number, score = pa.string(), pa.int32(), pa.float64()
    offsets = pa.list_(number)
    spans = pa.list_(offsets)

    def texts(names: str) -> list[tuple[str, Any]]:
        return [(name, text) for name in names.split()]

    def many(*columns: tuple[str, Any]) -> Any:
        return pa.list_(pa.struct(columns))

    span = [("start", number), ("end", number)]
    place = [("primary", pa.bool_()), ("score", score), ("mentions", spans)]
    change = [("person", offsets), *texts("old new by"), ("at", pa.timestamp("us", "UTC")), ("reason", text)]
    return pa.schema(
        [
            *texts("schema_version id text_sha256"),
            ("source", pa.struct([*texts("url outlet title"), ("published", pa.date32()), ("extent", text)])),
            ("versions", pa.struct(texts("package model model_sha256 runtime gazetteer"))),
            ("label", pa.struct([*texts("name display"), ("score", score), ("abstained", pa.bool_())])),
            ("scores", pa.struct([(str(label), score) for label in Label])),
            ("flags", pa.list_(text)),
            ("forms", many(("name", text), ("score", score))),
            ("subject_groups", pa.list_(text)),
            ("officials", many(*texts("name office agency region role status"), ("score", score), ("mentions", spans))),
            ("regions", many(*texts("code name level"), *place)),
            ("parties", many(("name", text), ("mentions", spans))),
            ("election", pa.struct([("type", pa.list_(text)), ("year", number), ("basis", text)])),
            ("evidence", many(*span, ("quote", text), ("score", score), ("supports", text))),
            ("ignored", spans),
            ("warnings", pa.list_(text)),
            ("corrections", many(("field", text), *change)),
            ("revision", pa.struct([("number", number), *texts("supersedes supersedes_text_sha256")])),
            ("text", text),
        ]
    )


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """A record with days and times instead of their names in JSON; the record itself is changed."""
    if published := (row.get("source") or {}).get("published"):
        row["source"]["published"] = dt.date.fromisoformat(published)
    for correction in row.get("corrections", ()):
        correction["at"] = dt.datetime.fromisoformat(correction["at"])
    return row


def write_parquet(rows: Iterable[dict[str, Any]], schema: Any, path: Path) -> int:
    """Write rows in groups of a thousand, as a pyarrow schema types them; return how many.

    Raises:
        NetralitasError: the place cannot be written.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    count = 0
    with whole_binary(path) as f, ParquetWriter(f, schema, compression="zstd") as out:
        for group in _groups(rows):
            out.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(rows)
    while group := list(itertools.islice(rest, _GROUP)):
        yield group
