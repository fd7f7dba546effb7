"""Evidence: sentences are cut where they end and nowhere else, and the likeliest are shown."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.evidence import find_evidence, sentences
from nlp.schema import Label


def cut(text, ignored=()):
    return [text[start:end] for start, end in sentences(text, ignored)]


@pytest.mark.parametrize(
    "pieces",
    [
        ["Ia hadir.", "Ia membantah."],
        ["Ia hadir!", "Benarkah?", "Ya."],
        ["Ia hadir...", "Ia diam…", "Ia pulang."],
        ['"Saya netral."', "Ia pulang."],
        ['Ia berkata, "Saya netral."', '"Benar," kata saksi.'],
        ["“Saya netral.”", "‘Ya.’", "(Ia pulang.)", "[Ia diam.]"],
        ["Ia hadir pada 2024.", "2 saksi melihat."],
        ["Ia hadir.", "@bawaslu memanggilnya.", "#netral"],
        ["Satu kalimat tanpa titik"],
        ["Ia hadir 😀.", "Ia pulang."],
        [],
    ],
)
def test_sentences_end_at_their_marks(pieces):
    assert cut(" ".join(pieces)) == pieces


@pytest.mark.parametrize(
    "sentence",
    [
        "Camat Drs. Darmaji hadir.",
        "Lurah H. Darmaji hadir.",
        "Lurah Hj. Rofiah hadir.",
        "Drs. H. Darmaji, M.Si. Rofiah, dan Budi hadir.",
        "Ketua Rofiah, S.H. M.H. hadir.",
        "Pasal No. 70 berlaku.",
        "Plt. Bupati hadir.",
        "Pj. Bupati hadir.",
        "Camat di Kab. Kudus dan Kec. Jati hadir.",
        "Ia menerima Rp. 50.000 dari calon.",
        "Ia menerima Rp 50.000.000 dari calon.",
        "Saksi A. Rahman melihatnya.",
        "Saksi J.K. Rowi melihatnya.",
        "Prof. Dr. Ir. Rofiah menilai.",
        "Kantornya di Jl. Sunan Kudus.",
        "Lurah, camat, dll. Semua hadir.",
        "Pukul 08.30 WIB ia hadir.",
        "Laman bawaslu.go.id memuatnya.",
        "Ia berkata ... lalu pulang.",
        "Apa benar? tanya saksi.",
    ],
)
def test_abbreviations_and_numbers_end_no_sentence(sentence):
    assert cut(f"{sentence} Ia membantah.") == [sentence, "Ia membantah."]


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n", "\r", " \n \t\n"])
def test_a_line_break_ends_a_sentence(end):
    assert cut(f"Camat Dilaporkan{end}warga melapor{end}Ia diam.") == ["Camat Dilaporkan", "warga melapor", "Ia diam."]


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n"])
def test_a_line_break_ends_a_sentence_even_after_an_abbreviation(end):
    assert cut(f"Penulis ialah Rofiah, S.H.{end}Ia diam.") == ["Penulis ialah Rofiah, S.H.", "Ia diam."]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0"])
def test_a_blank_text_has_no_sentence(text):
    assert cut(text) == []


def test_ignored_spans_are_cut_out():
    text = "Ia hadir. BACA JUGA: Lurah Dipecat. Ia pulang. (rox)"
    link, signature = text.index("BACA"), text.index("(rox)")
    spans = [(link, text.index(" Ia pulang")), (signature, len(text))]
    assert cut(text, spans) == ["Ia hadir.", "Ia pulang."]


def test_a_span_inside_a_sentence_parts_it():
    text = "Ia hadir BACA JUGA: Lurah lalu pulang."
    start = text.index("BACA")
    assert cut(text, [(start, start + len("BACA JUGA: Lurah"))]) == ["Ia hadir", "lalu pulang."]


@given(st.text(alphabet='Aab .!?…"”()\n\r1🙂', max_size=60), st.data())
def test_sentences_are_sorted_apart_and_lose_no_character(text, data):
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4, unique=True)))
    ignored = list(zip(edges[::2], edges[1::2], strict=False))
    spans = sentences(text, ignored)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    inside = {i for start, end in spans for i in range(start, end)}
    hidden = {i for start, end in ignored for i in range(start, end)}
    assert not inside & hidden
    assert all(text[i].isspace() for i in set(range(len(text))) - inside - hidden)


TEXT = "Satu dua. Tiga empat. Lima enam. Tujuh delapan. Sembilan."
WORDS = np.array([(i, i + len(w.strip("."))) for w in TEXT.split() for i in [TEXT.index(w)]])


def evidence(*scores, ignored=(), text=TEXT, words=WORDS):
    """Evidence where each sentence's words have the sentence's score."""
    spans = sentences(text)
    probabilities = np.array([next(s for s, (a, b) in zip(scores, spans, strict=True) if a <= w < b) for w, _ in words])
    return find_evidence(text, words, probabilities, ignored, Label.ALLEGATION)


@pytest.mark.parametrize(
    ("scores", "quotes"),
    [
        ((0.9, 0.1, 0.1, 0.1, 0.1), ["Satu dua."]),
        ((0.1, 0.2, 0.1, 0.3, 0.1), ["Tujuh delapan."]),
        ((0.0, 0.0, 0.0, 0.0, 0.01), ["Sembilan."]),
        ((0.6, 0.1, 0.9, 0.1, 0.1), ["Satu dua.", "Lima enam."]),
        ((0.5, 0.49, 0.1, 0.1, 0.7), ["Satu dua.", "Sembilan."]),
        ((0.6, 0.9, 0.7, 0.95, 0.8), ["Tiga empat.", "Tujuh delapan.", "Sembilan."]),
    ],
)
def test_the_likeliest_sentences_in_text_order(scores, quotes):
    assert [e.quote for e in evidence(*scores)] == quotes


def test_evidence_quotes_its_span_and_supports_the_label():
    (only,) = evidence(0.1, 0.87654, 0.1, 0.1, 0.1)
    assert TEXT[only.start : only.end] == only.quote == "Tiga empat."
    assert (only.score, only.supports) == (0.8765, Label.ALLEGATION)


def test_equal_sentences_are_at_most_three():
    assert len(evidence(*[0.9] * 5)) == 3


def test_no_evidence_is_taken_from_an_ignored_span():
    end = TEXT.index(" Tiga")
    assert [e.quote for e in evidence(0.99, 0.2, 0.1, 0.1, 0.1, ignored=[(0, end)])] == ["Tiga empat."]


def test_a_sentence_without_words_is_no_evidence():
    text = "Ia hadir.\n--- !!! 😀\n***"
    (only,) = find_evidence(text, np.array([(0, 2), (3, 8)]), np.array([0.1, 0.1]), [], Label.ALLEGATION)
    assert only.quote == "Ia hadir."


def test_a_text_without_words_has_no_evidence():
    assert find_evidence("", np.zeros((0, 2), np.int64), np.zeros(0), [], Label.OVERVIEW) == []
