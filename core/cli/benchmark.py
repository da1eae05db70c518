"""`python -m core benchmark PLAN`: train what is missing of a plan, and write the leaderboard."""

import time
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import REFUSED, err, guarded, out, plan_bars, print_json
from core.errors import MedLensError
from core.types import RunRecord


def benchmark(
    plan: Annotated[
        str, typer.Argument(help="A shipped plan (phantom, chest_xray, leakage) or the path of a TOML file.")
    ],
    root: Annotated[Path | None, typer.Option(help="Folder of the plan's data set.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Override the split: group, official, or random (to teach leakage; marked).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override the seed of training and split.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the runs and what is stored, train nothing.")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train the runs of PLAN that are not stored yet; finished ones are skipped."""
    with guarded():
        from core.store.codec import run_id_of
        from core.store.leaderboard import write_leaderboard
        from core.store.runs import is_finished
        from core.training.plan import load_plan
        from core.training.runner import run

        overrides: dict[str, object] = {} if split is None else {"split": split}
        if seed is not None:
            overrides.update(seed=seed, split_seed=seed)
        loaded = load_plan(plan, overrides)
        ids = [run_id_of(spec) for spec in loaded.runs]
        stored = {run_id: is_finished(run_id) for run_id in ids}
        err.print(f"{loaded.title}: {len(ids)} runs, {sum(stored.values())} stored.", markup=False, soft_wrap=True)
        if dry_run:
            _show_plan(ids, stored, json_out)
            return
        records: list[RunRecord] = []
        failed: dict[str, str] = {}
        with plan_bars(loaded.title, len(ids)) as bars:
            for number, (spec, run_id) in enumerate(zip(loaded.runs, ids, strict=True), start=1):
                started, place = time.perf_counter(), f"{number}/{len(ids)} {run_id}"
                bars.begin(place)
                try:
                    records.append(run(spec, root=root, report=bars.report))
                    seconds = time.perf_counter() - started
                    what = "stored already" if stored[run_id] else f"{seconds:.0f} s"
                    err.print(f"{place}: {headline(records[-1])} ({what})", markup=False, soft_wrap=True)
                except MedLensError as error:
                    failed[run_id] = str(error)
                    err.print(f"{place}: failed. {error}", style="red", markup=False, soft_wrap=True)
                bars.end()
        write_leaderboard()
        if json_out:
            print_json({"plan": loaded.key, "done": [r.run_id for r in records], "failed": failed})
        else:
            out.print(
                f"{len(records)} runs stand in results/; see them on the Compare page (make app).",
                markup=False,
                soft_wrap=True,
            )
    if failed:
        raise typer.Exit(REFUSED)


def headline(record: RunRecord) -> str:
    """ "AUC 0.91 (0.88–0.94), test, 624 images of 400 groups", or the status of an unfinished run."""
    for evaluation in record.evaluations:
        if evaluation.split != "test":
            continue
        for estimate in evaluation.estimates:
            if estimate.metric == "auc" and estimate.class_name is None and estimate.value is not None:
                interval = "" if estimate.low is None else f" ({estimate.low:.3f}–{estimate.high:.3f})"
                n_images, n_groups = estimate.n_images, estimate.n_groups
                return f"AUC {estimate.value:.3f}{interval}, test, {n_images} images of {n_groups} groups"
    return record.status


def _show_plan(ids: list[str], stored: dict[str, bool], json_out: bool) -> None:
    if json_out:
        print_json([{"run_id": run_id, "stored": stored[run_id]} for run_id in ids])
        return
    for run_id in ids:
        out.print(f"{'stored ' if stored[run_id] else 'missing'}  {run_id}", markup=False, soft_wrap=True)
