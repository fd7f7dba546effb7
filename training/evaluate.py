"""Measure a model on a split of the corpus, beside the baselines; everything through the product's own pipeline."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nervaluate.evaluator import Evaluator
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from nlp.errors import NetralitasError
from nlp.evidence import sentences
from nlp.record import OfficialRecord, Record, Source
from nlp.schema import CASE_LABELS, SPAN_TYPES, Label, MentionType, Role, rollup
from nlp.tagger import Reading, Tagger
from nlp.workers import ordered_map
from training.baseline import linear, majority
from training.corpus import CorpusText, Official, Split, read_corpus
from training.costs import REVIEW, costs
from training.reliability import reliability, risk_coverage
from training.scores import Counts, characters, pair_up, to_kabupaten

BOOTSTRAP_ROUNDS = 2000
LENGTHS = (25, 60, 150, 300, 500)
"""Upper ends of the length classes, in words."""


@dataclass(frozen=True)
class Tagged:
    """A corpus text with what the model made of it."""

    text: CorpusText
    reading: Reading
    record: Record


def tag_corpus(texts: Iterable[CorpusText], tagger: Tagger, progress: Callable[[], None] | None = None) -> list[Tagged]:
    """Tag corpus texts, each with its own date, on every core."""

    def one(text: CorpusText) -> Tagged:
        reading = tagger.read(text.text)
        return Tagged(text, reading, tagger.record(reading, id=text.id, date=text.date, source=Source()))

    out = []
    for tagged in ordered_map(one, texts):
        out.append(tagged)
        if progress:
            progress()
    return out


def macro_f1(gold: Sequence[str], got: Sequence[str]) -> float:
    """Macro-F1 over the classes that occur in either."""
    return float(f1_score(gold, got, average="macro", zero_division=0))


def bootstrap(
    gold: Sequence[str], got: Sequence[str], rounds: int = BOOTSTRAP_ROUNDS, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of the macro-F1 over resampled texts."""
    rng = np.random.default_rng(seed)
    g, p = np.array(gold), np.array(got)
    values = [macro_f1(list(g[i]), list(p[i])) for i in (rng.integers(0, len(g), len(g)) for _ in range(rounds))]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def label_scores(gold: Sequence[str], got: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 with its interval, scores by class, roll-ups and the confusion matrix (rows gold)."""
    names = [str(x) for x in Label]
    p, r, f, n = precision_recall_fscore_support(gold, got, labels=names, zero_division=0)
    low, high = bootstrap(gold, got)
    rolled = [[str(rollup(Label(x))) for x in side] for side in (gold, got)]
    case = Counts()
    case.add(
        {i for i, x in enumerate(gold) if Label(x) in CASE_LABELS},
        {i for i, x in enumerate(got) if Label(x) in CASE_LABELS},
    )
    return {
        "accuracy": round(float(np.mean(np.array(gold) == np.array(got))), 4),
        "macro_f1": round(macro_f1(gold, got), 4),
        "macro_f1_interval": [round(low, 4), round(high, 4)],
        "rollup_macro_f1": round(macro_f1(*rolled), 4),
        "case_or_not": case.scores(),
        "classes": {
            name: {
                "precision": round(float(a), 4),
                "recall": round(float(b), 4),
                "f1": round(float(c), 4),
                "support": int(d),
            }
            for name, a, b, c, d in zip(names, p, r, f, n, strict=True)
        },
        "confusion": confusion_matrix(gold, got, labels=names).tolist(),
    }


def set_scores(pairs: Iterable[tuple[set[str], set[str]]]) -> dict[str, Any]:
    """Micro scores over sets, macro-F1 over the names that occur, and scores by name."""
    total, by_name = Counts(), dict[str, Counts]()
    for gold, got in pairs:
        total.add(gold, got)
        for name in gold | got:
            by_name.setdefault(name, Counts()).add(gold & {name}, got & {name})
    classes = {name: by_name[name].scores() for name in sorted(by_name)}
    supported = [c["f1"] for c in classes.values() if c["support"]]
    return {
        "micro": total.scores(),
        "macro_f1": round(float(np.mean(supported)), 4) if supported else 0.0,
        "classes": classes,
    }


def mention_scores(tagged: Sequence[Tagged]) -> dict[str, Any]:
    """Strict and partial mention scores by type (nervaluate; SemEval 2013). The two layers are told apart by type."""
    types = [str(t) for t in (*SPAN_TYPES, MentionType.REGION)]
    gold = [[{"label": str(m.type), "start": m.start, "end": m.end - 1} for m in t.text.mentions] for t in tagged]
    got = [[{"label": str(m.type), "start": m.start, "end": m.end - 1} for m in t.reading.mentions] for t in tagged]
    out: dict[str, Any] = {}
    for name in types:
        sides = [[[e for e in text if e["label"] == name] for text in side] for side in (gold, got)]
        result = Evaluator(sides[0], sides[1], tags=[name], loader="dict").evaluate()["overall"]
        out[name] = {
            kind: {k: round(float(getattr(result[kind], k)), 4) for k in ("precision", "recall", "f1")}
            for kind in ("strict", "partial")
        } | {"support": sum(map(len, sides[0]))}
    micro = Counts()
    for t in tagged:
        micro.add(
            {(m.type, m.start, m.end) for m in t.text.mentions}, {(m.type, m.start, m.end) for m in t.reading.mentions}
        )
    return {"types": out, "strict_micro": micro.scores()}


def match_persons(tagged: Tagged) -> list[tuple[Official | None, OfficialRecord | None]]:
    """Pair gold persons with found ones by any shared mention; each at most once, the rest with None."""
    by_id = {m.id: (m.start, m.end) for m in tagged.text.mentions}
    gold, got = tagged.text.officials, tagged.record.officials
    pairs = pair_up([{by_id[i] for i in o.mentions} for o in gold], [set(o.mentions) for o in got])
    return [(None if i is None else gold[i], None if j is None else got[j]) for i, j in pairs]


def office_right(text: CorpusText, gold: Official, got: OfficialRecord) -> bool:
    """Office and agency together: both empty, or sharing 60 % of the words of the shorter."""
    wanted = set(f"{text.quote(gold.office)} {text.quote(gold.agency)}".lower().split())
    found = set(f"{got.office or ''} {got.agency or ''}".lower().split())
    if not wanted or not found:
        return wanted == found
    return len(wanted & found) / min(len(wanted), len(found)) >= 0.6


def person_scores(tagged: Sequence[Tagged]) -> dict[str, Any]:
    """Persons found; roles over them and over persons missed; subjects; office and status of those matched."""
    found, subject = Counts(), Counts()
    roles: dict[str, Counts] = {str(r): Counts() for r in Role}
    office, status, matched, subjects = 0, 0, 0, 0
    for t in tagged:
        for n, (gold, got) in enumerate(match_persons(t)):
            found.add({n} if gold else set(), {n} if got else set())
            want = {str(gold.role)} if gold else set[str]()
            have = {str(got.role)} if got and got.role != "uncertain" else set[str]()
            for role, counts in roles.items():
                counts.add(want & {role}, have & {role})
            subject.add(want & {str(Role.SUBJECT)}, have & {str(Role.SUBJECT)})
            if gold and got:
                matched += 1
                office += office_right(t.text, gold, got)
                if gold.role is Role.SUBJECT and got.role == Role.SUBJECT:
                    subjects += 1
                    status += gold.status == got.status
    by_role = {name: c.scores() for name, c in roles.items()}
    supported = [c["f1"] for c in by_role.values() if c["support"]]
    return {
        "found": found.scores(),
        "role_macro_f1": round(float(np.mean(supported)), 4) if supported else 0.0,
        "roles": by_role,
        "subject": subject.scores(),
        "office_right": round(office / matched, 4) if matched else 0.0,
        "status_right": round(status / subjects, 4) if subjects else 0.0,
        "status_support": subjects,
    }


def _upper_codes(codes: Iterable[str]) -> set[str]:
    """Codes cut to kabupaten/kota, with their provinces."""
    cut = {to_kabupaten(c) for c in codes}
    return cut | {c.split(".")[0] for c in cut}


def region_scores(tagged: Sequence[Tagged]) -> dict[str, Any]:
    """Codes down to kabupaten/kota, and the primary region of texts that have one and of those that have none."""
    counts, right, support, quiet, none = Counts(), 0, 0, 0, 0
    for t in tagged:
        counts.add(_upper_codes(t.text.regions), _upper_codes(r.code for r in t.record.regions))
        got = next((to_kabupaten(r.code) for r in t.record.regions if r.primary), None)
        if t.text.primary_region:
            support += 1
            right += got == to_kabupaten(t.text.primary_region)
        else:
            none += 1
            quiet += got is None
    return {
        "codes": counts.scores(),
        "primary_right": round(right / support, 4) if support else 0.0,
        "primary_support": support,
        "none_right": round(quiet / none, 4) if none else 0.0,
        "none_support": none,
    }


def election_scores(tagged: Sequence[Tagged]) -> dict[str, Any]:
    """Election types as sets, exact match, and the year where the corpus knows one."""
    with_year = [t for t in tagged if t.text.election.year]
    exact = np.mean([set(t.text.election.type) == set(t.record.election.type) for t in tagged])
    year = np.mean([t.text.election.year == t.record.election.year for t in with_year]) if with_year else 0.0
    types = set_scores(
        ({str(e) for e in t.text.election.type}, {str(e) for e in t.record.election.type}) for t in tagged
    )
    return {
        "types": types,
        "exact": round(float(exact), 4),
        "year_right": round(float(year), 4),
        "year_support": len(with_year),
    }


def character_scores(tagged: Sequence[Tagged], layer: str) -> dict[str, float | int]:
    """Precision and recall in characters of ``ignored`` or ``evidence``."""
    counts = Counts()
    for t in tagged:
        gold = characters((s.start, s.end) for s in getattr(t.text, layer))
        got = t.reading.ignored if layer == "ignored" else [(e.start, e.end) for e in t.record.evidence]
        counts.add(gold, characters(got))
    return counts.scores()


def abstention(tagged: Sequence[Tagged]) -> dict[str, float]:
    """Share of texts answered, accuracy on these, and the mean cost of a text with and without abstention."""
    wrong = costs([t.text.label for t in tagged], [t.record.label.name for t in tagged])
    answered = np.array([not t.record.label.abstained for t in tagged])
    return {
        "coverage": round(float(answered.mean()), 4),
        "accuracy_when_answered": round(float((wrong[answered] == 0).mean()), 4) if answered.any() else 0.0,
        "cost": round(float(np.where(answered, wrong, REVIEW).mean()), 4),
        "cost_without_abstention": round(float(wrong.mean()), 4),
    }


def trust(tagged: Sequence[Tagged]) -> dict[str, Any]:
    """How far label scores are probabilities, and the risk at each coverage."""
    scores = np.array([t.record.label.score for t in tagged])
    right = np.array([t.record.label.name is t.text.label for t in tagged])
    return {"reliability": reliability(scores, right), "risk_coverage": risk_coverage(scores, right)}


def slices(tagged: Sequence[Tagged]) -> dict[str, dict[str, dict[str, float | int]]]:
    """Label scores by length, kind and confusion of ``domain.md``."""
    by: dict[str, dict[str, list[Tagged]]] = {"length": {}, "kind": {}, "confusion": {}}
    for t in tagged:
        words = len(t.text.text.split())
        limit = next((n for n in LENGTHS if words <= n), None)
        by["length"].setdefault(f"up to {limit} words" if limit else f"over {LENGTHS[-1]} words", []).append(t)
        by["kind"].setdefault(t.text.kind, []).append(t)
        for confusion in t.text.confusions:
            by["confusion"].setdefault(str(confusion), []).append(t)

    def figures(texts: Sequence[Tagged]) -> dict[str, float | int]:
        gold, got = [str(t.text.label) for t in texts], [str(t.record.label.name) for t in texts]
        right = float(np.mean([a == b for a, b in zip(gold, got, strict=True)]))
        return {"texts": len(texts), "accuracy": round(right, 4), "macro_f1": round(macro_f1(gold, got), 4)}

    return {name: {value: figures(texts) for value, texts in sorted(part.items())} for name, part in by.items()}


def evidence_effect(tagged: Sequence[Tagged], tagger: Tagger, seed: int = 0) -> dict[str, float | int]:
    """Whether evidence is what the label rests on: how far the label's score falls without the evidence sentences, and
    how far without as many other sentences, on texts that have enough of them."""
    rng = np.random.default_rng(seed)
    cut: list[tuple[Tagged, str, str]] = []
    for t in tagged:
        chosen = [(e.start, e.end) for e in t.record.evidence]
        others = [
            (start, end)
            for start, end in sentences(t.text.text, t.reading.ignored)
            if (start, end) not in chosen and any(map(str.isalnum, t.text.text[start:end]))
        ]
        if len(others) > len(chosen):
            drawn = [others[i] for i in rng.permutation(len(others))[: len(chosen)]]
            cut.append((t, _without(t.text.text, chosen), _without(t.text.text, drawn)))

    def falls(of: tuple[Tagged, str, str]) -> tuple[float, float]:
        t, *rests = of
        label = t.record.label
        first, second = (label.score - tagger.tag(r, date=t.text.date).scores[label.name] for r in rests)
        return first, second

    fall = list(ordered_map(falls, cut))
    if not fall:
        return {"texts": 0, "without_evidence": 0.0, "without_others": 0.0}
    mean = np.mean(fall, axis=0)
    return {
        "texts": len(fall),
        "without_evidence": round(float(mean[0]), 4),
        "without_others": round(float(mean[1]), 4),
    }


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def measure(tagged: Sequence[Tagged], train: Sequence[CorpusText]) -> dict[str, Any]:
    """All figures of a model on texts, with both baselines trained on ``train``."""
    texts = [t.text for t in tagged]
    gold = [str(t.label) for t in texts]
    layers = {
        layer: [t for t in tagged if t.text.has(layer)]
        for layer in ("mentions", "officials", "regions", "election", "ignored", "evidence")
    }
    cases = [t for t in tagged if t.text.label in CASE_LABELS and t.text.has("forms")]
    return {
        "texts": len(tagged),
        "label": label_scores(gold, [str(t.record.label.name) for t in tagged]),
        "baselines": {
            "majority": label_scores(gold, [str(x) for x in majority(train, texts)]),
            "tfidf_sastrawi_svm": label_scores(gold, [str(x) for x in linear(train, texts)]),
        },
        "abstention": abstention(tagged),
        "trust": trust(tagged),
        "slices": slices(tagged),
        "forms": set_scores(({str(f) for f in t.text.forms}, {str(f.name) for f in t.record.forms}) for t in cases),
        "subject_groups": set_scores(
            ({str(s) for s in t.text.subjects}, {str(s) for s in t.record.subject_groups}) for t in tagged
        ),
        "flags": set_scores(({str(f) for f in t.text.flags}, {str(f) for f in t.record.flags}) for t in tagged),
        "mentions": mention_scores(layers["mentions"]),
        "persons": person_scores(layers["officials"]),
        "regions": region_scores(layers["regions"]),
        "election": election_scores(layers["election"]),
        "evidence": character_scores(layers["evidence"], "evidence"),
        "ignored": character_scores(layers["ignored"], "ignored"),
    }


def evaluate(
    tagger: Tagger, corpus: Path, split: Split = "test", progress: Callable[[int, int], None] | None = None
) -> tuple[dict[str, Any], list[Tagged]]:
    """Measure a tagger on a split; return the figures and the tagged texts.

    Raises:
        NetralitasError: bad corpus, or a split without texts.
    """
    texts = read_corpus(corpus)
    chosen = [t for t in texts if t.split == split]
    if not chosen:
        raise NetralitasError(f"{corpus}: no text has split '{split}'; run 'netralitas data split' first")
    done = Counter[str]()

    def step() -> None:
        done["n"] += 1
        if progress:
            progress(done["n"], len(chosen))

    tagged = tag_corpus(chosen, tagger, step)
    return measure(tagged, [t for t in texts if t.split == "train"]), tagged
