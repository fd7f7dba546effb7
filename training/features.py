"""Turn corpus texts into what the model is trained on: windows of ids with targets, as a ``datasets.Dataset``."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from nlp.clean import find_ignored
from nlp.outputs import DOCUMENT, DOCUMENT_SIZE, REGION_TAGS, SPAN_TAGS
from nlp.schema import Flag, Form, Label, MentionType, Role, Status, SubjectGroup
from nlp.window import IntArray, tokenise, windows
from training.corpus import CorpusText, Mention
from training.model import Shape

UNKNOWN = -100
"""Target that no loss counts: a special or later token, or a layer that is not annotated."""

TOKEN_TARGETS = ("spans", "regions", "roles", "statuses", "evidence")


def document_target(text: CorpusText) -> list[float]:
    """Targets of the document heads, [DOCUMENT_SIZE]: one-hot label and multi-hot rest; UNKNOWN where unannotated."""
    out = np.zeros(DOCUMENT_SIZE)
    named: dict[str, tuple[Sequence[Any], Sequence[Any]]] = {
        "label": ([text.label], list(Label)),
        "flags": (text.flags, list(Flag)),
        "forms": (text.forms, list(Form)),
        "subjects": (text.subjects, list(SubjectGroup)),
    }
    for layer, (values, order) in named.items():
        part = out[DOCUMENT[layer]]
        if text.has(layer):  # type: ignore[arg-type]
            part[[order.index(v) for v in values]] = 1
        else:
            part[:] = UNKNOWN
    return [float(x) for x in out]


def _tag(words: IntArray, spans: Iterable[Mention], tags: Sequence[str]) -> IntArray:
    out = np.zeros(len(words), dtype=np.int64)
    for m in spans:
        inside = np.flatnonzero((words[:, 0] < m.end) & (words[:, 1] > m.start))
        if len(inside):
            out[inside] = tags.index(f"I-{m.type}")
            out[inside[0]] = tags.index(f"B-{m.type}")
    return out


def word_targets(text: CorpusText, words: IntArray) -> dict[str, IntArray]:
    """Targets of the token heads for each word, [w] each."""
    blank = np.full(len(words), UNKNOWN, dtype=np.int64)
    out = {name: blank.copy() for name in TOKEN_TARGETS}
    if text.has("mentions"):
        out["spans"] = _tag(words, (m for m in text.mentions if m.type is not MentionType.REGION), SPAN_TAGS)
        out["regions"] = _tag(words, (m for m in text.mentions if m.type is MentionType.REGION), REGION_TAGS)
    if text.has("evidence"):
        out["evidence"] = np.zeros(len(words), dtype=np.int64)
        for e in text.evidence:
            out["evidence"][(words[:, 0] < e.end) & (words[:, 1] > e.start)] = 1
    if text.has("officials"):
        by_id = {m.id: m for m in text.mentions}
        for official in text.officials:
            for mention in (by_id[i] for i in official.mentions):
                inside = (words[:, 0] < mention.end) & (words[:, 1] > mention.start)
                out["roles"][inside] = list(Role).index(official.role)
                if official.status:
                    out["statuses"][inside] = list(Status).index(official.status)
    return out


def text_features(text: CorpusText, tokenizer: Tokenizer, shape: Shape) -> dict[str, Any]:
    """Windows and targets of one text. Ignored spans are those the product's own rules find, as in use."""
    tokens = tokenise(text.text, tokenizer, find_ignored(text.text))
    targets = word_targets(text, tokens.words)
    parts = windows(tokens, tokenizer, shape.window, shape.overlap)
    row: dict[str, Any] = {
        "ids": [p.ids.tolist() for p in parts],
        "document": document_target(text),
        "length": len(parts) * max(len(p.ids) for p in parts),
    }
    for name in TOKEN_TARGETS:
        by_token = np.full(len(tokens.ids), UNKNOWN, dtype=np.int64)
        # Two words that share a token: the first one speaks.
        by_token[tokens.word_token[::-1]] = targets[name][::-1]
        row[name] = []
        for p in parts:
            values = np.full(len(p.ids), UNKNOWN, dtype=np.int64)
            values[p.prefix : p.prefix + p.end - p.start] = by_token[p.start : p.end]
            row[name].append(values.tolist())
    return row


def build_features(texts: Iterable[CorpusText], tokenizer: Tokenizer, shape: Shape) -> Dataset:
    """Features of many texts, in their order."""
    return Dataset.from_list([text_features(t, tokenizer, shape) for t in texts])


@dataclass(frozen=True)
class Batch:
    """Padded windows of several documents. ``targets`` [w, t] per token head, ``target`` [n, DOCUMENT_SIZE]."""

    ids: Tensor
    mask: Tensor
    document: Tensor
    target: Tensor
    targets: dict[str, Tensor]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(
            self.ids.to(device),
            self.mask.to(device),
            self.document.to(device),
            self.target.to(device),
            {name: target.to(device) for name, target in self.targets.items()},
        )


def _pad(rows: list[list[int]], value: int) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def collate(rows: Sequence[dict[str, Any]], pad_id: int) -> Batch:
    """Put documents into one padded batch."""
    ids = [w for row in rows for w in row["ids"]]
    return Batch(
        ids=_pad(ids, pad_id),
        mask=_pad([[1] * len(w) for w in ids], 0),
        document=torch.tensor([i for i, row in enumerate(rows) for _ in row["ids"]]),
        target=torch.tensor([row["document"] for row in rows]),
        targets={name: _pad([w for row in rows for w in row[name]], UNKNOWN) for name in TOKEN_TARGETS},
    )


def inner_tokens(mask: Tensor) -> Tensor:
    """Which tokens of padded windows are the text's own, not special ones at the ends: ``mask`` [w, t], as bool."""
    inner = mask.bool()
    # A window's last token is where its mask ends.
    inner[:, :-1] &= inner[:, 1:].clone()
    inner[:, [0, -1]] = False
    return inner


def batches(lengths: NDArray[np.int64], batch_tokens: int, seed: int) -> Iterator[list[int]]:
    """Yield shuffled lists of document indices, of like length, of about ``batch_tokens`` tokens together."""
    rng = np.random.default_rng(seed)
    # Noise in the sort key mixes neighbours anew each epoch and still keeps padding small.
    order = np.argsort(lengths * rng.uniform(0.8, 1.2, len(lengths)), kind="stable")
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and sum(lengths[j] for j in groups[-1]) + lengths[i] > batch_tokens:
            groups.append([])
        groups[-1].append(int(i))
    for g in rng.permutation(len(groups)):
        yield groups[g]
