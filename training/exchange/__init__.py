"""Corpus texts in the formats of other tools; a text that goes there and back is the same text."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from nlp.errors import NetralitasError
from nlp.write import write_parts
from training.corpus import CorpusText, iter_lines, write_corpus
from training.exchange import conll, label_studio, parquet, tables
from training.exchange.records import read_corrections
from training.markup import parse_file, render_text

SUFFIXES: Final = {
    ".txt": "the markup of data/GUIDE.md",
    ".jsonl": "corpus, or a log of corrections",
    ".json": "Label Studio",
    ".csv": "semicolon-separated, for Excel",
    ".xlsx": "Excel workbook",
    ".conll": "CoNLL columns",
    ".parquet": "Parquet, for datasets and DuckDB",
}


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(f"{s} ({what})" for s, what in SUFFIXES.items())
        raise NetralitasError(f"{path}: unknown suffix '{path.suffix}'; known are {known}")
    return suffix


def write_texts(texts: Iterable[CorpusText], path: Path) -> int:
    """Write texts in the format of the path's suffix, one at a time; return how many.

    Raises:
        NetralitasError: unknown suffix, or the file cannot be written.
    """
    match _suffix(path):
        case ".txt":
            return write_parts((render_text(t) + "\n" for t in texts), path)
        case ".jsonl":
            return write_corpus(texts, path)
        case ".json":
            return label_studio.write(texts, path)
        case ".csv":
            return tables.write_csv(texts, path)
        case ".xlsx":
            return tables.write_xlsx(texts, path)
        case ".conll":
            return conll.write(texts, path)
        case _:
            return parquet.write(texts, path)


def read_texts(path: Path, *, by: str | None = None, guide: str | None = None) -> Iterator[CorpusText | str]:
    """Yield each text of a file in the format of its suffix, or a message that names the place and the problem.

    ``by`` chooses an annotator and ``guide`` names the version of the guide, for Label Studio.

    Raises:
        NetralitasError: unknown suffix, or a file that is not of its format at all.
    """
    match _suffix(path):
        case ".txt":
            yield from _read_markup(path)
        case ".jsonl":
            yield from _read_jsonl(path, guide)
        case ".json":
            yield from label_studio.read(path, by, guide)
        case ".csv" | ".xlsx":
            yield from tables.read(path)
        case ".conll":
            yield from conll.read(path)
        case _:
            yield from parquet.read(path)


def _read_jsonl(path: Path, guide: str | None) -> Iterator[CorpusText | str]:
    """A corpus, or the desk's log of corrections."""
    try:
        with path.open("rb") as f:
            is_log = b'"text_sha256"' in f.readline()
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror or e}") from e
    if is_log:
        yield from read_corrections(path, guide)
    else:
        yield from (text or problem for text, problem in iter_lines(path))


def _read_markup(path: Path) -> Iterator[CorpusText | str]:
    try:
        texts, problems = parse_file(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: cannot be read as UTF-8 text: {e}") from e
    yield from texts
    yield from problems
