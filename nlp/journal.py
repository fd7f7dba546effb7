"""A run of batch tagging that may be killed at any moment and goes on where it was.

Beside the output stands a folder ``OUTPUT.run`` while a run is under way: a snapshot of all rows read, in shards;
``run.json``, what the run was begun with; a file of records and one of dead letters for each finished shard; and
``journal.jsonl``, a line for each finished shard with its checksums. A file is written under another name, synced and
renamed before the journal says that it is there.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from nlp.errors import NetralitasError
from nlp.read import DeadLetter, Item
from nlp.record import Revision
from nlp.schema import Label
from nlp.write import whole_file, write_parts

_RUN_FILE: Final = "run.json"
_JOURNAL_FILE: Final = "journal.jsonl"
_LOCK_FILE: Final = "lock"
_BLOCK: Final = 1 << 20


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceState(_Model):
    """A source as it was when it was read."""

    name: str
    bytes: int
    sha256: str


class RunState(_Model):
    """What a run was begun with. A run goes on only with the same."""

    versions: dict[str, str]
    options: dict[str, Any]
    named: list[str]
    """The sources as they were named: files, folders, patterns."""
    sources: list[SourceState]
    shards: int
    rows: int
    unchanged: int
    unfetched: int


class Finished(_Model):
    """A shard that is done: what it gave, and the checksums of its two files."""

    shard: int
    labels: dict[Label, int]
    abstained: int
    dead: int
    filtered: int
    records_sha256: str
    dead_sha256: str


def file_state(path: Path, name: str) -> SourceState:
    """Size and checksum of a file.

    Raises:
        NetralitasError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as f:
            while block := f.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as e:
        raise NetralitasError(f"{name}: cannot be read: {e.strerror or e}") from e
    return SourceState(name=name, bytes=size, sha256=digest.hexdigest())


@dataclass(frozen=True)
class Row:
    """A row as the snapshot keeps it: its id is set, and whether it is an edit of a text tagged before is known."""

    content: Item | DeadLetter
    revision: Revision | None = None


_ROW: Final = TypeAdapter(Row)


class Workspace:
    """The folder of a run under way."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.directory = output.with_name(output.name + ".run")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process alone; the folder is made where it is not there.

        Raises:
            NetralitasError: another process holds it, or the place cannot be written.
        """
        try:
            self.directory.mkdir(exist_ok=True)
            lock = FileLock(self.directory / _LOCK_FILE)
            lock.acquire(timeout=0)
        except Timeout as e:
            raise NetralitasError(f"{self.output}: another run is writing it; wait for it, or choose another") from e
        except OSError as e:
            raise NetralitasError(f"{self.output}: cannot be written: {e.strerror or e}") from e
        try:
            yield
        finally:
            lock.release()
            # What was refused before anything was read leaves nothing behind.
            if self.directory.is_dir() and {p.name for p in self.directory.iterdir()} <= {_LOCK_FILE}:
                shutil.rmtree(self.directory, ignore_errors=True)

    def clear(self) -> None:
        """Forget whatever an unfinished run left, except the lock that is held."""
        for path in self.directory.iterdir():
            if path.name != _LOCK_FILE:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder of a finished run. ``run.json`` goes first: without it nothing is taken up again."""
        (self.directory / _RUN_FILE).unlink()
        shutil.rmtree(self.directory)

    def load(self) -> RunState | None:
        """What the unfinished run was begun with; None where there is none, or it was killed before its snapshot was
        whole.

        Raises:
            NetralitasError: written by another version of netralitas, or damaged.
        """
        path = self.directory / _RUN_FILE
        if not path.exists():
            return None
        try:
            return RunState.model_validate(json.loads(path.read_bytes()))
        except (OSError, ValueError) as e:
            raise NetralitasError(f"{path}: is damaged, or of another version; begin anew with --restart") from e

    def save(self, state: RunState) -> None:
        """Say that the snapshot is whole, and what the run was begun with."""
        # Escaped, for a file's name may hold lone surrogates.
        write_parts([json.dumps(state.model_dump(mode="json"), indent=1) + "\n"], self.directory / _RUN_FILE)

    def _part(self, kind: str, shard: int) -> Path:
        return self.directory / f"{kind}-{shard:06}.jsonl"

    def write_snapshot(self, shard: int, rows: Iterable[Row]) -> None:
        """Keep the rows of a shard."""
        # Escaped, for a file's name may hold lone surrogates.
        lines = (json.dumps(_ROW.dump_python(row, mode="json")) + "\n" for row in rows)
        write_parts(lines, self._part("rows", shard))

    def snapshot(self, shard: int) -> list[Row]:
        """The rows of a shard, as they were read.

        Raises:
            NetralitasError: missing or damaged.
        """
        path = self._part("rows", shard)
        try:
            with path.open("rb") as f:
                return [_ROW.validate_python(json.loads(line)) for line in f]
        except (OSError, ValueError) as e:
            raise NetralitasError(f"{path}: is missing or damaged; begin anew with --restart") from e

    def finish(self, shard: int, records: list[str], dead: list[str], counts: dict[str, Any]) -> Finished:
        """Write what a shard gave, and then that it is done."""
        write_parts(records, self._part("records", shard))
        write_parts(dead, self._part("dead", shard))
        done = Finished(
            shard=shard, dead=len(dead), records_sha256=_digest(records), dead_sha256=_digest(dead), **counts
        )
        path = self.directory / _JOURNAL_FILE
        try:
            with path.open("ab") as f:
                f.write(done.model_dump_json().encode() + b"\n")
                f.flush()
                os.fsync(f.fileno())
        except OSError as e:
            raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e
        return done

    def finished(self) -> dict[int, Finished]:
        """The shards that are done and whose files are what the journal says; the others are done again."""
        path = self.directory / _JOURNAL_FILE
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            # The process was killed while it wrote the last line.
            with whole_file(path) as f:
                f.write(whole.decode())
        done: dict[int, Finished] = {}
        for line in whole.splitlines():
            try:
                entry = Finished.model_validate_json(line)
            except ValidationError:
                continue
            done[entry.shard] = entry
        return {n: entry for n, entry in done.items() if self._is_whole(entry)}

    def _is_whole(self, entry: Finished) -> bool:
        wanted = {"records": entry.records_sha256, "dead": entry.dead_sha256}
        try:
            return all(file_state(self._part(kind, entry.shard), kind).sha256 == d for kind, d in wanted.items())
        except NetralitasError:
            return False

    def lines(self, kind: str, shards: Iterable[int]) -> Iterator[str]:
        """The lines of all shards' ``records`` or ``dead`` letters, in order."""
        for shard in shards:
            with self._part(kind, shard).open(encoding="utf-8", newline="\n") as f:
                yield from f

    def dead_places(self, shards: Iterable[int]) -> Iterator[str]:
        """``FILE:LINE`` of all dead letters."""
        for line in self.lines("dead", shards):
            letter = json.loads(line)
            yield f"{letter['file']}:{letter['line']}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(lines).encode()).hexdigest()
