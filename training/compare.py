"""Compare two models on the same texts by paired bootstrap, and call no winner inside the noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.errors import NetralitasError
from nlp.schema import CASE_LABELS, Label, MentionType, Role
from training.evaluate import BOOTSTRAP_ROUNDS, Tagged, match_persons, office_right
from training.scores import to_kabupaten

Array = NDArray[np.float64]
"""Counts by text: [n, k]."""
_LABELS: Final = list(Label)


@dataclass(frozen=True)
class Comparison:
    """One figure of two models: the interval is that of ``second - first`` over resampled texts, 95 %."""

    name: str
    first: float
    second: float
    low: float
    high: float

    @property
    def winner(self) -> str | None:
        """``first`` or ``second``, or None where the interval holds zero."""
        if self.low > 0:
            return "second"
        return "first" if self.high < 0 else None


def _f1(counts: Array) -> float:
    tp, fp, fn = counts.sum(0)
    return float(2 * tp / (2 * tp + fp + fn)) if tp + fp + fn else 0.0


def _share(counts: Array) -> float:
    right, all_ = counts.sum(0)
    return float(right / all_) if all_ else 0.0


def _macro_f1(counts: Array) -> float:
    """Counts are a flat confusion matrix a text; classes that neither side has are left out, as scikit-learn does."""
    matrix = counts.sum(0).reshape(len(_LABELS), len(_LABELS))
    both = matrix.sum(0) + matrix.sum(1)
    return float((2 * matrix.diagonal()[both > 0] / both[both > 0]).mean())


def _sets(gold: set[object], got: set[object]) -> list[float]:
    return [len(gold & got), len(got - gold), len(gold - got)]


def _confusion(t: Tagged) -> list[float]:
    out = [0.0] * len(_LABELS) ** 2
    out[_LABELS.index(t.text.label) * len(_LABELS) + _LABELS.index(t.record.label.name)] = 1.0
    return out


def _case(t: Tagged) -> list[float]:
    return _sets({1} if t.text.label in CASE_LABELS else set(), {1} if t.record.label.name in CASE_LABELS else set())


def _persons(t: Tagged) -> list[float]:
    pairs = match_persons(t)
    return [sum(bool(a and b) for a, b in pairs), sum(a is None for a, _ in pairs), sum(b is None for _, b in pairs)]


def _subjects(t: Tagged) -> list[float]:
    total = np.zeros(3)
    for gold, got in match_persons(t):
        want = {1} if gold and gold.role is Role.SUBJECT else set()
        total += _sets(set(want), {1} if got and got.role is Role.SUBJECT else set())
    return [float(x) for x in total]


def _offices(t: Tagged) -> list[float]:
    pairs = [(a, b) for a, b in match_persons(t) if a and b]
    return [sum(office_right(t.text, a, b) for a, b in pairs), len(pairs)]


def _spans(t: Tagged) -> list[float]:
    gold: set[object] = {(m.type, m.start, m.end) for m in t.text.mentions}
    return _sets(gold, {(MentionType(m.type), m.start, m.end) for m in t.reading.mentions})


def _primary(t: Tagged) -> list[float]:
    if not t.text.primary_region:
        return [0, 0]
    got = next((to_kabupaten(r.code) for r in t.record.regions if r.primary), None)
    return [got == to_kabupaten(t.text.primary_region), 1]


_FIGURES: Final[dict[str, tuple[str | None, Callable[[Tagged], list[float]], Callable[[Array], float]]]] = {
    "label macro-F1": (None, _confusion, _macro_f1),
    "case or not F1": (None, _case, _f1),
    "mentions strict F1": ("mentions", _spans, _f1),
    "persons F1": ("officials", _persons, _f1),
    "subject F1": ("officials", _subjects, _f1),
    "office right": ("officials", _offices, _share),
    "primary region right": ("regions", _primary, _share),
}


def compare(
    first: Sequence[Tagged], second: Sequence[Tagged], rounds: int = BOOTSTRAP_ROUNDS, seed: int = 0
) -> list[Comparison]:
    """Compare figure by figure (paired bootstrap: Efron & Tibshirani 1993, ch. 16; the same texts are drawn for both).

    Raises:
        NetralitasError: the two were not run over the same texts.
    """
    if [t.text.id for t in first] != [t.text.id for t in second]:
        raise NetralitasError("the two models were not run over the same texts in the same order")
    out = []
    for name, (layer, count, figure) in _FIGURES.items():
        chosen = [i for i, t in enumerate(first) if layer is None or t.text.has(layer)]  # type: ignore[arg-type]
        if not chosen:
            continue
        a, b = (np.array([count(side[i]) for i in chosen], dtype=float) for side in (first, second))
        rng = np.random.default_rng(seed)
        draws = (rng.integers(0, len(chosen), len(chosen)) for _ in range(rounds))
        low, high = np.percentile([figure(b[d]) - figure(a[d]) for d in draws], [2.5, 97.5])
        out.append(Comparison(name, figure(a), figure(b), float(low), float(high)))
    return out
