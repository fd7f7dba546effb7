"""``netralitas explain``: show one text, or one stored record, with its label, evidence and mentions."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from nlp.cli.common import console
from nlp.errors import NetralitasError
from nlp.read import DeadLetter, Fields, Item, read_sources
from nlp.record import Record, text_digest
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, DISPLAY_ID, OPEN_LABELS
from nlp.tagger import Tagger


def explain(
    text: Annotated[str | None, typer.Argument(help="The text, a .txt file, or - for standard input.")] = None,
    record: Annotated[Path | None, typer.Option(help="A file of records; show one of them instead.")] = None,
    id: Annotated[str | None, typer.Option(help="Which record, or which row of --source.")] = None,
    source: Annotated[
        Path | None, typer.Option(help="The file that was tagged: gives a stored record its text.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Day of publication, like 2024-10-29.")] = None,
    model: Annotated[str | None, typer.Option(help="Model directory or hub id; the built-in one by default.")] = None,
) -> None:
    """Print a text with its label, evidence and mentions in colour, and say why."""
    if record:
        stored = _stored(record, id)
        show(stored, stored.text or (_source_text(source, stored) if source else None))
        return
    if text is None:
        raise NetralitasError("give a text, a .txt file, '-', or --record FILE --id ID")
    content = _content(text)
    if any("\ud800" <= c <= "\udfff" for c in content):
        # Bytes of the command line that are no UTF-8 arrive as lone surrogates.
        raise NetralitasError("cannot be tagged: the text is not UTF-8")
    published = None
    if date:
        try:
            published = datetime.fromisoformat(date).date()
        except ValueError as e:
            raise NetralitasError(f"--date: {date!r} is not a date like 2024-10-29") from e
    tagger = Tagger.load(model)
    try:
        show(tagger.tag(content, date=published), content)
    except ValueError as e:
        raise NetralitasError(f"cannot be tagged: {e}") from e


def _content(argument: str) -> str:
    if argument == "-":
        return sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    if argument.endswith(".txt") and len(argument) < 1000:
        row = next(iter(read_sources([argument], Fields())))
        if isinstance(row, DeadLetter):
            raise NetralitasError(f"{row.file}: {row.reason}")
        return row.text
    return argument


def _stored(path: Path, id: str | None) -> Record:
    """Find a record by id, the first one without."""
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                number += 1
                raw = json.loads(line)
                if id is None or (isinstance(raw, dict) and raw.get("id") == id):
                    return Record.model_validate(raw)
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror}") from e
    except (ValueError, RecursionError) as e:  # JSON, UTF-8 and pydantic errors are ValueErrors
        raise NetralitasError(f"{path}:{number}: not a record: {str(e).splitlines()[0]}") from e
    raise NetralitasError(f"{path}: no record with id {id!r}" if id else f"{path}: holds no record")


def _source_text(source: Path, record: Record) -> str:
    """The text of a stored record, found in its source by its hash."""
    for row in read_sources([str(source)], Fields()):
        if isinstance(row, Item) and text_digest(row.text) == record.text_sha256:
            return row.text
    raise NetralitasError(f"{source}: holds no text with the hash of record {record.id!r}")


def coloured(record: Record, text: str) -> Text:
    """The text with ignored parts greyed, evidence on yellow, persons, regions and parties in colour."""
    out = Text(text)
    for e in record.evidence:
        out.stylize("black on bright_yellow", e.start, e.end)
    for o in record.officials:
        style = "bold red" if o.status in ACCUSED_STATUSES else "bold blue"
        for start, end in o.mentions:
            out.stylize(style, start, end)
    for r in record.regions:
        for start, end in r.mentions:
            out.stylize("underline green", start, end)
    for p in record.parties:
        for start, end in p.mentions:
            out.stylize("magenta", start, end)
    for start, end in record.ignored:
        out.stylize("dim strike", start, end)
    return out


def show(record: Record, text: str | None) -> None:
    """Print a record for people; ``text`` is None where only the record is at hand."""
    label = record.label
    console.print(
        f"[bold]{label.display}[/] ({label.name}) score {label.score:.2f}"
        + ("  [yellow]abstained[/]" if label.abstained else "")
    )
    others = sorted(((p, n) for n, p in record.scores.items() if n != label.name), reverse=True)[:2]
    console.print("nearly: " + ", ".join(f"{DISPLAY_ID[n]} {p:.2f}" for p, n in others))
    if label.name in OPEN_LABELS:
        console.print("[yellow]belum terverifikasi: dugaan, bukan temuan (unverified claim, not a finding)[/]")
    if record.forms:
        console.print("bentuk (forms): " + ", ".join(f"{DISPLAY_ID[f.name]} {f.score:.2f}" for f in record.forms))
    if record.subject_groups:
        console.print("subjek (groups): " + ", ".join(DISPLAY_ID[s] for s in record.subject_groups))
    if record.flags:
        console.print("tanda (flags): " + ", ".join(DISPLAY_ID[f] for f in record.flags))
    console.print()
    if text is not None:
        console.print(coloured(record, text))
        console.print()
    why = (
        "mengapa (why): the label rests most on"
        if record.label.name in CASE_LABELS
        else "mengapa (why): no case; the label rests most on"
    )
    console.print(why)
    for e in record.evidence:
        console.print(Text(f"  {e.score:.2f}  {e.quote}"))
    if record.officials:
        table = Table("nama", "jabatan", "instansi", "peran", "status", "skor")
        for o in record.officials:
            cells = (
                o.name,
                o.office or "-",
                o.agency or "-",
                DISPLAY_ID[o.role],
                DISPLAY_ID[o.status] if o.status else "-",
            )
            table.add_row(*(Text(c) for c in cells), f"{o.score:.2f}")
        console.print(table)
    for r in record.regions:
        console.print(f"wilayah: {r.code} {r.name} ({r.level})" + ("  [bold]utama[/]" if r.primary else ""))
    if record.election.type:
        kinds = ", ".join(record.election.type)
        console.print(f"pemilihan: {kinds} {record.election.year or ''} ({record.election.basis})")
    for warning in record.warnings:
        console.print(Text(f"! {warning}"), style="yellow")
