"""Choose texts for labelling from an unlabelled feed: the most uncertain, and unlike each other."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import ValidationError
from sklearn.feature_extraction.text import HashingVectorizer

from nlp.read import DeadLetter, Item
from nlp.record import Record
from nlp.schema import CASE_LABELS, UNCERTAIN, Form, MentionType, Role
from nlp.tagger import Reading, Tagger
from training.corpus import CorpusText
from training.exchange.label_studio import to_task

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
            dead.append(DeadLetter(row.file, row.line, str(e), row.text[:200]))
            continue
        record = tagger.record(reading, id=row.id, date=row.date, source=row.source)
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


def draft(choice: Choice, number: int) -> CorpusText:
    """The model's record as an annotation to be corrected; private, for the project did not write the text.

    Raises:
        ValidationError: the record contradicts itself in a way that no corpus text may.
    """
    item, record, reading = choice.item, choice.record, choice.reading
    spans = {(m.start, m.end): f"m{n}" for n, m in enumerate(reading.mentions, 1)}
    codes = {(s, e): r.code for r in record.regions for s, e in r.mentions}
    mentions = [
        {"id": spans[m.start, m.end], "type": m.type, "start": m.start, "end": m.end}
        | ({"code": codes[m.start, m.end]} if m.type is MentionType.REGION and (m.start, m.end) in codes else {})
        for m in reading.mentions
    ]
    officials = [
        {
            "mentions": [spans[m] for m in map(tuple, o.mentions) if m in spans],
            "role": Role.OTHER if o.role == UNCERTAIN else o.role,
            "status": o.status,
            "region": o.region,
        }
        for o in record.officials
    ]
    forms = [f.name for f in record.forms] or [Form.OTHER_UNSPECIFIED]
    layers = ["label", "flags", "forms", "subjects", "mentions", "officials", "regions", "election", "ignored"]
    return CorpusText.model_validate(
        {
            "id": item.id or f"{item.file}:{item.line}",
            "text": item.text,
            "kind": "news",
            "style": "real",
            "date": item.date,
            "event": f"sample-{number}",
            "private": True,
            "url": item.source.url,
            "annotations": [{"by": "model"}],
            "layers": layers + ["evidence"] * bool(record.evidence),
            "label": record.label.name,
            "flags": record.flags,
            "forms": forms if record.label.name in CASE_LABELS else [],
            "subjects": record.subject_groups,
            "evidence": [{"start": e.start, "end": e.end} for e in record.evidence],
            "mentions": mentions,
            "officials": officials,
            "regions": [r.code for r in record.regions],
            "primary_region": next((r.code for r in record.regions if r.primary), None),
            "election": {"type": record.election.type, "year": record.election.year},
            "ignored": [{"start": s, "end": e} for s, e in record.ignored],
        }
    )


def tasks(choices: Iterable[Choice]) -> Iterable[dict[str, Any]]:
    """Label Studio tasks with the model's predictions; a bare task where these cannot be shown."""
    for number, choice in enumerate(choices, 1):
        model = f"{choice.record.versions.model} {choice.record.versions.model_sha256[:12]}"
        try:
            task = to_task(draft(choice, number), (model, choice.record.label.score))
        except ValidationError:
            task = {"data": {"text": choice.item.text, "id": choice.item.id}}
        # Nobody has annotated the text yet: what the import adds is the person who corrects it.
        if "meta" in task["data"]:
            task["data"]["meta"]["annotations"] = []
        yield task
