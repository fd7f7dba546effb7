"""Choose temperature and thresholds on the development split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nlp.decode import Float, sigmoid, softmax
from nlp.link import join_persons, link_offices
from nlp.outputs import DOCUMENT
from nlp.schema import CASE_LABELS, Flag, Form, Label, MentionType, Role, SubjectGroup
from nlp.subject import DEFAULT_WEIGHTS, FEATURES, decide_status, person_probabilities, subject_chance, subject_features
from nlp.tagger import Calibration, LoadedModel, Reading, Tagger, write_calibration
from training.corpus import CorpusText, read_corpus
from training.costs import cheapest_threshold, costs
from training.features import UNKNOWN, document_target
from training.predict import load_trained

PERSON_PRECISION = 0.95
"""Precision on dev that the person threshold is to ensure."""
_HIGHEST = 0.99
_GRID = np.round(np.arange(0.3, _HIGHEST + 0.001, 0.01), 2)
_LABEL_GRID = np.concatenate([[0.0], _GRID])
_MIN_EXAMPLES = 5
_MIN_SUBJECTS = 25
"""Fewer texts with a subject on dev give no weights worth having."""


def best_temperature(logits: Float, target: NDArray[np.int64]) -> float:
    """Temperature that gives the least negative log-likelihood (Guo et al. 2017), on a grid of 0.25 to 4."""

    def loss(t: float) -> float:
        return float(-np.log(softmax(logits / t)[np.arange(len(target)), target] + 1e-12).mean())

    return float(min(np.geomspace(0.25, 4, 121), key=loss))


def precision_threshold(scores: Float, right: NDArray[np.bool_], aim: float) -> float:
    """Lowest threshold at which what passes is right with a probability of at least ``aim``, as the lower end of a
    one-sided 95 % interval has it (Clopper and Pearson 1934), so that no handful of lucky hits sets it; the highest of
    the grid if there is none."""
    for threshold in _GRID:
        passing = scores >= threshold
        hits, misses = int(right[passing].sum()), int((~right[passing]).sum())
        if hits and beta.ppf(0.05, hits, misses + 1) >= aim:
            return float(threshold)
    return _HIGHEST


def f1_threshold(scores: Float, wanted: NDArray[np.bool_]) -> float:
    """Threshold of the best F1, 0.5 where there are fewer than five positive examples."""
    if wanted.sum() < _MIN_EXAMPLES:
        return 0.5

    def f1(threshold: float) -> float:
        got = scores >= threshold
        return float(2 * (got & wanted).sum() / max(1, got.sum() + wanted.sum()))

    # Of equals the one nearest to a half.
    return float(max(_GRID, key=lambda t: (round(f1(t), 6), -abs(t - 0.5))))


@dataclass(frozen=True)
class _Persons:
    """The persons found in texts whose officials are annotated: a row each."""

    features: Float
    allowed: NDArray[np.bool_]
    """The label found lets the text have a subject."""
    right: NDArray[np.bool_]
    """The person is a subject by the corpus."""
    text: NDArray[np.int64]


def _persons(texts: Sequence[CorpusText], readings: Sequence[Reading], probs: Float) -> _Persons:
    """All persons found. ``probs`` [texts, labels]."""
    features, allowed, right, numbers = [np.zeros((0, len(FEATURES)))], [], [], []
    for n, (text, reading, by_label) in enumerate(zip(texts, readings, probs, strict=True)):
        if not text.has("officials"):
            continue
        label, chance = list(Label)[int(by_label.argmax())], subject_chance(dict(zip(Label, by_label, strict=True)))
        gold = {(m.start, m.end): m.id for m in text.mentions if m.type is MentionType.PERSON}
        subjects = {i for o in text.officials if o.role is Role.SUBJECT for i in o.mentions}
        persons = join_persons(text.text, reading.mentions)
        link_offices(text.text, persons, reading.mentions)
        features.append(subject_features(text.text, persons, reading.logits, chance))
        for person in persons:
            status = decide_status(person_probabilities(reading.logits, person, "statuses"), label)
            allowed.append(status is not None)
            right.append(any(gold.get((m.start, m.end)) in subjects for m in person.mentions))
            numbers.append(n)
    return _Persons(np.concatenate(features), np.array(allowed, bool), np.array(right, bool), np.array(numbers))


def subject_model(persons: _Persons) -> tuple[dict[str, float], float]:
    """Weights of the subject's score (logistic regression), and the threshold that gives ``PERSON_PRECISION``, chosen
    on scores of folds that the weights were not fitted on. The defaults where dev has too few subjects."""
    found = persons.right.sum()
    if len(np.unique(persons.text[persons.right])) < _MIN_SUBJECTS or found == len(persons.right):
        return dict(DEFAULT_WEIGHTS), _HIGHEST
    columns = persons.features[:, 1:]
    fit = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    unseen = cross_val_predict(fit, columns, persons.right, groups=persons.text, cv=folds, method="predict_proba")[:, 1]
    threshold = precision_threshold(unseen[persons.allowed], persons.right[persons.allowed], PERSON_PRECISION)
    fit.fit(columns, persons.right)
    scaler, regression = fit[0], fit[1]
    slopes = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - slopes @ scaler.mean_)
    weights = dict(zip(FEATURES, [intercept, *map(float, slopes)], strict=True))
    return {name: round(w, 5) for name, w in weights.items()}, threshold


def choose(model: LoadedModel, texts: Sequence[CorpusText]) -> Calibration:
    """Choose everything on ``texts``, which the model was not trained on."""
    tagger = Tagger(model)
    readings = [tagger.read(t.text) for t in texts]
    logits = np.stack([r.logits.document for r in readings]).astype(np.float64)
    target = np.array([document_target(t) for t in texts])
    gold = target[:, DOCUMENT["label"]].argmax(1)
    temperature = best_temperature(logits[:, DOCUMENT["label"]], gold)
    probs = softmax(logits[:, DOCUMENT["label"]] / temperature)
    guess, best = probs.argmax(1), probs.max(1)
    names = list(Label)
    wrong = costs([names[i] for i in gold], [names[i] for i in guess])
    thresholds = {
        label: cheapest_threshold(best[guess == i], wrong[guess == i], _LABEL_GRID) for i, label in enumerate(Label)
    }

    # A record has forms and flags where its label is a case, groups where it is about the topic.
    case = np.isin(guess, [names.index(label) for label in CASE_LABELS])
    asked = {"forms": case, "flags": case, "subjects": guess != names.index(Label.NOT_RELEVANT)}

    def per_class(layer: str, names: Iterable[Any]) -> dict[Any, float]:
        counted = asked[layer] & (target[:, DOCUMENT[layer]] != UNKNOWN).all(1)
        p, wanted = sigmoid(logits[counted, DOCUMENT[layer]]), target[counted, DOCUMENT[layer]] > 0
        return {name: f1_threshold(p[:, i], wanted[:, i]) for i, name in enumerate(names)}

    weights, person_threshold = subject_model(_persons(texts, readings, probs))
    return Calibration(
        temperature=round(temperature, 4),
        label_thresholds=thresholds,
        form_thresholds=per_class("forms", Form),
        subject_group_thresholds=per_class("subjects", SubjectGroup),
        flag_thresholds=per_class("flags", Flag),
        person_threshold=person_threshold,
        subject_weights=weights,
    )


def calibrate(directory: Path, corpus: Path) -> Calibration:
    """Calibrate a trained model on the corpus's dev split and store the result in its directory.

    Raises:
        NetralitasError: no trained model, or a bad corpus.
    """
    texts = [t for t in read_corpus(corpus) if t.split == "dev"]
    calibration = choose(load_trained(directory), texts) if texts else Calibration()
    write_calibration(calibration, directory)
    return calibration
