"""The order of a blind series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.measure.series import APART, Look, plan_series


@given(st.integers(1, 80), st.floats(0, 1), st.integers(0, 2**31))
def test_every_galaxy_once_and_a_share_twice(galaxies: int, share: float, seed: int) -> None:
    looks = plan_series(galaxies, share, seed)
    first = [look.galaxy for look in looks if look.number == 1]
    second = [look.galaxy for look in looks if look.number == 2]
    assert sorted(first) == list(range(galaxies))
    assert len(set(second)) == len(second) == round(share * galaxies)
    assert len(looks) == len(first) + len(second)
    assert plan_series(galaxies, share, seed) == looks


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 2**31))
def test_a_second_look_comes_later_and_apart(galaxies: int, share: float, seed: int) -> None:
    looks = list(plan_series(galaxies, share, seed))
    many = galaxies > APART and round(share * galaxies) <= galaxies - APART
    for look in looks:
        if look.number == 2:
            between = looks.index(look) - looks.index(Look(look.galaxy, 1)) - 1
            assert between >= (APART if many else 0)


def test_the_order_is_shuffled_by_the_seed() -> None:
    orders = {tuple(look.galaxy for look in plan_series(12, 0.0, seed)) for seed in range(20)}
    assert len(orders) == 20
    assert tuple(range(12)) not in orders


def test_second_looks_lie_everywhere_behind_the_first() -> None:
    """Not all at the end, where the observer would wait for them."""
    ends = 0
    for seed in range(50):
        looks = plan_series(40, 0.2, seed)
        ends += sum(look.number == 2 for look in looks[-8:])
    assert 0 < ends < 50 * 8 * 0.7


@pytest.mark.parametrize(("galaxies", "share"), [(0, 0.2), (3, -0.1), (3, 1.1)])
def test_what_cannot_be_is_refused(galaxies: int, share: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in|at least one"):
        plan_series(galaxies, share)
