"""Check a corpus beyond what its format can say: codes, contradictions, duplicates, splits.

Memory grows by a sketch of about a kilobyte a text, not by the texts.
"""

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from nlp import gazetteer, regions
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, Flag, Label, MentionType, Role, Status
from training.corpus import CorpusText, iter_unique
from training.split import Card, card, leaks

EVIDENCE_SENTENCES: Final = 3
_YEARS: Final = range(2004, 2031)
_MARKUP: Final = re.compile(r"\{(?:[POGY]\d*|[RD](?:=[\d.]+)?|[EX]):|\[\[\w+:|^=== ", re.MULTILINE)
_CLITIC: Final = re.compile(r"(?:nya|ku|mu|lah|kah|pun|[ae])\b", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ud800-\udfff]")
_DEGREE: Final = re.compile(r",\s*(?:S|M|Dr)\.|^(?:Drs?|Hj?|Ir|Pak|Bu|Bapak|Ibu)\.?\s", re.IGNORECASE)
_LEVELS: Final = {"kabupaten": 2, "kab.": 2, "kota": 2, "provinsi": 1, "kecamatan": 3, "kec.": 3, "kelurahan": 4}

_CARRIERS: Final[dict[Label, frozenset[Status]]] = {
    Label.ALLEGATION: frozenset({Status.ALLEGED}),
    Label.PROCEEDING: frozenset({Status.IN_PROCESS, Status.ALLEGED}),
    Label.SANCTIONED: frozenset({Status.SANCTIONED, Status.IN_PROCESS, Status.ALLEGED}),
    Label.CLEARED: frozenset({Status.CLEARED}),
    Label.NON_VIOLATION: frozenset({Status.LAWFUL, Status.VICTIM}),
}
"""Of the subjects that a text names, one at least has such a status; who is punished or accused may stay unnamed."""


def _codes(text: CorpusText) -> Iterator[tuple[str, str]]:
    for mention in text.mentions:
        if mention.type is MentionType.REGION and mention.code:
            yield f"mentions ({mention.id})", mention.code
    for official in text.officials:
        if official.region:
            yield "officials.region", official.region
    for code in text.regions:
        yield "regions", code
    if text.primary_region:
        yield "primary_region", text.primary_region


def _regions(text: CorpusText) -> Iterator[str]:
    for field, code in sorted({(f, c) for f, c in _codes(text) if not regions.exists(c)}):
        yield f"{field}: {code} is no Kemendagri code"
    if text.has("regions"):
        named = {m.code for m in text.mentions if m.code and not m.dateline} | {text.primary_region}
        if set(text.regions) != named - {None}:
            yield f"regions: {text.regions} are not the codes of the mentions and the primary region"
    for m in text.mentions:
        if m.code and (problem := _level_problem(text.text[m.start : m.end], m.code)):
            yield f"mentions ({m.id}): {problem}"


def _level_problem(written: str, code: str) -> str:
    """What is wrong between "Kabupaten …", "Kota …" as written and the code's level and kind."""
    word = written.split()[0].lower()
    if word not in _LEVELS:
        return ""
    parts = code.split(".")
    is_city = len(parts) == 2 and int(parts[1]) >= 71
    if word in ("kabupaten", "kab.") and is_city:
        return f"{written!r} has the code {code} of a kota"
    if word == "kota":
        # A kabupaten's seat is called a kota too, where no kota bears the name.
        bare = gazetteer.key(written.partition(" ")[2])
        twin = len(parts) == 2 and not is_city and any(int(c[3:]) >= 71 for c in gazetteer.find_bare(bare) if "." in c)
        return f"{written!r} has the code {code} of the kabupaten" if twin else ""
    return "" if len(parts) == _LEVELS[word] else f"{written!r} has the code {code}, which is no {word}"


def _spans(text: CorpusText) -> Iterator[str]:
    for name in ("mentions", "evidence", "ignored"):
        for span in getattr(text, name):
            if _cuts_word(text.text, span.start) or _cuts_word(text.text, span.end):
                yield f"{name}: {span.start}-{span.end} ({text.text[span.start : span.end][:40]!r}) cuts a word"
    if len(text.evidence) > EVIDENCE_SENTENCES:
        yield f"evidence: {len(text.evidence)} stretches; mark the one to three that decide the label"
    for layer in ("evidence", "ignored"):
        spans = sorted(getattr(text, layer), key=lambda s: s.start)
        if any(a.end > b.start for a, b in pairwise(spans)):
            yield f"{layer}: two spans overlap"
    for m in text.mentions:
        if m.type is MentionType.PERSON and _DEGREE.search(text.text[m.start : m.end]):
            yield f"mentions ({m.id}): a title or degree in the person {text.text[m.start : m.end]!r}"


def _cuts_word(text: str, at: int) -> bool:
    """Whether a span's border lies inside a word; a clitic ("kepala sekolahnya") may stay outside."""
    inside = 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()
    return inside and not _CLITIC.match(text, at)


def _contradictions(text: CorpusText) -> Iterator[str]:
    subjects = [o for o in text.officials if o.role is Role.SUBJECT]
    accused = [o for o in subjects if o.status in ACCUSED_STATUSES]
    if accused and text.label not in CASE_LABELS:
        yield f"officials: an accused person ({accused[0].status}) in a text labelled {text.label}"
    elif subjects and text.label not in _CARRIERS:
        yield f"officials: a person with role subject in a text labelled {text.label}; see GUIDE 5"
    statuses = {o.status for o in subjects}
    if statuses and not statuses & _CARRIERS.get(text.label, frozenset(Status)):
        shown = ", ".join(sorted(str(x) for x in statuses))
        yield f"officials: labelled {text.label}, but every subject is {shown}"
    if text.label is Label.CLEARED and Status.SANCTIONED in statuses:
        yield "officials: a sanctioned person in a text labelled cleared"
    yield from _groups(text)


def _groups(text: CorpusText) -> Iterator[str]:
    if text.label is Label.NOT_RELEVANT and text.subjects:
        yield "subjects: a not_relevant text has none"
    if text.has("subjects") and text.label is not Label.NOT_RELEVANT and not text.subjects:
        yield f"subjects: a text labelled {text.label} says whose neutrality it is about"
    if text.label is Label.NOT_RELEVANT and text.flags:
        yield "flags: a not_relevant text has none"
    if Flag.UNDER_APPEAL in text.flags and text.label not in (Label.SANCTIONED, Label.CLEARED, Label.PROCEEDING):
        yield f"flags: under_appeal in a text labelled {text.label}: there is nothing to appeal against"
    if Flag.INFORMAL_WARNING in text.flags and text.label not in CASE_LABELS:
        yield f"flags: informal_warning in a text labelled {text.label}"
    for name in ("flags", "forms", "subjects", "regions", "confusions", "layers"):
        values = getattr(text, name)
        if len(set(values)) < len(values):
            yield f"{name}: a value stands twice in {[str(v) for v in values]}"


def _dates(text: CorpusText) -> Iterator[str]:
    if text.date and text.date.year not in _YEARS:
        yield f"date: {text.date} is outside {_YEARS.start} to {_YEARS.stop - 1}"
    if text.date and text.election.year and not -6 <= text.election.year - text.date.year <= 5:
        yield f"election: year {text.election.year} in a text of {text.date}"
    for a in text.annotations:
        if a.date and a.date > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
            yield f"annotations: {a.by} annotated on {a.date}, which lies ahead"


def _writing(text: CorpusText) -> Iterator[str]:
    if found := _MARKUP.search(text.text):
        yield f"text: markup is left in it: {text.text[found.start() : found.start() + 30]!r}"
    if found := _CONTROL.search(text.text):
        yield f"text: the character U+{ord(found[0]):04X} at {found.start()}; clean the text and shift the offsets"
    if text.text != text.text.strip():
        yield "text: begins or ends with white space"
    if text.text != unicodedata.normalize("NFC", text.text):
        yield "text: not in Unicode NFC; normalise it before annotating"
    if text.has("officials") and not text.has("mentions"):
        yield "layers: officials without mentions"


_RULES: Final[tuple[Callable[[CorpusText], Iterator[str]], ...]] = (
    _regions,
    _spans,
    _contradictions,
    _dates,
    _writing,
)


def problems_of(text: CorpusText) -> list[str]:
    """All that is wrong inside one text, as ``FIELD: problem``."""
    return [p for rule in _RULES for p in rule(text)]


def _duplicates(cards: Iterable[Card]) -> Iterator[str]:
    first: dict[str, str] = {}
    for c in cards:
        if c.digest in first:
            yield f"{c.id}: text: the same as that of {first[c.digest]}"
        first.setdefault(c.digest, c.id)


def _pairs(cards: Iterable[Card]) -> Iterator[str]:
    """A group is a minimal pair: it has two texts, and its labels differ."""
    groups: dict[str, list[Card]] = defaultdict(list)
    for c in cards:
        if c.group:
            groups[c.group].append(c)
    for name, members in groups.items():
        if len(members) < 2:
            yield f"{members[0].id}: group: nobody else is in '{name}'"
        elif len({c.label for c in members}) == 1:
            yield f"{members[0].id}: group: all {len(members)} texts of '{name}' are {members[0].label}"


def check(path: Path, *, private: bool = False) -> tuple[int, list[str]]:
    """Return the number of valid texts and one message a problem: ``FILE:LINE (ID): FIELD: problem``, or ``split: …``.

    Private texts are a problem unless ``private`` allows them.

    Raises:
        NetralitasError: the file cannot be read.
    """
    problems: list[str] = []
    cards: list[Card] = []
    for text, where in iter_unique(path):
        if text is None:
            problems.append(where)
            continue
        problems += [f"{where}: {p}" for p in problems_of(text)]
        if text.private and not private:
            problems.append(f"{where}: private: real text in a corpus for release; keep it in a file of its own")
        cards.append(card(text))
    problems += [f"{path}: {p}" for p in (*_duplicates(cards), *_pairs(cards))]
    missing = [c.id for c in cards if not c.split]
    if missing and len(missing) < len(cards):
        problems.append(f"split: {len(missing)} texts have none, {missing[0]} is the first; run 'data split'")
    return len(cards), problems + leaks(cards)
