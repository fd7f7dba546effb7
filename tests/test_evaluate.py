"""Evaluation: figures are what they say, and baselines stand beside them."""

import pytest

from nlp.schema import Label
from nlp.tagger import Tagger
from training.baseline import linear, majority, stems
from training.calibrate import best_temperature, f1_threshold, precision_threshold
from training.card import write_card
from training.evaluate import Counts, bootstrap, evaluate, label_scores, macro_f1, set_scores


@pytest.fixture(scope="module")
def figures(released, corpus_file):
    return evaluate(Tagger.load(released), corpus_file)[0]


def test_model_learns_the_tiny_task(figures):
    assert figures["label"]["macro_f1"] > 0.9
    assert figures["label"]["macro_f1"] > figures["baselines"]["majority"]["macro_f1"]
    assert figures["texts"] == 8
    assert sum(map(sum, figures["label"]["confusion"])) == 8


def test_all_layers_are_measured(figures):
    assert {"forms", "subject_groups", "flags", "mentions", "persons", "regions", "election", "evidence"} <= set(
        figures
    )
    assert figures["mentions"]["types"]["PERSON"]["support"] == 8
    assert figures["ignored"]["precision"] == 1


def test_card_holds_the_figures(released, figures):
    write_card(released, figures)
    card = (released / "README.md").read_text()
    assert f"{figures['label']['macro_f1']:.3f}" in card
    assert "What it is not for" in card


def test_counts():
    counts = Counts()
    counts.add({1, 2, 3}, {2, 3, 4})
    assert counts.scores() == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "support": 3}


def test_macro_f1_and_interval():
    gold, got = ["cleared"] * 30 + ["overview"] * 30, ["cleared"] * 20 + ["overview"] * 40
    assert macro_f1(gold, got) == pytest.approx((0.8 + 6 / 7) / 2)
    low, high = bootstrap(gold, got, rounds=200)
    assert low < macro_f1(gold, got) < high
    scores = label_scores(gold, got)
    assert scores["case_or_not"]["recall"] == pytest.approx(2 / 3, abs=1e-3)


def test_set_scores_count_spurious_names():
    scores = set_scores([({"a"}, {"a", "b"}), (set(), {"b"})])
    assert scores["classes"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert scores["macro_f1"] == 1.0


def test_baselines(corpus):
    train, test = corpus[:30], corpus[30:]
    assert majority(train, test) == [Label.PREVENTION] * 10
    assert sum(a == t.label for a, t in zip(linear(train, test), test, strict=True)) >= 8
    assert stems("Diperingatkan netralitasnya") == ["ingat", "netralitas"]


def test_temperature_and_thresholds():
    import numpy as np

    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    logits = rng.normal(size=(600, 3))
    logits[np.arange(600), target] += 1
    assert best_temperature(logits * 5, target) == pytest.approx(5 * best_temperature(logits, target), rel=0.3)
    scores, right = np.array([0.4, 0.6, 0.7, 0.9, 0.92, 0.94, 0.99]), np.array([0, 0, 1, 1, 1, 1, 1], bool)
    assert precision_threshold(np.repeat(scores, 20), np.repeat(right, 20), 0.9) == pytest.approx(0.61, abs=0.011)
    assert precision_threshold(scores, right, 0.9) == 0.99, "five hits are luck"
    assert precision_threshold(np.repeat(scores, 20), np.repeat(~right, 20), 0.9) == 0.99
    assert f1_threshold(scores, right) == pytest.approx(0.61, abs=0.1)
    assert f1_threshold(scores[:3], right[:3]) == 0.5


def test_costs_put_a_false_case_and_a_missed_clearance_first():
    from training.costs import FALSE_CASE, MISSED_CLEARANCE, cost, costs

    dearest = max(FALSE_CASE, MISSED_CLEARANCE)
    assert cost(Label.PREVENTION, Label.ALLEGATION) == FALSE_CASE
    assert all(cost(Label.CLEARED, got) == MISSED_CLEARANCE for got in Label if got is not Label.CLEARED)
    assert all(cost(a, b) <= dearest for a in Label for b in Label)
    assert cost(Label.ALLEGATION, Label.PROCEEDING) < cost(Label.ALLEGATION, Label.PREVENTION) < dearest
    assert list(costs([Label.CLEARED] * 2, [Label.CLEARED, Label.OVERVIEW])) == [0, MISSED_CLEARANCE]


def test_threshold_weighs_wrong_answers_against_reviews():
    import numpy as np

    from training.costs import cheapest_threshold

    grid = np.array([0.0, 0.5, 0.7, 0.9])
    scores = np.array([0.4, 0.6, 0.8, 0.95])
    assert cheapest_threshold(scores, np.zeros(4), grid) == 0.0
    assert cheapest_threshold(scores, np.array([5.0, 5, 0, 0]), grid) == 0.7
    assert cheapest_threshold(scores, np.full(4, 5.0), grid) == 0.9


def test_reliability_and_risk():
    import numpy as np

    from training.reliability import reliability, risk_coverage

    rng = np.random.default_rng(0)
    scores = rng.random(20000)
    honest = rng.random(20000) < scores
    assert reliability(scores, honest)["ece"] < 0.02
    assert reliability(np.full(1000, 0.9), np.arange(1000) % 2 == 0)["ece"] == pytest.approx(0.4)
    curve = risk_coverage(scores, honest)
    assert curve["risk_by_tenth"] == sorted(curve["risk_by_tenth"])
    assert curve["risk_by_tenth"][-1] == pytest.approx(1 - honest.mean(), abs=1e-4)
    assert sum(b["texts"] for b in reliability(scores, honest)["bins"]) == 20000


def test_report_and_behaviour_on_the_command_line(released, trained, corpus_file, tmp_path):
    from typer.testing import CliRunner

    from nlp.cli.app import app

    suite = tmp_path / "b.toml"
    suite.write_text(
        '[slots]\nnama = ["Darmaji", "Sumarni", "Yusran", "Ketut"]\n[[test]]\ncapability = "words"\n'
        'label = ["sanctioned"]\nswap = ["nama"]\ntext = "Harga cabai kata {nama} <b>naik</b>."\n'
    )
    page = tmp_path / "report.html"
    arguments = ["evaluate", released, "--corpus", corpus_file, "--behaviour", "--tests", suite, "--report", page]
    result = CliRunner().invoke(app, [str(a) for a in [*arguments, "--curve", trained]])
    assert result.exit_code == 0, result.output
    assert "minimum function" in result.output
    html = page.read_text()
    plots = ("learning curve", "reliability", "risk", "confusion")
    for wanted in (
        "Behaviour",
        "Wrong labels",
        "&lt;b&gt;naik",
        *(f'alt="{name}" src="data:image/svg' for name in plots),
    ):
        assert wanted in html
    assert html.count("<img") == len(plots)
    assert "<script" not in html
    assert "http" not in html.split("<body>")[1]


def test_evidence_effect(tagger, corpus):
    from training.evaluate import evidence_effect, tag_corpus

    effect = evidence_effect(tag_corpus(corpus[:12], tagger), tagger)
    assert effect["texts"] > 0
    assert -1 <= effect["without_others"] <= 1


def test_compare_on_the_command_line(released, trained, corpus_file, monkeypatch):
    from rich.console import Console
    from typer.testing import CliRunner

    from nlp.cli.app import app

    monkeypatch.setattr("nlp.cli.compare.console", Console(width=200))
    result = CliRunner().invoke(app, ["compare", str(released), str(trained), "--corpus", str(corpus_file)])
    assert result.exit_code == 0, result.output
    assert "not told apart" in result.output
