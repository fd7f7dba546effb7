"""Only the asked-for records and fields are written, and a record to be shared names nobody."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nlp.errors import NetralitasError
from nlp.record import Record
from nlp.schema import CASE_LABELS, Label
from nlp.select import Selection, parse_fields, parse_only
from nlp.write import record_line
from tests.records import TEXT, bare_record, make_record


@pytest.mark.parametrize("record", [make_record(), bare_record(), make_record(text=TEXT + " é 😀 \x7f \u2028 \t")])
def test_default_writes_what_was_always_written(record):
    assert Selection().keeps(record)
    assert Selection().line(record) == record_line(record)
    assert json.loads(Selection().line(record)) == Selection().shape(record)


@given(st.floats(0, 1), st.text(st.characters(exclude_categories=["Cs"])))
def test_default_bytes_of_any_value(score, written):
    record = bare_record(score=score, source={"title": written})
    assert Selection().line(record) == record_line(record)


def test_only():
    assert parse_only(["sanctioned,prevention", "sanctioned"]) == (Label.PREVENTION, Label.SANCTIONED)
    assert set(parse_only(["case"])) == CASE_LABELS
    assert parse_only(["case", "overview"])[0] == "overview"
    chosen = Selection(only=parse_only(["case"]))
    assert chosen.keeps(make_record("allegation"))
    assert not chosen.keeps(make_record("prevention"))


def test_unknown_label():
    with pytest.raises(NetralitasError, match=r"unknown label guilty; known are not_relevant, .*, and case"):
        parse_only(["case", "guilty"])


def test_min_score():
    chosen = Selection(min_score=0.8)
    assert chosen.keeps(make_record(score=0.8))
    assert not chosen.keeps(make_record(score=0.7999))
    with pytest.raises(ValidationError):
        Selection(min_score=80)


def test_fields_keep_the_order_of_the_record():
    chosen = Selection(fields=parse_fields(["officials,label", "text"]))
    assert list(chosen.shape(make_record())) == ["id", "text_sha256", "label", "officials"]
    assert list(chosen.shape(make_record(text=TEXT))) == ["id", "text_sha256", "label", "officials", "text"]


def test_unknown_field():
    for make in (parse_fields, lambda names: Selection(fields=names)):
        with pytest.raises(NetralitasError, match=r"unknown field names; a record has schema_version, id, .*, text"):
            make(("label", "names"))


def test_selection_survives_json():
    chosen = Selection(only=parse_only(["case"]), min_score=0.5, fields=("label",), without_names=True)
    assert Selection.model_validate_json(chosen.model_dump_json()) == chosen


def test_without_names_keeps_the_rest():
    shaped = Selection(without_names=True).shape(make_record(text=TEXT))
    assert shaped["id"] == shaped["text_sha256"][:16]
    assert shaped["source"] == {"published": "2024-10-07", "extent": None}
    assert shaped["officials"] == [
        {"office": "Camat Undaan", "agency": None, "region": "33.19.03", "role": "subject", "status": "in_process"}
        | {"score": 0.7},
        {"office": "Ketua", "agency": "Bawaslu Kudus", "region": "33.19", "role": "overseer", "status": None}
        | {"score": 1.0},
    ]
    assert shaped["parties"] == [{"name": "PDIP", "mentions": [[1, 5]]}]
    assert shaped["evidence"] == [{"start": 0, "end": 52, "score": 0.9, "supports": "proceeding"}]
    assert shaped["revision"]["supersedes"] == "ab" * 8
    assert "text" not in shaped
    assert set(Record.model_fields) - set(shaped) == {"text"}


def test_without_names_and_with_text():
    with pytest.raises(NetralitasError, match="text cannot be kept without names"):
        Selection(fields=("text",), without_names=True)


@pytest.mark.parametrize(
    ("office", "kept"),
    [
        ("Camat Undaan Sutarno", False),
        ("CAMAT UNDAAN SUTARNO WIBOWO", False),
        ("ajudan Rofiah Hanum", False),
        ("staf Pak Tarno", True),  # not the beginning of a name: nobody can know
        ("Kades (Suta)", False),
        ("@camatsutarno", False),
        ("Camat Undaan", True),
        ("Ketua H. Bawaslu", True),
    ],
)
def test_names_in_offices(office, kept):
    officials = [o.model_dump() for o in make_record().officials]
    officials[0] |= {"name": "Drs. H. Sutarno Wibowo", "office": office, "agency": office}
    shaped = Selection(without_names=True).shape(make_record(officials=officials))
    wanted = office if kept else None
    assert shaped["officials"][0]["office"] == wanted
    assert shaped["officials"][0]["agency"] == wanted


NAME_WORDS = st.text("bdgjkmnprstuwyz", min_size=5, max_size=9).map(str.capitalize)
NAMES = st.lists(NAME_WORDS, min_size=1, max_size=3).map(" ".join)


@given(names=st.lists(NAMES, min_size=1, max_size=4), fields=st.sampled_from([(), ("officials", "source", "parties")]))
def test_no_name_is_left_anywhere(names, fields):
    everybody = ", ".join(names)
    officials = [
        {"name": title + name, "office": office, "agency": agency, "region": None, "role": "other", "status": None}
        | {"score": 0.5, "mentions": [(0, 3)]}
        for name in names
        for title in ("", "Hj. ", "Dr. ")
        for office, agency in [(f"Istri {names[0]}", None), ("Camat", f"Kantor {name.upper()}"), (name, "Bawaslu")]
    ]
    slug = everybody.lower().replace(" ", "-")
    record = make_record(
        id=f"https://contoh.example/{slug}",
        officials=officials,
        source={"url": f"https://x.example/{slug}", "outlet": f"@{slug}", "title": everybody, "published": None},
        parties=[{"name": f"Partai {names[-1]}", "mentions": []}, {"name": "PKB", "mentions": []}],
        evidence=[{"start": 0, "end": 9, "quote": f"Kata {everybody}.", "score": 1, "supports": "overview"}],
        corrections=[{"field": "label", "person": None, "old": "overview", "new": "cleared", "by": names[0]}
        | {"at": "2026-03-01T10:00:00Z", "reason": everybody}],
        revision={"number": 2, "supersedes": slug, "supersedes_text_sha256": "cd" * 32},
        text=everybody,
    )  # fmt: skip
    line = Selection(without_names=True, fields=fields).line(record).casefold()
    assert not [word for name in names for word in name.casefold().split() if word in line]
    assert '"pkb"' in line
    assert '"camat"' in line


def test_new_fields_are_not_shared_by_mistake():
    class Wider(Record):
        witness: str

    record = Wider(**dict(make_record()), witness="Pak Karta")
    assert "Karta" not in Selection(without_names=True).line(record)
