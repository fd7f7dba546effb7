"""Tag whole sources into a file of records, a dead letter for each row that gave none."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nlp.corrections import CorrectionLog
from nlp.errors import NetralitasError
from nlp.read import RAW_KEPT, DeadLetter, Fields, Item, read_sources
from nlp.record import Record
from nlp.schema import Label
from nlp.tagger import Tagger
from nlp.workers import ordered_map
from nlp.write import dead_line, record_line, whole_file


@dataclass
class Summary:
    """What a run gave: records by label, how many abstained, dead letters by reason."""

    labels: Counter[Label] = field(default_factory=Counter)
    abstained: int = 0
    dead: int = 0
    dead_path: Path | None = None

    @property
    def records(self) -> int:
        """Number of records written."""
        return self.labels.total()


def dead_letter_path(output: Path) -> Path:
    """Where dead letters of an output go: ``records.jsonl`` has ``records.dead.jsonl``."""
    return output.with_suffix(".dead.jsonl")


def tag_sources(
    sources: list[str],
    output: Path,
    tagger: Tagger,
    fields: Fields | None = None,
    on_record: Callable[[Item, Record], None] | None = None,
    corrections: CorrectionLog | None = None,
) -> Summary:
    """Tag every row of ``sources`` into ``output``, in order. No row ends the run and none is lost: each gives a
    record or a dead letter with file, line and reason. ``corrections`` are laid over the records of their texts.

    Raises:
        NetralitasError: a source cannot be read at all, or an output cannot be written.
    """
    summary = Summary()
    ids: dict[str, str] = {}
    dead_path = dead_letter_path(output)
    read = {Path(s).resolve() for s in sources if s != "-"}
    for path in (output, dead_path):
        if path.resolve() in read:
            raise NetralitasError(f"{path}: is one of the sources; choose another output")
        if path.is_dir():
            raise NetralitasError(f"{path}: cannot be written: it is a directory; name a file")
    shared = {name for name, n in Counter(Path(s).name for s in sources).items() if n > 1}

    def unique(row: Item | DeadLetter) -> tuple[Item | DeadLetter, str]:
        # A file's name is enough, unless another source has the same.
        name = Path(row.file).name
        default_id = f"{row.file if name in shared else name}:{row.line}"
        return _with_new_id(row, ids), default_id

    rows = map(unique, read_sources(sources, fields or Fields()))
    with whole_file(output) as records, whole_file(dead_path) as letters:
        for row, result in ordered_map(lambda r: (r[0], _tag(*r, tagger)), rows):
            if isinstance(result, DeadLetter):
                letters.write(dead_line(result))
                summary.dead += 1
                continue
            if corrections:
                result = corrections.apply(result)
            records.write(record_line(result))
            summary.labels[result.label.name] += 1
            summary.abstained += result.label.abstained
            if on_record and isinstance(row, Item):
                on_record(row, result)
    if summary.dead:
        summary.dead_path = dead_path
    else:
        dead_path.unlink()
    return summary


def _with_new_id(row: Item | DeadLetter, ids: dict[str, str]) -> Item | DeadLetter:
    """The row, or a dead letter where another row had its id."""
    if isinstance(row, DeadLetter) or row.id is None:
        return row
    where = f"{row.file}:{row.line}"
    first = ids.setdefault(row.id, where)
    if first != where:
        return DeadLetter(row.file, row.line, f"id {row.id!r} was already used at {first}", row.text[:RAW_KEPT])
    return row


def _tag(row: Item | DeadLetter, default_id: str, tagger: Tagger) -> Record | DeadLetter:
    """Tag one row; a text without words is a dead letter."""
    if isinstance(row, DeadLetter):
        return row
    try:
        return tagger.tag(row.text, id=row.id or default_id, source=row.source)
    except ValueError as e:
        return DeadLetter(row.file, row.line, str(e), row.text[:RAW_KEPT])
