"""Reading: every row of every source becomes an item or a dead letter that says where and why."""

import base64
import datetime as dt
import io
import json
import re
import sys
import tracemalloc
from dataclasses import replace

import pytest

from nlp.errors import NetralitasError
from nlp.read import (
    MAX_BYTES,
    RAW_KEPT,
    DeadCode,
    DeadLetter,
    Fields,
    Format,
    Item,
    read_dead_letters,
    read_sources,
)
from nlp.schema import Extent
from nlp.write import dead_line

HUGE = "a" * 10_000_000


@pytest.fixture
def read(tmp_path):
    """Write bytes under a name and read them back."""

    def reader(name, content, **fields):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_sources([str(path)], Fields(**fields)))

    return reader


@pytest.fixture
def stdin(monkeypatch):
    """Feed bytes to standard input and read it."""

    def reader(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        return list(read_sources(["-"], Fields()))

    return reader


def texts(rows):
    return [r.text for r in rows if isinstance(r, Item)]


def letters(rows):
    return [(r.line, r.reason) for r in rows if isinstance(r, DeadLetter)]


def test_a_row_carries_all_its_fields(read):
    row = {"text": "isi", "title": "Judul", "id": 7, "date": "2024-10-29T08:00:00+07:00", "url": "u", "outlet": "o"}
    (item,) = read("a.jsonl", json.dumps(row))
    assert (item.id, item.text, item.date, item.line) == ("7", "Judul\n\nisi", dt.date(2024, 10, 29), 1)
    day = dt.date(2024, 10, 29)
    assert item.source.model_dump() == {"url": "u", "outlet": "o", "title": "Judul", "published": day, "extent": None}
    assert (item.offset, item.extracted) == (0, False)
    assert item.file.endswith("a.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", '{"text": "satu"}\n{"text": "dua"}\n', ["satu", "dua"]),
        ("a.ndjson", '{"text": "satu"}\n\n{"text": "dua"}', ["satu", "dua"]),
        ("A.JSONL", '{"text": "satu"}', ["satu"]),
        ("a.jsonl", '{"text": "a\\nb \\ud83d\\ude00 \u2028c"}', ["a\nb 😀 \u2028c"]),
        ("a.csv", "id,text\n1,satu\n2,dua\n", ["satu", "dua"]),
        ("a.csv", 'text,id\n"baris satu\n\nbaris dua",1\n"a, b ""c""",2\n', ["baris satu\n\nbaris dua", 'a, b "c"']),
        ("a.csv", "id,text\n\n1,satu\n\n", ["satu"]),
        ("a.tsv", 'id\ttext\n1\ta, b\n2\t\'c\n3\t"d\te"\n', ["a, b", "'c", "d\te"]),
        ("a.txt", "satu\n\ndua\n", ["satu\n\ndua\n"]),
        ("a.jsonl", "", []),
        ("a.jsonl", "\n \n\r\n", []),
        ("a.csv", "", []),
        ("a.csv", "id,text\n", []),
        ("a.tsv", "id\ttext", []),
    ],
)
def test_formats(read, name, content, expected):
    rows = read(name, content)
    assert texts(rows) == expected
    assert len(rows) == len(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"text": "satu"}\n{"text": "dua"}\n', ["satu", "dua"]),
        (b'\n\n{"text": "satu"}', ["satu"]),
        (b'\xef\xbb\xbf {"text": "satu"}\r\n', ["satu"]),
        (b"satu\n\n \ndua {x}\n", ["satu", "dua {x}"]),
        (b"\xef\xbb\xbfsatu\r\n{dua\r\n", ["satu", "{dua"]),
        (b"", []),
    ],
)
def test_standard_input_is_json_lines_or_one_text_a_line(stdin, content, expected):
    rows = stdin(content)
    assert texts(rows) == expected
    assert len(rows) == len(expected)


def test_standard_input_counts_blank_lines_and_keeps_bad_rows(stdin):
    rows = stdin(b'\n{"text": "satu"}\n\nrusak\n\xff\n{"text": "dua"}')
    assert [(r.file, r.line) for r in rows] == [("-", 2), ("-", 4), ("-", 5), ("-", 6)]
    assert texts(rows) == ["satu", "dua"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.txt"])
def test_a_byte_order_mark_is_no_text(read, name):
    content = {"a.jsonl": '{"text": "satu"}', "a.csv": '"text"\nsatu', "a.tsv": "text\nsatu", "a.txt": "satu"}[name]
    assert texts(read(name, "\ufeff" + content)) == ["satu"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", '{"text": "satu"}\r\n{"text": "dua"}\r\n'), ("a.csv", "text,id\r\nsatu,1\r\ndua,2\r\n")],
)
def test_windows_line_ends(read, name, content):
    rows = read(name, content)
    assert texts(rows) == ["satu", "dua"]
    assert len(rows) == 2


@pytest.mark.parametrize(("name", "expected"), [("a.txt", "a\r\nb"), ("a.csv", "a\r\nb")])
def test_line_ends_inside_a_text_are_kept(read, name, expected):
    content = {"a.txt": "a\r\nb", "a.csv": 'text\r\n"a\r\nb"\r\n'}[name]
    assert texts(read(name, content)) == [expected]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": ""}', "the text is empty"),
        ('{"text": null}', "the text is empty"),
        ('{"text": " \\n\\t\\u00a0"}', "the text is empty"),
        ('{"title": "", "text": ""}', "the text is empty"),
        ('{"body": "x", "id": 1}', "no field 'text' (has: body, id); name it with --text"),
        ("{}", "no field 'text'"),
        ('{"text": 5}', "'text' is int, not text"),
        ('{"text": ["x"]}', "'text' is list, not text"),
        ('{"text": {"a": 1}}', "'text' is dict, not text"),
        ('{"text": "x", "title": ["y"]}', "'title' is list, not text"),
        ('{"text": "x", "id": 1.5}', "'id' is float, not text"),
        ('{"text": "x", "date": "29 Oktober 2024"}', "'date' is '29 Oktober 2024', not a date like 2024-10-29"),
        ('{"text": "x", "date": "2024-02-30"}', "'date' is '2024-02-30', not a date"),
        ('{"text": "x", "date": {}}', "'date' is dict, not text"),
        ('{"text": "x\\u0000y"}', "NUL"),
        ('{"text": "x\\ud800y"}', "lone surrogate"),
        ('{"text": "x", "title": "\\udfff"}', "lone surrogate"),
        ('["x"]', "not a JSON object but list"),
        ('"x"', "not a JSON object but str"),
        ("null", "not a JSON object but NoneType"),
        ('{"text": "x"', "not JSON: Expecting ',' delimiter at column 13"),
        ('{"text": "x\x00y"}', "not JSON"),
        ("rusak", "not JSON"),
        (b'{"text": "\xff\xfe"}', "not UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "not UTF-8"),
        ("[" * 100_000 + "]" * 100_000, "JSON nested too deeply"),
        ('{"text": ' * 100_000, "JSON nested too deeply"),
        ('{"text": "x", "id": ' + "1" * 5000 + "}", "JSON"),
        ('{"text": "' + HUGE + '"}', f"longer than {MAX_BYTES} bytes"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_a_bad_json_row_is_a_dead_letter_and_the_next_is_read(read, row, reason):
    row = row if isinstance(row, bytes) else row.encode()
    good, bad, after = read("a.jsonl", b'{"text": "satu"}\n' + row + b'\n{"text": "dua"}\n')
    assert (good.text, good.line, after.text, after.line) == ("satu", 1, "dua", 3)
    assert isinstance(bad, DeadLetter)
    assert bad.line == 2
    assert reason in bad.reason
    assert "\n" not in bad.reason
    kept = row[:RAW_KEPT]
    assert (bad.raw.encode() if bad.raw is not None else base64.b64decode(bad.raw_base64)) == kept
    assert (bad.truncated, bad.offset, bad.format) == (len(row) > RAW_KEPT, 17, Format.JSON)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2,,", "the text is empty"),
        (b"2,  ,", "the text is empty"),
        (b"2,dua", "2 cells where the header has 3"),
        (b"2,dua,2024-10-29,x", "4 cells where the header has 3"),
        (b"2,dua,besok", "'date' is 'besok', not a date"),
        (b"2,\xff,", "not UTF-8"),
        (b"\xe9,dua,", "not UTF-8"),
        (b"2,d\0ua,", "NUL"),
        (b'2,"dua"x,', "bad CSV"),
        (b"2," + HUGE.encode() + b",", "longer|larger"),
        (b'2,"' + HUGE.encode() + b'",', "longer|larger"),
        (b'2,"' + "é".encode() * 5_000_000 + b'",', "longer|larger"),
        (b"2,dua" + b"," * 3_000_000, "longer|larger"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_bad_csv_row_is_a_dead_letter_and_the_next_is_read(read, row, reason):
    rows = read("a.csv", b"id,text,date\n1,satu,\n" + row + b"\n3,tiga,\n4,empat,\n")
    assert texts(rows) == ["satu", "tiga", "empat"]
    ((line, why),) = letters(rows)
    assert line == 3
    assert re.search(reason, why)


def test_csv_lines_are_counted_through_quoted_newlines_and_blank_lines(read):
    rows = read("a.csv", 'id,text\n1,"a\nb"\n\n2,c\n3\n4,"d\n\ne"\n5,\n')
    assert [r.line for r in rows] == [2, 5, 6, 7, 10]
    assert [line for line, _ in letters(rows)] == [6, 10]


def test_the_raw_of_a_csv_row_is_all_its_lines(read):
    (row,) = read("a.csv", 'id,text\n1,"a\nb",c\n')
    assert row.raw == '1,"a\nb",c\n'


def test_an_unterminated_quote_at_the_end_is_a_dead_letter(read):
    rows = read("a.csv", 'id,text\n1,satu\n2,"dua\n')
    assert texts(rows) == ["satu"]
    assert letters(rows) == [(3, "bad CSV: unexpected end of data")]


def test_an_unterminated_quote_is_told_at_the_line_where_it_opens(read):
    rows = read("a.csv", 'id,text\n1,satu\n2,"dua\n3,tiga\n4,"empat"\n5,lima\n')
    assert letters(rows)[0][0] == 3
    assert texts(rows) == ["satu", "lima"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the text is empty"),
        (b" \n\n", "the text is empty"),
        (b"\xef\xbb\xbf", "the text is empty"),
        (b"a\xffb", "not UTF-8"),
        (b"a\0b", "NUL"),
        ("netral".encode("utf-16"), "not UTF-8"),
        (HUGE.encode(), f"longer than {MAX_BYTES} bytes"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_bad_text_file_is_a_dead_letter(read, content, reason):
    (row,) = read("a.txt", content)
    assert isinstance(row, DeadLetter)
    assert row.line == 1
    assert reason in row.reason
    assert len(row.raw or row.raw_base64 or "") <= RAW_KEPT


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize(("extra", "items"), [(0, 1), (1, 0)])
def test_the_longest_row_is_still_read(read, end, extra, items):
    frame = len('{"text": ""}')
    rows = read("a.jsonl", '{"text": "' + "a" * (MAX_BYTES - frame + extra) + '"}' + end)
    assert (len(texts(rows)), len(rows)) == (items, 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,isi\n1,x\n", r"a\.csv:1: no column 'text' \(has: id, isi\); name it with --text"),
        ("a.tsv", "id,text\n1,x\n", r"a\.tsv:1: no column 'text'"),
        ("a.csv", "\n\nid,text\n", r"a\.csv:1: no column 'text'"),
        ("a.csv", 'id,"text\n1,x\n', r"a\.csv"),
        ("a.csv", "id,text\r1,x\r", r"a\.csv"),
        ("a.csv", b"\xff\xfei\0d\0,\0t\0", r"a\.csv"),
        ("a.csv", HUGE, r"a\.csv"),
        ("a.pdf", "x", r"a\.pdf: unknown suffix '\.pdf'; known are \.jsonl"),
        ("a", "x", r"a: unknown suffix ''"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_file_that_cannot_be_read_at_all_is_an_error(read, name, content, message):
    with pytest.raises(NetralitasError, match=message):
        read(name, content)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(NetralitasError, match=r"none\.jsonl: cannot be read: No such file"):
        list(read_sources([str(tmp_path / "none.jsonl")], Fields()))


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Judul", "isi", "Judul\n\nisi"),
        ("Judul", "Judul\nisi", "Judul\nisi"),
        ("Judul", "", "Judul\n\n"),
        ("Judul", None, "Judul\n\n"),
        ("", "isi", "isi"),
        (None, "isi", "isi"),
    ],
)
def test_a_title_stands_before_its_body_once(read, title, text, expected):
    (item,) = read("a.jsonl", json.dumps({"title": title, "text": text}))
    assert item.text == expected


def test_fields_may_be_named_otherwise(read):
    rows = read("a.csv", "isi,judul,no,hari\nx,J,9,2024-01-02\n", text="isi", title="judul", id="no", date="hari")
    assert [(r.text, r.id, str(r.date)) for r in rows] == [("J\n\nx", "9", "2024-01-02")]


def test_sources_are_read_in_the_order_given(tmp_path):
    for name in "ba":
        (tmp_path / f"{name}.txt").write_text(name)
    rows = read_sources([str(tmp_path / "b.txt"), str(tmp_path / "a.txt")], Fields())
    assert texts(rows) == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", b"\xff", "not_utf8"),
        ("a.jsonl", b"{" + b"a" * MAX_BYTES, "too_long"),
        ("a.jsonl", b"x", "not_json"),
        ("a.jsonl", b"[" * 100_000, "not_json"),
        ("a.jsonl", b"1", "not_an_object"),
        ("a.csv", b'text\n"a"b\n', "bad_csv"),
        ("a.csv", b"text\na,b\n", "wrong_cells"),
        ("a.csv", b"text\n\xff\n", "not_utf8"),
        ("a.jsonl", b"{}", "no_text_field"),
        ("a.jsonl", b'{"text": 1}', "bad_field"),
        ("a.jsonl", b'{"text": "a", "date": "x"}', "bad_field"),
        ("a.jsonl", b'{"text": " "}', "empty_text"),
        ("a.jsonl", b'{"text": "\\ud800"}', "bad_character"),
        ("a.txt", b"a\0", "bad_character"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_dead_letter_says_why_in_a_code(read, name, content, code):
    assert [r.code for r in read(name, content)] == [code]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_offsets_say_where_a_row_begins(read, end):
    content = f'id,text{end}1,"a{end}é"{end}{end}2,b{end}3,c,d{end}4,e'.encode()
    rows = read("a.csv", content)
    assert [content[r.offset :][:2] for r in rows] == [b"1,", b"2,", b"3,", b"4,"]
    content = f'\ufeff{{"text": "é"}}{end}{end}x{end}{{"text": "b"}}'.encode()
    rows = read("a.jsonl", content)
    assert [content[r.offset :][:4] for r in rows[1:]] == [f'x{end}{{"'[:4].encode(), b'{"te']
    assert rows[0].offset == 0


def test_the_raw_of_a_cut_row_ends_with_a_whole_character(read):
    (row,) = read("a.jsonl", "x" + "é" * MAX_BYTES)
    assert row.raw == "x" + "é" * ((RAW_KEPT - 1) // 2)
    assert row.truncated


def test_a_csv_row_of_any_length_does_not_fill_the_memory(tmp_path):
    lines = b'1,"' + b'aaaaaaaaaaaaaaaa,""b""\n' * 200_000 + b'"\n2,' + b"b" * 20_000_000 + b"\n3,tiga\n"
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + lines)
    tracemalloc.start()
    rows = list(read_sources([str(path)], Fields()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = [(r.line, getattr(r, "code", None)) for r in rows]
    assert found == [(2, "too_long"), (200_003, "too_long"), (200_004, None)]
    assert peak < 20_000_000


LETTERS = [
    ("a.jsonl", '{"text": "satu", "date": "besok"}\n{"text": "dua"}', "besok", "2024-01-02", ["satu"]),
    ("a.csv", "id,text,date\n1,satu,besok\n", "besok", "2024-01-02", ["satu"]),
    ("a.csv", 'id,text\n1,"satu\n2,dua\n', '"satu', "satu", ["satu", "dua"]),
    ("a.tsv", "id\ttext\n1\tsatu\tx\n", "\tx", "", ["satu"]),
    ("a.txt", "satu\0", "\0", "", ["satu"]),
]


@pytest.mark.parametrize(("name", "content", "old", "new", "expected"), LETTERS)
def test_a_dead_letter_is_read_again_as_it_is_and_as_repaired(read, tmp_path, name, content, old, new, expected):
    letters = [r for r in read(name, content) if isinstance(r, DeadLetter)]
    path = tmp_path / "x.dead.jsonl"
    path.write_text("".join(map(dead_line, letters)))
    assert list(read_dead_letters(path, Fields())) == letters
    path.write_text("".join(dead_line(replace(x, raw=x.raw.replace(old, new))) for x in letters))
    again = list(read_dead_letters(path, Fields()))
    assert [r.text.strip() for r in again] == expected
    assert (again[0].file, again[0].line, again[0].offset) == (letters[0].file, letters[0].line, letters[0].offset)
    assert [r.line for r in again] == list(range(again[0].line, again[0].line + len(again)))


@pytest.mark.parametrize("content", [b"\xff\n", b'{"text": "\xff"}', b"x" * (RAW_KEPT + 1)])
def test_a_letter_that_cannot_be_repaired_comes_back(read, tmp_path, content):
    (letter,) = read("a.jsonl", content)
    path = tmp_path / "x.dead.jsonl"
    path.write_text(dead_line(letter) + "\n")
    assert list(read_dead_letters(path, Fields())) == [letter]


def test_an_item_that_could_not_be_tagged_is_read_again_whole(read, tmp_path):
    row = {"isi": "???", "judul": "J", "id": 7, "date": "2024-10-29", "url": "u", "outlet": "o"}
    (item,) = read("a.jsonl", json.dumps(row), text="isi", title="judul")
    items = [item, replace(item, extracted=True, source=item.source.model_copy(update={"extent": Extent.TEASER}))]
    path = tmp_path / "x.dead.jsonl"
    path.write_text("".join(dead_line(i.dead(DeadCode.NO_WORDS, "the text holds no word")) for i in items))
    assert list(read_dead_letters(path, Fields())) == items


LETTER = DeadLetter("a", 1, 0, DeadCode.NOT_JSON, "r", Format.JSON, None, "x", None, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x", "no dead letter: not JSON"),
        ("[]", "not a JSON object but list"),
        ("{}", "no 'file'"),
        (dead_line(replace(LETTER, line="1")), "'line' is str, not int"),
        (dead_line(replace(LETTER, code="odd")), "'odd' is not a valid DeadCode"),
        (dead_line(replace(LETTER, format="odd")), "'odd' is not a valid Format"),
        (dead_line(replace(LETTER, raw=None)), "give one of 'raw' and 'raw_base64'"),
        (dead_line(replace(LETTER, raw=None, raw_base64="?")), "'raw_base64'"),
        (dead_line(replace(LETTER, columns=[1])), "'columns'"),
        (dead_line(LETTER).replace('"raw"', '"row"'), "no 'raw'"),
        (dead_line(LETTER).replace('"raw"', '"x": 1, "raw"'), "unknown 'x'"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_line_that_is_no_dead_letter_is_an_error(tmp_path, line, message):
    path = tmp_path / "x.dead.jsonl"
    path.write_text(dead_line(LETTER) + line)
    with pytest.raises(NetralitasError, match=rf"x\.dead\.jsonl:2: .*{message}"):
        list(read_dead_letters(path, Fields()))
    with pytest.raises(NetralitasError, match="cannot be read"):
        list(read_dead_letters(tmp_path / "none", Fields()))
