"""Adaptation of a base: it learns, resumes to the bit, and gives a base that training takes."""

import json
import lzma

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from nlp.errors import NetralitasError
from tests.conftest import tiny_config
from training.adapt import AdaptConfig, adapt, cut, hide, read_plain
from training.run import base_tokenizer
from training.train import train


class Killed(Exception):
    pass


def config(base, corpus_file, output, **changes) -> AdaptConfig:
    settings = {"epochs": 30, "learning_rate": 3e-3, "batch_tokens": 256, "window": 48}
    return AdaptConfig(base=str(base), texts=(corpus_file,), output=output, **(settings | changes))


def test_learns_and_is_taken_as_a_base(tiny_base, corpus_file, tmp_path):
    facts = adapt(config(tiny_base, corpus_file, tmp_path / "adapted"))
    assert facts["loss_after"] < facts["loss_before"] - 0.2
    assert facts["texts"] == 20
    written = json.loads((tmp_path / "adapted" / "adaptation.json").read_text())
    assert written["files"].keys() == {corpus_file.name}
    train(tiny_config(tmp_path / "adapted", corpus_file, tmp_path / "run", epochs=1))
    with pytest.raises(NetralitasError, match="holds a finished encoder"):
        adapt(config(tiny_base, corpus_file, tmp_path / "adapted"))


def test_killed_and_resumed_equals_uninterrupted(tiny_base, corpus_file, tmp_path, monkeypatch):
    monkeypatch.setattr("training.run.CHECKPOINT_SECONDS", 0.0)
    whole = adapt(config(tiny_base, corpus_file, tmp_path / "whole", epochs=2))
    cut_short = config(tiny_base, corpus_file, tmp_path / "cut", epochs=2)

    def kill(step, total, _):
        if step == 7:
            raise Killed

    with pytest.raises(Killed):
        adapt(cut_short, kill)
    with pytest.raises(NetralitasError, match="other texts or settings"):
        adapt(config(tiny_base, corpus_file, tmp_path / "cut", epochs=3))
    assert adapt(cut_short)["loss_after"] == whole["loss_after"]
    a, b = (load_file(tmp_path / d / "model.safetensors") for d in ("whole", "cut"))
    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_hides_a_seventh_of_the_inner_tokens():
    torch.manual_seed(0)
    ids = torch.arange(5, 405).reshape(4, 100)
    mask = torch.ones_like(ids)
    mask[0, 50:] = 0
    hidden, target = hide(ids, mask, 1, 1000)
    chosen = target != -100
    assert not chosen[:, [0, -1]].any()
    assert not chosen[0, 49:].any()
    assert 0.1 < chosen[1:].float().mean() < 0.2
    assert torch.equal(target[chosen], ids[chosen])
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert 0.6 < (hidden[chosen] == 1).float().mean() < 0.95


def test_reads_plain_and_packed_lines_and_only_the_training_split(tmp_path, tiny_base):
    rows = [{"text": "satu"}, {"text": "dua", "split": "test"}, {"text": "tiga", "split": "train"}]
    packed = tmp_path / "a.jsonl.xz"
    packed.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    assert list(read_plain([packed])) == ["satu", "tiga"]
    bad = tmp_path / "b.jsonl"
    bad.write_text('{"text": "a"}\n{"isi": "b"}\n')
    with pytest.raises(NetralitasError, match=r"b.jsonl:2: no JSON object with the key 'text'"):
        list(read_plain([bad]))
    windows = cut(["Camat Kudus hadir di kampanye " * 20, "pendek"], base_tokenizer(str(tiny_base)), 48)
    assert all(len(w) <= 48 and w[0] == windows[0][0] and w[-1] == windows[0][-1] for w in windows)
