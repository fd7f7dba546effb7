r"""The annotators' format: a header of ``key: value`` lines and the text with its annotations inline.

::

    === kudus-01
    kind: news
    style: local
    date: 2024-10-07
    event: kudus-apel-sekda
    label: prevention
    subjects: asn
    primary: 33.19
    election: pilbup_pilwalkot 2024
    official: P1 | O1 | G1 | 33.19 | overseer
    ---
    {D=33.19:KUDUS} - {O1:Ketua} {G1:Bawaslu {R=33.19:Kudus}}, {P1:Rofiah}, {E:meminta ASN netral.}
    {X:Baca juga: Camat Dilaporkan}

``annotators: a1, a2`` says who annotated it; ``annotation: a1 | 2024-10-09 | 2 | label, evidence`` also when, by
which version of the guide, and which layers. ``{P1:…}`` is a PERSON (one number a human being, the same at each
mention), ``{O:…}`` OFFICE, ``{G:…}`` ORG, ``{Y:…}`` PARTY (a number where an official row needs it), ``{R=code:…}``
REGION, ``{D=code:…}`` a dateline's REGION, ``{E:…}`` evidence and ``{X:…}`` an ignored span. A literal brace or
backslash takes a backslash.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from nlp.errors import NetralitasError, describe_error
from nlp.schema import MentionType
from training.corpus import CorpusText, region_codes

_TAG = re.compile(r"\{(?:([EX])|([POGY])(\d*)|([RD])(?:=([\d.]+))?):")
_TYPES = {
    "P": MentionType.PERSON,
    "O": MentionType.OFFICE,
    "G": MentionType.ORG,
    "Y": MentionType.PARTY,
    "R": MentionType.REGION,
    "D": MentionType.REGION,
}
_LISTS = ("flags", "forms", "subjects", "confusions", "layers")
_SCALARS = ("kind", "style", "date", "event", "group", "label", "split", "url", "private")


@dataclass
class _Open:
    """A tag that is not closed yet; ``start`` is its offset in the bare text."""

    letter: str
    number: str
    code: str
    start: int


@dataclass
class _Body:
    """A marked text on its way to the bare text and its annotations."""

    text: list[str] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    spans: dict[str, list[dict[str, int]]] = field(default_factory=lambda: {"E": [], "X": []})

    def begin(self, marked: str, at: int) -> int:
        """Open the tag at ``at``; return where its content begins."""
        tag = _TAG.match(marked, at)
        if not tag:
            raise ValueError(f"unknown tag at {marked[at : at + 30]!r}; a literal brace is written \\{{")
        letter = tag[1] or tag[2] or tag[4]
        if letter == "P" and not tag[3]:
            raise ValueError(f"a person needs a number at {marked[at : at + 30]!r}, as in {{P1:…}}")
        self.open.append(_Open(letter, tag[3] or "", tag[5] or "", len(self.text)))
        return tag.end()

    def end(self) -> None:
        """Close the innermost tag."""
        if not self.open:
            raise ValueError(f"'}}' without an open tag after {''.join(self.text)[-30:]!r}")
        tag = self.open.pop()
        span = {"start": tag.start, "end": len(self.text)}
        if tag.letter in self.spans:
            self.spans[tag.letter].append(span)
            return
        mention: dict[str, Any] = {
            **span,
            "type": _TYPES[tag.letter],
            "key": tag.letter + tag.number if tag.number else "",
        }
        if tag.code:
            mention["code"] = tag.code
        if tag.letter == "D":
            mention["dateline"] = True
        self.mentions.append(mention)


def _parse_body(marked: str) -> dict[str, Any]:
    """Strip the tags of a marked text; return text, mentions, evidence, ignored and persons' mention ids."""
    body = _Body()
    i = 0
    while i < len(marked):
        if marked[i] == "\\" and marked[i + 1 : i + 2] in ("{", "}", "\\"):
            body.text.append(marked[i + 1])
            i += 2
        elif marked[i] == "{":
            i = body.begin(marked, i)
        elif marked[i] == "}":
            body.end()
            i += 1
        else:
            body.text.append(marked[i])
            i += 1
    if body.open:
        raise ValueError(f"tag {{{body.open[-1].letter}{body.open[-1].number}:…}} is never closed")
    persons: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    body.mentions.sort(key=lambda m: (m["start"], -m["end"]))
    for n, mention in enumerate(body.mentions, 1):
        mention["id"] = f"m{n}"
        key = mention.pop("key")
        if key.startswith("P"):
            persons.setdefault(key, []).append(mention["id"])
        elif key:
            named.setdefault(key, mention["id"])
    return {
        "text": "".join(body.text),
        "mentions": body.mentions,
        "evidence": sorted(body.spans["E"], key=lambda s: s["start"]),
        "ignored": sorted(body.spans["X"], key=lambda s: s["start"]),
        "persons": persons,
        "named": named,
    }


def _official(row: str, persons: dict[str, list[str]], named: dict[str, str]) -> dict[str, Any]:
    cells = [c.strip().strip("-") for c in row.split("|")]
    if not 5 <= len(cells) <= 6:
        raise ValueError(f"official: {row!r} needs 'P1 | O1 | G1 | code | role | status', '-' where there is none")
    person, office, agency, region, role = cells[:5]
    status = cells[5] if len(cells) == 6 else ""
    if person not in persons:
        raise ValueError(f"official: {person!r} is marked nowhere in the text")
    for ref in (office, agency):
        if ref and ref not in named:
            raise ValueError(f"official: {ref!r} is marked nowhere in the text")
    return {
        "mentions": persons[person],
        "office": named[office] if office else None,
        "agency": named[agency] if agency else None,
        "region": region or None,
        "role": role,
        "status": status or None,
    }


def _annotation(row: str) -> dict[str, Any]:
    cells = [c.strip() for c in row.split("|")]
    if len(cells) != 4:
        raise ValueError(f"annotation: {row!r} needs 'who | date | guide | layers', '-' where there is none")
    by, date, guide, layers = ("" if c == "-" else c for c in cells)
    return {"by": by, "date": date or None, "guide": guide or None, "layers": _listed(layers)}


def _listed(value: str) -> list[str]:
    return [v.strip() for v in value.split(",") if v.strip() and v.strip() != "-"]


def parse_text(block: str) -> CorpusText:
    """Turn one marked block, from its ``=== id`` line on, into a corpus text.

    Raises:
        NetralitasError: naming the id, the field and what is wrong.
    """
    head, sep, body = block.partition("\n---\n")
    lines = head.split("\n")
    text_id = lines[0].removeprefix("===").strip()
    try:
        if not sep:
            raise ValueError("no line '---' between header and text")
        return _build(text_id, lines[1:], body.strip("\n"))
    except ValidationError as e:
        raise NetralitasError(f"{text_id}: {describe_error(e)}") from e
    except ValueError as e:
        raise NetralitasError(f"{text_id}: {e}") from e


def _build(text_id: str, header: list[str], body: str) -> CorpusText:
    parsed = _parse_body(body)
    persons, named = parsed.pop("persons"), parsed.pop("named")
    record: dict[str, Any] = {"id": text_id, "officials": [], "annotations": [], **parsed}
    for line in header:
        key, colon, value = (p.strip() for p in line.partition(":"))
        if not colon:
            raise ValueError(f"header line {line!r} is not 'key: value'")
        if key == "official":
            record["officials"].append(_official(value, persons, named))
        elif key == "annotators":
            record["annotations"] += [{"by": name} for name in _listed(value)]
        elif key == "annotation":
            record["annotations"].append(_annotation(value))
        else:
            field_name, content = _field(key, value)
            if field_name in record:
                raise ValueError(f"{key}: given twice")
            record[field_name] = content
    if "layers" not in record or "regions" in record["layers"]:
        record["regions"] = region_codes(record["mentions"], record.get("primary_region"))
    return CorpusText.model_validate({k: v for k, v in record.items() if v is not None})


def _field(key: str, value: str) -> tuple[str, Any]:
    """A plain header line as the corpus's field and its value; None where the line is empty."""
    given = value if value not in ("", "-") else None
    if key in _LISTS:
        return key, [int(v) if key == "confusions" else v for v in _listed(value)]
    if key in _SCALARS:
        return key, given
    if key == "primary":
        return "primary_region", given
    if key == "election":
        words = [w for w in value.replace(",", " ").split() if w not in ("-", "none")]
        years = [int(w) for w in words if w.isdigit()]
        return key, {"type": [w for w in words if not w.isdigit()], "year": years[0] if years else None}
    raise ValueError(f"{key}: unknown header field")


def parse_file(content: str, name: str) -> tuple[list[CorpusText], list[str]]:
    """Parse a markup file; return its good texts and one message a bad block, as ``FILE:LINE: ID: problem``."""
    texts: list[CorpusText] = []
    problems: list[str] = []
    starts = [m.start() for m in re.finditer(r"^=== ", content, re.MULTILINE)]
    if content[: starts[0] if starts else None].strip():
        problems.append(f"{name}:1: text before the first '=== id' line")
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        try:
            texts.append(parse_text(content[start:end]))
        except NetralitasError as e:
            problems.append(f"{name}:{content.count(chr(10), 0, start) + 1}: {e}")
    return texts, problems


def _escape(text: str) -> str:
    return re.sub(r"([{}\\])", r"\\\1", text)


def _marks(text: CorpusText) -> tuple[dict[str, str], list[tuple[int, int, str]]]:
    """Name the mentions (m3 -> P1, O1, …) and list every tag as (start, end, opening)."""
    person_of = {m: f"P{n}" for n, o in enumerate(text.officials, 1) for m in o.mentions}
    linked = {ref for o in text.officials for ref in (o.office, o.agency) if ref}
    letters = {MentionType.OFFICE: "O", MentionType.ORG: "G", MentionType.PARTY: "Y"}
    keys: dict[str, str] = {}
    tags: list[tuple[int, int, str]] = []
    for m in text.mentions:
        if m.type is MentionType.REGION:
            tag = ("D" if m.dateline else "R") + (f"={m.code}" if m.code else "")
        elif m.type is MentionType.PERSON:
            tag = person_of[m.id]
        else:
            letter = letters[m.type]
            tag = f"{letter}{1 + sum(k[0] == letter for k in keys.values())}" if m.id in linked else letter
            if m.id in linked:
                keys[m.id] = tag
        tags.append((m.start, m.end, "{" + tag + ":"))
    tags += [(s.start, s.end, "{E:") for s in text.evidence] + [(s.start, s.end, "{X:") for s in text.ignored]
    # Outer spans first; of two equal spans evidence encloses, and a region lies inside.
    order = {"{E": 0, "{R": 2, "{D": 2}
    tags.sort(key=lambda t: (t[0], -t[1], order.get(t[2][:2], 1)))
    return keys, tags


def render_text(text: CorpusText) -> str:
    """Write a corpus text as a marked block that :func:`parse_text` reads back to the same text.

    Raises:
        NetralitasError: two spans cross, which inline markup cannot show.
    """
    keys, tags = _marks(text)
    out: list[str] = []
    closing: list[int] = []
    position = 0

    def copy_to(end: int) -> None:
        nonlocal position
        out.append(_escape(text.text[position:end]))
        position = end

    for start, end, opening in tags:
        while closing and closing[-1] <= start:
            copy_to(closing[-1])
            closing.pop()
            out.append("}")
        if closing and end > closing[-1]:
            raise NetralitasError(f"{text.id}: spans cross at {text.text[start:end]!r}; inline markup must nest")
        copy_to(start)
        out.append(opening)
        closing.append(end)
    while closing:
        copy_to(closing.pop())
        out.append("}")
    copy_to(len(text.text))
    return "\n".join([*_header(text, keys), "---", "".join(out)]) + "\n"


def _header(text: CorpusText, keys: dict[str, str]) -> Iterable[str]:
    yield f"=== {text.id}"
    for name in _SCALARS:
        value = getattr(text, name)
        if value is not None and value is not False:
            yield f"{name}: {str(value).lower() if value is True else value}"
    for name in _LISTS:
        values = getattr(text, name)
        if values and not (name == "layers" and values == list(CorpusText.model_fields["layers"].default)):
            yield f"{name}: {', '.join(str(v) for v in values)}"
    for a in text.annotations:
        yield f"annotation: {a.by} | {a.date or '-'} | {a.guide or '-'} | {', '.join(a.layers) or '-'}"
    if text.primary_region:
        yield f"primary: {text.primary_region}"
    election = [*text.election.type, *([str(text.election.year)] if text.election.year else [])]
    if election:
        yield f"election: {' '.join(election)}"
    for n, o in enumerate(text.officials, 1):
        cells = [f"P{n}", keys.get(o.office or "", "-"), keys.get(o.agency or "", "-"), o.region or "-", o.role]
        yield "official: " + " | ".join(cells + ([o.status] if o.status else []))
