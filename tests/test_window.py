"""Offsets are exact on any text, and windows lose nothing."""

import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp.decode import mentions
from nlp.encode import WindowLogits, pool
from nlp.outputs import SPAN_TAGS, TOKEN, TOKEN_SIZE
from nlp.window import load_tokenizer, owners, tokenise, windows

PIECES = st.sampled_from(
    [
        "Ketua ",
        "Bawaslu",
        " 😀",
        "👨‍👩‍👧",
        "e\u0301",
        "\u200b",
        "ﬁ",
        "Ⅳ",
        "\n",
        "  ",
        "“netral”",
        "Kudus,",
        "½",
        "🇮🇩",
        "ａｂｃ",
        "\u00ad",
        "ASN",
        ".",
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=60).map("".join)
LENIENT = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def tokenizer(released):
    return load_tokenizer(released)


@LENIENT
@given(text=TEXTS)
def test_words_are_found_where_they_stand(tokenizer, text):
    for variant in (text, unicodedata.normalize("NFD", text)):
        tokens = tokenise(variant, tokenizer)
        for start, end in tokens.words:
            word = variant[start:end]
            assert word
            assert word == word.strip()
        assert (np.diff(tokens.words[:, 0]) > 0).all()
        plain = {m for m in ("Bawaslu", "ASN") if f" {m} " in f" {variant} "}
        assert plain <= {variant[s:e] for s, e in tokens.words}


@LENIENT
@given(text=TEXTS)
def test_decoded_mentions_lie_on_their_words(tokenizer, text):
    tokens = tokenise(text, tokenizer)
    logits = np.zeros((len(tokens.words), TOKEN_SIZE), np.float32)
    logits[:, TOKEN["spans"].start + SPAN_TAGS.index("B-PERSON")] = 5
    found = mentions(text, tokens.words, logits)
    assert all(0 <= m.start < m.end <= len(text) for m in found)
    assert all(text[m.start : m.end].strip() == text[m.start : m.end] for m in found)


def test_a_mention_keeps_its_combining_marks(tokenizer):
    text = unicodedata.normalize("NFD", "Kata René kemarin")
    tokens = tokenise(text, tokenizer)
    logits = np.zeros((len(tokens.words), TOKEN_SIZE), np.float32)
    logits[1, TOKEN["spans"].start + SPAN_TAGS.index("B-PERSON")] = 5
    (found,) = mentions(text, tokens.words, logits)
    assert unicodedata.normalize("NFC", text[found.start : found.end]) == "René"


def test_ignored_spans_have_no_tokens(tokenizer):
    text = "Ketua Bawaslu. BACA JUGA: Camat Kudus. ASN netral."
    span = (text.index("BACA"), text.index(" ASN"))
    tokens = tokenise(text, tokenizer, [span])
    assert [text[s:e] for s, e in tokens.words] == ["Ketua", "Bawaslu", ".", "ASN", "netral", "."]


@pytest.mark.parametrize("count", [0, 1, 44, 46, 47, 90, 91, 500])
def test_windows_cover_every_token_once_owned(tokenizer, count):
    tokens = tokenise("ASN " * count + ".", tokenizer)
    parts = windows(tokens, tokenizer, 48, 8)
    assert all(len(p.ids) <= 48 for p in parts)
    covered = set().union(*(range(p.start, p.end) for p in parts))
    assert covered == set(range(len(tokens.ids)))
    owner = owners(parts, len(tokens.ids))
    assert all(parts[w].start <= t < parts[w].end for t, w in enumerate(owner))
    for part in parts:
        assert (part.ids[1:-1] == tokens.ids[part.start : part.end]).all()


def test_pooling_is_that_of_one_long_window():
    rng = np.random.default_rng(0)
    attention, values = rng.normal(size=30), rng.normal(size=(30, 4)).astype(np.float32)

    def part(a, b):
        e = np.exp(attention[a:b])
        focus = (e[:, None] * values[a:b]).sum(0) / e.sum()
        return WindowLogits(values[a:b].mean(0), focus.astype(np.float32), float(np.log(e.sum())), values[a:b])

    assert pool([part(0, 12), part(12, 30)]) == pytest.approx(pool([part(0, 30)]), abs=1e-5)
