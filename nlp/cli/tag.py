"""``netralitas tag`` and ``netralitas retry``: tag files of texts into a file of records."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from nlp.batch import Options, Summary, tag_sources
from nlp.cli.common import console, errors, progress_bar
from nlp.cluster import ray_engine
from nlp.read import Fields, Item
from nlp.record import Record
from nlp.schema import CASE_LABELS, DISPLAY_ID, Label
from nlp.select import Selection, parse_fields, parse_only
from nlp.tagger import Tagger

Output = Annotated[
    Path, typer.Option("--output", "-o", help="File of records: .jsonl (also .gz, .zst), .csv, .xlsx or .parquet.")
]
Model = Annotated[str | None, typer.Option(help="Model directory or hub id; the built-in one by default.")]
TextField = Annotated[str, typer.Option(help="Field that holds the text.")]
TitleField = Annotated[str, typer.Option(help="Field of the headline, put before the text.")]
IdField = Annotated[str, typer.Option(help="Field of the id; without one, FILE:LINE serves.")]
DateField = Annotated[str, typer.Option(help="Field of the day of publication, like 2024-10-29.")]
UrlField = Annotated[str, typer.Option(help="Field of the address.")]
OutletField = Annotated[str, typer.Option(help="Field of the outlet.")]
Only = Annotated[
    list[str] | None, typer.Option(help="Keep only this label; may be given several times. 'case' is every case.")
]
MinScore = Annotated[float | None, typer.Option(min=0, max=1, help="Keep only labels of at least this score.")]
KeptFields = Annotated[
    str | None, typer.Option("--fields", help="Fields of the record to write, with commas between; id always.")
]
WithoutNames = Annotated[bool, typer.Option("--without-names", help="Leave out whatever names a person, for sharing.")]
Restart = Annotated[bool, typer.Option("--restart", help="Drop what an unfinished run into OUTPUT did.")]


def tag(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files (.jsonl .csv .tsv .txt .parquet .arrow .html .rss, also .gz .xz .zst), folders, patterns in "
            "quotes, addresses of feeds or pages, or - for standard input."
        ),
    ],
    output: Output,
    model: Model = None,
    text: TextField = "text",
    title: TitleField = "title",
    id: IdField = "id",
    date: DateField = "date",
    url: UrlField = "url",
    outlet: OutletField = "outlet",
    only: Only = None,
    min_score: MinScore = None,
    kept_fields: KeptFields = None,
    without_names: WithoutNames = False,
    seen: Annotated[
        Path | None, typer.Option(help="Store of texts tagged before (made if missing): skip those that are the same.")
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="Log of the desk's corrections, laid over the records of their texts.")
    ] = None,
    articles: Annotated[
        bool, typer.Option("--articles", help="Fetch the pages of a feed's entries that hold no article, politely.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="The threads of this process, or a Ray cluster (extra 'ray').")
    ] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Ray: actors, a core each; all by default.")] = None,
    restart: Restart = False,
    show: Annotated[bool, typer.Option("--show", help="Also print one line a record.")] = False,
) -> None:
    """Tag texts. Rows that cannot be tagged go to OUTPUT's .dead.jsonl with place and reason.

    A run that is killed goes on where it was when the same command is given again.
    """
    options = Options(
        fields=Fields(text=text, title=title, id=id, date=date, url=url, outlet=outlet),
        selection=_selection(only, min_score, kept_fields, without_names),
        corrections=corrections,
        seen=seen,
        articles=articles,
        restart=restart,
    )
    _run(sources, output, model, options, show=show, engine=engine, workers=workers)


def retry(
    letters: Annotated[list[str], typer.Argument(help="Files of dead letters, whose raw rows may have been repaired.")],
    output: Output,
    model: Model = None,
    text: TextField = "text",
    title: TitleField = "title",
    id: IdField = "id",
    date: DateField = "date",
    url: UrlField = "url",
    outlet: OutletField = "outlet",
    only: Only = None,
    min_score: MinScore = None,
    kept_fields: KeptFields = None,
    without_names: WithoutNames = False,
    restart: Restart = False,
) -> None:
    """Tag the rows of dead letters again, after their ``raw`` was repaired or the options were mended."""
    options = Options(
        fields=Fields(text=text, title=title, id=id, date=date, url=url, outlet=outlet),
        retry=True,
        selection=_selection(only, min_score, kept_fields, without_names),
        restart=restart,
    )
    _run(letters, output, model, options)


def _selection(only: list[str] | None, min_score: float | None, fields: str | None, without_names: bool) -> Selection:
    return Selection(
        only=parse_only(only or []),
        min_score=min_score,
        fields=parse_fields(fields.split(",") if fields else []),
        without_names=without_names,
    )


def _run(
    sources: list[str],
    output: Path,
    model: str | None,
    options: Options,
    *,
    show: bool = False,
    engine: Literal["local", "ray"] = "local",
    workers: int | None = None,
) -> None:
    tagger = Tagger.load(model)
    elsewhere = ray_engine(model, tagger, options, workers) if engine == "ray" else None
    with progress_bar("texts") as progress:
        task = progress.add_task("tagging", total=None)

        def on_record(_: Item, record: Record) -> None:
            progress.advance(task)
            if show:
                console.print(_line(record), overflow="ellipsis", no_wrap=True)

        def on_resume(done: int) -> None:
            progress.advance(task, done)

        summary = tag_sources(sources, output, tagger, options, on_record, on_resume, elsewhere)
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
    counted = f"{summary.read} read = {summary.tagged} tagged + {summary.dead} dead + {summary.unchanged} unchanged"
    console.print(counted + (f"; {summary.filtered} of the tagged filtered out" if summary.filtered else ""))
    if summary.unfetched:
        console.print(f"{summary.unfetched} articles could not be fetched; what the feed says of them is tagged")
    if summary.resumed:
        console.print(f"{summary.resumed} were done by an earlier part of the run")
    if summary.dead:
        message = f"{summary.dead} rows could not be tagged; they and the reasons are in {summary.dead_path}"
        errors.print(Text(message), soft_wrap=True)
