"""``netralitas evaluate``: measure a model on a split of the corpus."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from nlp.cli.common import console, progress_bar, require_training
from nlp.schema import Label
from nlp.tagger import Tagger

if TYPE_CHECKING:
    from training.evaluate import Tagged


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(help="Trained or released model; the built-in one by default.")
    ] = None,
    corpus: Annotated[Path, typer.Option(help="The corpus.")] = Path("data/corpus.jsonl"),
    split: Annotated[Literal["train", "dev", "test"], typer.Option(help="Which texts.")] = "test",
    behaviour: Annotated[bool, typer.Option("--behaviour", help="Also run the behavioural tests.")] = False,
    tests: Annotated[Path, typer.Option(help="The behavioural tests.")] = Path("data/behaviour.toml"),
    report: Annotated[
        Path | None, typer.Option(help="Write a page with plots and every wrong text; it takes longer.")
    ] = None,
    curve: Annotated[
        list[Path] | None, typer.Option(help="For the page's learning curve: a model trained on a share.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--json", help="Also write all figures to this file.")] = None,
) -> None:
    """Print how a model does on texts it was not trained on, beside the majority class and a linear baseline."""
    require_training()
    from training import behaviour as behavioural
    from training.evaluate import evaluate as run
    from training.evaluate import evidence_effect
    from training.export import read_training
    from training.report import write_report

    def measure(of: Tagger, name: str) -> tuple[dict[str, Any], list["Tagged"]]:
        with progress_bar("texts") as progress:
            task = progress.add_task(name, total=None)
            return run(of, corpus, split, lambda done, total: progress.update(task, completed=done, total=total))

    tagger = Tagger.load(model)
    figures, tagged = measure(tagger, "tagging")
    title = f"{tagger.model.name} ({tagger.model.runtime}) on {figures['texts']} texts of {corpus}, split {split}"
    outcomes = []
    if behaviour:
        cases = list(behavioural.cases(behavioural.read_suite(tests)))
        with progress_bar("cases") as progress:
            task = progress.add_task("behaviour", total=None)
            outcomes = behavioural.run(tagger, cases, lambda: progress.advance(task))
        figures["behaviour"] = behavioural.pass_rates(outcomes)
        figures["swap_flips"] = behavioural.swap_flips(outcomes)
    if report:
        figures["evidence_effect"] = evidence_effect(tagged, tagger)
        points = {}
        for run_directory in curve or []:
            points[read_training(run_directory)["train_texts"]] = measure(Tagger.load(run_directory), "curve")[0]
        write_report(report, title, figures, tagged, outcomes, points)
    if output:
        output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(figures, title)
    if behaviour:
        _behaviour(figures)


def _behaviour(figures: dict[str, Any]) -> None:
    table = Table("kind", "capability", "passed", "of", "", title="behaviour", title_justify="left")
    total = [0, 0]
    for kind, part in figures["behaviour"].items():
        for name, (passed, count) in part.items():
            table.add_row(kind, name, str(passed), str(count), f"{passed / count:.1%}")
            total = [total[0] + passed, total[1] + count]
    console.print(table)
    flips, swaps = figures["swap_flips"]
    console.print(
        f"{total[0]} of {total[1]} cases passed; {flips} of {swaps} swaps of a name, region or party changed the label"
    )


def show(figures: dict[str, Any], title: str) -> None:
    """Print the figures that :func:`training.evaluate.measure` gives."""
    console.print(f"[bold]{title}[/]")
    summary = Table("label", "macro-F1", "95 % interval", "accuracy", "none/open/closed F1", "case or not F1")
    rows = {"model": figures["label"], "TF-IDF + Sastrawi + SVM": figures["baselines"]["tfidf_sastrawi_svm"]}
    rows["majority class"] = figures["baselines"]["majority"]
    for name, f in rows.items():
        low, high = f["macro_f1_interval"]
        cells = f["macro_f1"], f"{low:.3f} to {high:.3f}", f["accuracy"], f["rollup_macro_f1"], f["case_or_not"]["f1"]
        summary.add_row(name, *(c if isinstance(c, str) else f"{c:.3f}" for c in cells))
    console.print(summary)
    answered = figures["abstention"]
    console.print(
        f"answered {answered['coverage']:.1%} of texts, of these right {answered['accuracy_when_answered']:.1%}; "
        f"mean cost {answered['cost']:.3f}, without abstention {answered['cost_without_abstention']:.3f}"
    )
    trust = figures["trust"]
    console.print(
        f"ECE {trust['reliability']['ece']:.3f}; wrong among the surest half of texts "
        f"{trust['risk_coverage']['risk_by_tenth'][4]:.1%}"
    )
    _classes("label", figures["label"]["classes"])
    confusion = Table("gold \\ found", *(str(x)[:12] for x in Label), title="confusion")
    for name, row in zip(Label, figures["label"]["confusion"], strict=True):
        confusion.add_row(name, *(str(n) if n else "·" for n in row))
    console.print(confusion)
    for layer in ("forms", "subject_groups", "flags"):
        _classes(
            f"{layer}: micro-F1 {figures[layer]['micro']['f1']:.3f}, macro-F1 {figures[layer]['macro_f1']:.3f}",
            figures[layer]["classes"],
        )
    mentions = Table("mention", "strict P", "strict R", "strict F1", "partial F1", "support")
    for name, m in figures["mentions"]["types"].items():
        values = [m["strict"]["precision"], m["strict"]["recall"], m["strict"]["f1"], m["partial"]["f1"]]
        mentions.add_row(name, *(f"{v:.3f}" for v in values), str(m["support"]))
    console.print(mentions)
    console.print(f"mentions, strict micro-F1 {figures['mentions']['strict_micro']['f1']:.3f}")
    persons = figures["persons"]
    _classes(f"roles: macro-F1 {persons['role_macro_f1']:.3f}", persons["roles"])
    found, subject = persons["found"], persons["subject"]
    console.print(f"persons found F1 {found['f1']:.3f}; subject P {subject['precision']:.3f} R {subject['recall']:.3f}")
    console.print(f"office right {persons['office_right']:.3f}")
    console.print(f"status right {persons['status_right']:.3f} of {persons['status_support']}")
    regions, election = figures["regions"], figures["election"]
    console.print(f"regions F1 {regions['codes']['f1']:.3f}")
    console.print(f"primary region right {regions['primary_right']:.3f} of {regions['primary_support']}")
    console.print(f"rightly no primary region {regions['none_right']:.3f} of {regions['none_support']}")
    console.print(f"election types exact {election['exact']:.3f}, F1 {election['types']['micro']['f1']:.3f}")
    console.print(f"election year right {election['year_right']:.3f} of {election['year_support']}")
    console.print(f"evidence, by characters: F1 {figures['evidence']['f1']:.3f}")
    ignored = figures["ignored"]
    console.print(f"ignored, by characters: P {ignored['precision']:.3f} R {ignored['recall']:.3f}")


def _classes(title: str, classes: dict[str, dict[str, float]]) -> None:
    table = Table("", "P", "R", "F1", "support", title=title, title_justify="left")
    for name, c in classes.items():
        table.add_row(name, f"{c['precision']:.3f}", f"{c['recall']:.3f}", f"{c['f1']:.3f}", str(c["support"]))
    console.print(table)
