"""Which election a text is about, from its words, its date and the offices it names.

Office words beat the generic word ("calon bupati" makes it a pilkada), and the date beats the name ("Pemilu" in
October 2024 is the pilkada of November 2024). A text without a date never borrows today's.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from nlp.clean import blanked
from nlp.record import ElectionRecord
from nlp.schema import ElectionType
from nlp.window import Span

_PATTERNS: dict[ElectionType, str] = {
    ElectionType.PILPRES: r"pilpres|pemilihan presiden|pemilu presiden|ca(?:wa)?pres|calon (?:wakil )?presiden",
    ElectionType.PILEG: r"pileg|pemilu legislatif|pemilihan (?:umum )?legislatif|(?:ba)?caleg|calon legislatif"
    r"|calon (?:anggota )?(?:legislatif|dprd?|dpd)",
    ElectionType.PILGUB: r"pilgub|pilkada (?:provinsi|dki)|pemilihan gubernur|(?:ba)?ca(?:wa)?gub"
    r"|calon (?:wakil )?gubernur",
    ElectionType.PILBUP_PILWALKOT: r"pilbup|pilwalkot|pilwali|pilwako|pemilihan (?:bupati|wali ?kota)"
    r"|(?:ba)?ca(?:wa)?bup|(?:ba)?ca(?:wa)?wali|cawalkot|calon (?:wakil )?(?:bupati|wali ?kota)",
    ElectionType.PSU_OR_REPEAT: r"\bPSU\b|pemungutan suara ulang|coblos ulang|pilkada ulang|pilkada susulan",
}
_COMPILED = {t: re.compile(rf"\b(?:bakal )?(?:{p})\w*", re.IGNORECASE) for t, p in _PATTERNS.items()}
_PILKADA = re.compile(
    r"\b(?:pilkada\w*|pemilukada|pemilihan kepala daerah|pemilihan serentak|kontestasi daerah|calon kepala daerah)\b"
    r"|\bPemilihan (?=(?:Serentak )?20\d\d|Tahun)",
    re.IGNORECASE,
)
_PEMILU = re.compile(r"\b(?:pemilu|pemilihan umum|pesta demokrasi)\b", re.IGNORECASE)
_LOCAL = {ElectionType.PILGUB, ElectionType.PILBUP_PILWALKOT}
_MONTHS = "januari februari maret april mei juni juli agustus september oktober november desember".split()
_DATE = re.compile(
    r"\b(\d{1,2})\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?(20[0-3]\d|\d{2})\b"
    rf"|\b(\d{{1,2}})\s+({'|'.join(_MONTHS)})\s+(20[0-3]\d)\b",
    re.IGNORECASE,
)
_NAMED_YEAR = re.compile(
    r"\b(?:pemilu|pilkada\w*|pilpres|pileg|pilgub\w*|pilbup|pilwal\w+|pilwako|pemilihan(?:\s\w+){0,4}?|PSU)"
    r"(?:\s(?:serentak|tahun|raya|umum|\w{3,12}))?\s(?:tahun\s)?(20[0-3]\d)\b",
    re.IGNORECASE,
)
_ELECTIONS = (
    # (kind, voting day); the months before it belong to it. Sources: KPU's published schedules.
    ("pemilu", dt.date(2014, 7, 9)),
    ("pilkada", dt.date(2015, 12, 9)),
    ("pilkada", dt.date(2017, 2, 15)),
    ("pilkada", dt.date(2018, 6, 27)),
    ("pemilu", dt.date(2019, 4, 17)),
    ("pilkada", dt.date(2020, 12, 9)),
    ("pemilu", dt.date(2024, 2, 14)),
    ("pilkada", dt.date(2024, 11, 27)),
)
_AFTERMATH = dt.timedelta(days=75)
Basis = Literal["explicit", "inferred_from_date", "inferred_from_office"]


def find_date(text: str) -> dt.date | None:
    """The first whole date written in the text (day, month and year), or None."""
    for match in _DATE.finditer(text):
        day, month, year, day_2, name, year_2 = match.groups()
        try:
            if name:
                return dt.date(int(year_2), _MONTHS.index(name.lower()) + 1, int(day_2))
            return dt.date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
        except ValueError:
            continue
    return None


def _nearest(date: dt.date) -> tuple[str, dt.date] | None:
    """The election whose season a date is in: the first voting day not more than 75 days past."""
    for kind, day in _ELECTIONS:
        if date <= day + _AFTERMATH and (day - date).days <= 600:
            return kind, day
    return None


def find_election(text: str, published: dt.date | None, ignored: Sequence[Span] = ()) -> ElectionRecord:
    """Find type, year and basis. ``published`` is the text's own date; where it is None, a date in the text serves."""
    text = blanked(text, ignored)
    counts = Counter({t: len(p.findall(text)) for t, p in _COMPILED.items()})
    types = [t for t in _COMPILED if counts[t]]
    # A passing word does not make an election the text's: keep what is named a third as often as the leader.
    top = max((counts[t] for t in types), default=0)
    types = [t for t in types if 3 * counts[t] >= top or t is ElectionType.PSU_OR_REPEAT]
    years = Counter(int(y) for y in _NAMED_YEAR.findall(text))
    pilkada, pemilu = bool(_PILKADA.search(text)), bool(_PEMILU.search(text))
    date = published or find_date(text)
    season = _nearest(date) if date else None
    basis: Basis | None = "explicit" if types or pilkada or pemilu else None
    if pilkada and not _LOCAL & set(types):
        types.append(ElectionType.PILKADA_UNSPECIFIED)
    elif pemilu and not types:
        # "Pemilu 2019" said in the pilkada of 2024 means what it says.
        if season and season[0] == "pilkada" and set(years) <= {season[1].year}:
            types, basis = [ElectionType.PILKADA_UNSPECIFIED], "inferred_from_date"
        else:
            types = [ElectionType.PEMILU_UNSPECIFIED]
    if not types:
        return ElectionRecord(type=[], year=None, basis=None)
    if years:
        return ElectionRecord(type=types, year=years.most_common(1)[0][0], basis=basis)
    if season:
        return ElectionRecord(type=types, year=season[1].year, basis="inferred_from_date")
    return ElectionRecord(type=types, year=None, basis=basis)
