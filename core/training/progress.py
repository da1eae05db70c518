"""What a long job tells while it runs: a stage, how much is done, and of how much.

The training code calls a `Report`; whoever started the job (command line, page, test) draws it.
"""

from collections.abc import Callable

Report = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """A report that nobody reads."""
