"""Join the mentions of a person, and give each person an office and an agency, as the text words them.

Nothing is guessed: initials stay initials, and a short name joins a longer one only if this text holds both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

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
    round; of several such persons the one named last before it. Initials join only equal initials.
    """
    persons: list[Person] = []
    found = [m for m in mentions if m.type is MentionType.PERSON]
    for m in found:
        name = text[m.start : m.end]
        words = set(name_words(name))
        if _is_initials(name):
            fits = [p for p in persons if words == p.names]
        else:
            fits = [
                p for p in persons if p.names and (words <= p.names or p.names <= words) and not _only_initials(text, p)
            ]
        if fits:
            nearest = max(fits, key=lambda p: p.mentions[-1].start)
            nearest.mentions.append(m)
            nearest.names |= words
        else:
            persons.append(Person([m], names=words))
    return persons


def _only_initials(text: str, person: Person) -> bool:
    return all(_is_initials(text[m.start : m.end]) for m in person.mentions)


def _gap_fits(pattern: re.Pattern[str], text: str, start: int, end: int) -> bool:
    return 0 <= end - start <= _MAX_GAP and pattern.fullmatch(text, start, end) is not None


def _without_regions(text: str, mentions: Sequence[FoundMention]) -> str:
    """The text with its regions blanked, offsets kept: "Lurah di Kecamatan Kebomas, MZ" reads "Lurah di , MZ"."""
    out = list(text)
    for m in mentions:
        if m.type is MentionType.REGION:
            out[m.start : m.end] = " " * (m.end - m.start)
    return "".join(out)


def _org_after(text: str, office: FoundMention, orgs: Sequence[FoundMention]) -> FoundMention | None:
    return next(
        (g for g in orgs if g.start >= office.end and _gap_fits(_OFFICE_TO_ORG, text, office.end, g.start)), None
    )


def link_offices(text: str, persons: Sequence[Person], mentions: Sequence[FoundMention]) -> None:
    """Set office and agency of each person: the nearest office before a mention, or behind it, at its first mention
    that has one ("Ketua Bawaslu Kudus, Rofiah" and "Rofiah, Ketua Bawaslu Kudus" alike). An office serves once."""
    text = _without_regions(text, mentions)
    offices = [m for m in mentions if m.type is MentionType.OFFICE]
    # A party may stand where a body stands: "Sekretaris DPC Hanura, Yaser".
    orgs = [m for m in mentions if m.type in (MentionType.ORG, MentionType.PARTY)]
    units = [(office, _org_after(text, office, orgs)) for office in offices]
    before: dict[int, tuple[FoundMention, FoundMention | None]] = {}
    behind: dict[int, tuple[FoundMention, FoundMention | None]] = {}
    for office, org in units:
        end = org.end if org else office.end
        for n, person in enumerate(persons):
            for m in person.mentions:
                if _gap_fits(_TO_PERSON, text, end, m.start):
                    before.setdefault(n, (office, org))
                elif m.end <= office.start and _gap_fits(_PERSON_TO_OFFICE, text, m.end, office.start):
                    behind.setdefault(n, (office, org))
    taken = {id(office) for office, _ in before.values()}
    for n, person in enumerate(persons):
        later = behind.get(n)
        if n in before:
            person.office, person.agency = before[n]
        elif later and id(later[0]) not in taken:
            person.office, person.agency = later
        else:
            person.agency = next(
                (g for g in orgs for m in person.mentions if _gap_fits(_TO_PERSON, text, g.end, m.start)), None
            )


def agency_in_office(office: str) -> str | None:
    """The unit that a head's office names: "Plt. Kepala Dinas Sosial Kabupaten Lebong" leads "Dinas Sosial Kabupaten
    Lebong"; None where the office names none."""
    match = _UNIT.search(office)
    return match.group() if match and match.start() > 0 else None
