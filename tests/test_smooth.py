"""Smoothing: the same model, nearer to itself in int8."""

import numpy as np
import pytest
import torch

from nlp.encode import OnnxEncoder
from training.export import quantise, write_onnx
from training.model import load
from training.predict import TorchEncoder
from training.smooth import SmoothedLinear, smooth


@pytest.fixture(scope="module")
def windows():
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(5, 90, (40,), generator=generator) for _ in range(12)]


@pytest.fixture(scope="module")
def with_outliers(trained):
    """A model whose feed-forward layers have a few dimensions with a hundred times the values of the others."""
    model = load(trained)
    with torch.no_grad():
        for module in model.encoder.modules():
            if isinstance(module, torch.nn.Linear) and module.in_features < module.out_features:
                module.weight[:2] *= 60
                module.bias[:2] += 30
            elif isinstance(module, torch.nn.Linear) and module.in_features > module.out_features:
                module.weight[:, :2] /= 60
    return model


def outputs(encoder, windows):
    return np.concatenate([encoder(ids.numpy()).tokens for ids in windows])


def test_smoothing_changes_nothing_in_full_precision(with_outliers, windows):
    smoothed = smooth(with_outliers, windows)
    layers = [m for m in smoothed.modules() if isinstance(m, SmoothedLinear)]
    assert len(layers) == 2 * with_outliers.encoder.config.num_hidden_layers
    expected = outputs(TorchEncoder(with_outliers), windows)
    assert outputs(TorchEncoder(smoothed), windows) == pytest.approx(expected, abs=1e-3)
    assert not [m for m in with_outliers.modules() if isinstance(m, SmoothedLinear)]


def test_smoothing_brings_int8_nearer(with_outliers, windows, tmp_path):
    expected = outputs(TorchEncoder(with_outliers), windows)

    def error(model, name):
        write_onnx(model, tmp_path / f"{name}.onnx")
        quantise(tmp_path / f"{name}.onnx", tmp_path / f"{name}.int8.onnx")
        return np.abs(outputs(OnnxEncoder(tmp_path / f"{name}.int8.onnx"), windows) - expected).mean()

    assert error(smooth(with_outliers, windows), "smoothed") < 0.7 * error(with_outliers, "plain")
