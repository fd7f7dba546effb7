"""Keep every core busy: apply a function in threads, in order, with bounded look-ahead."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")
_AHEAD: Final = 8


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[_Input], _Output], items: Iterable[_Input], workers: int | None = None
) -> Iterator[_Output]:
    """Yield ``function(item)`` for each item, in order, computed in as many threads as there are cores.

    The encoder releases the interpreter while it runs, so threads are enough. At most eight items a worker are read
    ahead: memory does not grow with the input. An exception of the function is raised at its item's turn.
    """
    workers = workers or cores()
    with ThreadPoolExecutor(workers, thread_name_prefix="tag") as pool:
        waiting: deque[Future[_Output]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
