"""The tagger on the tiny model: records are whole, coherent and accuse nobody without a case."""

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from nlp.decode import FoundMention, joined_persons
from nlp.errors import NetralitasError
from nlp.schema import ACCUSED_STATUSES, CASE_LABELS, MentionType
from nlp.tagger import Tagger, joined_regions


def test_record_is_coherent(tagger, corpus):
    for text in corpus[:8]:
        record = tagger.tag(text.text, id=text.id, date=text.date)
        assert record.text_sha256 == hashlib.sha256(text.text.encode()).hexdigest()
        assert sum(record.scores.values()) == pytest.approx(1, abs=0.01)
        for official in record.officials:
            assert any(text.text[s:e] == official.name for s, e in official.mentions)
            assert (official.role == "subject") == (official.status is not None)
        for evidence in record.evidence:
            assert text.text[evidence.start : evidence.end] == evidence.quote
        assert sum(r.primary for r in record.regions) <= 1
        assert record.source.published == text.date
        if record.label.name not in CASE_LABELS:
            assert record.forms == []
            assert not any(o.status in ACCUSED_STATUSES for o in record.officials)


def test_nothing_is_taken_from_ignored_spans(tagger, corpus):
    text = corpus[0].text
    start, end = tagger.tag(text).ignored[0]
    assert text[start:end].startswith("BACA JUGA")
    changed = tagger.tag(text[:start] + "BACA JUGA: Lurah Dipecat KASN" + text[end:])
    assert changed.scores == tagger.tag(text).scores


def test_a_person_below_the_threshold_is_uncertain(released, tmp_path, corpus):
    strict = tmp_path / "strict"
    shutil.copytree(released, strict)
    calibration = json.loads((strict / "calibration.json").read_text()) | {"person_threshold": 1.1}
    (strict / "calibration.json").write_text(json.dumps(calibration))
    roles = {o.role for r in Tagger.load(strict).tag_many(t.text for t in corpus) for o in r.officials}
    assert "uncertain" in roles
    assert "subject" not in roles


def test_threads_get_the_same_answers(tagger, corpus):
    texts = [t.text for t in corpus[:12]]
    alone = list(tagger.tag_many(texts))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(tagger.tag, texts)) == alone


def test_a_long_text_is_read_to_its_end(tagger):
    text = "Harga cabai naik lagi. " * 200 + "Warga bernama Rofiah Hanum mengeluh di Kudus."
    reading = tagger.read(text)
    assert reading.tokens.words[-2].tolist() == [len(text) - 6, len(text) - 1]
    assert len(reading.logits.words) == len(reading.tokens.words)


@pytest.mark.parametrize("text", ["", "   \n", "\u200b"])
def test_a_text_without_words_is_refused(tagger, text):
    with pytest.raises(ValueError, match="holds no word"):
        tagger.tag(text)


def test_undated_text_borrows_no_date(tagger):
    record = tagger.tag("Camat itu dilaporkan ke Bawaslu karena ikut kampanye pilkada.")
    assert record.election.year is None
    assert any(w.startswith("undated") for w in record.warnings)


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "calibration.json", "netralitas.json"])
def test_incomplete_model_directories_are_refused(released, tmp_path, missing):
    broken = tmp_path / "broken"
    shutil.copytree(released, broken)
    (broken / missing).write_bytes((broken / missing).read_bytes()[:-60] if missing != "model.onnx" else b"x")
    with pytest.raises(NetralitasError, match="broken"):
        Tagger.load(broken)
    (broken / missing).unlink()
    with pytest.raises(NetralitasError, match="broken"):
        Tagger.load(broken)


def test_a_name_cut_in_two_is_joined():
    text = "Bawaslu Rejang Lebong dan Lahat Sumsel. Moh. Rizal diam."

    def found(word, kind, at):
        start = text.index(word)
        return FoundMention(start, start + len(word), kind, (at, at + 1), 0.9)

    parts = [found(w, MentionType.REGION, n) for n, w in enumerate(["Rejang", "Lebong", "Lahat", "Sumsel"])]
    assert [text[m.start : m.end] for m in joined_regions(text, parts)] == ["Rejang Lebong", "Lahat", "Sumsel"]
    names = [found("Moh.", MentionType.PERSON, 5), found("Rizal", MentionType.PERSON, 7)]
    (person,) = joined_persons(text, names)
    assert text[person.start : person.end] == "Moh. Rizal"
    assert person.words == (5, 8)


def test_loads_a_released_and_a_trained_directory(released, trained, corpus):
    small, plain = Tagger.load(released), Tagger.load(str(trained))
    assert plain.model.runtime.startswith("torch")
    assert small.model.runtime.startswith("onnxruntime")
    assert plain.tag(corpus[0].text).label.name == small.tag(corpus[0].text).label.name


def test_loads_from_the_hub(released, monkeypatch):
    import huggingface_hub

    asked = []

    def give(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(released)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    assert Tagger.load("somebody/netral-small").model.sha256 == Tagger.load(released).model.sha256
    assert asked[0][0] == "somebody/netral-small"
    assert not any(p.endswith((".bin", ".py", ".pkl", "*")) for p in asked[0][1])


def test_hub_that_does_not_answer(monkeypatch):
    import huggingface_hub

    def refuse(*_, **__):
        raise OSError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(NetralitasError, match="the hub does not give it: offline"):
        Tagger.load("somebody/nothing")
    with pytest.raises(NetralitasError, match="no such model directory"):
        Tagger.load("no-such-directory")


def test_importing_is_quick_and_loads_no_model():
    code = (
        "import sys, time; t = time.perf_counter(); import nlp; from nlp import Tagger; s = time.perf_counter() - t;"
        "assert not {'onnxruntime', 'torch'} & set(sys.modules); t = time.perf_counter(); import nlp; print(s)"
    )
    # The best of three: the machine may be busy.
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.3
