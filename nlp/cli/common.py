"""What several commands share."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from nlp.extras import require

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def require_training() -> None:
    """Make sure that the training packages are there.

    Raises:
        NetralitasError: they are not.
    """
    require("train", "torch", "transformers", "datasets", "sklearn")


@contextmanager
def progress_bar(unit: str) -> Iterator[Progress]:
    """A bar on standard error that vanishes at the end and is silent where standard error is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield progress
