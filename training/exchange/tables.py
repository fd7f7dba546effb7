"""CSV and XLSX for people who work in a spreadsheet: one row a text, Indonesian headings, safe to open in Excel.

What a sheet cannot show (mentions, offsets) travels in the column "Anotasi". How cells are guarded in CSV is said in
``nlp.sheets``; reading takes the guards off again, and accepts commas, tabs and Windows-1252 too.
"""

import csv
import datetime as dt
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from pydantic import ValidationError

from nlp import gazetteer, sheets
from nlp.errors import NetralitasError, describe_error
from nlp.record import text_digest
from nlp.schema import DISPLAY_ID
from training.corpus import CorpusText, region_codes, to_slug

EXCEL_CELL: Final = 32_000
"""Excel keeps 32,767 characters a cell and drops the rest; longer values go on in further columns."""
_PARTS: Final = 3
_COLUMNS: Final = {
    "id": "ID",
    "text": "Teks",
    "label": "Label",
    "flags": "Penanda",
    "forms": "Bentuk",
    "subjects": "Kelompok",
    "evidence": "Bukti",
    "primary_region": "Wilayah utama",
    "election": "Pemilihan",
    "date": "Tanggal",
    "kind": "Jenis",
    "style": "Gaya",
    "event": "Peristiwa",
    "group": "Pasangan",
    "split": "Bagian",
    "url": "URL",
    "private": "Rahasia",
    "annotation": "Anotasi",
}
_LONG: Final = ("text", "annotation")
_SETS: Final = ("flags", "forms", "subjects")
_PLAIN: Final = ("kind", "style", "event", "group", "split", "url")
_INSIDE: Final = ("confusions", "annotations", "layers", "mentions", "officials", "regions", "ignored", "evidence")
_CODES: Final = {display: code for code, display in DISPLAY_ID.items()}
_DATES: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")


def headings() -> list[str]:
    """The columns in order; long values have further columns."""
    further = [f"{_COLUMNS[name]} ({n})" for name in _LONG for n in range(2, _PARTS + 1)]
    return [*_COLUMNS.values(), *further]


def _display(code: str) -> str:
    return f"{code} ({DISPLAY_ID[code]})" if code in DISPLAY_ID else code


def _place(code: str | None) -> str:
    return f"{code} {gazetteer.name(code)}" if code and gazetteer.exists(code) else code or ""


def to_row(text: CorpusText) -> dict[str, str]:
    """One row by heading.

    Raises:
        NetralitasError: the text or its annotation is too long for a sheet.
    """
    raw = text.model_dump(mode="json")
    election = [
        *(_display(t) for t in raw["election"]["type"]),
        *([str(text.election.year)] * bool(text.election.year)),
    ]
    cells = {name: raw[name] or "" for name in _PLAIN} | {
        "id": text.id,
        "text": text.text,
        "label": _display(text.label),
        **{name: "; ".join(_display(v) for v in raw[name]) for name in _SETS},
        "evidence": "\n".join(text.text[e.start : e.end] for e in text.evidence),
        "primary_region": _place(text.primary_region),
        "election": "; ".join(election),
        "date": raw["date"] or "",
        "private": "ya" if text.private else "tidak",
        "annotation": json.dumps(
            {k: raw[k] for k in _INSIDE} | {"text_sha256": text_digest(text.text)}, ensure_ascii=False
        ),
    }
    row = {_COLUMNS[k]: v for k, v in cells.items()}
    for name in _LONG:
        value, heading = cells[name], _COLUMNS[name]
        if len(value) > _PARTS * EXCEL_CELL:
            raise NetralitasError(f"{text.id}: {len(value)} characters fit no sheet; export as .jsonl or .parquet")
        parts = [value[n * EXCEL_CELL : (n + 1) * EXCEL_CELL] for n in range(_PARTS)]
        row |= {heading if n == 0 else f"{heading} ({n + 1})": part for n, part in enumerate(parts)}
    return row


def write_csv(texts: Iterable[CorpusText], path: Path) -> int:
    """Write a CSV for Excel; return the number of rows."""
    return sheets.write_csv(headings(), _rows(texts), path)


def write_xlsx(texts: Iterable[CorpusText], path: Path) -> int:
    """Write a workbook of one sheet, all cells text; return the number of rows."""
    widths = (14, 80, 26, 20, 26, 18, 60, 26)
    return sheets.write_xlsx(headings(), _rows(texts), path, title="Korpus", widths=widths, held="C2")


def _rows(texts: Iterable[CorpusText]) -> Iterator[list[str]]:
    columns = headings()
    for text in texts:
        row = to_row(text)
        yield [row[h] for h in columns]


def read(path: Path) -> Iterator[CorpusText | str]:
    """Yield the rows of a CSV or XLSX as texts, or a message ``FILE: row N (ID): COLUMN: problem``.

    Raises:
        NetralitasError: unreadable file, or a column is missing.
    """
    rows = _xlsx_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    for number, row in rows:
        if not any(row.values()):
            continue
        try:
            yield from_row(row)
        except ValidationError as e:
            yield f"{path}: row {number} ({row.get('ID')}): {describe_error(e)}"
        except ValueError as e:
            yield f"{path}: row {number} ({row.get('ID')}): {e}"


def _need_columns(columns: Iterable[str | None], path: Path) -> None:
    missing = [h for h in ("ID", "Teks", "Label") if h not in set(columns)]
    if missing:
        raise NetralitasError(f"{path}: no column {', '.join(missing)} in the first row; keep the headings as exported")


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror or e}") from e
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1252", "replace")  # what Excel saves as plain "CSV"
    csv.field_size_limit(sys.maxsize)
    first = content.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
    _need_columns(reader.fieldnames or [], path)
    for row in reader:
        yield reader.line_num, {k: sheets.unguard(v or "") for k, v in row.items() if isinstance(k, str)}


def _xlsx_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        book = load_workbook(path, read_only=True)
    except (OSError, ValueError, KeyError) as e:
        raise NetralitasError(f"{path}: cannot be read as XLSX: {e}") from e
    rows = book.worksheets[0].iter_rows(values_only=True)
    columns = [str(h) if h is not None else None for h in next(rows, ())]
    _need_columns(columns, path)
    for number, values in enumerate(rows, 2):
        yield number, {h: _cell_text(v) for h, v in zip(columns, values, strict=False) if h}
    book.close()


def _cell_text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return "" if value is None else str(value)


def _code(written: str) -> str:
    """A code from "allegation (dugaan)", "allegation" or "dugaan"."""
    written = written.strip()
    if written.lower() in _CODES:
        return _CODES[written.lower()]
    return re.split(r"\s*\(", written)[0]


def _list(cell: str) -> list[str]:
    return [v.strip() for v in cell.split(";") if v.strip()]


def _date(cell: str) -> str | None:
    for form in _DATES:
        try:
            return dt.datetime.strptime(cell.strip(), form).date().isoformat()
        except ValueError:
            continue
    if cell.strip():
        raise ValueError(f"Tanggal: {cell!r} is no date like 2024-10-29 or 29/10/2024")
    return None


def _region(cell: str) -> str | None:
    if not cell.strip():
        return None
    code = cell.split()[0]
    if not gazetteer.exists(code):
        raise ValueError(f"Wilayah utama: {code!r} is no Kemendagri code; write it as text, like '33.75'")
    return code


def from_row(row: dict[str, str]) -> CorpusText:
    """Turn a row by heading into a text. A row without "Anotasi" was not exported by us and is private.

    Raises:
        ValueError: naming the column.
    """

    def get(name: str) -> str:
        heading = _COLUMNS[name]
        further = "".join(row.get(f"{heading} ({n})", "") for n in range(2, _PARTS + 1)) if name in _LONG else ""
        return row.get(heading, "") + further

    text, ident = get("text"), get("id").strip()
    inside = _inside(get("annotation"), text)
    election = _list(get("election"))
    years = [w for w in election if w.isdigit()]
    record: dict[str, Any] = {
        **inside,
        "id": ident,
        "text": text,
        "label": _code(get("label")),
        **{name: [_code(v) for v in _list(get(name))] for name in _SETS},
        "primary_region": _region(get("primary_region")),
        "election": {"type": [_code(w) for w in election if not w.isdigit()], "year": int(years[0]) if years else None},
        "date": _date(get("date")),
        "kind": get("kind") or "news",
        "style": get("style") or "real",
        "event": get("event") or to_slug(ident, "sheet"),
        "private": _yes(get("private")) if inside else get("private").strip().lower() not in ("tidak", "false"),
        **{name: get(name) or None for name in ("group", "split", "url")},
    }
    record["evidence"] = _evidence(text, get("evidence"), inside.get("evidence", []))
    if not inside:
        record["layers"] = ["label", "flags", "forms", "subjects", "election"] + ["evidence"] * bool(record["evidence"])
        record["annotations"] = [{"by": "sheet"}]
    elif "regions" in record.get("layers", []):
        record["regions"] = region_codes(record.get("mentions", []), record["primary_region"])
    return CorpusText.model_validate(record)


def _yes(cell: str) -> bool:
    return cell.strip().lower() in ("ya", "true", "yes", "1")


def _inside(cell: str, text: str) -> dict[str, Any]:
    if not cell.strip():
        return {}
    try:
        inside: dict[str, Any] = json.loads(cell)
    except json.JSONDecodeError as e:
        raise ValueError(f"Anotasi: was changed and cannot be read ({e.msg}); copy it from the export again") from e
    if inside.pop("text_sha256", None) != text_digest(text):
        raise ValueError("Teks: was changed (or its characters were lost when saving), so the offsets no longer hold")
    return inside


def _evidence(text: str, cell: str, old: list[dict[str, int]]) -> list[dict[str, int]]:
    """The offsets as exported, or, where the column was edited, those of its lines in the text."""
    if cell.strip() == "\n".join(text[e["start"] : e["end"]] for e in old).strip():
        return old
    spans = []
    for quote in filter(None, (line.strip() for line in cell.split("\n"))):
        at = text.find(quote)
        if at < 0:
            raise ValueError(f"Bukti: {quote[:60]!r} does not stand in the text; copy the sentence exactly")
        spans.append({"start": at, "end": at + len(quote)})
    return spans
