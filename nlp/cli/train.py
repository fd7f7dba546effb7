"""``netralitas train``: fine-tune a base encoder on the corpus."""

from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, progress_bar, require_training


def train(
    config: Annotated[Path, typer.Argument(help="Configuration, TOML; see training/configs/.")],
    base: Annotated[str | None, typer.Option(help="Other base than the configuration's: hub id or directory.")] = None,
    output: Annotated[Path | None, typer.Option(help="Other output directory than the configuration's.")] = None,
) -> None:
    """Fine-tune and calibrate. Started again after a kill, it goes on where it was."""
    require_training()
    from training.calibrate import calibrate
    from training.config import read_config
    from training.export import read_training
    from training.run import is_first_process
    from training.train import train as run

    settings = read_config(config)
    changes = {k: v for k, v in (("base", base), ("output", output)) if v is not None}
    settings = settings.model_copy(update=changes)
    with progress_bar("steps") as progress:
        task = progress.add_task("training", total=None)

        def step(done: int, total: int, loss: float) -> None:
            progress.update(task, completed=done, total=total, description=f"training, loss {loss:.3f}")

        directory = run(settings, step)
    if not is_first_process():
        return
    for warning in read_training(directory)["warnings"]:
        console.print(f"[yellow]warning:[/] {warning}")
    calibration = calibrate(directory, settings.corpus)
    console.print(f"trained model in {directory}; temperature {calibration.temperature}")
    console.print(f"person threshold {calibration.person_threshold}; evaluate it with: netralitas evaluate {directory}")
