"""Looking around on a picture: fit, zoom, pan, and where a pixel is on the widget."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from galaxyscope.gui.canvas.camera import Camera, Point, ViewState, north_up
from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    from galaxyscope.sky.image import SkyImage


class Navigation(QWidget):
    """Widget with a camera on a `SkyImage`; all mapping of pixels happens here.

    Signals
    -------
    view_changed : zoom or centre changed
    """

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: SkyImage | None = None
        self._camera = Camera()
        self._fitted = True
        self._to_screen = Affine()
        self._compass: tuple[Point, Point] | None = None
        self._north_up = False

    @property
    def image(self) -> SkyImage | None:
        """What is shown."""
        return self._image

    def fit(self) -> None:
        """Show the whole picture, also when the canvas changes its size later."""
        if self._image is not None:
            self._fitted = True
            self._camera = self._camera.fitting(*self._image.shape)
            self._moved()

    def one_to_one(self) -> None:
        """One screen pixel per image pixel."""
        self.zoom(1)

    def zoom(self, n: float) -> None:
        """Show `n` (physical) screen pixels per image pixel."""
        self._set_camera(self._camera.zoomed(n / self.devicePixelRatioF()))

    def zoom_by(self, factor: float, at: Point | None = None) -> None:
        """Zoom; what lies at widget pixel `at` (the middle where None) stays there."""
        self._set_camera(self._camera.zoomed(self._camera.scale * factor, at))

    def centre(self) -> None:
        """Bring the middle of the picture to the middle of the canvas."""
        if self._image is not None:
            rows, columns = self._image.shape
            middle = (columns / 2, rows / 2)
            self._set_camera(dataclasses.replace(self._camera, centre=middle))

    def pan_by(self, dx: float, dy: float) -> None:
        """Drag the picture by widget pixels."""
        self._set_camera(self._camera.panned(dx, dy))

    @property
    def zoom_level(self) -> float:
        """Physical screen pixels per image pixel."""
        return self._camera.scale * self.devicePixelRatioF()

    def view_state(self) -> ViewState:
        """Zoom and centre, to be had again with `set_view_state`."""
        return ViewState(self._camera.centre, self._camera.scale, self._fitted)

    def set_view_state(self, state: ViewState) -> None:
        """Look where `state` looked."""
        self._camera = dataclasses.replace(self._camera, centre=state.centre, scale=state.scale)
        if state.fitted and self._image is not None:
            self._camera = self._camera.fitting(*self._image.shape)
        self._fitted = state.fitted
        self._moved()

    @property
    def north_up(self) -> bool:
        """Whether pictures are turned so that north is up, where their north is known."""
        return self._north_up

    def set_north_up(self, on: bool) -> None:
        """Turn pictures so that north is up, or show them as they lie in their files.

        Only the camera turns: pixels, lines and everything that is measured stay.
        """
        if on != self._north_up:
            self._north_up = on
            self._turn()
            if self._fitted and self._image is not None:
                self._camera = self._camera.fitting(*self._image.shape)
            self._moved()

    def _turn(self) -> None:
        """Give the camera the angle that the picture and the user's wish ask for."""
        angle = 0.0
        if self._north_up and self._compass is not None:
            tip, foot = self._to_screen(self._compass[0]), self._to_screen((0, 0))
            x, y = (tip - foot).tolist()
            angle = north_up((x, y))
        self._camera = self._camera.turned(angle)

    @property
    def to_widget(self) -> Affine:
        """Cutout pixels → pixels of the viewport."""
        return self._camera.to_widget @ self._to_screen

    def to_cutout(self, at: Point) -> Point:
        """Cutout pixel under a widget pixel."""
        x, y = self.to_widget.inverse(at).tolist()
        return x, y

    def screen_direction(self, arrow: tuple[int, int]) -> Point:
        """Cutout step that goes one image pixel in a direction on the screen (y down)."""
        inverse = self._to_screen.inverse
        x, y = (inverse(self._camera.unturned(*arrow)) - inverse((0, 0))).tolist()
        return x, y

    def middle(self) -> Point:
        """Middle of the canvas in widget pixels."""
        return self._camera.size[0] / 2, self._camera.size[1] / 2

    def shown_box(self) -> tuple[float, float, float, float] | None:
        """Left, top, right and bottom of what is seen, in the units of ``SkyImage.to_screen``.

        None where all of the picture is meant to be seen, or where it is turned.
        """
        if self._fitted or self._camera.angle or self._image is None:
            return None
        inverse = self._camera.to_widget.inverse
        left, top = inverse((0.0, 0.0)).tolist()
        right, bottom = inverse(self._camera.size).tolist()
        return left, top, right, bottom

    def _set_camera(self, camera: Camera) -> None:
        if camera != self._camera and self._image is not None:
            self._camera, self._fitted = camera, False
            self._moved()

    def _moved(self) -> None:
        """Let everything follow the camera."""
        self.view_changed.emit()
