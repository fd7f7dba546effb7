"""CSV and XLSX that are safe to open in Excel: no cell becomes a formula, a number or a date that it was not.

CSV is written with semicolons and a byte order mark, as Excel with Indonesian settings expects; cells that Excel would
turn into something else carry an apostrophe.
"""

import csv
import datetime as dt
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from nlp.errors import NetralitasError
from nlp.write import whole_binary, whole_file

Cell = str | int | float

EXCEL_ROWS: Final = 1_048_576
"""Rows of a sheet, its headings included."""
UNSHOWN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML, and so XLSX, cannot hold."""
_GUARDED: Final = re.compile(r"^\s*[=+\-@]|^[\t\r\n']|^[\d.,:/\- eE+%]+$|^(?:true|false)$", re.IGNORECASE)
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)
"""Earliest time of a ZIP archive; given to all parts of a workbook, so that the same rows give the same bytes."""


def guard(value: str) -> str:
    """The value with an apostrophe where Excel would turn it into a formula, a number or a date."""
    return "'" + value if _GUARDED.search(value) else value


def unguard(value: str) -> str:
    """The value that ``guard`` was given."""
    return value[1:] if value.startswith("'") and _GUARDED.search(value[1:]) else value


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[Cell]], path: Path) -> int:
    """Write a CSV for Excel; return the number of rows. Fractions are guarded too, for in Indonesian settings "0.93" is
    a time and "0.9312" thousands.

    Raises:
        NetralitasError: the place cannot be written.
    """
    count = 0
    with whole_file(path) as f:
        f.write("\ufeff")
        out = csv.writer(f, delimiter=";", lineterminator="\r\n")
        out.writerow(headings)
        for count, row in enumerate(rows, 1):  # noqa: B007
            out.writerow([v if isinstance(v, int) else guard(str(v)) for v in row])
    return count


def write_xlsx(
    headings: Sequence[str], rows: Iterable[Sequence[Cell]], path: Path, *, title: str, widths: Sequence[int], held: str
) -> int:
    """Write a workbook of one sheet; return the number of rows. Strings stay text, and the same rows give the same
    bytes. ``widths`` are those of the first columns; what is above and left of the cell ``held`` does not scroll.

    Raises:
        NetralitasError: the place cannot be written, or a sheet cannot hold the rows.
    """
    from openpyxl import Workbook
    from openpyxl.cell import Cell as XlsxCell
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = dt.datetime(*_FIRST_DAY)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = held
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width

    def cell(value: Cell, bold: bool = False) -> XlsxCell:
        if isinstance(value, str) and (found := UNSHOWN.search(value)):
            raise NetralitasError(f"{path}: a sheet cannot hold {found.group()!a}; write .jsonl or .parquet instead")
        made = WriteOnlyCell(sheet, value)
        if isinstance(value, str):
            made.data_type = "s"  # else a text that begins with "=" becomes a formula
            made.number_format = "@"
        if bold:
            made.font = Font(bold=True)
        return made

    count = 0
    with whole_binary(path) as f:
        try:
            sheet.append([cell(h, bold=True) for h in headings])
            for count, row in enumerate(rows, 1):
                if count >= EXCEL_ROWS:
                    most = f"{EXCEL_ROWS - 1:,} rows"
                    raise NetralitasError(f"{path}: a sheet holds {most}; write .csv or .parquet instead")
                sheet.append([None if v == "" else cell(v) for v in row])
        finally:
            sheet.close()
        with _TimelessZip(f, "w", ZIP_DEFLATED) as archive:
            # Workbook.save() would put in the time of writing.
            ExcelWriter(book, archive).save()
    return count


class _TimelessZip(ZipFile):
    """A ZIP archive whose parts all have the same time; as far as openpyxl writes one."""

    def writestr(self, zinfo_or_arcname: str | ZipInfo, data: Any, *_: Any, **__: Any) -> None:
        with self.open(self._part(str(zinfo_or_arcname)), "w") as part:
            part.write(data.encode() if isinstance(data, str) else data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        info, path = self._part(str(arcname)), Path(filename)
        info.file_size = path.stat().st_size  # else a part of more than 2 GB is refused
        with path.open("rb") as source, self.open(info, "w") as part:
            shutil.copyfileobj(source, part)

    def _part(self, name: str) -> ZipInfo:
        info = ZipInfo(name, _FIRST_DAY)
        info.compress_type = self.compression
        info.external_attr = 0o600 << 16
        return info
