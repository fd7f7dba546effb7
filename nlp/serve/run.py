"""Run the service under uvicorn, and stop it without losing what was accepted."""

import asyncio
import contextlib
import signal
import sys
from typing import Final

import uvicorn

from nlp.serve.app import Service

_DRAIN_LIMIT: Final = 120.0
"""Seconds after which a stop no longer waits for accepted texts."""


class Server(uvicorn.Server):
    """A server that on SIGTERM or SIGINT first refuses new work with 503 and answers what it has accepted."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        self.service = service
        # Every connection costs memory: beyond these even the gate is not reached, and uvicorn answers 503.
        connections = 4 * service.settings.clients + 64
        super().__init__(
            uvicorn.Config(
                service.gate,
                host=host,
                port=port,
                lifespan="on",
                access_log=False,
                log_level="warning",
                server_header=False,
                limit_concurrency=connections,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=10,
                h11_max_incomplete_event_size=65_536,
                ws="none",
                http="h11",
            )
        )
        self._drain: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Serve until a signal, then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # In a thread other than the main one (tests) there are no signals.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.stop)
        await self._serve(sockets)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Begin to stop; a second call stops at once."""
        if self.service.gate.draining:
            self.should_exit = True
            return
        self.service.gate.draining = True
        self._drain = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_LIMIT):
                while self.service.pool.accepted or self.service.gate.active:
                    await asyncio.sleep(0.02)
        self.should_exit = True


def serve(service: Service, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    # The threads that tag hand over sooner, so that a refusal need not wait for their Python parts.
    sys.setswitchinterval(0.001)
    asyncio.run(Server(service, host, port).serve())
