"""Figures show what they are given: numbers in, the same numbers in the traces."""

import pandas as pd
import pytest

from core.figures.calibration import calibration_figure
from core.figures.confusion import confusion_figure, multilabel_figure
from core.figures.curves import CurveLine, curve_classes, line_of, pr_figure, roc_figure
from core.figures.datasets import balance_figure
from core.figures.history import curve_names, history_figure
from core.figures.leaderboard import bars_figure, forest_figure
from core.figures.probabilities import probability_figure
from core.figures.scores import scores_figure
from core.types import Calibration, Curve, Estimate, Evaluation, RunRecord, RunSpec, Threshold

ROC = Curve(kind="roc", class_name="Ill", x=(0.0, 0.2, 1.0), y=(0.0, 0.9, 1.0), thresholds=(None, 0.4, 0.1))
PR = Curve(kind="pr", class_name="Ill", x=(0.0, 0.9, 1.0), y=(1.0, 0.7, 0.3), thresholds=(None, 0.4, 0.1))
EMPTY = Calibration(
    bin_low=(0.0, 0.5), bin_high=(0.5, 1.0), mean_predicted=(None, 0.8), observed=(None, 0.6),
    observed_low=(None, 0.5), observed_high=(None, 0.75), count=(0, 40), error=0.2, temperature=None, error_after=None,
)  # fmt: skip


def estimate(metric, value, class_name=None, low=None, high=None):
    return Estimate(
        metric=metric, value=value, low=low, high=high, level=0.95, n_images=10, n_groups=5, method="m",
        split="test", class_name=class_name,
    )  # fmt: skip


def evaluation(*estimates, names=("Well", "Ill"), task="binary"):
    return Evaluation(
        split="test", task=task, class_names=names, positive_class=names[1] if task == "binary" else None,
        n_images=10, n_groups=5, estimates=estimates, confusion=((4, 1), (1, 4)), curves=(ROC, PR), calibration=EMPTY,
        threshold=Threshold(values={"Ill": 0.4}, rule="youden", chosen_on="validation"),
    )  # fmt: skip


def record(head, architecture, value, run_id, *, task="binary", classes=()):
    estimates = (estimate("auc", value, low=value - 0.05, high=value + 0.04), *classes)
    return RunRecord(
        schema_version=1, run_id=run_id, status="done", created_utc="now", task=task,
        spec=RunSpec(dataset="phantom", label_scheme="phantom_nodule", architecture=architecture, head=head),
        evaluations=(evaluation(*estimates, task=task),),
    )  # fmt: skip


def annotations(figure):
    return [a.text for a in figure.layout.annotations]


def test_a_roc_plot_has_the_chance_line_the_curve_and_its_operating_point():
    line = CurveLine(label="one", curve=ROC, color="#3384DD", point=(0.2, 0.9))
    chance, curve, point = roc_figure([line]).data
    assert (chance.x, chance.y) == ((0, 1), (0, 1))
    assert (curve.x, curve.y) == (ROC.x, ROC.y)
    assert (point.x, point.y) == ((0.2,), (0.9,))
    assert curve.customdata[0] == "above every score"


def test_the_operating_point_comes_from_the_stored_sensitivity_and_specificity():
    found = evaluation(
        estimate("sensitivity", 0.9, "Ill"), estimate("specificity", 0.75, "Ill"), estimate("ppv", 0.7, "Ill")
    )
    assert line_of(found, "roc", "Ill", label="a", color="#000000").point == (0.25, 0.9)
    assert line_of(found, "pr", "Ill", label="a", color="#000000").point == (0.9, 0.7)
    assert line_of(evaluation(), "roc", "Ill", label="a", color="#000000").point is None
    assert line_of(found, "roc", "Well", label="a", color="#000000") is None
    assert curve_classes(found) == ["Ill"]


def test_a_precision_recall_plot_draws_the_prevalence():
    figure = pr_figure([CurveLine(label="one", curve=PR, color="#3384DD")], prevalence=0.3)
    assert figure.data[0].y == (0.3, 0.3)
    assert figure.data[1].y == PR.y


def test_a_confusion_matrix_shades_the_share_of_the_row_and_writes_the_count():
    figure = confusion_figure(((90, 10), (1, 3)), ("Well", "Ill"))
    assert [list(row) for row in figure.data[0].z] == [[0.9, 0.1], [0.25, 0.75]]
    assert annotations(figure) == ["<b>90</b><br>90 %", "<b>10</b><br>10 %", "<b>1</b><br>25 %", "<b>3</b><br>75 %"]


def test_a_class_without_images_is_no_division_by_zero():
    figure = confusion_figure(((0, 0), (1, 3)), ("A", "B"))
    assert [list(row) for row in figure.data[0].z] == [[0.0, 0.0], [0.25, 0.75]]


def test_two_classes_of_one_name_stay_two():
    assert len(confusion_figure(((1, 2), (3, 4)), ("A", "A")).data[0].x) == 2


def test_a_multilabel_matrix_counts_found_missed_false_and_left():
    figure = multilabel_figure(((80, 10, 4, 6),), ("Mass",))
    assert list(figure.data[0].text[0]) == ["6", "4", "10", "80"]
    assert list(figure.data[0].z[0]) == pytest.approx([0.6, 0.4, 10 / 90, 80 / 90])


def test_empty_bins_are_left_out_of_the_calibration_plot():
    _, points, bars = calibration_figure(EMPTY).data
    assert (points.x, points.y) == ((0.8,), (0.6,))
    assert points.error_y.array[0] == pytest.approx(0.15)
    assert points.error_y.arrayminus[0] == pytest.approx(0.1)
    assert list(bars.y) == [0, 40]


def test_the_forest_shows_each_run_once_with_its_interval_and_its_worst_class():
    classes = (estimate("auc", 0.7, "Well"), estimate("auc", 0.6, "Ill"))
    runs = [record("mlp", "vgg16", 0.9, "a", task="multiclass", classes=classes), record("dummy", "vgg16", 0.5, "b")]
    figure = forest_figure(runs, {"a": "First", "b": "Floor"})
    dot, diamond, floor = figure.data
    assert (dot.x, dot.y) == ((0.9,), (0,))
    assert dot.error_x.array[0] == pytest.approx(0.04)
    assert dot.error_x.arrayminus[0] == pytest.approx(0.05)
    assert diamond.x == (0.6,)
    assert floor.x == (0.5,)
    assert annotations(figure) == ["<b>0.900 (0.850–0.940)</b>  First", "<b>0.500 (0.450–0.540)</b>  Floor"]


def test_a_run_without_an_auc_is_left_out_of_the_forest():
    missing = RunRecord(
        schema_version=1, run_id="x", status="failed", created_utc="now",
        spec=RunSpec(dataset="phantom", label_scheme="phantom_nodule", architecture="vgg16", head="mlp"),
    )  # fmt: skip
    assert not forest_figure([missing], {"x": "X"}).data


def test_bars_stand_on_chance_and_are_grouped_by_network():
    runs = [record("mlp", "vgg16", 0.9, "a"), record("mlp", "xception", 0.8, "b"), record("dummy", "vgg16", 0.4, "c")]
    mlp, dummy = bars_figure(runs).data
    assert (mlp.base, list(mlp.x)) == (0.5, ["VGG16", "Xception"])
    assert list(mlp.y) == pytest.approx([0.4, 0.3])
    assert list(dummy.y) == pytest.approx([-0.1])


def test_probability_bars_draw_the_cut_on_its_own_class():
    figure = probability_figure([0.2, 0.8], ("Well", "Ill"), highlighted="Ill", cuts={"Ill": 0.41})
    assert list(figure.data[0].x) == [0.2, 0.8]
    (cut,) = figure.layout.shapes
    assert (cut.x0, cut.x1) == (0.41, 0.41)
    assert cut.y0 < 1 < cut.y1
    assert annotations(figure) == ["cut 41\u00a0%"]
    assert list(figure.layout.yaxis.ticktext) == ["Well<br><b>20\u00a0%</b>", "Ill<br><b>80\u00a0%</b>"]


def test_learning_curves_put_loss_first_and_mark_a_change_of_stage():
    history = pd.DataFrame(
        {
            "stage": ["head", "head", "base"], "epoch": [1, 2, 1], "seconds": 1.0,
            "accuracy": [0.5, 0.6, 0.7], "val_accuracy": [0.5, 0.55, 0.6], "loss": [3.0, 2.0, 1.0],
            "val_loss": [3.0, 2.5, 2.0],
        }
    )  # fmt: skip
    assert curve_names(history) == ["loss", "accuracy"]
    figure = history_figure(history)
    assert list(figure.data[0].y) == [3.0, 2.0, 1.0]
    assert list(figure.data[1].y) == [3.0, 2.5, 2.0]
    assert {shape.x0 for shape in figure.layout.shapes} == {2.5}


def test_every_image_is_in_one_bar_of_the_scores():
    figure = scores_figure([0.0, 0.51, 1.0], [0.02, 0.02], 0.5, names=("Ill", "Well"))
    up, down = figure.data
    assert (sum(up.customdata), sum(down.customdata)) == (3, 2)
    assert (sum(up.y), sum(down.y)) == (pytest.approx(1), -1)  # shares of each kind
    assert up.customdata[-1] == 1


def test_the_balance_shows_shares_with_their_counts_and_skips_an_empty_split():
    counts = {"train": {"A": 30, "B": 10}, "validation": {"A": 0, "B": 0}, "test": {"A": 5, "B": 5}}
    first, second = balance_figure(counts, ("A", "B")).data
    assert list(first.y) == ["train", "test"]
    assert list(first.x) == [0.75, 0.5]
    assert list(second.customdata) == [10, 5]


def test_where_all_runs_are_near_the_top_the_axis_says_where_it_starts():
    runs = [record("mlp", "vgg16", 0.96, "a"), record("dummy", "vgg16", 0.5, "b")]
    figure = forest_figure(runs, {"a": "First", "b": "Floor"})
    assert figure.layout.xaxis.title.text == "AUC, test (the axis starts at 0.85)"  # 0.91 - 0.02, down to 0.05
    assert annotations(figure)[-1] == "◀ left of the axis"
    assert not figure.layout.shapes
    wide = forest_figure([*runs, record("mlp", "xception", 0.7, "c")], {"a": "A", "b": "B", "c": "C"})
    assert wide.layout.xaxis.title.text == "AUC, test (dotted: chance)"
    assert len(wide.layout.shapes) == 1


def test_the_corner_of_a_roc_plot_can_be_enlarged():
    whole, corner = roc_figure([]), roc_figure([], corner=True)
    assert whole.layout.xaxis.range == pytest.approx((-0.02, 1.02))
    assert corner.layout.xaxis.range == pytest.approx((-0.006, 0.306))
    assert corner.layout.yaxis.range == pytest.approx((0.694, 1.006))
