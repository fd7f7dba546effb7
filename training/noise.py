"""Spoil labelled texts as feeds do: casing, scanning and typing errors, lost beginnings and ends, stray headlines.

What decides the label stays: a text is never cut inside or before its evidence's end, nor after its beginning.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from training.corpus import CorpusText
from training.edits import Edit, apply_edits

_MISREAD: Final = {"l": "1", "i": "l", "o": "0", "e": "c", "g": "q", "s": "5", "rn": "m", "O": "0", "I": "l", "B": "8"}
"""What a scanner makes of letters."""
_MISREAD_SHARE: Final = 0.01
_TYPED_SHARE: Final = 0.02
_WORD: Final = re.compile(r"[a-z]{4,}")
_BREAK: Final = re.compile(r"\n\s*\n")
_HEADLINES: Final = 3


def _recased(text: CorpusText, rng: np.random.Generator) -> CorpusText:
    """All in small letters, as people post, or all in capitals."""
    new = text.text.lower() if rng.random() < 0.8 else text.text.upper()
    return text.model_copy(update={"text": new}) if len(new) == len(text.text) else text


def _misread(text: CorpusText, rng: np.random.Generator) -> CorpusText:
    """Scanning errors, also in names."""
    found = [m for m in re.finditer("|".join(_MISREAD), text.text) if rng.random() < _MISREAD_SHARE]
    return apply_edits(text, [(m.start(), m.end(), _MISREAD[m[0]]) for m in found])


def _mistyped(text: CorpusText, rng: np.random.Generator) -> CorpusText:
    """Typing errors outside of the mentions: a letter lost, doubled, or exchanged with the next."""
    marked = [(m.start, m.end) for m in text.mentions]
    edits: list[Edit] = []
    for word in _WORD.finditer(text.text):
        if rng.random() >= _TYPED_SHARE or any(s < word.end() and word.start() < e for s, e in marked):
            continue
        at = int(rng.integers(1, len(word[0]) - 1))
        a, b = word[0][at], word[0][at + 1]
        new = (b, a + a + b, b + a)[rng.integers(3)]
        edits.append((word.start() + at, word.start() + at + 2, new))
    return apply_edits(text, edits)


def _cut(text: CorpusText, rng: np.random.Generator) -> CorpusText:
    """Page two without page one, or a teaser without the rest: whole paragraphs before or after the evidence."""
    breaks = [m.end() for m in _BREAK.finditer(text.text)]
    first = min((e.start for e in text.evidence), default=0)
    last = max((e.end for e in text.evidence), default=len(text.text))
    starts, ends = [b for b in breaks if b <= first], [b for b in breaks if b >= last]
    start, end = 0, len(text.text)
    if starts and (rng.random() < 0.5 or not ends):
        start = int(rng.choice(starts))
    elif ends:
        end = int(rng.choice(ends))
    return _part(text, start, end)


def _part(text: CorpusText, start: int, end: int) -> CorpusText:
    """The text from ``start`` to ``end``, with what is annotated there."""

    def inside(spans: Sequence[dict[str, int]]) -> list[dict[str, int]]:
        kept = [s for s in spans if start <= s["start"] and s["end"] <= end]
        return [s | {"start": s["start"] - start, "end": s["end"] - start} for s in kept]

    values = text.model_dump()
    mentions = inside(values["mentions"])
    ids = {m["id"] for m in mentions}
    officials = []
    for official in values["officials"]:
        named = [i for i in official["mentions"] if i in ids]
        posts = {key: official[key] if official[key] in ids else None for key in ("office", "agency")}
        officials += [official | posts | {"mentions": named}] if named else []
    changed = {
        "text": text.text[start:end],
        "mentions": mentions,
        "officials": officials,
        "evidence": inside(values["evidence"]),
        "ignored": inside(values["ignored"]),
    }
    return CorpusText.model_validate(values | changed)


def _headlined(text: CorpusText, headlines: Sequence[str], rng: np.random.Generator) -> CorpusText:
    """Headlines of other texts at the end, as pages have them, with nothing that says that they are links."""
    chosen = rng.choice(len(headlines), size=min(_HEADLINES, len(headlines)), replace=False)
    return text.model_copy(update={"text": "\n\n".join([text.text, *(headlines[i] for i in chosen)])})


def noise_share(texts: Sequence[CorpusText], share: float, seed: int) -> list[CorpusText]:
    """The texts, a random share of them spoilt in one of five ways; the same seed gives the same texts."""
    rng = np.random.default_rng([seed, 2])
    firsts = (t.text.split("\n", 1)[0].strip() for t in texts)
    headlines = sorted({line for line in firsts if 20 <= len(line) <= 120})
    ways: list[Callable[[CorpusText], CorpusText]] = [
        lambda t: _recased(t, rng),
        lambda t: _misread(t, rng),
        lambda t: _mistyped(t, rng),
        lambda t: _cut(t, rng),
        lambda t: _headlined(t, headlines, rng),
    ]
    return [ways[rng.integers(len(ways))](t) if rng.random() < share else t for t in texts]
