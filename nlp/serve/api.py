"""What goes over the wire: requests and answers, as OpenAPI shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from nlp.corrections import CorrectedField
from nlp.record import Record

EXAMPLE: dict[str, Any] = {
    "text": "Ketua Bawaslu Kabupaten Kudus meminta ASN menjaga netralitas menjelang pilkada.",
    "date": "2024-10-07",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextIn(_Model):
    """A text, with what is known of it. Title and text are joined by an empty line."""

    text: str = Field(description="The text, or its body where there is a title")
    title: str | None = None
    id: str | None = Field(default=None, description="Comes back as the record's id; by default a part of its hash")
    date: str | None = Field(default=None, description="Day of publication, like 2024-10-29")
    url: str | None = None
    outlet: str | None = None

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})


class TextsIn(_Model):
    """Several texts; the answer holds one result for each, in their order."""

    texts: Annotated[list[TextIn], Field(min_length=1)]

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"texts": [EXAMPLE]}]})


class ErrorDetail(_Model):
    """What went wrong."""

    code: str
    message: str


class ErrorOut(_Model):
    """Every error's body."""

    error: ErrorDetail


class ResultOut(_Model):
    """A text's record, or why it has none."""

    record: Record | None = None
    error: ErrorDetail | None = None


class ResultsOut(_Model):
    """One result a text, in the order of the texts."""

    results: list[ResultOut]


class ModelOut(_Model):
    """What the service tags with."""

    package: str
    model: str
    model_sha256: str
    runtime: str
    gazetteer: str
    schema_version: str
    display: dict[str, str] = Field(description="Indonesian display names of labels, forms, roles and the like")
    corrections: bool = Field(description="Whether the service keeps a log of corrections")
    label_thresholds: dict[str, float]
    person_threshold: float
    limits: dict[str, float]


class FeedIn(_Model):
    """A dropped file: its name says the format, as for ``netralitas tag``."""

    name: str = Field(max_length=255, description="File name; .jsonl, .csv, .tsv or .txt")
    content: str


class FeedRow(_Model):
    """A row of a feed, or why it cannot be read."""

    line: int
    text: TextIn | None = None
    error: str | None = None


class FeedOut(_Model):
    """The rows of a feed, in order."""

    rows: list[FeedRow]


class CorrectionIn(_Model):
    """What a person changes in the record of a text, and why; values as in :class:`nlp.corrections.Correction`."""

    text: TextIn
    field: CorrectedField
    person: tuple[int, int] | None = None
    new: str
    by: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Health(_Model):
    """State of the service."""

    status: Literal["ok", "draining"]
