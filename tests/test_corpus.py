"""The corpus format, its validator and its splits; and the committed corpus itself."""

import json
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score

from nlp.errors import NetralitasError
from nlp.schema import CASE_LABELS
from training.baseline import keyword_rule
from training.check import check
from training.corpus import check_lines, read_corpus, write_corpus
from training.split import assign, card, leaks, near_pairs, sketch, unseen
from training.stats import gather

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


@pytest.fixture(scope="module")
def committed():
    return read_corpus(DATA / "corpus.jsonl")


def test_committed_corpus_is_sound(committed):
    count, problems = check(DATA / "corpus.jsonl")
    assert problems == []
    assert count == len(committed)


def test_committed_corpus_keeps_its_quotas(committed):
    stats = gather(DATA / "corpus.jsonl")
    summary, tables = stats.summary(), stats.tables
    assert summary["texts"] >= 5000
    assert summary["fully annotated"] >= 2400
    assert summary["news, releases, opinion"] >= 3000
    assert summary["posts, messages"] >= 1500
    assert summary["their median words"] >= 220
    assert summary["of more than 500 words"] >= 300
    assert summary["of at most 280 characters"] > summary["posts, messages"] / 2
    assert summary["minimal pairs"] >= 300
    assert summary["provinces"] == 38
    assert summary["kabupaten and kota named"] >= 280
    assert tables["label"]["not_relevant"] >= 1000
    least = {"label": 450, "form": 80, "subject group": 100, "role": 250, "status": 150, "flag": 80, "confusion": 40}
    for table, wanted in least.items():
        assert {k: n for k, n in tables[table].items() if n < wanted} == {}, table
    essential = {"label", "flags", "forms", "subjects", "evidence"}
    assert all(essential <= set(t.layers) for t in committed)


def test_committed_split_holds_places_and_styles_back(committed):
    shares = Counter(t.split for t in committed)
    assert 0.18 < shares["test"] / len(committed) < 0.23
    assert 0.08 < shares["dev"] / len(committed) < 0.12
    new = unseen([card(t) for t in committed])
    assert new["region"][0] >= new["region"][1] / 3
    assert new["style"][0] >= 10


def test_test_split_is_frozen():
    """Whoever changes a test text on purpose writes the new digest into the card."""
    digest = gather(DATA / "corpus.jsonl").test_sha256
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")


def test_seven_keywords_do_not_solve_the_test_split(committed):
    test = [t for t in committed if t.split == "test"]
    gold, got = [t.label in CASE_LABELS for t in test], [keyword_rule(t.text) for t in test]
    assert balanced_accuracy_score(gold, got) <= 0.62


def test_variants_and_sample_feed_are_no_training_texts():
    texts = [t.text for t in read_corpus(DATA / "corpus.jsonl")]
    variants = Path(__file__).parent / "data" / "seed_variants.jsonl"
    others = [json.loads(x)["text"] for p in (variants, DATA / "sample-feed.jsonl") for x in p.read_text().splitlines()]
    assert [pair for pair in near_pairs([sketch(t) for t in texts + others], 0.4) if pair[1] >= len(texts)] == []
