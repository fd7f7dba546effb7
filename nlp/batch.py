"""Tag whole sources into a file of records: every row gives a record, a dead letter or is filtered out, and a run that
is killed goes on where it was, to the same bytes."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from nlp.corrections import CorrectionLog
from nlp.errors import NetralitasError
from nlp.journal import STDIN_FILE, Finished, Row, RunState, SourceState, Workspace, file_state
from nlp.read import DeadCode, DeadLetter, Fields, Item, expand, read_dead_letters, read_files
from nlp.record import Record
from nlp.schema import Label
from nlp.seen import ReadBefore, Unchanged
from nlp.select import Selection
from nlp.tables import check_suffix, write_output
from nlp.tagger import Reading, Tagger
from nlp.workers import ordered_map
from nlp.write import dead_line, write_parts

SHARD: Final = 256
"""Rows of a shard: a killed run does at most so many again."""
_READINGS_KEPT: Final = 128


@dataclass(frozen=True)
class Options:
    """How a feed is tagged. ``retry``: the sources are files of dead letters; ``seen``: the store of texts tagged
    before; ``corrections``: the desk's log, laid over the records of its texts; ``restart`` drops what an unfinished
    run left."""

    fields: Fields = field(default_factory=Fields)
    retry: bool = False
    selection: Selection = field(default_factory=Selection)
    corrections: Path | None = None
    seen: Path | None = None
    restart: bool = False
    shard: int = SHARD

    def state(self) -> dict[str, Any]:
        """What must be the same when a run goes on, as JSON."""
        log = self.corrections
        return {
            "fields": asdict(self.fields),
            "retry": self.retry,
            "selection": self.selection.model_dump(mode="json"),
            "corrections": file_state(log, str(log)).sha256 if log else None,
            "seen": str(self.seen.resolve()) if self.seen else None,
            "shard": self.shard,
        }


@dataclass
class Summary:
    """What a run gave: rows read, texts by label, how many abstained, how many were left out and why.

    ``read == tagged + dead + unchanged`` and ``records == tagged - filtered``.
    """

    read: int = 0
    labels: Counter[Label] = field(default_factory=Counter)
    abstained: int = 0
    dead: int = 0
    filtered: int = 0
    unchanged: int = 0
    resumed: int = 0
    """Rows that an earlier, killed part of the run had done."""
    dead_path: Path | None = None

    @property
    def tagged(self) -> int:
        """Number of texts tagged."""
        return self.labels.total()

    @property
    def records(self) -> int:
        """Number of records written."""
        return self.tagged - self.filtered

    def add(self, done: Finished) -> None:
        """Count a shard."""
        self.labels.update(done.labels)
        self.abstained += done.abstained
        self.dead += done.dead
        self.filtered += done.filtered


def dead_letter_path(output: Path) -> Path:
    """Where dead letters of an output go: ``records.jsonl`` has ``records.dead.jsonl``, and so has
    ``records.jsonl.gz``."""
    plain = output.with_suffix("") if output.suffix in (".gz", ".zst") else output
    return plain.with_suffix(".dead.jsonl")


def tag_sources(
    sources: list[str],
    output: Path,
    tagger: Tagger,
    options: Options | None = None,
    on_record: Callable[[Item, Record], None] | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> Summary:
    """Tag every row of ``sources`` into ``output``, in order, in the format of its suffix. No row ends the run and none
    is lost: each gives a record, a dead letter with place and reason, or is counted as filtered or unchanged.

    What was read is kept before anything is tagged. A run that was killed is taken up by calling this again with the
    same sources, options and model: ``on_resume`` is told how many rows are done. ``on_record`` is told each new one.

    Raises:
        NetralitasError: a source cannot be read at all, an output cannot be written, another run is writing it, or a
            run under way was begun with something else.
    """
    options = options or Options()
    check_suffix(output)
    space = Workspace(output)
    with space.locked():
        state = None if options.restart else space.load()
        files = _files(sources, output, state)
        versions = {k: str(v) for k, v in tagger.versions.model_dump().items()}
        if state:
            _check_same(space, state, sources, files, versions, options)
        else:
            space.clear()
            if options.seen and output.exists():
                # Nor would a run that was killed as its last act was done be told from a new one.
                raise NetralitasError(
                    f"{output}: exists already; with --seen a run gives what is new, so name another output for each"
                )
            state = _take_snapshot(space, sources, files, versions, options)
        summary = Summary(read=state.rows, unchanged=state.unchanged)
        done = space.finished()
        for finished in done.values():
            summary.add(finished)
        summary.resumed = summary.tagged + summary.dead
        if summary.resumed and on_resume:
            on_resume(summary.resumed)
        rest = [n for n in range(state.shards) if n not in done]
        log = CorrectionLog(options.corrections) if options.corrections else None
        for finished in _tag_shards(space, rest, tagger, options.selection, log, on_record):
            summary.add(finished)
        _write(space, state, summary, options)
    return summary


def _files(sources: list[str], output: Path, state: RunState | None) -> list[str]:
    """The files that the sources name; of a run under way also those that are gone since."""
    try:
        files = expand(sources)
    except NetralitasError:
        if not state:
            raise
        files = [s.name for s in state.sources if s.name == "-" or Path(s.name).exists()]
    read = {Path(s).resolve() for s in files if s != "-"}
    for path in (output, dead_letter_path(output)):
        if path.resolve() in read:
            raise NetralitasError(f"{path}: is one of the sources; choose another output")
        if path.is_dir():
            raise NetralitasError(f"{path}: cannot be written: it is a directory; name a file")
    return files


def _source_states(space: Workspace, files: list[str], *, spool: bool) -> list[SourceState]:
    """The sources as they are. Standard input is kept in a file first."""
    kept = space.directory / STDIN_FILE
    if spool and "-" in files:
        _spool(kept)
    return [file_state(kept if name == "-" else Path(name), name) for name in files]


def _spool(path: Path) -> None:
    try:
        with path.open("wb") as f:
            while block := sys.stdin.buffer.read(1 << 20):
                f.write(block)
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e


def _check_same(
    space: Workspace, state: RunState, sources: list[str], files: list[str], versions: dict[str, str], options: Options
) -> None:
    """Refuse to go on with anything but what the run was begun with.

    Raises:
        NetralitasError: says what differs, and what to do.
    """

    def refuse(what: str) -> NetralitasError:
        return NetralitasError(
            f"{space.output}: an unfinished run was begun with {what}; "
            "go on as it was begun, or drop what it did with --restart"
        )

    names = [s.name for s in state.sources]
    for name, value in versions.items():
        if state.versions.get(name) != value:
            raise refuse(f"{name} {state.versions.get(name)}, not {value}")
    wanted = options.state()
    for name, value in wanted.items():
        if state.options.get(name) != value:
            raise refuse(f"other options ({name})")
    # A source that is gone since is no matter: the snapshot holds its rows.
    if state.named != sources or [n for n in names if n == "-" or Path(n).exists()] != files:
        raise refuse("other sources: " + ", ".join(names)[:300])
    for before in state.sources:
        path = space.directory / STDIN_FILE if before.name == "-" else Path(before.name)
        if before.name == "-":
            _spool(path)
        if path.exists() and file_state(path, before.name) != before:
            raise refuse(f"another content of {before.name}")


def _take_snapshot(
    space: Workspace, sources: list[str], files: list[str], versions: dict[str, str], options: Options
) -> RunState:
    """Read all rows, give them ids, leave out what is unchanged since an earlier run, and keep the rest."""
    states = _source_states(space, files, spool=True)
    shared = shared_names(files)
    shards = rows = unchanged = 0
    waiting: list[Row] = []
    with closing(ReadBefore(space.directory, options.seen)) as before:
        for content in _read(space, sources, files, options):
            rows += 1
            row = _new_row(content, before, shared)
            if row is None:
                unchanged += 1
                continue
            waiting.append(row)
            if len(waiting) == options.shard:
                space.write_snapshot(shards, waiting)
                shards += 1
                waiting = []
        if waiting:
            space.write_snapshot(shards, waiting)
            shards += 1
    if _source_states(space, files, spool=False) != states:
        raise NetralitasError(f"{', '.join(files)[:300]}: changed while it was read; run again when nobody writes it")
    state = RunState(
        versions=versions,
        options=options.state(),
        named=sources,
        sources=states,
        shards=shards,
        rows=rows,
        unchanged=unchanged,
    )
    space.save(state)
    return state


def _read(space: Workspace, sources: list[str], files: list[str], options: Options) -> Iterator[Item | DeadLetter]:
    if not options.retry:
        kept = space.directory / STDIN_FILE
        with kept.open("rb") if "-" in files else nullcontext() as stdin:
            yield from read_files(files, options.fields, sources, stdin)
        return
    for name in files:
        yield from read_dead_letters(Path(name), options.fields)


def shared_names(files: list[str]) -> set[str]:
    """Names of files that lie in more than one folder."""
    return {name for name, n in Counter(Path(s).name for s in files).items() if n > 1}


def item_id(item: Item, shared: set[str]) -> str:
    """The id of a row: its own, else ``FILE:LINE``. A file's name is enough, unless another source has the same."""
    name = Path(item.file).name
    return item.id or f"{item.file if name in shared else name}:{item.line}"


def _new_row(content: Item | DeadLetter, before: ReadBefore, shared: set[str]) -> Row | None:
    """The row with an id of its own; a dead letter where another row had its id; None where it was tagged before."""
    if isinstance(content, DeadLetter):
        return Row(content)
    place = f"{content.file}:{content.line}"
    id = item_id(content, shared)
    known = before.look_up(content, id, place)
    if isinstance(known, Unchanged):
        return None
    first = before.first_place(id, place)
    if first != place:
        return Row(content.dead(DeadCode.DUPLICATE_ID, f"id {id!r} was already used at {first}"))
    return Row(replace(content, id=id), known)


def _tag_shards(
    space: Workspace,
    shards: list[int],
    tagger: Tagger,
    selection: Selection,
    corrections: CorrectionLog | None,
    on_record: Callable[[Item, Record], None] | None,
) -> Iterator[Finished]:
    """Tag the rows of shards, all cores busy from one shard to the next; each shard is written when its last row is
    done."""
    read = lru_cache(_READINGS_KEPT)(tagger.read)

    def tag(work: tuple[int, Row | None]) -> tuple[int, Row | None, Record | DeadLetter | None]:
        shard, row = work
        return shard, row, tag_row(row, tagger, read) if row else None

    def work() -> Iterator[tuple[int, Row | None]]:
        for shard in shards:
            yield from ((shard, row) for row in space.snapshot(shard))
            yield shard, None

    records: list[str] = []
    letters: list[str] = []
    labels: Counter[Label] = Counter()
    abstained = filtered = 0
    for shard, row, result in ordered_map(tag, work()):
        if isinstance(result, DeadLetter):
            letters.append(dead_line(result))
        elif result and row:
            if corrections:
                result = corrections.apply(result)
            labels[result.label.name] += 1
            abstained += result.label.abstained
            if selection.keeps(result):
                records.append(selection.line(result))
            else:
                filtered += 1
            if on_record and isinstance(row.content, Item):
                on_record(row.content, result)
        else:
            counts = {"labels": labels, "abstained": abstained, "dead": len(letters), "filtered": filtered}
            yield space.finish(shard, records, letters, counts)
            records, letters, labels, abstained, filtered = [], [], Counter(), 0, 0


def tag_row(row: Row, tagger: Tagger, read: Callable[[str], Reading]) -> Record | DeadLetter:
    """Tag one row; what cannot be tagged is a dead letter."""
    item = row.content
    if isinstance(item, DeadLetter):
        return item
    try:
        record = tagger.record(read(item.text), id=item.id, date=item.date, source=item.source)
    except ValueError as e:
        return item.dead(DeadCode.NO_WORDS, str(e))
    kept = {"revision": row.revision, "text": item.text if item.extracted else None}
    return record.model_copy(update={k: v for k, v in kept.items() if v is not None})


def _write(space: Workspace, state: RunState, summary: Summary, options: Options) -> None:
    """Put the shards together, note the texts as seen, and forget the run."""
    if summary.read != summary.tagged + summary.dead + summary.unchanged:
        raise NetralitasError(
            f"{space.output}: {summary.read} rows were read, but {summary.tagged} tagged, {summary.dead} dead and "
            f"{summary.unchanged} unchanged; this is a defect of netralitas, please report it"
        )
    dead_path = dead_letter_path(space.output)
    write_output(space.lines("records", range(state.shards)), space.output)
    if summary.dead:
        write_parts(space.lines("dead", range(state.shards)), dead_path)
        summary.dead_path = dead_path
    else:
        dead_path.unlink(missing_ok=True)
    if options.seen:
        with closing(ReadBefore(space.directory, options.seen)) as before:
            before.settle(space.dead_places(range(state.shards)))
    space.remove()
