"""Names drawn anew: labels and structure stay, offsets and codes stay true."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from nlp import gazetteer
from nlp.schema import MentionType
from training.corpus import iter_corpus
from training.markup import parse_text
from training.swap import known_places, name_pool, swap, swap_share

HEAD = "kind: news\nstyle: test\ndate: 2024-10-01\nevent: e\nannotators: t\nlabel: allegation\nforms: mobilise\n"
ALL = frozenset(c for p in gazetteer.provinces() for c in gazetteer.kabupaten_of(p))


@pytest.fixture(scope="module")
def texts():
    full = (t for t in iter_corpus(Path("data/corpus.jsonl")) if t.has("officials") and t.officials)
    return list(itertools.islice(full, 300))


def outline(text):
    return (
        text.label,
        [(m.id, m.type, m.dateline) for m in text.mentions],
        [(o.mentions, o.office, o.role, o.status) for o in text.officials],
        len(text.evidence),
        text.election,
    )


def test_corpus_texts_keep_their_structure_and_their_codes_stay_true(texts):
    pool, places = name_pool(texts), known_places(texts)
    rng = np.random.default_rng(0)
    moved = renamed = 0
    for old in texts:
        new = swap(old, pool, places, rng)
        assert outline(new) == outline(old)
        for a, b in zip(old.mentions, new.mentions, strict=True):
            if a.type is MentionType.OFFICE and a.code is None:
                assert len(old.quote(a.id).split()) <= len(new.quote(b.id).split()) + 3
            if b.type is MentionType.REGION and a.code != b.code:
                assert gazetteer.name(b.code).split(" ")[-1].casefold() in new.quote(b.id).casefold()
                assert gazetteer.level(a.code) == gazetteer.level(b.code)
        moved += old.regions != new.regions
        renamed += any(old.quote(o.mentions[0]) != new.quote(o.mentions[0]) for o in old.officials)
        if old.primary_region and old.regions != new.regions:
            assert new.primary_region in new.regions
    assert moved > len(texts) / 5
    assert renamed > len(texts) * 0.8


def test_one_person_and_one_place_stay_one():
    text = parse_text(
        f"=== a\n{HEAD}primary: 33.19\nelection: none\nofficial: P1 | O1 | - | 33.19 | subject | alleged\n---\n"
        "{E:{O1:Camat {R=33.19:Kudus}} {P1:H. Darmaji Wibowo, S.Sos} mengajak warga.} {P1:DARMAJI} "
        "berdalih. Kata {P1:Wibowo}, {Y:Golkar} menang di {R=33.19:Kabupaten Kudus}."
    )
    new = swap(text, [["Yusran", "Talib"], ["Maria", "Lodo"]], ALL, np.random.default_rng(1))
    first, second, third = (new.quote(i) for i in new.officials[0].mentions)
    assert first.startswith("H. ")
    assert first.endswith(", S.Sos")
    given, family = first.removeprefix("H. ").removesuffix(", S.Sos").split()
    assert given in ("Yusran", "Maria")
    assert (second, third) == (given.upper(), family)
    (code,) = new.regions
    assert code != "33.19"
    assert code.count(".") == 1
    place = gazetteer.name(code).removeprefix("Kabupaten ")
    assert new.quote(new.officials[0].office) == f"Camat {place}"
    assert new.text.endswith(f"menang di Kabupaten {place}.")
    assert new.officials[0].region == new.primary_region == code


def test_shares_are_seeded(texts):
    some = texts[:60]
    a, b, other = swap_share(some, 0.5, 0), swap_share(some, 0.5, 0), swap_share(some, 0.5, 1)
    assert a == b != other
    changed = sum(x.text != y.text for x, y in zip(some, a, strict=True))
    assert 15 < changed < 45
    assert swap_share(some, 0.0, 0) == some


def test_texts_move_only_to_places_that_training_knows(texts):
    places = known_places(texts[:100])
    assert places
    for new in swap_share(texts[:100], 1.0, 0):
        assert {c[:5] for c in new.regions if "." in c} <= places
