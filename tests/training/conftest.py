"""A small phantom study that several tests share: one scratch network and heads on its features."""

from dataclasses import replace

import pytest

from core.types import PreprocessSpec, RunSpec

OPTIONS = {"patients": 60, "seed": 5, "size_px": 64}
NETWORK = RunSpec(
    dataset="phantom", label_scheme="phantom_nodule", architecture="compact_cnn", head="linear", strategy="scratch",
    weights="none", preprocess=PreprocessSpec(size_px=32), epochs=2, batch_size=16, learning_rates=(1e-3,), seed=1,
    dataset_options=OPTIONS,
)  # fmt: skip


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


def _set_folders(patch, base):
    for name in ("results", "models", "cache"):
        patch.setenv(f"MEDLENS_{name.upper()}", str(base / name))


@pytest.fixture(scope="module", autouse=True)
def folders_of_their_own(study_folder):
    """No test of this folder meets the results of the repository, and none elsewhere meets those of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        _set_folders(patch, study_folder)
        yield


@pytest.fixture(scope="session")
def study(study_folder):
    """Folders of its own, and the trained network's record."""
    from core.training.runner import run

    with pytest.MonkeyPatch.context() as patch:
        _set_folders(patch, study_folder)  # wider fixtures come first, so that those of the module are not there yet
        return study_folder, run(NETWORK)


def with_head(record, head, **changes):
    """A frozen run on the network's features."""
    settings = {"strategy": "frozen", "weights": f"run:{record.run_id}", "head": head, "epochs": 3}
    return replace(record.spec, **(settings | changes))


@pytest.fixture
def frozen():
    return with_head
