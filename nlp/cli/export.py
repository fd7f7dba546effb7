"""``netralitas export``: make a released model of a trained one."""

from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, progress_bar, require_training
from nlp.tagger import Tagger

_SHOWN = 64
"""Training texts that show what activations are like."""


def export(
    run: Annotated[Path, typer.Argument(help="Trained model.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Released model.")] = Path("models/netral-small"),
    corpus: Annotated[Path, typer.Option(help="The corpus whose test split gives the card's figures.")] = Path(
        "data/corpus.jsonl"
    ),
) -> None:
    """Write int8 ONNX weights, tokenizer, calibration, and a card with the figures of the released weights."""
    require_training()
    from training.card import write_card
    from training.corpus import read_corpus
    from training.evaluate import evaluate
    from training.export import check_size
    from training.export import export as convert

    shown = [t.text for t in read_corpus(corpus) if t.split == "train"]
    convert(run, output, shown[:: max(1, len(shown) // _SHOWN)])
    with progress_bar("texts") as progress:
        task = progress.add_task("measuring", total=None)
        figures, _ = evaluate(
            Tagger.load(output), corpus, "test", lambda done, total: progress.update(task, completed=done, total=total)
        )
    write_card(output, figures)
    console.print(
        f"released model in {output}, {check_size(output) / 1e6:.1f} MB, "
        f"test macro-F1 {figures['label']['macro_f1']:.3f}"
    )
