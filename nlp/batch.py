"""Tag whole sources into a file of records: every row gives a record, a dead letter or is filtered out, and a run that
is killed goes on where it was, to the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from nlp.corrections import CorrectionLog
from nlp.errors import NetralitasError
from nlp.intake import Options, check_same, dead_letter_path, find_files, take_snapshot
from nlp.journal import Finished, Row, RunState, Workspace
from nlp.read import DeadCode, DeadLetter, Item
from nlp.record import Record
from nlp.schema import Label
from nlp.seen import ReadBefore
from nlp.select import Selection
from nlp.tables import check_suffix, write_output
from nlp.tagger import Reading, Tagger
from nlp.workers import ordered_map
from nlp.write import dead_line, write_parts

__all__ = ["Engine", "Options", "ShardResult", "Summary", "dead_letter_path", "tag_row", "tag_sources"]

READINGS_KEPT: Final = 128
"""Readings of as many texts are remembered, so that a text that comes again soon is read once."""

Engine = Callable[[Workspace, list[int]], Iterator[Finished]]
"""Tags the given shards of a run and yields each when it is written, in any order."""


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
    unfetched: int = 0
    """Entries of feeds whose page could not be had; what the feed says of them is tagged."""
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


def tag_sources(
    sources: list[str],
    output: Path,
    tagger: Tagger,
    options: Options | None = None,
    on_record: Callable[[Item, Record], None] | None = None,
    on_resume: Callable[[int], None] | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Tag every row of ``sources`` into ``output``, in order, in the format of its suffix. No row ends the run and none
    is lost: each gives a record, a dead letter with place and reason, or is counted as filtered or unchanged.

    What was read is kept before anything is tagged. A run that was killed is taken up by calling this again with the
    same sources, options and model: ``on_resume`` is told how many rows are done. ``on_record`` is told each new one.
    ``engine`` tags the shards elsewhere than in the threads of this process; ``on_record`` is not told then.

    Raises:
        NetralitasError: a source cannot be read at all, an output cannot be written, another run is writing it, or a
            run under way was begun with something else.
    """
    options = options or Options()
    check_suffix(output)
    space = Workspace(output)
    with space.locked():
        state = None if options.restart else space.load()
        files = find_files(sources, output, state)
        versions = {k: str(v) for k, v in tagger.versions.model_dump().items()}
        if state:
            check_same(space, state, sources, files, versions, options)
        else:
            space.clear()
            if options.seen and output.exists():
                # Nor would a run that was killed as its last act was done be told from a new one.
                raise NetralitasError(
                    f"{output}: exists already; with --seen a run gives what is new, so name another output for each"
                )
            try:
                state = take_snapshot(space, sources, files, versions, options)
            except BaseException:
                # Half a snapshot is of no use.
                space.clear()
                raise
        summary = Summary(read=state.rows, unchanged=state.unchanged, unfetched=state.unfetched)
        done = space.finished()
        for finished in done.values():
            summary.add(finished)
        summary.resumed = summary.tagged + summary.dead
        if summary.resumed and on_resume:
            on_resume(summary.resumed)
        rest = [n for n in range(state.shards) if n not in done]
        shards = engine(space, rest) if engine else _tag_shards(space, rest, tagger, options, on_record)
        for finished in shards:
            summary.add(finished)
        _write(space, state, summary, options)
    return summary


@dataclass
class ShardResult:
    """What the rows of a shard gave, in order."""

    records: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    labels: Counter[Label] = field(default_factory=Counter)
    abstained: int = 0
    filtered: int = 0

    def add(self, result: Record | DeadLetter, selection: Selection) -> None:
        """Take up what the next row gave."""
        if isinstance(result, DeadLetter):
            self.letters.append(dead_line(result))
            return
        self.labels[result.label.name] += 1
        self.abstained += result.label.abstained
        if selection.keeps(result):
            self.records.append(selection.line(result))
        else:
            self.filtered += 1

    def finish(self, space: Workspace, shard: int) -> Finished:
        """Write it, and that the shard is done."""
        counts = {"labels": self.labels, "abstained": self.abstained, "filtered": self.filtered}
        return space.finish(shard, self.records, self.letters, counts)


def _tag_shards(
    space: Workspace,
    shards: list[int],
    tagger: Tagger,
    options: Options,
    on_record: Callable[[Item, Record], None] | None,
) -> Iterator[Finished]:
    """Tag the rows of shards, all cores busy from one shard to the next; each shard is written when its last row is
    done."""
    read = lru_cache(READINGS_KEPT)(tagger.read)
    log = CorrectionLog(options.corrections) if options.corrections else None

    def tag(work: tuple[int, Row | None]) -> tuple[int, Row | None, Record | DeadLetter | None]:
        shard, row = work
        return shard, row, tag_row(row, tagger, read, log) if row else None

    def work() -> Iterator[tuple[int, Row | None]]:
        for shard in shards:
            yield from ((shard, row) for row in space.snapshot(shard))
            yield shard, None

    gathered = ShardResult()
    for shard, row, result in ordered_map(tag, work()):
        if row and result:
            gathered.add(result, options.selection)
            if on_record and isinstance(row.content, Item) and isinstance(result, Record):
                on_record(row.content, result)
        else:
            yield gathered.finish(space, shard)
            gathered = ShardResult()


def tag_row(
    row: Row, tagger: Tagger, read: Callable[[str], Reading], corrections: CorrectionLog | None = None
) -> Record | DeadLetter:
    """Tag one row; what cannot be tagged is a dead letter. ``read`` is the tagger's, or one that remembers."""
    item = row.content
    if isinstance(item, DeadLetter):
        return item
    try:
        record = tagger.record(read(item.text), id=item.id, date=item.date, source=item.source)
    except ValueError as e:
        return item.dead(DeadCode.NO_WORDS, str(e))
    kept = {"revision": row.revision, "text": item.text if item.extracted else None}
    record = record.model_copy(update={k: v for k, v in kept.items() if v is not None})
    return corrections.apply(record) if corrections else record


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
