"""Do everything that needs a library, while modules that the packages leave out cannot be had.

Run by test_tree.py: ``python work_without.py PACKAGING SAMPLE``.
"""

from __future__ import annotations

import importlib
import importlib.util
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
        file = Path(spec.origin or "")
        if not hidden(file):
            return spec
        # Compiled modules may have their form in Python beside them.
        text = file.with_name(name.rpartition(".")[2] + ".py")
        if text == file or not text.exists() or hidden(text):
            return None
        return importlib.util.spec_from_file_location(name, text)


def hidden(file: Path) -> bool:
    for place in SITES:
        if file.is_relative_to(place):
            return left_out(file.relative_to(place).as_posix())
    inside = file.is_relative_to(STANDARD)
    return inside and left_out(file.relative_to(STANDARD).as_posix(), STANDARD_LIBRARY)


def use_libraries(place: str) -> None:
    """Do what galaxyscope asks of the libraries of which parts are left out."""
    import numpy as np
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
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().set_title("a title")
    for suffix in ("png", "svg", "pdf"):
        figure.savefig(f"{place}/a.{suffix}")


def use_commands(place: str, sample: str) -> None:
    """Predict, measure, explain."""
    from galaxyscope.launch import main

    model = ["--model", "galaxyzoo/resnet"]
    explain = ["explain", sample, "--method", "xrai", "--samples", "2"]
    for words in (
        ["predict", sample, "-o", f"{place}/votes.csv"],
        ["measure", sample, "-o", f"{place}/bars.vot", "--samples", "4"],
        [*explain, "-o", f"{place}/map.fits", "--figure", f"{place}/map.png"],
    ):
        if main([*words, *model]):
            raise SystemExit(f"{words[0]} failed")


def import_everything() -> None:
    """Import all modules of galaxyscope."""
    import galaxyscope

    for module in pkgutil.walk_packages(galaxyscope.__path__, "galaxyscope."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    sys.meta_path[sys.meta_path.index(PathFinder)] = WhatIsShipped
    import_everything()
    with tempfile.TemporaryDirectory() as folder:
        use_libraries(folder)
        use_commands(folder, sys.argv[2])
    print("done")
