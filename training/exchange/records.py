"""A model's record as an annotation: to be corrected by people, or as they have corrected it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from nlp.corrections import Correction, apply, read_log
from nlp.errors import describe_error
from nlp.record import Record
from nlp.schema import CASE_LABELS, UNCERTAIN, Form, MentionType, Role
from training.corpus import Annotation, CorpusText, Layer, to_slug

_LAYERS: Final[dict[str, tuple[Layer, ...]]] = {
    "label": ("label",),
    "forms": ("forms",),
    "role": ("mentions", "officials"),
    "primary_region": ("mentions", "regions"),
}


def draft(
    text: str,
    record: Record,
    mentions: Sequence[tuple[int, int, MentionType]],
    annotations: Sequence[Annotation],
    layers: Sequence[Layer],
) -> CorpusText:
    """A record as a private corpus text that holds the given layers.

    Raises:
        ValidationError: the record contradicts itself in a way that no corpus text may.
    """
    ids = {(start, end): f"m{n}" for n, (start, end, _) in enumerate(mentions, 1)}
    codes = {(s, e): r.code for r in record.regions for s, e in r.mentions}
    marked = [
        {"id": ids[start, end], "type": kind, "start": start, "end": end}
        | ({"code": codes[start, end]} if kind is MentionType.REGION and (start, end) in codes else {})
        for start, end, kind in mentions
    ]
    officials = [
        {
            "mentions": [ids[m] for m in map(tuple, o.mentions) if m in ids],
            "role": Role.OTHER if o.role == UNCERTAIN else o.role,
            "status": o.status,
            "region": o.region,
        }
        for o in record.officials
    ]
    forms = [f.name for f in record.forms] or [Form.OTHER_UNSPECIFIED]
    content: dict[Layer, dict[str, Any]] = {
        "flags": {"flags": record.flags},
        "forms": {"forms": forms if record.label.name in CASE_LABELS else []},
        "subjects": {"subjects": record.subject_groups},
        "evidence": {"evidence": [{"start": e.start, "end": e.end} for e in record.evidence]},
        "mentions": {"mentions": marked},
        "officials": {"officials": officials},
        "regions": {
            "regions": [r.code for r in record.regions],
            "primary_region": next((r.code for r in record.regions if r.primary), None),
        },
        "election": {"election": {"type": record.election.type, "year": record.election.year}},
        "ignored": {"ignored": [{"start": s, "end": e} for s, e in record.ignored]},
    }
    base = {
        "id": record.id,
        "text": text,
        "kind": "news",
        "style": "real",
        "date": record.source.published,
        "event": f"real-{record.text_sha256[:12]}",
        "private": True,
        "url": record.source.url,
        "annotations": annotations,
        "layers": list(layers),
        "label": record.label.name,
    }
    for layer in layers:
        base |= content.get(layer, {})
    return CorpusText.model_validate(base)


def read_corrections(path: Path, guide: str | None = None) -> Iterator[CorpusText | str]:
    """Yield each text of a log of corrections with what people have settled; nothing that only the model says, save for
    what belongs to it: the mentions to a role, the forms that a text without a case cannot have.

    Raises:
        NetralitasError: the log cannot be read.
    """
    by_text: dict[str, list[Correction]] = {}
    for correction in read_log(path):
        by_text.setdefault(correction.text_sha256, []).append(correction)
    for corrections in by_text.values():
        last = corrections[-1]
        record = apply(last.record, corrections)
        settled = {layer for c in corrections for layer in _LAYERS[c.field]} | {"label"}
        if record.label.name not in CASE_LABELS:
            settled.add("forms")
        layers: list[Layer] = [layer for layer in CorpusText.model_fields["layers"].default if layer in settled]
        people = [
            Annotation(by=to_slug(c.by, "person"), date=c.at.date(), guide=guide, layers=list(_LAYERS[c.field]))
            for c in corrections
        ]
        if not any(c.field == "label" for c in corrections):
            people.insert(0, Annotation(by="model", layers=["label"]))
        try:
            yield draft(last.text, record, last.mentions, people, layers)
        except ValidationError as e:
            yield f"{path}: text {last.text_sha256[:12]}: {describe_error(e)}"
