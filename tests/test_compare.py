"""Comparing two models, and two runs of one feed."""

import json

import pytest
from typer.testing import CliRunner

from nlp.cli.app import app
from nlp.diff import Change, diff
from nlp.errors import NetralitasError
from nlp.schema import Label, Role, Status
from nlp.write import record_line
from training.compare import compare
from training.evaluate import tag_corpus


@pytest.fixture(scope="module")
def tagged(corpus, tagger):
    return tag_corpus(corpus, tagger)


def relabelled(tagged, every: int):
    """The same texts with every n-th label wrong."""
    out = []
    for i, t in enumerate(tagged):
        name = Label.CLEARED if i % every == 0 else t.text.label
        label = t.record.label.model_copy(update={"name": name})
        out.append(type(t)(t.text, t.reading, t.record.model_copy(update={"label": label})))
    return out


def test_no_winner_inside_the_noise_and_one_outside(tagged):
    good, slightly, bad = (relabelled(tagged, n) for n in (1000, 13, 2))
    by_name = {c.name: c for c in compare(slightly, relabelled(tagged, 17), rounds=300)}
    assert by_name["label macro-F1"].winner is None
    by_name = {c.name: c for c in compare(good, bad, rounds=300)}
    assert by_name["label macro-F1"].winner == "first"
    assert by_name["label macro-F1"].high < 0
    assert {c.name: c for c in compare(bad, good, rounds=300)}["label macro-F1"].winner == "second"
    same = compare(good, good, rounds=100)
    assert all(c.winner is None and c.low == c.high == 0 for c in same)
    assert {"persons F1", "subject F1", "office right", "primary region right"} <= {c.name for c in same}


def test_figures_are_those_of_evaluate(tagged):
    from training.evaluate import label_scores, mention_scores, person_scores, region_scores

    by_name = {c.name: c.first for c in compare(tagged, tagged, rounds=10)}
    scores = label_scores([str(t.text.label) for t in tagged], [str(t.record.label.name) for t in tagged])
    assert by_name["label macro-F1"] == pytest.approx(scores["macro_f1"], abs=1e-4)
    assert by_name["case or not F1"] == pytest.approx(scores["case_or_not"]["f1"], abs=1e-4)
    assert by_name["mentions strict F1"] == pytest.approx(mention_scores(tagged)["strict_micro"]["f1"], abs=1e-4)
    persons = person_scores(tagged)
    assert by_name["persons F1"] == pytest.approx(persons["found"]["f1"], abs=1e-4)
    assert by_name["subject F1"] == pytest.approx(persons["subject"]["f1"], abs=1e-4)
    assert by_name["office right"] == pytest.approx(persons["office_right"], abs=1e-4)
    assert by_name["primary region right"] == pytest.approx(region_scores(tagged)["primary_right"], abs=1e-4)


def test_other_texts_are_refused(tagged):
    with pytest.raises(NetralitasError, match="same texts"):
        compare(tagged, tagged[::-1])


def write(path, records):
    path.write_text("".join(map(record_line, records)), encoding="utf-8")
    return path


@pytest.fixture
def two_runs(tagged, tmp_path):
    def named(record, name, **changes):
        label = record.label.model_copy(update={"name": name})
        return record.model_copy(update={"label": label, **changes})

    old = [t.record for t in tagged[:6]]
    someone = next(o for t in tagged for o in t.record.officials)
    accused = [someone.model_copy(update={"role": Role.SUBJECT, "status": Status.ALLEGED, "name": "Darmaji"})]
    before = [named(old[0], Label.CLEARED, officials=[]), named(old[1], Label.ALLEGATION, officials=[]), *old[2:5]]
    after = [
        named(old[0], Label.ALLEGATION, officials=[]),
        named(old[1], Label.ALLEGATION, officials=accused),
        named(old[2], Label.CLEARED if old[2].label.name is Label.SANCTIONED else Label.SANCTIONED),
        old[3].model_copy(update={"text_sha256": "0" * 64}),
        old[5],
    ]
    return write(tmp_path / "old.jsonl", before), write(tmp_path / "new.jsonl", after)


def test_costliest_change_comes_first(two_runs):
    found = diff(*two_runs)
    assert [c.kind for c in found.changes[:2]] == [Change.LOST_CLEARANCE, Change.NEW_ACCUSED]
    assert found.changes[1].new == "Darmaji"
    assert (found.both, found.only_old, found.only_new, found.other_text) == (4, 1, 1, 1)
    back = diff(*two_runs[::-1])
    assert Change.NO_LONGER_ACCUSED in {c.kind for c in back.changes}


def test_diff_on_the_command_line(two_runs, tmp_path):
    out = tmp_path / "changes.jsonl"
    result = CliRunner().invoke(app, ["diff", *map(str, two_runs), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "1 × lost clearance" in result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[0]["change"] == "lost clearance"
    same = CliRunner().invoke(app, ["diff", str(two_runs[0]), str(two_runs[0])])
    assert "no change" in same.output


def test_diff_names_the_bad_line(two_runs, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a"}\n')
    with pytest.raises(NetralitasError, match=r"bad.jsonl:1: not a record"):
        diff(bad, two_runs[0])
    twice = write(tmp_path / "twice.jsonl", [])
    line = two_runs[0].read_text().splitlines(keepends=True)[0]
    twice.write_text(line * 2)
    with pytest.raises(NetralitasError, match="stands there twice"):
        diff(twice, two_runs[0])
    with pytest.raises(NetralitasError, match="cannot be read"):
        diff(tmp_path / "none.jsonl", two_runs[0])
