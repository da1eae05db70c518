"""The parts of the Run page about probabilities: are they right, and is acting on them worth it?"""

import pandas as pd
import streamlit as st

from core.evaluation.cut_table import decision_curve, longest_stretch
from core.figures.calibration import calibration_figure
from core.figures.decision import decision_figure
from core.figures.names import evaluation_of
from core.figures.sentences import calibration_sentence
from core.figures.text import number
from core.language import t
from core.registry.metrics import find_estimate
from core.types import Calibration, Evaluation, RunRecord
from pages.ui import running_cache
from pages.ui.blocks import PROSE_PX, plain
from pages.ui.charts import chart_with_numbers
from pages.ui.comparing import choose_class

EVERY = 5  # thousandths between two points of a drawn curve


@st.fragment
def show_calibration(record: RunRecord, evaluation: Evaluation) -> None:
    """Reliability before or after the temperature; Brier, calibration error, slope and intercepts of both."""
    cooled = running_cache.after_temperature(record)
    which, after = t("as stored"), t("divided by the temperature")
    if cooled is not None:
        which = str(
            st.segmented_control(t("Scores"), [which, after], default=which, required=True,
                                 key=f"scores-{record.run_id}")
        )  # fmt: skip
    shown = cooled[0] if cooled is not None and which == after else evaluation.calibration
    drawn, said = st.columns([3, 2], gap="medium")
    subject = {"binary": t(str(evaluation.positive_class)), "multiclass": t("the most probable class")}
    with drawn:
        chart_with_numbers(
            calibration_figure(shown, subject=subject.get(record.task, t("each class"))), _bins(record, shown),
            alt=t("Reliability diagram: stated probability against the share that came true, with intervals"),
            name=f"calibration-{record.run_id}", key=f"calibration-{record.run_id}",
        )  # fmt: skip
    with said:
        st.markdown(calibration_sentence(evaluation.calibration))
        binary = evaluation.positive_class is not None
        name = (
            str(evaluation.positive_class) if binary else choose_class(evaluation.class_names, f"slope-{record.run_id}")
        )
        st.dataframe(
            calibration_table(record, evaluation, name), hide_index=True,
            alt=t("Brier score, calibration error, slope and intercepts before and after the temperature"),
        )  # fmt: skip
        st.caption(
            t("Slope and intercepts: logistic recalibration of {name} against the rest, intervals over whole groups. A "
              "perfect slope is 1 (below: scores too extreme), a perfect intercept 0 (above: stated too rarely). "
              "Bins of ten images or fewer say little.", name=plain(t(name)))
        )  # fmt: skip


def calibration_table(record: RunRecord, evaluation: Evaluation, class_name: str) -> pd.DataFrame:
    """One row per measure: as stored, and after the temperature."""
    before, after = running_cache.recalibrations(record, class_name)
    cooled = running_cache.after_temperature(record)
    brier = find_estimate(evaluation, "brier")
    rows = [
        (t("Brier score"), number(brier.value, 3) if brier is not None else "–",
         number(cooled[1], 3) if cooled is not None else "–"),
        (t("Calibration error"), number(evaluation.calibration.error, 3),
         number(evaluation.calibration.error_after, 3)),
    ]  # fmt: skip
    for title, field in (
        (t("Slope"), "slope"), (t("Intercept beside it"), "intercept"), (t("Intercept at slope 1"), "in_the_large"),
    ):  # fmt: skip
        found = [three(getattr(part, field)) if part is not None else "–" for part in (before, after)]
        rows.append((title, *found))
    return pd.DataFrame(rows, columns=[t("Measure"), t("As stored"), t("After temperature")])


def three(value: tuple[float | None, float | None, float | None]) -> str:
    """ "0.91 (0.80 to 1.02)", or that it is not defined."""
    if value[0] is None:
        return t("not defined")
    text = f"{value[0]:.2f}".replace("-", "−")
    if value[1] is None or value[2] is None:
        return text
    return t("{value} ({low} to {high})", value=text, low=f"{value[1]:.2f}".replace("-", "−"),
             high=f"{value[2]:.2f}".replace("-", "−"))  # fmt: skip


def _bins(record: RunRecord, shown: Calibration) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "run_id": record.run_id, "split": "test", "bin_low": shown.bin_low, "bin_high": shown.bin_high,
            "scores": shown.count, "mean_predicted": shown.mean_predicted, "observed": shown.observed,
            "observed_low": shown.observed_low, "observed_high": shown.observed_high,
        }
    )  # fmt: skip


@st.fragment
def show_decision(record: RunRecord) -> None:
    """Net benefit over threshold probabilities, beside calling everybody and nobody."""
    evaluation = evaluation_of(record)
    if evaluation is None:
        return
    binary = evaluation.positive_class is not None
    name = str(evaluation.positive_class) if binary else choose_class(evaluation.class_names, f"worth-{record.run_id}")
    table = running_cache.cut_table(record, name)
    curve = decision_curve(table)
    frame = pd.DataFrame(
        {
            "run_id": record.run_id, "split": "test", "class": name, "threshold_probability": curve.threshold,
            "net_benefit": curve.benefit, "low": curve.low, "high": curve.high, "call_everybody": curve.everybody,
        }
    )  # fmt: skip
    thin = frame.iloc[EVERY - 1 :: EVERY]
    stretch = longest_stretch(curve)
    if stretch is None:
        said = t("At no threshold is it certain to do better than calling everybody or nobody with {name}.",
                 name=plain(t(name)))  # fmt: skip
    else:
        said = t("Whoever would act on {name} from a risk between {low} and {high} on gains by it over calling "
                 "everybody or nobody: the 95 % interval of the gain leaves out 0.", name=plain(t(name)),
                 low=f"{stretch[0]:.2f}", high=f"{stretch[1]:.2f}")  # fmt: skip
    st.markdown(said)
    chart_with_numbers(
        decision_figure(
            *(thin[c].tolist() for c in ("threshold_probability", "net_benefit", "low", "high", "call_everybody")),
        ),
        frame, alt=t("Decision curve of {name}: {said}", name=t(name), said=said),
        name=f"decision-curve-{record.run_id}", key=f"decision-{record.run_id}",
    )  # fmt: skip
    st.caption(
        t("Net benefit: the found, less the false alarms weighed by the odds of the threshold (Vickers & Elkin 2006), "
          "per person, at the share of ill of these images. Scores are taken at their word, as stored. The band holds "
          "95 % of resamples at each threshold."), width=PROSE_PX,
    )  # fmt: skip
