"""A scikit-learn head from a skops file: only known classes, and trees whose branches lead somewhere.

skops keeps code out, but not harm: a tree's node may point outside its table, and scikit-learn follows it without
looking. So the file's list of classes is read first, and every tree is walked by its indices before it may predict.
Source: skops' own warning about sklearn.tree._tree.Tree (skops 0.16).
"""

import io
import json
import zipfile
import zlib
from tokenize import TokenError
from typing import Any

import numpy as np

from core import limits
from core.errors import ModelDamaged
from core.language import said

SCHEMA = "schema.json"
TREES = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
BOOSTING = "sklearn.ensemble._hist_gradient_boosting"
CLASSES = frozenset(
    {f"builtins.{name}" for name in ("dict", "list", "str", "tuple", "int", "float", "bool")}
    | {f"numpy.{name}" for name in ("ndarray", "int32", "int64", "uint64", "float32", "float64", "bool")}
    | {
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.preprocessing._label.LabelBinarizer",
        "sklearn.multiclass.OneVsRestClassifier",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.tree._classes.DecisionTreeClassifier",
        f"{BOOSTING}.binning._BinMapper",
        f"{BOOSTING}.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        *TREES,
    }
)
# what skops, NumPy and scikit-learn raise over damaged files; found by changing good ones 8,000 times
READING = (
    ValueError, TypeError, LookupError, AttributeError, OSError, RuntimeError, ArithmeticError, MemoryError,
    SyntaxError, TokenError, EOFError, ImportError, AssertionError,
)  # fmt: skip
LOADERS = frozenset(
    {"DictNode", "ListNode", "TupleNode", "JsonNode", "TypeNode", "NdArrayNode", "ObjectNode", "LossNode", "TreeNode"}
)


def load_head(content: bytes, what: str, features: int) -> Any:
    """The estimator of a skops file, for rows of `features` numbers.

    Raises: ModelDamaged in one sentence that begins with `what`.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    _check_file(content, what)
    try:
        estimator = skops.io.loads(content, trusted=list(TREES))
    except UntrustedTypesFoundException as error:
        raise ModelDamaged(said("{what} holds a class that no head has.", what=what)) from error
    except READING as error:
        raise ModelDamaged(
            said("{what} cannot be read ({name}): it is damaged.", what=what, name=type(error).__name__)
        ) from error
    if not hasattr(estimator, "predict_proba") or getattr(estimator, "n_features_in_", features) != features:
        raise ModelDamaged(said("{what} does not answer rows of {features} features.", what=what, features=features))
    if not all(_sound(tree, features) for tree in _trees(estimator)):
        raise ModelDamaged(said("{what} holds a tree whose branches lead nowhere: it is damaged.", what=what))
    return estimator


def _check_file(content: bytes, what: str) -> None:
    """The ZIP and its list of classes, before skops sees them. Raises ModelDamaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if len(entries) > limits.MAX_SIBLING_ENTRIES or len(names) < len(entries):
                raise ModelDamaged(said("{what} holds {n:,} entries, or one of them twice.", what=what, n=len(entries)))
            if any(not name.endswith((".json", ".npy")) or "/" in name or "\\" in name for name in names):
                raise ModelDamaged(said("{what} holds an entry that no head has.", what=what))
            total = 0
            for entry in entries:  # counted while inflating: a directory may lie about sizes
                with archive.open(entry) as stream:
                    while piece := stream.read(1 << 20):
                        total += len(piece)
                        if total > limits.MAX_SIBLING_UNPACKED_BYTES:
                            raise ModelDamaged(said("{what} inflates to more than a head ever has.", what=what))
            schema = json.loads(archive.read(SCHEMA))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, OSError, RuntimeError) as error:
        raise ModelDamaged(said("{what} is no skops file, or is cut off.", what=what)) from error
    _check_classes(schema, what)


def _check_classes(schema: object, what: str) -> None:
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            if "__loader__" not in node:
                continue
            found = f"{node.get('__module__')}.{node.get('__class__')}"
            if found not in CLASSES or node["__loader__"] not in LOADERS:
                raise ModelDamaged(
                    said(
                        "{what} holds {found} ({loader}), which no head has.",
                        what=what,
                        found=found[:80],
                        loader=str(node["__loader__"])[:40],
                    )
                )


def _trees(estimator: Any) -> list[Any]:
    """Every tree of an estimator, wherever it stands."""
    if hasattr(estimator, "steps"):
        return [tree for _, step in estimator.steps for tree in _trees(step)]
    if hasattr(estimator, "_predictors"):
        return [tree for stage in estimator._predictors for tree in stage]
    if hasattr(estimator, "estimators_"):
        return [tree for each in np.ravel(estimator.estimators_) for tree in _trees(each)]
    return [estimator.tree_] if hasattr(estimator, "tree_") else []


def _sound(tree: Any, features: int) -> bool:
    """Do all branches lead to a later node of the same tree, and ask for a feature that there is?

    Later: both libraries write parents before children, and a way that only goes on cannot go in circles.
    """
    if hasattr(tree, "children_left"):
        left, right, asked = tree.children_left, tree.children_right, tree.feature
        inner = left != -1
        if (inner != (right != -1)).any() or tree.n_features != features:
            return False
    else:
        table = getattr(tree, "nodes", None)
        if not isinstance(table, np.ndarray) or table.dtype.names is None or table["is_categorical"].any():
            return False
        left, right, asked = (table[name].astype(np.int64) for name in ("left", "right", "feature_idx"))
        inner = table["is_leaf"] == 0
    own = np.arange(len(left))
    ends = np.stack([left, right])[:, inner]
    if not len(left) or (ends <= own[inner]).any() or (ends >= len(left)).any():
        return False
    return not ((asked[inner] < 0) | (asked[inner] >= features)).any()
