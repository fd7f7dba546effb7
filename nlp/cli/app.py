"""The ``netralitas`` command: collects the commands and turns expected errors into messages."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from nlp.cli import (
    adapt,
    base,
    bench,
    compare,
    data,
    dedupe,
    diff,
    evaluate,
    explain,
    export,
    schema,
    serve,
    stream,
    tag,
    train,
)
from nlp.errors import NetralitasError
from nlp.tagger import package_version

app = typer.Typer(
    name="netralitas",
    help="Say whether an Indonesian text is about civil servants taking sides in an election.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("tag")(tag.tag)
app.command("retry")(tag.retry)
app.command("dedupe")(dedupe.dedupe)
app.command("explain")(explain.explain)
app.command("diff")(diff.diff)
app.command("schema")(schema.schema)
app.command("stream")(stream.stream)
app.command("serve", rich_help_panel="Service (needs the extra 'serve')")(serve.serve)
app.command("adapt", rich_help_panel="Training (needs the extra 'train')")(adapt.adapt)
app.command("train", rich_help_panel="Training (needs the extra 'train')")(train.train)
app.command("evaluate", rich_help_panel="Training (needs the extra 'train')")(evaluate.evaluate)
app.command("compare", rich_help_panel="Training (needs the extra 'train')")(compare.compare)
app.command("bench", rich_help_panel="Training (needs the extra 'train')")(bench.bench)
app.command("export", rich_help_panel="Training (needs the extra 'train')")(export.export)
app.add_typer(base.app, name="base", rich_help_panel="Training (needs the extra 'train')")
app.add_typer(data.app, name="data", rich_help_panel="Training (needs the extra 'train')")


def _version(wanted: bool) -> None:
    if wanted:
        print(package_version())
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; an expected error ends it with a message and status 1."""
    try:
        app()
    except NetralitasError as e:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error:[/] {_plain(str(e))}")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; 'tag' and 'train' go on where they were when started again")
        sys.exit(130)


def _plain(message: str) -> str:
    return message.replace("[", "\\[")


if __name__ == "__main__":
    main()
