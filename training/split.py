"""Split the corpus into train, dev and test, so that no event and no near copy stands on two sides."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from datasketch import MinHash, MinHashLSH

from nlp.schema import Label
from training.corpus import CorpusText, Split

SHARES: dict[Split, float] = {"train": 0.7, "dev": 0.1, "test": 0.2}
NEAR = 0.6
"""Estimated Jaccard similarity of word trigrams from which two texts count as near copies."""


def shingles(text: str) -> set[str]:
    """Word trigrams, lower-cased; of a shorter text, its words."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)} or set(words)


def _minhash(text: str) -> MinHash:
    sketch = MinHash(num_perm=128, seed=1)
    sketch.update_batch([s.encode() for s in shingles(text)])
    return sketch


def near_pairs(texts: Sequence[str], threshold: float = NEAR) -> list[tuple[int, int]]:
    """Pairs of indices of texts that are near copies of each other."""
    index = MinHashLSH(threshold=threshold, num_perm=128)
    sketches = [_minhash(t) for t in texts]
    pairs = []
    for i, sketch in enumerate(sketches):
        pairs += [(int(j), i) for j in index.query(sketch) if sketches[int(j)].jaccard(sketch) >= threshold]
        index.insert(str(i), sketch)
    return pairs


def clusters(texts: Sequence[CorpusText]) -> list[list[int]]:
    """Group texts that share an event, a group, or are near copies, transitively; indices, in corpus order."""
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    links = near_pairs([t.text for t in texts])
    for i, t in enumerate(texts):
        for key in (f"event {t.event}", f"group {t.group}" if t.group else ""):
            if key:
                links.append((first.setdefault(key, i), i))
    for a, b in links:
        parent[root(a)] = root(b)
    members: dict[int, list[int]] = defaultdict(list)
    for i in range(len(texts)):
        members[root(i)].append(i)
    return sorted(members.values(), key=lambda c: c[0])


def assign(texts: Sequence[CorpusText], seed: int = 0) -> list[CorpusText]:
    """Give every text a split; one that has a split keeps it, and pulls its cluster along.

    Clusters go, large ones first, where their labels are most lacking. A cluster whose texts already lie in several
    splits goes to the one that must stay unseen: test before dev before train.
    """
    groups = clusters(texts)
    order = np.random.default_rng(seed).permutation(len(groups))
    ranked = sorted((groups[i] for i in order), key=len, reverse=True)
    total = Counter(t.label for t in texts)
    have: dict[Split, Counter[Label]] = {s: Counter() for s in SHARES}
    result: dict[int, Split] = {}

    def lack(split: Split, members: list[int]) -> float:
        return (
            sum(SHARES[split] - (have[split][texts[i].label] / total[texts[i].label]) for i in members) / SHARES[split]
        )

    fixed = [g for g in ranked if any(texts[i].split for i in g)]
    free = [g for g in ranked if not any(texts[i].split for i in g)]
    for group in fixed + free:
        held = {texts[i].split for i in group}
        kept: list[Split] = [s for s in ("test", "dev", "train") if s in held]
        split = kept[0] if kept else max(SHARES, key=lambda s: lack(s, group))
        for i in group:
            result[i] = split
            have[split][texts[i].label] += 1
    return [t.model_copy(update={"split": result[i]}) for i, t in enumerate(texts)]


def leaks(texts: Sequence[CorpusText]) -> list[str]:
    """One message for each cluster whose texts lie in more than one split."""
    out = []
    for members in clusters(texts):
        splits = {texts[i].split for i in members if texts[i].split}
        if len(splits) > 1:
            names = ", ".join(f"{texts[i].id} ({texts[i].split})" for i in members[:6])
            out.append(f"split: texts of one event, group or near copies on several sides: {names}")
    return out
