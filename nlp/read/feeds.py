"""RSS and Atom: an item an entry."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any, Final

from nlp.extras import require
from nlp.read.rows import MAX_BYTES, DeadCode, DeadLetter, Fields, Format, Item, Row, make_item, too_long
from nlp.read.streams import CutError, Input
from nlp.schema import Extent

MAX_FEED: Final = 20_000_000
"""A longer feed is a dead letter."""

_END: Final = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.I)
_ENTRY_END: Final = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>", re.I)
_FOREIGN: Final = re.compile(rb"(</?(?!atom)[\w.-]{1,50}:)(description|summary|title)(?=[\s/>])", re.I)
"""``media:description`` and the like say something of a picture or a podcast; feedparser would take them for the
entry's own."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""No HTML, and would end it."""
_SILENT: Final = frozenset(("script", "style", "iframe", "noscript", "template"))
_BLOCKS: Final = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav "
    "ol p pre section table td th tr ul".split()
)


def read_feed(source: Input, _: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the entries of a feed; what follows the last whole one of a cut feed is one dead letter.

    Raises:
        NetralitasError: feedparser or lxml is missing.
    """
    require("formats", "feedparser", "lxml", what=f"{source.file}: reading a feed")
    try:
        raw, cut = source.read(MAX_FEED), False
    except CutError as e:
        raw, cut = e.read, True
    yield from entries(source.row(raw), cut=cut)


def entries(row: Row, *, cut: bool = False) -> Iterator[Item | DeadLetter]:
    """The entries of a whole feed, or of one that is cut."""
    import feedparser

    raw = row.raw
    if len(raw) > MAX_FEED:
        yield too_long(row, MAX_FEED)
        return
    try:
        feed = _parse(raw)
        cut = cut or (feed.bozo and bool(feed.entries) and not _END.search(raw))
        if cut:
            whole = max((m.end() for m in _ENTRY_END.finditer(raw)), default=0)
            feed = _parse(raw[:whole]) if whole else feedparser.FeedParserDict(entries=[], feed={})
        outlet = plain(feed.feed.get("title") or "", "text/html") or None
        found = [_values(e, outlet) for e in feed.entries]
    except Exception as e:  # whatever it makes of a broken feed, the feed must not end the run
        reason = f"the feed cannot be read ({type(e).__name__}: {' '.join(str(e).split())[:100]})"
        yield row.dead(DeadCode.UNREADABLE, reason)
        return
    for number, values in enumerate(found, 1):
        content = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")
        yield read_entry(values, Row(row.file, number, content, Format.FEED))
    if cut:
        rest = Row(row.file, len(found) + 1, raw[whole:], Format.FEED, (row.offset or 0) + whole, truncated=True)
        yield rest.dead(DeadCode.UNREADABLE, "the feed is cut off here; get the file again")
    elif not found and (feed.bozo or not feed.get("version")):
        why = f" ({' '.join(str(feed.get('bozo_exception', '')).split())[:100]})" if feed.bozo else ""
        yield row.dead(DeadCode.UNREADABLE, f"no RSS or Atom feed{why}")


def _parse(raw: bytes) -> Any:
    import feedparser

    # A stream, for bytes might be taken for the name of a file or an address.
    own = _FOREIGN.sub(rb"\1x-\2", raw)
    return feedparser.parse(BytesIO(own), resolve_relative_uris=False, sanitize_html=False)


def _values(entry: Any, outlet: str | None) -> dict[str, str | None]:
    """What an entry holds, its HTML made plain."""
    title = entry.get("title_detail") or {}
    contents = (plain(c.get("value") or "", c.get("type")) for c in entry.get("content") or ())
    summary = entry.get("summary_detail") or {}
    return {
        "id": entry.get("id"),
        "url": entry.get("link"),
        "outlet": outlet,
        "date": _day(entry, "published") or _day(entry, "updated"),
        "title": " ".join(plain(title.get("value") or "", title.get("type")).split()) or None,
        "content": next((c for c in contents if c), None),
        "summary": plain(summary.get("value") or "", summary.get("type")) or None,
    }


def _day(entry: Any, key: str) -> str | None:
    """The day in the time zone of the feed; what is no date is given back as it is."""
    text = entry.get(key)
    if not text:
        return None
    for parse in (dt.datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(text.strip()).date().isoformat()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    parsed = entry.get(f"{key}_parsed")
    return f"{parsed.tm_year:04}-{parsed.tm_mon:02}-{parsed.tm_mday:02}" if parsed else str(text)


def read_entry(values: dict[str, Any], row: Row) -> Item | DeadLetter:
    """An entry: full with a content, a teaser with a summary, a headline with a title (see Extent)."""
    if len(row.raw) > MAX_BYTES:
        return too_long(row)
    body = values.get("content") or values.get("summary")
    extent = Extent.FULL if values.get("content") else Extent.TEASER if body else Extent.HEADLINE
    return make_item({**values, "text": body}, row, Fields(), extent=extent, extracted=True)


def plain(markup: str, kind: str | None) -> str:
    """The text of a piece of HTML, a line a block."""
    if kind == "text/plain" or not re.search("[<&]", markup):
        return markup.strip()
    from lxml import html

    try:
        root = html.document_fromstring(f"<div>{_CONTROL.sub(' ', markup)}</div>")
    except (html.etree.ParserError, ValueError):
        return ""
    parts: list[str] = []
    _collect(root, parts)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(root: Any, parts: list[str]) -> None:
    """Gather the text below an element; a block stands on lines of its own."""
    from lxml import etree

    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in ("comment", "pi"):
            parts.append("" if silent else element.tail or "")
            continue
        silent += (event == "start") * (element.tag in _SILENT)
        if event == "end":
            silent -= element.tag in _SILENT
        inside = element.text if event == "start" else element.tail
        end = "\n" if element.tag in _BLOCKS else ""
        parts.append("" if silent else end + " ".join((inside or "").split("\n")))
