"""The table behind the slider: the same numbers as resampling at each cut, looked up."""

import time

import numpy as np
import pytest

from core.errors import UnknownKey
from core.evaluation.at_cut import estimates_at
from core.evaluation.cut_table import cut_table, decision_curve, longest_stretch, per_people, shares_at


@pytest.mark.parametrize("cut", [0.0, 0.123, 0.5, 0.98765, 1.0])
def test_shares_and_intervals_are_those_of_resampling_at_that_cut(drawn, cut):
    pred = drawn("binary", 150, 2, 3, images_per_group=2, ties=True)
    table = cut_table(pred, "P", [0.98765], n_bootstrap=200)
    wanted = estimates_at(pred, "P", cut, n_bootstrap=200)
    for mine, one in zip(shares_at(table, cut), wanted, strict=True):
        assert (mine.metric, mine.method, mine.n_groups) == (one.metric, one.method, one.n_groups)
        assert [mine.value, mine.low, mine.high] == pytest.approx([one.value, one.low, one.high], abs=1e-9)


def test_of_1000_people_20_of_them_ill_it_finds_17_misses_3_and_alarms_98(make):
    # sensitivity 17 / 20, specificity 9 / 10: 20 * 0.85 = 17, 980 * 0.1 = 98; PPV 17 / 115
    truth = [1] * 20 + [0] * 10
    scores = [0.9] * 17 + [0.1] * 3 + [0.9] + [0.1] * 9
    told = per_people(cut_table(make(truth, scores), "P", n_bootstrap=500), 0.5, 0.02)
    assert told.ill == 20
    assert [told.found[0], told.missed[0], told.alarms[0]] == pytest.approx([17, 3, 98], abs=1e-9)
    assert told.ppv[0] == pytest.approx(17 / 115)
    assert told.npv[0] == pytest.approx(882 / 885)
    assert told.found[1] < 17 < told.found[2]
    assert told.ppv[1] < 17 / 115 < told.ppv[2]


def test_without_the_finding_nothing_is_shared_out(make):
    table = cut_table(make([0, 0, 0], [0.1, 0.2, 0.3]), "P", n_bootstrap=20)
    assert shares_at(table, 0.5)[0].value is None
    assert per_people(table, 0.5, 0.1).ppv == (None, None, None)
    with pytest.raises(UnknownKey, match="No class 'Q'"):
        cut_table(make([0, 1], [0.1, 0.9]), "Q")


def test_another_prevalence_moves_the_decision_curve_and_the_band_holds_it(drawn):
    table = cut_table(drawn("binary", 300, 2, 1), "P", n_bootstrap=300)
    here, rare = decision_curve(table), decision_curve(table, prevalence=0.02)
    assert rare.benefit[0] == pytest.approx(0.02, abs=2e-3) and here.benefit[0] == pytest.approx(0.5, abs=2e-3)
    assert ((here.low <= here.benefit + 1e-9) & (here.benefit <= here.high + 1e-9)).mean() > 0.97
    assert rare.everybody[-1] < here.everybody[-1]
    low, high = longest_stretch(here)
    inside = (here.threshold >= low) & (here.threshold <= high)
    assert here.ahead[inside].all() and low < 0.5 < high
    assert (here.benefit[inside] > np.maximum(here.everybody[inside], 0)).all()


def test_scores_that_say_nothing_are_nowhere_ahead(make):
    table = cut_table(make([0, 1] * 30, [0.5] * 60), "P", n_bootstrap=100)
    assert longest_stretch(decision_curve(table)) is None
    assert longest_stretch(decision_curve(cut_table(make([0, 1], [0.1, 0.9]), "P", n_bootstrap=0))) is None


def test_a_look_at_a_cut_of_100_000_images_takes_a_few_milliseconds(make):
    rng = np.random.default_rng(0)
    truth = (rng.random(100_000) < 0.1).astype(int)
    pred = make(truth, rng.beta(2 + 2 * truth, 4), groups=np.arange(100_000) // 4)
    table = cut_table(pred, "P", n_bootstrap=40)
    wide = type(table)(**{f: getattr(table, f) for f in table.__dataclass_fields__}
                       | {f: np.tile(getattr(table, f), (25, *[1] * (getattr(table, f).ndim - 1)))
                          for f in ("found", "alarms", "ill", "healthy")})  # fmt: skip
    start = time.perf_counter()
    shares_at(wide, 0.4)
    per_people(wide, 0.4, 0.02)
    assert time.perf_counter() - start < 0.05
