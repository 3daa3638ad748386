"""Do everything that needs a library, while modules that the packages leave out cannot be had.

Run by test_tree.py: ``python work_without.py PACKAGING SAMPLE``.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import site
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

sys.path.insert(0, sys.argv[1])
from left_out import DISTRIBUTIONS, STANDARD_LIBRARY, left_out

SITES = [Path(place) for place in site.getsitepackages()]
STANDARD = Path(sysconfig.get_path("stdlib"))
MODULE_OF = {"scikit-learn": "sklearn"}
HIDDEN = {MODULE_OF.get(name, name) for name in DISTRIBUTIONS}


class WhatIsShipped(PathFinder):
    """Finds the modules that are not left out."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = super().find_spec(name, path, target)
        if spec is None or name.partition(".")[0] in HIDDEN:
            return None
        return None if hidden(Path(spec.origin or "")) else spec


def hidden(file: Path) -> bool:
    for place in SITES:
        if file.is_relative_to(place):
            return left_out(file.relative_to(place).as_posix())
    inside = file.is_relative_to(STANDARD)
    return inside and left_out(file.relative_to(STANDARD).as_posix(), STANDARD_LIBRARY)


sys.meta_path[sys.meta_path.index(PathFinder)] = WhatIsShipped
os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np

import galaxyscope
from galaxyscope.launch import main

for module in pkgutil.walk_packages(galaxyscope.__path__, "galaxyscope."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from photutils.isophote import Ellipse, EllipseGeometry
from skimage.morphology import disk
from skimage.segmentation import felzenszwalb, quickshift
from sklearn.linear_model import LogisticRegression

picture = np.random.default_rng(1).random((48, 48, 3))
felzenszwalb(picture)
quickshift(picture)
disk(3)
LogisticRegression().fit(picture[:, 0], np.arange(48) % 2)
y, x = np.mgrid[:64, :64] - 32
light = 100 * np.exp(-np.hypot(x / 2, y) / 5)
Ellipse(light, geometry=EllipseGeometry(32, 32, 8, 0.3, 0.0)).fit_image(maxsma=16)

with tempfile.TemporaryDirectory() as place:
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().set_title("a title")
    for suffix in ("png", "svg", "pdf"):
        figure.savefig(f"{place}/a.{suffix}")
    model = ["--model", "galaxyzoo/resnet"]
    for words in (
        ["predict", sys.argv[2], "-o", f"{place}/votes.csv", *model],
        ["measure", sys.argv[2], "-o", f"{place}/bars.vot", "--samples", "4", *model],
        ["explain", sys.argv[2], "-o", f"{place}/map.fits", "--method", "xrai", "--samples", "2"]
        + ["--figure", f"{place}/map.png", *model],
    ):
        if main(words):
            raise SystemExit(f"{words[0]} failed")
print("done")
