"""``netralitas diff``: what changed between two runs over one feed."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from nlp.cli.common import console
from nlp.diff import Change
from nlp.diff import diff as run
from nlp.write import write_parts


def diff(
    old: Annotated[Path, typer.Argument(help="Records of the earlier run, JSON Lines.")],
    new: Annotated[Path, typer.Argument(help="Records of the later run over the same texts.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write every change to this file, JSON Lines.")
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many changes to print.")] = 30,
) -> None:
    """List what changed between two runs, costliest first: a lost clearance, a newly accused person, case or not."""
    found = run(old, new)
    console.print(
        f"{found.both} texts in both, {found.only_old} only in {old}, {found.only_new} only in {new}, "
        f"{found.other_text} with other words (not compared)"
    )
    counts = Counter(c.kind for c in found.changes)
    for kind in Change:
        if counts[kind]:
            console.print(f"{counts[kind]} × {kind.words}")
    if not found.changes:
        console.print("no change")
        return
    table = Table("change", "id", "old", "new")
    for c in found.changes[:top]:
        table.add_row(c.kind.words, *(escape(x) for x in (c.id, c.old, c.new)))
    console.print(table)
    if output:
        lines = (
            json.dumps({"change": c.kind.words, "id": c.id, "old": c.old, "new": c.new}, ensure_ascii=False) + "\n"
            for c in found.changes
        )
        console.print(f"{write_parts(lines, output)} changes in {output}")
