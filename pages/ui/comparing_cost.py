"""What the runs cost, how far seeds and folds lie apart, and what the chosen runs were asked for differently."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.evaluation.cost import AXES, costs_of, pareto_front
from core.figures.cost import CostPoint, cost_axis, cost_figure
from core.figures.differences import spec_differences
from core.figures.leaderboard import bars_figure
from core.figures.names import evaluation_of, run_title, split_kind_of
from core.figures.strips import Strip, strip_words, strips_figure
from core.figures.text import listing
from core.figures.theme import architecture_symbol, head_color
from core.language import t
from core.registry.metrics import find_estimate
from core.store.codec import run_id_of
from core.types import Estimate, RunRecord
from pages.ui.blocks import chart, plain
from pages.ui.charts import chart_with_numbers, csv_button
from pages.ui.comparing import one_of_each

MOST_STRIPS = 20


def auc_of(record: RunRecord) -> Estimate | None:
    """The test AUC of a run, None where it is not defined."""
    evaluation = evaluation_of(record)
    found = find_estimate(evaluation, "auc") if evaluation is not None else None
    return found if found is not None and found.value is not None else None


def show_cost(records: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """AUC against one cost, with the front; runs whose split leaks are left out, for their AUC is too good."""
    fair = [r for r in records if r.spec.head != "dummy" and split_kind_of(r) != "random" and auc_of(r) is not None]
    told = {r.run_id: costs_of(r) for r in fair}
    axes = [a for a in AXES if any(told[r.run_id][a] for r in fair)]
    if not axes:
        st.info(t("None of these runs states what it cost."), icon=":material/info:")
        return
    axis = st.segmented_control(
        t("Cost"), axes, default=axes[0], format_func=cost_axis, required=True, key="cost-axis"
    )  # fmt: skip
    axis = str(axis or axes[0])
    known = [r for r in fair if told[r.run_id][axis]]
    costs = [float(told[r.run_id][axis] or 0) for r in known]
    values = [float(e.value or 0) for r in known if (e := auc_of(r)) is not None]
    front = pareto_front(costs, values)
    points, rows = [], []
    for record, cost, value, on_front in zip(known, costs, values, front, strict=True):
        estimate = auc_of(record)
        low, high = (estimate.low, estimate.high) if estimate is not None else (None, None)
        points.append(
            CostPoint(
                title=titles[record.run_id], cost=cost, value=value, low=low, high=high,
                color=head_color(record.spec.head), symbol=architecture_symbol(record.spec.architecture),
                on_front=bool(on_front),
            )
        )  # fmt: skip
        rows.append({"run": titles[record.run_id], "run_id": record.run_id, "split": "test", axis: cost, "auc": value,
                     "auc_low": low, "auc_high": high, "on_front": bool(on_front)})  # fmt: skip
    best = [p.title for p in sorted(points, key=lambda p: p.cost) if p.on_front]
    st.markdown(t("No other run is both cheaper and better than these, the cheapest first:"))
    st.markdown("\n".join(f"{number}. {plain(title)}" for number, title in enumerate(best, start=1)))
    chart_with_numbers(
        cost_figure(points, axis), pd.DataFrame(rows),
        alt=t("AUC against {cost} of {n} runs; on the Pareto front: {runs}", cost=cost_axis(axis), n=len(points),
              runs=listing(best)),
        name=f"cost-{axis}", key=f"cost-{axis}",
    )  # fmt: skip
    missing = len(fair) - len(known)
    st.caption(
        t("Filled points lie on the front; whiskers are 95 % intervals, and a point on the front by less than its "
          "whisker may be there by luck. Seconds are of the machine that trained. Milliseconds per image: not stated, "
          "no run measures them. Shown are the runs on the same test images, without the majority class and random "
          "splits; {n} of them do not state this cost.", n=missing)
    )  # fmt: skip


def show_repeats(records: Sequence[RunRecord]) -> None:
    """Seeds and folds of one configuration as a strip each; beside it each network and head once."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        if auc_of(record) is not None:
            groups.setdefault(run_id_of(replace(record.spec, seed=0, fold=None, split_seed=0)), []).append(record)
    repeated = [members for members in groups.values() if len(members) > 1]
    if repeated:
        strips = sorted((_strip(members) for members in repeated), key=lambda s: -s.mean)[:MOST_STRIPS]
        frame = pd.DataFrame(
            {"configuration": run_title(m.spec), "run_id": m.run_id, "split": "test", "seed": m.spec.seed,
             "fold": m.spec.fold, "split_seed": m.spec.split_seed, "auc": e.value, "auc_low": e.low, "auc_high": e.high}
            for members in repeated for m in members if (e := auc_of(m)) is not None
        )  # fmt: skip
        chart_with_numbers(
            strips_figure(strips), frame, alt="; ".join(strip_words(s) for s in strips), name="repeats", key="repeats"
        )
        st.caption(
            t("A point is one run: another seed, fold or draw of the parts, each on its own test images. Their spread "
              "is what training and splitting by chance do to the number; it is no interval of the mean.")
        )  # fmt: skip
    else:
        st.info(
            t("Every configuration here was run once, so nothing shows how much chance is in a number. In a plan, "
              "`seeds` or folds repeat a run."), icon=":material/info:",
        )  # fmt: skip
    once = one_of_each(records)
    if len(once) > 1:
        st.subheader(t("AUC by network and head"), anchor=False)
        chart(bars_figure(once), alt=t("AUC with 95 % intervals, a bar per network and head"))
        st.caption(
            t("The best run of each. Bars start at 0.5, the AUC of a coin. That two whiskers overlap decides nothing.")
        )


def _strip(members: Sequence[RunRecord]) -> Strip:
    spec = members[0].spec
    kind = f", {t('random split')}" if spec.split == "random" else ""
    return Strip(
        title=run_title(spec) + kind,
        values=tuple(float(e.value or 0) for m in members if (e := auc_of(m)) is not None),
        names=tuple(
            t("seed {seed}, fold {fold}, parts {parts}", seed=m.spec.seed,
              fold="–" if m.spec.fold is None else m.spec.fold, parts=m.spec.split_seed)
            for m in members
        ),
        color=head_color(spec.head), symbol=architecture_symbol(spec.architecture),
    )  # fmt: skip


def show_differences(chosen: Sequence[RunRecord], titles: Mapping[str, str]) -> None:
    """Only what differs between the specs of the chosen runs."""
    if len(chosen) < 2:
        st.info(t("Choose two runs or more above to see what differs."), icon=":material/info:")
        return
    frame = spec_differences(chosen, titles)
    if frame.empty:
        st.caption(t("These runs were asked for alike."))
        return
    st.dataframe(frame, hide_index=True, alt=t("The fields in which the specs of the chosen runs differ"))
    csv_button(frame.assign(run_ids=" | ".join(r.run_id for r in chosen)), "differences", "differences")
    st.caption(t("Fields that all of them share are left out. A difference in AUC cannot be laid to one of several."))
