"""``netralitas adapt``: adapt a base encoder to the field before fine-tuning."""

from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, progress_bar, require_training


def adapt(
    base: Annotated[str, typer.Argument(help="Hub id or directory of a BERT-type encoder.")],
    texts: Annotated[
        list[Path], typer.Argument(help="JSON Lines with a key 'text', also .xz; of a corpus its training split.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory of the adapted encoder.")],
    epochs: Annotated[int, typer.Option(min=1)] = 1,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 2e-4,
    max_texts: Annotated[int | None, typer.Option(min=1, help="Take so many texts at random.")] = None,
    seed: int = 0,
) -> None:
    """Train a base on plain text by guessing hidden words. Started again after a kill, it goes on where it was."""
    require_training()
    from training.adapt import AdaptConfig
    from training.adapt import adapt as run

    config = AdaptConfig(
        base=base,
        texts=tuple(texts),
        output=output,
        epochs=epochs,
        learning_rate=learning_rate,
        max_texts=max_texts,
        seed=seed,
    )
    with progress_bar("steps") as progress:
        task = progress.add_task("adapting", total=None)

        def step(done: int, total: int, loss: float) -> None:
            progress.update(task, completed=done, total=total, description=f"adapting, loss {loss:.3f}")

        facts = run(config, step)
    console.print(
        f"adapted encoder in {output}: {facts['tokens']} tokens of {facts['texts']} texts in {facts['seconds']} s; "
        f"loss on held-out text {facts['loss_before']} before, {facts['loss_after']} after"
    )
