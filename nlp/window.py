"""Cut a text into token windows for the encoder, with exact offsets back into the text.

All offsets are Unicode code points into the text as given; an end is exclusive. The same code serves training
and inference, so that the model sees in use what it saw when it was trained.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Span = tuple[int, int]
IntArray = NDArray[np.int64]

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Tokens:
    """A text's tokens outside its ignored spans.

    ``ids`` [n]; ``words`` [w, 2] offsets of the words that have a token; ``word_token`` [w] index of the first
    token of each word, which stands for the word in tagging.
    """

    ids: IntArray
    words: IntArray
    word_token: IntArray


@dataclass(frozen=True)
class Window:
    """``ids`` with the encoder's special tokens; its tokens are ``start:end`` of the text's tokens."""

    ids: IntArray
    start: int
    end: int

    @property
    def prefix(self) -> int:
        """How many special tokens stand before the text's own."""
        return (len(self.ids) - (self.end - self.start) + 1) // 2


def load_tokenizer(directory: Path) -> Tokenizer:
    """Load ``tokenizer.json`` and switch off its truncation and padding: windows take their place."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenise(text: str, tokenizer: Tokenizer, ignored: Sequence[Span] = ()) -> Tokens:
    """Tokenise a text and drop what overlaps an ignored span. A text without tokens gives empty arrays."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    ids = np.array(encoding.ids, dtype=np.int64)
    # A token that stands for no character (a lone metaspace) ends where it starts.
    keep = np.ones(len(ids), dtype=bool)
    for start, end in ignored:
        keep &= (offsets[:, 1] <= start) | (offsets[:, 0] >= end)
    ids, offsets = ids[keep], offsets[keep]
    words: list[Span] = []
    first: list[int] = []
    token = 0
    for match in _WORD.finditer(text):
        start, end = match.span()
        while token < len(ids) and offsets[token, 1] <= start:
            token += 1
        if token < len(ids) and offsets[token, 0] < end:
            words.append((start, end))
            first.append(token)
    return Tokens(ids, np.array(words, dtype=np.int64).reshape(-1, 2), np.array(first, dtype=np.int64))


def windows(tokens: Tokens, tokenizer: Tokenizer, size: int, overlap: int) -> list[Window]:
    """Cut tokens into windows of at most ``size`` ids, special tokens included, sharing ``overlap`` tokens.

    The windows of a text are of nearly equal length, so that its last one is no stub. There is always at least one.
    """
    specials = tokenizer.encode("").ids
    prefix, suffix = specials[: (len(specials) + 1) // 2], specials[(len(specials) + 1) // 2 :]
    room = size - len(specials)
    count = len(tokens.ids)
    n = max(1, -(-(count - overlap) // (room - overlap)))
    length = -(-(count + (n - 1) * overlap) // n)
    out = []
    for i in range(n):
        start = min(i * (length - overlap), max(0, count - length))
        end = min(count, start + length)
        ids = np.concatenate([prefix, tokens.ids[start:end], suffix]).astype(np.int64)
        out.append(Window(ids, start, end))
    return out


def owners(parts: Sequence[Window], count: int) -> IntArray:
    """For each of ``count`` tokens, the window in which it has most context: [count] window indices."""
    best = np.zeros(count, dtype=np.int64)
    margin = np.full(count, -1)
    for i, part in enumerate(parts):
        position = np.arange(part.end - part.start)
        # The text's own first and last token lack no context on their outer side.
        left = position if part.start else np.full_like(position, count)
        right = position[::-1] if part.end < count else np.full_like(position, count)
        here = np.minimum(left, right)
        better = here > margin[part.start : part.end]
        best[part.start : part.end][better] = i
        margin[part.start : part.end][better] = here[better]
    return best
