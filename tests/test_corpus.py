"""The corpus format, its validator and its splits; and the committed corpus itself."""

import json
from collections import Counter
from pathlib import Path

import pytest

from nlp.errors import NetralitasError
from nlp.schema import Label
from training.check import check
from training.corpus import check_lines, read_corpus, write_corpus
from training.split import assign, card, leaks, near_pairs, sketch, unseen

DATA = Path(__file__).parent.parent / "data"


def spoil(corpus_file, tmp_path, line, **changes):
    rows = [json.loads(x) for x in corpus_file.read_text().splitlines()]
    rows[line - 1] |= changes
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "guilty"}, "label: Input should be"),
        ({"id": "tiny-01"}, "id: already used in"),
        ({"evidence": [{"start": 5, "end": 90000}]}, "ends after the text"),
        ({"evidence": [{"start": 5, "end": 5}]}, "evidence.0: end 5 is not after start 5"),
        ({"evidence": []}, "evidence: mark the one to three sentences"),
        ({"verdict": "guilty"}, "verdict: Extra inputs are not permitted"),
        ({"forms": ["mobilise"]}, "forms: prevention is no case label"),
        ({"layers": ["label"]}, "layers: 'subjects' has annotations but is not listed"),
        ({"primary_region": "33.9"}, "primary_region: String should match"),
        ({"officials": []}, "belong to no official row"),
        ({"date": "yesterday"}, "date:"),
        ({"confusions": [16]}, "confusions.0:"),
        (
            {"mentions": [{"id": "m1", "type": "ORG", "start": 0, "end": 5, "code": "33.19"}], "officials": []},
            "region's fields",
        ),
    ],
)
def test_validator_names_line_and_field(corpus_file, tmp_path, changes, message):
    path = spoil(corpus_file, tmp_path, 9, **changes)
    _, problems = check_lines(path)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}:9 (")
    assert message in problems[0]
    with pytest.raises(NetralitasError, match=r"bad\.jsonl:9"):
        read_corpus(path)


def test_bad_json_and_unknown_region(corpus_file, tmp_path):
    path = spoil(corpus_file, tmp_path, 1, primary_region="99.99", regions=["99.99"])
    with path.open("a") as f:
        f.write("{not json\n")
    _, problems = check(path)
    assert any(p.startswith(f"{path}:41: not JSON") for p in problems)
    assert any("primary_region: 99.99 is no Kemendagri code" in p for p in problems)


def test_unannotated_layer_is_unknown_not_empty(corpus):
    text = corpus[0].model_copy(update={"layers": ["label"], "mentions": [], "officials": []})
    assert not text.has("mentions")
    assert text.has("label")


def test_round_trip(corpus, tmp_path):
    write_corpus(corpus, tmp_path / "c.jsonl")
    assert read_corpus(tmp_path / "c.jsonl") == corpus


def test_events_and_near_copies_stay_together(corpus):
    bare = [t.model_copy(update={"split": None}) for t in corpus]
    together = [t.model_copy(update={"event": "one"}) if i < 12 else t for i, t in enumerate(bare)]
    done = assign(together)
    assert len({t.split for t in done[:12]}) == 1
    assert leaks([card(t) for t in done]) == []
    assert assign(done) == done
    torn = [t.model_copy(update={"split": "train" if i else "test"}) for i, t in enumerate(done[:12])]
    assert leaks([card(t) for t in torn])[0].startswith("split:")


def test_near_pairs():
    text = (
        "Ketua Bawaslu meminta semua pegawai negeri menjaga netralitas selama masa kampanye pemilihan bupati tahun ini"
    )
    other = "Harga cabai rawit di pasar induk naik dua kali lipat karena hujan deras yang turun sejak awal pekan lalu"
    three = (text, other, text.replace("bupati", "gubernur"))
    assert near_pairs([sketch(t) for t in three]) == [(0, 2)]


def test_unseen_regions_and_styles(corpus):
    places = ["33.19", "33.75", "53.17", "64.03", "18.06", "91.05", "73.71", "12.07"]
    bare = [
        t.model_copy(
            update={
                "split": None,
                "text": f"{t.text} " + " ".join(f"kata{n}x{k}" for k in range(60)),
                "primary_region": places[n % 4] if n < 32 else places[4 + n % 4],
                "style": "rare" if n == 7 else "common",
            }
        )
        for n, t in enumerate(corpus)
    ]
    done = [card(t) for t in assign(bare)]
    assert next(c for c in done if c.style == "rare").split == "test"
    new, all_ = unseen(done)["region"]
    assert new >= 1
    assert new <= all_
    assert unseen(done)["style"] == (1, 2)
    seen = {c.region for c in done if c.split != "test"}
    assert len({c.region for c in done if c.split == "test"} - seen) == new


def test_committed_corpus():
    count, problems = check(DATA / "corpus.jsonl")
    assert problems == []
    texts = read_corpus(DATA / "corpus.jsonl")
    assert len(texts) == count
    assert not any(t.private for t in texts)
    assert min(Counter(t.label for t in texts).values()) >= 50
    assert set(Counter(t.label for t in texts)) == set(Label)
    shares = Counter(t.split for t in texts)
    assert 0.15 < shares["test"] / len(texts) < 0.25


def test_variants_and_sample_feed_are_no_training_texts():
    texts = [t.text for t in read_corpus(DATA / "corpus.jsonl")]
    variants = Path(__file__).parent / "data" / "seed_variants.jsonl"
    others = [json.loads(x)["text"] for p in (variants, DATA / "sample-feed.jsonl") for x in p.read_text().splitlines()]
    assert [pair for pair in near_pairs([sketch(t) for t in texts + others], 0.4) if pair[1] >= len(texts)] == []
