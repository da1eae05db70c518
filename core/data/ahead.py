"""Work ahead in threads, results in order, and never more of it in memory than a few items."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int
) -> Generator[Result, None, None]:
    """`function` of every item, in order, computed in threads ahead of whoever consumes them.

    Args:
        items: drawn one by one, as far as needed.
        workers: threads.
        ahead: results that may wait for the consumer, besides the ones in work.
    Raises: what `function` raises, at the place of that item; the items behind it are then given up.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= workers + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
