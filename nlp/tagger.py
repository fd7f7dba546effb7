"""From a text to its record: the one function behind the command line, Python and every service."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from tokenizers import Tokenizer

from nlp import decode, regions
from nlp.clean import find_ignored
from nlp.decode import FoundMention, sigmoid, softmax
from nlp.election import find_date, find_election
from nlp.encode import OnnxEncoder, TextLogits, WindowEncoder, encode
from nlp.errors import NetralitasError, describe_error
from nlp.evidence import find_evidence
from nlp.link import Person, agency_in_office, is_overseer, is_personnel, join_persons, link_offices
from nlp.outputs import DOCUMENT, TOKEN
from nlp.record import (
    ABSTAINED,
    UNVERIFIED,
    LabelResult,
    OfficialRecord,
    PartyRecord,
    Record,
    RegionRecord,
    Scored,
    Source,
    Versions,
    text_digest,
)
from nlp.schema import (
    CASE_LABELS,
    DISPLAY_ID,
    SCHEMA_VERSION,
    UNCERTAIN,
    Flag,
    Form,
    Label,
    MentionType,
    RecordRole,
    Role,
    SubjectGroup,
)
from nlp.subject import (
    DEFAULT_WEIGHTS,
    decide_status,
    person_probabilities,
    subject_chance,
    subject_features,
    subject_scores,
)
from nlp.window import Span, Tokens, load_tokenizer, tokenise, windows

WEIGHTS_FILE: Final = "model.onnx"
TRAINED_FILE: Final = "model.safetensors"
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")
SHAPE_FILE: Final = "netralitas.json"
CALIBRATION_FILE: Final = "calibration.json"
_OFFICE_WEIGHT: Final[Mapping[RecordRole, float]] = {
    Role.SUBJECT: 3.0,
    Role.OVERSEER: 2.0,
    Role.SUPERIOR: 1.0,
    Role.SPEAKER: 1.0,
}
_SHORT: Final = 40


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Calibration(_Strict):
    """How logits become probabilities and decisions; all chosen on the development split."""

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    label_thresholds: dict[Label, float] = {}
    form_thresholds: dict[Form, float] = {}
    subject_group_thresholds: dict[SubjectGroup, float] = {}
    flag_thresholds: dict[Flag, float] = {}
    person_threshold: float = 0.5
    subject_weights: dict[str, float] = DEFAULT_WEIGHTS


class ModelShape(_Strict):
    """How texts are cut for a model."""

    window: int = Field(ge=16, le=8192)
    overlap: int = Field(ge=0)
    schema_version: str

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if 2 * self.overlap > self.window:
            raise ValueError(f"overlap {self.overlap} is more than half the window {self.window}")
        return self


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to tag, whatever runtime its encoder is in."""

    encoder: WindowEncoder
    tokenizer: Tokenizer
    shape: ModelShape
    calibration: Calibration
    name: str
    sha256: str
    runtime: str


def read_shape(directory: Path) -> ModelShape:
    """Read how a model's texts are cut.

    Raises:
        NetralitasError: no such file, or made for another label schema.
    """
    try:
        shape = ModelShape.model_validate_json((directory / SHAPE_FILE).read_bytes())
    except (OSError, ValidationError) as e:
        raise NetralitasError(f"{directory}: no model of netralitas ({SHAPE_FILE}: {_reason(e)})") from e
    if shape.schema_version != SCHEMA_VERSION:
        raise NetralitasError(
            f"{directory}: made for label schema {shape.schema_version}, this netralitas has {SCHEMA_VERSION}; "
            "use the model that came with it, or train again"
        )
    return shape


def read_calibration(directory: Path) -> Calibration:
    """Read temperature and thresholds.

    Raises:
        NetralitasError: missing or not valid.
    """
    try:
        return Calibration.model_validate_json((directory / CALIBRATION_FILE).read_bytes())
    except (OSError, ValidationError) as e:
        raise NetralitasError(f"{directory}: {CALIBRATION_FILE} is missing or broken: {_reason(e)}") from e


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return describe_error(error)
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def released_model() -> Path:
    """Directory of the model that comes with the package: inside the wheel, or ``models/`` of a checkout."""
    here = Path(__file__).parent
    inside = here / "released" / "netral-small"
    return inside if inside.is_dir() else here.parent / "models" / "netral-small"


def find_model(name: Path | str) -> Path:
    """The directory of a model: itself, or the local copy of what the hub has under an id like ``owner/name``.

    Raises:
        NetralitasError: neither there nor to be had.
    """
    if Path(name).exists() or not _HUB_ID.fullmatch(str(name)):
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        # Only what a released model holds; code and pickles never.
        return Path(snapshot_download(str(name), allow_patterns=["*.onnx", "*.json", "README.md"]))
    except Exception as e:  # the client raises its own, httpx's and OSErrors
        raise NetralitasError(f"{name}: no such directory, and the hub does not give it: {e}") from e


def _load_trained(directory: Path) -> LoadedModel:
    try:
        from training.predict import load_trained
    except ImportError as e:
        raise NetralitasError(f"{directory}: a trained model needs torch: pip install 'netralitas[train]'") from e
    return load_trained(directory)


def load_model(directory: Path) -> LoadedModel:
    """Load a released model.

    Raises:
        NetralitasError: a file is missing, truncated or of another kind; the message names it.
    """
    if not directory.is_dir():
        raise NetralitasError(f"{directory}: no such model directory")
    shape, calibration = read_shape(directory), read_calibration(directory)
    weights = directory / WEIGHTS_FILE
    if not weights.is_file():
        raise NetralitasError(f"{directory}: no {WEIGHTS_FILE}; make a released model with 'netralitas export'")
    try:
        encoder = OnnxEncoder(weights)
    except ValueError as e:
        raise NetralitasError(f"{e}; copy the model again") from e
    try:
        tokenizer = load_tokenizer(directory)
    except Exception as e:  # tokenizers raises bare Exception
        raise NetralitasError(f"{directory}: tokenizer.json cannot be read ({e}); copy the model again") from e
    digest = hashlib.sha256(weights.read_bytes() + (directory / CALIBRATION_FILE).read_bytes()).hexdigest()
    return LoadedModel(encoder, tokenizer, shape, calibration, directory.name, digest, encoder.runtime)


def package_version() -> str:
    """Version of the installed package; of a bare checkout, "0+source"."""
    try:
        return version("netralitas")
    except PackageNotFoundError:
        return "0+source"


@dataclass(frozen=True)
class Reading:
    """What the model saw in a text, before anything is decided: the raw material of its record."""

    text: str
    ignored: list[Span]
    tokens: Tokens
    logits: TextLogits
    mentions: list[FoundMention]


class Tagger:
    """Tags texts with one model. Safe to call from several threads."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    @classmethod
    def load(cls, model: Path | str | None = None) -> "Tagger":
        """Load a released model's directory, a trained one (needs the extra ``train``), or a Hugging Face hub id like
        ``owner/name``; the model that comes with the package by default.

        Raises:
            NetralitasError: no loadable model there.
        """
        directory = find_model(model) if model else released_model()
        if (directory / TRAINED_FILE).exists() and not (directory / WEIGHTS_FILE).exists():
            return cls(_load_trained(directory))
        return cls(load_model(directory))

    @cached_property
    def versions(self) -> Versions:
        """What every record of this tagger says made it."""
        return Versions(
            package=package_version(),
            model=self.model.name,
            model_sha256=self.model.sha256,
            runtime=self.model.runtime,
            gazetteer=regions.gazetteer_version(),
        )

    def tag_many(self, texts: Iterable[str]) -> Iterator[Record]:
        """Tag texts lazily, in order."""
        return map(self.tag, texts)

    def tag(
        self, text: str, *, id: str | None = None, date: dt.date | None = None, source: Source | None = None
    ) -> Record:
        """Tag one text. ``date`` is its day of publication; without it a date written in the text serves.

        Raises:
            ValueError: the text holds no word.
        """
        source = source or Source(published=date)
        return self.record(self.read(text), id=id, date=date or source.published, source=source)

    def read(self, text: str) -> Reading:
        """Clean, window, encode and decode a text.

        Raises:
            ValueError: the text holds no word.
        """
        ignored = find_ignored(text)
        tokens = tokenise(text, self.model.tokenizer, ignored)
        if not any(text[start].isalnum() for start, _ in tokens.words):
            raise ValueError("the text holds no word")
        shape = self.model.shape
        parts = windows(tokens, self.model.tokenizer, shape.window, shape.overlap)
        logits = encode(tokens, parts, self.model.encoder)
        found = joined_regions(text, decode.mentions(text, tokens.words, logits.words))
        return Reading(text, ignored, tokens, logits, found)

    def record(self, reading: Reading, *, id: str | None, date: dt.date | None, source: Source) -> Record:
        """Decide and link: the record of a reading."""
        text, logits, found = reading.text, reading.logits, reading.mentions
        digest = text_digest(text)
        label, scores = self._label(logits)
        persons = join_persons(text, found)
        link_offices(text, persons, found)
        election = find_election(text, date, reading.ignored)
        year = date.year if date else election.year
        resolved = regions.resolve(
            text,
            [(m.start, m.end) for m in found if m.type is MentionType.REGION],
            year=year,
            persons=[(m.start, m.end) for m in found if m.type is MentionType.PERSON],
        )
        features = subject_features(text, persons, logits, subject_chance(scores))
        subject = subject_scores(features, self.model.calibration.subject_weights)
        officials = [
            self._official(text, p, logits, label.name, float(accused), resolved)
            for p, accused in zip(persons, subject, strict=True)
        ]
        return Record(
            id=id or digest[:16],
            text_sha256=digest,
            source=source,
            versions=self.versions,
            label=label,
            scores=scores,
            flags=self._flags(logits, label.name),
            forms=self._forms(logits, label.name),
            subject_groups=self._subject_groups(logits, label.name),
            officials=officials,
            regions=_regions(text, found, resolved, officials),
            parties=_parties(text, found),
            election=election,
            evidence=find_evidence(
                text,
                reading.tokens.words,
                sigmoid(logits.words[:, TOKEN["evidence"]])[:, 0],
                reading.ignored,
                label.name,
            ),
            ignored=reading.ignored,
            warnings=self._warnings(text, label, date),
        )

    def _label(self, logits: TextLogits) -> tuple[LabelResult, dict[Label, float]]:
        probs = softmax(logits.document[DOCUMENT["label"]] / self.model.calibration.temperature)
        name = list(Label)[int(probs.argmax())]
        score = float(probs.max())
        threshold = self.model.calibration.label_thresholds.get(name, 0.0)
        result = LabelResult(name=name, display=DISPLAY_ID[name], score=round(score, 4), abstained=score < threshold)
        return result, {k: round(float(p), 4) for k, p in zip(Label, probs, strict=True)}

    def _warnings(self, text: str, label: LabelResult, date: dt.date | None) -> list[str]:
        out = []
        if label.abstained:
            out.append(ABSTAINED)
        if label.name in CASE_LABELS:
            out.append(UNVERIFIED)
        if date is None and find_date(text) is None:
            out.append("undated: no date was given and the text holds none")
        if len(text) < _SHORT:
            out.append("short: fewer than 40 characters")
        return out

    def _forms(self, logits: TextLogits, label: Label) -> list[Scored]:
        if label not in CASE_LABELS:
            return []
        probs = dict(zip(Form, sigmoid(logits.document[DOCUMENT["forms"]]), strict=True))
        thresholds = self.model.calibration.form_thresholds
        kept = {f: p for f, p in probs.items() if p >= thresholds.get(f, 0.5)}
        ranked = sorted(kept, key=lambda f: -kept[f])
        return [Scored(name=f, score=round(float(kept[f]), 4)) for f in ranked]

    def _subject_groups(self, logits: TextLogits, label: Label) -> list[SubjectGroup]:
        if label is Label.NOT_RELEVANT:
            return []
        thresholds = self.model.calibration.subject_group_thresholds
        probs = sigmoid(logits.document[DOCUMENT["subjects"]])
        return [g for g, p in zip(SubjectGroup, probs, strict=True) if p >= thresholds.get(g, 0.5)]

    def _flags(self, logits: TextLogits, label: Label) -> list[Flag]:
        if label not in CASE_LABELS:
            return []
        thresholds = self.model.calibration.flag_thresholds
        probs = sigmoid(logits.document[DOCUMENT["flags"]])
        return [f for f, p in zip(Flag, probs, strict=True) if p >= thresholds.get(f, 0.5)]

    def _official(
        self,
        text: str,
        person: Person,
        logits: TextLogits,
        label: Label,
        accused: float,
        resolved: Sequence[regions.RegionMention],
    ) -> OfficialRecord:
        probs = person_probabilities(logits, person, "roles")
        likely = list(Role)[int(probs.argmax())]
        if likely is not Role.SUBJECT and is_overseer(text, person):
            likely = Role.OVERSEER
        elif likely is Role.OVERSEER and label is Label.PREVENTION and is_personnel(text, person):
            likely = Role.SPEAKER
        score = float(probs.max())
        role: RecordRole = likely
        status = decide_status(person_probabilities(logits, person, "statuses"), label)
        if status and accused >= self.model.calibration.person_threshold:
            role, score = Role.SUBJECT, accused
        else:
            status = None
            if likely is Role.SUBJECT:
                role, score = UNCERTAIN, accused
        office = text[person.office.start : person.office.end] if person.office else None
        agency = text[person.agency.start : person.agency.end] if person.agency else None
        held = [m for m in (person.agency, person.office) if m]
        region = next(
            (r.code for m in held for r in resolved if r.code and m.start <= r.start and r.end <= m.end), None
        )
        longest = max(person.mentions, key=lambda m: m.end - m.start)
        return OfficialRecord(
            name=text[longest.start : longest.end],
            office=office,
            agency=agency or (agency_in_office(office) if office else None),
            region=region,
            role=role,
            status=status,
            score=round(score, 4),
            mentions=[(m.start, m.end) for m in person.mentions],
        )


def joined_regions(text: str, found: Sequence[FoundMention]) -> list[FoundMention]:
    """Join neighbouring REGION mentions that are one name together: "Rejang" and "Lebong" side by side are not the
    kabupaten Lebong."""
    others = [m for m in found if m.type is not MentionType.REGION]
    joined: list[FoundMention] = []
    for m in found:
        if m.type is not MentionType.REGION:
            continue
        before = joined[-1] if joined else None
        if before and text[before.end : m.start] == " " and regions.is_name(text[before.start : m.end]):
            words, score = (before.words[0], m.words[1]), (before.score + m.score) / 2
            joined[-1] = FoundMention(before.start, m.end, m.type, words, score)
        else:
            joined.append(m)
    return sorted(others + joined, key=lambda m: (m.start, -m.end))


def _regions(
    text: str,
    found: Sequence[FoundMention],
    resolved: Sequence[regions.RegionMention],
    officials: Sequence[OfficialRecord],
) -> list[RegionRecord]:
    scores = {(m.start, m.end): m.score for m in found if m.type is MentionType.REGION}
    spans: dict[str, list[Span]] = {}
    for r in resolved:
        if r.code and not r.dateline:
            spans.setdefault(r.code, []).append((r.start, r.end))
    preferred = [(_OFFICE_WEIGHT[o.role], o.region) for o in officials if o.region and o.role in _OFFICE_WEIGHT]
    primary = regions.primary(text, resolved, preferred_offices=preferred)
    if primary and primary not in spans:
        # The primary region may be named through its parts alone, or only by an office's dateline twin.
        spans[primary] = []
    return [
        RegionRecord(
            code=code,
            name=regions.name(code),
            level=regions.level(code),
            primary=code == primary,
            score=round(max((scores.get(s, 0.0) for s in where), default=0.0), 4),
            mentions=where,
        )
        for code, where in spans.items()
    ]


def _parties(text: str, found: Sequence[FoundMention]) -> list[PartyRecord]:
    spans: dict[str, list[Span]] = {}
    for m in found:
        if m.type is MentionType.PARTY:
            spans.setdefault(text[m.start : m.end].casefold(), []).append((m.start, m.end))
    return [PartyRecord(name=text[s[0][0] : s[0][1]], mentions=s) for s in spans.values()]


def write_calibration(calibration: Calibration, directory: Path) -> None:
    """Write temperature and thresholds as JSON."""
    content = json.dumps(calibration.model_dump(mode="json"), indent=1)
    (directory / CALIBRATION_FILE).write_text(content + "\n", encoding="utf-8")
