"""Turn a text's logits into probabilities and mentions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.encode import FloatArray
from nlp.outputs import REGION_TAGS, SPAN_TAGS, TOKEN
from nlp.schema import MentionType
from nlp.window import IntArray, Span

Float = NDArray[np.float64]


@dataclass(frozen=True)
class FoundMention:
    """A mention, ``text[start:end]``; ``words`` are its first and past-last word, ``score`` its mean probability."""

    start: int
    end: int
    type: MentionType
    words: Span
    score: float


def softmax(logits: FloatArray | Float) -> Float:
    """Softmax over the last axis, in double precision."""
    x = logits.astype(np.float64)
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(x / x.sum(axis=-1, keepdims=True))


def sigmoid(logits: FloatArray | Float) -> Float:
    """Logistic function, in double precision."""
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))


def _transitions(tags: Sequence[str]) -> Float:
    """Log-scores of tag bigrams: I-X may follow only B-X or I-X."""
    out = np.zeros((len(tags), len(tags)))
    for j, tag in enumerate(tags):
        if tag.startswith("I-"):
            for i, previous in enumerate(tags):
                if previous not in (f"B-{tag[2:]}", tag):
                    out[i, j] = -np.inf
    return out


_ALLOWED = {SPAN_TAGS: _transitions(SPAN_TAGS), REGION_TAGS: _transitions(REGION_TAGS)}


def _viterbi(log_probs: Float, allowed: Float, tags: Sequence[str]) -> IntArray:
    """Best legal tag sequence: [w] tag indices."""
    score = np.where([t.startswith("I-") for t in tags], -np.inf, log_probs[0])
    back = np.zeros(log_probs.shape, dtype=np.int64)
    for t in range(1, len(log_probs)):
        step = score[:, None] + allowed
        back[t] = step.argmax(axis=0)
        score = step.max(axis=0) + log_probs[t]
    path = np.zeros(len(log_probs), dtype=np.int64)
    path[-1] = score.argmax()
    for t in range(len(log_probs) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


_BRACKETS = {"(": ")", "[": "]"}
_GLUED = re.compile(r"[\u0300-\u036f\u200d\ufe0e\ufe0f]+")


def _tidy(text: str, start: int, end: int) -> Span:
    """Let a mention end after its combining marks, and drop a bracket that has no partner inside."""
    if glued := _GLUED.match(text, end):
        end = glued.end()
    span = text[start:end]
    for left, right in _BRACKETS.items():
        if span.count(left) > span.count(right) and span.endswith(left):
            end -= 1
        elif span.count(left) > span.count(right) and right == text[end : end + 1]:
            end += 1
        elif span.count(right) > span.count(left) and span.endswith(right):
            end -= 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _layer(text: str, words: IntArray, logits: FloatArray, tags: Sequence[str]) -> list[FoundMention]:
    probs = softmax(logits)
    path = _viterbi(np.log(probs + 1e-12), _ALLOWED[tuple(tags)], tags)
    found: list[FoundMention] = []
    w = 0
    while w < len(path):
        tag = tags[path[w]]
        if tag == "O":
            w += 1
            continue
        last = w + 1
        while last < len(path) and tags[path[last]] == f"I-{tag[2:]}":
            last += 1
        start, end = _tidy(text, int(words[w, 0]), int(words[last - 1, 1]))
        score = float(np.mean([probs[i, path[i]] for i in range(w, last)]))
        if end > start:
            found.append(FoundMention(start, end, MentionType(tag[2:]), (w, last), score))
        w = last
    return found


def joined_persons(text: str, found: Sequence[FoundMention]) -> list[FoundMention]:
    """Join PERSON mentions with nothing but a space between them: "Moh. Rizal" is one name."""
    out: list[FoundMention] = []
    for m in found:
        before = out[-1] if out else None
        if before and before.type is m.type is MentionType.PERSON and text[before.end : m.start] in ("", " "):
            score = (before.score + m.score) / 2
            out[-1] = FoundMention(before.start, m.end, m.type, (before.words[0], m.words[1]), score)
        else:
            out.append(m)
    return out


def mentions(text: str, words: IntArray, logits: FloatArray) -> list[FoundMention]:
    """Decode both tagging layers: spans of PERSON, OFFICE, ORG and PARTY, and REGION, in text order.

    ``words`` [w, 2] are offsets, ``logits`` [w, k] the token logits of each word.
    """
    if not len(words):
        return []
    flat = joined_persons(text, _layer(text, words, logits[:, TOKEN["spans"]], SPAN_TAGS))
    regions = _layer(text, words, logits[:, TOKEN["regions"]], REGION_TAGS)
    return sorted(flat + regions, key=lambda m: (m.start, -m.end))
