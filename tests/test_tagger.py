"""The tagger on the tiny model: records are whole, coherent and say what they must."""

import hashlib

import pytest

from nlp.decode import softmax
from nlp.errors import NetralitasError
from nlp.schema import Label, Status
from nlp.tagger import Tagger, decide_status


def test_record_is_coherent(tagger, corpus):
    for text in corpus[:8]:
        record = tagger.tag(text.text, id=text.id, date=text.date)
        assert record.text_sha256 == hashlib.sha256(text.text.encode()).hexdigest()
        assert sum(record.scores.values()) == pytest.approx(1, abs=0.01)
        for official in record.officials:
            assert any(text.text[s:e] == official.name for s, e in official.mentions)
        for evidence in record.evidence:
            assert text.text[evidence.start : evidence.end] == evidence.quote
        assert sum(r.primary for r in record.regions) <= 1
        assert record.source.published == text.date
