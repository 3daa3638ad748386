"""Variants of the paper, errors and units as the command line gives them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.cli.main import main
from galaxyscope.explain.protocol import Attribution
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import GREY, grey_on_map, measure_attribution
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import SkyImage
from galaxyscope.sky.simulate import plain_bar, simulate_galaxy

pytestmark = pytest.mark.usefixtures("light_model")
QUICK = ("--samples", "16")


def measured(folder: Path, tmp_path: Path, *words: str) -> dict[str, str]:
    out = tmp_path / "t.csv"
    assert main(["measure", str(folder / "a bar.fits"), "-o", str(out), *QUICK, *words]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    return row


def test_variants_reach_the_row(folder: Path, tmp_path: Path) -> None:
    words = ("--algorithm", "published", "--average", "lengths", "--x-input", "renormalised")
    row = measured(folder, tmp_path, *words)
    told = json.loads(row["parameters"])
    assert (told["average"], told["x_input"]) == ("lengths", "renormalised")
    plain = measured(folder, tmp_path, "--algorithm", "published")
    assert json.loads(plain["parameters"])["x_input"] == "no"
    # The bar is uniform and sharp: multiplied by itself it is as long as before.
    assert float(row["length_px"]) == pytest.approx(float(plain["length_px"]), rel=0.1)


def test_the_parts_of_the_error_add_up(folder: Path, tmp_path: Path) -> None:
    row = measured(folder, tmp_path)
    names = ("sampling", "networks", "threshold", "grid", "method")
    parts = [float(row[f"err_{name}_px"] or 0) for name in names]
    assert row["err_networks_px"] == ""  # one network
    assert min(parts[0], parts[2], parts[3]) > 0
    assert float(row["length_err_px"]) == pytest.approx(math.hypot(*parts))
    assert float(row["pa_err_deg"]) > 0


def test_the_answer_of_a_network_stands_in_the_row_where_it_was_asked(
    folder: Path, tmp_path: Path
) -> None:
    row = measured(folder, tmp_path)
    assert row["algorithm"] == "consensus"
    answer = float(row["network_length_px"])
    assert json.loads(row["parameters"])["said_px"] == answer
    alone = measured(folder, tmp_path, "--algorithm", "phase")
    assert (alone["algorithm"], alone["network_length_px"]) == ("phase", "")
    opinions = measured(folder, tmp_path, "--algorithm", "phase", "--opinions")
    assert float(opinions["network_length_px"]) == pytest.approx(answer)
    assert opinions["length_px"] == alone["length_px"]


def test_every_unit_has_its_error(folder: Path, tmp_path: Path) -> None:
    row = measured(
        folder, tmp_path, "--redshift", "0.03", "--kpc-h", "--r90", "20", "--r25", "25",
        "--inclination", "61", "--disc-pa", "100", "--inclination-err", "3",
    )  # fmt: skip
    share = float(row["length_err_px"]) / float(row["length_px"])
    pairs = {
        "length_arcsec": "length_err_arcsec",
        "length_kpc": "length_err_kpc",
        "length_kpc_h": "length_err_kpc_h",
        "length_per_2r90": "length_err_per_2r90",
        "length_per_2r25": "length_err_per_2r25",
    }
    for length, error in pairs.items():
        assert float(row[error]) / float(row[length]) == pytest.approx(share), error
    assert float(row["length_per_2r90"]) == pytest.approx(float(row["length_arcsec"]) / 40)
    share = float(row["deprojected_err_px"]) / float(row["deprojected_px"])
    for unit in ("arcsec", "kpc"):
        error, length = row[f"deprojected_err_{unit}"], row[f"deprojected_{unit}"]
        assert float(error) / float(length) == pytest.approx(share)
    assert "inclined" in row["flags"].split()


def test_members_are_measured(folder: Path) -> None:
    """The variants see the networks' own maps, and of signed ones what speaks for the bar."""
    image = simulate_galaxy(plain_bar(60, 30), 192, "r")
    light = np.maximum(image.light, 0)
    short = np.where(light > 0, 0.3, -1.0).astype(np.float32)
    short[:, :96] = -1.0  # the left half is gone
    found = Attribution(
        ((light / light.max()) + short) / 2, Affine(), True, "gradient", "bar",
        members={"long": light / light.max(), "short": short},
    )  # fmt: skip
    bar = measure_attribution(image, found, BarSettings(average="lengths"))
    each = [
        measure_attribution(
            image,
            Attribution(one, Affine(), True, "gradient", "bar"),
            BarSettings(),
        ).length_px
        for one in found.members.values()
    ]
    assert each[0] > 1.3 * each[1]
    assert bar.length_px == pytest.approx(np.mean(each))
    assert bar.errors.networks == pytest.approx(abs(each[0] - each[1]) / 2)


def test_the_grey_picture_is_the_papers() -> None:
    data = np.random.default_rng(0).integers(0, 256, (3, 40, 40)).astype(np.float32)
    image = SkyImage(data, "colour", full_scale=255)
    grey = grey_on_map(image, Affine(), (40, 40))
    red, green, blue = data / 255
    assert grey == pytest.approx(0.2989 * red + 0.587 * green + 0.114 * blue, abs=1e-6)
    assert sum(GREY) == pytest.approx(1, abs=1e-3)
