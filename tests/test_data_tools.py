"""Agreement, sampling, suspects and figures of a corpus, and their commands."""

import json
import math

import pytest
from typer.testing import CliRunner

from nlp.cli.app import app
from nlp.errors import NetralitasError
from nlp.read import Fields, Item, read_sources
from nlp.schema import Flag, Label, SubjectGroup
from training.agree import agreement, kappa, pairs
from training.baseline import keyword_rule
from training.corpus import read_corpus, write_corpus
from training.exchange import label_studio, read_texts
from training.page import svg
from training.sample import choose, tasks, uncertainty
from training.stats import difficulty, gather, plots
from training.suspects import suspects


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})


def said(result):
    """What the user reads: the output, and the message of an error that the program's entry point would print."""
    return result.output + str(result.exception or "")


def test_kappa_against_a_worked_example():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.70, by chance 0.50 (Cohen 1960).
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa(["y", "y"], ["y", "y"]) == 1.0
    assert math.isnan(kappa([], []))


def test_agreement_with_oneself_is_whole(corpus):
    figures, differences = agreement([(t, t) for t in corpus])
    assert differences == []
    assert figures["label"]["kappa"] == figures["role"]["kappa"] == 1.0
    assert figures["mentions"]["f1"] == figures["persons"]["f1"] == figures["office"]["agree"] == 1.0


def test_agreement_finds_each_kind_of_difference(corpus):
    text = next(t for t in corpus if t.officials)
    person = text.officials[0]
    other = text.model_copy(
        update={
            "label": "overview",
            "subjects": ["village"],
            "mentions": [m for m in text.mentions if m.id in person.mentions],
            "officials": [person.model_copy(update={"role": "other", "status": None, "office": None, "agency": None})],
            "primary_region": None,
        }
    )
    figures, differences = agreement([(text, other)])
    layers = {d.layer.split()[0] for d in differences}
    assert {"label", "subjects", "mentions", "role", "primary"} <= layers
    assert figures["mentions"]["precision"] == 1.0
    assert figures["mentions"]["recall"] < 1.0


def test_agreement_only_counts_layers_that_both_have(corpus):
    bare = corpus[1].model_copy(update={"layers": ["label"], "mentions": [], "officials": [], "regions": []})
    figures, _ = agreement([(corpus[1], bare)])
    assert figures["mentions"]["support"] == 0
    assert math.isnan(figures["role"]["kappa"])


def test_pairs_need_common_unchanged_texts(corpus, tmp_path):
    write_corpus(corpus[:2], tmp_path / "a.jsonl")
    write_corpus([corpus[1].model_copy(update={"text": corpus[1].text + "!"})], tmp_path / "b.jsonl")
    write_corpus(corpus[3:], tmp_path / "c.jsonl")
    with pytest.raises(NetralitasError, match="1 texts differ"):
        pairs(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    with pytest.raises(NetralitasError, match="no id in common"):
        pairs(tmp_path / "a.jsonl", tmp_path / "c.jsonl")


def test_agree_command_lists_disagreements(corpus, tmp_path):
    write_corpus(corpus, tmp_path / "a.jsonl")
    write_corpus(
        [t.model_copy(update={"date": None, "flags": [Flag.DENIED]}) for t in corpus[:4]], tmp_path / "b.jsonl"
    )
    result = run("data", "agree", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--list", tmp_path / "d.csv")
    assert result.exit_code == 0, result.output
    assert "4 texts annotated twice" in result.output
    rows = (tmp_path / "d.csv").read_text("utf-8-sig").splitlines()
    assert rows[0] == "ID;Lapisan;Pertama;Kedua"
    assert "tiny-00;flags;[];['denied']" in rows


@pytest.fixture
def feed(corpus, tmp_path):
    path = tmp_path / "feed.jsonl"
    lines = [json.dumps({"id": t.id, "text": t.text, "url": "https://example.org"}) for t in corpus]
    # A copy of everything: the choice must not fill up with the same text twice.
    lines += [json.dumps({"id": f"{t.id}-copy", "text": t.text}) for t in corpus]
    path.write_text("\n".join([*lines, '{"text": "???"}', "{broken"]) + "\n")
    return path


def test_sample_prefers_uncertain_and_different_texts(feed, tagger):
    chosen, dead = choose(read_sources([str(feed)], Fields()), tagger, 6)
    assert len(chosen) == 6
    assert len(dead) == 2
    assert len({c.item.text for c in chosen}) == 6
    rows = [r for r in read_sources([str(feed)], Fields()) if isinstance(r, Item) and r.text != "???"]
    everyone = [uncertainty(tagger.tag(r.text)) for r in rows]
    assert chosen[0].uncertainty == pytest.approx(max(everyone), abs=1e-3)


def test_sampled_tasks_come_back_when_labelled(feed, tagger, tmp_path):
    chosen, _ = choose(read_sources([str(feed)], Fields()), tagger, 4)
    # A tiny model may give what no corpus text may hold; such a text is shown bare.
    made = [t for t in tasks(chosen) if "predictions" in t]
    assert made
    assert all(0 <= t["predictions"][0]["score"] <= 1 for t in made)
    for t in made:
        t["annotations"] = [{"result": t.pop("predictions")[0]["result"], "completed_by": {"email": "ani"}}]
    label_studio.write_tasks(made, tmp_path / "t.json")
    texts = list(read_texts(tmp_path / "t.json", guide="2"))
    assert [t.text for t in texts] == [t["data"]["text"] for t in made]
    assert all(t.private and [a.by for a in t.annotations] == ["ani"] for t in texts)


def test_sample_command(feed, released, tmp_path):
    result = run("data", "sample", feed, "-n", 3, "--model", released, "-o", tmp_path / "t.json")
    assert result.exit_code == 0, result.output
    assert len(json.loads((tmp_path / "t.json").read_text())) == 3
    assert (tmp_path / "t.config.xml").read_text().startswith("<View>")
    assert "not JSON" in result.output


def test_suspects_are_the_wrong_labels(corpus, tmp_path):
    wrong = next(t for t in corpus if t.label == Label.NOT_RELEVANT)
    to = {"label": Label.PREVENTION, "subjects": [SubjectGroup.ASN]}
    # The texts of the tiny corpus are near copies of each other; as such they would be one fold.
    texts = [
        t.model_copy(
            update={"text": t.text + " " + " ".join(f"kata{n}x{k}" for k in range(120))} | (to if t is wrong else {})
        )
        for n, t in enumerate(corpus)
    ]
    path = tmp_path / "c.jsonl"
    write_corpus(texts, path)
    found = suspects(path, 5)
    assert found[0].id == wrong.id
    assert found[0].likelier == Label.NOT_RELEVANT
    assert all(s.p_label < s.p_likelier for s in found)
    result = run("data", "suspects", path, "--top", 1, "--json", tmp_path / "s.json")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "s.json").read_text())[0]["id"] == wrong.id


def test_suspects_need_enough_texts(corpus, tmp_path):
    write_corpus(corpus[:3], tmp_path / "c.jsonl")
    with pytest.raises(NetralitasError, match="too few"):
        suspects(tmp_path / "c.jsonl", 5)


def test_stats(corpus, corpus_file, tmp_path):
    stats = gather(corpus_file)
    assert stats.tables["label"]["prevention"] == sum(t.label == "prevention" for t in corpus)
    assert stats.tables["label"]["cleared"] == 0
    assert stats.summary()["fully annotated"] == 40
    assert stats.summary()["persons"] == sum(len(t.officials) for t in corpus)
    figures = plots(stats)
    assert {"label", "news-words", "role"} <= figures.keys()
    assert svg(figures["label"]) == svg(plots(gather(corpus_file))["label"])
    result = run("data", "stats", corpus_file, "-o", tmp_path / "s.html", "--plots", tmp_path / "plots")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "s.html").read_text()
    assert "https://" not in page.replace("https://www.w3.org", "")
    assert not any(t.text[:60] in page for t in corpus)
    assert (tmp_path / "plots" / "label.svg").read_text().startswith("<?xml")


def test_minimal_pairs_are_counted(corpus, tmp_path):
    three = [corpus[0], corpus[1], corpus[4]]
    write_corpus([t.model_copy(update={"group": "g"}) for t in three], tmp_path / "c.jsonl")
    labels = [t.label for t in three]
    wanted = sum(a != b for i, a in enumerate(labels) for b in labels[i + 1 :])
    assert gather(tmp_path / "c.jsonl").pairs == wanted


def test_difficulty(corpus_file):
    figures = difficulty(corpus_file)
    assert figures["TF-IDF + Sastrawi + linear SVM, label macro-F1"] > 0.9
    assert 0.5 <= figures["seven keywords, case or not, balanced accuracy"] <= 1


def test_keyword_rule():
    assert keyword_rule("Kampanye sehat")
    assert keyword_rule("seorang PNS")
    assert not keyword_rule("politikus dan dinas")


@pytest.mark.parametrize("suffix", ["json", "xlsx", "csv"])
def test_export_and_import_commands(corpus_file, tmp_path, suffix):
    sheet = tmp_path / f"t.{suffix}"
    result = run("data", "export", corpus_file, "-o", sheet, "--split", "dev")
    assert result.exit_code == 0, result.output
    result = run("data", "import", sheet, "-o", tmp_path / "back.jsonl")
    assert result.exit_code == 0, result.output
    assert read_corpus(tmp_path / "back.jsonl") == [t for t in read_corpus(corpus_file) if t.split == "dev"]
    again = run("data", "import", sheet, "-o", tmp_path / "back.jsonl")
    assert again.exit_code == 1
    assert "already there; use --replace" in said(again)


def test_private_texts_stay_apart(corpus_file, tmp_path):
    plain = tmp_path / "real.csv"
    plain.write_text("ID,Teks,Label\nr1,Harga cabai naik.,tidak terkait\n")
    before = corpus_file.read_bytes()
    result = run("data", "import", plain, "-o", corpus_file)
    assert result.exit_code == 1
    assert "r1 is private and others are not" in said(result)
    assert corpus_file.read_bytes() == before
    private = tmp_path / "private.jsonl"
    assert "(private)" in run("data", "import", plain, "-o", private).output
    result = run("data", "export", private, "-o", tmp_path / "out.csv")
    assert "0 texts" in result.output
    assert "1 private left out" in result.output
    assert run("data", "check", private).exit_code == 1
    assert run("data", "check", private, "--private").exit_code == 0


def test_import_names_every_problem_and_writes_nothing(corpus_file, tmp_path):
    sheet = tmp_path / "t.csv"
    run("data", "export", corpus_file, "-o", sheet)
    content = sheet.read_text("utf-8-sig").replace("(pencegahan)", "(x)").replace("prevention (x)", "salah", 2)
    sheet.write_text("\ufeff" + content)
    result = run("data", "import", sheet, "-o", tmp_path / "new.jsonl")
    assert result.exit_code == 1
    assert said(result).count("label: Input should be") == 2
    assert not (tmp_path / "new.jsonl").exists()


@pytest.mark.parametrize("command", ["import", "export", "check", "split", "stats", "agree", "sample", "suspects"])
def test_every_command_shows_an_example(command):
    result = run("data", command, "--help")
    assert "Example: netralitas data " in " ".join(result.output.split())
