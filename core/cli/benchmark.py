"""`python -m core benchmark PLAN`: train what is missing of a plan, write the leaderboard, and sum up what came out."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import REFUSED, err, guarded, out, plan_bars, print_json
from core.errors import MedLensError
from core.types import RunRecord, RunSpec

if TYPE_CHECKING:
    from core.training.summary import MeanRow, SummaryRow


def benchmark(
    plan: Annotated[
        str, typer.Argument(help="A shipped plan (core/training/plans/), such as phantom, or the path of a TOML file.")
    ],
    root: Annotated[Path | None, typer.Option(help="Folder of the plan's data set.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Override the split: group, official, or random (to teach leakage; marked).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override the seed of training and split.")] = None,
    only: Annotated[str | None, typer.Option(help="Only runs whose id holds this text.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Budget: start no further run after so many minutes.")
    ] = None,
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
        from core.training.summary import plan_means, plan_summary

        overrides: dict[str, object] = {} if split is None else {"split": split}
        if seed is not None:
            overrides.update(seed=seed, split_seed=seed)
        loaded = load_plan(plan, overrides)
        specs = {run_id_of(spec): spec for spec in loaded.runs}
        chosen = {run_id: spec for run_id, spec in specs.items() if only is None or only in run_id}
        if not chosen:
            raise MedLensError(f"No run id of {loaded.key} holds {only!r}; --dry-run lists its {len(specs)} runs.")
        stored = {run_id: is_finished(run_id) for run_id in chosen}
        err.print(f"{loaded.title}: {len(chosen)} runs, {sum(stored.values())} stored.", markup=False, soft_wrap=True)
        if dry_run:
            _show_plan(stored, json_out)
            return
        records, failed, left = _train(loaded.title, chosen, stored, root, minutes)
        write_leaderboard()
        summary, means = plan_summary(records), plan_means(records)
        if json_out:
            print_json(
                {
                    "plan": loaded.key, "done": [r.run_id for r in records], "failed": failed, "not_started": left,
                    "summary": [row.document() for row in summary], "means": [row.document() for row in means],
                }
            )  # fmt: skip
        else:
            _show_summary(summary)
            _show_means(means)
            out.print(
                f"{len(records)} runs stand in results/; see them on the Compare page (make app).",
                markup=False,
                soft_wrap=True,
            )
        if left:
            err.print(
                f"The budget of {minutes:g} minutes is spent; {len(left)} runs are left for the next call.",
                markup=False,
                soft_wrap=True,
            )
    if failed:
        raise typer.Exit(REFUSED)


def _train(
    title: str, specs: dict[str, RunSpec], stored: dict[str, bool], root: Path | None, minutes: float | None
) -> tuple[list[RunRecord], dict[str, str], list[str]]:
    """The finished records in order, the reasons of failed runs by id, and the ids that the budget left out."""
    from core.training.runner import run

    records: list[RunRecord] = []
    failed: dict[str, str] = {}
    left: list[str] = []
    began = time.perf_counter()
    with plan_bars(title, len(specs)) as bars:
        for number, (run_id, spec) in enumerate(specs.items(), start=1):
            started, place = time.perf_counter(), f"{number}/{len(specs)} {run_id}"
            if minutes is not None and not stored[run_id] and started - began >= 60 * minutes:
                left.append(run_id)
                bars.end()
                continue
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
    return records, failed, left


def headline(record: RunRecord) -> str:
    """ "AUC 0.91 (0.88–0.94), test, 624 images of 400 groups", or the status of an unfinished run."""
    from core.training.summary import interval_words, overall

    found = overall(record, "test", "auc")
    if found is None or found.value is None:
        return record.status
    return f"AUC {interval_words(found)}, test, {found.n_images} images of {found.n_groups} groups"


def _show_plan(stored: dict[str, bool], json_out: bool) -> None:
    if json_out:
        print_json([{"run_id": run_id, "stored": is_stored} for run_id, is_stored in stored.items()])
        return
    for run_id, is_stored in stored.items():
        out.print(f"{'stored ' if is_stored else 'missing'}  {run_id}", markup=False, soft_wrap=True)


def _show_means(means: "Sequence[MeanRow]") -> None:
    """Two lines a recipe that several turns share."""
    from core.training.summary import interval_words

    for row in means:
        out.print(f"mean of {row.turns} turns: {row.name} ({', '.join(row.task)})", markup=False, soft_wrap=True)
        figures = (row.test_auc, row.test_accuracy, row.test_balanced_accuracy)
        auc, right, balanced = map(interval_words, figures)
        out.print(
            f"    AUC validation {interval_words(row.validation_auc)}, test {auc}; test accuracy {right}, "
            f"balanced {balanced}\n",
            markup=False, soft_wrap=True,
        )  # fmt: skip


def _show_summary(summary: "Sequence[SummaryRow]") -> None:
    """Two lines a run: run ids are longer than most terminals are wide."""
    for task in dict.fromkeys(row.task for row in summary):
        out.print(f"\n{task[0]}, {task[1]}", markup=False)
        for row in summary:
            if row.task != task:
                continue
            chosen, test, right, params, seconds = row.cells()
            out.print(f"{'*' if row.selected else ' '} {row.run_id}", markup=False, soft_wrap=True)
            out.print(
                f"    AUC validation {chosen}, test {test}; test accuracy {right}; {params} parameters, {seconds} s",
                markup=False, soft_wrap=True,
            )  # fmt: skip
    if summary:
        out.print("* the best on validation, which chooses; the test part does not.\n", markup=False, soft_wrap=True)
