"""Runs that are killed, disturbed or begun twice: nothing lost, nothing doubled."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from nlp.batch import Options, tag_sources
from nlp.errors import NetralitasError
from nlp.journal import Workspace
from tests.kill_run import ROWS, SHARD, Stub, write_input


@pytest.fixture
def source(tmp_path):
    write_input(tmp_path / "in.jsonl")
    return tmp_path / "in.jsonl"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.jsonl"


class Stopped(Exception):
    pass


class Stopping(Stub):
    """Stops the run at a text of so many words."""

    def __init__(self, calls):
        self.calls = calls

    def record(self, *arguments, **options):
        self.calls -= 1
        if self.calls < 0:
            raise Stopped
        return super().record(*arguments, **options)


def tag(source, output, tagger=None, **options):
    return tag_sources([str(source)], output, tagger or Stub(), Options(shard=SHARD, **options))


def stopped(source, output, calls=20, **options):
    """A run that was stopped on its way."""
    with pytest.raises(Stopped):
        tag(source, output, Stopping(calls), **options)
    return Workspace(output)


def whole(source, tmp_path):
    folder = tmp_path / "whole"
    folder.mkdir()
    tag(source, folder / "out.jsonl")
    return [(folder / name).read_bytes() for name in ("out.jsonl", "out.dead.jsonl")]


def outcome(output):
    return [output.read_bytes(), output.with_name("out.dead.jsonl").read_bytes()]


def test_a_run_killed_anywhere_ends_with_the_same_bytes(tmp_path):
    script = Path(__file__).parent / "kill_run.py"
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(script.parents[1])},
        timeout=280,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["points"] >= 50
    assert found["killed_at_random_moments"] >= 20
    assert found["wrong"] == [], result.stderr


def test_finished_shards_are_not_tagged_again(source, output, tmp_path):
    stopped(source, output)
    told = []
    summary = tag_sources([str(source)], output, Stub(), Options(shard=SHARD), on_resume=told.append)
    assert told == [summary.resumed]
    assert 0 < summary.resumed < ROWS
    assert summary.resumed % SHARD == 0
    assert summary.read == ROWS == summary.tagged + summary.dead
    assert outcome(output) == whole(source, tmp_path)
    assert not Workspace(output).directory.exists()


@pytest.mark.parametrize("kind", ["records", "dead"])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_damaged_shard_is_done_again(source, output, tmp_path, kind, harm):
    space = stopped(source, output)
    done = space.finished()
    harmed = next(n for n in done if space._part(kind, n).stat().st_size)
    path = space._part(kind, harmed)
    if harm == "gone":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-3] if harm == "cut" else content.replace(b'"', b"'", 1))
    assert set(space.finished()) == set(done) - {harmed}
    tag(source, output)
    assert outcome(output) == whole(source, tmp_path)


def test_a_torn_journal_line_is_dropped(source, output, tmp_path):
    space = stopped(source, output)
    journal = space.directory / "journal.jsonl"
    done = len(space.finished())
    journal.write_bytes(journal.read_bytes()[:-20])
    assert len(space.finished()) == done - 1
    assert journal.read_bytes().endswith(b"\n")
    tag(source, output)
    assert outcome(output) == whole(source, tmp_path)


def test_a_damaged_snapshot_is_refused(source, output):
    space = stopped(source, output)
    space._part("rows", 9).write_text("{")
    with pytest.raises(NetralitasError, match=r"rows-000009.jsonl: is missing or damaged; begin anew with --restart"):
        tag(source, output)


def test_changed_input_is_refused_and_vanished_is_not_needed(source, output, tmp_path):
    expected = whole(source, tmp_path)
    stopped(source, output)
    content = source.read_bytes()
    source.write_bytes(content + b'{"text": "baru"}\n')
    with pytest.raises(NetralitasError, match=r"begun with another content of .*in.jsonl; go on as it was begun"):
        tag(source, output)
    assert not output.exists()
    source.unlink()
    tag(source, output)
    assert outcome(output) == expected


@pytest.mark.parametrize("changed", ["model", "fields", "selection", "sources"])
def test_going_on_with_something_else_is_refused(source, output, tmp_path, changed):
    from nlp.read import Fields
    from nlp.select import Selection

    stopped(source, output)
    tagger, sources, options = Stub(), [str(source)], Options(shard=SHARD)
    if changed == "model":
        tagger.versions = Stub.versions.model_copy(update={"model_sha256": "1"})
    elif changed == "fields":
        options = Options(shard=SHARD, fields=Fields(text="isi"))
    elif changed == "selection":
        options = Options(shard=SHARD, selection=Selection(min_score=0.9))
    else:
        (tmp_path / "b.jsonl").write_text('{"text": "x"}\n')
        sources.append(str(tmp_path / "b.jsonl"))
    with pytest.raises(NetralitasError, match=r"an unfinished run was begun with .* drop what it did with --restart"):
        tag_sources(sources, output, tagger, options)
    summary = tag_sources(sources, output, tagger, Options(**(vars(options) | {"restart": True})))
    assert summary.resumed == 0


def test_a_second_run_on_one_output_is_refused(source, output):
    space = Workspace(output)
    with space.locked(), pytest.raises(NetralitasError, match="another run is writing it"):
        tag(source, output)
    assert not space.directory.exists()
    space.directory.mkdir()
    lock = FileLock(space.directory / "lock")
    with lock, pytest.raises(NetralitasError, match="another run is writing it"):
        tag(source, output)


def test_a_full_disk_loses_nothing(source, output, tmp_path, monkeypatch):
    real, calls = os.fsync, [0]

    def full(fd):
        calls[0] += 1
        if calls[0] == 30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NetralitasError, match="cannot be written: No space left on device"):
        tag(source, output)
    monkeypatch.undo()
    assert Workspace(output).finished()
    tag(source, output)
    assert outcome(output) == whole(source, tmp_path)


def test_a_full_disk_at_the_very_end(source, output, tmp_path, monkeypatch):
    import nlp.batch

    def full(*arguments):
        raise NetralitasError(f"{output}: cannot be written: No space left on device")

    monkeypatch.setattr(nlp.batch, "write_output", full)
    with pytest.raises(NetralitasError, match="No space left"):
        tag(source, output)
    monkeypatch.undo()
    assert tag(source, output).resumed == ROWS
    assert outcome(output) == whole(source, tmp_path)


def test_a_source_that_grows_while_it_is_read_is_refused(source, output, monkeypatch):
    import nlp.intake

    real = nlp.intake.read_files

    def growing(*arguments, **options):
        yield from real(*arguments, **options)
        with source.open("a") as f:
            f.write('{"text": "baru"}\n')

    monkeypatch.setattr(nlp.intake, "read_files", growing)
    with pytest.raises(NetralitasError, match="changed while it was read"):
        tag(source, output)


def test_standard_input_is_kept_and_compared(source, output, tmp_path, monkeypatch):
    import io

    def standard_input(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    content = source.read_bytes()
    standard_input(content)
    with pytest.raises(Stopped):
        tag("-", output, Stopping(20))
    standard_input(content + b"{}")
    with pytest.raises(NetralitasError, match="another content of -"):
        tag("-", output)
    standard_input(content)
    assert tag("-", output).resumed
    ids = [json.loads(line)["id"] for line in output.read_text().splitlines()]
    assert ids[:2] == ["-:1", "-:2"]


def test_a_repeated_text_is_read_once(source, output):
    class Counting(Stub):
        calls = 0

        def read(self, text):
            Counting.calls += 1
            return super().read(text)

    tag(source, output, Counting())
    # Seven texts, and those without a word, which are not kept; two threads may meet at the same new text.
    assert Counting.calls <= 7 * 2 + 2
