"""Behavioural tests: the file fills to enough different cases, and each kind of failure is seen."""

from collections import Counter
from pathlib import Path

import pytest

from nlp.errors import NetralitasError
from nlp.record import Record
from nlp.schema import Label
from training.behaviour import (
    Case,
    Suite,
    _problem,
    cases,
    colloquial,
    misspelt,
    pass_rates,
    read_suite,
    run,
    slots,
    swap_flips,
)
from training.corpus import iter_corpus

SUITE = Path("data/behaviour.toml")
SLOTS = '[slots]\nnama = ["A", "B", "C", "D"]\n'


@pytest.fixture(scope="module")
def filled() -> list[Case]:
    return list(cases(read_suite(SUITE)))


def test_there_are_enough_different_cases_of_each_kind(filled):
    assert len({(c.kind, c.text, c.other) for c in filled}) == len(filled) >= 600
    kinds = Counter(c.kind for c in filled)
    assert min(kinds.values()) >= 40
    capabilities = {c.capability for c in filled}
    wanted = {"negation", "quoted denial", "conditional sanction", "passive voice", "headline against body", "PPK"}
    assert wanted | {"Kabupaten and Kota", "victim against violator", "swap: nama", "swap: kab"} <= capabilities


def test_every_label_is_asked_for_and_no_slot_stays_open(filled):
    assert {x for c in filled for x in c.labels} == set(Label)
    assert not [c for c in filled if "{" in c.text or "}" in c.text]


def test_cases_are_the_same_each_time(filled):
    assert list(cases(read_suite(SUITE))) == filled


def test_no_case_is_a_corpus_text(filled):
    known = {t.text for t in iter_corpus(Path("data/corpus.jsonl"))}
    assert not known & {c.text for c in filled}


def test_noise():
    assert colloquial("Ia tidak hadir. Karena sakit.") == "ia gak hadir krn sakit"
    import numpy as np

    text = "kampanye terbuka dilaporkan pemerintah " * 20
    noisy = misspelt(text, np.random.default_rng(0))
    changed = sum(a != b for a, b in zip(text.split(), noisy.split(), strict=True))
    assert 1 <= changed <= 20
    assert sorted(noisy) == sorted(text)


def record(tagger, text: str, label: Label, **changes: object) -> Record:
    made = tagger.tag(text)
    return made.model_copy(update={"label": made.label.model_copy(update={"name": label}), **changes})


def test_each_failure_is_named(tagger):
    text = "Camat Kudus Rofiah Hanum dilaporkan warga ke Bawaslu karena hadir di kampanye."
    got = record(tagger, text, Label.ALLEGATION)
    person = tagger.tag("Kepala Dinas Sosial Kudus Darmaji dicopot karena terbukti mengunggah dukungan.").officials[:1]
    subject = [person[0].model_copy(update={"role": "subject", "name": "Darmaji"})]
    wrong = Case("minimum function", "x", text, labels=frozenset({Label.CLEARED}))
    assert _problem(wrong, got, None) == "allegation, not cleared"
    right = Case("minimum function", "x", text, labels=frozenset({Label.ALLEGATION}))
    assert _problem(right, got, None) == ""
    spared = Case("minimum function", "x", text, labels=frozenset({Label.ALLEGATION}), spared=("Darmaji",))
    assert "is called a subject" in _problem(spared, got.model_copy(update={"officials": subject}), None)
    missed = Case("minimum function", "x", text, labels=frozenset({Label.ALLEGATION}), subjects=("Nobody",))
    assert _problem(missed, got, None) == "Nobody is not found, not a subject"
    place = Case("minimum function", "x", text, labels=frozenset({Label.ALLEGATION}), region="99.99")
    assert "primary region" in _problem(place, got, None)
    flipped = Case("invariance", "swap: nama", text, "other")
    assert _problem(flipped, got, record(tagger, text, Label.CLEARED)) == "cleared became allegation"
    up = Case("direction", "x", text, "other", raises=Label.CLEARED)
    low, high = ({**got.scores, Label.CLEARED: p} for p in (0.1, 0.2))
    assert "cleared: 0.200 to 0.100" in _problem(
        up, got.model_copy(update={"scores": low}), got.model_copy(update={"scores": high})
    )


def test_outcomes_are_counted(tagger):
    some = [
        Case("minimum function", "a", "Harga cabai di pasar Kudus naik lagi pekan ini.", labels=frozenset(Label)),
        Case("minimum function", "a", "Harga cabai di pasar Kudus naik lagi pekan ini.", labels=frozenset()),
        Case("invariance", "swap: nama", "Harga cabai naik.", "Harga cabai naik."),
    ]
    outcomes = run(tagger, some)
    assert pass_rates(outcomes) == {"minimum function": {"a": (1, 2)}, "invariance": {"swap: nama": (1, 1)}}
    assert swap_flips(outcomes) == (0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("slots = 3", "slots"),
        (SLOTS + '[[test]]\ncapability = "x"\ntext = "{siapa}"\nlabel = ["cleared"]', "test 1 .x.: siapa"),
        (
            SLOTS + '[[test]]\ncapability = "x"\ntext = "halo"\nlabel = ["cleared"]\nswap = ["nama"]',
            "nama: no such slot",
        ),
        (SLOTS + '[[test]]\ncapability = "x"\ntext = "{nama}"', "either 'label', or 'raises'"),
        (SLOTS + '[[test]]\ncapability = "x"\ntext = "{nama}"\nlabel = ["guilty"]', "label"),
        ("= 3", "not TOML"),
    ],
)
def test_errors_name_the_test(tmp_path, content, message):
    path = tmp_path / "b.toml"
    path.write_text(content)
    with pytest.raises(NetralitasError, match=message):
        read_suite(path)


def test_slots():
    assert slots("{a} dan {b}, {a}") == {"a", "b"}
    assert isinstance(read_suite(SUITE), Suite)
