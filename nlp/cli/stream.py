"""``netralitas stream``: JSON Lines in, JSON Lines out, for a pipeline."""

import json
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from nlp.read import DeadLetter, Fields, read_line
from nlp.tagger import Tagger
from nlp.write import record_line


class _StopError(Exception):
    """SIGTERM came while nothing was in hand."""


def stream(
    model: Annotated[str | None, typer.Option(help="Model directory or hub id; the built-in one by default.")] = None,
) -> None:
    """Answer every line of standard input with one line: its record, or {"error": ..., "line": n}. Flushed at once.

    Example: tail -f feed.jsonl | netralitas stream > records.jsonl
    """
    tagger = Tagger.load(model)
    stopped = False
    reading = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if reading:
            raise _StopError

    signal.signal(signal.SIGTERM, stop)
    number = 0
    while not stopped:
        try:
            reading = True
            line = sys.stdin.buffer.readline()
            reading = False
        except _StopError:
            break
        if not line:
            break
        number += 1
        if line.strip():
            sys.stdout.buffer.write(_answer(line, number, tagger))
            sys.stdout.buffer.flush()


def _answer(line: bytes, number: int, tagger: Tagger) -> bytes:
    row = read_line(line, "-", number, Fields())
    reason = ""
    if isinstance(row, DeadLetter):
        reason = row.reason
    else:
        try:
            record = tagger.tag(row.text, id=row.id or f"-:{number}", source=row.source)
            return record_line(record).encode()
        except ValueError as e:
            reason = str(e)
    return (json.dumps({"error": reason, "line": number}, ensure_ascii=False) + "\n").encode("utf-8", "replace")
