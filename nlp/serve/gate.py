"""The gate before the application: host, key, limits, security headers, log and metrics of every request.

Plain ASGI, for it bounds what is read before anything parses it. Nothing of a text or a name is logged.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nlp.serve.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger: Final = logging.getLogger("netralitas.serve")
RETRY_AFTER: Final = "1"
CLIENT_GONE: Final = 499
"""What log and metrics say of a request whose client did not wait for the answer."""
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
_OPEN: Final = ("/healthz", "/readyz", "/", "/desk/")
"""Paths that need no key: they hold no text. The desk asks its user for one."""


class Metrics:
    """Prometheus metrics of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("netralitas_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "netralitas_request_seconds",
            "Time from a request's head to its answer",
            ["path"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self.registry,
        )
        self.texts = Counter("netralitas_texts", "Texts tagged", ["label"], registry=self.registry)
        self.abstained = Counter("netralitas_abstained", "Texts on which the model abstained", registry=self.registry)
        self.failed = Counter("netralitas_failed_texts", "Texts that cannot be tagged", registry=self.registry)
        self.waiting = Gauge("netralitas_accepted_texts", "Texts accepted and not answered", registry=self.registry)


class Refusal(Exception):
    """A request is answered with an error by the gate."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error_body(code: str, message: str) -> bytes:
    """The body of every error."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()


class Gate:
    """Wraps an ASGI application."""

    def __init__(self, app: App, settings: Settings, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app, self._settings, self._metrics, self._paths = app, settings, metrics, paths
        self.draining = False
        """Set when the service is to stop: what was accepted is answered, everything new is refused."""
        self.active = 0
        """Requests with a body under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = CLIENT_GONE

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        try:
            await self._admit(scope, receive, watched)
        except Refusal as refusal:
            status = refusal.status
            with contextlib.suppress(Exception):  # the client may be gone
                await _answer(watched, refusal)
        finally:
            seconds = time.perf_counter() - begun
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(seconds)
            logger.info("%s %s %s %.0f ms", scope["method"], path, status, seconds * 1000)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        self._check_host(headers)
        self._check_origin(headers)
        self._check_key(scope["path"], headers)
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if self.draining:
            raise Refusal(503, "draining", "the service is stopping; ask another one, or later")
        if self.active >= self._settings.clients:
            raise Refusal(429, "too_many_clients", f"{self._settings.clients} requests are under way; try again")
        self.active += 1
        try:
            body = await self._body(receive, headers)
            await self._run(scope, body, receive, send)
        finally:
            self.active -= 1

    def _check_host(self, headers: dict[str, str]) -> None:
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if "*" not in self._settings.hosts and name not in self._settings.hosts:
            raise Refusal(421, "wrong_host", "the service is not called by this name; see --allow-host")

    def _check_origin(self, headers: dict[str, str]) -> None:
        # No CORS: a page of another site must not even make a request that changes something.
        origin = headers.get("origin")
        if origin and origin.partition("://")[2].lower() != headers.get("host", "").lower():
            raise Refusal(403, "other_origin", "pages of other sites may not call the service")

    def _check_key(self, path: str, headers: dict[str, str]) -> None:
        if not self._settings.keys or path in _OPEN or path.startswith("/desk/"):
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not self._settings.allows(key):
            raise Refusal(401, "no_key", "send a key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")

    async def _body(self, receive: Receive, headers: dict[str, str]) -> bytes:
        limit = self._settings.max_body
        too_large = Refusal(413, "too_large", f"the body has more than {limit} bytes; send fewer or shorter texts")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refusal(400, "gone", "the client has gone")
                    chunks.append(message.get("body", b""))
                    size += len(chunks[-1])
                    if size > limit:
                        raise too_large
                    if not message.get("more_body"):
                        return b"".join(chunks)
        except TimeoutError:
            seconds = self._settings.body_timeout
            raise Refusal(408, "too_slow", f"the body did not arrive in {seconds:g} seconds") from None

    async def _run(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application on a body that is here; stop it when the client goes or the time is over."""
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            await asyncio.Event().wait()  # until this task is cancelled
            raise AssertionError

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        work = asyncio.ensure_future(self._app(scope, replay, send))
        watch = asyncio.ensure_future(gone())
        try:
            done, _ = await asyncio.wait(
                {work, watch}, timeout=self._settings.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if work in done:
                await work
            elif not done:
                raise Refusal(503, "timeout", f"no answer in {self._settings.timeout:g} seconds; try again later")
        finally:
            for task in (work, watch):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


async def _answer(send: Send, refusal: Refusal) -> None:
    body = error_body(refusal.code, refusal.message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))  # its body may not have been read
    if refusal.status in (429, 503):
        headers.append((b"retry-after", RETRY_AFTER.encode()))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
