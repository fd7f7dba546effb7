"""Change a labelled text, and keep its offsets true."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from training.corpus import CorpusText, Mention

Edit = tuple[int, int, str]
"""Start, end and new words of a stretch of the text."""


def apply_edits(text: CorpusText, edits: Sequence[Edit], codes: Mapping[str, str] | None = None) -> CorpusText:
    """The text with its edits, which are in order and do not overlap; all offsets are moved, and region codes are
    exchanged by ``codes``."""
    codes = codes or {}
    parts, at = [], 0
    ends, shifts, shift = [], [], 0
    for start, end, new in edits:
        parts += [text.text[at:start], new]
        at = end
        shift += len(new) - (end - start)
        ends.append(end)
        shifts.append(shift)

    def moved(position: int) -> int:
        i = bisect_right(ends, position)
        return position + (shifts[i - 1] if i else 0)

    def span(s: Any) -> dict[str, Any]:
        # An edit ends where its mention ends, so an end moves with the edits up to it, a start with those before it.
        return {"start": moved(s.start), "end": moved(s.end)}

    def mention(m: Mention) -> Mention:
        return m.model_copy(update=span(m) | {"code": codes.get(m.code, m.code) if m.code else None})

    def code(old: str | None) -> str | None:
        return codes.get(old, old) if old else None

    changed = text.model_dump() | {
        "text": "".join(parts) + text.text[at:],
        "mentions": [mention(m).model_dump() for m in text.mentions],
        "evidence": [span(s) for s in text.evidence],
        "ignored": [span(s) for s in text.ignored],
        "officials": [o.model_dump() | {"region": code(o.region)} for o in text.officials],
        "regions": [code(r) for r in text.regions],
        "primary_region": code(text.primary_region),
    }
    return CorpusText.model_validate(changed)
