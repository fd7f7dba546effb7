"""Which person of a text is the one accused, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from nlp.decode import Float, sigmoid, softmax
from nlp.encode import TextLogits
from nlp.link import Person, is_overseer
from nlp.outputs import TOKEN
from nlp.schema import CASE_LABELS, Label, Role, Status

FEATURES: Final = (
    "intercept",
    "first_mention",
    "all_mentions",
    "rival",
    "chance",
    "overseer",
    "evidence",
    "office",
    "mentions",
    "lower_case",
    "upper_case",
)
"""What the score of a subject is made of, in the order of ``subject_features``."""
DEFAULT_WEIGHTS: Final = {"first_mention": 1.0, "chance": 1.0}
"""Of a model that was not calibrated: the role's log-odds and those of a text with a subject."""
_NEAR: Final = 15
"""Words around a mention within which evidence counts as being about the person."""
_SURE: Final = 1e-4


def subject_chance(scores: Mapping[Label, float]) -> float:
    """Probability that a text has a subject at all: that of the labels which allow one. It weighs the score of each
    person taken for a subject, so that nobody is accused on the strength of a text that may hold no case."""
    return sum(p for label, p in scores.items() if label in CASE_LABELS or label is Label.NON_VIOLATION)


def person_probabilities(logits: TextLogits, person: Person, head: str) -> Float:
    """Probabilities of a person's ``roles`` or ``statuses``, read at the first mention, which mostly stands beside the
    office; on the development split this was right more often than any mean over all mentions."""
    first, last = person.mentions[0].words
    return softmax(logits.words[first:last, TOKEN[head]].mean(axis=0))


def decide_status(probs: Float, label: Label) -> Status | None:
    """The likeliest status that the label allows, or None where it allows no subject: a text without a case accuses
    nobody, and lawful politics are nobody's case."""
    if label is Label.NON_VIOLATION:
        allowed = [Status.LAWFUL, Status.VICTIM]
    elif label in CASE_LABELS:
        allowed = [Status.ALLEGED, Status.IN_PROCESS, Status.SANCTIONED, Status.CLEARED]
    else:
        return None
    order = list(Status)
    return max(allowed, key=lambda s: float(probs[order.index(s)]))


def subject_features(text: str, persons: Sequence[Person], logits: TextLogits, chance: float) -> Float:
    """What speaks for each person being a subject, [persons, features]: the model's log-odds of the role at the first
    mention and over all mentions, those of the likeliest other person, of a text with a subject (``chance``), the
    evidence around the mentions, and what is known without the model: an overseer's office, any office, how often the
    person is named, and whether the name is written like one."""
    if not persons:
        return np.zeros((0, len(FEATURES)))
    subject = list(Role).index(Role.SUBJECT)
    evidence = sigmoid(logits.words[:, TOKEN["evidence"]])[:, 0]
    mean = [_over_mentions(logits, p)[subject] for p in persons]
    rows = []
    for i, person in enumerate(persons):
        name = text[person.mentions[0].start : person.mentions[0].end]
        rivals = [m for j, m in enumerate(mean) if j != i]
        near = [evidence[max(0, m.words[0] - _NEAR) : m.words[1] + _NEAR].max() for m in person.mentions]
        rows.append(
            [
                1.0,
                _log_odds(person_probabilities(logits, person, "roles")[subject]),
                _log_odds(mean[i]),
                _log_odds(max(rivals, default=0.0)),
                _log_odds(chance),
                is_overseer(text, person),
                max(near),
                person.office is not None,
                np.log(len(person.mentions)),
                name[:1].islower(),
                name.isupper(),
            ]
        )
    return np.array(rows, dtype=np.float64)


def subject_scores(features: Float, weights: Mapping[str, float]) -> Float:
    """Probability of each person, a row of ``subject_features``, to be a subject."""
    return sigmoid(features @ np.array([weights.get(name, 0.0) for name in FEATURES]))


def _over_mentions(logits: TextLogits, person: Person) -> Float:
    by_mention = [softmax(logits.words[m.words[0] : m.words[1], TOKEN["roles"]].mean(axis=0)) for m in person.mentions]
    return np.mean(by_mention, axis=0)  # type: ignore[no-any-return]


def _log_odds(p: float) -> float:
    p = min(max(float(p), _SURE), 1 - _SURE)
    return float(np.log(p / (1 - p)))
