"""Run the encoder over a text's windows and pool them into one document.

One window a run: nothing that else is tagged can change the answer for a text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlp.window import IntArray, Tokens, Window, owners

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class WindowLogits:
    """A window's outputs: ``mean`` and ``focus`` document logits [d], log ``weight`` of the focus mass, and
    ``tokens`` [t, k] logits, special tokens included."""

    mean: FloatArray
    focus: FloatArray
    weight: float
    tokens: FloatArray


WindowEncoder = Callable[[IntArray], WindowLogits]
"""From the ids of one window [t] to its logits."""


class OnnxEncoder:
    """A released model's weights in ONNX Runtime, on the CPU: one thread a run, so that the answer is the same to the
    bit however many runs go on at once; several threads may call it, and each keeps a core busy.

    Raises:
        ValueError: the file is no ONNX model.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as e:  # ONNX Runtime has no common base for its load errors
            raise ValueError(f"{path}: not a readable ONNX model ({e})") from e
        self.runtime = f"onnxruntime {ort.__version__} cpu"

    def __call__(self, ids: IntArray) -> WindowLogits:
        """Encode one window."""
        mean, focus, weight, tokens = self._session.run(
            ["mean", "focus", "weight", "tokens"],
            {"input_ids": ids[None, :], "attention_mask": np.ones((1, len(ids)), np.int64)},
        )
        return WindowLogits(mean[0], focus[0], float(weight[0]), tokens[0])


@dataclass(frozen=True)
class TextLogits:
    """A text's outputs: ``document`` [d] and ``words`` [w, k], one row a word of ``Tokens.words``."""

    document: FloatArray
    words: FloatArray


def pool(parts: Sequence[WindowLogits]) -> FloatArray:
    """Combine windows' document logits, exactly as ``training.model.pool_windows`` does: mean logits weighted by
    length, focus logits by the mass of the focus."""
    length = np.array([len(p.tokens) for p in parts], dtype=np.float64)
    weight = np.array([p.weight for p in parts], dtype=np.float64)
    mass = np.exp(weight - weight.max())
    mean = np.average([p.mean for p in parts], axis=0, weights=length)
    focus = np.average([p.focus for p in parts], axis=0, weights=mass)
    return np.asarray(mean + focus, dtype=np.float32)


def encode(tokens: Tokens, parts: Sequence[Window], encoder: WindowEncoder) -> TextLogits:
    """Encode a text's windows; where windows overlap, a token is read in the one that gives it most context."""
    logits = [encoder(part.ids) for part in parts]
    owner = owners(parts, len(tokens.ids))
    first = [part.prefix - part.start for part in parts]
    rows = [logits[owner[t]].tokens[first[owner[t]] + t] for t in tokens.word_token]
    width = logits[0].tokens.shape[1]
    words = np.stack(rows) if rows else np.zeros((0, width), np.float32)
    return TextLogits(pool(logits), words)
