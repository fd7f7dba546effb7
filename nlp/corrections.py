"""Corrections by people: appended to a log, laid over later records of the same text, never overwriting anything.

The log is JSON Lines, one correction a line, and holds the text and the original record: it is as private as the texts.
"""

import datetime as dt
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nlp import gazetteer
from nlp.errors import NetralitasError, describe_error
from nlp.record import (
    ABSTAINED,
    UNVERIFIED,
    AppliedCorrection,
    LabelResult,
    OfficialRecord,
    Record,
    Scored,
    text_digest,
)
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, DISPLAY_ID, UNCERTAIN, Form, Label, MentionType, Role, Status

CorrectedField = Literal["label", "role", "forms", "primary_region"]


class Correction(BaseModel):
    """What somebody changed in the record of a text, and why.

    ``old`` and ``new`` are written as in a record: a label; a role, for subjects with the status behind a colon
    ("subject:cleared"); forms with commas between; a region code, empty for none. ``person`` is the place of a mention
    of the person whose role is meant. ``mentions`` are all that the model found, so that the text can be learnt from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: dt.datetime
    by: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=2000)
    field: CorrectedField
    person: tuple[int, int] | None = None
    old: str
    new: str
    text_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    text: str
    record: Record
    mentions: list[tuple[int, int, MentionType]] = []

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.field == "role") != (self.person is not None):
            raise ValueError("person: a role is corrected of one person, everything else of none")
        if text_digest(self.text) != self.text_sha256 or self.record.text_sha256 != self.text_sha256:
            raise ValueError("text_sha256: is not that of the text and the record")
        check_value(self.field, self.new)
        return self


def check_value(field: CorrectedField, value: str) -> None:
    """Raise ValueError where a record's field cannot hold the value."""
    match field:
        case "label":
            Label(value)
        case "role":
            read_role(value)
        case "forms":
            read_forms(value)
        case "primary_region":
            if value and not gazetteer.exists(value):
                raise ValueError(f"{value!r} is no Kemendagri code")


def read_role(value: str) -> tuple[Role, Status | None]:
    """Role and status of "speaker" or "subject:cleared"."""
    role, _, status = value.partition(":")
    read = Role(role), Status(status) if status else None
    if (read[0] is Role.SUBJECT) != (read[1] is not None):
        raise ValueError(f"{value!r}: a subject has a status, and nobody else has")
    return read


def read_forms(value: str) -> list[Form]:
    """Forms of "mobilise,coercion"; empty for none."""
    return [Form(v.strip()) for v in value.split(",") if v.strip()]


def value_of(record: Record, field: CorrectedField, person: tuple[int, int] | None) -> str:
    """What a record says now, in the form of a correction's ``old``.

    Raises:
        ValueError: the person is not in the record.
    """
    match field:
        case "label":
            return record.label.name
        case "forms":
            return ",".join(f.name for f in record.forms)
        case "primary_region":
            return next((r.code for r in record.regions if r.primary), "")
        case "role":
            official = next((o for o in record.officials if person and _meant(o, person)), None)
            if not official:
                raise ValueError(f"the record has no person at {person}")
            return f"{official.role}:{official.status}" if official.status else str(official.role)


def _meant(official: OfficialRecord, person: tuple[int, int]) -> bool:
    return any(start < person[1] and person[0] < end for start, end in official.mentions)


def apply(record: Record, corrections: Sequence[Correction]) -> Record:
    """The record with corrections of its text laid over it, in their order; a later one of the same thing wins.

    A text that is corrected to no case accuses nobody: forms and flags go, accused persons become uncertain.
    """
    for c in corrections:
        match c.field:
            case "label":
                record = _with_label(record, Label(c.new))
            case "forms":
                scores = {f.name: f.score for f in record.forms}
                forms = [Scored(name=f, score=scores.get(f, 1.0)) for f in read_forms(c.new)]
                record = record.model_copy(update={"forms": forms if record.label.name in CASE_LABELS else []})
            case "primary_region":
                regions = [r.model_copy(update={"primary": r.code == c.new}) for r in record.regions]
                record = record.model_copy(update={"regions": regions})
            case "role":
                role, status = read_role(c.new)
                officials = [
                    o.model_copy(update={"role": role, "status": status}) if c.person and _meant(o, c.person) else o
                    for o in record.officials
                ]
                record = record.model_copy(update={"officials": officials})
        note = AppliedCorrection(
            field=c.field, person=c.person, old=c.old, new=c.new, by=c.by, at=c.at, reason=c.reason
        )
        record = record.model_copy(update={"corrections": [*record.corrections, note]})
    return record


def _with_label(record: Record, label: Label) -> Record:
    if label is record.label.name:
        # A person has confirmed what the model said.
        return record.model_copy(update={"label": record.label.model_copy(update={"abstained": False})})
    case = label in CASE_LABELS
    officials = [
        o.model_copy(update={"role": UNCERTAIN, "status": None}) if o.status in ACCUSED_STATUSES and not case else o
        for o in record.officials
    ]
    result = LabelResult(name=label, display=DISPLAY_ID[label], score=record.scores[label], abstained=False)
    kept = [w for w in record.warnings if w not in (ABSTAINED, UNVERIFIED)]
    return record.model_copy(
        update={
            "label": result,
            "officials": officials,
            "forms": record.forms if case else [],
            "flags": record.flags if case else [],
            # The sentences were found for the other label.
            "evidence": [],
            "warnings": [*([UNVERIFIED] if case else []), *kept],
        }
    )


class CorrectionLog:
    """An append-only log of corrections in one file. Safe to use from several threads of one process.

    Raises:
        NetralitasError: the file cannot be read, or a line is broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._by_text: dict[str, list[Correction]] = {}
        if path.exists():
            for correction in read_log(path):
                self._by_text.setdefault(correction.text_sha256, []).append(correction)

    def of(self, text_sha256: str) -> list[Correction]:
        """The corrections of a text, oldest first."""
        with self._lock:
            return list(self._by_text.get(text_sha256, ()))

    def apply(self, record: Record) -> Record:
        """The record with what people have corrected in its text."""
        return apply(record, self.of(record.text_sha256))

    def append(self, correction: Correction) -> None:
        """Write a correction to the disk before it counts.

        Raises:
            NetralitasError: the file cannot be written.
        """
        line = correction.model_dump_json().encode() + b"\n"
        with self._lock:
            try:
                # Only the owner may read it: it holds texts and names.
                descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with open(descriptor, "ab") as f:  # noqa: PTH123
                    f.write(line)
                    f.flush()
                    os.fsync(f.fileno())
            except OSError as e:
                raise NetralitasError(f"{self.path}: cannot be written: {e.strerror or e}") from e
            self._by_text.setdefault(correction.text_sha256, []).append(correction)


def read_log(path: Path) -> Iterator[Correction]:
    """Yield a log's corrections.

    Raises:
        NetralitasError: unreadable, or a broken line; the message names it.
    """
    try:
        with path.open("rb") as f:
            for number, line in enumerate(f, 1):
                try:
                    yield Correction.model_validate_json(line)
                except ValidationError as e:
                    raise NetralitasError(f"{path}:{number}: no correction: {describe_error(e)}") from e
    except OSError as e:
        raise NetralitasError(f"{path}: cannot be read: {e.strerror or e}") from e
