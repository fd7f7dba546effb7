"""What a run of batch tagging reads: which files, what they hold, and whether that was read before."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from nlp.errors import NetralitasError
from nlp.fetch import Fetcher, FetchError, is_address, same_host, without_secrets
from nlp.journal import Row, RunState, SourceState, Workspace, file_state
from nlp.read import DeadCode, DeadLetter, Fields, Item, expand, read_dead_letters, read_files
from nlp.read import Row as PageRow
from nlp.read.pages import article
from nlp.schema import Extent
from nlp.seen import ReadBefore, Unchanged
from nlp.select import Selection

SHARD: Final = 256
"""Rows of a shard: a killed run does at most so many again."""


@dataclass(frozen=True)
class Options:
    """How a feed is tagged. ``retry``: the sources are files of dead letters; ``seen``: the store of texts tagged
    before; ``corrections``: the desk's log, laid over the records of its texts; ``articles``: fetch the page of a
    feed's entry that holds no article; ``restart`` drops what an unfinished run left."""

    fields: Fields = field(default_factory=Fields)
    retry: bool = False
    selection: Selection = field(default_factory=Selection)
    corrections: Path | None = None
    seen: Path | None = None
    articles: bool = False
    restart: bool = False
    shard: int = SHARD

    def state(self) -> dict[str, Any]:
        """What must be the same when a run goes on, as JSON."""
        log = self.corrections
        return {
            "fields": asdict(self.fields),
            "retry": self.retry,
            "articles": self.articles,
            "selection": self.selection.model_dump(mode="json"),
            "corrections": file_state(log, str(log)).sha256 if log else None,
            "seen": str(self.seen.resolve()) if self.seen else None,
            "shard": self.shard,
        }


def dead_letter_path(output: Path) -> Path:
    """Where dead letters of an output go: ``records.jsonl`` has ``records.dead.jsonl``, and so has
    ``records.jsonl.gz``."""
    plain = output.with_suffix("") if output.suffix in (".gz", ".zst") else output
    return plain.with_suffix(".dead.jsonl")


def find_files(sources: list[str], output: Path, state: RunState | None) -> list[str]:
    """The files that the sources name; of a run under way also those that are gone since."""
    try:
        files = expand(sources)
    except NetralitasError:
        if not state:
            raise
        files = [s.name for s in state.sources if _is_there(s.name)]
    read = {Path(s).resolve() for s in files if not _is_kept(s)}
    for path in (output, dead_letter_path(output)):
        if path.resolve() in read:
            raise NetralitasError(f"{path}: is one of the sources; choose another output")
        if path.is_dir():
            raise NetralitasError(f"{path}: cannot be written: it is a directory; name a file")
    return files


def _is_kept(source: str) -> bool:
    """Whether a source can be read only once and is kept in a file of the run: standard input, and addresses."""
    return source == "-" or is_address(source)


def _is_there(source: str) -> bool:
    return _is_kept(source) or Path(source).exists()


def _kept(space: Workspace, files: list[str]) -> dict[str, Path]:
    """The files of the run that hold such sources."""
    return {name: space.directory / f"source-{n}" for n, name in enumerate(files) if _is_kept(name)}


def _keep(kept: Mapping[str, Path], fetcher: Fetcher | None) -> None:
    """Read standard input, and fetch addresses, into files of the run."""
    for name, path in kept.items():
        if name == "-":
            _spool(path)
        elif fetcher:
            try:
                path.write_bytes(fetcher.get(name))
            except FetchError as e:
                raise NetralitasError(f"{without_secrets(name)}: {e}") from e
            except OSError as e:
                raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e


def _source_states(files: list[str], kept: Mapping[str, Path]) -> list[SourceState]:
    """The sources as they are."""
    return [file_state(kept.get(name, Path(name)), name) for name in files]


def _spool(path: Path) -> None:
    try:
        with path.open("wb") as f:
            while block := sys.stdin.buffer.read(1 << 20):
                f.write(block)
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be written: {e.strerror or e}") from e


def check_same(
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
    if state.named != sources or [n for n in names if _is_there(n)] != files:
        raise refuse("other sources: " + ", ".join(map(without_secrets, names))[:300])
    kept = _kept(space, names)
    # What was fetched is not fetched again.
    _keep({name: path for name, path in kept.items() if name == "-"}, None)
    for before in state.sources:
        path = kept.get(before.name, Path(before.name))
        if path.exists() and file_state(path, before.name) != before:
            raise refuse(f"another content of {without_secrets(before.name)}")


def take_snapshot(
    space: Workspace, sources: list[str], files: list[str], versions: dict[str, str], options: Options
) -> RunState:
    """Read all rows, give them ids, leave out what is unchanged since an earlier run, and keep the rest."""
    kept, shared = _kept(space, files), shared_names(files)
    fetches = options.articles or any(map(is_address, files))
    shards = rows = unchanged = unfetched = 0
    waiting: list[Row] = []
    with (
        closing(Fetcher()) if fetches else nullcontext() as fetcher,
        closing(ReadBefore(space.directory, options.seen)) as before,
    ):
        _keep(kept, fetcher)
        states = _source_states(files, kept)
        for content in _read(sources, files, kept, options):
            rows += 1
            if options.articles and fetcher and isinstance(content, Item) and _lacks_article(content):
                if before.knows(content):
                    unchanged += 1
                    continue
                content, failed = _with_article(content, fetcher)
                unfetched += failed
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
    if _source_states(files, kept) != states:
        named = ", ".join(map(without_secrets, files))[:300]
        raise NetralitasError(f"{named}: changed while it was read; run again when nobody writes it")
    state = RunState(
        versions=versions,
        options=options.state(),
        named=sources,
        sources=states,
        shards=shards,
        rows=rows,
        unchanged=unchanged,
        unfetched=unfetched,
    )
    space.save(state)
    return state


def _lacks_article(item: Item) -> bool:
    return item.source.url is not None and item.source.extent in (Extent.TEASER, Extent.HEADLINE)


def _with_article(item: Item, fetcher: Fetcher) -> tuple[Item, bool]:
    """The entry of a feed with the article of its page; as it was, and True, where that cannot be had."""
    url = item.source.url or ""
    try:
        found = article(PageRow(without_secrets(url), 1, fetcher.get(url, public=not same_host(item.file, url))))
    except FetchError:
        return item, True
    if isinstance(found, DeadLetter) or found.source.extent is not Extent.FULL:
        return item, True
    # Of the two what the feed says is nearer to the truth: a page's metadata are guessed.
    source = item.source.model_copy(update={"extent": Extent.FULL, "title": item.source.title or found.source.title})
    return replace(item, text=found.text, source=source, date=item.date or found.date), False


def _read(
    sources: list[str], files: list[str], kept: Mapping[str, Path], options: Options
) -> Iterator[Item | DeadLetter]:
    if not options.retry:
        yield from read_files(files, options.fields, sources, kept)
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
