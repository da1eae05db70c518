"""What a run's parts must be before they are stored together."""

import itertools
from collections.abc import Sequence

from core.errors import RunDamaged
from core.language import said, said_together
from core.store import tables
from core.store.codec import run_id_of
from core.types import Predictions, RunRecord


def damaged(run_id: str, reason: str) -> RunDamaged:
    """The error on one run, which it names."""
    return RunDamaged(said_together(": ", [run_id, reason]))


def check_parts(record: RunRecord, predictions: Sequence[Predictions]) -> None:
    """Raises RunDamaged where record and predictions are not of one run, or an image or group stands in two parts."""
    expected = run_id_of(record.spec)
    if record.run_id != expected:
        raise RunDamaged(
            said(
                "The record is called {run_id}, but its spec gives {expected}.",
                run_id=repr(record.run_id), expected=repr(expected),
            )
        )  # fmt: skip
    splits = [part.split for part in predictions]
    if len(set(splits)) != len(splits) or not set(splits) <= set(tables.SPLIT_ORDER):
        reason = said("predictions of {splits}; expected validation and test (train), once each.", splits=splits)
        raise damaged(record.run_id, reason)
    if record.status == "done" and "test" not in splits:
        raise damaged(record.run_id, said("a finished run needs predictions of the test split."))
    for part in predictions:
        if (part.run_id, part.task, part.class_names) != (record.run_id, record.task, record.class_names):
            reason = said("the {split} predictions are of another run, task or class order.", split=part.split)
            raise damaged(record.run_id, reason)
    for first, second in itertools.combinations(predictions, 2):
        where = said("in {one} and in {other}", one=first.split, other=second.split)
        if set(first.image_ids) & set(second.image_ids):
            raise damaged(record.run_id, said("an image stands {where}.", where=where))
        shared = set(first.groups) & set(second.groups)
        if shared and record.spec.split != "random":
            raise damaged(
                record.run_id,
                said(
                    "{n} groups stand {where}, such as {one}; only a run with split 'random' may do that.",
                    n=len(shared), where=where, one=repr(min(shared)),
                ),
            )  # fmt: skip
