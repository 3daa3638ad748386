"""Where panes stand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from galaxyscope.gui.compare.grid import arranged

room = st.floats(50, 3000)


@settings(deadline=None)
@given(st.integers(1, 40), room, room)
def test_one_group_wraps_around_without_gaps(count: int, width: float, height: float) -> None:
    found = arranged([count], width, height)
    assert len(set(found.places)) == count
    assert found.places == tuple(divmod(i, found.columns) for i in range(count))
    assert found.rows == -(-count // found.columns)


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 12), room, room)
def test_what_belongs_together_stands_together(
    groups: int, size: int, width: float, height: float
) -> None:
    found = arranged([size] * groups, width, height)
    assert len(set(found.places)) == groups * size
    for i in range(size):  # the same method of all groups: side by side, or one below the other
        (row, column), *rest = (found.places[g * size + i] for g in range(groups))
        beside = [(row, column + g + 1) for g in range(groups - 1)]
        below = [(row + g + 1, column) for g in range(groups - 1)]
        assert rest in (beside, below)


def test_panes_are_as_large_as_they_can_be() -> None:
    assert arranged([11], 788, 580).columns == 4
    assert arranged([11], 2400, 300).columns == 11
    assert arranged([11], 160, 1900).columns == 1
    assert arranged([10, 10], 1600, 500).rows == 2, "one row for each group"
    assert arranged([4, 4], 500, 1200).columns == 2, "one column for each group"
    assert arranged([10, 10], 788, 580).columns == 4, "pairs, and the rest is scrolled to"
    assert arranged([], 500, 900).places == ()
