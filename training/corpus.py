"""The corpus format: one JSON object a line, one line a text, validated whenever it is read.

Offsets are Unicode code points into ``text``; an end is exclusive.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nlp.errors import NetralitasError, describe_error
from nlp.schema import CASE_LABELS, ElectionType, Flag, Form, Kind, Label, MentionType, Role, Status, SubjectGroup
from nlp.write import write_parts

Split = Literal["train", "dev", "test"]
Layer = Literal[
    "label", "flags", "forms", "subjects", "evidence", "mentions", "officials", "regions", "election", "ignored"
]
LAYERS: tuple[Layer, ...] = get_args(Layer)

RegionCode = Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Strict):
    """A stretch of the text, ``text[start:end]``."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Span") -> bool:
        """Whether ``other`` lies inside this span."""
        return self.start <= other.start and other.end <= self.end


class Mention(Span):
    """A name in the text. ``code`` and ``dateline`` belong to REGION alone."""

    id: str
    type: MentionType
    code: RegionCode | None = None
    dateline: bool = False

    @model_validator(mode="after")
    def _region_fields(self) -> Self:
        if self.type is not MentionType.REGION and (self.code or self.dateline):
            raise ValueError(f"{self.type} mention {self.id} has a region's fields (code, dateline)")
        return self


class Official(_Strict):
    """A person of the text: all PERSON mentions of one human being, with office, role and status."""

    mentions: list[str] = Field(min_length=1)
    office: str | None = None
    agency: str | None = None
    region: RegionCode | None = None
    role: Role
    status: Status | None = None

    @model_validator(mode="after")
    def _status_of_subject(self) -> Self:
        if (self.role is Role.SUBJECT) != (self.status is not None):
            raise ValueError(f"person {self.mentions[0]}: a status is for role subject, and every subject has one")
        return self


class Election(_Strict):
    """Elections the text is about; empty ``type`` for none."""

    type: list[ElectionType] = []
    year: int | None = Field(default=None, ge=2004, le=2035)


class Annotation(_Strict):
    """Who annotated a text, when, and by which version of ``data/GUIDE.md``; empty ``layers`` for all of the text's."""

    by: Slug
    date: dt.date | None = None
    guide: str | None = Field(default=None, pattern=r"^\d+(\.\d+)*$")
    layers: list[Layer] = []


class CorpusText(_Strict):
    """One labelled text. Layers not named in ``layers`` are unknown, not empty.

    ``private`` texts were not written for this corpus (somebody else holds the rights, or real persons stand in them):
    they may train a user's own model, and never enter the released corpus or a report.
    """

    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
    kind: Kind
    style: Slug
    date: dt.date | None = None
    event: Slug
    group: Slug | None = None
    confusions: list[Annotated[int, Field(ge=1, le=15)]] = []
    split: Split | None = None
    private: bool = False
    url: str | None = None
    annotations: list[Annotation] = Field(min_length=1)
    layers: list[Layer] = list(LAYERS)
    label: Label
    flags: list[Flag] = []
    forms: list[Form] = []
    subjects: list[SubjectGroup] = []
    evidence: list[Span] = []
    mentions: list[Mention] = []
    officials: list[Official] = []
    regions: list[RegionCode] = []
    primary_region: RegionCode | None = None
    election: Election = Election()
    ignored: list[Span] = []

    def has(self, layer: Layer) -> bool:
        """Whether the layer is annotated."""
        return layer in self.layers

    def quote(self, mention: str | None) -> str:
        """The words of the mention of that id; empty where there is none."""
        return next((self.text[m.start : m.end] for m in self.mentions if m.id == mention), "")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self) -> Iterable[str]:
        length = len(self.text)
        for name in ("evidence", "mentions", "ignored"):
            for span in getattr(self, name):
                if span.end > length:
                    yield f"{name}: {span.start}-{span.end} ends after the text of {length} characters"
        for layer in LAYERS:
            if layer != "label" and layer not in self.layers and getattr(self, layer) not in ([], Election()):
                yield f"layers: '{layer}' has annotations but is not listed"
        if self.label not in CASE_LABELS and self.forms:
            yield f"forms: {self.label} is no case label, so it has no forms"
        if self.label in CASE_LABELS and self.has("forms") and not self.forms:
            yield f"forms: a case label ({self.label}) needs a form; use other_unspecified where the text names none"
        if self.has("evidence") and not self.evidence:
            yield "evidence: mark the one to three sentences that decide the label"
        yield from self._mention_problems()

    def _mention_problems(self) -> Iterable[str]:
        twice = [i for i, n in Counter(m.id for m in self.mentions).items() if n > 1]
        if twice:
            yield f"mentions: id used twice: {twice}"
        for in_region_layer in (False, True):
            layer = [m for m in self.mentions if (m.type is MentionType.REGION) == in_region_layer]
            for a, b in pairwise(sorted(layer, key=lambda m: m.start)):
                if a.overlaps(b):
                    yield f"mentions: {a.id} and {b.id} overlap"
        for m in self.mentions:
            quote = self.text[m.start : m.end]
            if any(m.overlaps(s) for s in self.ignored):
                yield f"mentions: {m.id} ({quote!r}) lies in an ignored span"
            if quote != quote.strip():
                yield f"mentions: {m.id} begins or ends with white space"
        for e in self.evidence:
            if any(e.overlaps(s) for s in self.ignored):
                yield f"evidence: {e.start}-{e.end} lies in an ignored span"
        yield from self._official_problems()
        if self.primary_region and self.has("regions") and not self.regions:
            yield "primary_region: set, but regions is empty"

    def _official_problems(self) -> Iterable[str]:
        types = {m.id: m.type for m in self.mentions}
        seen: set[str] = set()
        for official in self.officials:
            wanted = [(ref, "mentions", MentionType.PERSON) for ref in official.mentions]
            wanted += [(official.office, "office", MentionType.OFFICE)] if official.office else []
            wanted += [(official.agency, "agency", MentionType.ORG)] if official.agency else []
            for ref, field, mention_type in wanted:
                if types.get(ref) is not mention_type:
                    yield f"officials.{field}: {ref} is {types.get(ref, 'no mention')}, not {mention_type}"
            if again := seen.intersection(official.mentions):
                yield f"officials: {sorted(again)} in two persons"
            seen.update(official.mentions)
        if self.has("officials"):
            loose = [i for i, t in types.items() if t is MentionType.PERSON and i not in seen]
            if loose:
                yield f"officials: PERSON mentions {loose} belong to no official row"


def region_codes(mentions: Iterable[Mapping[str, Any]], primary: str | None) -> list[str]:
    """The ``regions`` of a text: the codes of its raw mentions that are no dateline, then the primary region."""
    codes = [m["code"] for m in mentions if m.get("code") and not m.get("dateline")]
    return list(dict.fromkeys([*codes, *([primary] if primary else [])]))


def to_slug(name: str, default: str) -> str:
    """A name as events and annotators are written: lower-case ASCII letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_") or default


def iter_lines(path: Path) -> Iterator[tuple[CorpusText | None, str]]:
    """Yield each line of a corpus file as a text, or as None with a message ``FILE:LINE (ID): FIELD: problem``.

    Raises:
        NetralitasError: the file cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parse_line(line, f"{path}:{number}")
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror or e}") from e


def _parse_line(line: bytes, where: str) -> tuple[CorpusText | None, str]:
    try:
        raw = json.loads(line.decode("utf-8-sig"))
        where += f" ({raw.get('id')})" if isinstance(raw, dict) else ""
        return CorpusText.model_validate(raw), where
    except UnicodeDecodeError as e:
        return None, f"{where}: not UTF-8 at byte {e.start}; save the file as UTF-8"
    except json.JSONDecodeError as e:
        return None, f"{where}: not JSON: {e}"
    except ValidationError as e:
        return None, f"{where}: {describe_error(e)}"


def iter_unique(path: Path) -> Iterator[tuple[CorpusText | None, str]]:
    """:func:`iter_lines`, with a message before a text whose id was used already.

    Raises:
        NetralitasError: the file cannot be read.
    """
    first: dict[str, str] = {}
    for text, where in iter_lines(path):
        if text and first.setdefault(text.id, where) != where:
            yield None, f"{where}: id: already used in {first[text.id]}"
        yield text, where


def check_lines(path: Path) -> tuple[list[CorpusText], list[str]]:
    """Read a corpus file whole; return its valid texts and one message a bad line.

    Messages read ``FILE:LINE (ID): FIELD: problem``. Ids used twice are problems too.

    Raises:
        NetralitasError: the file cannot be read.
    """
    texts: list[CorpusText] = []
    problems: list[str] = []
    for text, where in iter_unique(path):
        if text is None:
            problems.append(where)
        else:
            texts.append(text)
    return texts, problems


def read_corpus(path: Path) -> list[CorpusText]:
    """Read a corpus file that must be valid.

    Raises:
        NetralitasError: unreadable file, or any bad line; the message lists the first ten.
    """
    texts, problems = check_lines(path)
    if problems:
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise NetralitasError("\n".join(problems[:10]) + more)
    return texts


def iter_corpus(path: Path) -> Iterator[CorpusText]:
    """Yield the texts of a corpus file one by one; memory does not grow with the file.

    Raises:
        NetralitasError: unreadable file, or at the first bad line.
    """
    for text, where in iter_lines(path):
        if text is None:
            raise NetralitasError(where)
        yield text


def write_corpus(texts: Iterable[CorpusText], path: Path) -> int:
    """Write texts as JSONL, one a line, fields in the format's order, defaults left out; all of them or none."""
    return write_parts((text.model_dump_json(exclude_defaults=True) + "\n" for text in texts), path)
