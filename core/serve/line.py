"""The line in front of the processor: requests wait for one of a few threads, first come first served.

Decoding and predicting never run on the event loop, which the pages share.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from core import limits
from core.errors import RequestRefused

P = ParamSpec("P")
T = TypeVar("T")


class Line:
    """A pool of threads and a counter of who is inside or waiting. Used from one event loop.

    Args:
        workers: pictures that are worked on at the same time.
        most: requests inside or waiting; the next one is sent away.
    """

    def __init__(self, workers: int, most: int = limits.MAX_WAITING_REQUESTS) -> None:
        self.workers, self._most = workers, most
        self.inside = 0  # requests that have a place
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="medlens-api")

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request, from its whole body to its reply. Raises RequestRefused (503) when there is none."""
        if self.inside >= self._most:
            raise RequestRefused(
                503, f"{self._most} requests are waiting already; ask again in a moment.", {"retry-after": "1"}
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work` in one of the threads, in the order of the calls."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))
