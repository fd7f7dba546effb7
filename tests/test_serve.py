"""The service: same answers as the command line, and limits that hold. A tiny model, a real server on the loopback."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from nlp.cli.app import app
from nlp.corrections import CorrectionLog
from nlp.errors import NetralitasError
from nlp.serve.app import Service
from nlp.serve.run import Server
from nlp.serve.settings import Settings, read_keys
from nlp.write import record_line
from tests.test_cli import ROOT

TEXT = "Warga melaporkan Camat Kudus Darmaji yang diduga hadir di kampanye calon bupati pada 29 Oktober 2024."


@contextmanager
def running(service):
    """A server in a thread; yields its address and the server."""
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = Server(service, "127.0.0.1", port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),))
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}", server, loop
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()


@pytest.fixture(scope="module")
def server(tagger, tmp_path_factory):
    log = CorrectionLog(tmp_path_factory.mktemp("log") / "corrections.jsonl")
    with running(Service(tagger, Settings(max_body=20_000, max_texts=5), log)) as (url, _, _):
        yield url


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server, timeout=30) as c:
        yield c


def tag(client, **body):
    return client.post("/v1/tag", json=body)


def test_same_bytes_as_the_tagger(client, tagger, corpus):
    for text in corpus[:6]:
        answer = tag(client, text=text.text, date=str(text.date), id=text.id)
        assert answer.status_code == 200
        assert answer.text == record_line(tagger.tag(text.text, id=text.id, date=text.date))


def test_many_texts_and_bad_ones_in_order(client, tagger, corpus):
    texts = [{"text": corpus[0].text}, {"text": "???"}, {"text": corpus[1].text, "date": "gestern"}, {"text": TEXT}]
    results = client.post("/v1/tag", json={"texts": texts}).json()["results"]
    assert results[0]["record"] == json.loads(record_line(tagger.tag(corpus[0].text)))
    assert results[1]["error"] == {"code": "untaggable", "message": "the text holds no word"}
    assert "not a date" in results[2]["error"]["message"]
    assert results[3]["record"]["label"]


def test_answers_do_not_depend_on_company(server, tagger, corpus):
    def ask(text):
        return httpx.post(f"{server}/v1/tag", json={"text": text.text, "date": str(text.date)}, timeout=60).text

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, corpus * 3))
    assert answers == [record_line(tagger.tag(t.text, date=t.date)) for t in corpus] * 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"text": "a"', 422, "invalid"),
        (b'{"text": 5}', 422, "invalid"),
        (b'{"text": "x", "secret": 1}', 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'{"texts": []}', 422, "invalid"),
        (b'{"text": ""}', 422, "untaggable"),
        (b'{"text": "\\ud800 kata"}', 422, "untaggable"),
        (b'{"text": "kata", "date": "2024-13-01"}', 422, "untaggable"),
        (b'{"text": "\xff\xfe"}', 400, "http"),
        (json.dumps({"texts": [{"text": TEXT}] * 6}).encode(), 422, "too_many_texts"),
        (json.dumps({"text": "panjang " * 4000}).encode(), 413, "too_large"),
    ],
)
def test_bad_requests(client, body, status, code):
    answer = client.post("/v1/tag", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "panjang" not in answer.text


def test_large_body_without_length_is_refused(client):
    def chunks():
        for _ in range(100):
            yield b"x" * 1000

    assert client.post("/v1/tag", content=chunks()).status_code == 413


def test_other_paths(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert client.get("/v1/model").json()["display"]["allegation"] == "dugaan"
    assert client.get("/v1/schema").json()["$schema"].endswith("2020-12/schema")
    assert client.get("/nowhere").json()["error"]["code"] == "not_found"
    assert client.get("/v1/tag").status_code == 405
    assert client.get("/desk/../serve/app.py").status_code == 404
    example = client.get("/openapi.json").json()["components"]["schemas"]["TextIn"]["examples"][0]
    assert tag(client, **example).status_code == 200


def test_metrics_hold_no_text(client):
    tag(client, text=TEXT)
    metrics = client.get("/metrics").text
    assert 'netralitas_requests_total{path="/v1/tag",status="200"}' in metrics
    assert "netralitas_texts_total" in metrics
    assert "Darmaji" not in metrics


def test_log_holds_no_text(client, caplog):
    with caplog.at_level("INFO"):
        tag(client, text=TEXT, title="Judul rahasia")
        client.get("/cari/Darmaji")
    said = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))
    assert "POST /v1/tag 200" in said
    assert "Darmaji" not in said
    assert "rahasia" not in said


def test_security_headers(client):
    for path in ("/", "/desk/desk.js", "/healthz", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_pages_of_other_sites_are_refused(client):
    answer = client.post("/v1/tag", json={"text": TEXT}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert client.get("/healthz", headers={"host": "evil.example:80"}).status_code == 421
    own = str(client.base_url).rstrip("/")
    assert client.post("/v1/tag", json={"text": TEXT}, headers={"origin": own}).status_code == 200


def test_keys(tagger, tmp_path):
    path = tmp_path / "keys"
    path.write_text("# pantau\nkunci-pertama-0001\n\nkunci-kedua-000002\n")
    with running(Service(tagger, Settings(keys=read_keys(path)))) as (url, _, _):
        for headers in (
            {},
            {"x-api-key": "salah"},
            {"authorization": "Basic a3VuY2k="},
            {"authorization": "Bearer kunci-pertama-000"},
        ):
            answer = httpx.post(f"{url}/v1/tag", json={"text": TEXT}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert httpx.get(f"{url}/metrics", headers=headers).status_code == 401
        for headers in ({"x-api-key": "kunci-kedua-000002"}, {"authorization": "bearer kunci-pertama-0001"}):
            assert httpx.post(f"{url}/v1/tag", json={"text": TEXT}, headers=headers).status_code == 200
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/").status_code == 200


@pytest.mark.parametrize(
    ("content", "message"), [("", "holds no key"), ("pendek\n", "at least 16"), ("x" * 8, "at least")]
)
def test_bad_key_files(tmp_path, content, message):
    (tmp_path / "keys").write_text(content)
    with pytest.raises(NetralitasError, match=message):
        read_keys(tmp_path / "keys")


class SlowTagger:
    """A tagger that waits until it is let go."""

    def __init__(self, tagger):
        self.model, self.versions, self._tagger = tagger.model, tagger.versions, tagger
        self.go, self.begun = threading.Event(), 0

    def tag(self, text, **options):
        self.begun += 1
        if "tunggu" in text:
            assert self.go.wait(20)
        return self._tagger.tag(text, **options)


def start_waiting(url, count, pool):
    return [
        pool.submit(httpx.post, f"{url}/v1/tag", json={"text": f"tunggu {n} {TEXT}"}, timeout=30) for n in range(count)
    ]


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_full_queue_is_refused_at_once_and_the_accepted_are_served(tagger):
    slow = SlowTagger(tagger)
    with running(Service(slow, Settings(queue=4))) as (url, server, _), ThreadPoolExecutor(8) as pool:
        waiting = start_waiting(url, 4, pool)
        until(lambda: server.service.pool.accepted == 4)
        begun = time.perf_counter()
        refused = httpx.post(f"{url}/v1/tag", json={"text": TEXT})
        assert time.perf_counter() - begun < 0.5
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
        assert refused.headers["retry-after"] == "1"
        assert httpx.get(f"{url}/healthz").status_code == 200
        slow.go.set()
        assert [f.result().status_code for f in waiting] == [200] * 4
        assert httpx.post(f"{url}/v1/tag", json={"text": TEXT}).status_code == 200


def test_too_many_clients(tagger):
    slow = SlowTagger(tagger)
    with running(Service(slow, Settings(clients=2))) as (url, server, _), ThreadPoolExecutor(8) as pool:
        waiting = start_waiting(url, 2, pool)
        until(lambda: server.service.gate.active == 2)
        refused = httpx.post(f"{url}/v1/tag", json={"text": TEXT})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_clients")
        slow.go.set()
        assert [f.result().status_code for f in waiting] == [200] * 2


def test_time_limit(tagger):
    slow = SlowTagger(tagger)
    with running(Service(slow, Settings(timeout=0.3))) as (url, server, _):
        answer = httpx.post(f"{url}/v1/tag", json={"text": f"tunggu {TEXT}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "timeout")
        assert server.service.pool.accepted == 0
        slow.go.set()
        assert httpx.post(f"{url}/v1/tag", json={"text": TEXT}).status_code == 200


def test_vanished_clients_free_their_place(tagger):
    slow = SlowTagger(tagger)
    with running(Service(slow, Settings(queue=3))) as (url, server, _):
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/v1/tag", json={"text": f"tunggu {TEXT}"}, timeout=0.2)
        until(lambda: server.service.pool.accepted == 0)
        slow.go.set()
        assert httpx.post(f"{url}/v1/tag", json={"text": TEXT}).status_code == 200


def raw(url, data, *, read=True, wait=5.0):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as s:
        s.sendall(data)
        return s.recv(4096) if read else b""


def test_slow_and_broken_clients_do_not_disturb_others(tagger):
    with running(Service(tagger, Settings(body_timeout=0.5))) as (url, _, _):
        head = b"POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
        host, port = url.removeprefix("http://").split(":")
        held = [socket.create_connection((host, int(port))) for _ in range(40)]
        for s in held:
            s.sendall(head + b'{"te')
        raw(url, b"\x16\x03\x01\x00\xa5garbage" * 50, read=False)
        raw(url, b"POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n", read=False)
        begun = time.perf_counter()
        assert httpx.post(f"{url}/v1/tag", json={"text": TEXT}).status_code == 200
        assert time.perf_counter() - begun < 2
        assert b" 400 " in raw(url, b"NONSENSE\r\n\r\n")
        held[0].settimeout(5)
        assert b" 408 " in held[0].recv(4096)
        for s in held:
            s.close()


def test_stop_answers_what_was_accepted_and_refuses_the_rest(tagger):
    slow = SlowTagger(tagger)
    with running(Service(slow, Settings())) as (url, server, loop), ThreadPoolExecutor(8) as pool:
        waiting = start_waiting(url, 3, pool)
        until(lambda: server.service.pool.accepted == 3)
        loop.call_soon_threadsafe(server.stop)
        until(lambda: server.service.gate.draining)
        refused = httpx.post(f"{url}/v1/tag", json={"text": TEXT})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/healthz").status_code == 200
        slow.go.set()
        assert [f.result().status_code for f in waiting] == [200] * 3


def test_feed_is_read_as_the_command_line_reads_it(client):
    content = 'id,text,date\n1,"satu, dua",2024-10-01\n2,tiga,kemarin\n'
    rows = client.post("/v1/read", json={"name": "f.csv", "content": content}).json()["rows"]
    assert rows[0]["text"]["text"] == "satu, dua"
    assert rows[0]["text"]["date"] == "2024-10-01"
    assert "not a date" in rows[1]["error"]
    refused = client.post("/v1/read", json={"name": "../../etc/x.doc", "content": ""})
    assert refused.status_code == 422
    assert "unknown suffix" in refused.json()["error"]["message"]
    assert "etc" not in refused.text


def test_correction_returns_with_every_later_record(client, server):
    text = {"text": TEXT, "date": "2024-10-29"}
    before = tag(client, **text).json()
    body = {"text": text, "field": "label", "new": "prevention", "by": "Ani", "reason": "hanya imbauan"}
    answer = client.post("/v1/corrections", json=body)
    assert answer.status_code == 201
    after = tag(client, **text).json()
    assert after == answer.json()
    assert after["label"]["name"] == "prevention"
    assert after["forms"] == []
    assert not [o for o in after["officials"] if o["status"] in ("alleged", "in_process", "sanctioned")]
    (note,) = after["corrections"]
    assert (note["old"], note["new"], note["by"]) == (before["label"]["name"], "prevention", "Ani")
    assert after["scores"] == before["scores"]


@pytest.mark.parametrize(
    "changes",
    [{"new": "guilty"}, {"field": "role", "new": "speaker"}, {"by": ""}, {"person": [0, 3]}, {"text": {"text": "??"}}],
)
def test_bad_corrections(client, changes):
    body = {"text": {"text": TEXT}, "field": "label", "new": "prevention", "by": "Ani", "reason": "x"}
    assert client.post("/v1/corrections", json=body | changes).status_code == 422


def test_no_log_no_corrections(tagger):
    with running(Service(tagger, Settings())) as (url, _, _):
        body = {"text": {"text": TEXT}, "field": "label", "new": "prevention", "by": "Ani", "reason": "x"}
        assert "--corrections" in httpx.post(f"{url}/v1/corrections", json=body).json()["error"]["message"]


def test_no_request_makes_a_server_error(server):
    command = Path(sys.executable).with_name("schemathesis")
    options = ["--checks", "not_a_server_error", "--max-examples", "20", "--seed", "1", "--no-color"]
    done = subprocess.run(
        [command, "run", f"{server}/openapi.json", *options], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"[1-9]\d* (?:generated|passed|tested)", done.stdout), done.stdout[-2000:]


def test_command_line(released, tmp_path):
    """Started as a user starts it; SIGTERM ends it with status 0 and every accepted text answered."""
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "nlp.cli.app", "serve", "--model", str(released), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), 60)
        with ThreadPoolExecutor(8) as pool:
            long = {"texts": [{"text": TEXT * 20}] * 20}
            asked = [pool.submit(httpx.post, f"{url}/v1/tag", json=long, timeout=60) for _ in range(4)]
            until(lambda: b"netralitas_accepted_texts 80.0" in httpx.get(f"{url}/metrics").content)
            process.send_signal(signal.SIGTERM)
            assert [len(f.result().json()["results"]) for f in asked] == [20] * 4
        assert process.wait(30) == 0
        assert f"http://127.0.0.1:{port}/" in process.stdout.read().decode()
        assert "Darmaji" not in process.stderr.read().decode()


def answers(url):
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_beyond_the_loopback_only_with_keys(host):
    result = CliRunner().invoke(app, ["serve", "--host", host])
    assert isinstance(result.exception, NetralitasError)
    assert "name a file of API keys with --keys" in str(result.exception)
