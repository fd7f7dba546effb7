"""Fetch feeds and article pages from the network: only where it is asked for, and then politely.

robots.txt is honoured, a host is asked at most once in two seconds (or as seldom as its robots.txt asks), and time and
size of an answer are limited. Links found in a feed lead only to public addresses.
"""

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

from nlp.extras import require

AGENT: Final = "netralitas"
PAUSE: Final = 2.0
"""Seconds between two requests to one host."""
TIMEOUT: Final = 20.0
MAX_BYTES: Final = 5_000_000
"""A longer answer is not read."""
_LONGEST_PAUSE: Final = 60.0


class FetchError(Exception):
    """Why an address was not fetched."""


def is_address(source: str) -> bool:
    """Whether a source is to be fetched."""
    return source.startswith(("http://", "https://"))


@dataclass
class _Host:
    robots: RobotFileParser
    pause: float
    asked: float = 0.0


class Fetcher:
    """Fetches one address after another.

    Raises:
        NetralitasError: httpx is missing.
    """

    def __init__(self, pause: float = PAUSE, timeout: float = TIMEOUT) -> None:
        require("formats", "httpx", what="fetching from the network")
        import httpx

        self._pause = pause
        self._hosts: dict[str, _Host] = {}
        self._client = httpx.Client(timeout=timeout, headers={"User-Agent": AGENT}, follow_redirects=False)
        self._seconds = timeout

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, address: str, *, public: bool = False) -> bytes:
        """The content at an address. ``public``: refuse hosts that are not on the public internet.

        Raises:
            FetchError: the reason.
        """
        for _ in range(6):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise FetchError("is no http or https address")
            if public and not _is_public(parts.hostname):
                raise FetchError("is not on the public internet")
            host = self._host(f"{parts.scheme}://{parts.netloc}")
            if not host.robots.can_fetch(AGENT, address):
                raise FetchError("robots.txt does not allow it")
            time.sleep(max(0.0, host.asked + host.pause - time.monotonic()))
            host.asked = time.monotonic()
            status, target, content = self._ask(address)
            if not target:
                if status != 200:
                    raise FetchError(f"the host answers {status}")
                return content
            address = str(target)
        raise FetchError("redirects without end")

    def _ask(self, address: str) -> tuple[int, str | None, bytes]:
        """Status, address of a redirection, and content."""
        import httpx

        end = time.monotonic() + self._seconds
        try:
            with self._client.stream("GET", address) as answer:
                if answer.next_request:
                    return answer.status_code, str(answer.next_request.url), b""
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise FetchError(f"is longer than {MAX_BYTES} bytes")
                    if time.monotonic() > end:
                        raise FetchError(f"takes longer than {self._seconds:.0f} seconds")
                return answer.status_code, None, content
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as e:
            raise FetchError(f"cannot be fetched: {str(e) or type(e).__name__}") from e

    def _host(self, root: str) -> _Host:
        if root not in self._hosts:
            robots = RobotFileParser()
            try:
                status, target, content = self._ask(root + "/robots.txt")
            except FetchError:
                status, target, content = 500, None, b""
            # RFC 9309, 2.3.1: what is not there allows everything, what cannot be had forbids everything.
            if status == 200:
                robots.parse(content.decode("utf-8", "replace").splitlines())
            elif target or 400 <= status < 500:
                robots.parse([])
            else:
                robots.parse(["User-agent: *", "Disallow: /"])
            asked_for = float(robots.crawl_delay(AGENT) or 0)
            self._hosts[root] = _Host(robots, min(max(self._pause, asked_for), _LONGEST_PAUSE))
        return self._hosts[root]


def without_secrets(address: str) -> str:
    """An address without user and password, fit to stand in a record; any other source as it is."""
    if not is_address(address):
        return address
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def same_host(one: str, other: str) -> bool:
    """Whether two addresses are of one host."""
    return urlsplit(one).netloc == urlsplit(other).netloc


def _is_public(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ipaddress.ip_address(str(f[4][0]).partition("%")[0]).is_global for f in found)
