"""What changed between two runs over one feed, the costliest change first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from nlp.errors import NetralitasError
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, Label


class Change(IntEnum):
    """Kinds of change; the smaller, the dearer to overlook."""

    LOST_CLEARANCE = 1
    NEW_ACCUSED = 2
    NEW_CASE = 3
    LOST_CASE = 4
    LABEL = 5
    NO_LONGER_ACCUSED = 6
    PRIMARY_REGION = 7
    FORMS = 8
    ABSTENTION = 9

    @property
    def words(self) -> str:
        """The kind in words."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Changed:
    """One change of one text's record."""

    kind: Change
    id: str
    old: str
    new: str


@dataclass(frozen=True)
class _Kept:
    """What a comparison needs of a record: memory grows by this much a text."""

    digest: str
    label: Label
    abstained: bool
    accused: frozenset[str]
    region: str | None
    forms: frozenset[str]


@dataclass(frozen=True)
class Difference:
    """Changes, dearest first, and how the two runs' texts relate."""

    changes: list[Changed]
    both: int
    only_old: int
    only_new: int
    other_text: int
    """Texts of one id whose words differ; they are not compared."""


def _kept(row: Any) -> _Kept:
    return _Kept(
        digest=row["text_sha256"],
        label=Label(row["label"]["name"]),
        abstained=row["label"]["abstained"],
        accused=frozenset(o["name"] for o in row["officials"] if o["status"] in ACCUSED_STATUSES),
        region=next((r["code"] for r in row["regions"] if r["primary"]), None),
        forms=frozenset(f["name"] for f in row["forms"]),
    )


def _records(path: Path) -> Iterator[tuple[str, _Kept]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for n, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    yield row["id"], _kept(row)
                except (ValueError, KeyError, TypeError) as e:
                    raise NetralitasError(f"{path}:{n}: not a record of netralitas: {e!r}") from e
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: cannot be read: {e}") from e


def _changes(id: str, old: _Kept, new: _Kept) -> Iterator[Changed]:
    if old.label is not new.label:
        was, now = old.label in CASE_LABELS, new.label in CASE_LABELS
        if old.label is Label.CLEARED:
            kind = Change.LOST_CLEARANCE
        elif was == now:
            kind = Change.LABEL
        else:
            kind = Change.NEW_CASE if now else Change.LOST_CASE
        yield Changed(kind, id, old.label, new.label)
    for name in sorted(new.accused - old.accused):
        yield Changed(Change.NEW_ACCUSED, id, "", name)
    for name in sorted(old.accused - new.accused):
        yield Changed(Change.NO_LONGER_ACCUSED, id, name, "")
    if old.region != new.region:
        yield Changed(Change.PRIMARY_REGION, id, old.region or "", new.region or "")
    if old.forms != new.forms:
        yield Changed(Change.FORMS, id, ", ".join(sorted(old.forms)), ", ".join(sorted(new.forms)))
    if old.abstained != new.abstained:
        words = {True: "abstained", False: "answered"}
        yield Changed(Change.ABSTENTION, id, words[old.abstained], words[new.abstained])


def diff(old: Path, new: Path) -> Difference:
    """Compare two files of records, text by text.

    Raises:
        NetralitasError: unreadable, a line that is no record, or an id that stands twice in one file.
    """
    before: dict[str, _Kept] = {}
    for id, kept in _records(old):
        if id in before:
            raise NetralitasError(f"{old}: id {id} stands there twice; it must name one text")
        before[id] = kept
    changes: list[Changed] = []
    seen: set[str] = set()
    only_new = other = 0
    for id, kept in _records(new):
        if id in seen:
            raise NetralitasError(f"{new}: id {id} stands there twice; it must name one text")
        seen.add(id)
        was = before.get(id)
        if was is None:
            only_new += 1
        elif was.digest != kept.digest:
            other += 1
        else:
            changes.extend(_changes(id, was, kept))
    both = len(seen) - only_new
    return Difference(sorted(changes, key=lambda c: c.kind), both, len(before) - both, only_new, other)
