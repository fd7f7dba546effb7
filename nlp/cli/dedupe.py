"""``netralitas dedupe``: mark near copies in a feed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, errors, progress_bar
from nlp.extras import require
from nlp.intake import dead_letter_path, item_id, shared_names
from nlp.read import DeadLetter, Fields, expand, read_files
from nlp.write import dead_line, whole_file


def dedupe(
    sources: Annotated[list[str], typer.Argument(help="Files, folders, patterns in quotes, or -, as for 'tag'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, JSON Lines: a line for each text.")],
    threshold: Annotated[
        float, typer.Option(min=0.3, max=1, help="Similarity from which a text is a copy (Jaccard of word trigrams).")
    ] = 0.6,
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    title: Annotated[str, typer.Option(help="Field of the headline.")] = "title",
    id: Annotated[str, typer.Option(help="Field of the id; without one, FILE:LINE serves.")] = "id",
) -> None:
    """Mark near copies: each text gets the id of the first text it is a copy of, or none. Ids are those of 'tag'."""
    require("formats", "datasketch")
    from nlp.copies import find_copies

    files = expand(sources)
    shared = shared_names(files)
    counts: Counter[bool] = Counter()
    dead_path = dead_letter_path(output)
    dead = 0
    with progress_bar("texts") as progress, whole_file(output) as out, whole_file(dead_path) as letters:
        task = progress.add_task("comparing", total=None)

        def texts() -> Iterator[tuple[str, str]]:
            nonlocal dead
            for row in read_files(files, Fields(text=text, title=title, id=id), sources):
                if isinstance(row, DeadLetter):
                    letters.write(dead_line(row))
                    dead += 1
                else:
                    yield item_id(row, shared), row.text

        for copy in find_copies(texts(), threshold):
            out.write(json.dumps(asdict(copy), ensure_ascii=False) + "\n")
            counts[copy.duplicate_of is not None] += 1
            progress.advance(task)
    console.print(f"{counts.total()} texts: {counts[False]} originals, {counts[True]} near copies, in {output}")
    if dead:
        errors.print(f"{dead} rows could not be read; they and the reasons are in {dead_path}", soft_wrap=True)
    else:
        dead_path.unlink()
