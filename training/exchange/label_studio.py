"""Label Studio JSON: tasks with annotations, or with a model's predictions and scores.

Spans are ``labels`` regions over ``$text``; codes, roles and statuses hang on them; offices, agencies and further
mentions of a person are relations. The labelling interface that shows all this is :data:`CONFIG`.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from nlp.errors import NetralitasError, describe_error
from nlp.schema import DISPLAY_ID, ElectionType, Flag, Form, Label, MentionType, Role, Status, SubjectGroup
from nlp.write import whole_file
from training.corpus import CorpusText, Mention, Official, region_codes, to_slug

_DOCUMENT: Final = {"label": Label, "flags": Flag, "forms": Form, "subjects": SubjectGroup, "election": ElectionType}
_META: Final = (
    "id",
    "kind",
    "style",
    "date",
    "event",
    "group",
    "confusions",
    "split",
    "private",
    "url",
    "annotations",
    "layers",
)
_SPANS: Final = {"EVIDENCE": "evidence", "IGNORED": "ignored"}


def _choices(name: str, values: Iterable[str], mode: str, extra: str = "") -> str:
    inside = "".join(f'<Choice value="{v}" hint="{DISPLAY_ID.get(v, v)}"/>' for v in values)
    return f'  <Choices name="{name}" toName="text" choice="{mode}"{extra}>{inside}</Choices>\n'


def config() -> str:
    """The labelling interface for Label Studio's settings page."""
    labels = "".join(f'<Label value="{v}"/>' for v in (*MentionType, *_SPANS))
    per_region = ' perRegion="true" whenTagName="mention" whenLabelValue='
    return (
        '<View>\n  <Labels name="mention" toName="text">'
        + labels
        + "</Labels>\n"
        + '  <Relations><Relation value="same"/><Relation value="office"/><Relation value="agency"/></Relations>\n'
        + '  <Text name="text" value="$text"/>\n'
        + _choices("label", Label, "single-radio", ' required="true"')
        + _choices("flags", Flag, "multiple")
        + _choices("forms", Form, "multiple")
        + _choices("subjects", SubjectGroup, "multiple")
        + _choices("election", ElectionType, "multiple")
        + '  <Number name="year" toName="text" min="2004" max="2035"/>\n'
        + '  <TextArea name="primary_region" toName="text" maxSubmissions="1" placeholder="33.75"/>\n'
        + f'  <TextArea name="code" toName="text" maxSubmissions="1"{per_region}"REGION"/>\n'
        + _choices("dateline", ["dateline"], "multiple", per_region + '"REGION"')
        + _choices("role", Role, "single", per_region + '"PERSON"')
        + _choices("status", Status, "single", per_region + '"PERSON"')
        + f'  <TextArea name="official_region" toName="text" maxSubmissions="1"{per_region}"PERSON"/>\n'
        + "</View>\n"
    )


def to_task(text: CorpusText, prediction: tuple[str, float] | None = None) -> dict[str, Any]:
    """One task; with ``prediction`` (model, score) the annotation stands as a model's prediction, to be corrected."""
    raw = text.model_dump(mode="json")
    result = list(_results(text))
    task: dict[str, Any] = {"data": {"text": text.text, "meta": {k: raw[k] for k in _META}}}
    if prediction:
        model, score = prediction
        task["predictions"] = [{"model_version": model, "score": score, "result": result}]
    else:
        task["annotations"] = [{"result": result}]
    return task


def _on(region: str, start: int, end: int, name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    place = {"start": start, "end": end}
    return {"id": region, "from_name": name, "to_name": "text", "type": kind, "value": place | value}


def _results(text: CorpusText) -> Iterator[dict[str, Any]]:
    spans = [(m.id, m.start, m.end, str(m.type)) for m in text.mentions]
    for label, layer in _SPANS.items():
        spans += [(f"{layer}-{n}", s.start, s.end, label) for n, s in enumerate(getattr(text, layer), 1)]
    for ident, start, end, label in spans:
        yield _on(ident, start, end, "mention", "labels", {"text": text.text[start:end], "labels": [label]})
    for m in text.mentions:
        if m.code:
            yield _on(m.id, m.start, m.end, "code", "textarea", {"text": [m.code]})
        if m.dateline:
            yield _on(m.id, m.start, m.end, "dateline", "choices", {"choices": ["dateline"]})
    by_id = {m.id: m for m in text.mentions}
    for o in text.officials:
        yield from _person_results(o, by_id[o.mentions[0]])
    yield from _document_results(text)


def _person_results(person: Official, first: Mention) -> Iterator[dict[str, Any]]:
    """What hangs on a person's first mention, and the relations from it."""
    for name, choice in (("role", person.role), ("status", person.status)):
        if choice:
            yield _on(first.id, first.start, first.end, name, "choices", {"choices": [str(choice)]})
    if person.region:
        yield _on(first.id, first.start, first.end, "official_region", "textarea", {"text": [person.region]})
    links = [(m, "same") for m in person.mentions[1:]] + [(person.office, "office"), (person.agency, "agency")]
    for target, kind in links:
        if target:
            relation = {"type": "relation", "from_id": first.id, "to_id": target, "direction": "right"}
            yield relation | {"labels": [kind]}


def _document_results(text: CorpusText) -> Iterator[dict[str, Any]]:
    def of(name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
        return {"id": f"document-{name}", "from_name": name, "to_name": "text", "type": kind, "value": value}

    for name in _DOCUMENT:
        values = text.election.type if name == "election" else getattr(text, name)
        if values:
            yield of(name, "choices", {"choices": [str(v) for v in ([values] if name == "label" else values)]})
    if text.election.year:
        yield of("year", "number", {"number": text.election.year})
    if text.primary_region:
        yield of("primary_region", "textarea", {"text": [text.primary_region]})


def write(texts: Iterable[CorpusText], path: Path) -> int:
    """Write annotated tasks; return how many."""
    return write_tasks((to_task(t) for t in texts), path)


def write_tasks(tasks: Iterable[dict[str, Any]], path: Path) -> int:
    """Write tasks as the JSON array that Label Studio imports, one task a line; return how many."""
    count = 0
    with whole_file(path) as f:
        f.write("[")
        for task in tasks:
            f.write((",\n" if count else "\n") + json.dumps(task, ensure_ascii=False))
            count += 1
        f.write("\n]\n")
    return count


def read(path: Path, by: str | None = None, guide: str | None = None) -> Iterator[CorpusText | str]:
    """Yield the annotated tasks of an export as texts, or a message ``FILE: task N (ID): problem``.

    A task with several annotations needs ``by``: the annotator's id or e-mail address. Texts that this project has not
    written itself (tasks without our ``meta``) are private.

    Raises:
        NetralitasError: the file is no Label Studio JSON.
    """
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as e:
        raise NetralitasError(f"{path}: cannot be read as JSON: {e}") from e
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks):
        raise NetralitasError(f"{path}: no Label Studio export; export as 'JSON' (not 'JSON-MIN')")
    for number, task in enumerate(tasks, 1):
        ident = (task["data"].get("meta") or {}).get("id") or task["data"].get("id") or task.get("id")
        try:
            yield from_task(task, by, guide)
        except ValidationError as e:
            yield f"{path}: task {number} ({ident}): {describe_error(e)}"
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            yield f"{path}: task {number} ({ident}): {e}"


def _annotation(task: dict[str, Any], by: str | None) -> dict[str, Any]:
    done = [a for a in task.get("annotations", []) if not a.get("was_cancelled")]
    if by:
        done = [a for a in done if by in _names(a.get("completed_by"))]
    if len(done) != 1:
        problem = "is not annotated" if not done else f"has {len(done)} annotations; choose one with --by"
        raise ValueError(problem + (f" by {by}" if by else ""))
    annotation: dict[str, Any] = done[0]
    return annotation


def _names(who: object) -> list[str]:
    if isinstance(who, dict):
        return [str(who[k]) for k in ("email", "id") if who.get(k) is not None]
    return [] if who is None else [str(who)]


def from_task(task: dict[str, Any], by: str | None = None, guide: str | None = None) -> CorpusText:
    """Turn one annotated task into a text.

    Raises:
        ValueError: not annotated, annotated by several, offsets that fit no reading, or an invalid text.
    """
    annotation = _annotation(task, by)
    data = task["data"]
    ident = str(data.get("id") or task.get("id") or "task")
    slug = to_slug(ident, "task")
    real = {"id": ident, "kind": data.get("kind", "news"), "style": "real", "event": slug, "private": True}
    record: dict[str, Any] = dict(data.get("meta") or real | {"url": data.get("url"), "date": data.get("date")})
    record["text"] = data["text"]
    names = _names(annotation.get("completed_by"))
    if names:
        when = annotation.get("updated_at") or annotation.get("created_at")
        reading = {
            "by": to_slug(names[0], "label-studio"),
            "date": dt.datetime.fromisoformat(when).date() if when else None,
            "guide": guide,
        }
        record["annotations"] = [*record.get("annotations", []), reading]
    elif not record.get("annotations"):
        record["annotations"] = [{"by": "label-studio", "guide": guide}]
    _Results(annotation["result"], data["text"]).into(record)
    return CorpusText.model_validate(record)


class _Results:
    """The results of one annotation, sorted by what they are."""

    def __init__(self, results: list[dict[str, Any]], text: str) -> None:
        self._text = text
        self._mentions: dict[str, dict[str, Any]] = {}
        self._spans: dict[str, list[dict[str, int]]] = {layer: [] for layer in _SPANS.values()}
        self._on: dict[tuple[str, str], Any] = {}
        self._document: dict[str, Any] = {}
        self._relations: list[tuple[str, str, str]] = []
        for r in results:
            self._sort(r)

    def _sort(self, r: dict[str, Any]) -> None:
        if r["type"] == "relation":
            for kind in r.get("labels") or ["same"]:
                self._relations.append((r["from_id"], kind, r["to_id"]))
            return
        name, value = r["from_name"], r["value"]
        if r["type"] == "labels":
            start, end = self._offsets(value)
            for label in value["labels"]:
                if label in _SPANS:
                    self._spans[_SPANS[label]].append({"start": start, "end": end})
                else:
                    self._mentions[r["id"]] = {"id": r["id"], "type": label, "start": start, "end": end}
            return
        content = value.get("choices") or value.get("text") or value.get("number")
        if name in ("code", "dateline", "role", "status", "official_region"):
            self._on[r["id"], name] = content[0] if isinstance(content, list) else content
        else:
            self._document[name] = content

    def _offsets(self, value: dict[str, Any]) -> tuple[int, int]:
        """Code points, or UTF-16 units where some version of the browser side counted these."""
        start, end, quote = int(value["start"]), int(value["end"]), value.get("text")
        if quote is None or self._text[start:end] == quote:
            return start, end
        units = self._text.encode("utf-16-le")
        if units[2 * start : 2 * end].decode("utf-16-le", "replace") == quote:
            before = len(units[: 2 * start].decode("utf-16-le"))
            return before, before + len(quote)
        raise ValueError(f"the offsets {start}-{end} do not hold {quote[:40]!r}; was the text changed?")

    def into(self, record: dict[str, Any]) -> None:
        for ident, m in self._mentions.items():
            if code := self._on.get((ident, "code")):
                m["code"] = code.strip()
            if self._on.get((ident, "dateline")):
                m["dateline"] = True
        record["mentions"] = sorted(self._mentions.values(), key=lambda m: (m["start"], -m["end"]))
        record["officials"] = self._officials(record["mentions"])
        record |= {layer: sorted(spans, key=lambda s: s["start"]) for layer, spans in self._spans.items()}
        doc = self._document
        if not doc.get("label"):
            raise ValueError("has no label")
        record["label"] = doc["label"][0]
        record |= {name: doc.get(name, []) for name in ("flags", "forms", "subjects")}
        record["election"] = {"type": doc.get("election", []), "year": doc.get("year")}
        primary = doc.get("primary_region")
        record["primary_region"] = (primary[0] if isinstance(primary, list) else primary) if primary else None
        if "regions" in record.get("layers", ["regions"]):
            record["regions"] = region_codes(record["mentions"], record["primary_region"])

    def _officials(self, mentions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One row a person; its first mention is the one that carries a role, else the first in the text."""
        persons = [m["id"] for m in mentions if m["type"] == MentionType.PERSON]
        head = {p: p for p in persons}
        for source, kind, target in self._relations:
            if kind == "same" and source in head and target in head:
                old, new = head[target], head[source]
                head = {p: new if h == old else h for p, h in head.items()}
        rows: dict[str, dict[str, Any]] = {}
        for p in persons:
            rows.setdefault(head[p], {"mentions": []})["mentions"].append(p)
        for row in rows.values():
            members = row["mentions"]
            for name, field in (("role", "role"), ("status", "status"), ("official_region", "region")):
                row[field] = next((self._on[m, name] for m in members if (m, name) in self._on), None)
            if row["role"] is None:
                quote = next(self._text[m["start"] : m["end"]] for m in mentions if m["id"] == members[0])
                raise ValueError(f"the person {quote!r} has no role")
            for kind in ("office", "agency"):
                row[kind] = next((t for s, k, t in self._relations if k == kind and s in members), None)
        given = [ident for ident, name in self._on if name == "role"]
        return sorted(rows.values(), key=lambda row: min(given.index(m) for m in row["mentions"] if m in given))
