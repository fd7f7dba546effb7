"""Elections: office words beat generic words, the date beats the name, and no year is borrowed."""

import datetime as dt

import pytest

from nlp.election import find_date, find_election
from nlp.schema import ElectionType as E

OCTOBER = dt.date(2024, 10, 29)


def found(text, published=None, ignored=()):
    result = find_election(text, published, ignored)
    return result.type, result.year, result.basis


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Camat hadir di kampanye calon bupati pada Pilkada", E.PILBUP_PILWALKOT),
        ("Camat mendukung bakal calon wakil wali kota", E.PILBUP_PILWALKOT),
        ("Cabup dan cawabup", E.PILBUP_PILWALKOT),
        ("Pilwalkot Bima", E.PILBUP_PILWALKOT),
        ("Pilbup dan pilkada serentak", E.PILBUP_PILWALKOT),
        ("Pilkada: ASN mendukung calon gubernur", E.PILGUB),
        ("Pilgub Jateng", E.PILGUB),
        ("Cawagub itu hadir", E.PILGUB),
        ("Pemilihan Gubernur Jawa Tengah", E.PILGUB),
        ("ASN mendukung capres pada Pemilu", E.PILPRES),
        ("Pilpres", E.PILPRES),
        ("calon presiden", E.PILPRES),
        ("Istri camat menjadi caleg", E.PILEG),
        ("ASN mendukung calon anggota DPRD", E.PILEG),
        ("Bacaleg itu seorang guru", E.PILEG),
        ("Pemilu legislatif", E.PILEG),
        ("ASN harus netral pada Pilkada", E.PILKADA_UNSPECIFIED),
        ("Pemilihan Kepala Daerah", E.PILKADA_UNSPECIFIED),
        ("Pemilihan Serentak 2024", E.PILKADA_UNSPECIFIED),
        ("ASN harus netral pada Pemilu", E.PEMILU_UNSPECIFIED),
        ("pesta demokrasi", E.PEMILU_UNSPECIFIED),
    ],
)
def test_office_words_beat_the_generic_word(text, kind):
    assert found(text) == ([kind], int("2024") if "2024" in text else None, "explicit")


@pytest.mark.parametrize(
    "text",
    [
        "Pilkades Desa Gending",
        "Calon kepala desa pada Pilkades serentak",
        "Pemilihan kepala desa",
        "Pemilihan ketua OSIS",
        "Harga cabai naik lagi",
        "Calon pengantin",
        "Pilkades Desa Gending 2024",
        "",
    ],
)
def test_what_is_no_election_has_no_type_year_or_basis(text):
    assert found(text, OCTOBER) == ([], None, None)


@pytest.mark.parametrize(
    ("published", "kind", "year"),
    [
        (dt.date(2024, 10, 29), E.PILKADA_UNSPECIFIED, 2024),
        (dt.date(2024, 12, 20), E.PILKADA_UNSPECIFIED, 2024),
        (dt.date(2020, 11, 1), E.PILKADA_UNSPECIFIED, 2020),
        (dt.date(2018, 5, 1), E.PILKADA_UNSPECIFIED, 2018),
        (dt.date(2023, 11, 20), E.PEMILU_UNSPECIFIED, 2024),
        (dt.date(2024, 2, 14), E.PEMILU_UNSPECIFIED, 2024),
        (dt.date(2019, 3, 1), E.PEMILU_UNSPECIFIED, 2019),
    ],
)
def test_the_date_beats_the_name(published, kind, year):
    assert found("ASN harus netral pada Pemilu", published) == ([kind], year, "inferred_from_date")


def test_a_date_in_the_text_serves_where_the_text_has_none():
    text = "Kudus, 29 Oktober 2024. ASN harus netral pada Pemilu."
    assert found(text) == ([E.PILKADA_UNSPECIFIED], 2024, "inferred_from_date")


def test_the_day_of_publication_beats_a_date_in_the_text():
    text = "Pada 8/3/2020 ia dipanggil. ASN harus netral pada Pemilu."
    assert found(text, dt.date(2023, 12, 1)) == ([E.PEMILU_UNSPECIFIED], 2024, "inferred_from_date")


@pytest.mark.parametrize("text", ["ASN harus netral pada Pemilu", "Camat mendukung calon bupati", "Pilkada"])
def test_an_undated_text_has_no_year(text):
    assert found(text)[1:] == (None, "explicit")


@pytest.mark.parametrize("published", [dt.date(1999, 6, 1), dt.date(2022, 3, 1), dt.date(2026, 1, 1)])
def test_a_date_outside_every_season_gives_no_year(published):
    assert found("ASN harus netral pada Pemilu", published) == ([E.PEMILU_UNSPECIFIED], None, "explicit")


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("ASN harus netral pada Pilkada 2020", 2020),
        ("ASN harus netral pada Pemilu 2019", 2019),
        ("Pemilu Serentak 2019", 2019),
        ("Pilkada serentak tahun 2018", 2018),
        ("Pilgub Jateng 2018", 2018),
        ("Pilkada 2020, Pilkada 2020, bukan Pilkada 2015", 2020),
    ],
)
@pytest.mark.parametrize("published", [None, OCTOBER])
def test_a_named_year_beats_the_date(text, year, published):
    assert found(text, published)[1] == year
    assert found(text)[2] == "explicit"


@pytest.mark.parametrize("text", ["Pada Pemilu 2019 camat itu dilaporkan", "Pemilu tahun 2019"])
def test_a_pemilu_of_a_named_earlier_year_is_no_pilkada_of_the_date(text):
    assert found(text, OCTOBER)[:2] == ([E.PEMILU_UNSPECIFIED], 2019)


def test_a_year_that_names_no_election_is_not_its_year():
    assert found("UU Nomor 10 Tahun 2016 berlaku pada Pilkada.")[1] is None


def test_both_elections_are_named():
    kinds, _, _ = found("Camat mendukung calon gubernur dan calon bupati.", OCTOBER)
    assert set(kinds) == {E.PILGUB, E.PILBUP_PILWALKOT}


def test_pilpres_and_pileg_are_both_named():
    assert set(found("ASN dilarang mendukung capres dan caleg.")[0]) == {E.PILPRES, E.PILEG}


def test_a_passing_word_is_not_the_text_s_election():
    text = "Calon bupati. " * 6 + "Pada pilpres lalu ia juga dilaporkan."
    assert found(text)[0] == [E.PILBUP_PILWALKOT]


@pytest.mark.parametrize("word", ["PSU", "pemungutan suara ulang", "Pilkada ulang"])
def test_a_repeated_vote_is_named_beside_its_election(word):
    kinds, _, _ = found(f"Camat mendukung calon bupati. Calon bupati itu kalah; {word} digelar.")
    assert set(kinds) == {E.PILBUP_PILWALKOT, E.PSU_OR_REPEAT}


def test_a_long_named_repeat_is_kept_though_named_once():
    assert E.PSU_OR_REPEAT in found("Calon bupati. " * 9 + "PSU digelar.")[0]


def test_ignored_spans_are_not_read():
    text = "ASN harus netral pada Pilkada. BACA JUGA: Caleg Dipanggil pada Pemilu 2019"
    start = text.index("BACA")
    assert found(text, None, [(start, len(text))]) == ([E.PILKADA_UNSPECIFIED], None, "explicit")


def test_a_date_in_an_ignored_span_is_not_read():
    text = "ASN harus netral pada Pemilu.\nFoto: Apel 29 Oktober 2024"
    assert found(text, None, [(text.index("Foto"), len(text))])[1] is None


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Kamis (8/3/2023) pagi", dt.date(2023, 3, 8)),
        ("pada 29 Oktober 2024.", dt.date(2024, 10, 29)),
        ("pada 29 OKTOBER 2024", dt.date(2024, 10, 29)),
        ("8-3-23", dt.date(2023, 3, 8)),
        ("08.03.2023", dt.date(2023, 3, 8)),
        ("8 / 3 / 2023", dt.date(2023, 3, 8)),
        ("31/2/2024", None),
        ("31/2/2024 lalu 1/3/2024", dt.date(2024, 3, 1)),
        ("31 Februari 2024 lalu 1 Maret 2024", dt.date(2024, 3, 1)),
        ("29 Februari 2024", dt.date(2024, 2, 29)),
        ("29 Februari 2023", None),
        ("3/13/2024", None),
        ("0/0/2024", None),
        ("Oktober 2024", None),
        ("29 Oktober", None),
        ("Pasal 70 ayat 2", None),
        ("1 Januari 2024, 2 Januari 2024", dt.date(2024, 1, 1)),
        ("", None),
    ],
)
def test_the_first_whole_date(text, date):
    assert find_date(text) == date
