"""What the lessons of the Learn page stand on: stored runs by name, and the network whose trace is shown.

A lesson shows stored numbers only. Where one of these runs is not in `results/`, its lesson says how it is made.
"""

from collections.abc import Mapping
from types import MappingProxyType

LESSONS = ("network", "roc", "overfitting", "imbalance", "gradcam")  # in the order of a course

TRACED_MODEL = "phantom-nodule"

# (with dropout?, with random changes?) -> the run of plan lesson-overfitting; all else is the same in the four
OVERFITTING_PLAN = "lesson-overfitting"
OVERFITTING_RUNS: Mapping[tuple[bool, bool], str] = MappingProxyType(
    {
        (False, False): "phantom-phantom-appearance-lenet5-lenet5-dense-scratch-9e1d3eba",
        (True, False): "phantom-phantom-appearance-lenet5-lenet5-dense-dropout-scratch-6f2889ea",
        (False, True): "phantom-phantom-appearance-lenet5-lenet5-dense-scratch-f229fa19",
        (True, True): "phantom-phantom-appearance-lenet5-lenet5-dense-dropout-scratch-c9f8f2fe",
    }
)

# as many with as without a finding, and scores that overlap: a curve whose points can be told apart
ROC_RUN = "nih-chest-xray-nih-any-mobilenet-v2-logistic-regression-frozen-725baaa9"

# one image in ten shows a nodule: a head that looks, and the one that never does
IMBALANCED_RUN = "phantom-phantom-nodule-compact-cnn-logistic-regression-frozen-5c4281ba"
PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
