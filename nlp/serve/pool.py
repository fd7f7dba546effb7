"""Tag the texts of all clients in one bounded queue, with every core busy."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from nlp.read import Item
from nlp.record import Record
from nlp.serve.settings import Settings
from nlp.tagger import Tagger
from nlp.workers import cores

_CHARACTERS_PER_TOKEN: Final = 4


class QueueFullError(Exception):
    """More texts wait than the settings allow."""


@dataclass
class _Job:
    item: Item
    result: asyncio.Future[Record]

    @property
    def tokens(self) -> int:
        return 1 + len(self.item.text) // _CHARACTERS_PER_TOKEN


class Pool:
    """A queue of texts, taken from it in batches by token budget and tagged in one thread a core.

    A batch is a unit of dispatch, longest text first, so that the cores finish together. The encoder sees one window at
    a time: dynamic quantisation takes its ranges from a whole input, so windows run together would change each other's
    answers, and on a CPU they are no faster.
    """

    def __init__(self, tagger: Tagger, settings: Settings) -> None:
        self._tagger = tagger
        self._settings = settings
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="tag")
        self._free = asyncio.Semaphore(cores())
        self._waiting: asyncio.Queue[_Job] = asyncio.Queue()
        self._running: set[asyncio.Task[None]] = set()
        self._dispatcher: asyncio.Task[None] | None = None
        self.accepted = 0
        """Texts accepted and not yet answered."""

    async def __aenter__(self) -> "Pool":
        self._dispatcher = asyncio.create_task(self._dispatch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer what was accepted, then stop."""
        while self.accepted:
            await asyncio.sleep(0.01)
        if self._dispatcher:
            self._dispatcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._dispatcher
        self._threads.shutdown()

    async def tag(self, items: Sequence[Item]) -> list[Record | ValueError]:
        """Tag a request's texts; a text that cannot be tagged gives its error. All are accepted, or none.

        Raises:
            QueueFullError: too many texts wait.
        """
        if self.accepted + len(items) > self._settings.queue:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        jobs = [_Job(item, loop.create_future()) for item in items]
        self.accepted += len(jobs)
        for job in jobs:
            self._waiting.put_nowait(job)
        try:
            results = await asyncio.gather(*(j.result for j in jobs), return_exceptions=True)
        finally:
            self.accepted -= len(jobs)
            for job in jobs:
                job.result.cancel()
        out: list[Record | ValueError] = []
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, ValueError):
                raise result
            out.append(result)
        return out

    async def _dispatch(self) -> None:
        while True:
            for job in sorted(await self._batch(), key=lambda j: -j.tokens):
                await self._free.acquire()
                if job.result.done():  # its client has gone
                    self._free.release()
                    continue
                task = asyncio.create_task(self._run(job))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _batch(self) -> list[_Job]:
        batch = [await self._waiting.get()]
        if self._waiting.empty():
            await asyncio.sleep(self._settings.wait)
        budget = self._settings.batch_tokens - batch[0].tokens
        while budget > 0 and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
            budget -= batch[-1].tokens
        return batch

    async def _run(self, job: _Job) -> None:
        try:
            loop = asyncio.get_running_loop()
            record = await loop.run_in_executor(self._threads, self._tag, job.item)
        except Exception as e:
            if not job.result.done():
                job.result.set_exception(e)
        else:
            if not job.result.done():
                job.result.set_result(record)
        finally:
            self._free.release()

    def _tag(self, item: Item) -> Record:
        return self._tagger.tag(item.text, id=item.id, source=item.source)
