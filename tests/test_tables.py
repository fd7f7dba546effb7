"""Records come back from every format as they were; sheets are harmless; files are whole and always the same."""

import csv
import datetime as dt
import gzip
import itertools
import json
import sys
import types
from enum import StrEnum
from typing import Literal, Union, get_args, get_origin
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from openpyxl import load_workbook
from pydantic import BaseModel

from nlp import sheets, tables
from nlp.errors import NetralitasError
from nlp.record import Record
from nlp.schema import Label
from nlp.select import Selection
from nlp.tables import COLUMNS, EXCEL_CELL, PACKAGES, check_suffix, parquet_schema, write_output
from nlp.write import record_line
from tests.records import TEXT, bare_record, make_record

RECORDS = [make_record(), bare_record(), make_record("sanctioned", id="=cmd()", text=TEXT), bare_record("overview")]
LINES = [record_line(r) for r in RECORDS]
HARMFUL = ["=cmd()", "+62812345", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "33.75", "16", "1/2", "TRUE"]


def csv_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f, delimiter=";"))


def xlsx_rows(path):
    rows = load_workbook(path).active.iter_rows(values_only=True)
    headings = next(rows)
    return [dict(zip(headings, row, strict=True)) for row in rows]


@pytest.mark.parametrize("suffix", PACKAGES)
def test_same_bytes_and_nothing_beside_them(tmp_path, suffix):
    path = tmp_path / f"r{suffix}"
    assert write_output(LINES, path) == len(LINES)
    first = path.read_bytes()
    assert write_output(iter(LINES), path) == len(LINES)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_no_time_of_writing(tmp_path):
    write_output(LINES, tmp_path / "r.xlsx")
    with ZipFile(tmp_path / "r.xlsx") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert str(dt.date.today().year).encode() not in archive.read("docProps/core.xml")
    write_output(LINES, tmp_path / "r.jsonl.gz")
    assert (tmp_path / "r.jsonl.gz").read_bytes()[4:8] == bytes(4)


def test_json_lines(tmp_path):
    content = "".join(LINES).encode()
    for name in ("r.jsonl", "R.JSONL.GZ", "r.jsonl.zst"):
        write_output(LINES, tmp_path / name)
    assert (tmp_path / "r.jsonl").read_bytes() == content
    assert gzip.decompress((tmp_path / "R.JSONL.GZ").read_bytes()) == content
    with zstandard.open(tmp_path / "r.jsonl.zst", "rb") as f:
        assert f.read() == content


@pytest.mark.parametrize("suffix", PACKAGES)
def test_no_records(tmp_path, suffix):
    path = tmp_path / f"r{suffix}"
    assert write_output([], path) == 0
    assert path.is_file()


@pytest.mark.parametrize("suffix", PACKAGES)
def test_failing_write_leaves_no_file(tmp_path, suffix):
    def fails():
        yield from LINES
        raise ValueError("the source broke")

    path = tmp_path / f"r{suffix}"
    with pytest.raises(ValueError, match="the source broke"):
        write_output(fails(), path)
    assert not list(tmp_path.iterdir())
    path.write_text("earlier")
    with pytest.raises(ValueError, match="the source broke"):
        write_output(fails(), path)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", PACKAGES)
def test_place_that_cannot_be_written(tmp_path, suffix):
    path = tmp_path / "none" / f"r{suffix}"
    with pytest.raises(NetralitasError, match=r"r\..*: cannot be written: No such file"):
        write_output(LINES, path)


def test_unknown_suffix(tmp_path):
    for name in ("r.json", "r", "r.csv.gz", "jsonl"):
        with pytest.raises(NetralitasError, match=r"unknown suffix '.*'; known are \.jsonl, \.jsonl\.gz, .*\.parquet"):
            check_suffix(tmp_path / name)
    assert check_suffix(tmp_path / "a.b.JSONL.gz") == ".jsonl.gz"


@pytest.mark.parametrize("suffix", [s for s, package in PACKAGES.items() if package])
def test_missing_package(tmp_path, suffix, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES[suffix], None)
    with pytest.raises(NetralitasError, match=rf"writing \{suffix} needs .*: pip install 'netralitas\[formats\]'"):
        check_suffix(tmp_path / f"r{suffix}")


def from_parquet(path):
    """The rows of a file as JSON has them, without what is null at the top."""
    rows = json.loads(json.dumps(pq.read_table(path).to_pylist(), default=lambda d: d.isoformat()))
    return [{k: v for k, v in row.items() if v is not None} for row in rows]


def test_parquet_round_trip(tmp_path):
    write_output(LINES, tmp_path / "r.parquet")
    back = from_parquet(tmp_path / "r.parquet")
    assert [Record.model_validate(row) for row in back] == RECORDS
    assert [record_line(Record.model_validate(row)) for row in back] == LINES


def test_parquet_is_written_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_GROUP", 3)
    write_output(itertools.islice(itertools.cycle(LINES), 10), tmp_path / "r.parquet")
    file = pq.ParquetFile(tmp_path / "r.parquet")
    assert file.num_row_groups == 4
    assert file.schema_arrow == parquet_schema()


def test_parquet_of_a_part(tmp_path):
    chosen = Selection(fields=("officials", "source", "corrections"), without_names=True)
    write_output(map(chosen.line, RECORDS), tmp_path / "r.parquet")
    first, second, *_ = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert first["label"] is None
    assert first["forms"] is None
    assert first["officials"][0]["name"] is None
    assert first["officials"][0]["office"] == "Camat Undaan"
    assert first["source"]["published"] == dt.date(2024, 10, 7)
    assert second["officials"] == []


def arrow_type(annotation):
    """The type of a column that holds what a field of Record may hold."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = {arrow_type(a) for a in get_args(annotation) if a is not type(None)}
        assert len(kinds) == 1
        return kinds.pop()
    plain = {str: pa.string(), float: pa.float64(), int: pa.int32(), bool: pa.bool_(), dt.date: pa.date32()}
    plain[dt.datetime] = pa.timestamp("us", "UTC")
    if annotation in plain:
        return plain[annotation]
    if get_origin(annotation) is Literal or issubclass(annotation, StrEnum):
        return pa.string()
    if get_origin(annotation) in (list, tuple):
        assert len(set(get_args(annotation))) == 1
        return pa.list_(arrow_type(get_args(annotation)[0]))
    if get_origin(annotation) is dict:
        key, value = get_args(annotation)
        return pa.struct([(str(name), arrow_type(value)) for name in key])
    assert issubclass(annotation, BaseModel)
    return pa.struct([(n, arrow_type(f.annotation)) for n, f in annotation.model_fields.items()])


def test_parquet_has_every_field_of_a_record():
    assert parquet_schema() == pa.schema(list(arrow_type(Record)))


def test_csv(tmp_path):
    path = tmp_path / "r.csv"
    write_output(LINES, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid;date;outlet;")
    row, bare, *_ = csv_rows(path)
    assert {k: sheets.unguard(v) for k, v in row.items()} == {
        "id": "feed-7",
        "date": "2024-10-07",
        "outlet": "Kabar Muria",
        "title": "Camat Sutarno Wibowo Diperiksa",
        "url": "https://contoh.example/sutarno-wibowo",
        "label": "proceeding",
        "label_display": "dugaan dalam proses",
        "score": "0.8123",
        "abstained": "tidak",
        "forms": "mengarahkan atau menggalang dukungan; tekanan atau ancaman",
        "subject_groups": "ASN",
        "officials": "Sutarno Wibowo — Camat Undaan — subjek berita (dalam proses); "
        "Rofiah Hanum — Ketua, Bawaslu Kudus — pengawas atau pemutus",
        "subjects": "1",
        "primary_region": "33.19",
        "primary_region_name": "Kabupaten Kudus",
        "other_regions": "16 Sumatera Selatan",
        "election": "pemilihan gubernur; pemilihan bupati atau wali kota; 2024",
        "flags": "dibantah; lebih dari satu kasus",
        "warnings": "unverified: the record repeats what the text claims",
        "model": "model",
    }
    assert (row["score"], row["subjects"], row["primary_region"]) == ("'0.8123", "1", "'33.19")
    assert bare["officials"] == bare["primary_region"] == bare["date"] == ""
    assert bare["subjects"] == "0"


def test_xlsx(tmp_path):
    write_output(LINES, tmp_path / "r.xlsx")
    row, bare, *_ = xlsx_rows(tmp_path / "r.xlsx")
    assert list(row) == [c.heading for c in COLUMNS]
    assert row["Skor"] == 0.8123
    assert row["Jumlah subjek"] == 1
    assert row["Wilayah utama"] == "33.19"
    assert row["Perlu dibaca ulang"] == "tidak"
    assert bare["Pejabat"] is None


@pytest.mark.parametrize("harmful", HARMFUL)
def test_no_cell_becomes_something_else(tmp_path, harmful):
    regions = [r.model_dump() for r in make_record().regions]
    regions[0]["code"] = harmful
    source = {"title": harmful, "url": harmful, "outlet": harmful}
    line = record_line(make_record(id=harmful, source=source, regions=regions))
    write_output([line], tmp_path / "r.csv")
    (row,) = csv_rows(tmp_path / "r.csv")
    assert [row[n] for n in ("id", "title", "url", "outlet", "primary_region")] == ["'" + harmful] * 5
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    write_output([line], tmp_path / "r.xlsx")
    sheet = load_workbook(tmp_path / "r.xlsx").active
    cells = {c.heading: sheet.cell(2, n) for n, c in enumerate(COLUMNS, 1)}
    for heading in ("ID", "Judul", "URL", "Media", "Wilayah utama"):
        assert cells[heading].data_type == "s"
        assert cells[heading].number_format == "@"
        assert cells[heading].value.replace("\r", "\n") == harmful.replace("\r", "\n")


def test_sheets_of_a_part(tmp_path):
    lines = [Selection(fields=("forms",)).line(r) for r in RECORDS]
    write_output(lines, tmp_path / "r.csv")
    row = csv_rows(tmp_path / "r.csv")[0]
    assert {k for k, v in row.items() if v} == {"id", "forms"}
    lines = [Selection(without_names=True).line(r) for r in RECORDS]
    write_output(lines, tmp_path / "r.xlsx")
    row = xlsx_rows(tmp_path / "r.xlsx")[0]
    assert row["Pejabat"].startswith("Camat Undaan — subjek berita (dalam proses); Ketua, Bawaslu Kudus — ")
    assert row["Judul"] is None


def test_agency_that_the_office_says_is_not_repeated(tmp_path):
    officials = [make_record().officials[0].model_dump() | {"office": "Kepala Dinas Sosial", "agency": "Dinas Sosial"}]
    officials.append(officials[0] | {"office": None, "agency": None, "status": None, "role": "uncertain"})
    write_output([record_line(make_record(officials=officials))], tmp_path / "r.csv")
    first, second = csv_rows(tmp_path / "r.csv")[0]["officials"].split("; ")
    assert first == "Sutarno Wibowo — Kepala Dinas Sosial — subjek berita (dalam proses)"
    assert second == "Sutarno Wibowo — belum pasti"


@pytest.mark.parametrize("fill", ["a", "😀"])
def test_long_cells_are_cut(tmp_path, fill):
    whole = record_line(bare_record(source={"title": "x" * EXCEL_CELL}))
    long = record_line(bare_record(source={"title": "x" + fill * EXCEL_CELL}))
    write_output([whole, long], tmp_path / "r.xlsx")
    kept, cut = (row["Judul"] for row in xlsx_rows(tmp_path / "r.xlsx"))
    assert kept == "x" * EXCEL_CELL
    assert cut.endswith(fill + "…")
    assert EXCEL_CELL - 1 <= len(cut.encode("utf-16-le")) / 2 <= EXCEL_CELL


def test_characters_that_no_sheet_holds(tmp_path):
    line = record_line(bare_record(source={"title": "a\x00b\x0bc\ufffe\uffff"}))
    write_output([line], tmp_path / "r.xlsx")
    assert xlsx_rows(tmp_path / "r.xlsx")[0]["Judul"] == "a\ufffdb\ufffdc\ufffd\ufffd"
    write_output([line], tmp_path / "r.csv")
    assert csv_rows(tmp_path / "r.csv")[0]["title"] == "a\ufffdb\ufffdc\ufffd\ufffd"


def test_sheet_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "EXCEL_ROWS", len(LINES) + 1)
    assert write_output(LINES, tmp_path / "r.xlsx") == len(LINES)
    with pytest.raises(NetralitasError, match=r"full\.xlsx: a sheet holds 4 rows; write \.csv or \.parquet"):
        write_output([*LINES, LINES[0]], tmp_path / "full.xlsx")
    assert not (tmp_path / "full.xlsx").exists()


def test_every_label_has_a_display_name_in_sheets(tmp_path):
    write_output([record_line(bare_record(label)) for label in Label], tmp_path / "r.csv")
    assert all(row["label_display"] for row in csv_rows(tmp_path / "r.csv"))
