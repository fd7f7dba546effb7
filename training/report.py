"""An evaluation as one HTML page: figures, plots, and every text the model got wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment
from matplotlib.figure import Figure

from nlp.schema import DISPLAY_ID, Label
from nlp.write import whole_file
from training.behaviour import Outcome, pass_rates, swap_flips
from training.costs import cost
from training.evaluate import Tagged
from training.page import STYLE, data_uri

_SHOWN: Final = 1500
"""Characters of a wrongly labelled text that the page shows."""


def _reliability(figures: dict[str, Any]) -> Figure:
    bins = figures["trust"]["reliability"]["bins"]
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linewidth=0.8, color="grey")
    axes.plot([b["score"] for b in bins], [b["right"] for b in bins], marker="o")
    for b in bins:
        axes.annotate(
            str(b["texts"]), (b["score"], b["right"]), textcoords="offset points", xytext=(4, -10), fontsize=7
        )
    axes.set(xlabel="score of the label", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Reliability, ECE {figures['trust']['reliability']['ece']:.3f}")
    return figure


def _risk(figures: dict[str, Any]) -> Figure:
    risks = figures["trust"]["risk_coverage"]["risk_by_tenth"]
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([i / 10 for i in range(1, 11)], risks, marker="o")
    axes.set(xlabel="share of texts answered, surest first", ylabel="share of these that is wrong", xlim=(0, 1.02))
    axes.set_ylim(bottom=0)
    axes.set_title("Risk and coverage")
    return figure


def _confusion(figures: dict[str, Any]) -> Figure:
    matrix = figures["label"]["confusion"]
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    shares = [[n / max(1, sum(row)) for n in row] for row in matrix]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(matrix):
        for j, n in enumerate(row):
            if n:
                axes.text(j, i, str(n), ha="center", va="center", color="white" if shares[i][j] > 0.5 else "black")
    names = [str(x) for x in Label]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="found", ylabel="gold")
    return figure


def _curve(points: Mapping[int, dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.subplots()
    sizes = sorted(points)
    values = [points[n]["label"] for n in sizes]
    axes.plot(sizes, [v["macro_f1"] for v in values], marker="o")
    intervals = [v["macro_f1_interval"] for v in values]
    axes.fill_between(sizes, [low for low, _ in intervals], [high for _, high in intervals], alpha=0.2)
    axes.set(xlabel="training texts", ylabel="label macro-F1", title="Learning curve")
    return figure


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>{{ style }} figure { display: inline-block; margin: 0 1rem 1rem 0 } details { margin: .4rem 0 }
pre { white-space: pre-wrap; background: #f5f5f5; padding: .6rem } .cost { color: #a33 }</style></head>
<body><h1>{{ title }}</h1>
<table><tr><th>label</th><th>macro-F1</th><th>95 % interval</th><th>accuracy</th><th>case or not F1</th></tr>
{% for name, f in rows.items() %}<tr><td>{{ name }}</td><td class="n">{{ "%.3f"|format(f.macro_f1) }}</td>
<td class="n">{{ "%.3f to %.3f"|format(*f.macro_f1_interval) }}</td><td class="n">{{ "%.3f"|format(f.accuracy) }}</td>
<td class="n">{{ "%.3f"|format(f.case_or_not.f1) }}</td></tr>{% endfor %}</table>
<table>{% for name, value in summary.items() %}<tr><td>{{ name }}</td><td class="n">{{ value }}</td></tr>{% endfor %}
</table>
{% for name, image in images.items() %}<figure><img alt="{{ name }}" src="{{ image }}"></figure>{% endfor %}
<h2>Labels</h2><table><tr><th></th><th></th><th>P</th><th>R</th><th>F1</th><th>texts</th></tr>
{% for name, c in figures.label.classes.items() %}<tr><td>{{ name }}</td><td>{{ display[name] }}</td>
{% for k in ("precision", "recall", "f1") %}<td class="n">{{ "%.3f"|format(c[k]) }}</td>{% endfor %}
<td class="n">{{ c.support }}</td></tr>{% endfor %}</table>
{% for part, values in figures.slices.items() %}<h2>By {{ part }}</h2>
<table><tr><th></th><th>texts</th><th>accuracy</th><th>macro-F1</th></tr>
{% for name, f in values.items() %}<tr><td>{{ name }}</td><td class="n">{{ f.texts }}</td>
<td class="n">{{ "%.3f"|format(f.accuracy) }}</td><td class="n">{{ "%.3f"|format(f.macro_f1) }}</td></tr>{% endfor %}
</table>{% endfor %}
<h2>Mentions</h2>
<table><tr><th></th><th>strict P</th><th>R</th><th>F1</th><th>partial F1</th><th>mentions</th></tr>
{% for name, m in figures.mentions.types.items() %}<tr><td>{{ name }}</td>
{% for k in ("precision", "recall", "f1") %}<td class="n">{{ "%.3f"|format(m.strict[k]) }}</td>{% endfor %}
<td class="n">{{ "%.3f"|format(m.partial.f1) }}</td><td class="n">{{ m.support }}</td></tr>{% endfor %}</table>
<h2>Roles</h2><table><tr><th></th><th>P</th><th>R</th><th>F1</th><th>persons</th></tr>
{% for name, c in figures.persons.roles.items() %}<tr><td>{{ name }}</td>
{% for k in ("precision", "recall", "f1") %}<td class="n">{{ "%.3f"|format(c[k]) }}</td>{% endfor %}
<td class="n">{{ c.support }}</td></tr>{% endfor %}</table>
{% if behaviour %}<h2>Behaviour</h2><p>{{ flips[0] }} of {{ flips[1] }} swaps of a name, region or party changed the
label.</p><table><tr><th>kind</th><th>capability</th><th>passed</th><th>of</th></tr>
{% for kind, part in behaviour.items() %}{% for name, (passed, count) in part.items() %}<tr><td>{{ kind }}</td>
<td>{{ name }}</td><td class="n">{{ passed }}</td><td class="n">{{ count }}</td></tr>{% endfor %}{% endfor %}</table>
<h3>Failed cases</h3>{% for o in failed %}<details><summary>{{ o.case.kind }}, {{ o.case.capability }}:
{{ o.problem }}</summary><pre>{{ o.case.text }}</pre></details>{% endfor %}{% endif %}
<h2>Wrong labels, the costliest first ({{ errors|length }})</h2>
{% for e in errors %}<details><summary><span class="cost">{{ e.cost }}</span> {{ e.id }}: {{ e.gold }}, found
{{ e.got }} ({{ "%.2f"|format(e.score) }}{{ ", abstained" if e.abstained }})</summary><pre>{{ e.text }}</pre></details>
{% endfor %}</body></html>
"""


def write_report(
    path: Path,
    title: str,
    figures: dict[str, Any],
    tagged: Sequence[Tagged],
    behaviour: Sequence[Outcome] = (),
    curve: Mapping[int, dict[str, Any]] | None = None,
) -> None:
    """Write all figures as one HTML page without outside resources. Private texts are counted and never shown.

    ``curve`` maps numbers of training texts to the figures of a model trained on them.
    """
    images = {"confusion": _confusion(figures), "reliability": _reliability(figures), "risk": _risk(figures)}
    if curve:
        images["learning curve"] = _curve(curve)
    wrong = [t for t in tagged if t.record.label.name is not t.text.label]
    errors = [
        {
            "id": t.text.id,
            "gold": t.text.label,
            "got": t.record.label.name,
            "score": t.record.label.score,
            "abstained": t.record.label.abstained,
            "cost": cost(t.text.label, t.record.label.name),
            "text": "private text, not shown" if t.text.private else t.text.text[:_SHOWN],
        }
        for t in wrong
    ]
    persons, answered = figures["persons"], figures["abstention"]
    summary = {
        "texts": figures["texts"],
        "answered": f"{answered['coverage']:.1%}",
        "right when answered": f"{answered['accuracy_when_answered']:.1%}",
        "mean cost of a text": answered["cost"],
        "mean cost without abstention": answered["cost_without_abstention"],
        "persons found F1": persons["found"]["f1"],
        "subject precision / recall": f"{persons['subject']['precision']} / {persons['subject']['recall']}",
        "office right": persons["office_right"],
        "status right": persons["status_right"],
        "primary region right": figures["regions"]["primary_right"],
        "forms micro-F1": figures["forms"]["micro"]["f1"],
    }
    if effect := figures.get("evidence_effect"):
        summary["score lost without evidence / without other sentences"] = (
            f"{effect['without_evidence']} / {effect['without_others']} of {effect['texts']} texts"
        )
    baselines = figures["baselines"]
    page = Environment(autoescape=True).from_string(_PAGE)
    with whole_file(path) as f:
        f.write(
            page.render(
                style=STYLE,
                title=title,
                figures=figures,
                summary=summary,
                rows={
                    "model": figures["label"],
                    "TF-IDF + Sastrawi + SVM": baselines["tfidf_sastrawi_svm"],
                    "majority class": baselines["majority"],
                },
                display=DISPLAY_ID,
                images={name: data_uri(figure) for name, figure in images.items()},
                behaviour=pass_rates(behaviour) if behaviour else None,
                flips=swap_flips(behaviour),
                failed=[o for o in behaviour if o.problem],
                errors=sorted(errors, key=lambda e: (-float(str(e["cost"])), str(e["id"]))),
            )
        )
