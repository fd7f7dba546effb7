"""The card of a released model: README.md and metrics.json, with the figures of the released weights."""

import json
from pathlib import Path
from typing import Any

from nlp.schema import Label
from training.export import check_size, read_training

_CARD = """---
language: id
license: apache-2.0
library_name: onnx
pipeline_tag: text-classification
tags: [indonesian, elections, asn, civil-servants, named-entity-recognition]
---

# {name}

Says of an Indonesian news text or social post whether it is about civil servants (ASN) taking sides in an election,
at which stage the case is, which forms of partisanship, which officials are named and which regions. Runs offline:
`netralitas tag FILE -o records.jsonl`, or `from nlp import Tagger`.

## What it is not for

A record repeats what a text claims; it finds nobody guilty. An open case is a *dugaan*. Do not publish, rank or act on
a named person by a record alone: read the text. Records that abstain, and persons with the role `uncertain`, are for
people to decide. It reads Indonesian about Indonesian elections, 2014 to 2024, and nothing else.

## How it was made

Base: `{base}` (the built-in base is the Indonesian cut of multilingual-e5-small, MIT; `netralitas base build`).
Fine-tuned {epochs} on {train_texts} texts written for this project (`data/`, CC BY 4.0; no real
accusations). Weights int8 (ONNX), {size:.1f} MB in all. Corpus SHA-256 `{corpus}`,
commit `{commit}`, torch {torch}, transformers {transformers}, seed {seed}; all settings in `training.json`.

## Figures

Test split: {texts} texts whose events the model was not trained on, measured with these weights by
`netralitas evaluate` (`metrics.json`). The texts were written by the same hands as the training texts: on real
articles expect less.

| | macro-F1 | 95 % interval | accuracy | case or not F1 |
|---|---|---|---|---|
{rows}

| label | precision | recall | F1 | texts |
|---|---|---|---|---|
{classes}

Answered {coverage:.0%} of texts, of these right {answered:.0%}. Forms micro-F1 {forms:.3f} · mentions strict micro-F1
{mentions:.3f} · persons found F1 {persons:.3f} · `subject` precision {subject_p:.3f}, recall {subject_r:.3f} · office
right {office:.3f} · primary region right {primary:.3f} · election types exact {election:.3f}.
"""


def write_card(directory: Path, figures: dict[str, Any]) -> None:
    """Write metrics.json and README.md of a released model.

    Raises:
        NetralitasError: the directory grows over the limit.
    """
    (directory / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    training = read_training(directory)
    stages = [training]
    while before := stages[0].get("base_training"):
        stages.insert(0, before)
    epochs = [str(s["config"]["epochs"]) for s in stages]
    compared = {
        directory.name: figures["label"],
        "TF-IDF + Sastrawi + linear SVM": figures["baselines"]["tfidf_sastrawi_svm"],
        "majority class": figures["baselines"]["majority"],
    }
    rows = "\n".join(
        f"| {name} | {f['macro_f1']:.3f} | {f['macro_f1_interval'][0]:.3f} to {f['macro_f1_interval'][1]:.3f} "
        f"| {f['accuracy']:.3f} | {f['case_or_not']['f1']:.3f} |"
        for name, f in compared.items()
    )
    scores = {x: figures["label"]["classes"][x] for x in Label}
    classes = "\n".join(
        f"| `{x}` | {s['precision']:.3f} | {s['recall']:.3f} | {s['f1']:.3f} | {s['support']} |"
        for x, s in scores.items()
    )
    persons = figures["persons"]
    card = _CARD.format(
        name=directory.name,
        base=stages[0]["config"]["base"],
        epochs=f"for {epochs[0]} epochs"
        if len(epochs) == 1
        else f"in {len(epochs)} stages of {', '.join(epochs)} epochs",
        train_texts=training["train_texts"],
        size=check_size(directory) / 1e6,
        corpus=training["corpus_sha256"],
        commit=training["commit"],
        torch=training["versions"]["torch"],
        transformers=training["versions"]["transformers"],
        seed=training["config"]["seed"],
        texts=figures["texts"],
        rows=rows,
        classes=classes,
        coverage=figures["abstention"]["coverage"],
        answered=figures["abstention"]["accuracy_when_answered"],
        forms=figures["forms"]["micro"]["f1"],
        mentions=figures["mentions"]["strict_micro"]["f1"],
        persons=persons["found"]["f1"],
        subject_p=persons["subject"]["precision"],
        subject_r=persons["subject"]["recall"],
        office=persons["office_right"],
        primary=figures["regions"]["primary_right"],
        election=figures["election"]["exact"],
    )
    (directory / "README.md").write_text(card, encoding="utf-8")
    check_size(directory)
