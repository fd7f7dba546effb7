"""CoNLL columns: token, PERSON/OFFICE/ORG/PARTY tag, REGION tag, and what belongs to the token.

One block a text. Tags are IOB2. ``# text`` and ``# document`` hold, as JSON, the text and all that has no column, so
that a block reads back to the same text.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from nlp.errors import NetralitasError, describe_error
from nlp.schema import MentionType
from nlp.write import write_parts
from training.corpus import CorpusText, Mention

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


def _tokens(text: CorpusText) -> list[tuple[int, int]]:
    """Words and single marks, cut at the borders of mentions too."""
    borders = sorted({b for m in text.mentions for b in (m.start, m.end)})
    out = []
    for token in _TOKEN.finditer(text.text):
        cuts = [token.start(), *(b for b in borders if token.start() < b < token.end()), token.end()]
        out += list(pairwise(cuts))
    return out


def _misc(mention: Mention) -> str:
    parts = [f"id={mention.id}", f"code={mention.code}" if mention.code else "", "dateline" * mention.dateline]
    return "|".join(filter(None, parts))


def to_block(text: CorpusText) -> str:
    """One text as a block of lines with an empty line behind."""
    document = text.model_dump(mode="json", exclude={"text", "mentions"})
    # Two mentions of one span, a body named by its place, stand in two columns; only this says which came first.
    document["order"] = [m.id for m in text.mentions]
    lines = [f"# text = {json.dumps(text.text, ensure_ascii=False)}"]
    lines.append(f"# document = {json.dumps(document, ensure_ascii=False)}")
    for start, end in _tokens(text):
        cells, misc = [], [f"start={start}"]
        for in_region_layer in (False, True):
            layer = (m for m in text.mentions if (m.type is MentionType.REGION) == in_region_layer)
            held = next((m for m in layer if m.start <= start and end <= m.end), None)
            cells.append(f"{'B' if held.start == start else 'I'}-{held.type}" if held else "O")
            if held and held.start == start:
                misc.append(_misc(held))
        lines.append("\t".join([text.text[start:end], *cells, "||".join(misc)]))
    return "\n".join(lines) + "\n\n"


def write(texts: Iterable[CorpusText], path: Path) -> int:
    """Write blocks; return how many."""
    return write_parts(map(to_block, texts), path)


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    block: list[str] = []
    number = 0
    try:
        with path.open(encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                if line.strip("\n"):
                    block.append(line.rstrip("\n"))
                elif block:
                    yield number - len(block), block
                    block = []
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: cannot be read as UTF-8 text: {e}") from e
    if block:
        yield number - len(block) + 1, block


def read(path: Path) -> Iterator[CorpusText | str]:
    """Yield the blocks as texts, or a message ``FILE:LINE: problem``.

    Raises:
        NetralitasError: the file cannot be read.
    """
    for number, block in _blocks(path):
        try:
            yield from_block(block)
        except ValidationError as e:
            yield f"{path}:{number}: {describe_error(e)}"
        except (ValueError, KeyError) as e:
            yield f"{path}:{number}: {e}"


def from_block(lines: list[str]) -> CorpusText:
    """Turn the lines of one block into a text.

    Raises:
        ValueError: a line is missing or wrong.
    """
    comments = dict(line[2:].split(" = ", 1) for line in lines if line.startswith("# ") and " = " in line)
    if not {"text", "document"} <= comments.keys():
        raise ValueError("the block has no '# text' and '# document' lines; only blocks exported here can be read")
    text = json.loads(comments["text"])
    mentions: list[dict[str, Any]] = []
    open_: list[dict[str, Any] | None] = [None, None]
    at = 0
    for line in lines:
        if line.startswith(("# text = ", "# document = ")):
            continue
        token, *tags, misc = line.split("\t")
        start = text.find(token, at)
        if start < 0 or len(tags) != 2:
            raise ValueError(f"line {line!r} fits neither the text nor four columns")
        at = start + len(token)
        fields = [dict(p.partition("=")[::2] for p in part.split("|")) for part in misc.split("||")[1:]]
        for layer, tag in enumerate(tags):
            current = open_[layer]
            if tag.startswith("I-") and current and current["type"] == tag[2:]:
                current["end"] = at
            elif tag == "O":
                open_[layer] = None
            else:
                extra = fields.pop(0) if tag.startswith("B-") and fields else {}
                new: dict[str, Any] = {"id": extra.get("id") or f"c{len(mentions) + 1}", "type": tag[2:]}
                new |= {"start": start, "end": at}
                if extra.get("code"):
                    new["code"] = extra["code"]
                if "dateline" in extra:
                    new["dateline"] = True
                mentions.append(new)
                open_[layer] = new
    document = json.loads(comments["document"])
    place = {ident: n for n, ident in enumerate(document.pop("order", []))}
    mentions.sort(key=lambda m: place.get(m["id"], len(place)))
    return CorpusText.model_validate(document | {"text": text, "mentions": mentions})
