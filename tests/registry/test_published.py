"""The published figures: all of them, as printed, each with runs of ours to compare or a reason why not."""

from collections import Counter

import pytest

from core.errors import SpecInvalid
from core.registry import published
from core.registry.datasets import DATASETS
from core.registry.labels import AS_IS, LABEL_SCHEMES
from core.registry.metrics import METRICS
from core.registry.published import SOURCES, published_figures

HEADER = "source,dataset,task,model,metric,value,evaluated_on,n_images,note\n"


def one(**words):
    (found,) = [f for f in published_figures() if all(getattr(f, name) == value for name, value in words.items())]
    return found


def test_every_printed_figure_is_there():
    assert Counter(f.source for f in published_figures()) == {
        "wagner-tfm": 49, "wang-2017": 32, "castro-perez-2020": 9, "garcia-boronat-2021": 25, "silva-cuevas-2024": 30,
        "tang-2020": 98, "medmnist-v2": 28,
    }  # fmt: skip
    assert {f.source for f in published_figures()} == set(SOURCES)


def test_figures_are_those_that_the_sources_print():
    best = one(source="castro-perez-2020", model="five convolutions, 16 to 256 filters", metric="accuracy")
    assert (best.value, best.n_images, best.evaluated_on) == (0.8213, 1175, "random 20% split")
    last = one(source="garcia-boronat-2021", note="the final model")
    assert (last.value, last.evaluated_on) == (0.7783, "hidden SIIM test")
    assert one(source="wagner-tfm", model="VGG16 + MLP", metric_words="auc").value == 0.62
    assert one(source="silva-cuevas-2024", metric_words="accuracy").value == 0.5329


def test_a_figure_has_runs_to_be_compared_with_or_a_reason_why_not():
    for figure in published_figures():
        assert bool(figure.targets) == bool(figure.metric) != bool(figure.reason), figure.key
        assert 0 <= figure.value <= 1 or not figure.targets, figure.key
        assert not figure.metric or figure.metric in METRICS


def test_what_has_no_counterpart_are_sizes_cuts_and_a_loss():
    reasons = Counter(f.metric_words.partition("_")[0] for f in published_figures() if not f.targets)
    assert reasons == {"params": 4, "threshold": 7, "loss": 1}


@pytest.mark.parametrize("source", SOURCES)
def test_every_target_is_a_data_set_a_task_and_a_class_of_ours(source):
    targets = {target for f in published_figures() if f.source == source for target in f.targets}
    assert targets
    for target in targets:
        assert target.label_scheme in DATASETS[target.dataset].label_schemes
        if target.label_scheme == AS_IS:
            assert target.class_names
            continue
        if target.share is not None:
            assert target.share[0] in LABEL_SCHEMES[target.label_scheme].class_names
        if target.class_name is not None:
            assert target.class_name in LABEL_SCHEMES[target.label_scheme].class_names


def test_their_words_for_classes_and_metrics_become_ours():
    recall = one(source="silva-cuevas-2024", metric_words="recall_mel")
    assert (recall.metric, recall.targets[0].class_name) == ("sensitivity", "Melanoma")
    precision = one(source="wagner-tfm", model="VGG16 + MLP", metric_words="precision_class1")
    assert (precision.metric, precision.targets[0].class_name) == ("ppv", "Mass or nodule")
    assert precision.targets[1].class_name == "Finding"
    assert one(source="wang-2017", task_words="Effusion", model="VGG16").targets[0].class_name == "Effusion"


def test_a_class_at_its_own_cut_is_met_by_runs_with_cuts_first_and_by_others_with_the_difference():
    recall = one(source="silva-cuevas-2024", metric_words="recall_nv")
    with_cuts, without = recall.targets
    assert (with_cuts.metric, with_cuts.class_name) == ("sensitivity_at_cut", "Melanocytic nevus")
    assert (without.metric, without.class_name) == ("", "Melanocytic nevus")
    assert any("at a cut of its own" in words for words in without.differs)
    assert not any("at a cut" in words for words in with_cuts.differs)
    cut = one(source="silva-cuevas-2024", metric_words="threshold_nv")
    assert (cut.value, cut.targets, [t.class_name for t in cut.cut_of]) == (0.6, (), ["Melanocytic nevus"])
    assert {f.metric_words.partition("_")[0] for f in published_figures() if f.cut_of} == {"threshold"}


def test_what_a_row_says_about_its_number_is_a_difference():
    weighted = one(source="wagner-tfm", model="VGG16 + random forest", metric_words="accuracy")
    assert any("weighted" in words for words in weighted.targets[0].differs)
    assert not one(source="wagner-tfm", model="VGG16 + MLP", metric_words="accuracy").targets[0].differs


def test_figures_of_the_union_are_held_against_runs_on_a_union_part_by_part():
    of_union = [f for f in published_figures() if f.dataset_words.startswith("SIIM + ")]
    assert {(f.evaluated_on, f.targets[0].dataset, f.targets[0].split) for f in of_union} == {
        ("validation of the union", "union", "validation"), ("hidden SIIM test", "union", "test"),
    }  # fmt: skip
    hidden = one(dataset_words=of_union[0].dataset_words, evaluated_on="hidden SIIM test")
    assert [target.dataset for target in hidden.targets] == ["union", "siim-covid19"]
    assert {figure.total_images for figure in of_union} == {26_232}
    # the last model is of the target alone: what it started from is no data set
    last = one(source="garcia-boronat-2021", note="the final model")
    assert [target.dataset for target in last.targets] == ["siim-covid19"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("medmnist-v2,X,a new task,net,auc,0.9,test,,", "no task of that name"),
        ("medmnist-v2,X,pneumonia vs normal,net,kappa,0.9,test,,", "'kappa' is not known"),
    ],
)
def test_a_row_that_nothing_here_understands_is_refused(row, words, tmp_path, monkeypatch):
    file = tmp_path / "published.csv"
    file.write_text(HEADER + row + "\n", encoding="utf-8")
    monkeypatch.setattr(published, "FACTS", file)
    with pytest.raises(SpecInvalid, match=words):
        published_figures.__wrapped__()


def test_a_figure_that_stands_twice_is_refused(tmp_path, monkeypatch):
    row = "medmnist-v2,X,pneumonia vs normal,net,auc,0.9,official test,,\n"
    file = tmp_path / "published.csv"
    file.write_text(HEADER + row + row, encoding="utf-8")
    monkeypatch.setattr(published, "FACTS", file)
    with pytest.raises(SpecInvalid, match="stands twice"):
        published_figures.__wrapped__()
