"""The label schema: every name the corpus, training, inference and documentation share.

Definitions with boundary cases are in ``data/GUIDE.md``. The order of each enumeration is the order of
the model's outputs, so append, never insert.
"""

from enum import StrEnum
from typing import Final, Literal

SCHEMA_VERSION: Final = "1.0"


class Label(StrEnum):
    """What a text says about electoral neutrality; exactly one a text."""

    NOT_RELEVANT = "not_relevant"
    PREVENTION = "prevention"
    OVERVIEW = "overview"
    ALLEGATION = "allegation"
    PROCEEDING = "proceeding"
    SANCTIONED = "sanctioned"
    CLEARED = "cleared"
    NON_VIOLATION = "non_violation"


class Form(StrEnum):
    """Form of partisanship; any number, in case texts only."""

    ONLINE_SUPPORT = "online_support"
    GESTURE_PHOTO = "gesture_photo"
    APK_DISPLAY = "apk_display"
    DECLARE_ATTEND = "declare_attend"
    SPOUSE_NO_LEAVE = "spouse_no_leave"
    SELF_CANDIDACY = "self_candidacy"
    PARTY_MEMBERSHIP = "party_membership"
    MOBILISE = "mobilise"
    CAMPAIGN_TEAM = "campaign_team"
    KTP_SUPPORT = "ktp_support"
    PARTISAN_DECISION = "partisan_decision"
    PERSONNEL_ROTATION = "personnel_rotation"
    STATE_FACILITY = "state_facility"
    MONEY_GOODS = "money_goods"
    COERCION = "coercion"
    OTHER_UNSPECIFIED = "other_unspecified"


class SubjectGroup(StrEnum):
    """Whose neutrality the text is about; any number."""

    ASN = "asn"
    VILLAGE = "village"
    TNI_POLRI = "tni_polri"
    ACTING_HEAD = "acting_head"
    ELECTED_HEAD = "elected_head"
    NON_ASN = "non_asn"
    ORGANISER = "organiser"


class Flag(StrEnum):
    """Attributes of a text beside its label."""

    DENIED = "denied"
    UNDER_APPEAL = "under_appeal"
    INFORMAL_WARNING = "informal_warning"
    MULTI_CASE = "multi_case"


class MentionType(StrEnum):
    """Types of mention; REGION is a layer of its own and may lie inside the others."""

    PERSON = "PERSON"
    OFFICE = "OFFICE"
    ORG = "ORG"
    PARTY = "PARTY"
    REGION = "REGION"


class Role(StrEnum):
    """What a person is in the text."""

    SUBJECT = "subject"
    OVERSEER = "overseer"
    REPORTER = "reporter"
    BENEFICIARY = "beneficiary"
    SUPERIOR = "superior"
    SPEAKER = "speaker"
    OTHER = "other"


class Status(StrEnum):
    """Where a ``subject`` stands; only the first three may ever be shown as accused."""

    ALLEGED = "alleged"
    IN_PROCESS = "in_process"
    SANCTIONED = "sanctioned"
    CLEARED = "cleared"
    LAWFUL = "lawful"
    VICTIM = "victim"


class ElectionType(StrEnum):
    """Election a text is about."""

    PILPRES = "pilpres"
    PILEG = "pileg"
    PILGUB = "pilgub"
    PILBUP_PILWALKOT = "pilbup_pilwalkot"
    PILKADA_UNSPECIFIED = "pilkada_unspecified"
    PEMILU_UNSPECIFIED = "pemilu_unspecified"
    PSU_OR_REPEAT = "psu_or_repeat"


class Kind(StrEnum):
    """Kind of text."""

    NEWS = "news"
    RELEASE = "release"
    OPINION = "opinion"
    POST = "post"
    MESSAGE = "message"


class Extent(StrEnum):
    """How much of an article a text holds.

    ``full``: the entry of a feed has a content (``content:encoded``, Atom's ``content``), or the body of a page is
    found. ``teaser``: the entry has a summary only. ``headline``: the entry has a title only, or only the title of a
    page is found. A row that was given as text has none.
    """

    FULL = "full"
    TEASER = "teaser"
    HEADLINE = "headline"


UNCERTAIN: Final = "uncertain"
"""Role in a record of a person below the person threshold; never in the corpus."""

RecordRole = Role | Literal["uncertain"]

OPEN_LABELS: Final = frozenset({Label.ALLEGATION, Label.PROCEEDING})
CLOSED_LABELS: Final = frozenset({Label.SANCTIONED, Label.CLEARED})
CASE_LABELS: Final = OPEN_LABELS | CLOSED_LABELS
"""Labels of a text about a case; only these carry forms."""

ACCUSED_STATUSES: Final = frozenset({Status.ALLEGED, Status.IN_PROCESS, Status.SANCTIONED})

SPAN_TYPES: Final = (MentionType.PERSON, MentionType.OFFICE, MentionType.ORG, MentionType.PARTY)
"""Types of the first tagging layer."""


def rollup(label: Label) -> Literal["none", "open", "closed"]:
    """Fold a label into no case, open case or closed case."""
    if label in OPEN_LABELS:
        return "open"
    return "closed" if label in CLOSED_LABELS else "none"


DISPLAY_ID: Final[dict[str, str]] = {
    "not_relevant": "tidak terkait",
    "prevention": "pencegahan",
    "overview": "ulasan dan data",
    "allegation": "dugaan",
    "proceeding": "dugaan dalam proses",
    "sanctioned": "dinyatakan melanggar atau disanksi",
    "cleared": "dihentikan atau tidak terbukti",
    "non_violation": "bukan pelanggaran",
    "online_support": "dukungan di media sosial",
    "gesture_photo": "foto atau gestur keberpihakan",
    "apk_display": "pemasangan alat peraga",
    "declare_attend": "hadir di deklarasi atau kampanye",
    "spouse_no_leave": "mendampingi pasangan tanpa cuti",
    "self_candidacy": "pendekatan sebagai bakal calon",
    "party_membership": "anggota atau pengurus partai",
    "mobilise": "mengarahkan atau menggalang dukungan",
    "campaign_team": "anggota tim pemenangan",
    "ktp_support": "dukungan KTP calon perseorangan",
    "partisan_decision": "keputusan atau tindakan berpihak",
    "personnel_rotation": "mutasi pejabat terlarang",
    "state_facility": "penggunaan fasilitas negara",
    "money_goods": "pembagian uang atau barang",
    "coercion": "tekanan atau ancaman",
    "other_unspecified": "bentuk lain atau tidak disebut",
    "asn": "ASN",
    "village": "kepala desa dan perangkat desa",
    "tni_polri": "TNI/Polri",
    "acting_head": "penjabat kepala daerah",
    "elected_head": "kepala daerah terpilih atau menteri",
    "non_asn": "pegawai non-ASN",
    "organiser": "penyelenggara pemilu",
    "denied": "dibantah",
    "under_appeal": "dalam upaya banding",
    "informal_warning": "teguran informal",
    "multi_case": "lebih dari satu kasus",
    "subject": "subjek berita",
    "overseer": "pengawas atau pemutus",
    "reporter": "pelapor",
    "beneficiary": "calon yang diuntungkan",
    "superior": "atasan",
    "speaker": "narasumber",
    "other": "lainnya",
    "uncertain": "belum pasti",
    "alleged": "diduga",
    "in_process": "dalam proses",
    "lawful": "sesuai aturan",
    "victim": "korban",
    "pilpres": "pemilihan presiden",
    "pileg": "pemilihan legislatif",
    "pilgub": "pemilihan gubernur",
    "pilbup_pilwalkot": "pemilihan bupati atau wali kota",
    "pilkada_unspecified": "pilkada",
    "pemilu_unspecified": "pemilu",
    "psu_or_repeat": "pemungutan suara ulang",
}
"""Indonesian display names of labels, forms, groups, flags, roles, statuses and elections. The four names that are
both a label and a status read alike in both uses."""
