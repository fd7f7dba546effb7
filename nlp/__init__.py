"""Netralitas: is a text about civil servants taking sides in an election, and what does it say?

``from nlp import Tagger; Tagger.load().tag("…")`` gives the text's :class:`nlp.record.Record`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlp.record import Record as Record
    from nlp.tagger import Tagger as Tagger

__all__ = ["Record", "Tagger"]


def __getattr__(name: str) -> Any:
    # Lazy, so that importing the package costs nothing until it tags.
    if name == "Tagger":
        from nlp.tagger import Tagger

        return Tagger
    if name == "Record":
        from nlp.record import Record

        return Record
    raise AttributeError(f"module 'nlp' has no attribute {name!r}")
