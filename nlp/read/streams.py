"""Bytes of a file, decompressed: where they stand, and where they end before their end."""

import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

from nlp.extras import require
from nlp.read.rows import MAX_BYTES, RAW_KEPT, DeadCode, DeadLetter, Format, Row

COMPRESSED: Final = (".gz", ".xz", ".zst")

MAX_UNPACKED: Final = 4_000_000_000
"""As much of a packed table is unpacked onto the disk."""

_CHUNK: Final = 1 << 16


class CutError(Exception):
    """A file ends, or cannot be read on, before its end; ``read`` is what was read of the row or file."""

    def __init__(self, reason: str, read: bytes) -> None:
        super().__init__(reason)
        self.read = read


def decompressed(stream: IO[bytes], suffix: str, file: str) -> IO[bytes]:
    """The stream behind one of the suffixes of :data:`COMPRESSED`.

    Raises:
        NetralitasError: a package is missing.
    """
    if suffix == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
    if suffix == ".xz":
        return lzma.LZMAFile(stream)
    require("formats", "zstandard", what=f"{file}: reading .zst")
    return io.BufferedReader(_Zstandard(stream))


class _Zstandard(io.RawIOBase):
    """Frames of Zstandard, one after another. The package's own reader does not tell a cut file from a whole one."""

    # A small piece, for one of its bytes may unpack to thousands.
    _PIECE: Final = 1024

    def __init__(self, stream: IO[bytes]) -> None:
        import zstandard

        self._stream = stream
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._fault = zstandard.ZstdError
        self._frame: Any = None
        self._packed = b""
        self._unpacked = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._unpacked:
            packed = self._packed or self._stream.read(self._PIECE)
            if not packed:
                if self._frame:
                    raise EOFError("Compressed file ended before its end")
                return 0
            self._frame = self._frame or self._new()
            try:
                self._unpacked = memoryview(self._frame.decompress(packed))
            except self._fault as e:
                raise EOFError(str(e)) from e
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._unpacked))
        buffer[:count] = self._unpacked[:count]
        self._unpacked = self._unpacked[count:]
        return count


class _Guarded(io.RawIOBase):
    """A stream whose faults are its end, so that what was read before them is not lost; ``fault`` tells."""

    def __init__(self, stream: IO[bytes]) -> None:
        # Not more than is there: standard input may be a pipe that is still written.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self.fault: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = b"" if self.fault else self._read(len(buffer))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as e:
            self.fault = str(e) or type(e).__name__
            return 0
        buffer[: len(data)] = data
        return len(data)


class Input:
    """A file's bytes, and the row that is read of it: its first line, its place and its beginning."""

    def __init__(
        self, stream: IO[bytes], file: str, format: Format, *, packed: bool = False, line: int = 0, offset: int = 0
    ) -> None:
        self.file, self.format = file, format
        self.columns: tuple[str, ...] | None = None
        self._source = None if packed else stream
        self._guard = _Guarded(stream)
        self.stream = io.BufferedReader(self._guard, _CHUNK)
        self.line, self._offset = line, offset
        self.start_row()

    @property
    def fault(self) -> str | None:
        """Why the stream could not be read to its end."""
        return self._guard.fault

    def start_row(self) -> None:
        """The next line begins a row."""
        self.first, self._begin, self.size = self.line + 1, self._offset, 0
        self._kept = b""

    def row(self, raw: bytes | None = None) -> Row:
        """The row as far as it is read; ``raw`` if its bytes are others than those read."""
        row = Row(self.file, self.first, self._kept, self.format, self._begin, self.columns, self.size > RAW_KEPT)
        return row if raw is None else replace(row, raw=raw, truncated=False)

    def cut(self, reason: str) -> DeadLetter:
        """The dead letter of all that comes from this row on and cannot be read."""
        reason = f"cannot be read from here on ({' '.join(reason.split())}); get the file again"
        return replace(self.row(), truncated=True).dead(DeadCode.UNREADABLE, reason)

    def _count(self, data: bytes) -> None:
        self._offset += len(data)
        self.size += len(data)
        self._kept += data[: RAW_KEPT - len(self._kept)]

    def readline(self) -> tuple[bytes, int]:
        """A line with its end, cut at MAX_BYTES + 1; the rest is dropped, but for the number of its quotes.

        Raises:
            CutError: the stream failed within the line, or at its beginning.
        """
        part = line = self.stream.readline(MAX_BYTES + 1)
        self.line += bool(line)
        self._count(part)
        quotes = 0
        while len(part) == MAX_BYTES + 1 and not part.endswith(b"\n"):
            part = self.stream.readline(MAX_BYTES + 1)
            self._count(part)
            quotes += part.count(b'"')
        if self.fault and not part.endswith(b"\n"):
            raise CutError(self.fault, self._kept)
        return line, quotes

    def read(self, limit: int) -> bytes:
        """All of it, or ``limit`` + 1 bytes.

        Raises:
            CutError: the stream failed before.
        """
        data = self.stream.read(limit + 1)
        self._count(data)
        if self.fault:
            raise CutError(self.fault, data)
        return data

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """The file as one in which can be gone to and fro; a packed one is unpacked onto the disk.

        Raises:
            CutError: the stream failed, or is too long.
        """
        if self._source and self._source.seekable():
            yield self._source
            return
        with TemporaryFile() as file:
            size = 0
            while data := self.stream.read(_CHUNK):
                size += file.write(data)
                if size > MAX_UNPACKED:
                    raise CutError(f"more than {MAX_UNPACKED} bytes", b"")
            if self.fault:
                raise CutError(self.fault, b"")
            file.seek(0)
            yield file
