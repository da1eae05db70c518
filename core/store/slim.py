"""A finished run without its fitted networks: every number stays, and the record names what was left out.

A network trained whole weighs some ten megabytes, its predictions a fraction of one. Once the network is exported, or
when it is one turn of several, a results folder that is handed on need not hold it again.
"""

from dataclasses import replace
from pathlib import Path

from core.errors import RunDamaged
from core.store.atomic import only_writer, write_text
from core.store.codec import to_json
from core.store.runs import HISTORY, PREDICTIONS, RECORD, run_folder, verify_run
from core.types import RunRecord

KEPT = (PREDICTIONS, HISTORY, "seen_images.txt")  # what numbers, curves and the check of later test parts rest on


def slim_run(run_id: str, folder: Path | None = None) -> RunRecord:
    """Remove what a finished run fitted; `left_out` of its record keeps the names and sums.

    The record is written first: should the process be killed in between, a file too many lies there and none too few.
    Returns: the new record; the old one where nothing is left to remove.
    Raises: RunDamaged when the run is not finished, or a file is not the one that was saved.
    """
    record = verify_run(run_id, folder)
    if record.status != "done":
        raise RunDamaged(f"{run_id} is {record.status}; only a finished run can be slimmed.")
    going = {name: digest for name, digest in record.artifacts.items() if name not in KEPT}
    if not going:
        return record
    kept = {name: digest for name, digest in record.artifacts.items() if name in KEPT}
    slim = replace(record, artifacts=kept, left_out={**record.left_out, **going})
    target = run_folder(run_id, folder)
    with only_writer(target):
        write_text(target / RECORD, to_json(slim))
        for name in going:
            (target / name).unlink(missing_ok=True)
    return slim
