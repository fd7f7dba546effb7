"""Formats, compressions, directories and patterns: the same text is read from each, and what is broken is told."""

import datetime as dt
import gzip
import importlib.util
import io
import json
import lzma
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from nlp.errors import NetralitasError
from nlp.read import DeadCode, DeadLetter, Fields, Format, Item, expand, read_dead_letters, read_sources, read_stream
from nlp.read import arrow as arrow_module
from nlp.read import pages as pages_module
from nlp.read.feeds import plain
from nlp.schema import Extent
from nlp.write import dead_line

ROWS = [
    {
        "id": "1",
        "title": "Judul satu",
        "text": 'Isi satu.\nBaris dua, "kutip".',
        "date": "2024-10-29",
        "url": "https://x.id/1",
    },
    {"id": "2", "title": "", "text": "Isi dua — é 😀.", "date": "2024-10-30", "url": "https://x.id/2"},
]
PARAGRAPHS = [
    "Bawaslu Kabupaten Kudus meregistrasi laporan dugaan pelanggaran netralitas aparatur sipil negara pada Senin.",
    "Camat Undaan disebut hadir dalam kampanye salah satu pasangan calon dan berfoto dengan dua jari di lapangan desa.",
    "Ketua Bawaslu mengatakan bahwa laporan itu akan dikaji selama lima hari sebelum diteruskan kepada instansi lain.",
]
PAGE = f"""<!doctype html><html lang="id"><head><meta charset="utf-8"><title>Camat dilaporkan | Kabar Kudus</title>
<meta property="og:title" content="Camat dilaporkan"><meta property="og:site_name" content="Kabar Kudus">
<meta property="article:published_time" content="2024-10-07T08:00:00+07:00">
<link rel="canonical" href="https://kabar.example/camat"></head><body><nav><a href="/">Beranda</a></nav>
<article><h1>Camat dilaporkan</h1>{"".join(f"<p>{p}</p>" for p in PARAGRAPHS)}</article>
<footer>Hak cipta</footer></body></html>"""
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Kabar &amp; Kudus</title>
<link>https://kabar.example</link><description>x</description>
<item><title>Judul &quot;satu&quot;</title><link>https://kabar.example/1</link><guid>g-1</guid>
<pubDate>Tue, 29 Oct 2024 01:00:00 +0700</pubDate><description>Ringkasan satu.</description>
<content:encoded><![CDATA[<p>Alinea <b>satu</b> &amp; lagi.</p><script>x()</script>
<p>Alinea dua.<br>Baris.</p>]]></content:encoded>
</item>
<item><title>Judul dua</title><link>https://kabar.example/2</link><guid>g-2</guid>
<description>&lt;p&gt;Ringkasan &lt;i&gt;dua&lt;/i&gt; &amp;hellip;&lt;/p&gt;</description></item>
<item><title>Judul tiga</title><link>https://kabar.example/3</link></item>
</channel></rss>"""
SPACES = {
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "dc": "http://purl.org/dc/elements/1.1/",
}
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Kabar</title><id>f</id><updated>2024-10-29T00:30:00+07:00</updated>
<entry><title>Judul satu</title><id>tag:1</id><link href="https://kabar.example/1"/>
<updated>2024-10-29T00:30:00+07:00</updated><content type="html">&lt;p&gt;Isi satu.&lt;/p&gt;</content></entry>
<entry><title>Judul dua</title><id>tag:2</id><published>2024-10-30T00:30:00+07:00</published>
<updated>2024-11-29T00:30:00+07:00</updated><summary>Isi &lt; dua.</summary></entry>
</feed>"""


def csv_of(rows, delimiter):
    quoted = [delimiter.join('"' + v.replace('"', '""') + '"' for v in r.values()) for r in rows]
    return "\n".join([delimiter.join(rows[0]), *quoted]).encode() + b"\n"


def arrow_of(rows, schema=None, new=pa.ipc.new_file):
    table = pa.Table.from_pylist(rows, schema)
    sink = io.BytesIO()
    with new(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    return sink.getvalue()


def parquet_of(rows, schema=None, **options):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), sink, **options)
    return sink.getvalue()


FILES = {
    "a.jsonl": "".join(json.dumps(r) + "\n" for r in ROWS).encode(),
    "a.ndjson": "\n".join(json.dumps(r, ensure_ascii=False) for r in ROWS).encode(),
    "a.csv": csv_of(ROWS, ","),
    "a.tsv": csv_of(ROWS, "\t"),
    "a.parquet": parquet_of(ROWS),
    "a.arrow": arrow_of(ROWS),
    "a.feather": arrow_of(ROWS),
    "a.ipc": arrow_of(ROWS, new=pa.ipc.new_stream),
}
OTHERS = {
    "a.txt": b"satu\n\ndua",
    "a.html": PAGE.encode(),
    "a.HTM": PAGE.encode(),
    "a.rss": RSS.encode(),
    "a.xml": RSS.encode(),
    "a.atom": ATOM.encode(),
}
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".GZ": gzip.compress,
}


@pytest.fixture
def read(tmp_path):
    """Write bytes under a name and read them back."""

    def reader(name, content, **fields):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_sources([str(path)], Fields(**fields)))

    return reader


@pytest.fixture
def again(tmp_path):
    """Write dead letters and read them again."""

    def reader(letters, **fields):
        path = tmp_path / "again.dead.jsonl"
        path.write_text("".join(map(dead_line, letters)))
        return list(read_dead_letters(path, Fields(**fields)))

    return reader


def bare(rows):
    return [replace(r, file="", line=0, offset=None) for r in rows]


def broken(rows):
    return [(r.line, r.code) for r in rows if isinstance(r, DeadLetter)]


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("name", FILES)
def test_every_format_and_compression_gives_the_same_items(read, name, packed):
    rows = read(name + packed, PACK[packed](FILES[name]))
    assert bare(rows) == bare(read("plain.jsonl", FILES["a.jsonl"]))
    assert [r.text for r in rows] == ['Judul satu\n\nIsi satu.\nBaris dua, "kutip".', "Isi dua — é 😀."]
    lines = {".csv": [2, 4], ".tsv": [2, 4]}.get(name[1:], [1, 2])
    assert [r.line for r in rows] == lines
    if name[1:] in (".parquet", ".arrow", ".feather", ".ipc"):
        assert [r.offset for r in rows] == [None, None]
    else:
        assert [FILES[name][r.offset - 1 : r.offset] for r in rows] == [b"" if lines[0] == 1 else b"\n", b"\n"]


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_format_is_read_from_every_compression(read, name, packed):
    rows = read(name + packed, PACK[packed](OTHERS[name]))
    assert rows
    assert all(isinstance(r, Item) for r in rows)
    assert bare(rows) == bare(read("plain" + name[1:], OTHERS[name]))


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_members_one_after_another_are_one_file(read, packed):
    rows = read("a.jsonl" + packed, b"".join(PACK[packed](line + b"\n") for line in FILES["a.jsonl"].splitlines()))
    assert bare(rows) == bare(read("a.jsonl", FILES["a.jsonl"]))


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.html", "a.rss", "a.parquet", "a.arrow"])
def test_a_cut_archive_gives_what_could_be_read_and_one_dead_letter(read, again, name, packed):
    """Rows of random letters, so that a cut archive is a cut file too."""
    texts = [f"{n} {os.urandom(400).hex()}" for n in range(300)]
    rows = [{"id": str(n), "text": t} for n, t in enumerate(texts)]
    content = {
        "a.jsonl": "".join(json.dumps(r) + "\n" for r in rows).encode(),
        "a.csv": csv_of(rows, ","),
        "a.txt": "\n".join(texts[:100]).encode(),
        "a.html": PAGE.replace("</article>", "".join(f"<p>{t}</p>" for t in texts) + "</article>").encode(),
        "a.rss": RSS.replace(
            "</channel>", "".join(f"<item><title>{t}</title></item>" for t in texts) + "</channel>"
        ).encode(),
        "a.parquet": parquet_of(rows, row_group_size=100),
        "a.arrow": arrow_of(rows),
    }[name]
    whole = PACK[packed](content)
    found = read(name + packed, whole[: len(whole) * 3 // 4])
    items, letters = found[:-1], found[-1:]
    assert [r.code for r in letters] == [DeadCode.UNREADABLE]
    assert letters[0].truncated
    assert "get the file again" in letters[0].reason
    assert all(isinstance(r, Item) for r in items)
    assert bare(items) == bare(read(name, content)[: len(items)])
    assert (len(items) > 50) == (name in ("a.jsonl", "a.csv", "a.rss", "a.arrow"))
    assert again(letters) == letters
    if name == "a.jsonl":
        assert letters[0].line == len(items) + 1
        assert content[letters[0].offset :].startswith(letters[0].raw.encode())


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("content", [b"", b"no archive", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08", b"\xfd7zXZ\0"])
def test_what_is_no_archive_is_a_dead_letter(read, packed, content):
    rows = read("a.jsonl" + packed, content)
    assert [r.code for r in rows] in ([DeadCode.UNREADABLE], [] if not content else None)


def test_damage_within_an_archive_and_garbage_after_it_are_told(read):
    packed = bytearray(gzip.compress(b"".join(b'{"text": "%d"}\n' % n for n in range(20_000))))
    packed[len(packed) // 2 : len(packed) // 2 + 20] = b"\0" * 20
    *items, last = read("a.jsonl.gz", bytes(packed))
    assert (last.code, last.line) == (DeadCode.UNREADABLE, items[-1].line + 1)
    *items, last = read("a.jsonl.gz", gzip.compress(b'{"text": "a"}\n') + b"garbage")
    assert ([r.text for r in items], last.code, last.line) == (["a"], DeadCode.UNREADABLE, 2)


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.html", "a.rss"])
def test_a_bomb_is_one_dead_letter(read, name, packed):
    head = b"text\n" if name == "a.csv" else b""
    (row,) = read(name + packed, PACK[packed](head + b"a" * 40_000_000))
    assert row.code == DeadCode.TOO_LONG
    assert row.truncated


def test_what_xml_expands_into_is_bounded(read):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e0 "x">{entities}]>' + RSS.split("?>", 1)[1]
    rows = read("a.rss", bomb.replace("Ringkasan satu.", "&e11;"))
    assert all(len(getattr(r, "text", "")) < 1000 for r in rows)


def test_tables_may_hold_dates_numbers_and_nothing(read):
    zone = pa.timestamp("ns", "Asia/Jakarta")
    moment = dt.datetime(2024, 10, 28, 18, tzinfo=dt.UTC)
    schema = pa.schema(
        [("text", pa.large_string()), ("title", pa.dictionary(pa.int8(), pa.string())), ("id", pa.int64())]
    )
    for kind, value, day in (
        (pa.date32(), dt.date(2024, 10, 29), dt.date(2024, 10, 29)),
        (pa.timestamp("s"), dt.datetime(2024, 10, 29, 8), dt.date(2024, 10, 29)),
        (zone, moment, dt.date(2024, 10, 29)),
        (pa.string(), "2024-10-29", dt.date(2024, 10, 29)),
        (pa.string(), None, None),
        (zone, None, None),
    ):
        rows = [{"text": "isi", "title": "J", "id": 7, "date": value}, {"text": None, "title": "J", "id": None}]
        schema_ = schema.append(pa.field("date", kind))
        for name, content in (("a.parquet", parquet_of(rows, schema_)), ("a.arrow", arrow_of(rows, schema=schema_))):
            first, second = read(name, content)
            assert (first.text, first.id, first.date, first.source.title) == ("J\n\nisi", "7", day, "J")
            assert (second.text, second.id, second.date) == ("J\n\n", None, None)


@pytest.mark.parametrize("write", [parquet_of, arrow_of])
@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (pa.int64(), 5, "bad_field"),
        (pa.binary(), b"isi", "bad_field"),
        (pa.list_(pa.string()), ["isi"], "bad_field"),
        (pa.struct([("a", pa.string())]), {"a": "isi"}, "bad_field"),
        (pa.string(), None, "empty_text"),
        (pa.null(), None, "empty_text"),
        (pa.string(), "a\0", "bad_character"),
        (pa.string(), "a" * 2_000_001, "too_long"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_value_of_another_type_is_a_dead_letter(read, again, write, kind, value, code):
    name = "a.parquet" if write is parquet_of else "a.arrow"
    rows = read(name, write([{"text": value}, {"text": value}], pa.schema([("text", kind)])))
    assert broken(rows) == [(1, code), (2, code)]
    assert {r.format for r in rows} == {Format.ARROW}
    assert again(rows) == rows or code == "bad_field"
    assert [r.code for r in again(rows)] == [code, code]


def test_text_of_a_table_that_is_no_utf8_spoils_its_row_only(read, again):
    column = pa.array([b"a", b"\xff", b"c"], pa.binary()).view(pa.string())
    sink = io.BytesIO()
    table = pa.table({"text": column})
    pq.write_table(table, sink)
    stream = io.BytesIO()
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    for name, content in (("a.parquet", sink.getvalue()), ("a.arrow", stream.getvalue())):
        rows = read(name, content)
        assert broken(rows) == [(2, "not_utf8")]
        assert [r.text for r in rows if isinstance(r, Item)] == ["a", "c"]


def test_dates_that_python_does_not_know_spoil_their_row_only(read):
    column = pa.array([0, 2**60], pa.int64()).cast(pa.timestamp("s"))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, pa.schema([("text", pa.string()), ("date", column.type)])) as writer:
        writer.write_table(pa.table({"text": ["a", "b"], "date": column}))
    rows = read("a.arrow", sink.getvalue())
    assert broken(rows) == [(2, "bad_field")]
    assert rows[0].date == dt.date(1970, 1, 1)


def test_a_repaired_row_of_a_table_is_read_by_the_names_it_had(read, again):
    rows = [{"isi": "a", "hari": "besok", "lain": 1}]
    (letter,) = read("a.parquet", parquet_of(rows), text="isi", date="hari")
    assert json.loads(letter.raw) == {"isi": "a", "hari": "besok"}
    (item,) = again([replace(letter, raw=letter.raw.replace("besok", "2024-01-02"))], text="isi", date="hari")
    assert (item.text, item.date, item.line) == ("a", dt.date(2024, 1, 2), 1)


def test_a_broken_row_group_is_one_dead_letter_and_the_others_are_read(read):
    rows = [{"text": f"{n} {os.urandom(50).hex()}"} for n in range(300)]
    content = bytearray(parquet_of(rows, row_group_size=100, compression="none", use_dictionary=False))
    meta = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(1).column(0)
    content[meta.data_page_offset : meta.data_page_offset + 30] = b"\xff" * 30
    found = read("a.parquet", bytes(content))
    assert broken(found) == [(101, "unreadable")]
    assert [r.line for r in found] == [*range(1, 102), *range(201, 301)]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather", "a.ipc"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"ARROW1", b"x" * 1000, b"PAR1" + b"\xff" * 50 + b"PAR1"])
def test_what_is_no_table_is_one_dead_letter(read, name, content):
    assert broken(read(name, content)) == [(1, "unreadable")]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.ipc"])
def test_a_table_without_text_is_an_error(read, name):
    content = parquet_of([{"isi": "a"}]) if name == "a.parquet" else arrow_of([{"isi": "a"}])
    with pytest.raises(NetralitasError, match=r"a\.\w+: no column 'text' \(has: isi\); name it with --text"):
        read(name, content)


def test_few_rows_of_a_table_are_held_at_once(read, monkeypatch):
    seen = []
    rows = arrow_module._rows
    monkeypatch.setattr(arrow_module, "_rows", lambda b, *a: seen.append(b.num_rows) or rows(b, *a))
    assert len(read("a.parquet", parquet_of([{"text": f"t {n}"} for n in range(1000)]))) == 1000
    assert max(seen) <= 64


def test_a_page_gives_title_text_date_address_and_outlet(read):
    (item,) = read("a.html", PAGE)
    assert item.text == "Camat dilaporkan\n" + "\n".join(PARAGRAPHS) or item.text == "Camat dilaporkan\n\n" + "\n".join(
        PARAGRAPHS
    )
    source = item.source
    assert (source.url, source.outlet, source.title) == (
        "https://kabar.example/camat",
        "Kabar Kudus",
        "Camat dilaporkan",
    )
    assert (item.date, item.id, item.extracted, source.extent) == (dt.date(2024, 10, 7), None, True, Extent.FULL)


def test_a_page_of_a_title_only_is_a_headline(read):
    page = "<html><head><title>Camat dilaporkan</title></head><body></body></html>"
    (item,) = read("a.html", page)
    assert (item.text.strip(), item.source.extent, item.extracted) == ("Camat dilaporkan", Extent.HEADLINE, True)


def test_a_page_in_another_encoding_is_read(read):
    page = PAGE.replace("utf-8", "windows-1252").replace("Senin.", "Senin café.")
    (item,) = read("a.html", page.encode("windows-1252"))
    assert "café" in item.text


@pytest.mark.parametrize("content", [b"", b" ", b"\0\0", b"<html><body></body></html>", b"<html>", b"<p>", b"\xff\xfe"])
def test_a_page_without_an_article_is_a_dead_letter(read, again, content):
    (letter,) = read("a.html", content)
    assert (letter.code, letter.line, letter.offset, letter.format) == (DeadCode.NO_ARTICLE, 1, 0, Format.HTML)
    assert again([letter]) == [letter]
    (item,) = again([replace(letter, raw=PAGE, raw_base64=None)])
    assert item.source.extent == Extent.FULL


def test_whatever_the_extraction_raises_ends_no_run(read, monkeypatch):
    def fail(*_, **__):
        raise RecursionError("deep")

    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    assert broken(read("a.html", PAGE)) == [(1, "unreadable")]
    monkeypatch.setattr("feedparser.parse", fail)
    assert broken(read("a.rss", RSS)) == [(1, "unreadable")]
    assert pages_module.MAX_PAGE < 20_000_000


def test_a_deep_page_ends(read):
    assert len(read("a.html", "<div>" * 50_000 + "x")) == 1


def test_a_feed_gives_an_item_an_entry(read):
    one, two, three = read("a.rss", RSS)
    assert one.text == 'Judul "satu"\n\nAlinea satu & lagi.\nAlinea dua.\nBaris.'
    assert (one.id, one.line, one.date) == ("g-1", 1, dt.date(2024, 10, 29))
    assert (one.source.url, one.source.outlet) == ("https://kabar.example/1", "Kabar & Kudus")
    assert (two.text, two.date, two.line) == ("Judul dua\n\nRingkasan dua …", None, 2)
    assert (three.text, three.id) == ("Judul tiga\n\n", None)
    assert [i.source.extent for i in (one, two, three)] == [Extent.FULL, Extent.TEASER, Extent.HEADLINE]
    assert all(i.extracted for i in (one, two, three))


def test_an_atom_feed(read):
    one, two = read("a.atom", ATOM)
    assert (one.text, one.id, one.date, one.source.extent) == (
        "Judul satu\n\nIsi satu.",
        "tag:1",
        dt.date(2024, 10, 29),
        Extent.FULL,
    )
    assert (two.text, two.date, two.source.extent) == ("Judul dua\n\nIsi < dua.", dt.date(2024, 10, 30), Extent.TEASER)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("name", ["media:description", "media:title", "itunes:summary", "dc:description", "dc:title"])
def test_what_is_said_of_a_picture_is_not_the_entry(read, name, place):
    own = "<title>Judul</title><description>Isi berita.</description>"
    other = f"<media:content url='x'><{name}>Foto: x</{name}></media:content>"
    spaces = "".join(f'xmlns:{p}="{u}" ' for p, u in SPACES.items())
    entry = other + own if place == "before" else own + other
    (item,) = read(
        "a.rss", f"<rss version='2.0' {spaces}><channel><title>K</title><item>{entry}</item></channel></rss>"
    )
    assert (item.text, item.source.extent) == ("Judul\n\nIsi berita.", Extent.TEASER)


def test_a_bad_entry_is_a_dead_letter_that_can_be_repaired(read, again):
    feed = RSS.replace("Tue, 29 Oct 2024 01:00:00 +0700", "Selasa Pahing").replace("<title>Judul tiga</title>", "")
    rows = read("a.rss", feed)
    assert broken(rows) == [(1, "bad_field"), (3, "empty_text")]
    assert again([rows[0]]) == [rows[0]]
    (item,) = again([replace(rows[0], raw=rows[0].raw.replace("Selasa Pahing", "2024-10-29"))])
    assert item == replace(read("a.rss", RSS)[0], file=item.file)


def test_a_cut_feed_gives_its_whole_entries_and_one_dead_letter(read):
    rows = read("a.rss", RSS[: RSS.index("Ringkasan &lt;i")])
    assert [r.line for r in rows] == [1, 2]
    assert rows[0] == read("a.rss", RSS)[0]
    assert broken(rows) == [(2, "unreadable")]
    assert rows[1].raw.strip().startswith("<item><title>Judul dua")


def test_a_feed_with_a_flaw_is_read(read):
    rows = read("a.rss", RSS.replace("Ringkasan satu.", "&nbsp;Ringkasan <b>satu").replace("Judul dua", "A & B"))
    assert [r.id for r in rows] == ["g-1", "g-2", None]
    assert rows[1].source.title == "A & B"


@pytest.mark.parametrize("content", ["", "<html><body>x</body></html>", "<urlset><url/></urlset>", "x", "<rss", "\0"])
def test_what_is_no_feed_is_a_dead_letter(read, again, content):
    (letter,) = read("a.xml", content)
    assert (letter.code, letter.line, letter.format) == (DeadCode.UNREADABLE, 1, Format.FEED)
    assert [r.source.extent for r in again([replace(letter, raw=RSS)])] == ["full", "teaser", "headline"]


def test_a_feed_without_entries_gives_none(read):
    assert read("a.rss", RSS[: RSS.index("<item>")] + "</channel></rss>") == []


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a  b\nc", "a  b\nc"),
        ("<p>a\n b</p>c<br/>d", "a b\nc\nd"),
        ("a<script>b</script>c<!-- d -->e<style>f</style>", "ace"),
        ("x &lt; y &amp; z", "x < y & z"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<", "<"),
        ("<!-- a -->", ""),
        ("a\x00<b>b</b>\x1f", "a b"),
        ("&#0;a", "a"),
    ],
)
def test_html_is_made_plain(markup, text):
    assert plain(markup, "text/html").replace("\ufffd", "") == text


@pytest.fixture
def tree(tmp_path):
    """A directory of files, with hidden ones and one of an unknown suffix."""
    for name in ("b/2.jsonl", "b/10.jsonl", "a.csv", "c.txt", ".x.jsonl", ".git/y.jsonl", "b/.z/w.jsonl", "d.pdf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text({"csv": f"text\n{name}", "txt": name}.get(name[-3:], json.dumps({"text": name})))
    (tmp_path / "empty").mkdir()
    return tmp_path


def relative(files, tree):
    return [os.path.relpath(f, tree) for f in files]


def test_a_directory_is_walked_in_order_without_what_is_hidden(tree):
    assert relative(expand([str(tree)]), tree) == ["a.csv", "b/10.jsonl", "b/2.jsonl", "c.txt", "d.pdf"]
    rows = list(read_sources([str(tree)], Fields()))
    assert [r.text for r in rows if isinstance(r, Item)] == ["a.csv", "b/10.jsonl", "b/2.jsonl", "c.txt"]
    (letter,) = [r for r in rows if isinstance(r, DeadLetter)]
    assert (letter.code, letter.line, letter.raw, letter.format) == (DeadCode.UNKNOWN_SUFFIX, 1, "", None)
    assert letter.reason.startswith("unknown suffix '.pdf'; known are .jsonl")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.csv", ["a.csv"]),
        ("**/*.jsonl", ["b/10.jsonl", "b/2.jsonl"]),
        ("**", ["a.csv", "b/10.jsonl", "b/2.jsonl", "c.txt", "d.pdf"]),
        ("[ab]*", ["a.csv", "b/10.jsonl", "b/2.jsonl"]),
        ("b/?.jsonl", ["b/2.jsonl"]),
    ],
)
def test_patterns(tree, pattern, expected):
    assert relative(expand([str(tree / pattern)]), tree) == expected


def test_the_order_of_sources_is_kept_and_a_name_with_brackets_is_a_name(tree):
    (tree / "[1].txt").write_text("x")
    sources = [str(tree / "c.txt"), "-", str(tree / "[1].txt"), str(tree / "b")]
    assert relative(expand(sources), tree)[2:] == ["[1].txt", "b/10.jsonl", "b/2.jsonl"]
    assert expand(sources)[1] == "-"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["*.xlsx"], r"\*\.xlsx: no file fits this pattern"),
        (["empty/*"], "no file fits this pattern"),
        (["empty"], "empty: is a directory without files"),
        (["none.jsonl"], r"none\.jsonl: cannot be read: No such file"),
        (["a.csv", "a.csv"], r"a\.csv: is among the sources twice; name it once"),
        (["a.csv", "."], r"a\.csv: is among the sources twice"),
        (["b", "**/2.jsonl"], r"2\.jsonl: is among the sources twice"),
        (["link.csv", "a.csv"], r"a\.csv: is among the sources twice \(as .*link\.csv\)"),
        (["d.pdf"], r"d\.pdf: unknown suffix '\.pdf'"),
        (["c.txt", "d.pdf"], r"d\.pdf: unknown suffix '\.pdf'"),
    ],
)
def test_sources_that_cannot_be_meant_are_errors_before_anything_is_read(tree, sources, message):
    (tree.parent / "link.csv").unlink(missing_ok=True)
    (tree.parent / "link.csv").symlink_to(tree / "a.csv")
    paths = [str((tree.parent if s == "link.csv" else tree) / s) for s in sources]
    with pytest.raises(NetralitasError, match=message):
        next(read_sources(paths, Fields()))


def test_standard_input_named_twice_is_an_error():
    with pytest.raises(NetralitasError, match="-: is among the sources twice; name it once"):
        expand(["-", "-"])


def test_a_link_that_leads_back_ends(tree):
    (tree / "b" / "up").symlink_to(tree)
    assert len(expand([str(tree)])) == 5


def test_what_cannot_be_read_in_a_directory_is_one_dead_letter(tree):
    (tree / "e.jsonl").symlink_to(tree / "nowhere")
    os.mkfifo(tree / "f.jsonl")
    (tree / "g.csv").write_text("isi\nx\n")
    (tree / "h.parquet").write_bytes(arrow_of([{"text": "a"}]))
    rows = [r for r in read_sources([str(tree)], Fields()) if isinstance(r, DeadLetter)]
    assert [(Path(r.file).name, r.code) for r in rows] == [
        ("d.pdf", "unknown_suffix"),
        ("e.jsonl", "unreadable"),
        ("f.jsonl", "unreadable"),
        ("g.csv", "no_text_field"),
        ("h.parquet", "unreadable"),
    ]
    assert all(r.truncated or r.raw is not None for r in rows)
    with pytest.raises(NetralitasError, match="no column 'text'"):
        list(read_sources([str(tree / "g.csv")], Fields()))


@pytest.mark.parametrize(
    ("name", "module", "what"),
    [
        ("a.parquet", "pyarrow", r"a\.parquet: reading \.parquet"),
        ("a.arrow", "pyarrow", r"a\.arrow: reading an Arrow table"),
        ("a.html", "trafilatura", r"a\.html: reading \.html"),
        ("a.rss", "feedparser", r"a\.rss: reading a feed"),
        ("a.jsonl.zst", "zstandard", r"a\.jsonl\.zst: reading \.zst"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name, module, what):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == module else find(n))
    with pytest.raises(NetralitasError, match=rf"^{what} needs {module}: pip install 'netralitas\[formats\]'"):
        list(read_stream(io.BytesIO(b"x"), name, Fields()))


def test_reading_lines_imports_nothing_heavy():
    heavy = ("pyarrow", "feedparser", "trafilatura", "zstandard", "lxml")
    code = f"import nlp.read, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
