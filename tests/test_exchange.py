"""Texts that go to another tool and come back are the same texts; spreadsheets that Excel has saved are read."""

import csv
import json

import pytest
from datasets import load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from nlp.errors import NetralitasError
from nlp.schema import MentionType
from training.corpus import CorpusText, read_corpus
from training.exchange import SUFFIXES, label_studio, read_texts, tables, write_texts
from training.markup import parse_text

FORMATS = list(SUFFIXES)


@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip(corpus, tmp_path, suffix):
    path = tmp_path / f"texts{suffix}"
    assert write_texts(corpus, path) == len(corpus)
    assert list(read_texts(path)) == corpus


@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip_of_everything(rich, tmp_path, suffix):
    path = tmp_path / f"texts{suffix}"
    write_texts([rich], path)
    assert list(read_texts(path)) == [rich]


@pytest.fixture
def rich() -> CorpusText:
    """A text that uses every field, with characters that break careless writers."""
    text = parse_text(
        "=== =7-rich\nkind: post\nstyle: x_post\ndate: 2024-10-07\nevent: e\ngroup: g\nconfusions: 1, 15\nsplit: dev\n"
        "url: https://example.org/a?b=1\nprivate: true\nannotation: a1 | 2024-10-09 | 2.1 | label, evidence\n"
        "annotation: a2 | - | - | -\nlabel: sanctioned\nflags: denied, under_appeal\nforms: mobilise, coercion\n"
        "subjects: asn, village\nprimary: 33.10\nelection: pilgub pileg 2024\n"
        "official: P1 | O1 | G1 | 33.10 | subject | sanctioned\nofficial: P2 | - | - | - | reporter\n---\n"
        '=SUM(A1) 😀\t"kutip"; {O1:guru} {G1:SMPN 1 {R=33.10:Klaten}}, {P1:Ani Ł}, {E:dihukum.}\n\n'
        "{E:Pelapor {P2:Budi} 🤝 senang.} {D=33.10.01:PRAMBANAN} {P1:Ani} \\{x\\} {Y:PDIP}\n{X:'Baca: +62 -1}"
    )
    assert text.private
    return text


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_sheets_keep_any_text(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("sheet")
    record = {"id": written, "text": written, "kind": "news", "style": "s", "event": "e", "label": "not_relevant"}
    record |= {"annotations": [{"by": "a"}], "layers": ["label"]}
    text = CorpusText.model_validate(record)
    if not written.strip() or written != written.strip():
        return
    for name in ("t.csv", "t.xlsx", "t.conll", "t.json", "t.parquet"):
        write_texts([text], path / name)
        assert list(read_texts(path / name)) == [text], name


def test_csv_is_safe_in_excel(rich, tmp_path):
    path = tmp_path / "t.csv"
    write_texts([rich], path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(path.read_text("utf-8-sig").splitlines(keepends=True), delimiter=";")
    assert row["ID"] == "'=7-rich"
    assert row["Teks"].startswith("'=SUM")
    assert row["Tanggal"] == "'2024-10-07"
    assert row["Wilayah utama"].startswith("33.10 ")
    assert row["Label"] == "sanctioned (dinyatakan melanggar atau disanksi)"
    assert all(not (v or " ").startswith(("=", "+", "-", "@", "\t", "\r")) for v in row.values())


def test_xlsx_holds_text_and_no_formula(rich, tmp_path):
    path = tmp_path / "t.xlsx"
    write_texts([rich], path)
    sheet = load_workbook(path).worksheets[0]
    cells = [c for row in sheet.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for c in cells} == {"s"}
    assert sheet["A1"].value == "ID"
    assert sheet["A2"].value == "=7-rich"


def saved_by_excel(path, target, *, delimiter, encoding, dates):
    """What Excel makes of an exported CSV when it is opened and saved."""
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True), delimiter=";"))
    column = rows[0].index("Tanggal")
    for row in rows[1:]:
        row[column] = dates
    with target.open("w", encoding=encoding, newline="") as f:
        csv.writer(f, delimiter=delimiter, lineterminator="\r\n").writerows(rows)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "dates"),
    [(";", "utf-8-sig", "01/10/2024"), (",", "utf-8", "2024-10-01"), ("\t", "cp1252", "1/10/2024")],
)
def test_files_that_excel_saved(corpus, tmp_path, delimiter, encoding, dates):
    write_texts(corpus[:3], tmp_path / "t.csv")
    saved_by_excel(tmp_path / "t.csv", tmp_path / "e.csv", delimiter=delimiter, encoding=encoding, dates=dates)
    back = list(read_texts(tmp_path / "e.csv"))
    assert [t.model_copy(update={"date": None}) for t in back] == [
        t.model_copy(update={"date": None}) for t in corpus[:3]
    ]
    assert {str(t.date) for t in back} == {"2024-10-01"}


def edited(corpus, tmp_path, **changes):
    write_texts(corpus[:1], tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text("utf-8-sig").splitlines(keepends=True), delimiter=";"))
    rows[0] |= changes
    with (tmp_path / "e.csv").open("w", encoding="utf-8-sig", newline="") as f:
        out = csv.DictWriter(f, list(rows[0]), delimiter=";")
        out.writeheader()
        out.writerows(rows)
    (back,) = read_texts(tmp_path / "e.csv")
    return back


def test_edits_in_a_sheet(corpus, tmp_path):
    text = corpus[0]
    assert edited(corpus, tmp_path, Label="ulasan dan data").label == "overview"
    assert edited(corpus, tmp_path, Label="overview").label == "overview"
    sentence = text.text.split(". ")[0]
    moved = edited(corpus, tmp_path, Bukti=sentence)
    assert [text.text[e.start : e.end] for e in moved.evidence] == [sentence]
    assert edited(corpus, tmp_path, **{"Wilayah utama": "33.75"}).primary_region == "33.75"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Label": "bersalah"}, "label: Input should be"),
        ({"Teks": "teks lain"}, "Teks: was changed"),
        ({"Bukti": "kalimat yang tidak ada"}, "Bukti: 'kalimat yang tidak ada' does not stand in the text"),
        ({"Tanggal": "kemarin"}, "Tanggal: 'kemarin' is no date"),
        ({"Wilayah utama": "33.1"}, "Wilayah utama: '33.1' is no Kemendagri code"),
        ({"Anotasi": "{rusak"}, "Anotasi: was changed and cannot be read"),
    ],
)
def test_mistakes_in_a_sheet(corpus, tmp_path, changes, message):
    found = edited(corpus, tmp_path, **changes)
    assert isinstance(found, str)
    assert message in found
    assert "(tiny-00)" in found


def test_plain_sheet_of_real_texts_is_private(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("ID,Teks,Label,Bukti\n7,Camat diperiksa Bawaslu.,tidak terkait,Camat diperiksa Bawaslu.\n")
    (text,) = read_texts(path)
    assert text.private
    assert text.layers == ["label", "flags", "forms", "subjects", "election", "evidence"]
    path.write_text("id,isi\n7,x\n")
    with pytest.raises(NetralitasError, match="no column ID, Teks, Label"):
        list(read_texts(path))


def test_text_too_long_for_a_sheet(corpus):
    long = corpus[0].model_copy(update={"text": "x" * (3 * tables.EXCEL_CELL + 1)})
    with pytest.raises(NetralitasError, match=r"tiny-00: 96001 characters"):
        tables.to_row(long)


def test_long_text_spans_columns(corpus, tmp_path):
    long = corpus[0].model_copy(update={"text": corpus[0].text + " lagi" * 8000})
    write_texts([long], tmp_path / "t.xlsx")
    sheet = load_workbook(tmp_path / "t.xlsx").worksheets[0]
    assert max(len(str(c.value)) for row in sheet.iter_rows() for c in row) < 32_767
    assert list(read_texts(tmp_path / "t.xlsx")) == [long]


def labelled(corpus, **changes):
    return label_studio.to_task(corpus[1]) | changes


def read_tasks(tmp_path, *tasks, **options):
    path = tmp_path / "ls.json"
    path.write_text(json.dumps(tasks))
    return list(read_texts(path, **options))


def test_label_studio_says_who_when_and_by_which_guide(corpus, tmp_path):
    task = labelled(corpus)
    task["annotations"][0] |= {"completed_by": {"email": "Ani@Kantor.id"}, "updated_at": "2026-03-01T10:00:00Z"}
    (text,) = read_tasks(tmp_path, task, guide="2")
    assert text.annotations[-1].model_dump(mode="json") == {
        "by": "ani-kantor-id",
        "date": "2026-03-01",
        "guide": "2",
        "layers": [],
    }


def test_label_studio_chooses_an_annotator(corpus, tmp_path):
    task = labelled(corpus)
    other = json.loads(json.dumps(task["annotations"][0])) | {"completed_by": 7}
    for r in other["result"]:
        if r.get("from_name") == "label":
            r["value"]["choices"] = ["overview"]
    other["result"] = [r for r in other["result"] if r.get("from_name") not in ("forms", "role", "status")]
    other["result"] = [r for r in other["result"] if "PERSON" not in str(r.get("value"))]
    other["result"] = [r for r in other["result"] if r["type"] != "relation" and r["from_name"] != "official_region"]
    task["annotations"].append(other)
    (problem,) = read_tasks(tmp_path, task)
    assert "has 2 annotations; choose one with --by" in problem
    (text,) = read_tasks(tmp_path, task, by="7")
    assert text.label == "overview"


def test_label_studio_offsets_in_utf16(tmp_path, rich):
    task = label_studio.to_task(rich)

    def units(n):
        return len(rich.text[:n].encode("utf-16-le")) // 2

    for r in task["annotations"][0]["result"]:
        if r.get("type") == "labels":
            r["value"] |= {"start": units(r["value"]["start"]), "end": units(r["value"]["end"])}
    assert read_tasks(tmp_path, task) == [rich]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t["annotations"].clear(), "is not annotated"),
        (lambda t: t["annotations"][0].update(was_cancelled=True), "is not annotated"),
        (lambda t: t["data"].update(text="lain"), "was the text changed?"),
        (lambda t: t["annotations"][0].update(result=[]), "has no label"),
    ],
)
def test_label_studio_mistakes(corpus, tmp_path, spoil, message):
    task = labelled(corpus)
    spoil(task)
    (problem,) = read_tasks(tmp_path, task)
    assert "task 1 (tiny-01)" in problem
    assert message in problem


def test_label_studio_rejects_other_json(tmp_path):
    path = tmp_path / "ls.json"
    path.write_text('[{"text": "JSON-MIN"}]')
    with pytest.raises(NetralitasError, match="no Label Studio export"):
        list(read_texts(path))


def test_label_studio_config_names_every_label():
    config = label_studio.config()
    assert all(f'value="{v}"' in config for v in ("non_violation", "ktp_support", "EVIDENCE", "victim", "agency"))
    assert 'hint="dugaan dalam proses"' in config


def test_parquet_is_a_dataset(corpus, tmp_path):
    write_texts(corpus, tmp_path / "t.parquet")
    data = load_dataset(
        "parquet", data_files=str(tmp_path / "t.parquet"), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert data[3]["text"] == corpus[3].text
    assert data[3]["officials"][0]["role"] == corpus[3].officials[0].role


def test_conll_tags(corpus, tmp_path):
    write_texts(corpus[:1], tmp_path / "t.conll")
    lines = (tmp_path / "t.conll").read_text().splitlines()
    words = [line.split("\t") for line in lines if "\t" in line and not line.startswith("# ")]
    assert any(w[1] == "B-PERSON" for w in words)
    assert any(w[2] == "B-REGION" and "code=" in w[3] for w in words)


def test_two_mentions_of_one_span_keep_their_order(corpus, tmp_path):
    text = next(t for t in corpus if any(m.type == "REGION" and not m.dateline for m in t.mentions))
    place = next(m for m in text.mentions if m.type == "REGION" and not m.dateline)
    held = [m for m in text.mentions if m.type == "REGION" or not m.overlaps(place)]
    body = place.model_copy(update={"id": "m99", "type": MentionType.ORG, "code": None})
    at = held.index(place)
    for mentions in ([*held[: at + 1], body, *held[at + 1 :]], [*held[:at], body, *held[at:]]):
        both = text.model_copy(update={"mentions": mentions, "officials": []})
        both = both.model_copy(update={"layers": [x for x in both.layers if x != "officials"]})
        for suffix in FORMATS:
            if suffix not in (".txt", ".json"):
                write_texts([both], tmp_path / f"t{suffix}")
                assert list(read_texts(tmp_path / f"t{suffix}")) == [both], suffix


def test_unknown_suffix(tmp_path):
    with pytest.raises(NetralitasError, match=r"unknown suffix '\.doc'; known are \.txt"):
        list(read_texts(tmp_path / "a.doc"))


def test_committed_corpus_survives_every_format(tmp_path):
    from tests.test_corpus import DATA

    texts = read_corpus(DATA / "corpus.jsonl")[::40]
    for suffix in FORMATS:
        write_texts(texts, tmp_path / f"t{suffix}")
        assert list(read_texts(tmp_path / f"t{suffix}")) == texts
