"""Batch: every row gives a record or a dead letter, in order, and a file is written whole or not at all."""

import json
import re
from pathlib import Path

import pytest

from nlp.batch import Options, dead_letter_path, tag_sources
from nlp.errors import NetralitasError
from nlp.read import Fields
from nlp.record import Record
from nlp.schema import Label

GOOD = "Warga melaporkan Camat Kudus Darmaji yang diduga hadir di kampanye."


@pytest.fixture
def run(tagger, tmp_path):
    """Write rows as JSON Lines and tag them; the summary, the records and the dead letters."""

    def runner(*rows, on_record=None, **options):
        source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        source.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
        summary = tag_sources([str(source)], output, tagger, Options(**options), on_record)
        return summary, lines(output), lines(dead_letter_path(output))

    return runner


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]] if path.exists() else []


def names(directory):
    return sorted(p.name for p in directory.iterdir())


def test_records_are_in_the_order_of_the_rows(run, corpus, tagger):
    rows = [{"id": t.id, "text": t.text, "date": str(t.date)} for t in reversed(corpus[:6])]
    summary, records, dead = run(*rows)
    assert [r["id"] for r in records] == [r["id"] for r in rows]
    assert (summary.records, summary.dead, summary.dead_path, dead) == (6, 0, None, [])
    direct = tagger.tag(corpus[5].text, id=corpus[5].id, date=corpus[5].date)
    assert Record.model_validate(records[0]) == direct


def test_a_row_without_id_is_named_by_file_and_line(run):
    _, records, _ = run({"text": GOOD}, {"text": GOOD, "id": 7})
    assert [r["id"] for r in records] == ["in.jsonl:1", "7"]


def test_the_source_of_a_row_is_in_its_record(run):
    row = {"text": GOOD, "title": "Judul", "url": "https://x.id/1", "outlet": "x", "date": "2024-10-29"}
    _, (record,), _ = run(row)
    expected = {"url": "https://x.id/1", "outlet": "x", "title": "Judul", "published": "2024-10-29", "extent": None}
    assert record["source"] == expected
    assert record["election"]["type"] == []


def test_bad_rows_go_to_the_dead_letters_with_file_line_and_reason(run, tmp_path):
    summary, records, dead = run({"text": GOOD}, {"text": ""}, "rusak", {"text": GOOD}, {"isi": "x"})
    assert [r["id"] for r in records] == ["in.jsonl:1", "in.jsonl:4"]
    assert [(d["file"], d["line"]) for d in dead] == [(str(tmp_path / "in.jsonl"), n) for n in (2, 3, 5)]
    assert [d["reason"][:12] for d in dead] == ["the text is ", "not JSON: Ex", "no field 'te"]
    assert [d["raw"] for d in dead] == ['{"text": ""}', "rusak", '{"isi": "x"}']
    assert (summary.dead, summary.dead_path) == (3, tmp_path / "out.dead.jsonl")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "\u200b"}, "holds no word"),
        ({"text": "\u0301"}, ""),
        ({"text": "😀"}, ""),
        ('{"text": "x", "id": "\\ud800"}', ""),
        ('{"text": "x", "url": "\\ud800"}', ""),
        ('{"text": "x", "date": "\\ud800"}', ""),
        ('{"\\ud800": "x"}', "no field 'text'"),
        ("\ufeff\ufeff", ""),
        ('{"text": "x", "id": true}', ""),
        ('{"text": "x", "date": NaN}', ""),
        ({"text": "a\u2028b\x85c"}, ""),
    ],
    ids=lambda v: ascii(v)[:40],
)
def test_no_row_ends_the_run_and_none_is_lost(run, row, reason):
    _, records, dead = run({"text": GOOD}, row, {"text": GOOD})
    assert [r["id"] for r in records if r["id"].startswith("in.")][-1] == "in.jsonl:3"
    assert len(records) + len(dead) == 3
    assert all(d["line"] == 2 and reason in d["reason"] and "\n" not in d["reason"] for d in dead)


def test_a_file_with_an_odd_name_ends_no_run(tagger, tmp_path):
    source = tmp_path / "berkas\udcff.jsonl"
    source.write_text('{"text": ""}\n')
    assert tag_sources([str(source)], tmp_path / "out.jsonl", tagger).dead == 1


def test_a_repeated_id_is_a_dead_letter_that_names_its_first_row(run, tmp_path):
    _, records, dead = run({"text": GOOD, "id": "a"}, {"text": GOOD, "id": 1}, {"text": "Lain.", "id": "1"})
    assert [r["id"] for r in records] == ["a", "1"]
    (letter,) = dead
    assert letter["line"] == 3
    assert letter["reason"] == f"id '1' was already used at {tmp_path / 'in.jsonl'}:2"


def test_an_id_repeated_in_another_source_is_a_dead_letter(tagger, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": GOOD, "id": "x"}))
    summary = tag_sources([str(tmp_path / f"{n}.jsonl") for n in "ab"], tmp_path / "out.jsonl", tagger)
    assert (summary.records, summary.dead) == (1, 1)


def test_no_two_records_share_an_id_where_files_share_a_name(tagger, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "in.jsonl").write_text(json.dumps({"text": f"{GOOD} {name}"}))
    output = tmp_path / "out.jsonl"
    summary = tag_sources([str(tmp_path / n / "in.jsonl") for n in "ab"], output, tagger)
    assert summary.records == 2
    assert len({r["id"] for r in lines(output)}) == 2


def test_no_dead_file_where_no_row_failed_not_even_an_old_one(run, tmp_path):
    run({"text": ""})
    assert names(tmp_path) == ["in.jsonl", "out.dead.jsonl", "out.jsonl"]
    run({"text": GOOD})
    assert names(tmp_path) == ["in.jsonl", "out.jsonl"]


def test_empty_sources_give_an_empty_file(run, tmp_path):
    summary, records, _ = run()
    assert (summary.records, summary.dead, records) == (0, 0, [])
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_the_summary_counts_labels_and_abstentions(run, corpus):
    summary, records, _ = run(*({"text": t.text} for t in corpus[:8]), {"text": ""})
    counted = {label: sum(r["label"]["name"] == label for r in records) for label in summary.labels}
    assert dict(summary.labels) == counted
    assert sum(counted.values()) == summary.records == 8
    assert summary.abstained == sum(r["label"]["abstained"] for r in records)
    assert summary.dead == 1


def test_every_record_is_told_as_it_is_written(run):
    seen = []
    run(
        {"text": GOOD}, {"text": ""}, {"text": GOOD}, on_record=lambda item, record: seen.append((item.line, record.id))
    )
    assert seen == [(1, "in.jsonl:1"), (3, "in.jsonl:3")]


def test_fields_are_passed_on(run):
    _, (record,), _ = run({"isi": GOOD, "no": "n-1"}, fields=Fields(text="isi", id="no"))
    assert record["id"] == "n-1"


def test_texts_of_any_alphabet_are_written_as_one_line_each(run, tmp_path):
    run({"text": "", "x": "é 😀 \u2028"}, {"text": f"😀 {GOOD} \u2028 x\u0085y"})
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 1
    assert (tmp_path / "out.dead.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("name", ["none/out.jsonl", "in.jsonl/out.jsonl", "folder.jsonl"])
def test_an_output_that_cannot_be_written_leaves_nothing(tagger, tmp_path, name):
    source, output = tmp_path / "in.jsonl", tmp_path / name
    source.write_text(json.dumps({"text": GOOD}) + "\n{}\n")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(NetralitasError, match=f"{re.escape(str(output))}: cannot be written"):
        tag_sources([str(source)], output, tagger)
    assert names(tmp_path) == ["folder.jsonl", "in.jsonl"]


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("in.jsonl", "in.jsonl"),
        ("in.jsonl", "sub/../in.jsonl"),
        ("link.jsonl", "in.jsonl"),
        ("in.dead.jsonl", "in.jsonl"),
    ],
)
def test_an_output_that_is_a_source_is_refused(tagger, tmp_path, source, output):
    content = json.dumps({"text": GOOD}) + "\n"
    (tmp_path / "sub").mkdir()
    for name in ("in.jsonl", "in.dead.jsonl"):
        (tmp_path / name).write_text(content)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "in.jsonl")
    before = names(tmp_path)
    with pytest.raises(NetralitasError, match="is one of the sources; choose another output"):
        tag_sources([str(tmp_path / source)], tmp_path / output, tagger)
    assert names(tmp_path) == before
    assert (tmp_path / "in.dead.jsonl").read_text() == (tmp_path / "in.jsonl").read_text() == content


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("x"), MemoryError])
def test_a_stopped_run_leaves_no_output_and_goes_on(run, tmp_path, error):
    def stop(item, record):
        if item.line == 3:
            raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        run({"text": GOOD}, {"text": ""}, {"text": GOOD}, {"text": GOOD}, on_record=stop)
    assert names(tmp_path) == ["in.jsonl", "out.jsonl.run"]
    _, records, dead = run({"text": GOOD}, {"text": ""}, {"text": GOOD}, {"text": GOOD})
    assert (len(records), len(dead)) == (3, 1)
    assert names(tmp_path) == ["in.jsonl", "out.dead.jsonl", "out.jsonl"]


def test_a_failed_run_keeps_the_output_of_the_one_before(tagger, run, tmp_path):
    run({"text": GOOD}, {"text": ""})
    before = {p: p.read_bytes() for p in tmp_path.glob("out*")}
    missing = [str(tmp_path / "in.jsonl"), str(tmp_path / "none.jsonl")]
    with pytest.raises(NetralitasError, match=r"none\.jsonl: cannot be read"):
        tag_sources(missing, tmp_path / "out.jsonl", tagger)
    assert {p: p.read_bytes() for p in tmp_path.glob("out*")} == before


@pytest.mark.parametrize(
    ("output", "dead"),
    [("a/out.jsonl", "a/out.dead.jsonl"), ("a.b.csv", "a.b.dead.jsonl"), ("out.jsonl.gz", "out.dead.jsonl")],
)
def test_dead_letters_lie_beside_their_output(output, dead):
    assert dead_letter_path(Path(output)) == Path(dead)


def test_with_a_store_only_new_and_edited_texts_are_tagged(run, tmp_path):
    store, output = tmp_path / "seen.sqlite", tmp_path / "out.jsonl"
    rows = [{"text": f"{GOOD} {n}", "url": f"https://x.id/{n}?utm_source=a"} for n in range(4)] + [{"text": ""}]
    summary, before, _ = run(*rows, seen=store)
    assert (summary.read, summary.tagged, summary.dead, summary.unchanged) == (5, 4, 1, 0)
    assert not any("revision" in r for r in before)
    with pytest.raises(NetralitasError, match=r"out\.jsonl: exists already; with --seen"):
        run(*rows, seen=store)
    output.unlink()
    rows[1]["text"] += " Ia membantah."
    rows[2]["url"] = "https://X.id/2#atas"
    summary, records, dead = run(*rows, {"text": "Harga cabai naik."}, seen=store)
    # A row that gave no record is not taken for seen.
    assert (summary.read, summary.tagged, summary.dead, summary.unchanged) == (6, 2, 1, 3)
    assert len(dead) == 1
    digests = {r["id"]: r["text_sha256"] for r in before}
    expected = {"number": 2, "supersedes": "in.jsonl:2", "supersedes_text_sha256": digests["in.jsonl:2"]}
    assert [(r["id"], r.get("revision")) for r in records] == [("in.jsonl:2", expected), ("in.jsonl:6", None)]
    output.unlink()
    rows[1]["text"] += " Kasusnya dihentikan."
    _, (record,), _ = run(*rows[:4], seen=store)
    assert record["revision"]["number"] == 3


def test_a_file_that_is_no_store_is_refused(run, tmp_path):
    (tmp_path / "seen").write_text("bukan basis data, hanya teks biasa yang cukup panjang")
    with pytest.raises(NetralitasError, match="is no store of seen texts"):
        run({"text": GOOD}, seen=tmp_path / "seen")


def test_filtered_records_are_counted(run):
    from nlp.select import Selection

    summary, records, _ = run(
        {"text": GOOD}, {"text": "Harga cabai naik."}, selection=Selection(only=(Label.OVERVIEW,))
    )
    assert (summary.read, summary.tagged, summary.filtered, summary.records, records) == (2, 2, 2, 0, [])


def test_dead_letters_are_tried_again_after_repair(run, tagger, tmp_path):
    _, _, dead = run({"text": GOOD}, '{"text": "Camat hadir"', {"text": ""})
    letters = tmp_path / "letters.jsonl"
    dead[0]["raw"] = json.dumps({"text": GOOD})
    letters.write_text("".join(json.dumps(d) + "\n" for d in dead))
    summary = tag_sources([str(letters)], tmp_path / "more.jsonl", tagger, Options(retry=True))
    assert (summary.read, summary.tagged, summary.dead) == (2, 1, 1)
    (record,) = lines(tmp_path / "more.jsonl")
    assert record["id"] == "in.jsonl:2"


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet", ".jsonl.gz", ".jsonl.zst"])
def test_every_format_is_written(run, tagger, tmp_path, suffix):
    run({"text": GOOD})
    output = tmp_path / f"out{suffix}"
    assert tag_sources([str(tmp_path / "in.jsonl")], output, tagger).records == 1
    assert output.stat().st_size > 100
    assert not [n for n in names(tmp_path) if n.endswith(".run")]


def test_records_of_pages_keep_their_text(tagger, tmp_path):
    page = tmp_path / "a.html"
    page.write_text(
        f"<html><head><title>Camat Dilaporkan</title></head><body><article><p>{GOOD * 5}</p></article></body></html>"
    )
    tag_sources([str(page)], tmp_path / "out.jsonl", tagger)
    (record,) = lines(tmp_path / "out.jsonl")
    assert GOOD in record["text"]
    assert record["source"]["extent"] == "full"
