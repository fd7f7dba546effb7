"""Tag with a trained model in torch, through the same pipeline as a released one."""

import hashlib
from pathlib import Path

import torch

from nlp.encode import WindowLogits
from nlp.tagger import CALIBRATION_FILE, Calibration, LoadedModel, read_calibration, read_shape
from nlp.window import IntArray, load_tokenizer
from training.model import NeutralityModel, load


class TorchEncoder:
    """Encodes one window at a time with a trained model, in full precision."""

    def __init__(self, model: NeutralityModel) -> None:
        self.model = model.eval()

    def __call__(self, ids: IntArray) -> WindowLogits:
        """Encode one window."""
        with torch.inference_mode():
            tensor = torch.from_numpy(ids)[None]
            out = self.model(tensor, torch.ones_like(tensor))
        return WindowLogits(out.mean[0].numpy(), out.focus[0].numpy(), out.weight.item(), out.tokens[0].numpy())


def load_trained(directory: Path) -> LoadedModel:
    """Load a trained directory; one that is not calibrated yet gets neutral thresholds.

    Raises:
        NetralitasError: no trained model there.
    """
    model = load(directory)
    calibrated = (directory / CALIBRATION_FILE).exists()
    return LoadedModel(
        encoder=TorchEncoder(model),
        tokenizer=load_tokenizer(directory),
        shape=read_shape(directory),
        calibration=read_calibration(directory) if calibrated else Calibration(),
        name=directory.name,
        sha256=hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest(),
        runtime=f"torch {torch.__version__} fp32",
    )
