"""The gate: distances against scikit-learn and SciPy, edges from validation alone, and files that are not believed."""

import io
import pickle

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from core.data.appearance import appearance
from core.errors import ModelDamaged
from core.nn.ood import DIRECTIONS, PERCENTILE, Gate, fit_gate, scores_bytes, scores_of, shrunk_covariance

WIDE = 200


def rows(n, d=12, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) * np.linspace(0.05, 2, d)
    return rng.normal(size=(n, d)) @ mixing + 3 + shift


def of(values):
    return {"features": values}


@pytest.fixture(scope="module")
def gate():
    return fit_gate(of(rows(400)), of(rows(300, seed=1)))


def test_the_shrunk_covariance_is_that_of_scikit_learn():
    x = rows(60, d=20, seed=4)
    theirs = LedoitWolf().fit(x)
    ours, share = shrunk_covariance(x - x.mean(axis=0))
    np.testing.assert_allclose(ours, theirs.covariance_, rtol=1e-10)
    assert share == pytest.approx(theirs.shrinkage_)


def test_the_distance_is_that_of_scipy(gate):
    theirs = LedoitWolf().fit(rows(400))
    inverse = np.linalg.inv(theirs.covariance_)
    picked = rows(20, seed=7, shift=2)
    expected = [mahalanobis(row, theirs.location_, inverse) for row in picked]
    np.testing.assert_allclose(gate.parts["features"].raw(picked), expected, rtol=2e-2)  # float16 in the file


def test_two_in_a_hundred_validation_images_are_flagged_and_the_score_is_one_at_their_edge(gate):
    scores = gate.score(of(rows(300, seed=1)))
    assert gate.is_unlike(scores).mean() == pytest.approx(1 - PERCENTILE, abs=1 / 300)
    assert gate.threshold == pytest.approx(1.0)
    assert np.median(scores) == pytest.approx(0.0, abs=1e-9)


def test_new_images_of_the_same_kind_pass_and_others_do_not(gate):
    assert gate.is_unlike(gate.score(of(rows(2000, seed=5)))).mean() < 0.06
    assert gate.is_unlike(gate.score(of(rows(200, seed=5, shift=8)))).all()


def test_a_quiet_direction_counts_though_hardly_any_variance_lies_there():
    rng = np.random.default_rng(3)
    loud = np.zeros(WIDE)
    loud[:5] = 10
    train, validation = (rng.normal(size=(n, WIDE)) * np.where(loud, loud, 0.1) for n in (600, 300))
    found = fit_gate(of(train), of(validation))
    assert found.parts["features"].signs.shape == (WIDE, DIRECTIONS)
    strange = validation.copy()
    strange[:, 5:] *= 6  # a twentieth of the spread of the loud ones
    assert found.is_unlike(found.score(of(strange))).mean() > 0.9


def test_either_kind_alone_is_enough_to_flag():
    both = {"features": rows(200), "appearance": rows(200, d=9, seed=2)}
    held = {"features": rows(200, seed=8), "appearance": rows(200, d=9, seed=9)}
    found = fit_gate(both, held)
    assert set(found.parts) == {"features", "appearance"}
    for kind in found.parts:
        moved = {**held, kind: held[kind] + 40}
        assert found.is_unlike(found.score(moved)).all()


def skin(n, seed):
    """Pictures in the colours of skin with a darker spot, no two alike."""
    rng = np.random.default_rng(seed)
    tone = np.array([200, 150, 130]) + rng.normal(0, 12, (n, 1, 1, 1)) + rng.normal(0, 4, (n, 1, 1, 3))
    y, x = np.mgrid[:32, :32]
    spot = np.exp(-((y - 16) ** 2 + (x - 16) ** 2) / rng.uniform(20, 90, (n, 1, 1)))[..., None]
    shade = rng.normal(0, 25, (n, 32, 32, 1))  # hair and light
    return np.clip(tone * (1 - 0.5 * spot) + shade, 0, 255).astype(np.uint8)


def test_grey_pictures_are_unlike_skin_though_nothing_but_their_colour_is():
    found = fit_gate({"appearance": appearance(skin(300, 0))}, {"appearance": appearance(skin(200, 1))})
    assert set(found.parts) == {"appearance", "colour"}
    same = skin(200, 2)
    grey = np.repeat(same.mean(axis=3, keepdims=True), 3, axis=3).astype(np.uint8)
    assert found.is_unlike(found.score({"appearance": appearance(same)})).mean() < 0.08
    assert found.is_unlike(found.score({"appearance": appearance(grey)})).all()
    again = Gate.from_bytes(found.to_bytes())
    np.testing.assert_allclose(
        again.score({"appearance": appearance(grey)}), found.score({"appearance": appearance(grey)})
    )


def test_where_all_training_images_are_grey_colour_does_not_stand_apart():
    radiographs = np.repeat(skin(60, 0)[..., :1], 3, axis=3)
    looks = {"appearance": appearance(radiographs)}
    assert set(fit_gate(looks, looks).parts) == {"appearance"}


def test_a_number_that_never_varies_in_training_flags_whatever_moves_it():
    grey = {"appearance": np.column_stack([rows(100), np.zeros(100)])}
    found = fit_gate(grey, grey)
    colour = {"appearance": grey["appearance"] + np.append(np.zeros(12), 0.5)}
    assert found.is_unlike(found.score(colour)).mean() > 0.95


def test_percentiles_are_those_of_validation(gate):
    scores = gate.score(of(rows(300, seed=1)))
    expected = [(scores < s).mean() for s in np.sort(scores)[[30, 150, 270]]]
    np.testing.assert_allclose(gate.percentile(np.sort(scores)[[30, 150, 270]]), expected, atol=0.011)
    assert gate.percentile(np.array([1e9]))[0] == 1.0
    assert gate.percentile(np.array([-1e9]))[0] == 0.0


def test_the_file_gives_the_same_scores_and_is_small(gate):
    wide = fit_gate(of(rows(300, d=WIDE)), of(rows(200, d=WIDE, seed=1)))
    for one, width in ((gate, 12), (wide, WIDE)):
        again = Gate.from_bytes(one.to_bytes())
        fresh = of(rows(50, d=width, seed=6))
        np.testing.assert_allclose(again.score(fresh), one.score(fresh), rtol=1e-9)
        assert (again.threshold, again.n_train) == (one.threshold, one.n_train)
    assert len(wide.to_bytes()) < 40_000


def test_what_is_no_number_is_flagged(gate):
    broken = rows(2)
    broken[0, 3] = np.nan
    assert gate.is_unlike(gate.score(of(broken))).tolist() == [True, False]


def test_images_that_are_all_the_same_make_a_gate_that_flags_the_others():
    same = of(np.ones((40, 6)))
    found = fit_gate(same, same)
    assert not found.is_unlike(found.score(same)).any()
    assert found.is_unlike(found.score(of(np.full((3, 6), 2.0)))).all()


def test_too_few_images_make_no_gate():
    assert fit_gate(of(rows(19)), of(rows(100))) is None
    assert fit_gate(of(rows(100)), of(rows(19))) is None
    assert fit_gate({}, {}) is None


def test_rows_of_another_width_or_kind_are_refused(gate):
    for given in ({"features": rows(3, d=11)}, {"appearance": rows(3)}, {}):
        with pytest.raises(ModelDamaged, match="wants features"):
            gate.score(given)


def changed(content, **arrays):
    with np.load(io.BytesIO(content)) as stored:
        found = {name: stored[name] for name in stored.files} | arrays
    buffer = io.BytesIO()
    np.savez(buffer, **found)
    return buffer.getvalue()


def test_a_file_that_is_no_gate_is_refused(gate):
    good = gate.to_bytes()
    bad = {
        "version": np.array(2), "features.whiten": np.zeros((3, 3)), "features.range": np.array([1.0, 1.0, 1.0]),
        "quantiles": np.zeros(5), "threshold": np.array(np.nan),
    }  # fmt: skip
    spoilt = [changed(good, **{name: array}) for name, array in bad.items()]
    for content in (b"", b"not a zip", good[: len(good) // 2], *spoilt):
        with pytest.raises(ModelDamaged):
            Gate.from_bytes(content)


def test_a_pickle_in_the_file_is_never_run(gate):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    trap = np.empty(1, dtype=object)
    trap[0] = Trap()
    assert pickle.dumps(trap)
    with pytest.raises(ModelDamaged):
        Gate.from_bytes(changed(gate.to_bytes(), **{"features.scale": trap}))


def test_scores_by_split_come_back_with_their_gaps():
    stored = scores_of(scores_bytes({"test": np.array([0.5, np.nan])}))
    np.testing.assert_array_equal(stored["test"], [0.5, np.nan])
    with pytest.raises(ModelDamaged):
        scores_of(b"nothing")
