"""Who is the accused."""

import numpy as np
import pytest

from nlp.link import join_persons, link_offices
from nlp.schema import Label, Role, Status
from nlp.subject import DEFAULT_WEIGHTS, FEATURES, decide_status, subject_features, subject_scores
from training.calibrate import PERSON_PRECISION, _Persons, subject_model


@pytest.mark.parametrize("label", [Label.NOT_RELEVANT, Label.PREVENTION, Label.OVERVIEW])
def test_no_subject_without_a_case(label):
    assert decide_status(np.full(6, 1 / 6), label) is None


def test_status_agrees_with_the_label():
    likely = np.array([0.5, 0.1, 0.1, 0.1, 0.15, 0.05])
    assert decide_status(likely, Label.NON_VIOLATION) is Status.LAWFUL
    assert decide_status(likely, Label.CLEARED) is Status.ALLEGED


def test_features_of_a_text(tagger, corpus):
    text = next(t for t in corpus if sum(o.role is Role.SUBJECT for o in t.officials))
    reading = tagger.read(text.text)
    persons = join_persons(text.text, reading.mentions)
    link_offices(text.text, persons, reading.mentions)
    features = subject_features(text.text, persons, reading.logits, 0.9)
    assert features.shape == (len(persons), len(FEATURES))
    assert np.isfinite(features).all()
    low, high = (
        subject_scores(subject_features(text.text, persons, reading.logits, c), DEFAULT_WEIGHTS) for c in (0.1, 0.9)
    )
    assert (low < high).all()
    assert subject_features("x", [], reading.logits, 0.5).shape == (0, len(FEATURES))


def persons(count: int, seed: int = 0) -> _Persons:
    """Texts of four persons; the first feature tells the subject, with noise; the others tell nothing."""
    rng = np.random.default_rng(seed)
    right = np.tile([True, False, False, False], count)
    features = rng.normal(size=(len(right), len(FEATURES)))
    features[:, 0] = 1
    features[:, 1] += 2.5 * right
    return _Persons(features, np.ones(len(right), bool), right, np.repeat(np.arange(count), 4))


def test_weights_and_threshold_hold_on_texts_they_were_not_chosen_on():
    weights, threshold = subject_model(persons(300))
    unseen = persons(2000, seed=1)
    scores = subject_scores(unseen.features, weights)
    assert PERSON_PRECISION - 0.01 <= unseen.right[scores >= threshold].mean() < 1
    assert abs(weights["first_mention"]) > 5 * abs(weights["rival"])
    tenth = (scores > 0.4) & (scores < 0.6)
    assert unseen.right[tenth].mean() == pytest.approx(0.5, abs=0.1)


def test_too_few_subjects_choose_nothing():
    weights, threshold = subject_model(persons(10))
    assert weights == DEFAULT_WEIGHTS
    assert threshold == 0.99
