"""Near copies of a feed."""

import json
import random

from typer.testing import CliRunner

from nlp.cli.app import app
from nlp.copies import NEAR, find_copies, shingles


def words(seed, count=120):
    rng = random.Random(seed)
    return [f"kata{rng.randint(0, 4000)}" for _ in range(count)]


def test_a_copy_points_to_the_first_and_nearest_original():
    story, other = words(1), words(2)
    shortened, reworded = story[:-10], [*story[:60], "diubah", *story[61:]]
    texts = [story, other, shortened, reworded, other, words(3)]
    found = list(find_copies((str(i), " ".join(w)) for i, w in enumerate(texts)))
    assert [c.duplicate_of for c in found] == [None, None, "0", "0", "1", None]
    assert found[4].similarity == 1.0
    assert found[0].similarity is None
    assert all(c.similarity >= NEAR for c in found if c.duplicate_of)


def test_similarity_is_near_the_true_one_and_the_threshold_holds():
    story = words(1, 400)
    cut = story[:300]
    true = len(shingles(" ".join(story)) & shingles(" ".join(cut))) / len(shingles(" ".join(story)))
    texts = [("a", " ".join(story)), ("b", " ".join(cut))]
    (_, copy) = find_copies(texts)
    assert abs(copy.similarity - true) < 0.12
    assert [c.duplicate_of for c in find_copies(texts, 0.95)] == [None, None]


def test_a_shared_half_makes_no_copy():
    story, other = words(1), words(2)
    texts = [("a", " ".join(story)), ("b", " ".join(story[:60] + other[60:]))]
    assert [c.duplicate_of for c in find_copies(texts)] == [None, None]


def test_on_the_command_line(tmp_path):
    story = " ".join(words(1))
    rows = [{"text": story, "id": "a"}, {"text": story + " akhir"}, {"isi": "x"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = tmp_path / "copies.jsonl"
    result = CliRunner().invoke(app, ["dedupe", str(tmp_path / "in.jsonl"), "-o", str(out)])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(c["id"], c["duplicate_of"]) for c in lines] == [("a", None), ("in.jsonl:2", "a")]
    assert "1 near copies" in result.output
    assert "no field 'text'" in (tmp_path / "copies.dead.jsonl").read_text()
