"""Where panes stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from galaxyscope.gui.compare.grid import arranged

room = st.floats(50, 3000)


@given(st.integers(1, 40), room, room)
def test_one_group_wraps_around_without_gaps(count: int, width: float, height: float) -> None:
    found = arranged([count], width, height)
    assert len(set(found.places)) == count
    assert found.places == tuple(divmod(i, found.columns) for i in range(count))
    assert found.rows == -(-count // found.columns)


@given(st.integers(2, 6), st.integers(1, 12), room, room)
def test_groups_stand_in_line(groups: int, size: int, width: float, height: float) -> None:
    found = arranged([size] * groups, width, height)
    places = [found.places[g * size : (g + 1) * size] for g in range(groups)]
    assert len(set(found.places)) == groups * size
    along = 0 if found.columns == size and found.rows == groups else 1
    for group in places:
        assert len({place[along] for place in group}) == 1
    for i in range(size):  # the same method of all groups is in line too
        assert len({group[i][1 - along] for group in places}) == 1


def test_panes_are_as_large_as_they_can_be() -> None:
    assert arranged([11], 788, 580).columns == 4
    assert arranged([11], 2400, 300).columns == 11
    assert arranged([11], 160, 900).columns == 1
    assert arranged([10, 10], 1600, 500).columns == 10, "one row for each group"
    assert arranged([10, 10], 500, 900).columns == 2, "one column for each group"
    assert arranged([], 500, 900).places == ()
