"""The lesson on class imbalance: accuracy flatters whoever says no to everyone, the rarer the illness the more."""

import streamlit as st

from core.evaluation.lessons import natural_frequencies
from core.figures.learn_charts import prevalence_figure
from core.figures.names import dataset_title, run_title
from core.figures.text import percent
from core.language import t
from core.registry.lessons import IMBALANCED_RUN, PREVALENCES
from core.types import RunRecord
from pages.ui import cache, learn_cache
from pages.ui.blocks import chart, empty_state, plain
from pages.ui.learn_lesson import ask_the_class, lesson_head
from pages.ui.learn_roc import binary_runs
from pages.ui.presenting import prose_px

OF = 1000  # people in the sentences
FIRST = 0.02


def balance_lesson() -> None:
    """The accuracy paradox, at prevalences of one's choice."""
    lesson_head(
        t("The accuracy paradox"),
        t("Where few are ill, whoever calls everybody healthy is right almost always, and finds nobody."),
    )
    runs = binary_runs(cache.finished_runs(), IMBALANCED_RUN)
    if not runs:
        empty_state(t("No finished run with two classes yet."), "make benchmark")
        return
    record = next(iter(runs.values()))
    _move(record)
    ask_the_class(
        [
            t("A paper reports an accuracy of 98 %. Which number do you ask for next?"),
            t("At which share of ill people does the network overtake the one who says no? Find it on the slider."),
            t("Balanced accuracy stays where it is. What does it hide from a hospital that has to plan?"),
        ]
    )
    st.caption(
        t(
            "{run} on {data}, at the threshold that its validation images chose; test images. The curve supposes that "
            "ill images look as ill, and healthy ones as healthy, however many there are. Run: {run_id}.",
            run=plain(run_title(record.spec)), data=plain(dataset_title(record.spec.dataset)),
            run_id=plain(record.run_id),
        ),
        width=prose_px(),
    )  # fmt: skip


@st.fragment
def _move(record: RunRecord) -> None:
    curve = learn_cache.over_prevalence(record)
    here = st.select_slider(
        t("Of 1,000 people so many are ill"), list(PREVALENCES), FIRST,
        format_func=lambda share: f"{round(share * OF)}", key="balance-share",
    )  # fmt: skip
    at = PREVALENCES.index(here)
    people = natural_frequencies(here, curve.sensitivity, curve.specificity, OF)
    drawn, said = st.columns([3, 2], gap="large")
    with drawn:
        chart(
            prevalence_figure(PREVALENCES, curve.accuracy, curve.low, curve.high, here),
            alt=t("Accuracy of the network {network}, of saying no to everyone {no}, with {ill} of 1,000 ill",
                  network=f"{curve.accuracy[at]:.3f}", no=f"{1 - here:.3f}", ill=people.ill),
            key="balance-curve",
        )  # fmt: skip
    with said:
        st.markdown(
            t(
                "**The network** finds {found} of the {ill} who are ill, misses {missed}, and alarms {alarms} who are "
                "healthy. Accuracy **{accuracy}** ({low} to {high}).",
                found=people.found, ill=people.ill, missed=people.missed, alarms=people.alarms,
                accuracy=f"{curve.accuracy[at]:.3f}", low=f"{curve.low[at]:.3f}", high=f"{curve.high[at]:.3f}",
            )
        )  # fmt: skip
        st.markdown(
            t(
                "**Saying no to everyone** finds nobody, misses all {ill}, and alarms nobody. Accuracy **{accuracy}**.",
                ill=people.ill, accuracy=f"{1 - here:.3f}",
            )
        )  # fmt: skip
        st.markdown(
            t(
                "Sensitivity ({sensitivity}) and specificity ({specificity}) of the network stay where they are, and "
                "so does their mean, the **balanced accuracy: {balanced}**. Saying no has **0.50**, always.",
                sensitivity=percent(curve.sensitivity), specificity=percent(curve.specificity),
                balanced=f"{curve.balanced_accuracy:.2f}",
            )
        )  # fmt: skip
