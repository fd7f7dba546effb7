"""Run batch tagging in forked processes that kill themselves at the n-th touch of a file, for every n, and that are
killed from outside at random moments; each is then taken up, and its output must be that of an uninterrupted run.

Run by test_journal.py: python tests/kill_run.py FOLDER [SEED]. Prints how many points were tried as JSON.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from nlp.batch import Options, tag_sources
from nlp.errors import NetralitasError
from nlp.record import ElectionRecord, LabelResult, Record, Versions, text_digest
from nlp.schema import Label

ROWS = 41
SHARD = 4
PATHS = str | bytes | os.PathLike
EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "sqlite3.connect"}


class Stub:
    """Tags without a model, the same each time; slow enough to be killed on the way."""

    versions = Versions(package="0", model="stub", model_sha256="0", runtime="none", gazetteer="0")
    pause = 0.0

    def read(self, text):
        time.sleep(self.pause)
        if text == "!":
            raise ValueError("the text holds no word")
        return text

    def record(self, reading, *, id, date, source):
        label = list(Label)[len(reading) % len(Label)]
        return Record(
            id=id,
            text_sha256=text_digest(reading),
            source=source,
            versions=self.versions,
            label=LabelResult(name=label, display="", score=0.5, abstained=False),
            scores={label: 0.5},
            flags=[],
            forms=[],
            subject_groups=[],
            officials=[],
            regions=[],
            parties=[],
            election=ElectionRecord(type=[], year=None, basis=None),
            evidence=[],
            ignored=[],
            warnings=[],
        )


def write_input(path):
    rows = [{"text": "teks " * (i % 7 + 1), "url": f"https://x.id/{i}"} for i in range(ROWS)]
    rows[7] = rows[23] = {"text": "!"}
    lines = [json.dumps(r) for r in rows]
    lines[11] = "rusak"
    path.write_text("".join(line + "\n" for line in lines))


def start(folder, kill_at=0, pause=0.0):
    """Tag in a forked process; its number."""
    pid = os.fork()
    if pid:
        return pid
    touched = 0

    def count():
        nonlocal touched
        touched += 1
        if touched == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, arguments):
        if event in EVENTS and any(str(folder) in os.fsdecode(a) for a in arguments if isinstance(a, PATHS)):
            count()

    sync = os.fsync

    def counted_sync(fd):
        count()
        sync(fd)

    sys.addaudithook(hook)
    os.fsync = counted_sync
    tagger = Stub()
    tagger.pause = pause
    options = Options(shard=SHARD, seen=folder / "seen")
    try:
        tag_sources([str(folder / "in.jsonl")], folder / "out.jsonl", tagger, options)
        os._exit(0)
    except NetralitasError as e:
        # Killed when its last act was done.
        os._exit(0 if "exists already" in str(e) else 1)
    except BaseException as e:
        print(repr(e), file=sys.stderr, flush=True)
        os._exit(1)


def run(folder, kill_at=0):
    """Tag in a forked process; its exit status."""
    return os.waitpid(start(folder, kill_at), 0)[1]


def run_and_kill(folder, seconds):
    """Tag slowly in a forked process and kill it after a while; whether it was killed before its end."""
    pid = start(folder, pause=0.002)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def outcome(folder):
    """All that a finished run leaves."""
    import sqlite3

    store = sqlite3.connect(folder / "seen").execute("SELECT * FROM texts ORDER BY key").fetchall()
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "seen"}, store


def fresh(root, name):
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_input(folder / "in.jsonl")
    return folder


def main():
    root, rng = Path(sys.argv[1]).resolve(), random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    whole = fresh(root, "work")
    assert run(whole) == 0
    expected = outcome(whole)
    assert {"in.jsonl", "out.jsonl", "out.dead.jsonl"} == set(expected[0])
    points, wrong = 0, []
    for n in range(1, 10_000):
        folder = fresh(root, "work")
        if run(folder, kill_at=n) == 0:
            break
        points += 1
        # Some are killed a second time on the way back.
        if n % 5 == 0 and run(folder, kill_at=rng.randint(1, 40)):
            points += 1
        if run(folder) != 0 or outcome(folder) != expected:
            wrong.append(n)
    killed = 0
    while killed < 20:
        folder = fresh(root, "work")
        while run_and_kill(folder, rng.uniform(0.0, 0.08)) and rng.random() < 0.7:
            killed += 1
        if run(folder) != 0 or outcome(folder) != expected:
            wrong.append(f"at a random moment, {killed}")
    print(json.dumps({"points": points, "killed_at_random_moments": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
