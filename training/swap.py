"""Draw the names of a labelled text anew: persons, regions and parties, in their marked spans, with codes kept true.

A model that has seen one story under several names learns the story. Only what can be exchanged for certain is: a name
that stands outside its marked spans in another form stays as it is.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from nlp import gazetteer
from nlp.schema import MentionType
from training.corpus import CorpusText
from training.edits import Edit, apply_edits

_PARTIES: Final = (
    "PDI Perjuangan",
    "Golkar",
    "Gerindra",
    "NasDem",
    "PKB",
    "PKS",
    "PAN",
    "Demokrat",
    "PPP",
    "Hanura",
    "Perindo",
)
_FIXED: Final = frozenset({"11", "31", "91", "92", "93", "94", "95", "96"})
"""Provinces whose texts cannot move, and to which none can: Aceh and Jakarta have bodies and offices of their own, and
those of Papua were split in 2022."""
_NAME_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*")
_KIND: Final = re.compile(r"^(?:kabupaten|kota) ", re.IGNORECASE)


def name_pool(texts: Iterable[CorpusText]) -> list[list[str]]:
    """Names of two words or more, as lists of words, from the persons of some texts."""
    pool = set()
    for text in texts:
        for official in text.officials:
            longest = max((text.quote(m) for m in official.mentions), key=len)
            words = longest.split()
            if len(words) > 1 and all(_NAME_WORD.fullmatch(w) and w.istitle() for w in words):
                pool.add(tuple(words))
    return [list(words) for words in sorted(pool)]


def _like(new: str, old: str) -> str:
    """The new word in the old one's case."""
    return new.upper() if old.isupper() else new.lower() if old.islower() else new


def _is_word_of_name(token: str) -> bool:
    # Initials, and titles and degrees with their full stops, stay.
    return bool(_NAME_WORD.fullmatch(token)) and (len(token) > 3 or not token.isupper())


def _person_edits(text: CorpusText, pool: Sequence[list[str]], rng: np.random.Generator) -> list[Edit]:
    by_id = {m.id: m for m in text.mentions}
    edits = []
    for official in text.officials:
        fresh = [w for i in rng.permutation(len(pool))[:4] for w in pool[i]]
        mapped: dict[str, str] = {}
        for mention in sorted((by_id[i] for i in official.mentions), key=lambda m: m.start - m.end):
            for match in re.finditer(r"\S+", text.text[mention.start : mention.end]):
                token = match[0].rstrip(",")
                if not _is_word_of_name(token):
                    continue
                if token.casefold() not in mapped and not fresh:
                    break
                new = mapped.setdefault(token.casefold(), fresh.pop(0) if token.casefold() not in mapped else "")
                start = mention.start + match.start()
                edits.append((start, start + len(token), _like(new, token)))
    return edits


def _bare(code: str) -> str:
    return _KIND.sub("", gazetteer.name(code))


def known_places(texts: Iterable[CorpusText]) -> frozenset[str]:
    """Kabupaten and kota named in some texts. To these alone others may move: a region of the test split that training
    must not know stays unknown."""
    codes = (c for t in texts for c in (*t.regions, t.primary_region) if c)
    return frozenset(c[:5] for c in codes if "." in c)


def _region_map(text: CorpusText, places: frozenset[str], rng: np.random.Generator) -> dict[str, str]:
    """New codes for all codes of a text; empty where not all can be exchanged."""
    codes = {c for c in (*text.regions, text.primary_region, *(m.code for m in text.mentions)) if c}
    codes |= {o.region for o in text.officials if o.region}
    if not codes or any(c.count(".") > 1 for c in codes) or {c[:2] for c in codes} & _FIXED:
        return {}
    provinces = [str(p) for p in rng.permutation(sorted(gazetteer.provinces() - _FIXED))]
    out: dict[str, str] = {}
    for old in sorted({c[:2] for c in codes}):
        parts = sorted(c for c in codes if c[:2] == old and "." in c)
        for new in provinces:
            drawn = _draw_parts(parts, new, places, rng)
            if new != old and new not in out.values() and drawn is not None:
                out |= {old: new, **drawn}
                break
        else:
            return {}
    return out


def _draw_parts(
    parts: Sequence[str], province: str, places: frozenset[str], rng: np.random.Generator
) -> dict[str, str] | None:
    """A kabupaten for each kabupaten and a kota for each kota, of names that no other region has; None without."""
    out: dict[str, str] = {}
    for code in parts:
        level = gazetteer.level(code)
        free = [
            c
            for c in gazetteer.kabupaten_of(province)
            if c in places
            and gazetteer.level(c) == level
            and c not in out.values()
            and len(gazetteer.find_bare(gazetteer.key(_bare(c)))) == 1
        ]
        if not free:
            return None
        out[code] = str(rng.choice(free))
    return out


def _region_edits(text: CorpusText, codes: dict[str, str]) -> list[Edit] | None:
    """Edits of the region mentions; None where one is not written as the gazetteer has it."""
    edits = []
    for m in text.mentions:
        if m.type is not MentionType.REGION or m.code is None:
            continue
        written = text.text[m.start : m.end]
        old = _bare(m.code)
        if not written.casefold().endswith(old.casefold()):
            return None
        edits.append((m.end - len(old), m.end, _like(_bare(codes[m.code]), written[len(written) - len(old) :])))
    return edits


def _party_edits(text: CorpusText, rng: np.random.Generator) -> list[Edit]:
    known = {p.casefold(): p for p in _PARTIES}
    turned = dict(zip(_PARTIES, (str(p) for p in rng.permutation(_PARTIES)), strict=True))
    edits = []
    for m in text.mentions:
        if m.type is not MentionType.PARTY:
            continue
        written = text.text[m.start : m.end]
        name = re.sub(r"^partai ", "", written, flags=re.IGNORECASE)
        if name.casefold() in known:
            edits.append((m.end - len(name), m.end, turned[known[name.casefold()]]))
    return edits


def swap(text: CorpusText, pool: Sequence[list[str]], places: frozenset[str], rng: np.random.Generator) -> CorpusText:
    """The text with its names drawn anew; itself where its mentions are not annotated."""
    if not (text.has("mentions") and text.has("officials")):
        return text
    codes = _region_map(text, places, rng)
    regions = _region_edits(text, codes) if codes else None
    if regions is None:
        codes, regions = {}, []
    edits = sorted([*regions, *_person_edits(text, pool, rng), *_party_edits(text, rng)])
    kept: list[Edit] = []
    for edit in edits:
        # A person's name inside a region's, or the other way round: the first one holds.
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return apply_edits(text, kept, codes)


def swap_share(texts: Sequence[CorpusText], share: float, seed: int) -> list[CorpusText]:
    """The texts, a random share of them with their names drawn anew; the same seed gives the same texts."""
    pool, places = name_pool(texts), known_places(texts)
    rng = np.random.default_rng([seed, 1])
    return [swap(t, pool, places, rng) if pool and rng.random() < share else t for t in texts]
