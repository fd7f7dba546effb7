"""Fetching: only where it is asked for, and politely."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nlp.batch import Options, tag_sources
from nlp.errors import NetralitasError
from nlp.fetch import MAX_BYTES, Fetcher, FetchError, is_address, same_host, without_secrets
from tests.kill_run import Stub

BODY = "Warga melaporkan Camat Undaan ke Bawaslu karena hadir di kampanye calon bupati. " * 8
PAGE = f"<html><head><title>Camat Dilaporkan</title></head><body><article><p>{BODY}</p></article></body></html>"
ENTRY = (
    "<item><guid>{id}</guid><title>Judul {id}</title><link>{link}</link><description>Ringkas {id}.</description></item>"
)


class Site:
    """A web site on the loopback: answers by path, and the paths that were asked for."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append((self.path, time.monotonic()))
                status, headers, content = site.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                parts = [content] if isinstance(content, bytes) else content
                try:
                    for part in parts:
                        self.wfile.write(part)
                except OSError:
                    pass  # the other side has read enough

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, path, content, status=200, **headers):
        self.answers[path] = (status, headers, content.encode() if isinstance(content, str) else content)

    def count(self, path):
        return sum(p == path for p, _ in self.asked)


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def fetcher():
    fetcher = Fetcher(pause=0.05, timeout=1.0)
    yield fetcher
    fetcher.close()


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr("nlp.intake.Fetcher", lambda: Fetcher(pause=0.01, timeout=1.0))


def test_robots_are_honoured_and_asked_once(site, fetcher):
    site.put("/robots.txt", "User-agent: netralitas\nDisallow: /tutup/\n")
    site.put("/a", "isi")
    site.put("/tutup/b", "rahasia")
    assert fetcher.get(site.root + "/a") == fetcher.get(site.root + "/a") == b"isi"
    with pytest.raises(FetchError, match=r"robots\.txt does not allow it"):
        fetcher.get(site.root + "/tutup/b")
    assert site.count("/tutup/b") == 0
    assert site.count("/robots.txt") == 1


def test_robots_that_cannot_be_had_forbid_everything(site, fetcher):
    site.put("/robots.txt", "", status=503)
    site.put("/a", "isi")
    with pytest.raises(FetchError, match=r"robots\.txt"):
        fetcher.get(site.root + "/a")


def test_a_host_is_asked_with_pauses(site, fetcher):
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 1\n")
    site.put("/a", "isi")
    for _ in range(2):
        fetcher.get(site.root + "/a")
    first, second = (t for p, t in site.asked if p == "/a")
    assert second - first > 0.9


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/tiada", "the host answers 404"),
        ("/besar", f"is longer than {MAX_BYTES} bytes"),
        ("/lambat", "takes longer than 1 seconds|cannot be fetched"),
        ("/putar", "redirects without end"),
        ("/berkas", "is no http or https address"),
    ],
)
def test_what_cannot_be_had_has_a_reason(site, fetcher, path, reason):
    def slowly():
        for _ in range(8):
            time.sleep(0.3)
            yield b"x"

    site.put("/besar", b"x" * (MAX_BYTES + 1))
    site.answers["/lambat"] = (200, {}, slowly())
    site.put("/putar", "", status=302, Location="/putar")
    site.put("/berkas", "", status=302, Location="file:///etc/passwd")
    with pytest.raises(FetchError, match=reason):
        fetcher.get(site.root + path)


def test_a_redirection_is_followed(site, fetcher):
    site.put("/lama", "", status=301, Location="/baru")
    site.put("/baru", "isi")
    assert fetcher.get(site.root + "/lama") == b"isi"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "10.0.0.1"])
def test_links_lead_to_no_private_place(fetcher, host):
    with pytest.raises(FetchError, match="is not on the public internet"):
        fetcher.get(f"http://{host}:1/x", public=True)


def test_a_redirection_leads_to_no_private_place(site, fetcher, monkeypatch):
    site.put("/a", "", status=302, Location="http://169.254.169.254/latest/")
    real = __import__("nlp.fetch", fromlist=["_is_public"])._is_public
    monkeypatch.setattr("nlp.fetch._is_public", lambda host: host == "127.0.0.1" or real(host))
    with pytest.raises(FetchError, match="is not on the public internet"):
        fetcher.get(site.root + "/a", public=True)


def test_addresses():
    assert is_address("https://x.id/feed")
    assert not is_address("feeds/https.jsonl")
    assert without_secrets("https://a:b@x.id/c?d=1") == "https://x.id/c?d=1"
    assert same_host("https://x.id/a", "https://x.id/b")
    assert not same_host("https://x.id/a", "https://y.id/a")


def feed(site, *paths):
    entries = "".join(ENTRY.format(id=p.strip("/"), link=site.root + p) for p in paths)
    return f"<rss version='2.0'><channel><title>Kabar</title>{entries}</channel></rss>"


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_feed_at_an_address_is_read_and_its_pages_only_if_asked(site, hurried, tmp_path):
    site.put("/feed", feed(site, "/a", "/b"))
    site.put("/a", PAGE)
    output = tmp_path / "out.jsonl"
    tag_sources([site.root + "/feed"], output, Stub())
    assert [r["source"]["extent"] for r in records(output)] == ["teaser", "teaser"]
    assert {p for p, _ in site.asked} == {"/robots.txt", "/feed"}
    summary = tag_sources([site.root + "/feed"], output, Stub(), Options(articles=True))
    first, second = records(output)
    assert (first["source"]["extent"], second["source"]["extent"]) == ("full", "teaser")
    assert "Camat Undaan" in first["text"]
    assert first["source"]["title"] == "Judul a"
    assert summary.unfetched == 1


def test_pages_tagged_before_are_not_fetched_again(site, hurried, tmp_path):
    site.put("/feed", feed(site, "/a"))
    site.put("/a", PAGE)
    site.put("/b", PAGE.replace("Camat", "Lurah"))
    options = Options(articles=True, seen=tmp_path / "seen.sqlite")
    tag_sources([site.root + "/feed"], tmp_path / "1.jsonl", Stub(), options)
    site.put("/feed", feed(site, "/a", "/b"))
    summary = tag_sources([site.root + "/feed"], tmp_path / "2.jsonl", Stub(), options)
    assert (summary.read, summary.unchanged, summary.tagged) == (2, 1, 1)
    assert site.count("/a") == 1


def test_a_page_at_an_address(site, hurried, tmp_path):
    site.put("/a", PAGE)
    tag_sources([site.root + "/a"], tmp_path / "out.jsonl", Stub())
    (record,) = records(tmp_path / "out.jsonl")
    assert record["source"]["extent"] == "full"


def test_an_address_that_cannot_be_had_is_an_error_without_secrets(site, hurried, tmp_path):
    address = site.root.replace("http://", "http://ani:sandi@") + "/feed"
    with pytest.raises(NetralitasError, match=r"/feed: the host answers 404") as caught:
        tag_sources([address], tmp_path / "out.jsonl", Stub())
    assert "sandi" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
