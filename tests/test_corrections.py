"""Corrections: laid over later records of the same text, never lost, and learnt from."""

import datetime as dt
import json
import stat

import pytest
from pydantic import ValidationError

from nlp.batch import Options, tag_sources
from nlp.corrections import Correction, CorrectionLog, apply, value_of
from nlp.errors import NetralitasError
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, Role, Status
from nlp.tagger import Tagger
from training.exchange import read_texts


@pytest.fixture
def accused(tagger, corpus):
    """A record of a case with an accused person, and its text; the tiny model's threshold is not the point here."""
    for text in corpus:
        reading = tagger.read(text.text)
        record = tagger.record(reading, id=text.id, date=text.date, source=tagger.tag(text.text).source)
        if record.label.name in CASE_LABELS and record.officials:
            first = record.officials[0].model_copy(update={"role": Role.SUBJECT, "status": Status.ALLEGED})
            record = record.model_copy(update={"officials": [first, *record.officials[1:]]})
            return record, text.text, [(m.start, m.end, m.type) for m in reading.mentions]
    raise AssertionError("the tiny model finds no case")


def correction(accused, **changes):
    record, text, mentions = accused
    field = changes.get("field", "label")
    person = changes.get("person")
    values = {
        "at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "by": "Ani Wijaya",
        "reason": "hanya imbauan",
        "field": field,
        "person": person,
        "old": value_of(record, field, person),
        "new": "prevention",
        "text_sha256": record.text_sha256,
        "text": text,
        "record": record,
        "mentions": mentions,
    }
    return Correction.model_validate(values | changes)


def test_a_corrected_accusation_never_returns(accused, tmp_path):
    record = accused[0]
    log = CorrectionLog(tmp_path / "log.jsonl")
    log.append(correction(accused))
    again = CorrectionLog(tmp_path / "log.jsonl").apply(record)
    assert again.label.name == "prevention"
    assert again.forms == []
    assert not any(o.status in ACCUSED_STATUSES for o in again.officials)
    assert again.corrections[0].old == record.label.name
    assert again.scores == record.scores
    assert json.loads((tmp_path / "log.jsonl").read_text())["record"]["label"]["name"] == record.label.name
    assert log.apply(record.model_copy(update={"text_sha256": "0" * 64})).corrections == []


def test_a_later_correction_wins_and_both_are_kept(accused, tmp_path):
    log = CorrectionLog(tmp_path / "log.jsonl")
    log.append(correction(accused))
    log.append(correction(accused, new="overview", old="prevention"))
    after = log.apply(accused[0])
    assert after.label.name == "overview"
    assert [c.new for c in after.corrections] == ["prevention", "overview"]


def test_a_role_is_corrected_of_one_person(accused):
    record = accused[0]
    person = record.officials[0].mentions[0]
    after = apply(record, [correction(accused, field="role", person=person, new="speaker")])
    assert (after.officials[0].role, after.officials[0].status) == ("speaker", None)
    assert after.officials[1:] == record.officials[1:]
    assert after.label == record.label
    cleared = apply(record, [correction(accused, field="role", person=person, new="subject:cleared")])
    assert cleared.officials[0].status == "cleared"


def test_a_confirmed_label_no_longer_waits_for_review(accused):
    record = accused[0]
    unsure = record.model_copy(update={"label": record.label.model_copy(update={"abstained": True})})
    after = apply(unsure, [correction(accused, new=str(record.label.name))])
    assert not after.label.abstained
    assert after.forms == record.forms


@pytest.mark.parametrize(
    "changes",
    [
        {"new": "guilty"},
        {"field": "role", "person": None, "old": "x"},
        {"person": (0, 1)},
        {"field": "primary_region", "new": "99.99"},
        {"field": "forms", "new": "hugging"},
        {"text": "another"},
        {"by": ""},
        {"reason": ""},
    ],
)
def test_bad_corrections(accused, changes):
    with pytest.raises((ValidationError, ValueError)):
        correction(accused, **changes)


def test_forms_and_region(accused):
    record = accused[0]
    after = apply(record, [correction(accused, field="forms", new="coercion,mobilise")])
    assert [f.name for f in after.forms] == ["coercion", "mobilise"]
    codes = [r.code for r in record.regions]
    if codes:
        moved = apply(record, [correction(accused, field="primary_region", new="")])
        assert not any(r.primary for r in moved.regions)


def test_log_is_private_and_broken_lines_are_named(accused, tmp_path):
    path = tmp_path / "log.jsonl"
    CorrectionLog(path).append(correction(accused))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("a") as f:
        f.write("{}\n")
    with pytest.raises(NetralitasError, match=r"log\.jsonl:2: no correction"):
        CorrectionLog(path)


def test_a_log_is_imported_as_what_people_have_settled(accused, tmp_path):
    record, text, _ = accused
    path = tmp_path / "log.jsonl"
    log = CorrectionLog(path)
    log.append(correction(accused))
    (learnt,) = read_texts(path, guide="2")
    assert learnt.private
    assert learnt.text == text
    assert learnt.label == "prevention"
    assert learnt.layers == ["label", "forms"]
    assert [(a.by, a.guide, a.layers) for a in learnt.annotations] == [("ani-wijaya", "2", ["label"])]
    person = record.officials[0].mentions[0]
    log.append(correction(accused, field="role", person=person, new="speaker"))
    (learnt,) = read_texts(path)
    assert {"mentions", "officials"} <= set(learnt.layers)
    by_span = {m.id: (m.start, m.end) for m in learnt.mentions}
    (row,) = [o for o in learnt.officials if tuple(person) in {by_span[m] for m in o.mentions}]
    assert row.role == "speaker"


def test_a_batch_run_honours_corrections(accused, released, tmp_path):
    record, text, _ = accused
    log = CorrectionLog(tmp_path / "log.jsonl")
    log.append(correction(accused))
    (tmp_path / "feed.jsonl").write_text(json.dumps({"id": "x", "text": text}) + "\n")
    options = Options(corrections=tmp_path / "log.jsonl")
    tag_sources([str(tmp_path / "feed.jsonl")], tmp_path / "out.jsonl", Tagger.load(released), options)
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(line)["label"]["name"] == "prevention"
    assert json.loads(line)["corrections"][0]["old"] == record.label.name
