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
def study(tmp_path_factory):
    """Folders of its own, and the trained network's record."""
    from core.training.runner import run

    base = tmp_path_factory.mktemp("study")
    patch = pytest.MonkeyPatch()
    patch.setenv("MEDLENS_RESULTS", str(base / "results"))
    patch.setenv("MEDLENS_MODELS", str(base / "models"))
    patch.setenv("MEDLENS_CACHE", str(base / "cache"))
    yield base, run(NETWORK)
    patch.undo()


def with_head(record, head, **changes):
    """A frozen run on the network's features."""
    settings = {"strategy": "frozen", "weights": f"run:{record.run_id}", "head": head, "epochs": 3}
    return replace(record.spec, **(settings | changes))


@pytest.fixture
def frozen():
    return with_head
