"""Give the REGION mentions of a text their Kemendagri codes and pick the text's primary region.

All spans are offsets in Unicode code points into the text as given; an end is exclusive.
"""

import difflib
import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nlp import gazetteer
from nlp.gazetteer import exists, gazetteer_version, level, name, parent, province_of

__all__ = [
    "RegionMention",
    "exists",
    "gazetteer_version",
    "is_name",
    "level",
    "name",
    "parent",
    "primary",
    "province_of",
    "resolve",
]

Span = tuple[int, int]
Kind = Literal["province", "kabupaten", "kota", "kecamatan", "desa", "below"]
_Part = Literal["kecamatan", "desa"]
# Codes a text names, to where it names them.
_Holders = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class RegionMention:
    """A region named at ``text[start:end]``; ``code`` is None where it cannot be told which."""

    start: int
    end: int
    code: str | None
    dateline: bool


@dataclass(slots=True)
class _Draft:
    """A mention being resolved. ``kind`` is what the words say it is, ``hard`` if they leave no choice."""

    start: int
    end: int
    key: str
    kind: Kind | None
    hard: bool
    dateline: bool
    codes: tuple[str, ...] = field(default=())
    code: str | None = None


# Words of kind. The first group names the region itself and binds; the second are offices and bodies of such
# regions, which may also stand before a name of another kind ("Camat Kota").
_HARD: dict[Kind, str] = {
    "province": r"provinsi|propinsi|prov",
    "kabupaten": r"kabupaten administrasi|kabupaten|kab",
    "kota": r"kota administrasi|kota(?:madya)?|kodya",
    "kecamatan": r"kecamatan|kec|distrik|kapanewon|kemantren",
    "desa": r"desa|kelurahan|kel|kalurahan|gampong|gampoeng|nagari|nagori|pekon|kampung|kampong|lembang|tiyuh",
    "below": r"jorong|dusun|jalan|jln|jl|rt|rw",
}
_SOFT: dict[Kind, str] = {
    "province": r"gubernur|wagub|cagub|cawagub|bacagub|pilgub|pilkada gubernur|pemprov|polda|kapolda|kejati|kajati"
    r"|setdaprov",
    "kabupaten": r"bupati|wabup|cabup|cawabup|bacabup|pilbup|pemkab|setkab|sekkab",
    "kota": r"wali ?kota|wawali|walkot|wawalkot|cawali|cawawali|cawalkot|pilwalkot|pilwali|pilwakot|pemkot|setkot"
    r"|sekkot|polrestabes|kapolrestabes",
    "kecamatan": r"camat|sekcam|sekmat|panwascam|panwaslucam|polsek|kapolsek|koramil|danramil|ppk|muspika|forkopimcam",
    "desa": r"lurah|kades|sekdes|keuchik|geuchik|wali nagari|walinagari|peratin|perbekel|hukum tua|sangadi|kuwu"
    r"|petinggi|datok penghulu|penghulu|pangulu|kakam|bpd|pj kades",
}
_LETTER_BEFORE = r"(?<![^\W_])"


def _one_of(table: dict[Kind, str]) -> str:
    return "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in table.items())


_INSIDE = re.compile(rf"(?:{_one_of(_HARD)})(?:\.\s*|\s+)(?=\S)", re.IGNORECASE)
_BEFORE_HARD = re.compile(
    rf"{_LETTER_BEFORE}(?:{_one_of(_HARD)})\.?\s+$|{_LETTER_BEFORE}(?P<dot>kab|kec|kel|prov)\.$", re.IGNORECASE
)
_BEFORE_SOFT = re.compile(rf"{_LETTER_BEFORE}(?:{_one_of(_SOFT)})\s+$", re.IGNORECASE)
_DOTTED: dict[str, Kind] = {"kab": "kabupaten", "kec": "kecamatan", "kel": "desa", "prov": "province"}
# "kabupaten/kota" names both kinds and so none; "ibu kota" is a capital.
_NO_KIND = re.compile(
    r"(?:kabupaten|kab\.?)\s*(?:/|atau|dan|maupun)\s*kota\s+$|bupati\s*(?:/|atau)\s*wali\s?kota\s+$|ibu\s?kota\s+$|se-?kota\s+$",
    re.IGNORECASE,
)
_POLICE = re.compile(r"(?:pol(?:res|resta|sekta)|kapolres(?:ta)?|kodim|dandim)\s+(?:metro\s+)?$", re.IGNORECASE)
_KOTA_AFTER = re.compile(r"\s+kota\b", re.IGNORECASE)
_LIST_GAP = re.compile(r"\s*(?:,|,?\s*(?:dan|serta|atau|hingga)\b|&|/)\s*", re.IGNORECASE)
_NEXT_GAP = re.compile(r"\s*,\s*|\s*\(\s*|\s+")

_CUES: dict[Kind, re.Pattern[str]] = {
    kind: re.compile(rf"{_LETTER_BEFORE}(?:{_SOFT[kind]})(?![^\W_])\s*", re.IGNORECASE)
    for kind in ("province", "kabupaten", "kota")
}
_NEAR = 200


def resolve(
    text: str, spans: Sequence[Span], *, year: int | None = None, persons: Sequence[Span] = ()
) -> list[RegionMention]:
    """Resolve all region mentions of one text together.

    Args:
        text: the text as given.
        spans: offsets of the region mentions.
        year: year of the text; tells which province held a region then.
        persons: offsets of persons' names; a mention inside one is no region and is dropped.

    Returns:
        One mention a span that is left, in the order given.
    """
    kept = [s for s in spans if not any(p[0] <= s[0] and s[1] <= p[1] for p in persons)]
    drafts = [_draft(text, start, end) for start, end in kept]
    in_order = sorted(drafts, key=lambda d: (d.start, d.end))
    for previous, draft in zip([None, *in_order], in_order, strict=False):
        if previous and draft.kind is None:
            _inherit_kind(text, previous, draft)
        _look_up(draft)
    _settle_parts(text, in_order, year)
    _settle_twins(text, in_order, year)
    return [RegionMention(d.start, d.end, d.code, d.dateline) for d in drafts]


# --- reading one span ---------------------------------------------------------------------------------------------


def is_name(written: str) -> bool:
    """Whether the words are the name of a province, kabupaten or kota, with or without its kind before it."""
    _, _, bare = _kind_inside(written)
    return bool(gazetteer.find_bare(gazetteer.key(bare)))


def _draft(text: str, start: int, end: int) -> _Draft:
    written = text[max(start, 0) : max(end, 0)].strip()
    kind, hard, bare = _kind_inside(written)
    if kind is None:
        kind, hard = _kind_before(text, start, end)
    return _Draft(start, end, gazetteer.key(bare), kind, hard, _is_dateline(text, start, end))


def _kind_inside(written: str) -> tuple[Kind | None, bool, str]:
    """Kind by the span's own first word, and the name without it."""
    full = gazetteer.key(written)
    match = _INSIDE.match(written)
    # "Kota Baru" can be the kabupaten Kotabaru, whose name starts with the word.
    if not match or gazetteer.find_bare(full):
        return None, False, written
    return match.lastgroup, True, written[match.end() :]  # type: ignore[return-value]


def _kind_before(text: str, start: int, end: int) -> tuple[Kind | None, bool]:
    """Kind by the word just before the span, or by "Polres Bima Kota" around it."""
    # A word at the end of the line above belongs to another sentence.
    before = text[max(0, start - 40) : max(start, 0)].rpartition("\n")[2]
    if _NO_KIND.search(before):
        return None, False
    if match := _BEFORE_HARD.search(before):
        kind = _DOTTED[match["dot"].lower()] if match["dot"] else match.lastgroup
        # A plain "kota" or "kampung" before a name need be no part of it: "kota Martapura", "kampung Papua".
        return kind, match[0][:4] != "kota" and match[0][:4] != "kamp"  # type: ignore[return-value]
    if match := _BEFORE_SOFT.search(before):
        return match.lastgroup, False  # type: ignore[return-value]
    if _POLICE.search(before):
        return ("kota" if _KOTA_AFTER.match(text, end) else None), False
    return None, False


def _inherit_kind(text: str, previous: _Draft, draft: _Draft) -> None:
    """In "Kabupaten Bekasi, Bogor, dan Sukabumi" the later names take the first one's kind if they can."""
    if not previous.kind or not _LIST_GAP.fullmatch(text, previous.end, draft.start):
        return
    bare = gazetteer.find_bare(draft.key)
    if previous.kind in ("kecamatan", "desa"):
        fits = not bare
    else:
        fits = any(level(c) == previous.kind for c in previous.codes) and any(level(c) == previous.kind for c in bare)
    if fits:
        draft.kind = previous.kind


def _look_up(draft: _Draft) -> None:
    """Fill in the candidates above the kecamatan."""
    if not draft.key or draft.kind == "below":
        return
    key = draft.key
    if draft.kind in ("province", "kabupaten", "kota"):
        draft.codes = gazetteer.find(key, draft.kind)
    elif draft.hard:
        return
    if not draft.codes and not (draft.hard and draft.kind == "kabupaten"):
        draft.codes = gazetteer.find_bare(key)
    if not draft.codes and key.endswith("kota"):
        # "Polres Magelang Kota" tagged whole.
        draft.codes = gazetteer.find(key.removesuffix("kota"), "kota")
    if draft.kind == "kota" and draft.hard and draft.codes and level(draft.codes[0]) == "kabupaten":
        draft.codes = ()
    # "Camat Batang" may be the kecamatan; it falls back on the kabupaten if there is none.
    if len(draft.codes) == 1 and draft.kind not in ("kecamatan", "desa"):
        draft.code = draft.codes[0]


# --- kecamatan and desa -------------------------------------------------------------------------------------------


def _settle_parts(text: str, drafts: Sequence[_Draft], year: int | None) -> None:
    """Resolve kecamatan first, then desa, which a kecamatan may hold."""
    levels: tuple[_Part, ...] = ("kecamatan", "desa")
    for at in levels:
        holders = _holders(drafts)
        for draft, following in zip(drafts, [*drafts[1:], None], strict=False):
            if draft.code is None and draft.kind != "below" and draft.key:
                _settle_part(draft, holders, at, year)
            elif draft.code and draft.kind is None and at == "kecamatan":
                _prefer_part(text, draft, following, holders, year)


def _holders(drafts: Iterable[_Draft]) -> _Holders:
    holders: _Holders = defaultdict(list)
    for draft in drafts:
        for code in (draft.code,) if draft.code else () if draft.kind in ("kecamatan", "desa") else draft.codes:
            holders[code].append(draft.start)
    return holders


def _settle_part(draft: _Draft, holders: _Holders, at: _Part, year: int | None) -> None:
    cued = draft.kind == at
    # "Kota Arga Makmur" is a kecamatan by that name.
    as_town = at == "kecamatan" and draft.kind == "kota"
    if not cued and (draft.codes or (draft.hard and not as_town)):
        return
    if draft.kind == "desa" and at == "kecamatan" and _held(_parts(draft, "desa"), draft.start, holders, year):
        return
    candidates = _parts(draft, at)
    found = _held(candidates, draft.start, holders, year)
    if not found and cued and at == "kecamatan":
        found = _misspelt(draft.key, holders)
    if not found and cued and len(candidates) == 1:
        found = candidates
    if len(found) == 1:
        draft.code = found[0]
        draft.codes = ()


def _parts(draft: _Draft, at: _Part) -> tuple[str, ...]:
    """Candidates of a level below the kabupaten."""
    if at == "kecamatan" and draft.kind == "kota":
        return gazetteer.find("kota" + draft.key, at) or gazetteer.find(draft.key, at)
    return gazetteer.find(draft.key, at)


def _prefer_part(text: str, draft: _Draft, following: _Draft | None, holders: _Holders, year: int | None) -> None:
    """Let a bare name be a kecamatan after all.

    In "Karanganyar, Kabupaten Demak" it is one of the kabupaten that follows; and "Palas" in a text about Lampung
    Selatan is its kecamatan, not short for Padang Lawas.
    """
    if following and following.kind == "kabupaten" and _NEXT_GAP.fullmatch(text, draft.end, following.start):
        holders = _holders([following])
    elif not gazetteer.is_alias(draft.key):
        return
    held = _held(gazetteer.find(draft.key, "kecamatan"), draft.start, holders, year)
    if len(held) == 1 and not held[0].startswith(draft.code or "-"):
        draft.code = held[0]


def _held(candidates: Iterable[str], at: int, holders: _Holders, year: int | None) -> tuple[str, ...]:
    """Those candidates that a region of the text holds: by the smallest kind of holder, then the nearest one."""
    ranked: dict[tuple[int, int], set[str]] = defaultdict(set)
    for code in candidates:
        for holder in gazetteer.holders_of(code, year) & holders.keys():
            # Mere mention of a province leaves every namesake in it possible, however near.
            distance = min(abs(start - at) for start in holders[holder]) if len(holder) > 2 else 0
            ranked[-len(holder), distance].add(code)
    return tuple(sorted(ranked[min(ranked)])) if ranked else ()


def _misspelt(key: str, holders: Iterable[str]) -> tuple[str, ...]:
    """The one kecamatan in the text's kabupaten whose name is a letter or so away."""
    if len(key) < 6:
        return ()
    names: gazetteer.Index = {}
    for holder in holders:
        if level(holder) in ("kabupaten", "kota"):
            names |= gazetteer.kecamatan_of(holder)
    close = difflib.get_close_matches(key, names, n=3, cutoff=0.88)
    codes = {code for k in close for code in names[k]}
    return tuple(codes) if len(codes) == 1 else ()


# --- kabupaten, kota and province of one name ---------------------------------------------------------------------


def _settle_twins(text: str, drafts: Sequence[_Draft], year: int | None) -> None:
    explicit: dict[str, list[_Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.code and draft.kind in ("province", "kabupaten", "kota"):
            explicit[draft.key].append(draft)
    settled = Counter(d.code for d in drafts if d.code)
    town: dict[str, str | None] = {}
    cues = _cues(text, drafts) if any(d.code is None and d.codes for d in drafts) else []
    # Datelines first: "BEKASI - ..." makes a bare "Bekasi" of that report the kota too.
    for draft in sorted(drafts, key=lambda d: not d.dateline):
        if draft.code is None and draft.codes:
            # No report comes from a province: "GORONTALO - ..." is written in the kota.
            shared = any(level(c) == "province" for c in draft.codes)
            draft.code = (
                _by_explicit(draft, [d for d in explicit[draft.key] if not (draft.dateline and d.kind == "province")])
                or _by_neighbours(draft.codes, settled, year)
                or (None if draft.dateline and shared else _by_cues(draft, cues))
            )
            if draft.code is None and len(draft.codes) == 1:
                draft.code = draft.codes[0]
            if draft.code is None:
                draft.code = town.get(draft.key) or _by_default(draft)
                if draft.dateline and not shared:
                    town[draft.key] = draft.code


def _by_explicit(draft: _Draft, explicit: Sequence[_Draft]) -> str | None:
    """What the text says elsewhere of this name; of several, the nearest before, else the first after."""
    named = [d for d in explicit if d.code in draft.codes]
    before = [d for d in named if d.start <= draft.start]
    return before[-1].code if before else named[0].code if named else None


def _by_neighbours(codes: Sequence[str], settled: Counter[str], year: int | None) -> str | None:
    """The candidate that holds most kecamatan of the text or lies in its province."""
    held = {c: sum(n for s, n in settled.items() if s.startswith(c + ".")) for c in codes if len(c) > 2}
    homes = {c: sum(n for s, n in settled.items() if province_of(s, year) == c[:2]) for c in codes}
    for votes in (held, homes if len({c[:2] for c in codes}) > 1 else {}):
        ranked = sorted(votes, key=lambda c: -votes[c])
        if ranked and votes[ranked[0]] and (len(ranked) == 1 or votes[ranked[0]] > votes[ranked[1]]):
            return ranked[0]
    return None


def _cues(text: str, drafts: Sequence[_Draft]) -> list[tuple[int, str, str | None]]:
    """Where words such as "Pemkot" or "bupati" stand, the kind they speak for, and the name they belong to."""
    keys = {d.start: d.key for d in drafts}
    return sorted(
        (m.start(), kind, keys.get(m.end())) for kind, pattern in _CUES.items() for m in pattern.finditer(text)
    )


def _by_cues(draft: _Draft, cues: Sequence[tuple[int, str, str | None]]) -> str | None:
    """The candidate for whose kind most cues speak, near the mention or else in the whole text."""
    by_kind: dict[str, str] = {level(code): code for code in draft.codes}
    low = bisect_left(cues, draft.start - _NEAR, key=lambda cue: cue[0])
    high = bisect_right(cues, draft.start + _NEAR, key=lambda cue: cue[0])
    # Far from its dateline a text may speak of any bupati.
    for stretch in (cues[low:high],) if draft.dateline else (cues[low:high], cues):
        # "Bupati Garut" says nothing about Bandung.
        votes = Counter(kind for _, kind, of in stretch if kind in by_kind and of in (None, draft.key))
        ranked = votes.most_common(2)
        if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
            return by_kind[ranked[0][0]]
    return None


def _by_default(draft: _Draft) -> str | None:
    by_kind: dict[str, str] = {level(code): code for code in reversed(draft.codes)}
    if len({level(c) for c in draft.codes}) < len(draft.codes):
        return None  # "Mura" is a kabupaten in two provinces.
    # Reporters write from towns: a dateline names the kota.
    order = ("kota", "kabupaten", "province") if draft.dateline else ("province", "kabupaten", "kota")
    return next((by_kind[kind] for kind in order if kind in by_kind), None)


# --- datelines ----------------------------------------------------------------------------------------------------

_DASH = r"\s*(?:–|—|―|--|//|\||\s-\s|-\s|\s-)"
_OUTLET_WORD = r"(?:[^\W\d_a-z][\w.&'’/]*|\w+\.\w[\w.]*|\d[\w.]*)"
_OUTLET = rf"(?:{_OUTLET_WORD}(?:\s{_OUTLET_WORD}){{0,4}}|\w+(?:-\w+)*)"
_SIGNED = re.compile(
    rf"\s*(?:,\s*\d{{1,2}}/\d{{1,2}})?\s*(?:[,.|]\s*{_OUTLET}\s*\.?\s*(?:{_DASH}|:\s)|[,.]?\s*\([^()\n]{{2,40}}\)\s*(?:{_DASH}|:\s))"
)
_PLAIN = re.compile(_DASH)
_COLON = re.compile(r"\s*:\s")
_CAPS_TAIL = re.compile(r"(?:\s*\([^()\n]{2,40}\)|\s*[,.]|-)\s*\S")
_LINE_BEFORE = re.compile(
    rf"[\s*_\"“'•>]*(?:(?:KOTA|KABUPATEN|KAB\.?|PROVINSI|Kota|Kabupaten|Kab\.?)\s*(?:[-–—]\s*)?|{_OUTLET}\s*(?:,|\||[-–—]|:)\s*"
    r"|\([^()\n]{2,40}\)\s*)?"
)
_PORTAL = re.compile(r"\s*\w+\.(?:com|co|co\.id|id|net|news)\s*,\s*", re.IGNORECASE)
_NEXT_NAME = re.compile(rf"\s*[,/(]\s*(?:{_OUTLET_WORD}\s?){{1,3}}\)?(?={_DASH})")
_LETTER_DATE = re.compile(r"\s*,\s*\d{1,2}\s+[^\W\d_]+\s+\d{4}\s*(?:\n|$)")
_FIRST_LINES = 8
_FIRST_CHARACTERS = 2000


def _is_dateline(text: str, start: int, end: int) -> bool:
    """Whether the span is the place name that opens a report, or a letter's place and date."""
    if not 0 <= start < end <= len(text):
        return False
    line_start = text.rfind("\n", 0, start) + 1
    before = text[line_start:start]
    upper = text[start:end].isupper()
    tail = text[end : end + 90].lstrip("*_")
    if not before.strip() and _LETTER_DATE.match(tail):
        return True
    if (
        line_start > _FIRST_CHARACTERS
        or sum(1 for line in text[:line_start].split("\n") if line.strip()) >= _FIRST_LINES
    ):
        return False
    if len(before) > 60 or not _LINE_BEFORE.fullmatch(before):
        # A page flattened to one line: "... Netral JAKARTA, KOMPAS.com - Bawaslu".
        return upper and start < 400 and _SIGNED.match(tail) is not None and not before.rstrip().isupper()
    if _PORTAL.fullmatch(before) or _SIGNED.match(tail) or _PLAIN.match(tail) or _NEXT_NAME.match(tail):
        return True
    if not upper:
        return False
    line_end = text.find("\n", end)
    rest = text[end : line_end if line_end >= 0 else len(text)]
    return bool(_COLON.match(tail) or (_CAPS_TAIL.match(tail) and not rest.isupper()))


# --- the primary region -------------------------------------------------------------------------------------------

_BODY = re.compile(
    r"(?:bawaslu|panwaslu|panwaslih|kpud?|kip|pemprov|pemerintah(?: provinsi| daerah)?|gubernur|wagub|cagub|pilgub|dprd"
    r"|camat|lurah|polda|sekda|sekdaprov|bkd|provinsi|pilkada|kejati|bpsdm|inspektorat|pengawas pemilu)\W+$",
    re.IGNORECASE,
)
_OVERSEER = re.compile(r"(?:bawaslu|panwaslu|panwaslih|pengawas pemilu|kpud?|kip)\W+(?:provinsi\W+)?$", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"(?:pengadilan\s+(?:negeri|tinggi)|\bPN|\bPT|universitas|fisip\s+\w+|kampus|PTUN|dari|asal|kelahiran|jalan|jl\.?|hotel"
    r"|(?:digelar|diskusi|seminar|ditemui|kantornya)\s+di)\W+(?:kota\W+|kabupaten\W+)?$",
    re.IGNORECASE,
)
# A place of partisan acts: "hadir di deklarasi pasangan calon di Lapangan Oesapa, Kota Kupang".
_EVENT = re.compile(
    r"(?:deklarasi|kampanye|orasi|panggung|pasangan calon|paslon|dukungan|mendukung)\b[^.\n]{0,60}?\bdi\s[^.\n]{0,40}$",
    re.IGNORECASE,
)
_SEAT = "31"
_PARAGRAPHS = 2
_EVENT_BONUS = 2.5
_LEAST = 0.6
_LEVEL_WITH = 0.6
_SURVEY = 4


def primary(
    text: str,
    mentions: Sequence[RegionMention],
    *,
    preferred_offices: Sequence[tuple[float, str]] = (),
) -> str | None:
    """Choose the one region a text is about, a kabupaten, kota or province; None for a national text.

    Datelines count for nothing. Kecamatan and desa count for the kabupaten or kota that holds them.

    Args:
        text: the text as given.
        mentions: what :func:`resolve` found in it.
        preferred_offices: weight and region code of each person's office: the subject's weighs most (3), then an
            overseer's (2), then a superior's or speaker's (1).
    """
    mass: dict[str, float] = defaultdict(float)
    lead: dict[str, float] = defaultdict(float)
    event: set[str] = set()
    title_end, lead_end = _lead_bounds(text)
    for mention in mentions:
        if mention.code is None or mention.dateline:
            continue
        unit = mention.code[:5]
        before = text[max(0, mention.start - 40) : max(mention.start, 0)]
        weight = _mention_weight(mention.code, before)
        mass[unit] += weight
        if len(unit) > 2 and _EVENT.search(text[max(0, mention.start - 110) : max(mention.start, 0)]):
            event.add(unit)
        if mention.start < title_end:
            lead[unit] = max(lead[unit], 1.5 * weight)
        elif mention.start < lead_end:
            lead[unit] = max(lead[unit], 0.8 * weight)
    score = {unit: math.log1p(m) + lead[unit] for unit, m in mass.items() if m}
    for office_weight, code in preferred_offices:
        if code:
            score[code[:5]] = score.get(code[:5], 0.0) + 0.5 * office_weight
    for unit in event & score.keys():
        score[unit] += _EVENT_BONUS
    return _pick(score)


def _lead_bounds(text: str) -> tuple[int, int]:
    """Ends of the headline (the first of several lines) and of the paragraphs that follow it."""
    ends = [m.end() for m in re.finditer(r"[^\n]*\S[^\n]*", text)]
    if len(ends) < 2:
        return 0, min(len(text), 400)
    return (ends[0] if ends[0] <= 200 else 0), ends[min(_PARAGRAPHS, len(ends) - 1)]


def _mention_weight(code: str, before: str) -> float:
    """What a mention counts: less for a court's or campus's seat, nothing for Jakarta as seat of the state."""
    if code[:2] == _SEAT and not _BODY.search(before):
        return 0.5 if level(code) in ("kabupaten", "kota") else 0.0
    if _ELSEWHERE.search(before):
        return 0.3
    # An overseer's area comes after the event's and the subject's.
    return 0.6 if len(code) == 2 and _OVERSEER.search(before) else 1.0


def _pick(score: dict[str, float]) -> str | None:
    """The unit that stands out; else the province that holds the rest; else none."""
    local = sorted((s for s in score.items() if len(s[0]) > 2), key=lambda s: (-s[1], s[0]))
    provinces = sorted((s for s in score.items() if len(s[0]) == 2), key=lambda s: (-s[1], s[0]))
    province, top = _leader(provinces)
    if not local:
        return province if top >= _LEAST else None
    code, best = local[0]
    level_with = [c for c, s in local if s >= best * _LEVEL_WITH]
    held = {c[:2] for c in level_with}
    if len(level_with) >= 3 or (len(local) > 1 and local[1][1] >= 0.9 * best and held <= score.keys()):
        # A list: its province if there is one, no region if they lie all over the country.
        return held.pop() if len(held) == 1 else province if top > best else None
    if len(provinces) >= _SURVEY and best < 2:
        return province
    return code if best >= top else province


def _leader(ranked: Sequence[tuple[str, float]]) -> tuple[str | None, float]:
    """The first if it is well ahead of the second: one province is a place, several alike are a survey."""
    if not ranked or (len(ranked) > 1 and ranked[1][1] > 0.8 * ranked[0][1]):
        return None, 0.0
    return ranked[0]
