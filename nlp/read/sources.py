"""Which files there are, how each is packed and who reads it."""

import glob
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Final

from nlp.errors import NetralitasError
from nlp.fetch import is_address, without_secrets
from nlp.read.arrow import read_arrow, read_parquet
from nlp.read.feeds import read_feed
from nlp.read.lines import read_lines, read_text
from nlp.read.pages import read_page
from nlp.read.rows import DeadCode, DeadLetter, Fields, Format, Item, Row, SourceError
from nlp.read.streams import COMPRESSED, CutError, Input, decompressed
from nlp.read.table import read_table

_FEED: Final = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)
_HEAD: Final = 1000
"""Bytes within which a feed says that it is one."""
_Reader = Callable[[Input, Fields], Iterator[Item | DeadLetter]]

_READERS: Final[dict[str, tuple[Format, _Reader]]] = {
    ".jsonl": (Format.JSON, read_lines),
    ".ndjson": (Format.JSON, read_lines),
    ".csv": (Format.CSV, read_table),
    ".tsv": (Format.TSV, read_table),
    ".txt": (Format.TEXT, read_text),
    ".parquet": (Format.ARROW, read_parquet),
    ".arrow": (Format.ARROW, read_arrow),
    ".feather": (Format.ARROW, read_arrow),
    ".ipc": (Format.ARROW, read_arrow),
    ".html": (Format.HTML, read_page),
    ".htm": (Format.HTML, read_page),
    ".rss": (Format.FEED, read_feed),
    ".atom": (Format.FEED, read_feed),
    ".xml": (Format.FEED, read_feed),
}


def expand(sources: Iterable[str]) -> list[str]:
    """The files of all sources, in the order of the sources.

    A directory is walked, sorted by name, without what is hidden; ``*``, ``?``, ``[...]`` and ``**`` stand for the
    files and directories whose names fit; ``-`` stays, and so do addresses.

    Raises:
        NetralitasError: a source is missing, empty or of an unknown suffix, a pattern fits nothing, or a file comes
            twice.
    """
    files: dict[str, str] = {}
    for source in sources:
        for file in _files(source):
            where = file if file == "-" or is_address(file) else os.path.realpath(file)
            if where in files:
                also = "" if files[where] == file else f" (as {files[where]})"
                raise NetralitasError(f"{file}: is among the sources twice{also}; name it once")
            files[where] = file
    return list(files.values())


def _files(source: str) -> list[str]:
    if source == "-" or is_address(source):
        return [source]
    path = Path(source)
    try:
        path.stat()
    except OSError as e:
        if not glob.has_magic(source):
            raise NetralitasError(f"{source}: cannot be read: {e.strerror or e}") from e
        matches = glob.glob(source, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = {f for match in matches for f in _walk(Path(match), set())}
        if not found:
            raise NetralitasError(f"{source}: no file fits this pattern; check it, and put it in quotes") from e
        return sorted(found)
    if path.is_dir():
        try:
            next(path.iterdir(), None)
        except OSError as e:
            raise NetralitasError(f"{source}: cannot be read: {e.strerror or e}") from e
        inside = list(_walk(path, set()))
        if not inside:
            raise NetralitasError(f"{source}: is a directory without files; name another")
        return inside
    _suffixes(path)
    return [source]


def _walk(path: Path, seen: set[str]) -> Iterator[str]:
    """The files of a directory, sorted; one that cannot be listed stands for itself, for nothing may disappear."""
    where = os.path.realpath(path)
    if not path.is_dir():
        yield str(path)
    elif where not in seen:  # a link may lead back
        seen.add(where)
        try:
            inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        except OSError:
            yield str(path)
            return
        for child in inside:
            yield from _walk(child, seen)


def _suffixes(path: Path) -> tuple[str, str]:
    """Suffix of the format and of the compression.

    Raises:
        SourceError: unknown.
    """
    suffix, packed = path.suffix.lower(), ""
    if suffix in COMPRESSED:
        suffix, packed = Path(path.stem).suffix.lower(), suffix
    if suffix not in _READERS:
        known = f"{', '.join(_READERS)}, each also with {', '.join(COMPRESSED)}"
        message = f"{path}: unknown suffix '{suffix}'; known are {known}, or '-'"
        raise SourceError(DeadCode.UNKNOWN_SUFFIX, message)
    return suffix, packed


def read_sources(sources: list[str], fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of all sources in order. ``-`` is standard input.

    Raises:
        NetralitasError: as :func:`expand` and :func:`read_files`.
    """
    yield from read_files(expand(sources), fields, sources)


def read_files(
    files: Iterable[str], fields: Fields, named: Collection[str], local: Mapping[str, Path] | None = None
) -> Iterator[Item | DeadLetter]:
    """Yield the rows of files that :func:`expand` gave for the sources ``named``. ``local`` holds the files in which
    the bytes of standard input and of addresses are kept; an address is a feed, or else a page.

    Raises:
        NetralitasError: a file is named and unreadable, of an unknown suffix, or lacks the text column; or a package
            is missing. Of a file that was found such a fault is one dead letter.
    """
    local = local or {}
    for file in files:
        if file == "-" or is_address(file):
            with local[file].open("rb") if file in local else nullcontext(sys.stdin.buffer) as stream:
                yield from _read_kept(stream, file, fields)
            continue
        try:
            yield from _read_file(file, fields, named=file in named)
        except SourceError as e:
            if file in named:
                raise
            yield Row(file, 1, truncated=True).dead(e.code, str(e).removeprefix(f"{file}: "))


def _read_kept(stream: IO[bytes], name: str, fields: Fields) -> Iterator[Item | DeadLetter]:
    if name == "-":
        return _guarded(Input(stream, name, Format.TEXT), read_lines, fields)
    source = Input(stream, without_secrets(name), Format.HTML)
    if not _FEED.search(source.stream.peek(_HEAD)[:_HEAD]):
        return _guarded(source, read_page, fields)
    source.format = Format.FEED
    return _guarded(source, read_feed, fields)


def _read_file(file: str, fields: Fields, *, named: bool) -> Iterator[Item | DeadLetter]:
    path = Path(file)
    _suffixes(path)
    try:
        # A pipe in a directory would be waited for; and what cannot be listed was given as if it were a file.
        if not named and not path.is_file():
            path.stat()
            raise OSError("it is no file, or a directory that cannot be listed")
        with path.open("rb") as stream:
            yield from read_stream(stream, file, fields)
    except OSError as e:
        raise SourceError(DeadCode.UNREADABLE, f"{file}: cannot be read: {e.strerror or e}") from e


def read_stream(stream: IO[bytes], name: str, fields: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the rows of a stream in the format of the name's suffix.

    Raises:
        NetralitasError: unknown suffix, no text column, or a missing package.
    """
    file = str(Path(name))
    suffix, packed = _suffixes(Path(name))
    format, reader = _READERS[suffix]
    if packed:
        stream = decompressed(stream, packed, file)
    yield from _guarded(Input(stream, file, format, packed=bool(packed)), reader, fields)


def _guarded(source: Input, reader: _Reader, fields: Fields) -> Iterator[Item | DeadLetter]:
    """The rows of a reader; a file that breaks off ends in one dead letter."""
    try:
        yield from reader(source, fields)
    except CutError as e:
        yield source.cut(str(e))
