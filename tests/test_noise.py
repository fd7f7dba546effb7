"""Texts spoilt as feeds spoil them: what decides the label stays, and offsets stay true."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from training import noise
from training.corpus import CorpusText, iter_corpus


@pytest.fixture(scope="module")
def texts():
    full = (t for t in iter_corpus(Path("data/corpus.jsonl")) if t.has("officials") and t.officials)
    return list(itertools.islice(full, 200))


def checked(new):
    """The text, validated anew: offsets, layers, officials."""
    return CorpusText.model_validate(new.model_dump())


def changed(texts, way):
    rng = np.random.default_rng(0)
    return [(old, checked(way(old, rng))) for old in texts]


def test_recasing_changes_letters_alone(texts):
    for old, new in changed(texts, noise._recased):
        assert new.text.casefold() == old.text.casefold()
        assert new.text in (old.text.lower(), old.text.upper(), old.text)
        assert new.mentions == old.mentions


def test_scanning_errors_are_few_and_offsets_true(texts):
    pairs = changed(texts, noise._misread)
    assert sum(old.text != new.text for old, new in pairs) > 0.9 * len(pairs)
    for old, new in pairs:
        wrong = sum(old.quote(a.id) != new.quote(a.id) for a in old.mentions)
        assert wrong < len(old.mentions) / 2 + 2
        assert [m.id for m in new.mentions] == [m.id for m in old.mentions]


def test_typing_errors_spare_the_mentions(texts):
    for old, new in changed(texts, noise._mistyped):
        assert [new.quote(m.id) for m in new.mentions] == [old.quote(m.id) for m in old.mentions]
        assert abs(len(new.text) - len(old.text)) < 0.05 * len(old.text) + 5


def test_a_cut_text_keeps_its_evidence(texts):
    pairs = changed(texts, noise._cut)
    assert sum(len(new.text) < len(old.text) for old, new in pairs) > len(pairs) / 2
    for old, new in pairs:
        assert [new.text[e.start : e.end] for e in new.evidence] == [old.text[e.start : e.end] for e in old.evidence]
        assert new.text in old.text
        assert all(new.quote(m.id) == old.quote(m.id) for m in new.mentions)


def test_shares_and_seeds(texts):
    spoilt = noise.noise_share(texts, 0.5, 1)
    assert 0.3 < sum(a.text != b.text for a, b in zip(texts, spoilt, strict=True)) / len(texts) < 0.6
    assert [t.label for t in spoilt] == [t.label for t in texts]
    assert noise.noise_share(texts, 0.5, 1) == spoilt
    assert noise.noise_share(texts, 0.5, 2) != spoilt
    assert noise.noise_share(texts, 0.0, 1) == texts
    for new in spoilt:
        checked(new)
