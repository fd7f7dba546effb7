"""``netralitas data``: the corpus's tools."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from nlp.cli.common import console, errors, require_training
from nlp.errors import NetralitasError
from nlp.read import Fields, read_sources
from nlp.tagger import Tagger

if TYPE_CHECKING:
    from training.corpus import CorpusText

app = typer.Typer(help="The labelled corpus.", no_args_is_help=True, rich_markup_mode="rich")
_Corpus = Annotated[Path, typer.Argument(help="The corpus.")]
CORPUS = Path("data/corpus.jsonl")
SHOWN = 50


@app.command(
    "import",
    epilog="Example: netralitas data import labelled.json --by ani@kantor.id --guide 2 -o private/corpus.jsonl",
)
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Annotated texts: .txt markup, .json (Label Studio), .csv, .xlsx, .conll, .parquet, .jsonl."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Corpus to write or to add to.")] = CORPUS,
    replace: Annotated[
        bool, typer.Option("--replace", help="Texts of the same id take the place of old ones.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Label Studio: take this annotator's work (e-mail or id).")] = None,
    guide: Annotated[str | None, typer.Option(help="Version of the guide that was followed, like 2.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Mark all as real text that must not be released.")
    ] = False,
) -> None:
    """Add annotated texts to a corpus. Nothing is written if any text is wrong; every problem names its place.

    Texts that this project has not written are private: they go into a corpus of their own, never into a release.
    """
    require_training()
    from training.corpus import read_corpus, write_corpus
    from training.exchange import read_texts

    old = {t.id: t for t in (read_corpus(output) if output.exists() else [])}
    texts = dict(old)
    problems: list[str] = []
    added: set[str] = set()
    for path in files:
        for text in read_texts(path, by=by, guide=guide):
            if isinstance(text, str):
                problems.append(text)
                continue
            if text.id in added or (text.id in old and not replace):
                problems.append(f"{path}: {text.id}: already there; use --replace, or give it another id")
            added.add(text.id)
            texts[text.id] = text.model_copy(update={"private": True}) if private else text
    mixed = {t.private for t in texts.values()}
    if len(mixed) > 1:
        real = next(i for i, t in texts.items() if t.private)
        problems.append(
            f"{output}: {real} is private and others are not; keep real text in a corpus of its own with -o"
        )
    _refuse(problems)
    write_corpus(texts.values(), output)
    console.print(f"{len(added)} texts imported, {len(texts)} in {output}" + (" (private)" if True in mixed else ""))


def _refuse(problems: list[str]) -> None:
    if problems:
        more = f"\n… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise NetralitasError("\n".join(problems[:SHOWN]) + more)


@app.command(epilog="Example: netralitas data export -o korpus.xlsx --split dev")
def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The suffix says the format: .txt .json .csv .xlsx .conll .parquet .jsonl."
        ),
    ],
    corpus: _Corpus = CORPUS,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only these texts.")] = None,
    split: Annotated[str | None, typer.Option(help="Only train, dev or test.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Private texts too.")] = False,
) -> None:
    """Write a corpus in another tool's format; with `data import` it comes back without a loss.

    Beside a .json for Label Studio stands its labelling interface, FILE.config.xml.
    """
    require_training()
    from training.corpus import iter_corpus
    from training.exchange import label_studio, write_texts

    left_out = 0

    def chosen() -> Iterator["CorpusText"]:
        nonlocal left_out
        for text in iter_corpus(corpus):
            if (ids and text.id not in ids) or (split and text.split != split):
                continue
            if text.private and not private:
                left_out += 1
            else:
                yield text

    count = write_texts(chosen(), output)
    if output.suffix.lower() == ".json":
        output.with_suffix(".config.xml").write_text(label_studio.config(), encoding="utf-8")
    console.print(f"{count} texts in {output}" + (f"; {left_out} private left out (--private)" if left_out else ""))


@app.command(epilog="Example: netralitas data check data/corpus.jsonl")
def check(
    corpus: _Corpus = CORPUS,
    private: Annotated[bool, typer.Option("--private", help="The corpus may hold private texts.")] = False,
) -> None:
    """Check every line, offset, code, contradiction, duplicate and split; name line and field of whatever is wrong."""
    require_training()
    from training.check import check as run

    count, problems = run(corpus, private=private)
    for problem in problems:
        print(problem)
    if problems:
        raise NetralitasError(f"{corpus}: {len(problems)} problems")
    console.print(f"{corpus}: {count} texts, no problem")


@app.command(epilog="Example: netralitas data split data/corpus.jsonl")
def split(corpus: _Corpus = CORPUS, seed: int = 0) -> None:
    """Give texts without a split one: by event, near copies on one side, others as they were.

    A third of the test split's regions and some writing styles are kept out of training.
    """
    require_training()
    from collections import Counter

    from training.corpus import read_corpus, write_corpus
    from training.split import assign

    texts = assign(read_corpus(corpus), seed)
    write_corpus(texts, corpus)
    console.print(f"{corpus}: {dict(Counter(t.split for t in texts))}")


@app.command(epilog="Example: netralitas data stats -o stats.html --difficulty")
def stats(
    corpus: _Corpus = CORPUS,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write tables and plots as HTML.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write each plot as SVG into this directory.")] = None,
    difficulty: Annotated[
        bool, typer.Option("--difficulty", help="Also how far word counting gets on the test split (minutes).")
    ] = False,
) -> None:
    """Print how many texts there are of what."""
    require_training()
    from training import stats as of
    from training.page import svg

    gathered = of.gather(corpus)
    extra = of.difficulty(corpus) if difficulty else {}
    for name, value in (gathered.summary() | extra).items():
        console.print(f"{name}: {value}")
    for name in gathered.tables:
        if name not in ("style", "province"):
            console.print(f"- {name}: " + ", ".join(f"{v} {n}" for v, n in of.ordered(gathered, name)))
    if output:
        of.write_page(gathered, extra, output, f"{corpus}: {gathered.texts} texts")
    if plots:
        plots.mkdir(parents=True, exist_ok=True)
        for name, figure in of.plots(gathered).items():
            (plots / f"{name}.svg").write_bytes(svg(figure))


@app.command(epilog="Example: netralitas data agree data/corpus.jsonl second-reader.jsonl --list differences.csv")
def agree(
    first: Annotated[Path, typer.Argument(help="One annotation of the texts.")],
    second: Annotated[Path, typer.Argument(help="The other; only ids in both count.")],
    listing: Annotated[
        Path | None, typer.Option("--list", help="Write every disagreement to this CSV, to be settled.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--json", help="Also write all figures to this file.")] = None,
) -> None:
    """Compare two annotations of the same texts: kappa for label, role and status, F1 for spans and sets."""
    require_training()
    from training.agree import agreement, pairs

    figures, differences = agreement(pairs(first, second))
    table = Table("layer", "figure", "value", "of", title=f"{figures['texts']} texts annotated twice")
    label, role, status, office = (figures[n] for n in ("label", "role", "status", "office"))
    table.add_row("label", "Cohen's kappa", f"{label['kappa']:.3f}", str(figures["texts"]))
    table.add_row("label", "same", f"{label['agree']:.3f}", str(figures["texts"]))
    for name in ("flags", "forms", "subjects", "mentions", "persons", "evidence", "ignored", "regions"):
        if not figures[name]["support"]:
            continue
        unit = "F1, characters" if name in ("evidence", "ignored") else "strict F1" if name == "mentions" else "F1"
        table.add_row(name, unit, f"{figures[name]['f1']:.3f}", str(figures[name]["support"]))
    table.add_row("primary region", "same", f"{figures['regions']['primary_agree']:.3f}", "")
    for name, part in (("role", role), ("status", status)):
        table.add_row(name, "Cohen's kappa", f"{part['kappa']:.3f}", f"{part['persons']} persons")
    table.add_row("office and agency", "same", f"{office['agree']:.3f}", f"{office['persons']} persons")
    console.print(table)
    for pair, n in label["confusion"].items():
        console.print(f"{n} × {pair}")
    if output:
        output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if listing:
        import csv

        with listing.open("w", encoding="utf-8-sig", newline="") as f:
            rows = csv.writer(f, delimiter=";")
            rows.writerow(["ID", "Lapisan", "Pertama", "Kedua"])
            rows.writerows([d.id, d.layer, d.first, d.second] for d in differences)
        console.print(f"{len(differences)} disagreements in {listing}")


@app.command(epilog="Example: netralitas data sample feed.jsonl -n 100 -o to-label.json")
def sample(
    sources: Annotated[list[str], typer.Argument(help="Unlabelled feeds, as `netralitas tag` reads them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Label Studio tasks (.json) with predictions.")],
    number: Annotated[int, typer.Option("-n", min=1, help="How many texts.")] = 100,
    model: Annotated[Path | None, typer.Option(help="Model to ask; the built-in one by default.")] = None,
) -> None:
    """Choose texts to label: those the model is least sure of, unlike each other; with its answer, to be corrected."""
    require_training()
    from training.exchange.label_studio import config, write_tasks
    from training.sample import choose, tasks

    choices, dead = choose(read_sources(sources, Fields()), Tagger.load(model), number)
    count = write_tasks(tasks(choices), output)
    output.with_suffix(".config.xml").write_text(config(), encoding="utf-8")
    for letter in dead[:SHOWN]:
        errors.print(f"{letter.file}:{letter.line}: left out: {letter.reason}")
    console.print(f"{count} tasks in {output}, {len(dead)} rows left out")


@app.command(epilog="Example: netralitas data suspects data/corpus.jsonl --top 30")
def suspects(
    corpus: _Corpus = CORPUS,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 50,
    output: Annotated[Path | None, typer.Option("--json", help="Also write them to this file.")] = None,
) -> None:
    """List the likeliest labelling errors: texts whose label a model that never saw them finds unlikely.

    A suspect is a reason to read the text again, not a mistake: hard texts look the same.
    """
    require_training()
    from dataclasses import asdict

    from training.suspects import suspects as find

    found = find(corpus, top)
    table = Table("id", "label", "likelier", "p", "p likelier", "beginning")
    for s in found:
        table.add_row(s.id, s.label, s.likelier, f"{s.p_label:.2f}", f"{s.p_likelier:.2f}", s.beginning)
    console.print(table)
    if output:
        output.write_text(json.dumps([asdict(s) for s in found], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
