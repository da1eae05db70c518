"""How a network is to be trained, checked in words before any work; presets of random changes by name."""

from dataclasses import replace

import pytest

from core.errors import MedLensError, SpecInvalid
from core.registry.augmentations import AUGMENTATIONS
from core.training.plan import load_plan
from core.training.recipe import check_recipe
from core.types import AugmentationSpec, RunSpec

SPEC = RunSpec(dataset="d", label_scheme="l", architecture="a", head="mlp")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adamm"}, "optimizer = 'adamm'; expected one of adam, adamw, sgd, rmsprop"),
        ({"schedule": "linear"}, "schedule = 'linear'; expected one of plateau, cosine, constant"),
        ({"optimizer": "adamw"}, "set weight_decay"),
        ({"weight_decay": 0.1}, "weight_decay needs optimizer"),
        ({"weight_decay": -0.1, "optimizer": "sgd"}, "a number from 0 to 1"),
        ({"threshold_rule": "best"}, "threshold_rule: Unknown threshold rule 'best'. Known: youden, f1"),
        ({"threshold_rule": 0.5}, "threshold_rule: Unknown"),
        ({"label_smoothing": 0.6}, "a number from 0 to 0.5"),
        ({"label_smoothing": float("nan")}, "label_smoothing = nan"),
        ({"mixup": "much"}, "mixup = 'much'; expected a number"),
        ({"epochs": 0}, "epochs = 0; expected a whole number from 1"),
        ({"batch_size": 2.5}, "batch_size = 2.5; expected a whole number"),
        ({"patience": 0}, "patience = 0"),
        ({"gradient_clip": -1}, "gradient_clip = -1; expected a number from 0\\."),
        ({"learning_rates": (0.1, float("inf"))}, "learning_rates = inf"),
        ({"trainable_layers": 2}, "'frozen' trains no layer of the base"),
        ({"trainable_layers": 2, "strategy": "scratch"}, "'scratch' trains all layers"),
        (
            {"augmentation": AugmentationSpec(rotation=20)},
            "augmentation.rotation = 20; expected a number from 0 to 0.5",
        ),
        ({"members": ("a", "b")}, "members and strategy = 'ensemble' belong together"),
        ({"strategy": "ensemble"}, "members and strategy = 'ensemble' belong together"),
        ({"strategy": "ensemble", "members": ("a", "b"), "views": "four"}, "'ensemble' takes what was made of each"),
        ({"views": "four"}, "views = 'four' is for whole networks"),
        ({"augmentation": AugmentationSpec(flip_vertical=1)}, "flip_vertical = 1; expected true or false"),
    ],
)
def test_a_setting_that_cannot_be_is_named(changes, words):
    with pytest.raises(SpecInvalid, match=words):
        check_recipe(replace(SPEC, **changes))


def test_what_is_meant_to_be_possible_passes():
    check_recipe(SPEC)
    check_recipe(replace(SPEC, optimizer="adamw", weight_decay=0.01, schedule="cosine", mixup=0.2, gradient_clip=0))
    check_recipe(replace(SPEC, strategy="fine_tune", trainable_layers=20, learning_rates=(1e-3, 1e-5)))
    check_recipe(replace(SPEC, threshold_rule="f1;Melanocytic nevus=0.6"))
    for preset in AUGMENTATIONS.values():
        check_recipe(replace(SPEC, augmentation=preset.changes))


PLAN = """
[defaults]
dataset = "phantom"
label_scheme = "phantom_nodule"
architecture = "compact_cnn"
head = "linear"
strategy = "scratch"
weights = "none"
[[runs]]
"""


def test_a_plan_names_a_preset_and_its_run_holds_what_the_preset_says(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(PLAN + 'augmentation = ["garcia-boronat-2021", "radiograph"]\noptimizer = "sgd"\n')
    runs = load_plan(str(file)).runs
    hers = AugmentationSpec(flip_horizontal=True, zoom=0.1, shear=0.05, darker=0.2, brighter=0.1)
    assert runs[0].augmentation == hers
    assert not runs[1].augmentation.flip_horizontal
    for text, words in (
        ('augmentation = "heavy"', "Known: .*garcia-boronat-2021, "),
        ("optimizer = 'lion'", "run 1: optimizer = 'lion'"),
    ):
        file.write_text(PLAN + text)
        with pytest.raises(MedLensError, match=words):
            load_plan(str(file))
