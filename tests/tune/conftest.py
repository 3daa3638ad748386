"""Two tiny networks as an ensemble, and a few galaxies whose bars are known."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.classify.card import ModelCard
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.resample import resample
from galaxyscope.sky.simulate import plain_bar, write_jpeg

LENGTHS = (20, 24, 28, 33, 38, 44)
SIDE = 48


def tiny(name: str, power: float) -> Classifier:
    """Answers with a power of the light: its gradient is largest where the galaxy is bright."""
    import torch

    card = ModelCard(
        name=f"tiny/{name}",
        title=name,
        task="tests",
        architecture="none",
        parameters={},
        classes=("Class3.1", "Class3.2"),
        targets={"bar": "Class3.1"},
        input_size=SIDE,
        field_r90=3.0,
        sha256=f"{name:>064}",
    )

    class Light(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            bar = x.clamp(min=1e-3).pow(power).sum(dim=(1, 2, 3))
            return torch.stack([bar, -bar], dim=1)

    return Whole(card, Light(), torch.device("cpu"))


class Whole(Classifier):
    """Sees the whole cutout."""

    def prepare(self, image: SkyImage) -> NetworkInput:
        frame = Affine.resize(image.shape, (SIDE, SIDE))
        pixels = resample(image.light / 255, frame, (SIDE, SIDE)).astype(np.float32)
        return NetworkInput(np.repeat(pixels[None], 3, axis=0), frame)


@pytest.fixture
def ensemble() -> Classifier:
    import torch

    members = (tiny("steep", 3.0), tiny("flat", 2.0))
    card = ModelCard(
        name="tiny", title="tiny", task="tests", architecture="ensemble", parameters={},
        classes=("Class3.1", "Class3.2"), targets={"bar": "Class3.1"}, input_size=SIDE,
        field_r90=3.0, sha256="e" * 64, members=("steep", "flat"),
    )  # fmt: skip

    class Joined(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (members[0].network(x) + members[1].network(x)) / 2

    return Whole(card, Joined(), torch.device("cpu"), members)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, the same as a zip file, and the table of their human lengths."""
    folder = tmp_path_factory.mktemp("tune")
    (folder / "pictures").mkdir()
    with (
        (folder / "lengths.csv").open("w", newline="") as file,
        zipfile.ZipFile(folder / "pictures.zip", "w") as archive,
    ):
        writer = csv.writer(file)
        writer.writerow(
            ["image", "bar_full_length_px", "scale_arcsec_per_px", "petroR90_r_arcsec", "more"]
        )
        for number, length in enumerate(LENGTHS):
            name = f"{number}.jpg"
            path = folder / "pictures" / name
            write_jpeg(plain_bar(length, 30.0 * number), path, size=96)
            archive.write(path, f"deep/{name}")
            writer.writerow([name, length, 0.4, 8 + number % 3, "x"])
    return folder
