"""Read texts from files, directories and standard input, one item a row; a bad row becomes a dead letter, never an end.

Formats by suffix, each also with ``.gz``, ``.xz`` or ``.zst`` after it:

- ``.jsonl``/``.ndjson``, ``.csv``, ``.tsv``: a row a text;
- ``.parquet``, ``.arrow``/``.feather``/``.ipc``: a row a text; its line is its number;
- ``.rss``/``.atom``/``.xml``: an entry of the feed a text; its line is its number;
- ``.txt``, ``.html``/``.htm``: the whole file is one text;
- ``-``, standard input: JSON Lines if its first line is a JSON object, else one text a line.
"""

from nlp.read.letters import read_dead_letters
from nlp.read.lines import read_line
from nlp.read.rows import MAX_BYTES, RAW_KEPT, DeadCode, DeadLetter, Fields, Format, Item, Row, make_item
from nlp.read.sources import expand, read_files, read_sources, read_stream

__all__ = [
    "MAX_BYTES",
    "RAW_KEPT",
    "DeadCode",
    "DeadLetter",
    "Fields",
    "Format",
    "Item",
    "Row",
    "expand",
    "make_item",
    "read_dead_letters",
    "read_files",
    "read_line",
    "read_sources",
    "read_stream",
]
