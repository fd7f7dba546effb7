"""Join the mentions of a person, and give each person an office and an agency, as the text words them.

Nothing is guessed: initials stay initials, and a short name joins a longer one only if this text holds both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nlp.clean import blanked
from nlp.decode import FoundMention
from nlp.schema import MentionType

_TITLES = frozenset(
    """
    h hj dr drs dra ir prof kh k.h tgh gus ust ustaz ustadz pak bu bapak ibu bin binti sdr sdri saudara
    akbp akp kombes kompol iptu ipda aiptu bripka brigjen irjen komjen letkol mayor kapten kolonel letda lettu serma
    s.h m.h s.e m.e m.m m.si s.sos s.ip s.t m.t s.pd m.pd s.ag m.ag s.kom m.kom
    """.split()
)
_DEGREES = (
    r"(?:\s*,?\s*\b(?-i:[SMD]\.?\s?[A-Z][A-Za-z]{0,4}\.?|Lc\.?|LL\.?M\.?|Ph\.?D\.?|Apt\.?|A\.?Md\.?)(?=[\s,.)]))*"
)
_HONORIFIC = (
    r"(?:\s*\b(?:[HK]|Hj|Dr|Drs|Dra|Ir|Prof|KH|TGH|Gus|Nyai|Ust|Ustaz|Ustadz|Pak|Bu|Bapak|Ibu|Sdr|Saudara|"
    r"AKBP|AKP|Kombes(?:\s?Pol)?|Kompol|Iptu|Ipda|Aiptu|Bripka|Brigjen|Irjen|Komjen|Let(?:kol|nan\sKolonel)(?:\s?Inf)?|"
    r"Mayor(?:\s?Inf)?|Kapten|Kolonel|Jenderal|Aipda|Bapa)\b\.?)*"
)
_NO_NAMES = frozenset(
    """
    asn pns pppk cpns tni polri kpu bawaslu panwaslu panwas kasn bkn paslon capres cawapres cagub cawagub caleg dugaan
    kades lurah camat ketua oknum terlapor pelapor
    """.split()
)
"""Words that the model takes for a name now and then, and that are none when they stand alone."""
_SHORTEST_PREFIX = 4
_OFFICE_TO_ORG = re.compile(r"[\s(]*(?:(?:pada|di|dari|,|lingkungan|lingkup|kantor)\s*){0,3}", re.IGNORECASE)
_TO_PERSON = re.compile(
    r"(?:nya)?[\s,:(\"“–—-]*"
    r"(?:(?:nomor urut \d+|di|dari|asal|wilayah|bagian|setempat|tersebut|ini|itu"
    r"|terdakwa|pelapor|terlapor|pemohon|termohon|tim (?:pemenangan|hukum|kampanye)"
    r"|yang dimaksud|yakni|yaitu|(?:yang )?bernama|(?:ber)?inisial|atas nama)[\s,:]*){0,3}" + _HONORIFIC + r"[\s\"“]*",
    re.IGNORECASE,
)
_PERSON_TO_OFFICE = re.compile(
    r"[\"”]?(?:\s*\(\d{1,3}(?:\s*tahun)?\))?"
    + _DEGREES
    + r"[\s,(–—-]*(?:(?:selaku|sebagai|adalah|merupakan|seorang|juga|dari|sekaligus|menjabat(?:\ssebagai)?"
    r"|yang(?:\s(?:kini|saat ini|juga|masih|sehari-hari|adalah))*"
    r"(?:\s(?:menjabat|bertugas|berstatus|bekerja|menjadi))?(?:\s(?:sebagai|selaku))?)\s*){0,3}",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\b(?:Dinas|Badan|BKPSDM|BKPP|BKPSDMD|BKD|BKN|BKDPSDM|Inspektorat|Kantor|Satpol|Satuan|Biro|Bagian|Kejaksaan|Polres\w*|"
    r"Polsek\w*|Polda|Diskominfo\w*|Disdik\w*|Dinkes|Dinsos|BPBD|Bappeda\w*|Kesbangpol|RSUD|UPTD?|Puskesmas|SDN?|SMPN?|SMAN?|"
    r"SMKN?|MTsN?|MAN|TK|Kementerian|Balai|Sekretariat|KPU|Bawaslu|Panwaslu|Lembaga|Pusat)\b.*",
    re.DOTALL,
)
_NEXT_SENTENCE = re.compile(r"\.[\"”]?\s+")
_DEMONSTRATIVE = re.compile(r"\s+(?:itu|tersebut|ini)\b")
_OVERSIGHT = re.compile(
    r"\b(?:Bawaslu|Panwas\w*|Badan Pengawas Pemilu|Badan Pengawas Pemilihan|Panitia Pengawas|KASN"
    r"|Komisi Aparatur Sipil Negara|BKN|Badan Kepegawaian Negara|Gakkumdu|DKPP)\b",
    re.IGNORECASE,
)
_PERSONNEL = re.compile(
    r"\b(?:BKPSDM\w*|BKD\w*|BKPPD?|Badan Kepegawaian(?! Negara)|Sekda|Sekretaris Daerah)\b", re.IGNORECASE
)
_MAX_GAP = 90


@dataclass
class Person:
    """One human being of a text: mentions in text order; office and agency as spans' mentions."""

    mentions: list[FoundMention]
    office: FoundMention | None = None
    agency: FoundMention | None = None
    names: set[str] = field(default_factory=set)


def name_words(name: str) -> list[str]:
    """Words of a name, lower-cased, without titles and degrees; all its words where nothing else is left."""
    words = [w.strip(".,()\"'“”‘’") for w in re.split(r"[\s,]+", name.lower())]
    words = [w for w in words if w]
    return [w for w in words if w not in _TITLES] or words


def _is_initials(name: str) -> bool:
    letters = re.sub(r"[^\w]", "", name)
    return len(letters) <= 4 and letters.isupper()


def join_persons(text: str, mentions: Sequence[FoundMention]) -> list[Person]:
    """Group PERSON mentions by human being, in order of first mention.

    A mention joins an earlier or later person when all its words are in that person's longest name, or the other way
    round; of several such persons the one named last before it. Initials join only equal initials. A single
    word that begins a word of one earlier person's full name, and of no other's, is short for it ("Alex" after
    "Alexander Kaaba").
    """
    persons: list[Person] = []
    found = [m for m in mentions if m.type is MentionType.PERSON]
    for m in found:
        name = text[m.start : m.end]
        words = set(name_words(name))
        if words <= _NO_NAMES:
            continue
        if _is_initials(name):
            fits = [p for p in persons if words == p.names]
        else:
            fits = [
                p for p in persons if p.names and (words <= p.names or p.names <= words) and not _only_initials(text, p)
            ] or _shortened(words, persons)
        if fits:
            nearest = max(fits, key=lambda p: p.mentions[-1].start)
            nearest.mentions.append(m)
            nearest.names |= words
        else:
            persons.append(Person([m], names=words))
    return persons


def _shortened(words: set[str], persons: Sequence[Person]) -> list[Person]:
    """The one person of whose full name the only word is a beginning; empty where there is none, or more than one."""
    if len(words) > 1 or len(short := next(iter(words), "")) < _SHORTEST_PREFIX:
        return []
    fits = [p for p in persons if len(p.names) > 1 and any(w.startswith(short) for w in p.names)]
    return fits if len(fits) == 1 else []


def _only_initials(text: str, person: Person) -> bool:
    return all(_is_initials(text[m.start : m.end]) for m in person.mentions)


_Unit = tuple[FoundMention, FoundMention | None]
"""An office with the body that follows it."""


def _gap_fits(pattern: re.Pattern[str], text: str, start: int, end: int) -> bool:
    return 0 <= end - start <= _MAX_GAP and pattern.fullmatch(text, start, end) is not None


def _org_after(text: str, office: FoundMention, orgs: Sequence[FoundMention]) -> FoundMention | None:
    return next(
        (g for g in orgs if g.start >= office.end and _gap_fits(_OFFICE_TO_ORG, text, office.end, g.start)), None
    )


def link_offices(text: str, persons: Sequence[Person], mentions: Sequence[FoundMention]) -> None:
    """Set office and agency of each person from the offices before or behind a mention.

    "Ketua Bawaslu Kudus, Rofiah" and "Rofiah, Ketua Bawaslu Kudus" alike: the first that names a body, else the first.
    An office that stands before one person is not taken from behind another.
    """
    # "Lurah di Kecamatan Kebomas, MZ" is to read "Lurah di , MZ".
    text = blanked(text, ((m.start, m.end) for m in mentions if m.type is MentionType.REGION))
    offices = [m for m in mentions if m.type is MentionType.OFFICE]
    # A party may stand where a body stands: "Sekretaris DPC Hanura, Yaser".
    orgs = [m for m in mentions if m.type in (MentionType.ORG, MentionType.PARTY)]
    units = [(office, _org_after(text, office, orgs)) for office in offices]
    before: dict[int, list[_Unit]] = {}
    behind: dict[int, list[_Unit]] = {}
    for office, org in units:
        end = org.end if org else office.end
        for n, person in enumerate(persons):
            for m in person.mentions:
                if _gap_fits(_TO_PERSON, text, end, m.start):
                    before.setdefault(n, []).append((office, org))
                elif m.end <= office.start and (
                    _gap_fits(_PERSON_TO_OFFICE, text, m.end, office.start)
                    # "… ajak Hasbullah. Ketua Bawaslu Belitung itu berbicara …" points back; without "itu" it need not.
                    or (_gap_fits(_NEXT_SENTENCE, text, m.end, office.start) and _DEMONSTRATIVE.match(text, end))
                ):
                    behind.setdefault(n, []).append((office, org))
    taken = {id(office) for found in before.values() for office, _ in found}
    for n, person in enumerate(persons):
        candidates = before.get(n, []) + [u for u in behind.get(n, []) if id(u[0]) not in taken]
        if candidates:
            # The first that names a body says more than "ketua lembaga itu" before it.
            person.office, person.agency = next((u for u in candidates if u[1]), candidates[0])
        else:
            person.agency = _org_before(text, person, orgs)


def _org_before(text: str, person: Person, orgs: Sequence[FoundMention]) -> FoundMention | None:
    """A body named directly before a person without an office: "Peneliti Perludem, Nurul"."""
    return next((g for g in orgs for m in person.mentions if _gap_fits(_TO_PERSON, text, g.end, m.start)), None)


def agency_in_office(office: str) -> str | None:
    """The unit that a head's office names: "Plt. Kepala Dinas Sosial Kabupaten Lebong" leads "Dinas Sosial Kabupaten
    Lebong"; None where the office names none."""
    match = _UNIT.search(office)
    return match.group() if match and match.start() > 0 else None


def is_overseer(text: str, person: Person) -> bool:
    """Whether a person's office or agency is an election or civil service overseer's (Bawaslu family, KASN, BKN)."""
    return _holds(_OVERSIGHT, text, person)


def is_personnel(text: str, person: Person) -> bool:
    """Whether a person is of a local government's personnel agency, or its secretary: an overseer when it examines a
    case, a speaker in an appeal (``data/GUIDE.md`` 5)."""
    return _holds(_PERSONNEL, text, person)


def _holds(pattern: re.Pattern[str], text: str, person: Person) -> bool:
    return any(m and pattern.search(text[m.start : m.end]) for m in (person.office, person.agency))
