"""Statistics of agreement against scipy and against published worked examples."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import optimize, stats

from galaxyscope.measure.agreement import agree, concordance
from galaxyscope.measure.bootstrap import draws, mid_ranks, rank_correlation
from galaxyscope.measure.observers import observers, one_way, two_way
from galaxyscope.measure.regression import orthogonal, through_origin
from galaxyscope.measure.residuals import trend

# Peak expiratory flow, Wright's large and mini meter, first readings (Bland & Altman 1986, table).
LARGE = np.array(
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float
)
MINI = np.array(
    [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float
)
# Six targets, four judges (Shrout & Fleiss 1979, table 2).
JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_published_limits_of_agreement() -> None:
    """The data are those of the paper: mean −2.1, standard deviation 38.8, r = 0.94."""
    assert (LARGE - MINI).mean() == pytest.approx(-2.1, abs=0.05)
    assert (LARGE - MINI).std(ddof=1) == pytest.approx(38.8, abs=0.05)
    found = agree(LARGE, MINI)
    assert found.rho_relative == pytest.approx(0.943, abs=0.001)
    assert found.concordance_relative == pytest.approx(0.943, abs=0.001)
    ratio = np.log(LARGE / MINI)
    assert found.bias == pytest.approx(stats.gmean(LARGE) / stats.gmean(MINI))
    low, high = np.exp(ratio.mean() + np.array([-1.96, 1.96]) * ratio.std(ddof=1))
    assert found.limits == pytest.approx((low, high))


def test_concordance_knows_only_the_line_of_equality() -> None:
    x = np.arange(1.0, 9.0)
    assert concordance(x, x) == pytest.approx(1)
    shifted = concordance(x, x + 2)
    assert shifted == pytest.approx(2 * x.var() / (2 * x.var() + 4))
    assert concordance(x, 2 * x) < 1
    assert concordance(np.ones(5), np.ones(5)) is None


def test_published_intraclass_correlations() -> None:
    """Shrout & Fleiss: ICC(1,1) = 0.17, ICC(2,1) = 0.29."""
    assert one_way(list(JUDGES)).value == pytest.approx(0.17, abs=0.005)
    assert two_way(JUDGES).value == pytest.approx(0.29, abs=0.005)


def test_unequal_groups_recover_the_truth() -> None:
    rng = np.random.default_rng(2)
    groups = [rng.normal(rng.normal(0, 3), 1, rng.integers(1, 6)) for _ in range(3000)]
    found = one_way(groups)
    assert found.value == pytest.approx(0.9, abs=0.01)
    assert found.scatter == pytest.approx(1, abs=0.03)
    assert found.targets == sum(len(g) > 1 for g in groups)


def test_observers_with_habits() -> None:
    """Repeats within 3 %, observers apart by a habit of 20 %: seen as such."""
    rng = np.random.default_rng(3)
    lines = {}
    for galaxy in range(400):
        true = rng.lognormal(3, 0.4)
        for name, habit in (("a", 1.0), ("b", 1.2), ("c", 0.8)):
            lines[galaxy, name] = true * habit * rng.lognormal(0, 0.03, 2)
    found = observers(lines)
    assert found.names == ("a", "b", "c")
    assert found.within.scatter == pytest.approx(0.03, rel=0.1)
    habits = np.log([1.0, 1.2, 0.8]).std(ddof=1)
    assert found.complete.scatter == pytest.approx(habits, rel=0.05)
    assert found.within.value > 0.99
    assert found.between.value == pytest.approx(found.complete.value, abs=0.05)
    assert found.complete.ratings == 1200
    assert observers({(1, "a"): [2.0]}).within is None


def test_weighted_line_through_the_origin_is_that_of_curve_fit() -> None:
    rng = np.random.default_rng(4)
    x = rng.uniform(5, 20, 60)
    err = rng.uniform(0.2, 3, 60)
    y = 1.3 * x + rng.normal(0, err)
    found = through_origin(x, y, y_err=err)
    (slope,), covariance = optimize.curve_fit(lambda x, b: b * x, x, y, [1], sigma=err)
    assert found.slope == pytest.approx(slope, rel=1e-6)
    assert found.error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-4)
    assert found.chi2 == pytest.approx(1, abs=0.5)
    plain = through_origin(x, y)
    assert plain.slope == pytest.approx((x @ y) / (x @ x))
    assert not plain.weighted


def test_errors_on_both_sides_share_the_weight() -> None:
    """Turned round, slope and inverse slope agree where an unweighted fit is pulled down."""
    rng = np.random.default_rng(5)
    true = rng.uniform(5, 30, 400)
    sx, sy = np.full(400, 2.0), np.full(400, 2.0)
    x, y = true + rng.normal(0, sx), 0.8 * true + rng.normal(0, sy)
    found = through_origin(x, y, sx, sy)
    assert found.slope == pytest.approx(0.8, abs=0.02)
    missing = sx.copy()
    missing[:200] = np.nan
    assert through_origin(x, y, missing, sy).slope == pytest.approx(found.slope)


def test_orthogonal_line_is_the_principal_axis() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(10, 3, 80)
    y = 0.7 * x + 2 + rng.normal(0, 0.5, 80)
    found = orthogonal(x, y)
    _, _, axes = np.linalg.svd(np.stack([x - x.mean(), y - y.mean()], axis=1))
    assert found.slope == pytest.approx(axes[0, 1] / axes[0, 0])
    assert found.intercept == pytest.approx(y.mean() - found.slope * x.mean())
    turned = orthogonal(y, x)
    assert turned.slope == pytest.approx(1 / found.slope)
    assert orthogonal(x, np.ones(80)) is None


@pytest.mark.parametrize("digits", [1, 9])
def test_ranks_of_resamples_are_those_of_scipy(digits: int) -> None:
    rng = np.random.default_rng(7)
    x, y = np.round(rng.normal(size=(2, 30)), digits)
    y = np.round(y + x, digits)
    (weights,) = draws(30, 20, seed=8)
    assert weights.shape == (20, 30)
    assert (weights.sum(axis=1) == 30).all()
    found = rank_correlation(weights, mid_ranks(x)(weights), mid_ranks(y)(weights))
    for row, rho in zip(weights.astype(int), found, strict=True):
        drawn = np.repeat(np.arange(30), row)
        assert rho == pytest.approx(stats.spearmanr(x[drawn], y[drawn]).statistic)


def test_intervals_are_those_of_resampled_galaxies() -> None:
    """Against scipy's bootstrap; both are random, the ends agree within their own scatter."""
    rng = np.random.default_rng(9)
    x, y = rng.multivariate_normal([10, 10], [[1, 0.7], [0.7, 1]], 150).T
    found = agree(x, y, np.full(150, 2.0), resamples=2000)
    for function, interval in (
        (lambda a, b: stats.pearsonr(a, b).statistic, found.rho_relative_interval),
        (lambda a, b: stats.spearmanr(a, b).statistic, found.rank_relative_interval),
    ):
        reference = stats.bootstrap(
            (x, y), function, n_resamples=1000, paired=True, vectorized=False,
            method="percentile", rng=1,
        ).confidence_interval  # fmt: skip
        assert interval == pytest.approx(tuple(reference), abs=0.03)
    assert found.rho_paper_interval == pytest.approx(found.rho_relative_interval)
    low, high = found.orthogonal_slope_interval
    assert low < found.orthogonal.slope < high


def test_without_sizes_nothing_is_said_of_the_paper() -> None:
    found = agree(LARGE, MINI)
    assert found.rho_paper is found.constant_rho_paper is found.rmse_paper is None
    assert found.rank_paper_interval is found.shuffled_rank_paper is None
    assert found.origin.slope == pytest.approx((MINI @ LARGE) / (MINI @ MINI))


def test_baselines_of_ranks() -> None:
    rng = np.random.default_rng(10)
    human, size = rng.lognormal(0, 0.3, 300), rng.lognormal(2, 0.5, 300)
    found = agree(human * rng.lognormal(0, 0.2, 300), human, size)
    expected = stats.spearmanr(size, human * size).statistic
    assert found.constant_rank_paper == pytest.approx(expected)
    assert 0.3 < found.shuffled_rank_paper < found.constant_rank_paper
    assert found.shuffled_rank_relative == pytest.approx(0, abs=0.03)


def test_trends() -> None:
    rng = np.random.default_rng(11)
    size, noise = rng.uniform(size=200), rng.normal(size=200)
    rising = trend("size", noise * 0.1 + size, size)
    reference = stats.spearmanr(size, noise * 0.1 + size)
    assert (rising.strength, rising.p) == pytest.approx((reference.statistic, reference.pvalue))
    angle = rng.uniform(0, 180, 200)
    wave = trend("PA", noise * 0.3 + np.cos(2 * np.deg2rad(angle - 170)), angle, axial=True)
    assert wave.strength > 0.85
    assert wave.p < 1e-20
    unknown = np.where(np.arange(200) < 197, np.nan, size)
    assert trend("few", noise, unknown) is None


def test_p_of_an_angle_is_uniform_without_a_trend() -> None:
    rng = np.random.default_rng(12)
    found = [
        trend("PA", rng.normal(size=25), rng.uniform(0, 180, 25), axial=True).p for _ in range(400)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_ten_thousand_pairs_take_about_a_second() -> None:
    """Own processor time; below 1 s on an idle core, the limit leaves room for a busy one."""
    rng = np.random.default_rng(13)
    human, size = rng.lognormal(0, 0.3, 10_000), rng.lognormal(2, 0.4, 10_000)
    automatic = human * rng.lognormal(0, 0.2, 10_000)
    started = time.thread_time()
    agree(automatic, human, size)
    assert time.thread_time() - started < 3
