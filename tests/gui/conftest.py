"""A window on a temporary session, with a small network that needs no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.classifier import NetworkInput, Prediction
from galaxyscope.classify.decision_tree import QUESTIONS, TARGETS
from galaxyscope.explain.protocol import Attribution
from galaxyscope.gui import chores
from galaxyscope.gui.settings import Settings
from galaxyscope.gui.window import MainWindow
from galaxyscope.records.store import Session
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.work.watch import Watch

SIDE = 96
FITS = SimpleNamespace(verdict="fits", reason="")
CLASSES = tuple(answer.class_name for question in QUESTIONS for answer in question.answers)


@dataclass
class FakeClassifier:
    """Says the same of every galaxy; sees the middle of it."""

    device: str = "cpu"
    predicted: list[str] = field(default_factory=list)
    card: ModelCard = field(
        default_factory=lambda: ModelCard(
            "fake", "Fake network", "galaxyzoo", "none", {}, CLASSES, TARGETS, SIDE, 3.0, "0" * 64
        )
    )

    modes: dict[str, str] = field(default_factory=lambda: {"as": "it is"})
    batch_limit: int | None = None

    def mode(self, work: str) -> None:
        return None

    @property
    def members(self) -> tuple[FakeClassifier, ...]:
        return (self,)

    def class_index(self, target: str) -> int:
        return self.card.classes.index(self.card.class_of(target))

    def prepare(self, image: SkyImage) -> NetworkInput:
        rows, columns = image.shape
        pixels = np.zeros((3, SIDE, SIDE), np.float32)
        return NetworkInput(pixels, Affine.resize((rows, columns), (SIDE, SIDE)))

    def predict(self, net_input: NetworkInput) -> Prediction:
        said = dict.fromkeys(CLASSES, 0.1) | {"Class1.2": 0.9, "Class2.2": 0.8, "Class3.1": 0.7}
        return Prediction(said, said, self.card.name, self.card.sha256)


@dataclass
class FakeExplainer:
    """Gives a bar of known length, slowly, or an error."""

    steps: int = 4
    seconds: float = 0.0
    error: Exception | None = None
    empty: bool = False
    asked: list[str] = field(default_factory=list)
    stopped_at: float = 0.0

    def explain(
        self, classifier: Any, net_input: Any, target: str, parameters: Any, watch: Watch
    ) -> Attribution:
        self.asked.append(target)
        if self.error is not None:
            raise self.error
        values = np.zeros((SIDE, SIDE), np.float32)
        if not self.empty:
            y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
            along, across = (x + y) / 2**0.5, (x - y) / 2**0.5
            values = np.exp(-((along / 20) ** 4) - (across / 3) ** 2).astype(np.float32)
        found = Attribution(
            values, net_input.to_cutout, False, "smoothgrad/rotation-averaged", target,
            {"samples": self.steps, "noise": 0.1, "seed": 0},
            classifier.card.name, classifier.card.sha256,
        )  # fmt: skip
        try:
            for step in range(self.steps):
                watch.report(step, self.steps, found)
                for _ in range(20):
                    watch.check()
                    time.sleep(self.seconds / self.steps / 20)
        finally:
            self.stopped_at = time.monotonic()
        return found


@pytest.fixture(autouse=True)
def no_windows_left(qapp: QApplication) -> Iterator[None]:
    """Delete the test's windows: a later change of theme would dress each of them again."""
    yield
    for widget in qapp.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The fake network and explainer that windows of this test get."""
    import galaxyscope.pipeline  # noqa: F401 - imported later it would keep the fake for good
    from galaxyscope.explain import registry

    fake = SimpleNamespace(
        classifier=FakeClassifier(), explainer=FakeExplainer(), fit=FITS, seconds=2.0
    )
    monkeypatch.setattr(chores, "load_network", lambda name, running: fake.classifier)
    monkeypatch.setattr(chores, "preflight", lambda *_: fake.fit)
    monkeypatch.setattr(chores, "predict_time", lambda *_: fake.seconds)
    monkeypatch.setattr(registry, "method", lambda name: fake.explainer)
    return fake


@pytest.fixture
def make_window(qtbot: Any, tmp_path: Path) -> Iterator[Callable[[], MainWindow]]:
    """Make windows on one temporary session; they are closed at the end."""
    made: list[MainWindow] = []

    def make() -> MainWindow:
        session = Session(tmp_path / "data" / "session.sqlite")
        window = MainWindow(session, Settings(tmp_path / "config" / "window.ini"))
        window.settings.set("observer", "Ada")
        made.append(window)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in made:
        started = time.monotonic()
        window.close()
        assert time.monotonic() - started < 2.0, "closing the window took too long"


@pytest.fixture
def window(make_window: Callable[[], MainWindow], network: SimpleNamespace) -> MainWindow:
    """A window whose network is loaded."""
    made = make_window()
    made.start_work()
    return made


def write_galaxy(path: Path, scale: float | None = 0.5, size: int = 120, seed: int = 1) -> Path:
    """An oval on noise, with a WCS (north up, east left) where there is a scale."""
    y, x = np.mgrid[:size, :size] - size / 2
    noise = np.random.default_rng(seed).normal(0, 1, (size, size))
    along, across = (x + y) / 2**0.5, (x - y) / 2**0.5
    hdu = fits.PrimaryHDU(
        (100 * np.exp(-np.hypot(along / 2, across) / 8) + noise).astype(np.float32)
    )
    if scale is not None:
        hdu.header.update(
            CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=size / 2, CRPIX2=size / 2,
            CRVAL1=190.0, CRVAL2=2.0, CDELT1=-scale / 3600, CDELT2=scale / 3600,
            CUNIT1="deg", CUNIT2="deg",
        )  # fmt: skip
    hdu.writeto(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three galaxies, the last one without a scale."""
    place = tmp_path / "cutouts"
    place.mkdir()
    write_galaxy(place / "a.fits")
    write_galaxy(place / "b.fits", seed=2)
    write_galaxy(place / "c.fits", scale=None, seed=3)
    return place


@dataclass
class Driver:
    """Hands on a window: does something and waits until it is to be seen."""

    window: MainWindow
    qtbot: Any

    def shown(self) -> str:
        """Name of the picture on the canvas."""
        image = self.window.canvas.image
        return "" if image is None else image.name

    def open(self, *paths: Path, shows: str) -> None:
        """Open files or folders."""
        self.window.open(paths)
        self.until(lambda: self.shown() == shows)

    def until(self, true: Callable[[], bool], timeout: int = 30_000) -> None:
        """Wait until something is so."""
        self.qtbot.waitUntil(true, timeout=timeout)

    def draw(self, ends: Any) -> None:
        """Draw a line, through the canvas' own signal, and wait for its row."""
        before = len(self.rows())
        self.window.canvas.line_drawn.emit(ends)
        self.until(lambda: len(self.rows()) == before + 1)

    def rows(self) -> list[Any]:
        """Records in the table."""
        return list(self.window.measurements.table.records)

    def cell(self, row: int, title: str) -> str:
        """Text of a cell of the table."""
        table = self.window.measurements.table
        titles = [
            table.headerData(c, Qt.Orientation.Horizontal) for c in range(table.columnCount())
        ]
        return str(table.index(row, titles.index(title)).data())

    def trigger(self, action_id: str) -> None:
        """Do what a menu entry does; it must be enabled."""
        action = self.window.actions_[action_id]
        assert action.isEnabled(), f"{action_id} is disabled"
        action.trigger()


@pytest.fixture
def drive(window: MainWindow, qtbot: Any) -> Driver:
    """Hands on a window."""
    return Driver(window, qtbot)


@pytest.fixture
def make_galaxy() -> Callable[..., Path]:
    """Write a galaxy as FITS: ``make_galaxy(path, scale=0.5, size=120, seed=1)``."""
    return write_galaxy
