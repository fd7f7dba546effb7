"""What a wrong answer costs, and what a person's reading costs instead: the table behind the label thresholds.

The unit is a slip between two stages of an open case. The order of the costs is the field's: to call an appeal a case,
or to miss a clearance, is worst; to miss a case is bad; the rest are slips.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nlp.schema import CASE_LABELS, Label

FALSE_CASE: Final = 5.0
"""A text without a case is called one."""
MISSED_CLEARANCE: Final = 5.0
"""A text that clears somebody is called anything else."""
MISSED_CASE: Final = 3.0
"""A case is called no case."""
EARLY_VERDICT: Final = 2.0
"""An open case is called sanctioned, or cleared."""
SLIP: Final = 1.0
"""Any other wrong label."""
REVIEW: Final = 0.5
"""A record abstains, and a person reads the text."""


def cost(gold: Label, got: Label) -> float:
    """What it costs to answer ``got`` where ``gold`` is right."""
    if gold is got:
        return 0.0
    if gold is Label.CLEARED:
        return MISSED_CLEARANCE
    if gold not in CASE_LABELS:
        return FALSE_CASE if got in CASE_LABELS else SLIP
    if got not in CASE_LABELS:
        return MISSED_CASE
    return EARLY_VERDICT if got in (Label.SANCTIONED, Label.CLEARED) else SLIP


def costs(gold: Sequence[Label], got: Sequence[Label]) -> NDArray[np.float64]:
    """Cost of each answer."""
    return np.array([cost(a, b) for a, b in zip(gold, got, strict=True)])


def cheapest_threshold(scores: NDArray[np.float64], wrong: NDArray[np.float64], grid: NDArray[np.float64]) -> float:
    """Lowest threshold of ``grid`` at which the answers that pass, and the reviews of the rest, cost least.

    ``wrong`` holds what each answer costs.
    """

    def total(threshold: float) -> float:
        passing = scores >= threshold
        return float(wrong[passing].sum() + REVIEW * (~passing).sum())

    return float(min(grid, key=lambda t: (round(total(t), 6), t)))
