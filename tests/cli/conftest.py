"""A network whose answer is known, and galaxies for it to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galaxyscope.classify.card import Metric, ModelCard, ModelError
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.pipeline import LENGTHS
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.resample import resample
from galaxyscope.sky.simulate import plain_bar, write_fits, write_jpeg

CARD = ModelCard(
    name="light",
    title="Squared light",
    task="tests",
    architecture="none",
    parameters={},
    classes=("Class3.1", "Class3.2"),
    targets={"bar": "Class3.1", "none": "Class3.2"},
    input_size=96,
    field_r90=4.0,
    sha256="ab" * 32,
    metrics=(Metric("RMSE", 0.1, "validation", 7),),
)


def light_classifier() -> Classifier:
    """Its "bar" logit is half the sum of squared light: gradient × input is the light squared."""
    import torch

    class SquaredLight(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            bar = (x**2).sum(dim=(1, 2, 3)) / 2
            return torch.stack([bar, -bar], dim=1)

    class WholeCutout(Classifier):
        """Sees the whole cutout instead of a field around the galaxy."""

        def prepare(self, image: SkyImage) -> NetworkInput:
            size = (self.card.input_size, self.card.input_size)
            frame = Affine.resize(image.shape, size)
            if image.y_up:
                frame = Affine(e=-1, f=image.shape[0] - 1) @ frame
            light = np.nan_to_num(image.light)
            pixels = resample(light / max(float(light.max()), 1e-9), frame, size)
            return NetworkInput(np.repeat(pixels[None], 3, axis=0), frame)

    return WholeCutout(CARD, SquaredLight(), torch.device("cpu"))


@pytest.fixture
def classifier() -> Classifier:
    return light_classifier()


@pytest.fixture
def light_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands load that network, and the one that is asked for lengths."""
    from galaxyscope.classify import store

    honest = store.load_model

    def load(name: object = None, device: str = "auto", precision: str = "fp32") -> Classifier:
        if name == LENGTHS:
            return honest(LENGTHS, device)
        if name not in (None, "light"):
            raise ModelError(str(name), "there is no such model; there are: light")
        return light_classifier()

    monkeypatch.setattr(store, "load_model", load)
    monkeypatch.setattr(store, "list_models", lambda: (CARD,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two galaxies that are bars and nothing else: 60 px at 30°, 40 px at 120° (JPEG)."""
    folder = tmp_path / "cutouts"
    folder.mkdir()
    write_fits(plain_bar(60, 30), folder / "a bar.fits", "r", size=192)
    write_jpeg(plain_bar(40, 120), folder / "b ☉.jpg", size=192)
    return folder
