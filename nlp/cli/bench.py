"""``netralitas bench``: how fast a model tags here."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from nlp.cli.common import console, require_training
from nlp.errors import NetralitasError


def bench(
    run: Annotated[Path, typer.Argument(help="Trained model, for torch.")],
    released: Annotated[Path, typer.Argument(help="The same model, released.")],
    corpus: Annotated[Path, typer.Option(help="Corpus whose test split gives the texts.")] = Path("data/corpus.jsonl"),
    texts: Annotated[int, typer.Option(min=16, help="Number of texts, half posts, half articles.")] = 400,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, each way once in each.")] = 5,
) -> None:
    """Measure texts a second of the released model, of a careful torch loop and of a transformers pipeline, in turn."""
    require_training()
    from training.bench import bench as measure
    from training.bench import mix
    from training.corpus import read_corpus

    chosen = mix([t for t in read_corpus(corpus) if t.split == "test"], texts)
    if not chosen:
        raise NetralitasError(f"{corpus}: its test split lacks posts or articles")
    results, tokens = measure(run, released, chosen, rounds)
    table = Table("way", "texts/s", "slowest to fastest round", "tokens/s", "times torch", "same label", "of peak")
    for r in results:
        same = "" if r.agreement is None else f"{r.agreement:.1%}"
        speed = f"{r.low:.1f} to {r.high:.1f}"
        table.add_row(r.name, f"{r.texts:.1f}", speed, f"{r.tokens:.0f}", f"{r.ratio:.2f}", same, f"{r.peak:.1%}")
    console.print(f"{len(chosen)} texts, {tokens} tokens, {rounds} rounds")
    console.print(table)
