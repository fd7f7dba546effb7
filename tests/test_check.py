"""`data check` finds every fault that is planted."""

import json

import pytest

from training.check import check
from training.markup import parse_text

SOUND = """=== sound-1
kind: news
style: local_news
date: 2024-10-07
event: kudus-apel
annotation: a1 | 2024-10-09 | 2 | -
label: proceeding
flags: denied
forms: mobilise
subjects: asn
primary: 33.19
election: pilbup_pilwalkot 2024
official: P1 | O1 | - | 33.19 | subject | in_process
official: P2 | O2 | G1 | 33.19 | overseer
---
{D=33.19:KUDUS} - {O1:Camat {R=33.19.04:Jekulo}}, {P1:Darmaji Wibowo}, membantah
mengarahkan warga {R=33.19:Kabupaten Kudus}.
{E:Laporan itu diregistrasi,} kata {O2:Ketua} {G1:Bawaslu {R=33.19:Kudus}}, {P2:Rofiah Hanum}.

{X:Baca juga: Lurah di {Kota} Dilaporkan}""".replace("{Kota}", "Kota")


def rows(**changes):
    """The sound text with changed fields, beside a second, different one."""
    first = json.loads(parse_text(SOUND).model_dump_json(exclude_defaults=True))
    second = json.loads(json.dumps(first))
    second |= {
        "id": "other",
        "event": "other",
        "text": "Harga cabai naik lagi di pasar induk.",
        "label": "not_relevant",
        "evidence": [{"start": 0, "end": 37}],
        "split": first.get("split"),
    }
    for name in ("flags", "forms", "subjects", "mentions", "officials", "regions", "primary_region", "ignored"):
        second.pop(name, None)
    second["election"] = {}
    return [first | changes, second]


def problems(tmp_path, lines, **options):
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n", encoding="utf-8")
    return check(path, **options)[1]


def test_sound_corpus(tmp_path):
    assert problems(tmp_path, rows()) == []


def subject(**changes):
    first = rows()[0]
    return {"officials": [first["officials"][0] | changes, first["officials"][1]]}


def mention(number, **changes):
    first = rows()[0]
    return {"mentions": [m | changes if n == number else m for n, m in enumerate(first["mentions"])]}


TEXT = rows()[0]["text"]
FAULTS = {
    "unknown label": ({"label": "guilty"}, "label: Input should be"),
    "unknown field": ({"verdict": "guilty"}, "verdict: Extra inputs"),
    "unknown form": ({"forms": ["hugging"]}, "forms.0: Input should be"),
    "empty text": ({"text": ""}, "text: String should have at least 1 character"),
    "bad date": ({"date": "7 Oktober"}, "date: "),
    "date far off": ({"date": "1924-10-07", "election": {}}, "date: 1924-10-07 is outside"),
    "election of another time": ({"election": {"type": ["pilgub"], "year": 2004}}, "election: year 2004 in a text of"),
    "end before start": ({"evidence": [{"start": 9, "end": 4}]}, "evidence.0: end 4 is not after start 9"),
    "end after the text": ({"evidence": [{"start": 9, "end": 4000}]}, "ends after the text"),
    "no evidence": ({"evidence": []}, "evidence: mark the one to three"),
    "too much evidence": (
        {"evidence": [{"start": n, "end": n + 1} for n in (6, 8, 10, 12)]},
        "evidence: 4 stretches",
    ),
    "evidence cuts a word": ({"evidence": [{"start": 1, "end": 5}]}, "evidence: 1-5 ('UDUS') cuts a word"),
    "evidence in an ignored span": (
        {"evidence": [{"start": TEXT.index("Baca"), "end": len(TEXT)}]},
        "lies in an ignored span",
    ),
    "overlapping evidence": (
        {"evidence": [{"start": 0, "end": 5}, {"start": 0, "end": 7}]},
        "evidence: two spans overlap",
    ),
    "case without a form": ({"forms": []}, "forms: a case label (proceeding) needs a form"),
    "form without a case": ({"label": "prevention", "officials": [], "mentions": []}, "forms: prevention is no case"),
    "accused in prevention": (
        {"label": "prevention", "forms": []},
        "an accused person (in_process) in a text labelled",
    ),
    "subject in overview": ({"label": "overview", "forms": []} | subject(status="lawful"), "role subject in a text"),
    "stage beyond the label": ({"label": "allegation"}, "labelled allegation, but every subject is in_process"),
    "sanctioned in cleared": (
        {"label": "cleared"} | subject(status="sanctioned"),
        "a sanctioned person in a text labelled cleared",
    ),
    "nobody sanctioned": (
        {"label": "sanctioned"} | subject(status="cleared"),
        "labelled sanctioned, but every subject is cleared",
    ),
    "subject without status": (subject(status=None), "every subject has one"),
    "status without subject": (subject(role="speaker"), "a status is for role subject"),
    "case without a group": ({"subjects": []}, "says whose neutrality it is about"),
    "value twice": ({"flags": ["denied", "denied"]}, "flags: a value stands twice"),
    "appeal against nothing": ({"flags": ["under_appeal"], "label": "allegation"}, "nothing to appeal against"),
    "unknown code": ({"primary_region": "99.99"}, "primary_region: 99.99 is no Kemendagri code"),
    "malformed code": ({"primary_region": "33.7"}, "primary_region: String should match"),
    "code of the twin": (
        mention(4, code="33.71") | {"regions": ["33.19.04", "33.71", "33.19"]},
        "'Kabupaten Kudus' has the code 33.71 of a kota",
    ),
    "regions not those of the mentions": ({"regions": ["33.19", "33.20"]}, "are not the codes of the mentions"),
    "code on a person": (mention(3, code="33.19"), "has a region's fields"),
    "mention cuts a word": (mention(3, end=rows()[0]["mentions"][3]["end"] - 2), "cuts a word"),
    "title in a person": (
        {"text": TEXT.replace("Darmaji Wibowo", "Pak Darmaji W.")},
        "a title or degree in the person",
    ),
    "person of no row": ({"officials": rows()[0]["officials"][:1]}, "belong to no official row"),
    "office that is an agency": (subject(office="m8"), "officials.office: m8 is"),
    "unlisted layer": ({"layers": ["label", "flags", "forms", "subjects", "evidence"]}, "has annotations but is not"),
    "officials without mentions": (
        {"layers": ["label", "forms", "flags", "subjects", "officials", "evidence", "election", "ignored", "regions"]},
        "layers: 'mentions' has annotations",
    ),
    "markup left": ({"text": TEXT.replace("KUDUS -", "{E:KU -")}, "markup is left in it"),
    "control character": ({"text": TEXT.replace("KUDUS -", "KUDUS \x07")}, "the character U+0007"),
    "white space behind": ({"text": TEXT + " "}, "begins or ends with white space"),
    "not composed": ({"text": TEXT.replace("Kota", "Kote\u0301")}, "not in Unicode NFC"),
    "unknown confusion": ({"confusions": [16]}, "confusions.0:"),
    "nobody annotated it": ({"annotations": []}, "annotations: List should have at least 1 item"),
    "annotated tomorrow": ({"annotations": [{"by": "a", "date": "2099-01-01"}]}, "which lies ahead"),
    "private": ({"private": True}, "private: real text in a corpus for release"),
    "lonely pair": ({"group": "pair-1"}, "group: nobody else is in 'pair-1'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(tmp_path, fault):
    changes, message = FAULTS[fault]
    found = problems(tmp_path, rows(**changes))
    assert any(message in p for p in found), found
    assert all("sound-1" in p or ":1" in p for p in found)


def test_faults_between_texts(tmp_path):
    first, second = rows()
    same = second | {"text": first["text"], "evidence": [{"start": 0, "end": 5}]}
    assert any("the same as that of sound-1" in p for p in problems(tmp_path, [first, same]))
    assert any("id: already used" in p for p in problems(tmp_path, [first, second | {"id": "sound-1"}]))
    torn = [first | {"split": "train"}, second | {"split": "test", "event": first["event"]}]
    assert any("one event, group or near copies" in p for p in problems(tmp_path, torn))
    copy = second | {"text": first["text"] + " Sekian.", "evidence": [{"start": 0, "end": 5}], "split": "test"}
    assert any("near copies" in p for p in problems(tmp_path, [first | {"split": "train"}, copy]))
    assert any("1 texts have none" in p for p in problems(tmp_path, [first | {"split": "train"}, second]))
    pair = [first | {"group": "g"}, second | {"group": "g", "label": "prevention", "subjects": ["asn"]}]
    assert problems(tmp_path, pair) == []
    pair[1]["label"] = "proceeding"
    pair[1]["forms"] = ["mobilise"]
    assert any("all 2 texts of 'g' are proceeding" in p for p in problems(tmp_path, pair))


def test_broken_lines(tmp_path):
    found = problems(tmp_path, [*rows(), "{not json", "[1]", '"x"'])
    assert [p.split(":")[1] for p in found] == ["3", "4", "5"]
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(rows()[1], ensure_ascii=False).encode() + b'\n{"id": "caf\xe9"}\n')
    assert "not UTF-8 at byte" in check(path)[1][0]


def test_private_corpus(tmp_path):
    assert problems(tmp_path, [r | {"private": True} for r in rows()], private=True) == []
