"""The heads: classifiers on a network's features, their fixed settings and the grid searched on validation."""

from collections.abc import Mapping

from core.registry.lookup import by_key, get
from core.types import HeadSpec

WAGNER = "Wagner, Detección de cáncer mediante redes neuronales convolucionales (master's project)"
CASTRO_PEREZ = "Castro & Pérez 2020, Universidad Panamericana"
GRU = f"Cho et al. 2014, arXiv:1406.1078; a wish of {WAGNER}"
LENET5 = f"LeCun et al. 1998, doi:10.1109/5.726791, as used in {CASTRO_PEREZ}"


def _flat(key: str, title: str, units: tuple[int, ...], dropout: float, source: str, **more: str) -> HeadSpec:
    """Dense layers on every cell of a network's last stage. Dropout is a setting of the head: a variant has a key."""
    return HeadSpec(
        key=key, title=title, factory="castro_perez_dense", source=source, standardise=False,
        settings={"units": units, "dropout": dropout, **more},
    )  # fmt: skip


def _gru(key: str, title: str, images: int, **more: str) -> HeadSpec:
    """The same layers and weights for each, so that what they are shown is all that differs between them."""
    return HeadSpec(
        key=key, title=title, factory="gru", source=GRU, standardise=True,
        settings={"images": images, "units": (32,), "dropout": 0.3, **more},
    )  # fmt: skip


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
    _flat("castro_perez_dense", "CNN+MLP (Castro & Pérez)", (128, 64, 32, 16), 0.4, CASTRO_PEREZ),
    _flat("castro_perez_dense_light", "CNN+MLP (Castro & Pérez), dropout 0.2", (128, 64, 32, 16), 0.2, CASTRO_PEREZ),
    _flat("castro_perez_dense_none", "CNN+MLP (Castro & Pérez), no dropout", (128, 64, 32, 16), 0.0, CASTRO_PEREZ),
    _flat("lenet5_dense", "Dense 120, 84 (LeNet-5)", (120, 84), 0.0, LENET5),
    _flat("lenet5_dense_dropout", "Dense 120, 84 (LeNet-5), dropout 0.4", (120, 84), 0.4, LENET5),
    _flat("lenet5_wide_dense", "Dense 256, 128, 84 (LeNet-5, wide)", (256, 128, 84), 0.0,
          f"{CASTRO_PEREZ}; widths unsaid there, chosen near its number of parameters"),
    _flat("lenet5_wide_dense_dropout", "Dense 256, 128, 84 (LeNet-5, wide), dropout 0.4", (256, 128, 84), 0.4,
          f"{CASTRO_PEREZ}; widths unsaid there, chosen near its number of parameters"),
    _flat("dense_256", "Dense 256, 256", (256, 256), 0.0,
          f"{CASTRO_PEREZ}; the dense layers of AlexNet and VGG-16 are unsaid there"),
    _flat("dense_256_dropout", "Dense 256, 256, dropout 0.4", (256, 256), 0.4,
          f"{CASTRO_PEREZ}; the dense layers of AlexNet and VGG-16 are unsaid there"),
    _flat("garcia_boronat_dense", "Dense 128, 64 (García Boronat)", (128, 64), 0.5, "García Boronat 2021, U-tad",
          dropout_after="each"),
    HeadSpec(
        key="logistic_regression", title="Logistic regression", factory="logistic_regression",
        source="Cox 1958, J R Stat Soc B 20:215; scikit-learn", standardise=True,
        settings={"max_iter": 2000}, search_space={"C": (0.001, 0.01, 0.1, 1.0)},
    ),
    HeadSpec(
        key="logistic_regression_plain", title="Logistic regression, as it comes", factory="logistic_regression",
        source="scikit-learn's default penalty, C = 1, nothing searched", standardise=True,
        settings={"max_iter": 2000, "C": 1.0},
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
    _gru("gru", "GRU, six images of a patient", 6),
    _gru("last_image", "GRU, last image alone", 1),
    _gru("gru_repeated", "GRU, last image repeated (control)", 6, earlier="repeat"),
    HeadSpec(
        key="dummy", title="Majority class", factory="dummy", standardise=False,
        source="the floor: answers every image with the class shares of the training part",
    ),
)  # fmt: skip


def images_in_a_row(head: HeadSpec) -> int | None:
    """How many images of a patient, the last one included, a head takes in order; None for a head on one image."""
    return int(str(head.settings["images"])) if head.factory == "gru" else None


def head_spec(key: str) -> HeadSpec:
    """The head `key`. Raises UnknownKey."""
    return get(HEADS, key, "head", "core/registry/heads.py")
