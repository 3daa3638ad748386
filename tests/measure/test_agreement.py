from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy import stats

from galaxyscope.measure.agreement import agree, pearson, ranks


def pairs(n=80, seed=1):
    rng = np.random.default_rng(seed)
    human = rng.lognormal(-0.8, 0.3, n)
    return human * rng.lognormal(0.05, 0.17, n), human, rng.lognormal(2.5, 0.4, n)


def test_correlations_are_those_of_scipy():
    a, h, size = pairs()
    agreement = agree(a, h, size)
    assert agreement.n == 80
    assert agreement.missing == 0
    assert agreement.rho_relative == pytest.approx(stats.pearsonr(a, h).statistic)
    assert agreement.rho_paper == pytest.approx(stats.pearsonr(a * size, h * size).statistic)
    assert agreement.rank_relative == pytest.approx(stats.spearmanr(a, h).statistic)
    assert agreement.rank_paper == pytest.approx(stats.spearmanr(a * size, h * size).statistic)


def test_ranks_share_ties():
    values = np.array([3.0, 1, 3, 2, 3])
    assert np.array_equal(ranks(values), stats.rankdata(values))


def test_known_ratios():
    agreement = agree([2, 4, 6.6, 1, 50], [2, 4, 6, 3, 10], np.ones(5))
    assert agreement.median_ratio == pytest.approx(1)
    assert agreement.outliers == 2
    assert agreement.log_scatter == pytest.approx(1.4826 * np.log(1.1))
    assert agreement.rmse_relative == pytest.approx(np.sqrt((0.6**2 + 2**2 + 40**2) / 5))


def test_the_scatter_of_log_ratios_is_robust():
    a, h, size = pairs(2000)
    a[::20] *= 10
    agreement = agree(a, h, size, resamples=20)
    assert agreement.log_scatter == pytest.approx(0.17, rel=0.12)
    assert agreement.median_ratio == pytest.approx(np.exp(0.05), rel=0.03)


def test_the_constant_baseline_is_what_agree_says_of_a_constant():
    _, h, size = pairs()
    agreement = agree(np.full(80, 0.4), h, size)
    assert agreement.rho_relative is None
    assert agreement.rho_relative_interval is None
    assert agreement.rank_relative is None
    assert agreement.rho_paper == pytest.approx(agreement.constant_rho_paper)
    assert agreement.shuffled_rho_paper == pytest.approx(agreement.constant_rho_paper)


def test_shuffled_lengths_do_not_correlate_by_themselves():
    agreement = agree(*pairs(300))
    assert agreement.shuffled_rho_relative == pytest.approx(0, abs=0.02)
    assert 0.3 < agreement.shuffled_rho_paper < agreement.constant_rho_paper


def test_the_interval_covers_the_correlation():
    """95 % of repeated experiments should cover the true ρ; at least 85 % of 60 do."""
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.multivariate_normal([10, 10], [[1, 0.6], [0.6, 1]], 60).T
        low, high = agree(x, y, np.ones(60), resamples=200).rho_relative_interval
        covered += low <= 0.6 <= high
    assert covered >= 51


def test_the_same_seed_gives_the_same_result():
    assert agree(*pairs(), seed=3) == agree(*pairs(), seed=3)
    assert agree(*pairs(), seed=3) != agree(*pairs(), seed=4)


def test_galaxies_without_a_measurement_are_counted():
    a, h, size = pairs(20)
    expected = agree(a[3:], h[3:], size[3:])
    a[0], h[1], size[2] = np.nan, 0, np.inf
    agreement = agree(a, h, size)
    assert (agreement.n, agreement.missing) == (17, 3)
    assert agreement.rho_relative == expected.rho_relative
    assert agree([None, 1.0], [1.0, 1.0], [1.0, 1.0]).missing == 1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_pairs_have_no_correlation(n):
    agreement = agree(np.arange(1, n + 1), np.arange(1, n + 1), np.ones(n))
    assert agreement.n == n
    assert agreement.rho_relative is agreement.rho_paper is agreement.rho_paper_interval is None
    assert (agreement.median_ratio is None) == (n == 0)


def test_lengths_must_match():
    with pytest.raises(ValueError, match="one entry for each galaxy"):
        agree([1, 2], [1, 2, 3], [1, 2, 3])


def test_pearson_of_a_straight_line():
    x = np.arange(5.0)
    assert pearson(x, 3 - 2 * x) == -1


def catalogue(path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    columns = ("bar_full_length_arcsec", "petroR90_r_arcsec", "z")
    return (np.array([float(row[c]) for row in rows]) for c in columns)


def test_baselines_of_the_catalogue(shared_data):
    """300 galaxies in kpc: 0.68 for a constant and 0.50 for shuffled lengths."""
    from astropy.cosmology import FlatLambdaCDM

    length, r90, z = catalogue(shared_data / "bar_lengths" / "sdss_64.csv")
    kpc = 1 / FlatLambdaCDM(H0=70, Om0=0.3).arcsec_per_kpc_proper(z).value
    relative = length / (2 * r90)
    agreement = agree(relative, relative, 2 * r90 * kpc)
    assert agreement.n == 300
    assert agreement.rho_relative == agreement.rho_paper == pytest.approx(1)
    assert agreement.constant_rho_paper == pytest.approx(0.68, abs=0.015)
    assert agreement.shuffled_rho_paper == pytest.approx(0.50, abs=0.015)


def test_baselines_of_the_60_galaxies(shared_data):
    """In arcsec, with a constant in pixels of the 424-pixel images: 0.60."""
    length, r90, _ = catalogue(shared_data / "bar_lengths" / "galaxyzoo_424.csv")
    agreement = agree(length / (2 * r90), length / (2 * r90), 2 * r90)
    assert agreement.n == 60
    assert agreement.constant_rho_paper == pytest.approx(0.60, abs=0.015)
