"""Choose texts for labelling from an unlabelled feed: the most uncertain, and unlike each other."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import ValidationError
from sklearn.feature_extraction.text import HashingVectorizer

from nlp.read import DeadCode, DeadLetter, Item
from nlp.record import Record
from nlp.tagger import Reading, Tagger
from training.corpus import LAYERS, Annotation, CorpusText, Layer
from training.exchange.label_studio import to_task
from training.exchange.records import draft

POOL: Final = 20
"""As many candidates are kept for each text wanted; the memory needed grows with the wish, not with the feed."""


@dataclass(frozen=True)
class Choice:
    """A text for labelling with what the model makes of it; ``uncertainty`` is 1 - (best score - second score)."""

    item: Item
    reading: Reading
    record: Record
    uncertainty: float


def uncertainty(record: Record) -> float:
    """One minus the margin between the two best labels: 1 where the model cannot choose."""
    first, second = heapq.nlargest(2, record.scores.values())
    return 1 - (first - second)


def choose(rows: Iterable[Item | DeadLetter], tagger: Tagger, wanted: int) -> tuple[list[Choice], list[DeadLetter]]:
    """The texts to label, most uncertain first; each next one is penalised by its likeness to those chosen.

    Likeness is the cosine of hashed word and word-pair counts. Rows that cannot be tagged come back as dead letters.
    """
    pool: list[tuple[float, int, Choice]] = []
    dead: list[DeadLetter] = []
    for number, row in enumerate(rows):
        if isinstance(row, DeadLetter):
            dead.append(row)
            continue
        try:
            reading = tagger.read(row.text)
        except ValueError as e:
            dead.append(row.dead(DeadCode.NO_WORDS, str(e)))
            continue
        record = tagger.record(reading, id=row.id or f"{row.file}:{row.line}", date=row.date, source=row.source)
        score = uncertainty(record)
        entry = (score, -number, Choice(row, reading, record, round(score, 4)))
        if len(pool) < POOL * wanted:
            heapq.heappush(pool, entry)
        else:
            heapq.heappushpop(pool, entry)
    return _spread([c for _, _, c in sorted(pool, reverse=True)], wanted), dead


def _spread(candidates: list[Choice], wanted: int) -> list[Choice]:
    if not candidates:
        return []
    vectors = HashingVectorizer(n_features=2**18, ngram_range=(1, 2), alternate_sign=False).transform(
        [c.item.text for c in candidates]
    )
    scores = np.array([c.uncertainty for c in candidates])
    likeness = np.zeros(len(candidates))
    chosen: list[int] = []
    while len(chosen) < min(wanted, len(candidates)):
        gain = scores * (1 - likeness)
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        likeness = np.maximum(likeness, (vectors @ vectors[best].T).toarray()[:, 0])
    return [candidates[i] for i in chosen]


def _draft(choice: Choice) -> CorpusText:
    mentions = [(m.start, m.end, m.type) for m in choice.reading.mentions]
    layers: list[Layer] = [layer for layer in LAYERS if layer != "evidence" or choice.record.evidence]
    return draft(choice.item.text, choice.record, mentions, [Annotation(by="model")], layers)


def tasks(choices: Iterable[Choice]) -> Iterable[dict[str, Any]]:
    """Label Studio tasks with the model's predictions; a bare task where these cannot be shown."""
    for choice in choices:
        model = f"{choice.record.versions.model} {choice.record.versions.model_sha256[:12]}"
        try:
            task = to_task(_draft(choice), (model, choice.record.label.score))
        except ValidationError:
            task = {"data": {"text": choice.item.text, "id": choice.item.id}}
        # Nobody has annotated the text yet: what the import adds is the person who corrects it.
        if "meta" in task["data"]:
            task["data"]["meta"]["annotations"] = []
        yield task
