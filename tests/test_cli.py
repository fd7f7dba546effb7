"""The command line, run as users run it: answers on standard output, errors as messages with status 1."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from nlp.tagger import package_version

ROOT = Path(__file__).parent.parent
GOOD = "Warga melaporkan Camat Kudus Darmaji yang diduga hadir di kampanye calon bupati pada 29 Oktober 2024."
ROW = json.dumps({"id": "a", "text": GOOD, "title": "Judul", "date": "2024-10-29"}) + "\n"


def python(*arguments, cwd, stdin=b"", **environment):
    """Run the interpreter of the tests on a checkout; its standard streams as text."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        input=stdin,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        timeout=240,
        check=False,
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


@pytest.fixture
def netralitas(tmp_path):
    """Run a command in an empty folder; it may fail, but never with a traceback."""

    def runner(*arguments, **options):
        done = python("-m", "nlp.cli.app", *map(str, arguments), cwd=tmp_path, **options)
        assert "Traceback" not in done.stderr
        return done

    return runner


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def same_line(text):
    """Rich breaks long lines; joined, a path can be looked for."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.jsonl", ROW),
        ("in.csv", f'id,date,title,text\na,2024-10-29,Judul,"{GOOD}"\n'),
        ("in.tsv", f"id\tdate\ttitle\ttext\na\t2024-10-29\tJudul\t{GOOD}\n"),
        ("-", ROW),
    ],
)
def test_tag_gives_one_record_from_every_kind_of_source(netralitas, released, tagger, tmp_path, name, content):
    if name != "-":
        (tmp_path / name).write_text(content)
    done = netralitas("tag", name, "-o", "out.jsonl", "--model", released, stdin=content.encode())
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 records in out.jsonl" in done.stdout
    (record,) = records(tmp_path / "out.jsonl")
    assert record["id"] == "a"
    assert record["scores"] == tagger.tag(f"Judul\n\n{GOOD}").model_dump(mode="json")["scores"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({name, "out.jsonl"} - {"-"})


def test_tag_shows_records_and_takes_other_field_names(netralitas, released, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"isi": GOOD, "no": "[red]n-1"}))
    done = netralitas(
        "tag", "in.jsonl", "-o", "out.jsonl", "--model", released, "--text", "isi", "--id", "no", "--show"
    )
    assert done.returncode == 0
    assert "[red]n-1" in done.stdout
    assert records(tmp_path / "out.jsonl")[0]["id"] == "[red]n-1"


def test_tag_tells_of_dead_letters(netralitas, released, tmp_path):
    (tmp_path / "in.jsonl").write_text(ROW + "rusak\n{}\n")
    done = netralitas("tag", "in.jsonl", "-o", tmp_path / "out.jsonl", "--model", released)
    assert done.returncode == 0
    assert "2 rows could not be tagged" in done.stderr
    assert str(tmp_path / "out.dead.jsonl") in done.stderr, "the path must stand on one line, to be copied"
    assert [d["line"] for d in records(tmp_path / "out.dead.jsonl")] == [2, 3]


def test_tag_shows_paths_as_they_are(netralitas, released, tmp_path):
    (tmp_path / "in.jsonl").write_text(ROW + "rusak\n")
    done = netralitas("tag", "in.jsonl", "-o", "out[bold].jsonl", "--model", released)
    assert done.returncode == 0
    assert "out[bold].jsonl" in done.stdout
    assert "out[bold].dead.jsonl" in done.stderr


def test_tag_reads_no_row_twice_and_is_the_same_twice(netralitas, released, tmp_path):
    (tmp_path / "in.jsonl").write_text(ROW)
    for name in ("1.jsonl", "2.jsonl"):
        assert netralitas("tag", "in.jsonl", "-o", name, "--model", released).returncode == 0
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


@pytest.mark.parametrize("source", ["text", "file", "stdin"])
def test_explain_shows_label_and_evidence(netralitas, released, tmp_path, tagger, source):
    (tmp_path / "in.txt").write_text(GOOD)
    argument = {"text": GOOD, "file": "in.txt", "stdin": "-"}[source]
    done = netralitas("explain", argument, "--model", released, stdin=GOOD.encode())
    assert (done.returncode, done.stderr) == (0, "")
    record = tagger.tag(GOOD)
    assert f"{record.label.display} ({record.label.name}) score {record.label.score:.2f}" in done.stdout
    assert "mengapa (why)" in done.stdout
    assert same_line(record.evidence[0].quote) in same_line(done.stdout)


def test_explain_shows_a_text_with_markup_as_it_is(netralitas, released):
    text = f"[red]Camat[/red] [/] {GOOD}"
    done = netralitas("explain", text, "--model", released)
    assert done.returncode == 0
    assert same_line("[red]Camat[/red] [/]") in same_line(done.stdout)


@pytest.fixture
def stored(netralitas, released, tmp_path):
    """A source of two rows and its file of records."""
    (tmp_path / "in.jsonl").write_text(ROW + json.dumps({"id": "b", "text": "Harga cabai di Kudus naik lagi."}))
    assert netralitas("tag", "in.jsonl", "-o", "out.jsonl", "--model", released).returncode == 0
    return tmp_path / "out.jsonl"


@pytest.mark.parametrize(("id", "text"), [("a", GOOD), ("b", "Harga cabai")])
def test_explain_shows_a_stored_record_with_its_text(netralitas, stored, id, text):
    done = netralitas("explain", "--record", stored, "--id", id, "--source", "in.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert same_line(text) in same_line(done.stdout)
    assert "mengapa (why)" in done.stdout


def test_explain_shows_the_first_stored_record_without_its_text(netralitas, stored):
    done = netralitas("explain", "--record", stored)
    assert (done.returncode, done.stderr) == (0, "")
    assert records(stored)[0]["label"]["name"] in done.stdout


def test_schema_is_a_json_schema_that_records_keep_to(netralitas, stored):
    done = netralitas("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    for record in records(stored):
        jsonschema.validate(record, schema)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_schema_and_help_print_in_every_encoding(netralitas, encoding):
    for arguments in (["schema"], ["--help"], ["tag", "--help"], ["explain", "--help"]):
        assert netralitas(*arguments, PYTHONIOENCODING=encoding).returncode == 0


def test_version(netralitas):
    assert netralitas("--version").stdout.strip() == package_version()


def fails(done, *parts):
    """Exit status 1 and a message that holds every part, on one line, on standard error."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    for part in parts:
        assert str(part) in line


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["tag", "none.jsonl", "-o", "out.jsonl"], ["none.jsonl: cannot be read: No such file"]),
        (["tag", "in.pdf", "-o", "out.jsonl"], ["in.pdf: unknown suffix '.pdf'; known are .jsonl"]),
        (["tag", "none/*.jsonl", "-o", "out.jsonl"], ["none/*.jsonl: no file fits this pattern"]),
        (["tag", "in.jsonl", "-o", "out.doc"], ["out.doc: unknown suffix '.doc'; known are .jsonl"]),
        (["tag", "in.jsonl", "-o", "out.jsonl", "--only", "kasus"], ["unknown label kasus; known are not_relevant"]),
        (["tag", "in.jsonl", "-o", "out.jsonl", "--fields", "nama"], ["unknown field nama; a record has"]),
        (["retry", "in.jsonl", "-o", "out.jsonl"], ["in.jsonl:1: no dead letter"]),
        (["tag", "in.csv", "-o", "out.jsonl"], ["in.csv:1: no column 'text' (has: isi[red], x)"]),
        (["tag", "in.jsonl", "-o", "in.jsonl"], ["in.jsonl: is one of the sources"]),
        (["tag", "in.jsonl", "-o", "none/out.jsonl"], ["none/out.jsonl: cannot be written"]),
        (["explain", "none.txt"], ["none.txt: cannot be read"]),
        (["explain", "empty.txt"], ["empty.txt: the text is empty"]),
        (["explain", "  "], ["cannot be tagged: the text holds no word"]),
        (["explain", b"netral \xff".decode("utf-8", "surrogateescape")], ["cannot be tagged"]),
        (["explain", GOOD, "--date", "besok"], ["--date: 'besok' is not a date like 2024-10-29"]),
    ],
    ids=lambda v: ascii(v)[:50],
)
def test_an_expected_error_is_a_message(netralitas, released, tmp_path, arguments, parts):
    for name, content in {"in.jsonl": ROW, "in.pdf": "x", "in.csv": "isi[red],x\n1,2\n", "empty.txt": " "}.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "sub").mkdir()
    fails(netralitas(*arguments, "--model", released), *parts)
    assert not (tmp_path / "out.jsonl").exists()
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["explain"], ["give a text"]),
        (["explain", "--record", "none.jsonl"], ["none.jsonl: cannot be read"]),
        (["explain", "--record", "bad.jsonl"], ["bad.jsonl:1: not a record"]),
        (["explain", "--record", "foreign.jsonl"], ["foreign.jsonl:1: not a record"]),
        (["explain", "--record", "empty.jsonl"], ["empty.jsonl: holds no record"]),
        (["explain", "--record", "empty.jsonl", "--id", "z"], ["empty.jsonl: no record with id 'z'"]),
        (["explain", "--record", "binary.jsonl"], ["binary.jsonl"]),
        (["explain", "--record", "deep.jsonl"], ["deep.jsonl:1: not a record"]),
    ],
    ids=lambda v: ascii(v)[:50],
)
def test_a_bad_file_of_records_is_a_message(netralitas, tmp_path, arguments, parts):
    files = {
        "bad.jsonl": b"rusak\n",
        "foreign.jsonl": b'{"id": 1}\n',
        "empty.jsonl": b"",
        "binary.jsonl": b"\xff\xfe\0",
    }
    for name, content in (files | {"deep.jsonl": b"[" * 100_000}).items():
        (tmp_path / name).write_bytes(content)
    fails(netralitas(*arguments), *parts)


def test_a_record_without_its_text_in_the_source_is_a_message(netralitas, stored, tmp_path):
    (tmp_path / "other.jsonl").write_text(json.dumps({"text": "lain"}))
    fails(
        netralitas("explain", "--record", stored, "--source", "other.jsonl"),
        "other.jsonl: holds no text with the hash of record 'a'",
    )


def halve(model):
    weights = model / "model.onnx"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def foreign(model):
    shutil.rmtree(model)
    model.mkdir()
    for name in ("config.json", "notes.txt", "model.bin"):
        (model / name).write_bytes(b"\x00\xffx")


def change(name, **values):
    def changer(model):
        path = model / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return changer


def write(name, content):
    return lambda model: (model / name).write_bytes(content)


def remove(name):
    return lambda model: (model / name).unlink()


BREAKS = {
    "missing": (shutil.rmtree, "no such model directory"),
    "foreign": (foreign, "no model of netralitas (netralitas.json: No such file"),
    "half the weights": (halve, "model.onnx: not a readable ONNX model"),
    "empty weights": (write("model.onnx", b""), "model.onnx: not a readable ONNX model"),
    "no weights": (remove("model.onnx"), "no model.onnx; make a released model with 'netralitas export'"),
    "broken calibration": (write("calibration.json", b'{"temperature": '), "calibration.json is missing or broken"),
    "no calibration": (remove("calibration.json"), "calibration.json is missing or broken"),
    "foreign calibration": (change("calibration.json", colour="red"), "calibration.json is missing or broken: colour"),
    "calibration of words": (change("calibration.json", temperature="hot"), "calibration.json is missing or broken"),
    "zero temperature": (change("calibration.json", temperature=0), "calibration.json is missing or broken"),
    "other schema": (change("netralitas.json", schema_version="9.9"), "made for label schema 9.9"),
    "broken shape": (write("netralitas.json", b"\xff"), "no model of netralitas (netralitas.json"),
    "window too small": (change("netralitas.json", window=2), "netralitas.json"),
    "overlap too large": (change("netralitas.json", overlap=9999), "netralitas.json"),
    "no tokenizer": (remove("tokenizer.json"), "tokenizer.json"),
    "broken tokenizer": (write("tokenizer.json", b"{}"), "tokenizer.json"),
}


@pytest.mark.parametrize(("spoil", "message"), BREAKS.values(), ids=BREAKS)
def test_a_broken_model_is_a_message_that_names_it(netralitas, released, tmp_path, spoil, message):
    model = tmp_path / "model"
    shutil.copytree(released, model)
    spoil(model)
    fails(netralitas("explain", GOOD, "--model", model), model, message)


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("nlp", ["onnxruntime", "torch", "transformers", "datasets", "numpy", "pydantic", "tokenizers"]),
        ("nlp.tagger", ["torch", "transformers", "datasets", "sklearn"]),
        ("nlp.batch", ["torch", "transformers", "datasets", "sklearn"]),
        ("nlp.cli.app", ["onnxruntime", "torch", "transformers", "datasets", "sklearn"]),
    ],
)
def test_an_import_loads_no_more_than_it_needs(tmp_path, module, forbidden):
    code = f"import sys, {module}; print([m for m in {forbidden!r} if m in sys.modules])"
    done = python("-c", code, cwd=tmp_path)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
