"""Turn a trained model into a released one: int8 ONNX, tokenizer, calibration, metrics and a card."""

import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from nlp.clean import find_ignored
from nlp.errors import NetralitasError
from nlp.tagger import CALIBRATION_FILE, SHAPE_FILE, WEIGHTS_FILE, read_shape
from nlp.window import load_tokenizer, tokenise, windows
from training.model import NeutralityModel, load
from training.smooth import smooth

MAX_BYTES = 40_000_000
"""Limit of a whole released directory."""
OUTPUTS = ("mean", "focus", "weight", "tokens")


class _Exported(nn.Module):
    """The model as plain tensors in and out."""

    def __init__(self, model: NeutralityModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        out = self.model(input_ids, attention_mask)
        return out.mean, out.focus, out.weight, out.tokens


def write_onnx(model: NeutralityModel, path: Path) -> None:
    """Export to fp32 ONNX with free batch and length."""
    example = torch.randint(5, 100, (2, 16))
    batch, length = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("length", min=3, max=model.shape.window)
    dims = {0: batch, 1: length}
    with warnings.catch_warnings():
        # The exporter warns about deprecations in its own code, which nobody here can mend.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Exported(model).eval(),
            (example, torch.ones_like(example)),
            input_names=["input_ids", "attention_mask"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"input_ids": dims, "attention_mask": dims},
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise NetralitasError("the model could not be exported to ONNX")
    program.save(str(path))


def quantise(source: Path, target: Path) -> None:
    """Quantise matrices and embeddings to int8, by channel; activations at run time, window by window.

    Weights take 7 bits (reduced range), since CPUs without VNNI add pairs of 8-bit products in 16 bits and saturate.
    """
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def export(run: Path, output: Path, texts: Sequence[str]) -> Path:
    """Write a released model's weights, tokenizer and calibration; the card follows once it is measured. ``texts``
    show what the activations are like: some dozens that the model was trained on.

    Raises:
        NetralitasError: no calibrated trained model, or a result over 40 MB.
    """
    model = load(run)
    for name in (CALIBRATION_FILE, "tokenizer.json", "training.json"):
        if not (run / name).exists():
            raise NetralitasError(f"{run}: no {name}; the run is not finished, start 'netralitas train' again")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "fp32.onnx"
        write_onnx(smooth(model, list(_windows(texts, run))), plain)
        quantise(plain, Path(scratch) / "int8.onnx")
        shutil.copyfile(Path(scratch) / "int8.onnx", output / WEIGHTS_FILE)
    onnx.checker.check_model(str(output / WEIGHTS_FILE))
    for name in (CALIBRATION_FILE, "tokenizer.json", SHAPE_FILE, "training.json"):
        shutil.copyfile(run / name, output / name)
    check_size(output)
    return output


def _windows(texts: Sequence[str], run: Path) -> Iterator[Tensor]:
    tokenizer, shape = load_tokenizer(run), read_shape(run)
    for text in texts:
        tokens = tokenise(text, tokenizer, find_ignored(text))
        for window in windows(tokens, tokenizer, shape.window, shape.overlap):
            yield torch.from_numpy(window.ids)


def check_size(directory: Path) -> int:
    """Bytes of a released directory.

    Raises:
        NetralitasError: more than 40 MB.
    """
    size = sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())
    if size > MAX_BYTES:
        raise NetralitasError(f"{directory}: {size} bytes, more than the {MAX_BYTES} a released model may have")
    return size


def read_training(directory: Path) -> dict[str, Any]:
    """The provenance that training recorded."""
    loaded: dict[str, Any] = json.loads((directory / "training.json").read_text(encoding="utf-8"))
    return loaded
