"""`netralitas stream`: one line in, one line out, at once; ends cleanly on SIGTERM."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys

import pytest

from nlp.tagger import Tagger
from nlp.write import record_line
from tests.test_cli import ROOT

TEXT = "Ketua Bawaslu Kudus Rofiah Hanum meminta ASN menjaga netralitas pada pilkada 2024."


@pytest.fixture
def stream(released):
    process = subprocess.Popen(
        [sys.executable, "-m", "nlp.cli.app", "stream", "--model", str(released)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def send(process, line):
    process.stdin.write(line)
    process.stdin.flush()


def test_each_line_is_answered_at_once(stream, released):
    row = {"id": "a", "text": TEXT, "date": "2024-10-07"}
    send(stream, json.dumps(row).encode() + b"\n")
    # The answer comes while standard input is still open.
    expected = Tagger.load(released).tag(TEXT, id="a", date=dt.date(2024, 10, 7))
    assert stream.stdout.readline().decode() == record_line(expected)
    send(stream, b"{broken\n\n" + json.dumps({"text": "???"}).encode() + b"\n")
    assert json.loads(stream.stdout.readline()) == {
        "error": "not JSON: Expecting property name enclosed in double quotes at column 2",
        "line": 2,
    }
    assert json.loads(stream.stdout.readline()) == {"error": "the text holds no word", "line": 4}
    stream.stdin.close()
    assert stream.wait(20) == 0
    assert stream.stdout.read() == b""


def test_sigterm_while_waiting(stream):
    send(stream, json.dumps({"text": TEXT}).encode() + b"\n")
    stream.stdout.readline()
    stream.send_signal(signal.SIGTERM)
    assert stream.wait(20) == 0
    assert stream.stderr.read() == b""


def test_sigterm_answers_what_was_read(stream):
    long = json.dumps({"text": (TEXT + " ") * 300}).encode() + b"\n"
    send(stream, json.dumps({"text": TEXT}).encode() + b"\n")
    stream.stdout.readline()
    send(stream, long)
    # The long text is in hand now, or still unread: either it is answered whole or not at all.
    stream.send_signal(signal.SIGTERM)
    assert stream.wait(60) == 0
    rest = stream.stdout.read().splitlines()
    assert len(rest) <= 1
    assert all(json.loads(x)["label"] for x in rest)
