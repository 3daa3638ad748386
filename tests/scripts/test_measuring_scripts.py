"""The statistics of scripts that judge the measuring, on numbers whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(autouse=True)
def scripts_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


def test_coverage_of_errors_that_are_right_too_small_and_biased() -> None:
    from error_coverage import RIGHT, Judged, part_of

    rng = np.random.default_rng(1)

    def share(error: float, scatter: float, bias: float = 1.0, part: float = 0.0) -> float:
        ratios = bias / (1 + scatter * rng.standard_normal(4000))
        return float(np.mean([Judged(r, (error,)).covered(part) for r in ratios]))

    assert share(0.05, 0.05) == pytest.approx(RIGHT, abs=0.03)
    assert share(0.02, 0.1) < 0.25
    assert share(0.05, 0.05, bias=0.7) < 0.05
    # What the errors leave of a scatter of 0.1 is √(0.1² − 0.06²) = 0.08.
    ratios = 1 / (1 + 0.1 * rng.standard_normal(4000))
    assert part_of([Judged(r, (0.06,)) for r in ratios]) == pytest.approx(0.08, abs=0.005)
    assert share(0.06, 0.1, part=0.08) == pytest.approx(RIGHT, abs=0.03)


def test_parts_of_an_error_are_added_in_quadrature() -> None:
    from error_coverage import Judged

    assert Judged(1.0, (0.03, 0.04)).error == pytest.approx(0.05)
    assert Judged(1.0, (0.0,)).needed == 0
    assert Judged(0.5, (0.0,)).needed == 1  # half as long as the truth: off by its own length


def test_direct_regression_predicts_what_features_know_and_nothing_else() -> None:
    from direct_lengths import cross_validated, fitted

    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 200))
    length = np.exp(-1 + 0.3 * x[:, 0] + 0.02 * rng.standard_normal(60))
    x[:, 1] = 7.0  # a unit that never fires
    dense = np.concatenate([x, np.repeat(x[:, :1], 200, axis=1)], axis=1)
    held_out = cross_validated(dense, length, seed=0)
    assert np.corrcoef(np.log(held_out), np.log(length))[0, 1] > 0.95
    noise = cross_validated(rng.standard_normal((60, 200)), length, seed=0)
    assert np.corrcoef(np.log(noise), np.log(length))[0, 1] < 0.35
    assert np.all(fitted(dense, np.log(length))(dense) > 0)


def test_modules_of_scripts_hide_no_library() -> None:
    """`python scripts/x.py` puts this folder first on the path."""
    assert not {path.stem for path in SCRIPTS.glob("*.py")} & {"coverage", *sys.stdlib_module_names}
