"""The record: what is said of one text. One JSON object, the same from every way of calling.

Offsets are Unicode code points into the text as given; an end is exclusive. Scores are probabilities.
"""

import datetime as dt
import hashlib
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from nlp.schema import SCHEMA_VERSION, ElectionType, Extent, Flag, Form, Label, RecordRole, Status, SubjectGroup

UNVERIFIED: Final = "unverified: the record repeats what the text claims"
ABSTAINED: Final = "abstained: the score is below the label's threshold; a person must read this text"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Model):
    """Where a text comes from, as far as its row says."""

    url: str | None = None
    outlet: str | None = None
    title: str | None = None
    published: dt.date | None = None
    extent: Extent | None = Field(
        default=None, description="How much of the article a feed or a page gave; null where the text was given as text"
    )


class Versions(_Model):
    """What made the record."""

    package: str
    model: str
    model_sha256: str
    runtime: str
    gazetteer: str


class LabelResult(_Model):
    """The text's label. ``abstained``: below the label's threshold, to be read by a person before use."""

    name: Label
    display: str
    score: float
    abstained: bool


class Scored(_Model):
    """A form of partisanship with its probability."""

    name: Form
    score: float


class OfficialRecord(_Model):
    """A named person. ``office`` and ``agency`` are verbatim; ``role`` is ``uncertain`` below the threshold."""

    name: str
    office: str | None
    agency: str | None
    region: str | None
    role: RecordRole
    status: Status | None
    score: float = Field(
        description="Probability of the role the model found likeliest; of a subject, times that the text has one"
    )
    mentions: list[tuple[int, int]]


class RegionRecord(_Model):
    """A region named in the text, by Kemendagri code; at most one is ``primary``."""

    code: str
    name: str
    level: Literal["province", "kabupaten", "kota", "kecamatan", "desa"]
    primary: bool
    score: float
    mentions: list[tuple[int, int]]


class PartyRecord(_Model):
    """A political party as written first, with all its mentions."""

    name: str
    mentions: list[tuple[int, int]]


class ElectionRecord(_Model):
    """Elections the text is about; ``basis`` says how type or year was found."""

    type: list[ElectionType]
    year: int | None
    basis: Literal["explicit", "inferred_from_date", "inferred_from_office"] | None


class EvidenceRecord(_Model):
    """A sentence on which the label rests."""

    start: int
    end: int
    quote: str
    score: float
    supports: Label


class AppliedCorrection(_Model):
    """What a person changed in this record, laid over what the model said; ``old`` is the model's, or an earlier
    person's."""

    field: Literal["label", "role", "forms", "primary_region"]
    person: tuple[int, int] | None
    old: str
    new: str
    by: str
    at: dt.datetime
    reason: str


class Revision(_Model):
    """A text that was tagged before under the same address or id, and has been edited since."""

    number: int = Field(description="2 for the first edit")
    supersedes: str = Field(description="Id of the record that this one takes the place of")
    supersedes_text_sha256: str


class Record(_Model):
    """What is said of one text."""

    schema_version: str = SCHEMA_VERSION
    id: str
    text_sha256: str
    source: Source
    versions: Versions
    label: LabelResult
    scores: dict[Label, float]
    flags: list[Flag]
    forms: list[Scored]
    subject_groups: list[SubjectGroup]
    officials: list[OfficialRecord]
    regions: list[RegionRecord]
    parties: list[PartyRecord]
    election: ElectionRecord
    evidence: list[EvidenceRecord]
    ignored: list[tuple[int, int]]
    warnings: list[str]
    corrections: list[AppliedCorrection] = []
    revision: Revision | None = Field(default=None, description="Where the text was tagged before and is edited now")
    text: str | None = Field(default=None, description="The text, where it was asked to be kept beside its record")


def text_digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, as records name it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def record_schema() -> dict[str, Any]:
    """Return the record's JSON Schema (draft 2020-12)."""
    schema = Record.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"netralitas/record/{SCHEMA_VERSION}",
    } | schema
