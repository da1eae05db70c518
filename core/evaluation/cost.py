"""What a run costs beside what it scores, and which runs no other beats in both.

A cost is what the record states and nothing else; a record that does not state one has None there.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.types import RunRecord

AXES = ("training_seconds", "params_trained", "params_total", "megabytes")


def costs_of(record: RunRecord) -> Mapping[str, float | None]:
    """Each of AXES as a number, or None where the record does not state it.

    `training_seconds` are of the stage training alone: features may come from a cache. The time of one image is not
    here: no stage of a run is the pass of a picture through the network and nothing else.
    """
    return {
        "training_seconds": record.seconds.get("training"),
        "params_trained": float(record.params_trained) or None,
        "params_total": float(record.params_total) or None,
        "megabytes": record.model_bytes / 1e6 or None,
    }


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> np.ndarray:
    """(n,) bool: no other run is at most as costly and at least as good, and better in one of the two.

    Of runs equal in both, all are on the front.
    """
    cost, value = np.asarray(costs, dtype=np.float64), np.asarray(values, dtype=np.float64)
    front = np.ones(len(cost), dtype=bool)
    for i in range(len(cost)):
        no_worse = (cost <= cost[i]) & (value >= value[i])
        front[i] = not (no_worse & ((cost < cost[i]) | (value > value[i]))).any()
    return front
