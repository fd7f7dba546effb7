"""Training: it learns, is seeded, resumes to the bit after a kill, and writes down where it came from."""

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from nlp.errors import NetralitasError
from nlp.window import load_tokenizer
from tests.conftest import tiny_config
from training.config import read_config
from training.features import UNKNOWN, batches, text_features, word_targets
from training.model import Shape
from training.train import train


class Killed(Exception):
    pass


def test_killed_and_resumed_equals_uninterrupted(tiny_base, corpus_file, tmp_path):
    whole = train(tiny_config(tiny_base, corpus_file, tmp_path / "whole", epochs=3))
    steps = []

    def kill(step, total, _):
        steps.append(step)
        if step > 0.7 * total:
            raise Killed

    config = tiny_config(tiny_base, corpus_file, tmp_path / "cut", epochs=3)
    with pytest.raises(Killed):
        train(config, kill)
    seen = []
    cut = train(config, lambda step, *_: seen.append(step))
    assert 1 < seen[0] <= steps[-1]
    a, b = (load_file(d / "model.safetensors") for d in (whole, cut))
    assert all(np.array_equal(a[k], b[k]) for k in a)
    assert not (cut / "checkpoint").exists()


def test_resume_refuses_another_configuration(tiny_base, corpus_file, tmp_path):
    def kill(step, total, _):
        if step > 0.6 * total:
            raise Killed

    with pytest.raises(Killed):
        train(tiny_config(tiny_base, corpus_file, tmp_path / "run", epochs=2), kill)
    with pytest.raises(NetralitasError, match="another corpus or configuration"):
        train(tiny_config(tiny_base, corpus_file, tmp_path / "run", epochs=2, seed=1))


def test_finished_run_is_not_overwritten(trained, tiny_base, corpus_file):
    with pytest.raises(NetralitasError, match="holds a finished model"):
        train(tiny_config(tiny_base, corpus_file, trained))


def test_provenance(trained, corpus_file):
    facts = json.loads((trained / "training.json").read_text())
    assert facts["corpus_sha256"] == hashlib.sha256(corpus_file.read_bytes()).hexdigest()
    assert facts["config"]["seed"] == 0
    assert {"python", "torch", "transformers"} <= set(facts["versions"])
    losses = [json.loads(line)["label"] for line in (trained / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epoch = 3", "epoch: Extra inputs are not permitted"),
        ("epochs = 0", "epochs: Input should be greater"),
        ("[weights]\nlabels = 2", "weights.labels: Extra inputs"),
        ("epochs =", "not TOML"),
    ],
)
def test_configuration_is_strict(tmp_path, line, message):
    path = tmp_path / "c.toml"
    path.write_text(f'corpus = "c"\nbase = "b"\noutput = "o"\n{line}\n')
    with pytest.raises(NetralitasError) as error:
        read_config(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_committed_configurations_are_valid():
    import training.config

    folder = training.config.__file__.replace("config.py", "configs")
    from pathlib import Path

    configs = [read_config(p) for p in sorted(Path(folder).glob("*.toml"))]
    assert {c.output.name for c in configs} >= {"netral-small", "netral-indobert"}


def test_corpus_without_split(tiny_base, corpus, tmp_path):
    from training.corpus import write_corpus

    write_corpus([t.model_copy(update={"split": None}) for t in corpus], tmp_path / "c.jsonl")
    with pytest.raises(NetralitasError, match="no text has split 'train'"):
        train(tiny_config(tiny_base, tmp_path / "c.jsonl", tmp_path / "out"))


def test_unannotated_layers_teach_nothing(released, corpus):
    bare = corpus[1].model_copy(
        update={
            "layers": ["label"],
            "mentions": [],
            "officials": [],
            "evidence": [],
            "forms": [],
            "subjects": [],
            "regions": [],
        }
    )
    row = text_features(bare, load_tokenizer(released), Shape(48, 8))
    for name in ("spans", "regions", "roles", "statuses", "evidence"):
        assert set(np.concatenate(row[name])) == {UNKNOWN}
    assert sum(row["document"][:8]) == 1
    assert set(row["document"][8:]) == {UNKNOWN}


def test_targets_lie_on_their_words(corpus):
    text = corpus[0]
    words = np.array([(m.start, m.end) for m in text.mentions if m.type == "PERSON"])
    targets = word_targets(text, words)
    assert targets["spans"].tolist() == [1]
    assert targets["roles"].tolist() == [1]
    assert targets["statuses"].tolist() == [UNKNOWN]


def test_batches_hold_every_text_once():
    lengths = np.random.default_rng(0).integers(10, 300, 97)
    groups = list(batches(lengths, 512, seed=3))
    assert sorted(i for g in groups for i in g) == list(range(97))
    assert all(sum(lengths[g]) <= 512 or len(g) == 1 for g in groups)
    assert groups == list(batches(lengths, 512, seed=3))
    assert groups != list(batches(lengths, 512, seed=4))


def test_killed_between_epochs_and_resumed_equals_uninterrupted(tiny_base, corpus_file, tmp_path, monkeypatch):
    monkeypatch.setattr("training.run.CHECKPOINT_SECONDS", 0.0)
    settings = {"epochs": 3, "mask_tokens": 0.1}
    whole = train(tiny_config(tiny_base, corpus_file, tmp_path / "whole", **settings))
    config = tiny_config(tiny_base, corpus_file, tmp_path / "cut", **settings)
    for at in (2, 5, 11):

        def kill(step, total, _, at=at):
            if step >= at:
                raise Killed

        with pytest.raises(Killed):
            train(config, kill)
    cut = train(config)
    a, b = (load_file(d / "model.safetensors") for d in (whole, cut))
    assert all(np.array_equal(a[k], b[k]) for k in a)
    logs = [[json.loads(line)["label"] for line in (d / "log.jsonl").read_text().splitlines()] for d in (whole, cut)]
    assert logs[0] == logs[1]


def test_masked_tokens_spare_ends_and_padding():
    import torch

    from training.train import mask_tokens

    torch.manual_seed(0)
    ids = torch.arange(100, 400).reshape(3, 100)
    mask = torch.ones_like(ids)
    mask[1, 40:] = 0
    hidden = mask_tokens(ids, mask, 0.5, 7) == 7
    assert not hidden[:, 0].any()
    assert not hidden[0, -1]
    assert not hidden[1, 39:].any()
    assert 0.35 < hidden[0].float().mean() < 0.65


def test_shares_lie_within_each_other(corpus):
    from training.train import choose_share

    small, large = (choose_share(corpus, share, 0) for share in (0.25, 0.5))
    assert (len(small), len(large)) == (10, 20)
    assert {t.id for t in small} < {t.id for t in large}
    assert choose_share(corpus, 1.0, 0) == list(corpus)


def test_accumulated_batches_make_one_step(corpus_file, tiny_base, tmp_path):
    from training.train import step_plan

    lengths = np.array([40] * 25)
    base = tiny_config(tiny_base, corpus_file, tmp_path, epochs=2, batch_tokens=100)
    single = step_plan(lengths, base, 1)
    assert all(len(s.groups) == 1 for s in single)
    shared = step_plan(lengths, base.model_copy(update={"accumulate": 2}), 2)
    assert all(len(s.groups) == 4 for s in shared)
    assert [s.last for s in shared].count(True) == 2
    for plan in (single, shared):
        for epoch in (1, 2):
            assert {i for s in plan if s.epoch == epoch for g in s.groups for i in g} == set(range(25))


def test_two_processes_train_one_model(tiny_base, corpus_file, tmp_path):
    """As ``torchrun`` starts it; the gradients of both are averaged, and only the first writes."""
    import subprocess
    import sys

    config = tmp_path / "c.toml"
    config.write_text(
        f'corpus = "{corpus_file}"\nbase = "{tiny_base}"\noutput = "{tmp_path / "run"}"\nepochs = 6\n'
        'batch_tokens = 256\nlearning_rate = 2e-3\nhead_learning_rate = 5e-3\nprecision = "fp32"\n'
        "window = 48\noverlap = 8\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--no-python"]
    command += ["--master-port=29517", sys.executable, "-m", "nlp.cli.app", "train", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads((tmp_path / "run" / "training.json").read_text())
    assert facts["hardware"]["processes"] == 2
    assert (tmp_path / "run" / "calibration.json").exists()
    log = [json.loads(line)["label"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert len(log) == 6
    assert log[-1] < log[0]


def test_source_that_tells_the_label_is_named(corpus):
    from training.sources import telling_sources

    assert telling_sources(corpus) == []
    real = [
        t.model_copy(update={"private": True, "url": f"https://www.kabar.example/{i}"})
        for i, t in enumerate(t for t in corpus * 4 if t.label == "not_relevant")
    ]
    warnings = telling_sources([*corpus, *real])
    assert any("real (private) texts are not_relevant" in w for w in warnings)
    assert any("kabar.example" in w for w in warnings)
    mixed = [t.model_copy(update={"private": True}) for t in corpus * 2]
    assert telling_sources([*corpus, *mixed]) == []


def test_trained_model_is_trained_further(trained, tiny_base, corpus_file, tmp_path):
    from training.calibrate import calibrate
    from training.predict import load_trained

    further = train(tiny_config(trained, corpus_file, tmp_path / "further", epochs=1, learning_rate=1e-5))
    a, b = (load_file(d / "model.safetensors") for d in (trained, further))
    assert np.array_equal(a["centre"], b["centre"])
    assert not np.array_equal(a["token_head.weight"], b["token_head.weight"])
    first, again = (
        [json.loads(line)["label"] for line in (d / "log.jsonl").read_text().splitlines()] for d in (trained, further)
    )
    assert again[0] < first[0] / 2
    facts = json.loads((further / "training.json").read_text())
    assert facts["base_training"] == json.loads((trained / "training.json").read_text())
    calibrate(further, corpus_file)
    assert load_trained(further).tokenizer.get_vocab_size() == load_trained(trained).tokenizer.get_vocab_size()
