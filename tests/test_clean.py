"""Cleaning: furniture is found, sentences that only look like it are kept, and spans are always sound."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.clean import find_ignored

BODY = "Warga melaporkan camat itu ke Bawaslu pada Senin. Ia membantah tidak netral."
FLAT = " ".join(f"Saksi ke-{n} mengaku melihat camat itu hadir di panggung kampanye." for n in range(1, 9))


def ignored(text):
    return [text[start:end] for start, end in find_ignored(text)]


def around(line):
    """The line in the middle of a report."""
    return f"{BODY}\n\n{line}\n\n{BODY}"


def before(line):
    """The line at the top of a report."""
    return f"{line}\n{BODY}\n{BODY}\n{BODY}"


def after(line):
    """The line at the end of a report."""
    return f"{BODY}\n{BODY}\n{BODY}\n{line}"


@pytest.mark.parametrize(
    "line",
    [
        "Foto: Camat Kebomas mengacungkan dua jari (Antara)",
        "Ket. foto: Camat Kebomas di panggung",
        "Ilustrasi: kotak suara",
        "Foto ilustrasi: kotak suara",
        "Dok: Bawaslu Kudus",
        "Camat Kebomas saat apel. (Foto: Budi)",
        "Camat Kebomas saat apel (Dok. Istimewa)",
        "Camat Kebomas saat apel (ist)",
        "Camat Kebomas saat apel/Ist",
    ],
)
def test_captions(line):
    assert ignored(around(line)) == [line]


def test_a_caption_that_tells_left_from_right_stands_near_the_top():
    line = "Camat Kebomas (kiri) saat apel"
    assert ignored(f"{line}\n{BODY}\n{BODY}\n{BODY}") == [line]
    assert ignored(f"{BODY}\n{BODY}\n{BODY}\n{BODY}\n{BODY}\n{line}") == []


@pytest.mark.parametrize(
    "line",
    [
        "BACA JUGA: Lurah Dipecat karena Kampanye",
        "Baca juga : Lurah Dipecat",
        "Baca Juga Lurah Dipecat KASN",
        "[Baca juga: Lurah Dipecat]",
        "» Baca Juga » Lurah Dipecat",
        "(Baca: Lurah Dipecat)",
        "Simak juga: Lurah Dipecat",
        "Baca selengkapnya: Lurah Dipecat",
        "Lihat juga: Video Lurah",
        "Berita terkait: Lurah Dipecat",
        "Tonton video: Lurah Dipecat",
    ],
)
def test_related_links(line):
    assert ignored(around(line)) == [line]


@pytest.mark.parametrize("opening", ["BACA JUGA:", "Baca Juga", "Berita Terkait", "Rekomendasi untuk Anda"])
def test_headlines_below_a_bare_link_line_are_links_too(opening):
    headlines = ["1. Lurah Dipecat KASN", "- Camat Diperiksa Bawaslu", "Bupati: Saya Netral"]
    assert ignored(around("\n".join([opening, *headlines]))) == [opening, *headlines]


def test_body_below_a_bare_link_line_is_kept():
    assert ignored(f"{BODY}\nBaca juga:\n{BODY}\nSekda Bungkam\n{BODY}") == ["Baca juga:"]


def test_at_most_five_headlines_follow_a_bare_link_line():
    headlines = [f"Camat Kecamatan {n} Diperiksa Bawaslu" for n in range(7)]
    assert ignored(around("\n".join(["Baca juga:", *headlines]))) == ["Baca juga:", *headlines[:5]]


def test_a_link_at_the_end_of_a_paragraph_is_cut_out():
    text = around("Bawaslu memanggilnya. Baca juga: Lurah Dipecat KASN")
    assert ignored(text) == ["Baca juga: Lurah Dipecat KASN"]


def test_a_link_inside_a_paragraph_ends_with_its_headline():
    text = f'{FLAT} BACA JUGA: Lurah Dipecat karena Kampanye "Saya tidak tahu," {FLAT.lower()}'
    (link,) = ignored(text)
    assert link.startswith("BACA JUGA: Lurah Dipecat")
    assert len(link) < 80


def test_a_link_and_a_signature_on_one_line_are_told_once():
    spans = find_ignored(after("Ia pulang. Baca juga: Lurah Dipecat. (rox)"))
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize(
    "line",
    [
        "Cek Berita dan Artikel yang lain di Google News",
        "Baca berita lainnya di Google News dan WhatsApp Channel",
        "Sumber: Antara",
        "Ikuti saluran WhatsApp kami untuk berita terbaru",
        "Follow kami di Instagram",
        "Artikel ini telah tayang di Kompas.com dengan judul Camat Dilaporkan",
        "Copyright © ANTARA 2024",
        "© 2024 Suara Kota",
    ],
)
def test_outlet_tails(line):
    assert ignored(after(line)) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "Penulis: Budi Santoso",
        "Editor: Siti",
        "EDITOR : Siti Aminah",
        "Pewarta : Budi\tEditor: Siti",
        "Reporter: Budi",
        "Oleh: Budi Santoso",
        "Oleh Budi Santoso",
        "Penulis adalah dosen ilmu politik Universitas Muria",
    ],
)
def test_bylines(line):
    assert ignored(after(line)) == [line]


@pytest.mark.parametrize("signature", ["(rox/del)", "(rox)", "(*)", "***", "(*/bud)", "[] bud"])
def test_a_signature_behind_the_last_sentence(signature):
    assert ignored(after(f"Ia pulang. {signature}")) == [signature]
    assert ignored(after(signature)) == [signature]


@pytest.mark.parametrize(
    "line",
    [
        "Beranda » Berita » Politik",
        "ADVERTISEMENT",
        "SCROLL TO CONTINUE WITH CONTENT",
        "Halaman 1 dari 2",
        "Halaman: 1 2 Selanjutnya",
        "Halaman Selanjutnya",
        "Tags: ASN, Pilkada 2024, Kudus",
        "Bagikan:",
        "Komentar",
        "Skip to content",
    ],
)
def test_page_furniture(line):
    assert ignored(around(line)) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "Menurut dia, tertulis Sumber: dana desa pada kuitansi itu.",
        "Sumber dana kampanye itu diperiksa Bawaslu.",
        "Dalam foto itu camat mengacungkan dua jari.",
        "Foto camat itu beredar di media sosial sejak Senin.",
        "Camat itu mengunggah foto dirinya: ia memakai kaus paslon.",
        "Video yang beredar memperlihatkan camat di panggung.",
        "Ia mengacungkan dua jari saat foto bersama usai apel di kantor kecamatan.",
        "Pelaku adalah Aparatur Sipil Negara (ASN)",
        "Ia melaporkannya ke Komisi Aparatur Sipil Negara (KASN).",
        "Imbauan itu untuk semua aparat (TNI/Polri)",
        "Ketua Bawaslu meminta warga baca juga aturan itu.",
        "“Baca juga aturannya,” kata Ketua Bawaslu.",
        "Baca juga undang-undangnya sebelum bertindak, kata Ketua Bawaslu.",
        "Editor surat kabar itu melaporkan camat ke Bawaslu.",
        "Penulis surat itu ternyata seorang lurah.",
        "Reporter itu diusir oleh camat.",
        "Oleh Bawaslu, camat itu dinyatakan melanggar netralitas.",
        "Oleh karena itu, kasusnya diteruskan ke KASN.",
        "Ikuti aturan, jangan hadir di kampanye.",
        "Ikuti deklarasi dukungan paslon dua lewat grup WhatsApp, tulis camat itu kepada para lurah.",
        "Kami mengikuti saran Bawaslu.",
        "Iklan camat itu terpasang di jalan.",
        "Komentar camat itu di media sosial dilaporkan warga.",
        "Halaman kantor camat dipakai untuk kampanye.",
        "Lihat saja nanti, kata dia.",
        "Artikel ini ditulis lurah untuk mendukung paslon dua.",
        "Gambar paslon terpasang di mobil dinas.",
    ],
)
@pytest.mark.parametrize("place", [around, after, before])
def test_sentences_that_only_look_like_furniture_are_kept(line, place):
    assert ignored(place(line)) == []


@pytest.mark.parametrize(
    "line",
    [
        FLAT,
        f"{FLAT} Cek Berita dan Artikel yang lain di Google News",
        f"{FLAT} Ikuti kami di Google News",
        f"{FLAT} (Foto: Budi)",
        f"{FLAT} BACA JUGA: Lurah Dipecat KASN",
        f"BACA JUGA: Lurah Dipecat KASN {FLAT}",
        f"{FLAT} Penulis: Budi Editor: Siti (rox/del)",
    ],
)
@pytest.mark.parametrize("title", ["", "Camat Kebomas Dilaporkan ke Bawaslu\n\n"])
def test_a_flattened_article_keeps_its_body(line, title):
    text = title + line
    start = text.index(FLAT)
    hidden = sum(max(0, min(b, start + len(FLAT)) - max(a, start)) for a, b in find_ignored(text))
    assert hidden == 0


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n", " \n\t"])
def test_line_ends_of_every_kind(end):
    text = end.join([BODY, "BACA JUGA:", "Lurah Dipecat", BODY, "Editor: Siti"])
    assert ignored(text) == ["BACA JUGA:", "Lurah Dipecat", "Editor: Siti"]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n", "\u00a0\t"])
def test_a_blank_text_has_no_spans(text):
    assert find_ignored(text) == []


@pytest.mark.parametrize("text", ["BACA JUGA: Lurah Dipecat", "Editor: Siti\nBACA JUGA: Lurah Dipecat KASN"])
def test_a_text_that_is_all_furniture_keeps_its_longest_line(text):
    assert max(text.split("\n"), key=len) not in ignored(text)


@pytest.mark.timeout(20)
def test_a_text_of_very_many_lines_is_read_in_good_time():
    assert find_ignored("a b\n" * 100_000) == []


PIECES = [
    *("BACA JUGA:", "Baca juga ", "baca juga: ", "Lurah Dipecat", "Foto: ", "(ist)", "(rox/del)", "(rox)", "***"),
    *("Sumber: ", "Editor: Siti", "Oleh Budi Santoso", "Halaman 1", "» ", "Tags: ", "Ikuti ", "WhatsApp", "(kiri)"),
    *("Google News", "--", "Warga melapor. ", "kata dia", "😀", ". ", '"', "\u00a0", "\u2028", "\x1c", "\x85"),
    *(" ", "\t", "\n", "\n\n", "\r\n", "\r"),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=25).map("".join))
def test_spans_are_sound_and_something_is_left(text):
    spans = find_ignored(text)
    assert all(0 <= start < end <= len(text) and text[start:end].strip() for start, end in spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    left = "".join(c for i, c in enumerate(text) if not any(start <= i < end for start, end in spans))
    assert bool(left.strip()) == bool(text.strip())
