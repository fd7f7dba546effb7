"""Names, layouts and the published schema agree with one another."""

import itertools
import json

import jsonschema

from nlp import outputs, schema
from nlp.record import record_schema
from nlp.schema import DISPLAY_ID, ElectionType, Flag, Form, Label, MentionType, Role, Status, SubjectGroup, rollup


def test_every_name_has_an_indonesian_display_name():
    for name in itertools.chain(Label, Form, SubjectGroup, Flag, Role, Status, ElectionType):
        assert DISPLAY_ID[name].strip()


def test_open_cases_are_worded_as_dugaan():
    for label in schema.OPEN_LABELS:
        assert "dugaan" in DISPLAY_ID[label]


def test_rollup():
    assert [rollup(x) for x in (Label.PREVENTION, Label.PROCEEDING, Label.CLEARED)] == ["none", "open", "closed"]


def test_output_layouts_have_no_gap():
    for layout in (outputs.DOCUMENT, outputs.TOKEN):
        edges = [(s.start, s.stop) for s in layout.values()]
        assert edges[0][0] == 0
        assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert {t.removeprefix("B-") for t in outputs.SPAN_TAGS if t.startswith("B-")} == set(schema.SPAN_TYPES)
    assert len(ElectionType) == 7
    assert MentionType.REGION not in schema.SPAN_TYPES


def test_record_schema_is_valid_and_refuses_unknown_keys(tagger, corpus):
    published = record_schema()
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    record = json.loads(tagger.tag(corpus[0].text).model_dump_json())
    validator.validate(record)
    assert not validator.is_valid({**record, "verdict": "guilty"})
    del record["label"]
    assert not validator.is_valid(record)
