"""Heads from files: only known classes, and no tree that leads out of its table or in a circle."""

import io
import json
import zipfile
from functools import cache

import numpy as np
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from core import limits
from core.errors import ModelDamaged
from core.nn.skops_gate import load_head

RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 5)).astype(np.float32)
Y = (X[:, 0] + RNG.normal(size=80) > 0).astype(int)


def forest():
    return RandomForestClassifier(3, random_state=0).fit(X, Y)


def boosting():
    made = HistGradientBoostingClassifier(max_iter=3, early_stopping=False, random_state=0).fit(X, Y)
    del made._feature_subsample_rng
    return made


@cache
def file_of(make):
    return dumped(make())


def dumped(estimator):
    return bytes(skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize(
    "estimator",
    [
        forest(),
        boosting(),
        OneVsRestClassifier(make_pipeline(StandardScaler(), LogisticRegression())).fit(X, np.eye(2)[Y]),
    ],
    ids=["forest", "boosting", "one for each class"],
)
def test_a_head_comes_back_and_answers_as_before(estimator):
    loaded = load_head(dumped(estimator), "x", 5)
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))


def rewritten(content, change):
    """The same file with its entries changed: change(name, bytes) -> bytes, or None to leave it out."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target.getvalue()


def with_nodes(content, change):
    """The node table of every tree changed in place."""

    def changed(name, data):
        if not name.endswith(".npy"):
            return data
        table = np.load(io.BytesIO(data), allow_pickle=False)
        if table.dtype.names is None or not {"left_child", "left"} & set(table.dtype.names):
            return data
        table = table.copy()
        change(table)
        written = io.BytesIO()
        np.save(written, table)
        return written.getvalue()

    return rewritten(content, changed)


def put(left, right, feature):
    """Write values into the root of a tree, under whichever name its library has for them."""

    def change(table):
        for names, value in ((("left_child", "left"), left), (("right_child", "right"), right),
                             (("feature", "feature_idx"), feature)):  # fmt: skip
            for name in names:
                if value is not None and name in table.dtype.names:
                    table[name][0] = value

    return change


@pytest.mark.parametrize("make", [forest, boosting])
@pytest.mark.parametrize(
    ("left", "right", "feature"),
    [(10_000_000, None, None), (None, 10_000_000, None), (0, None, None), (None, None, 5), (None, None, 2_000_000)],
    ids=["far left", "far right", "a circle", "a feature too many", "a feature far away"],
)
def test_a_tree_that_leads_nowhere_is_refused_before_it_is_asked(make, left, right, feature):
    content = with_nodes(file_of(make), put(left, right, feature))
    with pytest.raises(ModelDamaged, match="x holds a tree whose branches lead nowhere"):
        load_head(content, "x", 5)


@pytest.mark.parametrize("make", [forest, boosting])
def test_a_head_for_other_features_is_refused(make):
    with pytest.raises(ModelDamaged, match="does not answer rows of 4 features"):
        load_head(file_of(make), "x", 4)


def schema_with(kind, module="sklearn.linear_model._logistic", loader="ObjectNode"):
    content = dumped(LogisticRegression().fit(X, Y))

    def change(name, data):
        if name != "schema.json":
            return data
        schema = json.loads(data)
        schema |= {"__class__": kind, "__module__": module, "__loader__": loader}
        return json.dumps(schema).encode()

    return rewritten(content, change)


def extra(name, data=b"{}"):
    target = io.BytesIO(dumped(LogisticRegression().fit(X, Y)))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(name, data)
    return target.getvalue()


GOOD = dumped(LogisticRegression().fit(X, Y))
REFUSED = {
    "a class of no head": (dumped(DummyClassifier().fit(X, Y)), "DummyClassifier"),
    "a function": (dumped(FunctionTransformer(np.log1p).fit(np.abs(X), Y)), "which no head has"),
    "a command": (schema_with("system", "os", "FunctionNode"), "os.system"),
    "a method": (schema_with("LogisticRegression", loader="MethodNode"), "MethodNode"),
    "a type of elsewhere": (schema_with("Popen", "subprocess", "TypeNode"), "subprocess.Popen"),
    "empty": (b"", "no skops file, or is cut off"),
    "a pickle": (b"\x80\x04cos\nsystem\n.", "no skops file, or is cut off"),
    "cut off": (GOOD[: len(GOOD) // 2], "no skops file, or is cut off"),
    "no schema": (rewritten(GOOD, lambda n, d: None if n == "schema.json" else d), "no skops file, or is cut off"),
    "a schema that is a number": (rewritten(GOOD, lambda n, d: b"7" if n == "schema.json" else d), "is damaged"),
    "arrays of objects": (rewritten(GOOD, lambda n, d: b"\x93NUMPY" if n.endswith(".npy") else d), "is damaged"),
    "the head of an array": (
        rewritten(GOOD, lambda n, d: d.replace(b"descr", b"desc(") if n.endswith(".npy") else d), "is damaged"),
    "another entry": (extra("evil.pkl"), "an entry that no head has"),
    "a way out": (extra("../evil.json"), "an entry that no head has"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_head_is_refused_in_one_sentence(name):
    content, words = REFUSED[name]
    with pytest.raises(ModelDamaged, match=words) as refused:
        load_head(content, "sibling-x.skops", 5)
    assert str(refused.value).startswith("sibling-x.skops ")
    assert "\n" not in str(refused.value)


def test_a_bomb_stops_where_no_head_is_as_large(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SIBLING_UNPACKED_BYTES", 100_000)
    with pytest.raises(ModelDamaged, match="inflates to more"):
        load_head(extra("bomb.npy", bytes(200_000)), "x", 5)
    monkeypatch.setattr(limits, "MAX_SIBLING_ENTRIES", 2)
    with pytest.raises(ModelDamaged, match="entries"):
        load_head(GOOD, "x", 5)


def test_bytes_changed_at_random_are_refused_or_answer():
    """Deflated and with checksums, nearly every change is found; none may crash, hang or raise anything else."""
    rng = np.random.default_rng(11)
    for content in (file_of(forest), file_of(boosting), GOOD):
        for _ in range(20):
            changed = bytearray(content)
            for place in rng.integers(0, len(changed), rng.integers(1, 4)):
                changed[place] ^= 1 << rng.integers(0, 8)
            try:
                head = load_head(bytes(changed), "x", 5)
            except ModelDamaged:
                continue
            assert head.predict_proba(X[:3]).shape[0] == 3
