"""Plans: lists are multiplied out, named runs are resolved, and every mistake is named."""

from dataclasses import replace

import pytest

from core.errors import MedLensError, SpecInvalid
from core.evaluation.thresholds import check_rule
from core.registry.labels import LABEL_SCHEMES
from core.registry.unions import MEETING
from core.store.codec import run_id_of
from core.training.plan import load_plan, plan_files

HEAD = """
[defaults]
dataset = "chest_xray"
label_scheme = "pneumonia"
architecture = "mobilenet_v2"
"""


def write(tmp_path, text):
    file = tmp_path / "plan.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("key", sorted(plan_files()))
def test_every_shipped_plan_reads_and_its_runs_differ(key):
    plan = load_plan(key)
    assert len({run_id_of(spec) for spec in plan.runs}) == len(plan.runs) > 1


def test_the_phantom_plan_compares_five_heads_on_the_features_of_its_network():
    network, *heads = load_plan("phantom").runs
    assert [h.head for h in heads] == ["mlp", "logistic_regression", "random_forest", "gradient_boosting", "dummy"]
    assert {h.weights for h in heads} == {f"run:{run_id_of(network)}"}


def test_the_chest_xray_plan_has_three_networks_five_heads_and_two_tasks():
    assert len(load_plan("chest_xray").runs) == 3 * 5 * 2


def test_castro_and_perez_have_forty_variants_the_cheap_pictures_first():
    runs = load_plan("castro-perez").runs
    assert len(runs) == 40
    assert {r.architecture.removesuffix("_average") for r in runs} == {
        "lenet5", "lenet5_wide", "alexnet", "vgg16_grey", "castro_perez_five",
    }  # fmt: skip
    assert runs[0].preprocess.size_px < runs[-1].preprocess.size_px


def test_wagner_meets_six_heads_on_three_tasks_and_shares_parts_with_the_finer_labels():
    runs = load_plan("wagner").runs
    assert {r.label_scheme: r.split_scheme for r in runs} == {
        "nih_any": "", "siim_atypical": "siim_four", "ham_melanoma": "ham_seven",
    }  # fmt: skip
    assert len({r.head for r in runs}) == 6


def test_the_plan_of_silva_and_cuevas_has_three_scalings_and_their_rule_for_the_cuts():
    runs = load_plan("silva-cuevas").runs
    assert {r.architecture for r in runs} == {"mobilenet_v2", "mobilenet_v2_unit", "mobilenet_v2_scaled_twice"}
    assert {r.split for r in runs} == {"group", "random"}
    assert {r.threshold_rule for r in runs} == {"f1;Melanocytic nevus=0.6"}
    assert {r.dataset_options["keep"] for r in runs} == {"nv=0.4"}
    check_rule(runs[0].threshold_rule, LABEL_SCHEMES[runs[0].label_scheme].class_names)


def test_the_history_plan_has_a_twin_and_a_control_for_each_run_on_sequences():
    runs = load_plan("history").runs
    by_head = {head: [replace(r, head="") for r in runs if r.head == head] for head in {r.head for r in runs}}
    assert set(by_head) == {"gru", "last_image", "gru_repeated"}
    assert by_head["gru"] == by_head["last_image"] == by_head["gru_repeated"]
    assert {r.dataset for r in runs} == {"nih-chest-xray", "siim-covid19", "chest_xray"}


def test_garcia_boronats_last_model_starts_from_the_union_and_shares_its_hidden_test():
    runs = [spec for spec in load_plan("garcia-boronat").runs if spec.architecture != "mobilenet_v2"]
    assert {(spec.preprocess.size_px, spec.preprocess.contrast, spec.batch_size) for spec in runs} == {
        (299, "equalize", 16)
    }
    (last,) = [spec for spec in runs if spec.weights.startswith("run:")]
    (union,) = [spec for spec in runs if last.weights == f"run:{run_id_of(spec)}"]
    assert (union.dataset, union.strategy, last.dataset) == ("union", "fine_tune", "siim-covid19")
    # one split scheme and seed for all: what the union hides, everyone hides
    assert {spec.split_scheme for spec in runs if spec.dataset != "union"} == {MEETING["siim-covid19"].split_scheme}
    assert {spec.split_seed for spec in runs} == {0}
    assert {spec.split for spec in runs if spec.dataset == "union"} == {"official"}
    assert [spec.dataset for spec in runs if spec.score_train] == ["union", "union", "siim-covid19"]
    groupings = {spec.label_scheme for spec in runs if spec.dataset == "siim-covid19"}
    assert groupings == {"siim_four", "siim_three", "siim_opacity", "siim_typical"}
    # ten models and the last one train a network, two runs are on the union, and seven train a head alone
    heads = [spec for spec in runs if spec.strategy == "frozen" and spec.dataset == "siim-covid19"]
    assert len(heads) == 7 and len(runs) == 11 + 2 + 7


def test_the_union_with_the_small_network_differs_in_its_start_alone():
    union, alone, after = (s for s in load_plan("garcia-boronat").runs if s.architecture == "mobilenet_v2")
    assert (union.dataset, union.split, union.split_seed) == ("union", "official", 0)
    assert replace(after, weights="imagenet") == alone
    assert after.weights == f"run:{run_id_of(union)}"
    assert (alone.label_scheme, alone.split_scheme) == ("siim_opacity", MEETING["siim-covid19"].split_scheme)
    assert union.score_train and alone.score_train and after.score_train


def test_lists_are_multiplied_and_learning_rates_are_one_value(tmp_path):
    text = HEAD + '[[runs]]\nhead = ["mlp", "dummy"]\nseed = [1, 2, 3]\nlearning_rates = [0.001, 0.0001]\n'
    runs = load_plan(write(tmp_path, text)).runs
    assert [(r.head, r.seed) for r in runs] == [(h, s) for h in ("mlp", "dummy") for s in (1, 2, 3)]
    assert {r.learning_rates for r in runs} == {(0.001, 0.0001)}


def test_an_override_reaches_every_run_and_the_names_that_point_to_it():
    plan = load_plan("phantom", {"split": "random"})
    assert {spec.split for spec in plan.runs} == {"random"}
    assert plan.runs[1].weights == f"run:{run_id_of(plan.runs[0])}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runs = [", "not a TOML file"),
        (HEAD, r"no \[\[runs\]\]"),
        (HEAD + '[[runs]]\nhead = "mlp"\nepoch = 3\n', "unknown fields epoch"),
        (HEAD + '[[runs]]\nhead = "mlpp"\n', "Unknown head 'mlpp'"),
        (HEAD + '[[runs]]\nhead = "mlp"\narchitecture = "vgg"\n', "Unknown architecture"),
        (HEAD + '[[runs]]\nhead = "mlp"\nlabel_scheme = "ham_seven"\n', "are not of chest_xray"),
        (HEAD + '[[runs]]\nhead = ["mlp", "mlp"]\n', "stands twice"),
        (HEAD + '[[runs]]\nname = "a"\nhead = ["mlp", "dummy"]\n', "stands for 2 runs"),
        (HEAD + '[[runs]]\nhead = "mlp"\nsplit = "patients"\n', "split = 'patients'"),
        (HEAD + '[[runs]]\nhead = "mlp"\npreprocess = { size = 3 }\n', "size"),
        (HEAD + '[[runs]]\narchitecture = "vgg16"\n', "head"),
        ('colour = 1\n' + HEAD + '[[runs]]\nhead = "mlp"\n', "unknown entries colour"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path, text, words):
    with pytest.raises(MedLensError, match=words):
        load_plan(write(tmp_path, text))


def test_an_unknown_plan_lists_the_known_ones():
    with pytest.raises(SpecInvalid, match=r"chest_xray, .*leakage, .*phantom, .*wagner"):
        load_plan("nothing")
