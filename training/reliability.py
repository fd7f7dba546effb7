"""Whether scores are probabilities: reliability bins, expected calibration error, risk against coverage."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> dict[str, Any]:
    """Expected calibration error over bins of equal width (Guo et al. 2017), and each bin's mean score, share of right
    answers and size."""
    index = np.clip((scores * bins).astype(int), 0, bins - 1)
    rows, error = [], 0.0
    for b in range(bins):
        inside = index == b
        if inside.any():
            mean, share = float(scores[inside].mean()), float(right[inside].mean())
            error += inside.mean() * abs(mean - share)
            rows.append({"score": round(mean, 4), "right": round(share, 4), "texts": int(inside.sum())})
    return {"ece": round(float(error), 4), "bins": rows}


def risk_coverage(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Error among the surest share of texts, for shares of 10 to 100 %, and the area under the whole curve
    (Geifman & El-Yaniv 2017)."""
    order = np.argsort(-scores, kind="stable")
    risk = 1 - np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    points: Sequence[float] = [round(float(risk[max(0, round(s * len(order)) - 1)]), 4) for s in np.arange(1, 11) / 10]
    return {"area": round(float(risk.mean()), 4), "risk_by_tenth": list(points)}
