"""Markup: offsets are computed, mistakes named, and texts survive the way there and back."""

import pytest

from nlp.errors import NetralitasError
from training.markup import parse_file, parse_text, render_text

BLOCK = """=== kudus-01
kind: news
style: local_news
date: 2024-10-07
event: kudus-apel
annotators: a1
label: prevention
subjects: asn
primary: 33.19
election: pilbup_pilwalkot 2024
official: P1 | O1 | G1 | 33.19 | overseer
---
{D=33.19:KUDUS} 😀 - {O1:Ketua} {G1:Bawaslu {R=33.19:Kudus}}, {P1:Rofiah Hanum}, berkata.
{E:"Netral," kata {P1:Rofiah}.}

{X:Baca juga: \\{Camat\\} Dilaporkan}
"""


def test_offsets_and_links():
    text = parse_text(BLOCK)
    named = {m.id: text.text[m.start : m.end] for m in text.mentions}
    (official,) = text.officials
    assert [named[i] for i in official.mentions] == ["Rofiah Hanum", "Rofiah"]
    assert named[official.office] == "Ketua"
    assert named[official.agency] == "Bawaslu Kudus"
    assert [m.dateline for m in text.mentions if m.code] == [True, False]
    assert text.regions == ["33.19"]
    assert text.text[text.evidence[0].start : text.evidence[0].end] == '"Netral," kata Rofiah.'
    assert text.text[text.ignored[0].start :] == "Baca juga: {Camat} Dilaporkan"


def test_round_trip(corpus):
    for text in [parse_text(BLOCK), *corpus]:
        assert parse_text(render_text(text)) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{P1:Rofiah}", "{P:Rofiah}"), "a person needs a number"),
        (("{P1:Rofiah Hanum}", "{P1:Rofiah Hanum"), "never closed"),
        (("berkata.", "berkata.}"), "without an open tag"),
        (("berkata.", "{berkata.}"), "unknown tag"),
        (("P1 | O1", "P9 | O1"), "'P9' is marked nowhere"),
        (("| overseer", "| subject"), "every subject has one"),
        (("label: prevention", "label: appeal"), "label: Input should be"),
        (("kind: news", "colour: red"), "colour: unknown header field"),
        (("{X:Baca", "{X:{P1:Rofiah} Baca"), "lies in an ignored span"),
        (("label: prevention", "label: prevention\nforms: mobilise"), "is no case label"),
        (("---\n", ""), "no line '---'"),
        (("{E:", ""), "without an open tag"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(NetralitasError, match="kudus-01") as error:
        parse_text(BLOCK.replace(*change, 1))
    assert message in str(error.value)


def test_file_names_the_line_of_a_bad_block():
    bad = BLOCK.replace("=== kudus-01", "=== kudus-02").replace("| overseer", "| chief")
    texts, problems = parse_file(BLOCK + "\n" + bad, "x.txt")
    assert [t.id for t in texts] == ["kudus-01"]
    assert problems[0].startswith(f"x.txt:{BLOCK.count(chr(10)) + 2}: kudus-02:")
