"""The Ray engine: a local cluster of two workers gives the bytes of one machine, also when a worker dies."""

import json
import os
import signal
import threading
import time

import pytest

from nlp.batch import Options, tag_sources
from nlp.errors import NetralitasError

ray = pytest.importorskip("ray", reason="Ray is not installed; pip install 'netralitas[ray]'")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Ray's own, in its workers and its client
    pytest.mark.timeout(280),
]

from nlp.cluster import ray_engine  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def feed(corpus, tmp_path):
    rows = [{"id": f"{n}-{t.id}", "text": f"{t.text} {n}"} for n in range(6) for t in corpus]
    rows[5] = {"text": ""}
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def outcome(output):
    return [output.read_bytes(), output.with_name(output.stem + ".dead.jsonl").read_bytes()]


def workers():
    """Process numbers of the actors that tag."""
    from ray.util.state import list_actors

    return [a.pid for a in list_actors(detail=True) if a.state == "ALIVE" and a.pid]


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_one_machine(cluster, feed, tagger, released, tmp_path):
    options, one, many = Options(shard=8), tmp_path / "one.jsonl", tmp_path / "many.jsonl"
    expected = tag_sources([str(feed)], one, tagger, options)
    killed = []

    def kill():
        for _ in range(600):
            alive = workers()
            if len(alive) >= 2:
                time.sleep(0.2)
                os.kill(alive[0], signal.SIGKILL)
                killed.append(alive[0])
                return
            time.sleep(0.05)

    hunter = threading.Thread(target=kill)
    hunter.start()
    engine = ray_engine(str(released), tagger, options, workers=2)
    summary = tag_sources([str(feed)], many, tagger, options, engine=engine)
    hunter.join()
    assert killed
    assert outcome(many) == outcome(one)
    assert (summary.read, summary.tagged, summary.dead) == (expected.read, expected.tagged, expected.dead)
    assert summary.labels == expected.labels


def test_what_one_machine_began_a_cluster_ends(cluster, feed, tagger, released, tmp_path):
    options, one, both = Options(shard=8), tmp_path / "one.jsonl", tmp_path / "both.jsonl"
    tag_sources([str(feed)], one, tagger, options)

    def stop(item, _):
        if item.line > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tag_sources([str(feed)], both, tagger, options, stop)
    engine = ray_engine(str(released), tagger, options, workers=2)
    assert tag_sources([str(feed)], both, tagger, options, engine=engine).resumed >= 80
    assert outcome(both) == outcome(one)


def test_a_worker_with_another_model_is_refused(cluster, feed, tagger, trained, tmp_path):
    engine = ray_engine(str(trained), tagger, Options(), workers=1)
    with pytest.raises(Exception, match="install the same on every node"):
        tag_sources([str(feed)], tmp_path / "out.jsonl", tagger, Options(), engine=engine)


def test_without_ray_it_says_what_to_install(tagger, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NetralitasError, match=r"needs ray: pip install 'netralitas\[ray\]'"):
        ray_engine(None, tagger, Options())
