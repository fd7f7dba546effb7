"""Records built by hand, for tests that need no model."""

import datetime as dt
from typing import Any

from nlp.record import Record, text_digest
from nlp.schema import DISPLAY_ID, Label

TEXT = "Camat Undaan Sutarno Wibowo diperiksa Bawaslu Kudus. Rofiah Hanum membenarkan."


def make_record(label: str = "proceeding", *, score: float = 0.8123, **changes: Any) -> Record:
    """A record that uses every field but ``text``; ``changes`` replace fields."""
    content: dict[str, Any] = {
        "id": "feed-7",
        "text_sha256": text_digest(TEXT),
        "source": {
            "url": "https://contoh.example/sutarno-wibowo",
            "outlet": "Kabar Muria",
            "title": "Camat Sutarno Wibowo Diperiksa",
            "published": dt.date(2024, 10, 7),
        },
        "versions": {n: n for n in ("package", "model", "model_sha256", "runtime", "gazetteer")},
        "label": {"name": label, "display": DISPLAY_ID[label], "score": score, "abstained": score < 0.5},
        "scores": {name: score if name == label else 0.0001 for name in Label},
        "flags": ["denied", "multi_case"],
        "forms": [{"name": "mobilise", "score": 0.9}, {"name": "coercion", "score": 0.51}],
        "subject_groups": ["asn"],
        "officials": [
            {
                "name": "Sutarno Wibowo",
                "office": "Camat Undaan",
                "agency": None,
                "region": "33.19.03",
                "role": "subject",
                "status": "in_process",
                "score": 0.7,
                "mentions": [(13, 27)],
            },
            {
                "name": "Rofiah Hanum",
                "office": "Ketua",
                "agency": "Bawaslu Kudus",
                "region": "33.19",
                "role": "overseer",
                "status": None,
                "score": 1.0,
                "mentions": [(53, 65)],
            },
        ],
        "regions": [
            {
                "code": "33.19",
                "name": "Kabupaten Kudus",
                "level": "kabupaten",
                "primary": True,
                "score": 0.99,
                "mentions": [(46, 51)],
            },
            {"code": "16", "name": "Sumatera Selatan", "level": "province", "primary": False, "score": 0.4}
            | {"mentions": []},
        ],
        "parties": [{"name": "PDIP", "mentions": [(1, 5)]}],
        "election": {"type": ["pilgub", "pilbup_pilwalkot"], "year": 2024, "basis": "explicit"},
        "evidence": [
            {"start": 0, "end": 52, "quote": TEXT[:52], "score": 0.9, "supports": label},
        ],
        "ignored": [(70, 80)],
        "warnings": ["unverified: the record repeats what the text claims"],
        "corrections": [
            {
                "field": "role",
                "person": (13, 27),
                "old": "uncertain",
                "new": "subject:in_process",
                "by": "Maria Lodo",
                "at": dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC),
                "reason": "Sutarno Wibowo sudah diklarifikasi, kata Pak Karta",
            }
        ],
        "revision": {"number": 2, "supersedes": "sutarno-wibowo-1", "supersedes_text_sha256": "ab" * 32},
    }
    return Record.model_validate(content | changes)


def bare_record(label: str = "not_relevant", **changes: Any) -> Record:
    """A record of a text in which nothing was found."""
    lists = "flags forms subject_groups officials regions parties evidence ignored warnings corrections"
    empty: dict[str, Any] = {name: [] for name in lists.split()}
    empty |= {"source": {}, "election": {"type": [], "year": None, "basis": None}, "revision": None}
    return make_record(label, **(empty | changes))
