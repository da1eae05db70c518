"""Figures and words of the results pages: pairs, cost, strips, decision, people, subgroups, differences, the card."""

import json
from dataclasses import replace

import pytest

from core.figures.confusion import confusion_figure
from core.figures.cost import CostPoint, cost_figure
from core.figures.curves import CurveLine, pr_figure, roc_figure
from core.figures.decision import decision_figure, people_figure
from core.figures.differences import spec_differences
from core.figures.leaderboard import never_called, never_words
from core.figures.pairs import pair_words, pairs_figure
from core.figures.report_card import card_html, card_json, card_markdown
from core.figures.reporting import report_items, warnings_of
from core.figures.strips import Strip, strip_words, strips_figure
from core.figures.subgroups import subgroups_figure
from core.types import (
    Calibration,
    ClassCounts,
    Comparison,
    Curve,
    Estimate,
    Evaluation,
    OverlapAudit,
    RunRecord,
    RunSpec,
    Threshold,
)

ROC = Curve(kind="roc", class_name="Ill", x=(0.0, 0.2, 1.0), y=(0.0, 0.9, 1.0), thresholds=(None, 0.4, 0.1))
NO_BINS = Calibration(
    bin_low=(0.0,), bin_high=(1.0,), mean_predicted=(0.5,), observed=(0.5,), observed_low=(0.4,), observed_high=(0.6,),
    count=(9,), error=0.031, temperature=1.4, error_after=0.012,
)  # fmt: skip


def estimate(metric, value, class_name=None, low=None, high=None):
    return Estimate(
        metric=metric, value=value, low=low, high=high, level=0.95, n_images=10, n_groups=5, method="m", split="test",
        class_name=class_name,
    )  # fmt: skip


def record(confusion, names=("A", "B", "C"), task="multiclass", **spec):
    evaluation = Evaluation(
        split="test", task=task, class_names=names, positive_class=None, n_images=10, n_groups=5,
        estimates=(estimate("auc", 0.8, low=0.6, high=0.95), estimate("sensitivity", 0.5, "A", 0.4, 0.6)),
        confusion=confusion, curves=(), calibration=NO_BINS,
        threshold=Threshold(values={"A": 0.4}, rule="youden", chosen_on="validation"),
    )  # fmt: skip
    fields = {"dataset": "phantom", "label_scheme": "phantom_nodule", "architecture": "compact_cnn", "head": "mlp"}
    return RunRecord(
        schema_version=1, run_id="r", status="done", created_utc="2026-01-02", task=task, class_names=names,
        spec=RunSpec(**{**fields, **spec}), evaluations=(evaluation,), dataset_fingerprint="f" * 32,
        counts=(ClassCounts(split="test", n_images=10, n_groups=5, images_per_class={"A": 500, "B": 20, "C": 4}),),
        audit=OverlapAudit(
            split_kind="random", group_field="patient", groups_in_several_splits=3, images_in_several_splits=0
        ),
    )  # fmt: skip


def comparison(difference, low, high):
    return Comparison(
        first="a", second="b", metric="auc", difference=difference, low=low, high=high, p_value=0.01, method="m",
        n_images=10, n_groups=5, distinguishable=low > 0 or high < 0,
    )  # fmt: skip


def test_a_pair_in_words_names_the_better_first_and_doubt_as_doubt():
    told = pair_words("A", "B", (comparison(-0.04, -0.06, -0.02), 0.003, True))
    assert told == "B is ahead of A by 0.040 (0.020 to 0.060), corrected p 0.003"
    unsure = pair_words("A", "B", (comparison(0.01, -0.02, 0.04), 0.4, False))
    assert unsure == "A against B: these images cannot tell (difference 0.010, -0.020 to 0.040, corrected p 0.400)"
    assert "corrected p < 0.001" in pair_words("A", "B", (comparison(0.1, 0.05, 0.2), 1e-7, True))


def test_a_cell_has_colour_only_where_the_pair_can_be_told_apart():
    pairs = {("a", "b"): 0.04, ("a", "c"): 0.01, ("b", "c"): -0.03}

    def pair(x, y):
        d = pairs.get((x, y), -pairs.get((y, x), 0.0))
        return comparison(d, d - 0.001, d + 0.001), 0.01, abs(d) > 0.02

    figure = pairs_figure(["a", "b", "c"], {"a": "A", "b": "B", "c": "C"}, pair)
    assert [list(row) for row in figure.data[0].z] == [[None, 1.0, 0.0], [-1.0, None, -0.75], [0.0, 0.75, None]]
    assert [n.text for n in figure.layout.annotations][:2] == ["<b>+0.040</b>", "+0.010 ?"]


def test_the_front_is_drawn_from_cheap_to_dear_and_numbered():
    points = [
        CostPoint(title=t, cost=c, value=v, low=None, high=None, color="#3384DD", symbol="circle", on_front=f)
        for t, c, v, f in (("x", 100.0, 0.9, True), ("y", 1.0, 0.7, True), ("z", 50.0, 0.6, False))
    ]
    figure = cost_figure(points, "megabytes")
    assert list(figure.data[0].x) == [1.0, 100.0]
    assert [(n.text, n.x) for n in figure.layout.annotations] == [("<b>1</b>", 0.0), ("<b>2</b>", 2.0)]
    assert figure.data[-1].marker.symbol == "circle-open"


def test_a_strip_shows_every_run_and_the_mean():
    strip = Strip(title="MLP", values=(0.8, 0.9), names=("s0", "s1"), color="#3384DD", symbol="circle")
    figure = strips_figure([strip])
    assert list(figure.data[0].x) == [0.8, 0.9]
    assert list(figure.data[1].x) == pytest.approx([0.85, 0.85])
    assert strip_words(strip) == "MLP: mean 0.850, 2 runs from 0.800 to 0.900"
    assert strip_words(replace(strip, values=(0.8,), names=("s0",))) == "MLP: 0.800 in 1 run"


def test_the_people_are_a_thousand_dots_of_four_kinds():
    figure = people_figure(20, 17.2, 98.0)
    assert [len(trace.x) for trace in figure.data] == [17, 3, 98, 882]
    assert [trace.name for trace in figure.data][:2] == ["found: 17", "missed: 3"]


def test_a_decision_curve_stands_between_everybody_and_nobody_and_its_band_may_be_missing():
    args = ([0.1, 0.5], [0.2, 0.1], [float("nan")] * 2, [float("nan")] * 2, [0.18, -0.4])
    assert len(decision_figure(*args).data) == 3
    assert len(decision_figure(args[0], args[1], [0.1, 0.0], [0.3, 0.2], args[4]).data) == 4


def test_a_subgroup_that_is_too_small_is_named_and_not_drawn():
    rows = [("F", 100, 20, estimate("auc", 0.9, low=0.8, high=0.95)), ("M", 9, 1, None)]
    figure = subgroups_figure(rows, "auc", 0.88)
    assert len(figure.data) == 1
    assert [n.text for n in figure.layout.annotations] == [
        "F: 100 images, 20 with it  <b>0.90 (0.80–0.95)</b>", "M: 9 images, 1 with it  <i>too few to tell</i>",
    ]  # fmt: skip


def test_a_band_lies_under_its_curve_and_powers_of_ten_begin_at_a_thousandth():
    line = CurveLine(label="one", curve=ROC, color="#3384DD", point=(0.0, 0.5),
                     band=([0.0, 0.5, 1.0], [0.0, 0.8, 1.0], [0.1, 1.0, 1.0]))  # fmt: skip
    band = roc_figure([line]).data[1]
    assert band.fill == "toself" and list(band.y) == [0.1, 1.0, 1.0, 1.0, 0.8, 0.0]
    log = roc_figure([line], log=True)
    assert log.layout.xaxis.type == "log"
    assert min(log.data[2].x) == 1e-3 and log.data[3].x == (1e-3,)
    assert len(pr_figure([line]).data) == 3


def test_a_clickable_matrix_has_a_point_on_every_cell():
    figure = confusion_figure(((1, 2), (3, 4)), ("A", "B"), clickable=True)
    assert list(zip(figure.data[1].x, figure.data[1].y, strict=True)) == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert figure.data[1].customdata[2] == "3 of 7"


def test_a_class_that_is_never_called_is_named_unless_that_is_what_the_head_is():
    blind = record(((8, 2, 0), (1, 9, 0), (2, 1, 0)))
    assert never_called(blind) == [("C", 3)]
    assert never_words(blind) == "never predicts C (0 of 3)"
    assert never_words(record(((8, 0, 0), (10, 0, 0), (3, 0, 0)))) == "never predicts 2 of 3 classes, such as B"
    assert never_words(record(((8, 0, 0), (10, 0, 0), (3, 0, 0)), head="dummy")) == ""
    several = record(((5, 0, 3, 0), (4, 1, 1, 2), (6, 0, 0, 2)), task="multilabel")
    assert never_called(several) == [("A", 3)]


def test_only_what_differs_between_specs_is_listed():
    one, two = record(((1,),), ("A",)), replace(record(((1,),), ("A",), head="linear", seed=4), run_id="s")
    frame = spec_differences([one, two], {"r": "One", "s": "Two"})
    assert frame.to_numpy().tolist() == [["head", "mlp", "linear"], ["seed", "0", "4"]]


def test_all_25_items_stand_in_the_card_and_empty_ones_say_so():
    run = record(((8, 2, 0), (1, 9, 0), (2, 1, 0)))
    items = report_items(run, extras={21: ["Sex: not available"]}, statements={"2": "teaching"}, command="do it")
    assert [item.number for item in items] == list(range(1, 26))
    by_number = {item.number: item.answers for item in items}
    assert by_number[2] == ("teaching",) and by_number[8] == () and by_number[21] == ("Sex: not available",)
    assert any("3 patients in more than one split" in line for line in by_number[9])
    assert any("do it" in line for line in by_number[25])
    text = card_markdown("Card <b>", items)
    assert text.count("\n## ") == 25 and "*not stated*" in text and "Card \\<b\\>" in text
    page = card_html("Card <script>", items)
    assert "<script>" not in page and page.count("<h2>") == 25 and "http" not in page.split("</style>")[0]
    told = json.loads(card_json("Card", items))
    assert [i["number"] for i in told["items"]] == list(range(1, 26)) and told["items"][7]["answers"] == []


def test_warnings_name_small_classes_lopsided_data_wide_intervals_and_a_split_by_image():
    run = record(((8, 2, 0), (1, 9, 0), (2, 1, 0)))
    said = " ".join(warnings_of(run, run.evaluations[0]))
    for words in (
        "of: B (20), C (4).",
        "ten times the rarest",
        "The split is by image",
        "wider than 0.2",
        "No external",
    ):
        assert words in said
