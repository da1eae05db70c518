"""The plan file of a run gives the same run again."""

from dataclasses import replace

import pytest

from core.store.codec import run_id_of
from core.store.reproduce import command, plan_name, plan_text
from core.training.plan import load_plan
from core.types import AugmentationSpec, PreprocessSpec, RunSpec

PLAIN = RunSpec(
    dataset="phantom", label_scheme="phantom_nodule", architecture="compact_cnn", head="mlp", weights="none"
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dataset_options": {"patients": 40, "seed": 3}},
        {"learning_rates": (1e-05, 3e-4), "strategy": "fine_tune"},
        {"augmentation": AugmentationSpec(flip_horizontal=True, rotation=0.05), "fold": 2, "split": "random"},
        {
            "preprocess": PreprocessSpec(size_px=96, resize_mode="pad", contrast="clahe"),
            "weights": 'a "path"\\with = signs',
        },
    ],
)
def test_the_plan_of_a_run_read_back_is_the_same_run(tmp_path, changes):
    spec = replace(PLAIN, **changes)
    path = tmp_path / plan_name(run_id_of(spec))
    path.write_text(plan_text(spec, 'Again: "it"'), encoding="utf-8")
    plan = load_plan(str(path))
    assert plan.title == 'Again: "it"'
    assert plan.runs == (spec,)
    assert run_id_of(plan.runs[0]) == run_id_of(spec)


def test_the_command_names_the_folder_only_where_there_are_files():
    assert command(PLAIN, "x") == "python -m core benchmark x.toml"
    assert command(replace(PLAIN, dataset="chest_xray"), "x") == "python -m core benchmark x.toml --root DIR"
