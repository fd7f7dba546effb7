"""Split the corpus into train, dev and test, so that no event and no near copy stands on two sides.

A third of the test regions, and some writing styles, occur in no training text: they measure what a model does in
a place and a manner that it has never read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from datasketch import LeanMinHash, MinHashLSH

from nlp.copies import NEAR, sketch
from nlp.record import text_digest
from nlp.schema import Label
from training.corpus import CorpusText, Split
from training.scores import to_kabupaten

SHARES: dict[Split, float] = {"train": 0.7, "dev": 0.1, "test": 0.2}
UNSEEN_STYLES = 0.03
"""Share of the new texts that go to the test split because nobody else may have their style; the rarest first."""
UNSEEN_REGIONS = 0.14
"""Share of the new texts that go there because of their kabupaten or kota; the rarest first, so these are many."""


class Place(NamedTuple):
    """Where and how a text is written, and on which side it stands."""

    region: str | None
    """Kabupaten or kota of the place of the event."""
    style: str
    split: Split | None


def place(text: CorpusText) -> Place:
    """Take from a text what tells whether its place and manner are new."""
    region = to_kabupaten(text.primary_region) if text.primary_region else None
    return Place(region if region and "." in region else None, text.style, text.split)


@dataclass(frozen=True)
class Card:
    """What splitting and duplicate checks need of a text; a kilobyte, however long the text is."""

    id: str
    event: str
    group: str | None
    style: str
    label: Label
    region: str | None
    """Kabupaten or kota of the place of the event."""
    split: Split | None
    digest: str
    sketch: LeanMinHash


def card(text: CorpusText) -> Card:
    """Take from a text what splitting needs."""
    return Card(
        text.id,
        text.event,
        text.group,
        text.style,
        text.label,
        place(text).region,
        text.split,
        text_digest(text.text),
        sketch(text.text),
    )


def near_pairs(sketches: Sequence[LeanMinHash], threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pairs of indices of texts that are near copies of each other."""
    index = MinHashLSH(threshold=threshold, num_perm=128)
    pairs = []
    for i, one in enumerate(sketches):
        pairs += [(int(j), i) for j in index.query(one) if sketches[int(j)].jaccard(one) >= threshold]
        index.insert(str(i), one)
    return pairs


def clusters(cards: Sequence[Card]) -> list[list[int]]:
    """Group texts that share an event, a group, or are near copies, transitively; indices, in corpus order."""
    parent = list(range(len(cards)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    links = near_pairs([c.sketch for c in cards])
    for i, c in enumerate(cards):
        for key in (f"event {c.event}", f"group {c.group}" if c.group else ""):
            if key:
                links.append((first.setdefault(key, i), i))
    for a, b in links:
        parent[root(a)] = root(b)
    members: dict[int, list[int]] = defaultdict(list)
    for i in range(len(cards)):
        members[root(i)].append(i)
    return sorted(members.values(), key=lambda c: c[0])


def _rarest_first(values: Iterable[str]) -> list[str]:
    counts = Counter(values)
    return sorted(counts, key=lambda v: (counts[v], v))


def _held_out(cards: Sequence[Card], groups: Sequence[list[int]]) -> set[int]:
    """Groups, by index, that go to the test split whole: all texts of the rarest styles, then of the rarest regions.

    A style or region that already stands in train or dev cannot be held out.
    """
    group_of = {i: g for g, members in enumerate(groups) for i in members}
    free = [i for i, c in enumerate(cards) if c.split not in ("train", "dev")]
    unsplit = sum(c.split is None for c in cards)
    chosen: set[int] = set()

    def hold_out(name: str, quota: float) -> None:
        seen = {getattr(c, name) for c in cards if c.split in ("train", "dev")} | {None}
        for value in _rarest_first(getattr(cards[i], name) for i in free if getattr(cards[i], name) not in seen):
            more = {group_of[i] for i in free if getattr(cards[i], name) == value}
            if sum(len(groups[g]) for g in chosen | more) > quota:
                break
            chosen.update(g for g in more if all(cards[i].split not in ("train", "dev") for i in groups[g]))

    hold_out("style", UNSEEN_STYLES * unsplit)
    hold_out("region", (UNSEEN_STYLES + UNSEEN_REGIONS) * unsplit)
    return chosen


def assign(texts: Sequence[CorpusText], seed: int = 0) -> list[CorpusText]:
    """Give every text a split; one that has a split keeps it, and pulls its cluster along.

    Some styles and regions are held out for the test split first. The other clusters go, large ones first, where
    their labels are most lacking. A cluster whose texts already lie in several splits goes to the one that must stay
    unseen: test before dev before train.
    """
    cards = [card(t) for t in texts]
    groups = clusters(cards)
    order = np.random.default_rng(seed).permutation(len(groups))
    ranked = sorted((groups[i] for i in order), key=len, reverse=True)
    held_out = {id(ranked[g]) for g in _held_out(cards, ranked)}
    total = Counter(c.label for c in cards)
    have: dict[Split, Counter[Label]] = {s: Counter() for s in SHARES}
    result: dict[int, Split] = {}

    def lack(split: Split, members: list[int]) -> float:
        return (
            sum(SHARES[split] - (have[split][cards[i].label] / total[cards[i].label]) for i in members) / SHARES[split]
        )

    def place(members: list[int]) -> Split:
        present = {cards[i].split for i in members}
        kept: list[Split] = [s for s in ("test", "dev", "train") if s in present]
        if kept:
            return kept[0]
        return "test" if id(members) in held_out else max(SHARES, key=lambda s: lack(s, members))

    for members in sorted(ranked, key=lambda m: (not any(cards[i].split for i in m), id(m) not in held_out)):
        split = place(members)
        for i in members:
            result[i] = split
            have[split][cards[i].label] += 1
    return [t.model_copy(update={"split": result[i]}) for i, t in enumerate(texts)]


def leaks(cards: Sequence[Card]) -> list[str]:
    """One message for each cluster whose texts lie in more than one split."""
    out = []
    for members in clusters(cards):
        splits = {cards[i].split for i in members if cards[i].split}
        if len(splits) > 1:
            names = ", ".join(f"{cards[i].id} ({cards[i].split})" for i in members[:6])
            out.append(f"split: texts of one event, group or near copies on several sides: {names}")
    return out


def unseen(texts: Sequence[Place | Card]) -> dict[str, tuple[int, int]]:
    """Of the test split's regions and styles, how many occur in no training or dev text, and how many there are."""
    out = {}
    for name in ("region", "style"):
        test = {getattr(t, name) for t in texts if t.split == "test"} - {None}
        seen = {getattr(t, name) for t in texts if t.split in ("train", "dev")}
        out[name] = (len(test - seen), len(test))
    return out
