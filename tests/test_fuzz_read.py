"""Mutated files of every format: no reader raises, hangs or loses a row.

The mutations know what the formats are made of. They are seeded: a failure names its seed, and
``mutated(FORMAT, SEED)`` gives the input again.
"""

import csv
import io
import json
import random
import re
import time
from functools import cache

import pytest

from nlp.errors import NetralitasError
from nlp.read import DeadLetter, Fields, Item, read_dead_letters, read_stream
from nlp.write import dead_line
from tests.test_formats import ATOM, PACK, PAGE, PARAGRAPHS, RSS, arrow_of, csv_of, pa, parquet_of

SLOWEST = 5.0
"""No small file may take longer, in seconds, on a busy machine."""
ROWS = [
    {
        "id": str(n),
        "title": f"Judul {n}",
        "text": f'{p}\nKata "{n}", lagi; é 😀',
        "date": f"2024-10-{n + 10}",
        "url": "u",
    }
    for n, p in enumerate(PARAGRAPHS * 3)
]
JSONL = "".join(json.dumps(r, ensure_ascii=bool(n % 2)) + "\n" for n, r in enumerate(ROWS)).encode()
VALID = {
    "jsonl": JSONL,
    "csv": csv_of(ROWS, ","),
    "tsv": csv_of(ROWS, "\t"),
    "txt": "\n\n".join(PARAGRAPHS).encode(),
    "html": PAGE.encode(),
    "rss": RSS.encode(),
    "atom": ATOM.encode(),
    "parquet": parquet_of(ROWS, row_group_size=3, compression="none"),
    "arrow": arrow_of(ROWS),
    "ipc": arrow_of(ROWS, new=pa.ipc.new_stream),
    "jsonl.gz": PACK[".gz"](JSONL),
    "jsonl.xz": PACK[".xz"](JSONL),
    "csv.zst": PACK[".zst"](csv_of(ROWS, ",")),
}
COUNT = {"jsonl": 500, "csv": 500, "tsv": 250, "txt": 100, "html": 120, "rss": 200, "atom": 120, "parquet": 250}
"""Mutated inputs of a format; of the others 120."""
FRAGMENTS = [
    *(
        b'"',
        b'""',
        b"'",
        b",",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n \n",
        b"\\",
        b"\0",
        b"\xef\xbb\xbf",
        b"\x1a",
        b"\x85",
    ),
    *(b"{", b"}", b"[", b"]", b"null", b"NaN", b"-0", b"1e999", b"1" * 5000, b"[" * 3000, b'{"a":' * 2000, b"\\ud800"),
    *(b'"text":', b'{"text": 1}', b'"id": 1.5,', b'"date": "9999-99-99",', b'"text": null,', b"\\u0000", b"{}\n"),
    *(b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xc3", b"\xe2\x80\xa8", "é".encode("latin-1"), "x".encode("utf-16")),
    *(
        b"<",
        b">",
        b"&",
        b"&nbsp;",
        b"&#0;",
        b"&#xd800;",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"<item>",
        b"</item>",
        b"</rss>",
    ),
    *(b"<div>" * 500, b"<script>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<?xml version='1.0' encoding='utf-7'?>"),
    *(b"ARROW1", b"PAR1", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"\x28\xb5\x2f\xfd"),
]


def flip(data, rng):
    for _ in range(rng.choice((1, 1, 3, 20))):
        data[rng.randrange(len(data))] = rng.randrange(256)


def cut(data, rng):
    del data[rng.randrange(len(data)) :]


def drop(data, rng):
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 4, 50))]


def duplicate(data, rng):
    a, b = sorted(rng.choices(range(len(data) + 1), k=2))
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[a:b]


def insert(data, rng):
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(FRAGMENTS)


def replace_token(data, rng):
    """Put a fragment in the place of a token, so that what is around it stays well formed."""
    tokens = list(re.finditer(rb'"[^"\n]{0,40}"|\d+|<[^<>\n]{1,40}>|[\n,\t]', data))
    if tokens:
        token = rng.choice(tokens)
        data[token.start() : token.end()] = rng.choice(FRAGMENTS)


def shuffle_lines(data, rng):
    lines = data.splitlines(keepends=True)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    data[:] = b"".join(lines)


def damage_ends(data, rng):
    at = rng.randrange(min(16, len(data)))
    place = at if rng.random() < 0.5 else len(data) - 1 - at
    data[place] = rng.randrange(256)


def mix_encodings(data, rng):
    """A part in another encoding."""
    a, b = sorted(rng.choices(range(len(data) + 1), k=2))
    data[a:b] = data[a:b].decode("utf-8", "replace").encode(rng.choice(("utf-16", "latin-1")), "replace")


MUTATIONS = (flip, cut, drop, duplicate, insert, insert, replace_token, replace_token, shuffle_lines, damage_ends)


def mutated(name, seed):
    rng = random.Random(f"{name} {seed}")
    data = bytearray(VALID[name])
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if data:
            rng.choice((*MUTATIONS, mix_encodings))(data, rng)
    return bytes(data)


def lines_of(content):
    return content.split(b"\n")[: None if content[-1:] != b"\n" else -1] if content else []


def begins_of_json(content):
    """The lines that are not blank."""
    lines = lines_of(content)
    if lines:
        lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    return [n for n, line in enumerate(lines, 1) if line.rstrip(b"\r\n").strip()]


def begins_of_csv(content, delimiter):
    """The lines at which rows begin, as the csv module sees them; the header is none."""
    text = content.decode("utf-8-sig", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    begins = []
    while True:
        begin = reader.line_num + 1
        try:
            if next(reader) or begin == 1:
                begins.append(begin)
        except csv.Error:
            begins.append(begin)
        except StopIteration:
            return begins[1:]


@cache
def results(name):
    """Every mutated input of a format with the rows it gave, or the error, and the seconds it took."""
    out = []
    for seed in range(COUNT.get(name, 120)):
        content = mutated(name, seed)
        start = time.perf_counter()
        try:
            rows = list(read_stream(io.BytesIO(content), f"a.{name}", Fields()))
        except NetralitasError as e:
            rows = e
        except Exception as e:
            raise AssertionError(f"{name} {seed}: {e!r}") from e
        out.append((seed, content, rows, time.perf_counter() - start))
    return out


def test_there_are_enough_inputs():
    assert sum(COUNT.get(name, 120) for name in VALID) >= 2000
    assert mutated("csv", 1) == mutated("csv", 1) != mutated("csv", 2)


@pytest.mark.parametrize("name", VALID)
def test_nothing_is_raised_and_nothing_hangs(name):
    kinds = set()
    for seed, _, rows, seconds in results(name):
        assert seconds < SLOWEST, f"{name} {seed}: {seconds} s"
        if isinstance(rows, NetralitasError):
            assert "no column 'text'" in str(rows) or "the header is no CSV" in str(rows), f"{name} {seed}"
        else:
            assert all(isinstance(r, Item | DeadLetter) for r in rows)
            kinds |= {type(r) for r in rows}
            assert all("\n" not in r.reason for r in rows if isinstance(r, DeadLetter)), f"{name} {seed}"
            assert all(r.text.strip() and "\0" not in r.text for r in rows if isinstance(r, Item)), f"{name} {seed}"
    assert kinds == {Item, DeadLetter}, "the mutations are too mild, or too wild"


def test_no_line_of_json_lines_is_lost():
    for seed, content, rows, _ in results("jsonl"):
        assert [r.line for r in rows] == begins_of_json(content), seed
        check_offsets(content, rows, seed)


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_no_row_of_a_table_is_lost(name, delimiter):
    for seed, content, rows, _ in results(name):
        if not isinstance(rows, NetralitasError):
            assert [r.line for r in rows] == begins_of_csv(content, delimiter), seed
            check_offsets(content, rows, seed)


def check_offsets(content, rows, seed):
    begins = [0]
    for line in content.split(b"\n"):
        begins.append(begins[-1] + len(line) + 1)
    assert [r.offset for r in rows] == [begins[r.line - 1] for r in rows], seed


@pytest.mark.parametrize("name", ["parquet", "arrow", "ipc", "rss", "atom"])
def test_rows_of_tables_and_feeds_have_numbers_of_their_own(name):
    for seed, _, rows, _ in results(name):
        if not isinstance(rows, NetralitasError):
            lines = [r.line for r in rows]
            assert lines == sorted(set(lines)), seed


@pytest.mark.parametrize("name", ["txt", "html"])
def test_a_file_that_is_one_text_gives_one_row(name):
    for seed, _, rows, _ in results(name):
        assert len(rows) == 1, seed


@pytest.mark.parametrize("name", ["jsonl.gz", "jsonl.xz", "csv.zst"])
def test_a_broken_archive_ends_in_one_dead_letter(name):
    for seed, _, rows, _ in results(name):
        if not isinstance(rows, NetralitasError):
            codes = [r.code for r in rows if isinstance(r, DeadLetter)]
            assert codes.count("unreadable") <= 1, seed
            assert "unreadable" not in codes or getattr(rows[-1], "code", None) == "unreadable", seed
            lines = [r.line for r in rows]
            assert lines == sorted(set(lines)), seed


@pytest.mark.parametrize("name", VALID)
def test_every_dead_letter_can_be_read_again(name, tmp_path):
    path = tmp_path / "x.dead.jsonl"
    for seed, _, rows, _ in results(name):
        letters = [] if isinstance(rows, NetralitasError) else [r for r in rows if isinstance(r, DeadLetter)]
        letters = letters[: 3 if name in ("html", "rss", "atom") else 20]
        path.write_text("".join(map(dead_line, letters)), encoding="utf-8")
        again = list(read_dead_letters(path, Fields()))
        assert len(again) >= len(letters), seed
        if name in ("jsonl", "csv", "tsv", "txt"):
            assert again == letters, seed


@pytest.mark.parametrize("seed", range(60))
def test_rows_over_the_limit_do_not_swallow_their_neighbours(seed, monkeypatch):
    for module in ("streams", "table"):
        monkeypatch.setattr(f"nlp.read.{module}.MAX_BYTES", 40)
    rng = random.Random(seed)
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["id", "text"])
    for n in range(40):
        writer.writerow([n, "".join(rng.choices(['"', '""', ",", "\n", "kata ", "é"], k=rng.choice((3, 10, 60))))])
    content = sink.getvalue().encode()
    rows = list(read_stream(io.BytesIO(content), "a.csv", Fields()))
    begins = begins_of_csv(content, ",")
    assert [r.line for r in rows] == begins
    check_offsets(content, rows, seed)
    ends = [*(r.offset for r in rows[1:]), len(content)]
    long = [end - r.offset > 40 for r, end in zip(rows, ends, strict=True)]
    assert [getattr(r, "code", None) == "too_long" for r in rows] == long
