"""Figures of a corpus as tables and plots; one pass, memory does not grow with the texts."""

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment
from matplotlib.figure import Figure
from sklearn.metrics import balanced_accuracy_score, f1_score

from nlp import gazetteer
from nlp.errors import NetralitasError
from nlp.schema import CASE_LABELS, DISPLAY_ID, Flag, Form, Kind, Label, Role, Status, SubjectGroup
from nlp.write import whole_file
from training.baseline import keyword_rule, linear, majority
from training.corpus import LAYERS, CorpusText, iter_corpus
from training.page import STYLE, data_uri
from training.scores import to_kabupaten
from training.split import place, unseen

_POSTS: Final = (Kind.POST, Kind.MESSAGE)
LONG: Final = 500
"""Words from which a text counts as long."""
SHORT: Final = 280
"""Characters up to which a post counts as short."""
_ORDER: Final[dict[str, Iterable[str]]] = {
    "label": Label,
    "form": Form,
    "subject group": SubjectGroup,
    "flag": Flag,
    "role": Role,
    "status": Status,
    "kind": Kind,
    "split": ("train", "dev", "test"),
    "confusion": [str(n) for n in range(1, 16)],
}


@dataclass
class Stats:
    """Counts over a corpus. ``tables`` maps what is counted to counts by value."""

    texts: int = 0
    full: int = 0
    mentions: int = 0
    persons: int = 0
    private: int = 0
    pairs: int = 0
    """Minimal pairs: pairs of texts of one group with different labels."""
    tables: dict[str, Counter[str]] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)
    """Lengths in words of news, releases and opinion."""
    characters: list[int] = field(default_factory=list)
    """Lengths in characters of posts and messages."""
    primary: Counter[str] = field(default_factory=Counter)
    named: set[str] = field(default_factory=set)
    """Codes of the kabupaten and kota named or meant anywhere."""
    unseen: dict[str, tuple[int, int]] = field(default_factory=dict)
    test_sha256: str = ""
    """Digest of the test split, by which it can be told that nobody changed it."""

    def count(self, table: str, values: Iterable[str]) -> None:
        """Count values in a table."""
        known = self.tables.setdefault(table, Counter({str(v): 0 for v in _ORDER.get(table, ())}))
        known.update(map(str, values))

    def summary(self) -> dict[str, Any]:
        """The figures that stand alone."""
        out: dict[str, Any] = {
            "texts": self.texts,
            "fully annotated": self.full,
            "mentions": self.mentions,
            "persons": self.persons,
            "news, releases, opinion": len(self.words),
            "their median words": statistics.median(self.words) if self.words else 0,
            f"of more than {LONG} words": sum(n > LONG for n in self.words),
            "posts, messages": len(self.characters),
            "their median characters": statistics.median(self.characters) if self.characters else 0,
            f"of at most {SHORT} characters": sum(n <= SHORT for n in self.characters),
            "minimal pairs": self.pairs,
            "provinces": len({c[:2] for c in self.primary}),
            "kabupaten and kota named": len(self.named),
            "private": self.private,
        }
        for name, (new, all_) in self.unseen.items():
            out[f"test {name}s, of these in no training text"] = f"{all_}, {new}"
        out["test split SHA-256"] = self.test_sha256
        return out


def gather(corpus: Path) -> Stats:
    """Count a corpus in one pass.

    Raises:
        NetralitasError: a bad line.
    """
    stats = Stats()
    places = []
    test: list[str] = []
    groups: dict[str, Counter[Label]] = {}
    for text in iter_corpus(corpus):
        _add(stats, text)
        places.append(place(text))
        if text.split == "test":
            test.append(text.model_dump_json(exclude_defaults=True, exclude={"annotations"}))
        if text.group:
            groups.setdefault(text.group, Counter())[text.label] += 1
    for labels in groups.values():
        same = sum(n * (n - 1) // 2 for n in labels.values())
        stats.pairs += labels.total() * (labels.total() - 1) // 2 - same
    stats.unseen = unseen(places)
    stats.test_sha256 = hashlib.sha256("\n".join(sorted(test)).encode()).hexdigest()
    if not stats.texts:
        raise NetralitasError(f"{corpus}: holds no text")
    return stats


def _add(stats: Stats, text: CorpusText) -> None:
    stats.texts += 1
    stats.full += set(text.layers) == set(LAYERS)
    stats.private += text.private
    stats.mentions += len(text.mentions)
    stats.persons += len(text.officials)
    stats.count("label", [text.label])
    stats.count("kind", [text.kind])
    stats.count("split", [text.split or "none"])
    stats.count("form", text.forms)
    stats.count("subject group", text.subjects)
    stats.count("flag", text.flags)
    stats.count("role", [o.role for o in text.officials])
    stats.count("status", [o.status for o in text.officials if o.status])
    stats.count("confusion", map(str, text.confusions))
    stats.count("election", text.election.type)
    stats.count("mention", [m.type for m in text.mentions])
    stats.count("year", [str(text.date.year)] if text.date else ["none"])
    stats.count("annotator", [a.by for a in text.annotations])
    stats.count("style", [text.style])
    if text.primary_region:
        stats.primary[to_kabupaten(text.primary_region)] += 1
        stats.count("province", [gazetteer.name(text.primary_region[:2])])
    codes = {*text.regions, *filter(None, [text.primary_region])}
    stats.named |= {to_kabupaten(c) for c in codes if "." in c}
    if text.kind in _POSTS:
        stats.characters.append(len(text.text))
    else:
        stats.words.append(len(text.text.split()))


def difficulty(corpus: Path) -> dict[str, float]:
    """What word counting reaches on the test split: a seven-keyword rule and a linear model over stemmed TF-IDF.

    Raises:
        NetralitasError: bad corpus, or no train or test split.
    """
    texts = list(iter_corpus(corpus))
    train = [t for t in texts if t.split == "train"]
    test = [t for t in texts if t.split == "test"]
    if not train or not test:
        raise NetralitasError(f"{corpus}: no train or test split; run 'netralitas data split' first")
    gold = [str(t.label) for t in test]
    case = [t.label in CASE_LABELS for t in test]

    def macro(got: list[Label]) -> float:
        return round(float(f1_score(gold, [str(x) for x in got], average="macro", zero_division=0)), 4)

    return {
        "seven keywords, case or not, balanced accuracy": round(
            float(balanced_accuracy_score(case, [keyword_rule(t.text) for t in test])), 4
        ),
        "majority class, label macro-F1": macro(majority(train, test)),
        "TF-IDF + Sastrawi + linear SVM, label macro-F1": macro(linear(train, test)),
    }


def ordered(stats: Stats, table: str) -> list[tuple[str, int]]:
    """A table's rows: in the schema's order where it has one, by year, else the most frequent first."""
    counts = stats.tables[table]
    if table in _ORDER:
        return list(counts.items())
    return sorted(counts.items()) if table == "year" else counts.most_common()


def _bars(stats: Stats, table: str) -> Figure:
    rows = ordered(stats, table)[::-1]
    figure = Figure(figsize=(6.4, 0.6 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([f"{v} · {DISPLAY_ID[v]}" if v in DISPLAY_ID else v for v, _ in rows], [n for _, n in rows])
    axes.bar_label(bars, padding=2, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"Texts by {table}" if table not in ("role", "status", "mention") else f"Count by {table}")
    return figure


def _histogram(values: list[int], unit: str, limit: int) -> Figure:
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.hist([min(v, limit) for v in values], bins=40)
    axes.set_xlabel(f"{unit} (last bar: {limit} and more)")
    axes.set_ylabel("texts")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plots(stats: Stats) -> dict[str, Figure]:
    """All plots by name."""
    shown = ("label", "kind", "form", "subject group", "flag", "role", "status", "confusion", "province", "year")
    figures = {table.replace(" ", "-"): _bars(stats, table) for table in shown if stats.tables.get(table)}
    if stats.words:
        figures["news-words"] = _histogram(stats.words, "words", 1000)
    if stats.characters:
        figures["post-characters"] = _histogram(stats.characters, "characters", 800)
    return figures


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>{{ style }} main { columns: 30rem 2; column-gap: 2rem } section { break-inside: avoid }</style></head>
<body><h1>{{ title }}</h1>
<p>Quotas, not frequencies: shares say nothing about how often anything happens.</p>
<table>{% for name, value in summary.items() %}<tr><td>{{ name }}</td><td class="n">{{ value }}</td></tr>{% endfor %}
</table>
<main>{% for name, image in images.items() %}<section><img alt="{{ name }}" src="{{ image }}"></section>{% endfor %}
{% for name, rows in tables.items() %}<section><h2>{{ name }}</h2><table>
{% for value, n in rows %}<tr><td>{{ value }}</td><td class="n">{{ n }}</td></tr>{% endfor %}</table></section>
{% endfor %}</main></body></html>
"""


def write_page(stats: Stats, extra: dict[str, Any], path: Path, title: str) -> None:
    """Write all figures as one HTML page without outside resources. No text of the corpus is quoted."""
    images = {name: data_uri(figure) for name, figure in plots(stats).items()}
    page = Environment(autoescape=True).from_string(_PAGE)
    tables = {name: ordered(stats, name) for name in stats.tables}
    with whole_file(path) as f:
        f.write(page.render(style=STYLE, title=title, summary=stats.summary() | extra, images=images, tables=tables))
