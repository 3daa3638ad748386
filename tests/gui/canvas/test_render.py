"""Large pictures are drawn elsewhere, and only the newest wish counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from galaxyscope.gui.canvas import Canvas, Overlay
from galaxyscope.gui.canvas.render import INLINE_PIXELS, Newest
from galaxyscope.sky.image import PixelScale, SkyImage

SIDE = int(INLINE_PIXELS**0.5) + 1


class Later:
    """Keeps work until it is told to do it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def __call__(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.waiting.append((work, done))

    def step(self) -> None:
        work, done = self.waiting.pop(0)
        done(work())


def picture(value: float = 1.0, side: int = SIDE) -> SkyImage:
    data = np.full((1, side, side), value, np.float32)
    data[0, 0, 0] = 0.0
    return SkyImage(data, "picture", sha256=f"{value}{side}")


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def canvas(qtbot: Any, later: Later) -> Canvas:
    made = Canvas(later=later)
    qtbot.addWidget(made)
    made.resize(300, 300)
    made.show()
    return made


def test_newest_skips_what_was_overtaken(later: Later) -> None:
    seen: list[int] = []
    newest = Newest(later)
    for number in range(5):
        newest.do(lambda number=number: number, seen.append, here=False)
    while later.waiting:
        later.step()
    assert seen == [0, 4]


def test_newest_forgets_what_is_under_way_and_survives_failure(later: Later) -> None:
    seen: list[int] = []
    newest = Newest(later)
    newest.do(lambda: 1, seen.append, here=False)
    newest.forget()
    newest.do(lambda: None, seen.append, here=False)
    newest.do(lambda: 3, seen.append, here=False)
    while later.waiting:
        later.step()
    assert seen == [3]


def test_a_large_picture_is_not_drawn_by_the_window(canvas: Canvas, later: Later) -> None:
    canvas.set_image(picture())
    assert len(later.waiting) == 1
    assert not canvas._renderer.item._base
    later.step()
    assert canvas._renderer.item._base[0].width() == SIDE
    assert min(canvas._renderer.item._base[-1].width(), 256) < 256


def test_a_small_picture_is_there_at_once(canvas: Canvas, later: Later) -> None:
    canvas.set_image(picture(side=64))
    assert not later.waiting
    assert canvas._renderer.item._base[0].width() == 64


def test_a_picture_that_was_left_is_not_shown(canvas: Canvas, later: Later) -> None:
    canvas.set_image(picture())
    canvas.set_image(picture(side=64))
    later.step()
    assert canvas._renderer.item._base[0].width() == 64


def test_a_new_scale_draws_nothing_again(canvas: Canvas, later: Later) -> None:
    image = picture()
    canvas.set_image(image)
    later.step()
    canvas.set_image(dataclasses.replace(image, scale=PixelScale(0.3, "user")))
    assert not later.waiting
    assert canvas.image is not None
    assert canvas.image.scale is not None


def test_a_large_map_is_laid_over_later(qtbot: Any, canvas: Canvas, later: Later) -> None:
    canvas.set_image(picture())
    later.step()
    values = np.zeros((SIDE, SIDE), np.float32)
    values[500:700, 500:700] = 1.0
    canvas.set_overlay(Overlay(values, contour=True))
    qtbot.waitUntil(lambda: len(later.waiting) == 1)
    later.step()
    item = canvas._renderer.item
    assert [level.size() for level in item._overlay] == [level.size() for level in item._base]
    assert item._contour is not None
    canvas.set_overlay(None)
    canvas._renderer.render_now()
    assert not item._overlay


def test_canvases_side_by_side_draw_one_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from galaxyscope.gui.canvas import render
    from galaxyscope.sky.stretch import default_display

    drawn: list[object] = []
    honest = render.draw_picture

    def draw(image: SkyImage, display: object) -> object:
        drawn.append(display)
        return honest(image, display)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "draw_picture", draw)
    rng = np.random.default_rng(0)
    images = [SkyImage(data=rng.random((1, 20, 30), np.float32), full_scale=1.0) for _ in range(2)]
    shared = render.NewestPicture()
    display = default_display(images[0])
    other = dataclasses.replace(display, contrast=2.0)
    first = shared.levels(images[0], display, lambda: display)
    assert shared.levels(images[0], display, lambda: display) is first
    assert len(drawn) == 1
    assert shared.levels(images[0], other, lambda: other) is not first
    assert shared.levels(images[1], other, lambda: other) is not first
    assert shared.levels(images[0], display, lambda: display) is not first, "only the last is kept"
    assert len(drawn) == 4
