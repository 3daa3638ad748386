"""Linked canvases look at one place, in one stretch, with one cursor."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from galaxyscope.gui.canvas import Canvas
from galaxyscope.gui.compare.linked import Linked
from galaxyscope.sky.image import SkyImage


@pytest.fixture
def three(qtbot: Any) -> list[Canvas]:
    """Three canvases of different sizes with one picture."""
    image = SkyImage(
        data=np.random.default_rng(0).random((1, 60, 80), np.float32), name="a", full_scale=1.0
    )
    made = []
    for size in ((300, 200), (200, 200), (160, 120)):
        canvas = Canvas()
        qtbot.addWidget(canvas)
        canvas.resize(*size)
        canvas.show()
        canvas.set_image(image)
        made.append(canvas)
    return made


def test_zoom_and_pan_of_one_are_those_of_all(three: list[Canvas]) -> None:
    linked = Linked()
    linked.link(three)
    three[1].zoom_by(2.5, (40.0, 50.0))
    three[2].pan_by(7, -3)
    assert len({canvas.view_state() for canvas in three}) == 1
    three[0].fit()
    assert all(canvas.view_state().fitted for canvas in three)
    scales = [canvas.view_state().scale for canvas in three]
    assert scales[0] > scales[2], "each is fitted into its own size"


def test_display_is_shared(three: list[Canvas]) -> None:
    linked = Linked()
    linked.link(three)
    assert three[1].display is not None
    three[1].change_display(dataclasses.replace(three[1].display, contrast=2.0))
    assert [canvas.display.contrast for canvas in three if canvas.display] == [2.0] * 3


def test_the_cursor_is_a_cross_on_the_others(three: list[Canvas]) -> None:
    linked = Linked()
    linked.link(three)
    told: list[Any] = []
    linked.cursor_moved.connect(lambda canvas, at: told.append((canvas, at)))
    point = (20.25, 31.5)
    x, y = three[0].to_widget(point).tolist()
    three[0].pointer_moved((x, y))
    assert told[-1][0] is three[0]
    assert told[-1][1] == pytest.approx(point)
    assert three[0].marks.frozen is None
    for canvas in three[1:]:
        assert canvas.marks.frozen == pytest.approx(tuple(canvas.to_widget(point)))
    three[0].pointer_moved(None)
    assert all(canvas.marks.frozen is None for canvas in three)


def test_what_is_no_longer_linked_stays_where_it_is(three: list[Canvas]) -> None:
    linked = Linked()
    linked.link(three)
    before = three[2].view_state()
    linked.link(three[:2])
    three[0].zoom(4)
    assert three[1].view_state() == three[0].view_state()
    assert three[2].view_state() == before
