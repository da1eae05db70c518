"""How long each stage of a run took, over all the processes that worked on it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds per stage, summed where a stage comes twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running: tuple[str, float] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._running = name, time.perf_counter()
        try:
            yield
        finally:
            self.seconds, self._running = self.so_far(), None

    def so_far(self) -> dict[str, float]:
        """Seconds per stage, with those of the stage under way."""
        if self._running is None:
            return dict(self.seconds)
        name, started = self._running
        return {**self.seconds, name: self.seconds.get(name, 0.0) + time.perf_counter() - started}

    def add(self, seconds: dict[str, float]) -> None:
        """Count what an earlier process spent on the same run."""
        for name, value in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value
