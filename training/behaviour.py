"""Behavioural tests in the manner of CheckList (Ribeiro et al., ACL 2020): minimum function, invariance, direction.

The tests stand in ``data/behaviour.toml``, which says how they are read; here they are filled, tagged and judged.
"""

import re
import string
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nlp.errors import NetralitasError, describe_error
from nlp.record import Record
from nlp.schema import UNCERTAIN, Label, Role
from nlp.tagger import Tagger
from nlp.workers import ordered_map

Kind = Literal["minimum function", "invariance", "direction"]

FILLS: Final = 8
"""How often a test of minimum function or direction is filled."""
SWAPS: Final = 3
"""How many other values each swapped slot takes."""
SLANG: Final = {
    "yang": "yg",
    "dengan": "dgn",
    "tidak": "gak",
    "sudah": "udah",
    "karena": "krn",
    "untuk": "utk",
    "dari": "dr",
    "pada": "pd",
    "saja": "aja",
    "juga": "jg",
    "kepada": "ke",
    "belum": "blm",
    "jangan": "jgn",
    "kalau": "klo",
    "orang": "org",
    "bisa": "bs",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Test(_Strict):
    """One test as it stands in the file."""

    # pytest must not take it for a class of tests.
    __test__ = False

    capability: str
    text: str = Field(min_length=1)
    label: list[Label] = []
    subject: list[str] = []
    spared: list[str] = []
    swap: list[str] = []
    region: list[tuple[str, str]] = []
    before: str | None = None
    raises: Label | None = None

    @model_validator(mode="after")
    def _has_one_expectation(self) -> Self:
        if bool(self.label) == bool(self.raises) or bool(self.raises) != bool(self.before):
            raise ValueError("a test has either 'label', or 'raises' with 'before'")
        return self


class Suite(_Strict):
    """The file: values by slot, and tests."""

    slots: dict[str, Annotated[list[str], Field(min_length=SWAPS + 1)]]
    test: list[Test] = Field(min_length=1)

    @model_validator(mode="after")
    def _slots_are_there(self) -> Self:
        for i, test in enumerate(self.test, 1):
            known = set(self.slots) | ({"region"} if test.region else set())
            held = slots(test.text) | slots(test.before or "")
            if unknown := (held - known) | ({*test.subject, *test.spared, *test.swap} - slots(test.text)):
                names = ", ".join(sorted(unknown))
                raise ValueError(f"test {i} ({test.capability}): {names}: no such slot, or not in the text")
        return self


@dataclass(frozen=True)
class Case:
    """A filled test. ``other`` is the text it is compared with: the one before a swap, or before a sentence more."""

    kind: Kind
    capability: str
    text: str
    other: str | None = None
    labels: frozenset[Label] = frozenset()
    raises: Label | None = None
    subjects: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    region: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A case with what the model said: ``problem`` is empty where it passed."""

    case: Case
    got: Label
    problem: str


def slots(template: str) -> set[str]:
    """Names of the slots of a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def read_suite(path: Path) -> Suite:
    """Read the tests.

    Raises:
        NetralitasError: unreadable, not TOML, an unknown key or slot, each named.
    """
    try:
        return Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e:
        raise NetralitasError(f"{path}: not TOML: {e}") from e
    except ValidationError as e:
        raise NetralitasError(f"{path}: {describe_error(e)}") from e


def colloquial(text: str) -> str:
    """The text as it would be typed in haste on a phone: small letters, abbreviations, no full stops."""
    words = re.sub(r"\w+", lambda m: SLANG.get(m[0].lower(), m[0].lower()), text)
    return re.sub(r"\.(?=\s|$)", "", words)


def misspelt(text: str, rng: np.random.Generator) -> str:
    """The text with two neighbouring letters exchanged in every twelfth of its longer words."""

    def exchange(match: re.Match[str]) -> str:
        word = match[0]
        if not word.islower() or rng.random() > 1 / 12:
            return word
        i = int(rng.integers(1, len(word) - 2))
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]

    return re.sub(r"[^\W\d_]{5,}", exchange, text)


def cases(suite: Suite, seed: int = 0) -> Iterator[Case]:
    """Fill all tests; the same seed gives the same cases."""
    for number, test in enumerate(suite.test):
        rng = np.random.default_rng([seed, number])
        template = test.text + (test.before or "")
        # One value from each slot a fill, each slot in an order of its own, so that no two fills are alike.
        orders = {name: rng.permutation(suite.slots[name]) for name in sorted(slots(template) - {"region"})}
        fills = [{name: str(o[i % len(o)]) for name, o in orders.items()} for i in range(max(FILLS, len(test.region)))]
        for i, (name, _) in enumerate(test.region):
            fills[i]["region"] = name
        for i, fill in enumerate(fills):
            text = test.text.format(**fill)
            if test.raises and test.before:
                yield Case("direction", test.capability, text, test.before.format(**fill), raises=test.raises)
                continue
            yield Case(
                "minimum function",
                test.capability,
                text,
                labels=frozenset(test.label),
                subjects=tuple(fill[s] for s in test.subject),
                spared=tuple(fill[s] for s in test.spared),
                region=test.region[i][1] if i < len(test.region) else None,
            )
        base = test.text.format(**fills[0])
        for slot in test.swap:
            for value in orders[slot][1 : SWAPS + 1]:
                swapped = test.text.format(**fills[0] | {slot: str(value)})
                yield Case("invariance", f"swap: {slot}", swapped, base)
        if test.label:
            yield Case("invariance", "slang", colloquial(base), base)
            yield Case("invariance", "typos", misspelt(base, rng), base)


def _problem(case: Case, record: Record, other: Record | None) -> str:
    got = record.label.name
    if case.raises:
        assert other
        rose = record.scores[case.raises] > other.scores[case.raises] or got is case.raises
        return "" if rose else f"{case.raises}: {other.scores[case.raises]:.3f} to {record.scores[case.raises]:.3f}"
    if other:
        return "" if got is other.label.name else f"{other.label.name} became {got}"
    if got not in case.labels:
        return f"{got}, not {' or '.join(sorted(case.labels))}"
    roles = {o.name: o.role for o in record.officials}
    for name in case.spared:
        if roles.get(name) == Role.SUBJECT:
            return f"{name} is called a subject"
    for name in case.subjects:
        if roles.get(name) not in (Role.SUBJECT, UNCERTAIN):
            return f"{name} is {roles.get(name, 'not found')}, not a subject"
    primary = next((r.code for r in record.regions if r.primary), None)
    if case.region and primary != case.region:
        return f"primary region {primary}, not {case.region}"
    return ""


def run(tagger: Tagger, filled: Sequence[Case], progress: Callable[[], None] | None = None) -> list[Outcome]:
    """Tag and judge the cases."""
    texts = list(dict.fromkeys(text for c in filled for text in (c.text, c.other) if text))
    records: dict[str, Record] = {}
    for text, record in zip(texts, ordered_map(tagger.tag, texts), strict=True):
        records[text] = record
        if progress:
            progress()
    out = []
    for case in filled:
        record = records[case.text]
        other = records[case.other] if case.other else None
        out.append(Outcome(case, record.label.name, _problem(case, record, other)))
    return out


def pass_rates(outcomes: Sequence[Outcome]) -> dict[str, dict[str, tuple[int, int]]]:
    """By kind, then capability: cases passed, cases run."""
    out: dict[str, dict[str, tuple[int, int]]] = {}
    for o in outcomes:
        by_capability = out.setdefault(o.case.kind, {})
        passed, count = by_capability.get(o.case.capability, (0, 0))
        by_capability[o.case.capability] = passed + (not o.problem), count + 1
    return out


def swap_flips(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """Cases in which another name, region or party changed the label, and cases with such a swap."""
    swaps = [o for o in outcomes if o.case.capability.startswith("swap: ")]
    return sum(bool(o.problem) for o in swaps), len(swaps)
