"""Sentences, and those of them on which a text's label rests."""

import itertools
import re
from collections.abc import Sequence

from nlp.decode import Float
from nlp.record import EvidenceRecord
from nlp.schema import Label
from nlp.window import IntArray, Span

_END = re.compile(r"[.!?…]+[\"”’')\]]*(?=\s+[\"“‘'(\[]?[A-Z0-9@#]|\s*$)|[\r\n]+", re.MULTILINE)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Drs?|Dra|Hj|Ir|Prof|KH|Kab|Kec|Kel|Prov|No|Jl|Rp|Plt|Plh|Pj|Pjs|Ust|dkk|dll|Sdr|St|Gg|Jend|Tgk|Tk|Kep|Pol|Wk|vs|a\.n|d\.a)"
    r"|\b(?:[A-Z]\.)+[A-Z][a-z]{0,3})\.\Z"
)
_MAX_SENTENCES = 3
_THRESHOLD = 0.5


def sentences(text: str, ignored: Sequence[Span] = ()) -> list[Span]:
    """Sentences of the text outside its ignored spans, as offsets without surrounding white space."""
    cuts = {0, len(text)}
    for match in _END.finditer(text):
        if not _ABBREVIATION.search(text[max(0, match.end() - 12) : match.end()]):
            cuts.add(match.end())
    for span in ignored:
        cuts.update(span)
    edges = sorted(cuts)
    out = []
    for start, end in itertools.pairwise(edges):
        if any(s <= start and end <= e for s, e in ignored):
            continue
        piece = text[start:end]
        if stripped := piece.strip():
            lead = piece.find(stripped)
            out.append((start + lead, start + lead + len(stripped)))
    return out


def find_evidence(
    text: str, words: IntArray, probabilities: Float, ignored: Sequence[Span], label: Label
) -> list[EvidenceRecord]:
    """The up to three likeliest evidence sentences, in text order; at least one if the text has words.

    ``probabilities`` [w] are the words' evidence probabilities; a sentence scores their mean.
    """
    scored = []
    for start, end in sentences(text, ignored):
        inside = (words[:, 0] >= start) & (words[:, 1] <= end)
        if inside.any():
            scored.append((float(probabilities[inside].mean()), start, end))
    best = sorted(scored, reverse=True)[:_MAX_SENTENCES]
    kept = [s for i, s in enumerate(best) if i == 0 or s[0] >= _THRESHOLD]
    return [
        EvidenceRecord(start=start, end=end, quote=text[start:end], score=round(score, 4), supports=label)
        for score, start, end in sorted(kept, key=lambda s: s[1])
    ]
