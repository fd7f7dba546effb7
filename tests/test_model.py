"""The model: windows pool exactly, files are safe, export keeps the answers."""

import json
import shutil

import numpy as np
import pytest
import torch

from nlp.encode import OnnxEncoder, pool
from nlp.errors import NetralitasError
from nlp.tagger import Tagger
from training.export import check_size, export
from training.model import Shape, from_base, load, pool_windows
from training.predict import TorchEncoder


def test_window_pooling_is_the_same_in_torch_and_numpy(trained):
    model = load(trained)
    encoder = TorchEncoder(model)
    windows = [np.array([0, 7, 9, 11, 2]), np.array([0, 8, 8, 2]), np.array([0, 30, 31, 32, 33, 2])]
    width = max(map(len, windows))
    ids = torch.tensor([list(w) + [1] * (width - len(w)) for w in windows])
    mask = torch.tensor([[1] * len(w) + [0] * (width - len(w)) for w in windows])
    with torch.inference_mode():
        batch = pool_windows(model(ids, mask), torch.tensor([0, 0, 1]), 2)
    singly = [pool([encoder(w) for w in windows[:2]]), pool([encoder(windows[2])])]
    assert batch.numpy() == pytest.approx(np.stack(singly), abs=1e-4)


def test_save_and_load_round_trip(trained):
    ids = torch.tensor([[0, 5, 6, 7, 2]])
    first, second = (load(trained)(ids, torch.ones_like(ids)) for _ in range(2))
    assert torch.equal(first.mean, second.mean)
    assert not list(trained.glob("*.bin")) + list(trained.glob("*.pt"))


def test_released_weights_answer_like_the_trained_ones(trained, released, corpus):
    plain, small = Tagger.load(trained), Tagger.load(released)
    labels = [(plain.tag(t.text).label, small.tag(t.text).label) for t in corpus]
    assert np.mean([a.name == b.name for a, b in labels]) >= 0.9
    assert small.model.runtime.startswith("onnxruntime")


def test_a_text_is_answered_alike_whatever_came_before(released, corpus):
    alone = [Tagger.load(released).tag(t.text).model_dump_json() for t in corpus[:3]]
    tagger = Tagger.load(released)
    for _ in tagger.tag_many(t.text for t in corpus):
        pass
    assert [r.model_dump_json() for r in tagger.tag_many(t.text for t in corpus[:3])] == alone


def test_size_limit(released, tmp_path):
    assert check_size(released) < 40_000_000
    big = tmp_path / "big"
    big.mkdir()
    (big / "model.onnx").write_bytes(b"0" * 40_000_001)
    with pytest.raises(NetralitasError, match="more than the 40000000"):
        check_size(big)


def test_unfinished_run_is_not_exported(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "calibration.json").unlink()
    with pytest.raises(NetralitasError, match=r"no calibration\.json"):
        export(run, tmp_path / "out", [])


def test_model_of_another_schema_is_refused(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    shape = json.loads((run / "netralitas.json").read_text()) | {"schema_version": "0.1"}
    (run / "netralitas.json").write_text(json.dumps(shape))
    with pytest.raises(NetralitasError, match=r"label schema 0\.1"):
        load(run)


def test_base_problems_are_named(tiny_base, tmp_path):
    with pytest.raises(NetralitasError, match="cannot be loaded"):
        from_base(str(tmp_path / "nowhere"), Shape(), 0.1, 0)
    with pytest.raises(NetralitasError, match="more than the 64 positions"):
        from_base(str(tiny_base), Shape(window=256), 0.1, 0)


def test_onnx_encoder_names_a_broken_file(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"model\.onnx: not a readable ONNX model"):
        OnnxEncoder(tmp_path / "model.onnx")
