"""``netralitas data``: the corpus's tools."""

from pathlib import Path
from typing import Annotated

import typer

from nlp.cli.common import console, require_training
from nlp.errors import NetralitasError

app = typer.Typer(help="The labelled corpus.", no_args_is_help=True)
_Corpus = Annotated[Path, typer.Option(help="The corpus.")]
CORPUS = Path("data/corpus.jsonl")


@app.command("import")
def import_(
    markup: Annotated[list[Path], typer.Argument(help="Annotated texts in the markup of data/GUIDE.md.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Corpus to write or to add to.")] = CORPUS,
    replace: Annotated[
        bool, typer.Option("--replace", help="Texts of the same id take the place of old ones.")
    ] = False,
) -> None:
    """Turn markup into corpus texts and add them to a corpus. Nothing is written if any text is wrong."""
    require_training()
    from training.corpus import read_corpus, write_corpus
    from training.markup import parse_file

    texts = {t.id: t for t in (read_corpus(output) if output.exists() else [])}
    problems: list[str] = []
    added = 0
    for path in markup:
        try:
            parsed, wrong = parse_file(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as e:
            raise NetralitasError(f"{path}: cannot be read as UTF-8 text: {e}") from e
        problems += wrong
        for text in parsed:
            if text.id in texts and not replace:
                problems.append(f"{path}: {text.id}: already in {output}; use --replace")
            texts[text.id] = text
            added += 1
    if problems:
        raise NetralitasError("\n".join(problems))
    write_corpus(texts.values(), output)
    console.print(f"{added} texts imported, {len(texts)} in {output}")


@app.command()
def markup(
    output: Annotated[Path, typer.Argument(help="Markup file to write.")],
    corpus: _Corpus = CORPUS,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only these texts.")] = None,
) -> None:
    """Write corpus texts as markup, to be edited and imported with --replace."""
    require_training()
    from training.corpus import read_corpus
    from training.markup import render_text

    texts = [t for t in read_corpus(corpus) if not ids or t.id in ids]
    output.write_text("\n".join(render_text(t) for t in texts), encoding="utf-8")
    console.print(f"{len(texts)} texts in {output}")


@app.command()
def validate(corpus: Annotated[Path, typer.Argument(help="The corpus.")] = CORPUS) -> None:
    """Check every line, ids, splits, region codes; name line and field of whatever is wrong."""
    require_training()
    from training.validate import validate as check

    texts, problems = check(corpus)
    for problem in problems:
        print(problem)
    if problems:
        raise NetralitasError(f"{corpus}: {len(problems)} problems")
    console.print(f"{corpus}: {len(texts)} texts, no problem")


@app.command()
def split(corpus: Annotated[Path, typer.Argument(help="The corpus.")] = CORPUS, seed: int = 0) -> None:
    """Give texts without a split one: by event, near copies on one side, others as they were."""
    require_training()
    from collections import Counter

    from training.corpus import read_corpus, write_corpus
    from training.split import assign

    texts = assign(read_corpus(corpus), seed)
    write_corpus(texts, corpus)
    console.print(f"{corpus}: {dict(Counter(t.split for t in texts))}")
