"""``netralitas tag``: tag files of texts into a file of records."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from nlp.batch import Summary, tag_sources
from nlp.cli.common import console, errors, progress_bar
from nlp.corrections import CorrectionLog
from nlp.read import Fields
from nlp.record import Record
from nlp.schema import CASE_LABELS, DISPLAY_ID, Label
from nlp.tagger import Tagger


def tag(
    sources: Annotated[list[str], typer.Argument(help="Files (.jsonl .csv .tsv .txt), or - for standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File of records, JSON Lines.")],
    model: Annotated[str | None, typer.Option(help="Model directory or hub id; the built-in one by default.")] = None,
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    title: Annotated[str, typer.Option(help="Field of the headline, put before the text.")] = "title",
    id: Annotated[str, typer.Option(help="Field of the id; without one, FILE:LINE serves.")] = "id",
    date: Annotated[str, typer.Option(help="Field of the day of publication, like 2024-10-29.")] = "date",
    url: Annotated[str, typer.Option(help="Field of the address.")] = "url",
    outlet: Annotated[str, typer.Option(help="Field of the outlet.")] = "outlet",
    corrections: Annotated[
        Path | None, typer.Option(help="Log of the desk's corrections, laid over the records of their texts.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Also print one line a record.")] = False,
) -> None:
    """Tag texts. Rows that cannot be tagged go to OUTPUT's .dead.jsonl with line number and reason."""
    fields = Fields(text=text, title=title, id=id, date=date, url=url, outlet=outlet)
    tagger = Tagger.load(model)
    log = CorrectionLog(corrections) if corrections else None
    with progress_bar("texts") as progress:
        task = progress.add_task("tagging", total=None)

        def on_record(_: object, record: Record) -> None:
            progress.advance(task)
            if show:
                console.print(_line(record), overflow="ellipsis", no_wrap=True)

        summary = tag_sources(sources, output, tagger, fields, on_record, log)
    _print_summary(summary, output)


def _line(record: Record) -> Text:
    """One line for a terminal: id, label and score, primary region, forms, persons."""
    style = "red" if record.label.name in CASE_LABELS else "green"
    region = next((r.name for r in record.regions if r.primary), None)
    forms = ", ".join(DISPLAY_ID[f.name] for f in record.forms)
    people = ", ".join(f"{o.name} ({DISPLAY_ID[o.role]})" for o in record.officials[:3])
    mark = "?" if record.label.abstained else " "
    line = Text(f"{record.id:<9} ")
    line.append(f"{record.label.display:<35}", style)
    line.append(f"{record.label.score:.2f}{mark}")
    for part in filter(None, (region, forms, people)):
        line.append(" | ", "dim").append(part)
    return line


def _print_summary(summary: Summary, output: Path) -> None:
    console.print(Text(f"{summary.records} records in {output}"), soft_wrap=True)
    table = Table()
    table.add_column("label")
    table.add_column("arti")
    table.add_column("texts", justify="right")
    for label in Label:
        if summary.labels[label]:
            table.add_row(label, DISPLAY_ID[label], str(summary.labels[label]))
    console.print(table)
    console.print(f"{summary.abstained} abstained: to be read by a person before use")
    if summary.dead:
        message = f"{summary.dead} rows could not be tagged; they and the reasons are in {summary.dead_path}"
        errors.print(Text(message), soft_wrap=True)
