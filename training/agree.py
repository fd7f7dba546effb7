"""Agreement of two annotations of the same texts."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import cohen_kappa_score

from nlp.errors import NetralitasError
from nlp.schema import MentionType, Role
from training.corpus import CorpusText, Layer, Official, iter_corpus
from training.scores import Counts, characters, pair_up, to_kabupaten


@dataclass(frozen=True)
class Disagreement:
    """One thing that two annotators see differently."""

    id: str
    layer: str
    first: str
    second: str


def pairs(first: Path, second: Path) -> list[tuple[CorpusText, CorpusText]]:
    """The texts that both files hold, in the order of the second.

    Raises:
        NetralitasError: no text in common, or one whose words differ.
    """
    wanted = {t.id: t for t in iter_corpus(second)}
    found = {t.id: t for t in iter_corpus(first) if t.id in wanted}
    if not found:
        raise NetralitasError(f"{first} and {second} have no id in common")
    changed = [i for i, t in found.items() if t.text != wanted[i].text]
    if changed:
        raise NetralitasError(f"{len(changed)} texts differ between {first} and {second}, first {changed[0]}")
    return [(found[i], wanted[i]) for i in wanted if i in found]


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa (Cohen 1960); 1 where both give one and the same class throughout."""
    if not first:
        return math.nan
    if set(first) == set(second) and len(set(first)) == 1:
        return 1.0
    return float(cohen_kappa_score(first, second))


def _both(texts: Iterable[tuple[CorpusText, CorpusText]], *layers: Layer) -> list[tuple[CorpusText, CorpusText]]:
    return [(a, b) for a, b in texts if all(a.has(x) and b.has(x) for x in layers)]


def _mentions(text: CorpusText) -> set[tuple[str, int, int]]:
    return {(str(m.type), m.start, m.end) for m in text.mentions}


def matched_persons(a: CorpusText, b: CorpusText) -> Iterator[tuple[Official, Official]]:
    """Persons of two annotations that share a mention's span, each at most once."""
    spans = [[{(m.start, m.end) for m in t.mentions if m.id in o.mentions} for o in t.officials] for t in (a, b)]
    for i, j in pair_up(*spans):
        if i is not None and j is not None:
            yield a.officials[i], b.officials[j]


def agreement(texts: Sequence[tuple[CorpusText, CorpusText]]) -> tuple[dict[str, Any], list[Disagreement]]:
    """Figures by layer over the texts where both have it, and every disagreement.

    Kappa for label, role and status (over persons that both found); F1, taking the first as truth, for the rest.
    """
    differences: list[Disagreement] = []

    def differ(pair: tuple[CorpusText, CorpusText], layer: str, first: object, second: object) -> None:
        if first != second:
            differences.append(Disagreement(pair[0].id, layer, str(first), str(second)))

    for pair in texts:
        differ(pair, "label", pair[0].label, pair[1].label)
    out: dict[str, Any] = {
        "texts": len(texts),
        "label": {
            "kappa": kappa([str(a.label) for a, _ in texts], [str(b.label) for _, b in texts]),
            "agree": sum(a.label == b.label for a, b in texts) / len(texts),
            "confusion": {
                f"{a} / {b}": n
                for (a, b), n in Counter((str(a.label), str(b.label)) for a, b in texts).most_common()
                if a != b
            },
        },
    }
    sets: tuple[Layer, ...] = ("flags", "forms", "subjects")
    for layer in sets:
        counts = Counts()
        for pair in _both(texts, layer):
            one, two = ({str(x) for x in getattr(t, layer)} for t in pair)
            counts.add(one, two)
            differ(pair, layer, sorted(one), sorted(two))
        out[layer] = counts.scores()
    return out | _span_figures(texts, differ) | _person_figures(texts, differ), differences


def _span_figures(texts: Sequence[tuple[CorpusText, CorpusText]], differ: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    strict, by_type = Counts(), {str(t): Counts() for t in MentionType}
    for pair in _both(texts, "mentions"):
        one, two = _mentions(pair[0]), _mentions(pair[1])
        strict.add(one, two)
        for name, counts in by_type.items():
            counts.add({m for m in one if m[0] == name}, {m for m in two if m[0] == name})
        for (kind, start, end), here in [(m, True) for m in one - two] + [(m, False) for m in two - one]:
            quote = f"{kind} {pair[0].text[start:end]!r} at {start}"
            differ(pair, "mentions", quote if here else "-", "-" if here else quote)
    out["mentions"] = strict.scores() | {"types": {name: c.scores() for name, c in by_type.items()}}
    marked: tuple[Layer, ...] = ("evidence", "ignored")
    for layer in marked:
        counts = Counts()
        for a, b in _both(texts, layer):
            counts.add(*(characters((s.start, s.end) for s in getattr(t, layer)) for t in (a, b)))
        out[layer] = counts.scores()
    regions = Counts()
    primary = []
    for pair in _both(texts, "regions"):
        regions.add(set(pair[0].regions), set(pair[1].regions))
        places = [t.primary_region and to_kabupaten(t.primary_region) for t in pair]
        primary.append(places[0] == places[1])
        # How exact a place is given is no disagreement.
        differ(pair, "primary region", *places)
    out["regions"] = regions.scores() | {"primary_agree": sum(primary) / len(primary) if primary else math.nan}
    return out


def _person_figures(texts: Sequence[tuple[CorpusText, CorpusText]], differ: Any) -> dict[str, Any]:
    found = Counts()
    roles: list[tuple[str, str]] = []
    statuses: list[tuple[str, str]] = []
    offices = []
    for pair in _both(texts, "mentions", "officials"):
        matched = list(matched_persons(*pair))
        found.tp += len(matched)
        found.fp += len(pair[1].officials) - len(matched)
        found.fn += len(pair[0].officials) - len(matched)
        for one, two in matched:
            name = pair[0].quote(one.mentions[0])
            roles.append((one.role, two.role))
            differ(pair, f"role of {name}", one.role, two.role)
            if one.role is two.role is Role.SUBJECT:
                statuses.append((str(one.status), str(two.status)))
                differ(pair, f"status of {name}", one.status, two.status)
            held = [(t.quote(o.office), t.quote(o.agency)) for t, o in zip(pair, (one, two), strict=True)]
            offices.append(held[0] == held[1])
            differ(pair, f"office of {name}", *held)
    return {
        "persons": found.scores(),
        "role": {"kappa": kappa(*map(list, zip(*roles, strict=True))) if roles else math.nan, "persons": len(roles)},
        "status": {
            "kappa": kappa(*map(list, zip(*statuses, strict=True))) if statuses else math.nan,
            "persons": len(statuses),
        },
        "office": {"agree": sum(offices) / len(offices) if offices else math.nan, "persons": len(offices)},
    }
