"""Web pages: the article in them, found by trafilatura."""

import logging
from collections.abc import Iterator
from typing import Final

from nlp.extras import require
from nlp.read.rows import MAX_BYTES, DeadCode, DeadLetter, Fields, Item, Row, make_item, too_long
from nlp.read.streams import Input
from nlp.schema import Extent

MAX_PAGE: Final = 5_000_000
"""A longer page is a dead letter."""

_DATES: Final = {"original_date": True, "extensive_search": False}
"""The day of publication where the page says it; no day that may be another one's, guessed from the text."""
_QUIET: Final = logging.NullHandler()


def read_page(source: Input, _: Fields) -> Iterator[Item | DeadLetter]:
    """Yield the article of a page.

    Raises:
        NetralitasError: trafilatura is missing.
    """
    require("formats", "trafilatura", what=f"{source.file}: reading .html")
    yield article(source.row(source.read(MAX_PAGE)))


def article(row: Row) -> Item | DeadLetter:
    """The article of a page: full where its body is found, a headline where only its title is (see Extent)."""
    import trafilatura

    for name in ("trafilatura", "htmldate", "justext", "charset_normalizer"):
        logging.getLogger(name).addHandler(_QUIET)  # what they have to say stands in the dead letter
    if len(row.raw) > MAX_PAGE:
        return too_long(row, MAX_PAGE)
    try:
        tree = trafilatura.load_html(row.raw)
        found = None
        if tree is not None:
            # The title alone is looked for in a tree of its own, for the extraction changes the one it is given.
            found = trafilatura.bare_extraction(
                tree, with_metadata=True, include_comments=False, date_extraction_params=_DATES
            )
            found = found or trafilatura.extract_metadata(trafilatura.load_html(row.raw), date_config=_DATES)
    except Exception as e:  # whatever it makes of a broken page, the page must not end the run
        reason = f"the page cannot be read ({type(e).__name__}: {' '.join(str(e).split())[:100]})"
        return row.dead(DeadCode.UNREADABLE, reason)
    page = {} if found is None else {k: getattr(found, k) for k in ("title", "text", "date", "url")}
    if not page.get("text") and not page.get("title"):
        return row.dead(DeadCode.NO_ARTICLE, "no article is found in the page; save the article's own page")
    if len((page["text"] or "").encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return too_long(row)
    extent = Extent.FULL if page["text"] else Extent.HEADLINE
    values = {"text": None, **page, "outlet": getattr(found, "sitename", None)}
    return make_item(values, row, Fields(), extent=extent, extracted=True)
