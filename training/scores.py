"""What several measurements share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Counts:
    """Right, spurious and missed items."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, gold: set[Any], got: set[Any]) -> None:
        """Count two sets against each other."""
        self.tp += len(gold & got)
        self.fp += len(got - gold)
        self.fn += len(gold - got)

    def scores(self) -> dict[str, float | int]:
        """Precision, recall, F1 and the number of gold items."""
        p = self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0
        r = self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0
        f1 = 2 * p * r / (p + r) if p + r else 0.0
        return {"precision": round(p, 4), "recall": round(r, 4), "f1": round(f1, 4), "support": self.tp + self.fn}


def characters(spans: Iterable[tuple[int, int]]) -> set[int]:
    """The characters that the spans cover."""
    return {i for start, end in spans for i in range(start, end)}


def to_kabupaten(code: str) -> str:
    """A region's code cut to kabupaten or kota; that of a province stays."""
    return ".".join(code.split(".")[:2])


def pair_up(first: Sequence[set[Any]], second: Sequence[set[Any]]) -> list[tuple[int | None, int | None]]:
    """Pair sets that share an element, by index, each at most once; then those of either side that are left."""
    left = list(range(len(second)))
    pairs: list[tuple[int | None, int | None]] = []
    for i, one in enumerate(first):
        hit = next((j for j in left if one & second[j]), None)
        if hit is not None:
            left.remove(hit)
        pairs.append((i, hit))
    return pairs + [(None, j) for j in left]
