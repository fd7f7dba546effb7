"""Which records are written, and how much of each."""

import re
from collections.abc import Iterable
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import to_json

from nlp.errors import NetralitasError
from nlp.link import name_words
from nlp.record import Record
from nlp.schema import CASE_LABELS, Label
from nlp.write import OPTIONAL

CASE: Final = "case"
"""Stands for all labels of a text about a case."""
ALWAYS: Final = ("id", "text_sha256")
"""Fields that every record keeps."""

# What holds no name, rather than what holds one: a new field of the record is not shared until it stands here.
_NAMELESS: Final[dict[str, Any]] = dict.fromkeys(
    """
    schema_version id text_sha256 versions label scores flags forms subject_groups regions parties election ignored
    warnings revision
    """.split(),
    True,
) | {
    "source": {"published", "extent"},
    "officials": {"__all__": {"office", "agency", "region", "role", "status", "score"}},
    "evidence": {"__all__": {"start", "end", "score", "supports"}},
    "corrections": {"__all__": {"field", "person", "old", "new", "at"}},
}
_WORD: Final = re.compile(r"[^\W_]+")
_SHORTEST_NAME: Final = 4
"""Letters from which on a part of a word counts as a name."""


def _parts(values: Iterable[str]) -> list[str]:
    """The names in values that may hold several, with commas between."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def parse_only(values: Iterable[str]) -> tuple[Label, ...]:
    """Labels by name, ``case`` for all that are about a case; in the order of the schema, each once.

    Raises:
        NetralitasError: no label of that name.
    """
    names = set(_parts(values))
    if unknown := sorted(names - {*Label, CASE}):
        raise NetralitasError(f"unknown label {', '.join(unknown)}; known are {', '.join(Label)}, and {CASE}")
    return tuple(label for label in Label if label in names or (CASE in names and label in CASE_LABELS))


def parse_fields(values: Iterable[str]) -> tuple[str, ...]:
    """Top-level fields of a record by name, in its order, each once.

    Raises:
        NetralitasError: a record has no such field.
    """
    names = set(_parts(values))
    if unknown := sorted(names - Record.model_fields.keys()):
        raise NetralitasError(f"unknown field {', '.join(unknown)}; a record has {', '.join(Record.model_fields)}")
    return tuple(name for name in Record.model_fields if name in names)


class Selection(BaseModel):
    """Which records are written, and how much of each. By default all of everything.

    ``only`` and ``fields`` keep all where they are empty; ``id`` and ``text_sha256`` are always kept.

    ``without_names`` is for sharing: nothing is left by which a record names a person.

    - Free text goes: the text, the quotes of the evidence (their offsets stay), title, address and outlet of the
      source (the outlet of a post is an account), and of corrections who made them and why.
    - Officials keep office, agency, region, role, status and score. An office or agency that holds a word of the name
      of any person of the record is null; a party that does is left out.
    - ``id`` is the beginning of ``text_sha256``, as for a text that came without one, for an id is often an address or
      a file's name; so is ``supersedes`` of a revision.

    Names of regions and parties are no persons. Nameless is not anonymous: an office in a region may have one holder,
    who has the text can find its record by the checksum, and a name that the model took for a part of an office stays.

    Raises:
        NetralitasError: unknown field, or text without names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    only: tuple[Label, ...] = ()
    min_score: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    fields: tuple[str, ...] = ()
    without_names: bool = False

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        return parse_fields(fields)

    @model_validator(mode="after")
    def _text_names(self) -> Self:
        if self.without_names and "text" in self.fields:
            raise NetralitasError("the field text cannot be kept without names; leave out one of the two")
        return self

    def keeps(self, record: Record) -> bool:
        """Whether a record is written at all."""
        if self.only and record.label.name not in self.only:
            return False
        return self.min_score is None or record.label.score >= self.min_score

    def shape(self, record: Record) -> dict[str, Any]:
        """What is written of a record: JSON-ready, in the order of the record's fields."""
        kept: dict[str, Any] = _NAMELESS if self.without_names else dict.fromkeys(Record.model_fields, True)
        if self.fields:
            kept = {name: part for name, part in kept.items() if name in self.fields or name in ALWAYS}
        absent = {name for name in OPTIONAL if getattr(record, name) is None}
        shaped = record.model_dump(mode="json", include=kept, exclude=absent)
        if self.without_names:
            _withhold_names(shaped, record)
        return shaped

    def line(self, record: Record) -> str:
        """What is written of a record as a line of JSON; by default the bytes of ``record_line``."""
        return to_json(self.shape(record), inf_nan_mode="null").decode() + "\n"


def _withhold_names(shaped: dict[str, Any], record: Record) -> None:
    """Take out of a shaped record what may repeat a name."""
    names = {word for o in record.officials for word in _words(" ".join(name_words(o.name)))}
    shaped["id"] = record.text_sha256[:16]
    if shaped.get("revision"):
        shaped["revision"]["supersedes"] = shaped["revision"]["supersedes_text_sha256"][:16]
    for official in shaped.get("officials", ()):
        for key in ("office", "agency"):
            if _holds_name(official[key] or "", names):
                official[key] = None
    if "parties" in shaped:
        shaped["parties"] = [p for p in shaped["parties"] if not _holds_name(p["name"], names)]


def _holds_name(written: str, names: set[str]) -> bool:
    """Whether a text holds a word of a name, short for it ("Alex" of "Alexander") or inside another ("@camatalex")."""
    return any(
        word in names
        or (len(word) >= _SHORTEST_NAME and any(name.startswith(word) for name in names))
        or any(len(name) >= _SHORTEST_NAME and name in word for name in names)
        for word in _words(written)
    )


def _words(written: str) -> list[str]:
    return _WORD.findall(written.casefold())
