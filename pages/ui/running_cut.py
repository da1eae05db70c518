"""The part of the Run page where a cut is moved, and everything moves with it."""

import streamlit as st

from core.evaluation.cut_table import per_people, shares_at
from core.evaluation.operating import at_threshold
from core.figures.confusion import confusion_figure
from core.figures.decision import people_figure
from core.figures.scores import scores_figure
from core.figures.sentences import rule_words
from core.language import t
from core.types import Evaluation, RunRecord
from pages.ui import cache, running_cache
from pages.ui.blocks import chart, plain
from pages.ui.comparing import choose_class
from pages.ui.running import tile_row

PEOPLE = 1000
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
FIRST_PREVALENCE = 0.02
Range = tuple[float | None, float | None, float | None]


def rule_title(rule: str) -> str:
    """What a rule is called in the list."""
    name, _, amount = rule.partition(":")
    return {
        running_cache.OWN: t("the run's own"),
        "youden": t("Youden: sensitivity + specificity largest"),
        "f1": t("F1 largest"),
        "sensitivity": t("sensitivity at least {share}", share=amount),
        "specificity": t("specificity at least {share}", share=amount),
        "cost": t("a missed one costs {n} false alarms", n=amount),
    }[name]


@st.fragment
def show_cut(record: RunRecord, evaluation: Evaluation) -> None:
    """A slider that moves matrix, sensitivity, specificity, predictive values and a thousand people together."""
    binary = evaluation.positive_class is not None
    name = str(evaluation.positive_class) if binary else choose_class(evaluation.class_names, f"cut-{record.run_id}")
    cuts, shown = running_cache.rule_cuts(record, name), plain(t(name))
    slider, picker = f"cut-{record.run_id}-{name}", f"rule-{record.run_id}-{name}"
    st.session_state.setdefault(slider, _on_slider(cuts[running_cache.OWN]))
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with left:
        moved = st.slider(t("Cut on the score of {name}", name=shown), 0.0, 1.0, step=0.001, format="%.3f", key=slider)
    with right:
        rule = str(
            st.selectbox(
                t("or chosen on validation by a rule"), list(cuts), format_func=rule_title, key=picker,
                on_change=_jump, args=(slider, picker, cuts),
            )
        )  # fmt: skip
    exact = cuts[rule]
    cut = exact if moved == _on_slider(exact) else moved  # the slider knows three digits, a rule's cut all of them
    scores = cache.threshold_table(record, name)
    point = at_threshold(scores, cut)
    others = t("not {name}", name=t(name)) if not binary else t(next(c for c in evaluation.class_names if c != name))
    st.markdown(
        t("At this cut the run finds **{tp}** of {ill} images with {name} and misses **{fn}**; on {healthy} images "
          "without it raises **{fp}** false alarms.", tp=f"{point.tp:,}", ill=f"{point.tp + point.fn:,}",
          name=shown, fn=f"{point.fn:,}", healthy=f"{point.tn + point.fp:,}", fp=f"{point.fp:,}")
    )  # fmt: skip
    table = running_cache.cut_table(record, name)
    tile_row(shares_at(table, cut))
    matrix, drawn = st.columns([2, 3], gap="medium")
    with matrix:
        chart(
            confusion_figure(((point.tn, point.fp), (point.fn, point.tp)), (others, t(name)), compact=True),
            alt=t("At cut {cut}: {tp} found, {fn} missed, {fp} false alarms, {tn} left", cut=f"{cut:.3f}",
                  tp=point.tp, fn=point.fn, fp=point.fp, tn=point.tn),
            key=f"moving-confusion-{record.run_id}",
        )  # fmt: skip
    with drawn:
        chart(
            scores_figure(scores.positives, scores.negatives, cut, names=(t(name), others)),
            alt=t("Scores of images with {name} above the line and without it below, the cut at {cut}",
                  name=t(name), cut=f"{cut:.3f}"),
            key=f"moving-scores-{record.run_id}",
        )  # fmt: skip
    stored = cuts[running_cache.OWN]
    other_rule = "" if binary else t("The matrix in the part Decisions goes by the most probable class instead.")
    st.caption(
        t("The stored cut is {cut}, {rule}. Predictive values hold at the prevalence of these images. A cut picked "
          "here because it looks good has been picked on the test images; a rule picks on validation.",
          cut=f"{stored:.3f}", rule=rule_words(evaluation.threshold)) + f" {other_rule}"
    )  # fmt: skip
    _show_people(record, table, cut, name)


def _show_people(record: RunRecord, table: "running_cache.CutTable", cut: float, name: str) -> None:
    """Natural frequencies at a prevalence that the reader sets."""
    st.subheader(t("And among people?"), anchor=False)
    prevalence = float(
        st.select_slider(
            t("How many people have {name}", name=plain(t(name))), PREVALENCES, value=FIRST_PREVALENCE,
            format_func=lambda p: t("{n} of 1,000", n=f"{1000 * p:g}"), key=f"prevalence-{record.run_id}",
        )
    )  # fmt: skip
    told = per_people(table, cut, prevalence, PEOPLE)
    words, field = st.columns([2, 3], gap="medium")
    with words:
        st.markdown(
            t("Of 1,000 people, **{ill}** of them with {name}: it finds **{found}**, misses **{missed}**, and alarms "
              "**{alarms}** others.", ill=told.ill, name=plain(t(name)), found=_people(told.found),
              missed=_people(told.missed), alarms=_people(told.alarms))
        )  # fmt: skip
        st.markdown(
            t("Of those alarmed {ppv} have it; of those left in peace {npv} do not.", ppv=_share(told.ppv),
              npv=_share(told.npv))
        )  # fmt: skip
        st.caption(
            t("Brackets: 95 % intervals. It takes the ill to be as ill, and the others as healthy, as in the test "
              "images; in another clinic neither need be so.")
        )  # fmt: skip
    with field:
        chart(
            people_figure(told.ill, told.found[0], told.alarms[0], PEOPLE),
            alt=t("Of 1,000 people {found} found, {missed} missed, {alarms} alarmed for nothing",
                  found=round(told.found[0]), missed=round(told.missed[0]), alarms=round(told.alarms[0])),
            key=f"people-{record.run_id}",
        )  # fmt: skip


def _people(value: Range) -> str:
    """ "17 (15–19)", whole people; a tenth in the bracket where whole ones would make it look certain."""
    found, low, high = value
    text = f"{round(found or 0):,}"
    if low is None or high is None:
        return text
    digits = 0 if round(high) > round(low) or high == low else 1
    return f"{text} ({low:,.{digits}f}–{high:,.{digits}f})"


def _share(value: Range) -> str:
    """ "43 % (29–69)", with tenths close to 100 %."""
    found, low, high = value
    if found is None:
        return t("not defined")
    digits = 1 if found > 0.95 or found < 0.05 else 0
    text = f"{100 * found:.{digits}f}\u00a0%"
    return text if low is None or high is None else f"{text} ({100 * low:.{digits}f}–{100 * high:.{digits}f})"


def _on_slider(cut: float) -> float:
    return min(1.0, round(cut, 3))


def _jump(slider: str, picker: str, cuts: dict[str, float]) -> None:
    """The slider goes where a rule has chosen."""
    st.session_state[slider] = _on_slider(cuts[st.session_state[picker]])
