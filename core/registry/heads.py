"""The heads: classifiers on a network's features, their fixed settings and the grid searched on validation."""

from collections.abc import Mapping

from core.registry.lookup import by_key, get
from core.types import HeadSpec

WAGNER = "Wagner, Detección de cáncer mediante redes neuronales convolucionales (master's project)"

HEADS: Mapping[str, HeadSpec] = by_key(
    HeadSpec(
        key="mlp", title="CNN+MLP", factory="mlp", source=WAGNER, standardise=True,
        settings={"units": (30, 20), "dropout": 0.2},
    ),
    HeadSpec(
        key="mlp_wide", title="CNN+MLP, wide", factory="mlp", source=WAGNER + ", widened", standardise=True,
        settings={"units": (128, 64), "dropout": 0.4},
    ),
    HeadSpec(
        key="linear", title="CNN, linear output", factory="linear", standardise=False,
        source="one weighted sum per class: what a network is trained with before it lends its features",
    ),
    HeadSpec(
        key="castro_perez_dense", title="CNN+MLP (Castro & Pérez)", factory="castro_perez_dense",
        source="Castro & Pérez 2020, Universidad Panamericana", standardise=False,
        settings={"units": (128, 64, 32, 16), "dropout": 0.4},
    ),
    HeadSpec(
        key="logistic_regression", title="Logistic regression", factory="logistic_regression",
        source="Cox 1958, J R Stat Soc B 20:215; scikit-learn", standardise=True,
        settings={"max_iter": 2000}, search_space={"C": (0.001, 0.01, 0.1, 1.0)},
    ),
    HeadSpec(
        key="random_forest", title="Random forest", factory="random_forest",
        source="Breiman 2001, doi:10.1023/A:1010933404324; scikit-learn", standardise=False,
        settings={"n_estimators": 200, "max_features": "sqrt"}, search_space={"min_samples_leaf": (1, 3, 10)},
    ),
    HeadSpec(
        key="gradient_boosting", title="Gradient boosting", factory="gradient_boosting",
        source="Friedman 2001, doi:10.1214/aos/1013203451; histogram-based, scikit-learn", standardise=False,
        settings={"max_iter": 150, "max_features": 0.2, "max_leaf_nodes": 15},
        search_space={"learning_rate": (0.05, 0.1)},
    ),
    HeadSpec(
        key="dummy", title="Majority class", factory="dummy", standardise=False,
        source="the floor: answers every image with the class shares of the training part",
    ),
)  # fmt: skip


def head_spec(key: str) -> HeadSpec:
    """The head `key`. Raises UnknownKey."""
    return get(HEADS, key, "head", "core/registry/heads.py")
