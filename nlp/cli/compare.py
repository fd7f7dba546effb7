"""``netralitas compare``: two models on the same texts."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from nlp.cli.common import console, progress_bar, require_training
from nlp.errors import NetralitasError
from nlp.tagger import Tagger


def compare(
    first: Annotated[Path, typer.Argument(help="A trained or released model.")],
    second: Annotated[Path, typer.Argument(help="The other.")],
    corpus: Annotated[Path, typer.Option(help="The corpus.")] = Path("data/corpus.jsonl"),
    split: Annotated[Literal["dev", "test"], typer.Option(help="Which texts; choose between models on dev.")] = "dev",
) -> None:
    """Compare two models by paired bootstrap; no winner is called where the difference may be chance."""
    require_training()
    from training.compare import compare as run
    from training.corpus import read_corpus
    from training.evaluate import tag_corpus

    texts = [t for t in read_corpus(corpus) if t.split == split]
    if not texts:
        raise NetralitasError(f"{corpus}: no text has split '{split}'; run 'netralitas data split' first")
    with progress_bar("texts") as progress:
        task = progress.add_task("tagging", total=2 * len(texts))
        taggers = Tagger.load(first), Tagger.load(second)
        a, b = (tag_corpus(texts, tagger, lambda: progress.advance(task)) for tagger in taggers)
    table = Table("figure", str(first), str(second), "difference", "95 % interval", "better")
    for c in run(a, b):
        better = {"first": str(first), "second": str(second), None: "not told apart"}[c.winner]
        cells = f"{c.first:.3f}", f"{c.second:.3f}", f"{c.second - c.first:+.3f}", f"{c.low:+.3f} to {c.high:+.3f}"
        table.add_row(c.name, *cells, better)
    console.print(f"{len(texts)} texts of {corpus}, split {split}")
    console.print(table)
