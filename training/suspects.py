"""Texts whose label a model that never saw them finds unlikely: where to look for labelling errors first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from nlp.errors import NetralitasError
from nlp.schema import Label
from training.corpus import iter_corpus
from training.split import card, clusters

FOLDS: Final = 5


@dataclass(frozen=True)
class Suspect:
    """A text, its label, the likelier one, and the out-of-fold probabilities of both."""

    id: str
    label: Label
    likelier: Label
    p_label: float
    p_likelier: float
    beginning: str


def suspects(corpus: Path, top: int, seed: int = 0) -> list[Suspect]:
    """The ``top`` texts with the lowest normalised margin, p(label) - p(best other), most suspect first.

    The margin is that of confident learning (Northcutt, Jiang, Chuang 2021, section 3.2); probabilities are
    out-of-fold predictions of a logistic regression over TF-IDF, with texts of one event or group in one fold.

    Raises:
        NetralitasError: fewer texts or labels than folds need.
    """
    texts: list[str] = []
    ids: list[str] = []
    labels: list[str] = []
    cards = []
    for t in iter_corpus(corpus):
        texts.append(t.text)
        ids.append(t.id)
        labels.append(str(t.label))
        cards.append(card(t))
    groups = np.empty(len(texts), dtype=np.int64)
    for n, members in enumerate(clusters(cards)):
        groups[members] = n
    if len(set(groups)) < FOLDS or len(set(labels)) < 2:
        raise NetralitasError(f"{corpus}: {len(set(groups))} events and {len(set(labels))} labels; too few to judge")
    probabilities, names = _out_of_fold(texts, labels, groups, seed)
    given = np.array([names.index(x) for x in labels])
    rows = np.arange(len(texts))
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -1
    best = others.argmax(1)
    margin = own - others.max(1)
    return [
        Suspect(
            ids[i],
            Label(labels[i]),
            Label(names[best[i]]),
            round(float(own[i]), 4),
            round(float(others[i].max()), 4),
            " ".join(texts[i].split())[:100],
        )
        for i in np.argsort(margin, kind="stable")[:top]
        if margin[i] < 0
    ]


def _out_of_fold(
    texts: Sequence[str], labels: Sequence[str], groups: np.ndarray, seed: int
) -> tuple[np.ndarray, list[str]]:
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2),
        LogisticRegression(C=10, class_weight="balanced", max_iter=1000),
    )
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, texts, labels, groups=groups, cv=folds, method="predict_proba")
    return predicted, sorted(set(labels))
