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
    assert precision_threshold(scores, right, 0.9) == pytest.approx(0.61, abs=0.011)
    assert precision_threshold(scores, ~right, 0.9) == 0.95
    assert f1_threshold(scores, right) == pytest.approx(0.61, abs=0.1)
    assert f1_threshold(scores[:3], right[:3]) == 0.5
