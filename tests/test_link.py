"""Linking: one person a human being, the office and agency that the text gives each, nothing guessed."""

import re

import pytest

from nlp.decode import FoundMention
from nlp.link import agency_in_office, join_persons, link_offices, name_words
from nlp.schema import MentionType

P, O, G, Y, R = (  # noqa: E741
    MentionType.PERSON,
    MentionType.OFFICE,
    MentionType.ORG,
    MentionType.PARTY,
    MentionType.REGION,
)


def find(marked):
    """Text and mentions of a marked sentence: "{O:Camat {R:Kebomas}} {P:Darmaji}"."""
    text, found, open_ = "", [], []
    for part in re.split(r"(\{[POGYR]:|\})", marked):
        if part == "}":
            kind, start = open_.pop()
            found.append(FoundMention(start, len(text), kind, (0, 1), 0.9))
        elif re.fullmatch(r"\{[POGYR]:", part):
            open_.append(({"P": P, "O": O, "G": G, "Y": Y, "R": R}[part[1]], len(text)))
        else:
            text += part
    return text, sorted(found, key=lambda m: (m.start, -m.end))


def link(marked):
    """Name, office and agency of each person, as the text words them."""
    text, found = find(marked)
    persons = join_persons(text, found)
    link_offices(text, persons, found)

    def words(mention):
        return text[mention.start : mention.end] if mention else None

    return [(words(p.mentions[0]), words(p.office), words(p.agency)) for p in persons]


def groups(*names):
    """The names grouped by person, in a text that lists them."""
    text, found = find(" lalu ".join(f"{{P:{n}}}" for n in names))
    return [[text[m.start : m.end] for m in p.mentions] for p in join_persons(text, found)]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("{O:Ketua} {G:Bawaslu Kudus}, {P:Rofiah}, berkata.", ("Rofiah", "Ketua", "Bawaslu Kudus")),
        ("{O:Ketua} {G:Bawaslu} {P:Rofiah} berkata.", ("Rofiah", "Ketua", "Bawaslu")),
        ("{O:Camat Kebomas} {P:Darmaji}", ("Darmaji", "Camat Kebomas", None)),
        ("{O:Camat Kebomas} bernama {P:Darmaji}", ("Darmaji", "Camat Kebomas", None)),
        ("{O:Camat Kebomas} berinisial {P:DJ}", ("DJ", "Camat Kebomas", None)),
        ("{O:Camat Kebomas}, yakni {P:Darmaji}", ("Darmaji", "Camat Kebomas", None)),
        ("{O:Camat Kebomas} ({P:Darmaji})", ("Darmaji", "Camat Kebomas", None)),
        ("{O:Camat} di Kecamatan {R:Kebomas}, {P:MZ},", ("MZ", None, None)),
        ("{O:Lurah} di {R:Kebomas}, {P:MZ},", ("MZ", "Lurah", None)),
        ("{O:calon bupati} nomor urut 2, {P:Darmaji}", ("Darmaji", "calon bupati", None)),
        ("{O:Kepala Bidang} pada {G:Dinas Sosial} {P:Darmaji}", ("Darmaji", "Kepala Bidang", "Dinas Sosial")),
        ("{O:Staf} di lingkungan {G:Pemkab Kudus}, {P:Darmaji}", ("Darmaji", "Staf", "Pemkab Kudus")),
        ("{O:Sekretaris} {Y:DPC Hanura}, {P:Yaser}", ("Yaser", "Sekretaris", "DPC Hanura")),
        ("{O:Ketua}nya, {P:Rofiah}", ("Rofiah", "Ketua", None)),
    ],
)
def test_an_office_before_its_person(marked, expected):
    assert link(marked) == [expected]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("{P:Rofiah}, {O:Ketua} {G:Bawaslu Kudus}, berkata.", ("Rofiah", "Ketua", "Bawaslu Kudus")),
        ("{P:Darmaji} ({O:Camat Kebomas})", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Rofiah} selaku {O:Ketua} {G:Bawaslu}", ("Rofiah", "Ketua", "Bawaslu")),
        ("{P:Darmaji} sebagai {O:camat}", ("Darmaji", "camat", None)),
        ("{P:Darmaji} yang juga {O:camat}", ("Darmaji", "camat", None)),
        ("{P:Darmaji}, yang menjabat sebagai {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Darmaji} yang saat ini menjabat {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Darmaji} merupakan {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Darmaji} (47), {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Darmaji} (47 tahun), {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:Darmaji} — {O:Camat Kebomas}", ("Darmaji", "Camat Kebomas", None)),
        ("{P:DJ} seorang {O:ASN} di {G:Dinas Sosial}", ("DJ", "ASN", "Dinas Sosial")),
    ],
)
def test_an_office_behind_its_person(marked, expected):
    assert link(marked) == [expected]


@pytest.mark.parametrize("title", ["H.", "Hj.", "Drs.", "Drs. H.", "dr.", "Pak", "AKBP", "Kombes Pol", "Prof. Dr."])
def test_titles_may_stand_between_office_and_person(title):
    assert link(f"{{O:Ketua}} {{G:Bawaslu}} {title} {{P:Rofiah}}") == [("Rofiah", "Ketua", "Bawaslu")]


@pytest.mark.parametrize("degree", [", S.H.", ", S.H., M.H.", " SE", ", M.Si", ", S.Sos., M.M.", ", S.Pd", ", Ph.D."])
def test_degrees_may_stand_between_person_and_office(degree):
    assert link(f"{{P:Rofiah}}{degree}, {{O:Ketua}} {{G:Bawaslu}}") == [("Rofiah", "Ketua", "Bawaslu")]


@pytest.mark.parametrize(
    ("marked", "agency"),
    [
        ("Hal itu dibahas pada {G:Bawaslu}, {P:Rofiah} menambahkan.", "Bawaslu"),
        ("{G:Bawaslu}, {P:Rofiah}, hadir.", "Bawaslu"),
        ("{G:Bawaslu} memanggil warga bernama {P:Rofiah}.", None),
        ("{P:Rofiah} melapor ke {G:Bawaslu}.", None),
    ],
)
def test_an_agency_without_an_office(marked, agency):
    assert link(marked) == [("Rofiah", None, agency)]


@pytest.mark.parametrize(
    "marked",
    [
        "{O:Camat} itu dilaporkan warga. {P:Darmaji} membantah.",
        "{O:Camat} dan {P:Darmaji} hadir.",
        "{O:Camat} melaporkan {P:Darmaji}.",
        "{P:Darmaji} melaporkan {O:Camat Kebomas}.",
        "{P:Darmaji} bersama {O:Camat Kebomas}.",
        "{P:Darmaji} dan {O:camat}",
        "{P:Darmaji} dengan {O:Camat Kebomas}",
    ],
)
def test_an_office_that_is_somebody_elses_is_not_taken(marked):
    assert link(marked) == [("Darmaji", None, None)]


def test_an_office_in_the_next_sentence_is_not_taken():
    assert link("Warga melaporkan {P:Darmaji}. {O:Camat Kebomas} membantah.") == [("Darmaji", None, None)]


def test_an_office_serves_once():
    marked = "{P:Darmaji}, {O:Ketua} {G:Bawaslu}, {P:Rofiah}, hadir."
    assert link(marked) == [("Darmaji", None, None), ("Rofiah", "Ketua", "Bawaslu")]


def test_an_office_behind_serves_only_the_person_it_follows():
    marked = "{P:Darmaji} ({O:Camat Kebomas}), {P:Rofiah} ({O:Lurah Gending}), dan {P:MZ} hadir."
    assert link(marked) == [("Darmaji", "Camat Kebomas", None), ("Rofiah", "Lurah Gending", None), ("MZ", None, None)]


def test_the_office_of_a_later_mention_serves():
    marked = "{P:Rofiah Hanum} berkata. Kemudian {O:Ketua} {G:Bawaslu} {P:Rofiah} pulang."
    assert link(marked) == [("Rofiah Hanum", "Ketua", "Bawaslu")]


def test_the_first_office_of_a_person_is_kept():
    marked = "{O:Camat Kebomas} {P:Darmaji} hadir. {O:Calon bupati} {P:Darmaji} menang."
    assert link(marked) == [("Darmaji", "Camat Kebomas", None)]


@pytest.mark.parametrize("office", ["Plt. Kepala Dinas Sosial", "Pj. Bupati", "mantan Camat Kebomas", "Pjs Wali Kota"])
def test_acting_and_former_offices_are_kept_verbatim(office):
    assert link(f"{{O:{office}}} {{P:Darmaji}} hadir.") == [("Darmaji", office, None)]
    assert link(f"{{P:Darmaji}}, {{O:{office}}}, hadir.") == [("Darmaji", office, None)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Rofiah Hanum", "Rofiah", "Hanum"), [["Rofiah Hanum", "Rofiah", "Hanum"]]),
        (("Rofiah", "Rofiah Hanum"), [["Rofiah", "Rofiah Hanum"]]),
        (("ROFIAH HANUM", "Rofiah Hanum"), [["ROFIAH HANUM", "Rofiah Hanum"]]),
        (("Drs. H. Darmaji, M.Si", "Darmaji"), [["Drs. H. Darmaji, M.Si", "Darmaji"]]),
        (("H. Darmaji", "Pak Darmaji"), [["H. Darmaji", "Pak Darmaji"]]),
        (("Rofiah Hanum", "Darmaji"), [["Rofiah Hanum"], ["Darmaji"]]),
        (("Rofiah Hanum", "Rofiah Dewi"), [["Rofiah Hanum"], ["Rofiah Dewi"]]),
        (("Andi Rahman", "Budi Rahman", "Rahman"), [["Andi Rahman"], ["Budi Rahman", "Rahman"]]),
        (("Andi Rahman", "Budi Rahman", "Andi", "Rahman"), [["Andi Rahman", "Andi", "Rahman"], ["Budi Rahman"]]),
        (("Rofi", "Rofiah"), [["Rofi"], ["Rofiah"]]),
    ],
)
def test_a_short_name_joins_the_person_whose_words_it_shares(names, expected):
    assert groups(*names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("MZ", "MZ"), [["MZ", "MZ"]]),
        (("MZ", "ZM"), [["MZ"], ["ZM"]]),
        (("MZ", "MZA"), [["MZ"], ["MZA"]]),
        (("Muhammad Zaini", "MZ"), [["Muhammad Zaini"], ["MZ"]]),
        (("MZ", "Muhammad Zaini"), [["MZ"], ["Muhammad Zaini"]]),
        (("H", "H. Darmaji"), [["H"], ["H. Darmaji"]]),
        (("A", "A. Rahman"), [["A"], ["A. Rahman"]]),
        (("A. Rahman", "A"), [["A. Rahman"], ["A"]]),
        (("SE", "SE", "DR"), [["SE", "SE"], ["DR"]]),
    ],
)
def test_initials_join_only_equal_initials(names, expected):
    assert groups(*names) == expected


def test_a_bridge_of_one_shared_name_joins_no_two_full_names():
    joined = groups("Rahman", "Andi Rahman", "Budi Rahman")
    assert not any({"Andi Rahman", "Budi Rahman"} <= set(names) for names in joined)


def test_mentions_of_other_types_are_no_persons():
    text, found = find("{O:Camat} {G:Bawaslu} {Y:Hanura} {R:Kudus}")
    assert join_persons(text, found) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Drs. H. Darmaji, M.Si.", ["darmaji"]),
        ("Hj. Rofiah Hanum, S.H., M.H.", ["rofiah", "hanum"]),
        ("AKBP Andi Rahman", ["andi", "rahman"]),
        ("Siti binti Ali", ["siti", "ali"]),
        ("“Rofiah”", ["rofiah"]),
        ("H.", ["h"]),
        ("", []),
    ],
)
def test_name_words_are_without_titles_and_degrees(name, words):
    assert name_words(name) == words


@pytest.mark.parametrize(
    ("office", "agency"),
    [
        ("Plt. Kepala Dinas Sosial Kabupaten Lebong", "Dinas Sosial Kabupaten Lebong"),
        ("Kepala BKPSDM Kota Bima", "BKPSDM Kota Bima"),
        ("Kepala SDN 3 Kudus", "SDN 3 Kudus"),
        ("Kasatpol", None),
        ("Sekretaris Badan Kepegawaian Daerah", "Badan Kepegawaian Daerah"),
        ("Kapolres Kudus", None),
        ("Inspektorat", None),
        ("Camat Kebomas", None),
        ("calon bupati", None),
        ("mantan Ketua Bawaslu Kudus", "Bawaslu Kudus"),
        ("", None),
    ],
)
def test_the_unit_that_an_office_names(office, agency):
    assert agency_in_office(office) == agency


def test_a_short_form_joins_the_only_name_it_begins():
    assert groups("Alexander Kaaba", "Alex") == [["Alexander Kaaba", "Alex"]]
    assert groups("Alexander Kaaba", "Alexandra Tuwo", "Alex") == [["Alexander Kaaba"], ["Alexandra Tuwo"], ["Alex"]]
    assert groups("Alex", "Alexander Kaaba") == [["Alex"], ["Alexander Kaaba"]]
    assert groups("Sarifudin", "Sari") == [["Sarifudin"], ["Sari"]]
    assert groups("Adi Nugroho", "Nug") == [["Adi Nugroho"], ["Nug"]]
    assert groups("Rahmat Alexander", "Alex Rumende") == [["Rahmat Alexander"], ["Alex Rumende"]]


def test_words_of_the_trade_are_nobody():
    assert groups("ASN", "Darmaji", "Paslon", "KASN") == [["Darmaji"]]
    assert groups("Camat Wibowo") == [["Camat Wibowo"]]
