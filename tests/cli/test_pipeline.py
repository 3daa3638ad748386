"""The way of the data, on a network whose map is known: bars come out as long as they are."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from galaxyscope import pipeline
from galaxyscope.classify.card import ModelError, read_card
from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.preprocess import prepare
from galaxyscope.classify.store import model_folders
from galaxyscope.explain.protocol import Attribution
from galaxyscope.measure.bars import BarSettings
from galaxyscope.pipeline import (
    MeasureSettings,
    _positive_blocks,
    explain_image,
    explainer_parameters,
    measure_attribution,
    measure_image,
    predict_image,
)
from galaxyscope.resources import samples_folder
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import ImageError, SkyImage
from galaxyscope.sky.readers import open_image
from galaxyscope.sky.simulate import plain_bar, simulate_galaxy
from galaxyscope.work.watch import Cancelled, Watch

# The map of this network is the light itself: `joint` knows maps of the shipped one alone.
QUICK = MeasureSettings(samples=32, bar=BarSettings("phase"))
BLANK = SkyImage(np.ones((1, 64, 64), np.float32), "blank")


@pytest.mark.parametrize("angle", [0.0, 30.0, 110.0])
def test_a_known_bar_comes_out(classifier: Classifier, angle: float) -> None:
    image = simulate_galaxy(plain_bar(60, angle), 192, "r").replace(sha256="5" * 64)
    found = measure_image(image, classifier, QUICK)
    row = found.record
    # Two pixels of the cutout are one of the map, and the map is the light squared.
    assert row.length_px == pytest.approx(60, rel=0.05)
    assert row.length_arcsec == pytest.approx(60 * 0.396, rel=0.05)
    assert row.pa_deg is not None
    assert abs((row.pa_deg - angle + 90) % 180 - 90) < 1.5
    assert row.ends is not None
    middle = np.mean(row.ends, axis=0)
    assert middle == pytest.approx([95.5, 95.5], abs=1)
    assert found.bar.errors.sampling is not None
    assert 0 < found.bar.errors.sampling < 3
    assert row.length_err_px == found.bar.errors.total
    assert (row.samples, row.noise, row.seed) == (32, 0.1, 0)
    assert (row.model, row.model_sha256) == ("light", "ab" * 32)
    assert (row.method, row.target) == ("smoothgrad/rotation-averaged", "Class3.1")
    assert row.image_sha256 == found.attribution.image_sha256 == "5" * 64
    assert row.target_probability == found.prediction.probabilities["Class3.1"]
    settings = json.loads(row.parameters)
    assert settings["samples"] == 32
    assert (settings["algorithm"], settings["amplitude"]) == ("phase", 0.7)


def test_the_same_settings_give_the_same_row(classifier: Classifier) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 192, "r")
    first = measure_image(image, classifier, QUICK, created_at="")
    again = measure_image(image, classifier, QUICK, created_at="")
    assert first.record == again.record
    other = measure_image(image, classifier, MeasureSettings(samples=32, seed=1), created_at="")
    assert other.record.length_px != first.record.length_px


def test_steps_agree_with_the_whole_way(classifier: Classifier) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 192, "r")
    whole = measure_image(image, classifier, QUICK)
    attribution = explain_image(image, classifier, QUICK)
    assert np.array_equal(attribution.values, whole.attribution.values)
    assert measure_attribution(image, attribution, QUICK.bar) == whole.bar
    assert predict_image(image, classifier) == whole.prediction


def test_progress_and_cancel(classifier: Classifier) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 192, "r")
    heard: list[tuple[int, int]] = []
    watch = Watch(lambda done, total, _: heard.append((done, total)))
    explain_image(image, classifier, QUICK, watch)
    assert heard[-1] == (32, 32)
    watch.cancel()
    with pytest.raises(Cancelled):
        explain_image(image, classifier, QUICK, watch)


def test_methods_take_the_settings_that_they_have() -> None:
    from galaxyscope.explain.registry import METHODS

    asked = MeasureSettings(samples=8, noise=0.2, seed=5)
    for card in (explainer.card for explainer in METHODS.values()):
        parameters = explainer_parameters(card, asked)
        assert set(parameters) == {p.name for p in card.parameters}
        expected = {"samples": 8, "noise": 0.2, "seed": 5}
        assert {k: v for k, v in parameters.items() if k in expected}.items() <= expected.items()
        defaults = explainer_parameters(card, MeasureSettings())
        assert defaults == {p.name: p.default for p in card.parameters}


def test_a_method_without_samples_has_none_in_its_row(classifier: Classifier) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 192, "r")
    row = measure_image(image, classifier, MeasureSettings(method="gradient")).record
    assert (row.samples, row.noise, row.seed) == (None, None, None)
    assert row.length_err_px is None, "one sample gives no error"


def test_unknown_names_are_refused(classifier: Classifier) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 64, "r")
    with pytest.raises(KeyError, match="rotation-averaged"):
        explain_image(image, classifier, MeasureSettings(method="crystal ball"))
    with pytest.raises(KeyError, match=r"Class3\.1"):
        explain_image(image, classifier, MeasureSettings(target="ring"))


def bar_map(size: int = 64) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.exp(-((x / 12) ** 2) - (y / 4) ** 2).astype(np.float32)


@pytest.mark.parametrize("algorithm", ["published", "invariant"])
def test_evidence_against_the_target_does_not_count(algorithm: str) -> None:
    plain = bar_map()
    turned = np.fliplr(np.rot90(plain)) * -3
    mixed = np.where(plain > 0.01, plain, turned)
    settings = BarSettings(algorithm=algorithm)

    def attribution(values: np.ndarray, signed: bool) -> Attribution:
        return Attribution(values, Affine(), signed, "m", "t")

    found = measure_attribution(BLANK, attribution(mixed, True), settings)
    expected = measure_attribution(BLANK, attribution(np.maximum(mixed, 0), False), settings)
    assert found == expected
    assert found.length_px is not None


def test_blocks_are_clipped_after_averaging() -> None:
    rng = np.random.default_rng(4)
    blocks = (bar_map() + rng.normal(0, 0.4, (8, 64, 64))).astype(np.float32)
    positive = _positive_blocks(blocks)
    for left_out in range(8):
        rest = [b for b in range(8) if b != left_out]
        by_hand = np.maximum(blocks[rest].astype(float).mean(axis=0), 0)
        np.testing.assert_allclose(positive[rest].mean(axis=0), by_hand, atol=1e-6)
    found = measure_attribution(
        BLANK,
        Attribution(blocks.mean(axis=0), Affine(), True, "m", "t", blocks=blocks),
        BarSettings("invariant"),
    )
    assert found.length_err_px is not None
    assert math.isfinite(found.length_err_px)
    single = _positive_blocks(blocks[:1])
    assert np.array_equal(single, np.maximum(blocks[:1], 0))


def asked(monkeypatch, answer: float) -> list[float]:
    """Let the network for lengths say `answer`; gives the sides that it was shown."""
    card = read_card(model_folders()["bar-length"])
    sides: list[float] = []

    class Network:
        def __init__(self) -> None:
            self.card = card

        def prepare(self, image: SkyImage):
            seen = prepare(image, card)
            sides.append(seen.to_cutout.pixel_size * seen.pixels.shape[-1])
            return seen

        def predict(self, _):
            return SimpleNamespace(probabilities={card.classes[0]: answer})

    monkeypatch.setattr(pipeline, "_length_network", Network)
    return sides


@pytest.mark.parametrize("size", [64, 192])
def test_a_network_answers_a_share_of_the_field_that_it_saw(monkeypatch, size: int) -> None:
    sides = asked(monkeypatch, math.log(0.4))
    image = simulate_galaxy(plain_bar(50, 20), size, "r")
    assert pipeline.said_length(image) == pytest.approx(0.4 * sides[0])
    assert sides[0] <= size + 1e-6, "never more than the cutout"
    with pytest.raises(ImageError, match="no pixel"):
        pipeline.said_length(image.replace(data=np.full_like(image.data, np.nan)))


def test_consensus_asks_the_network_and_without_it_is_joint(monkeypatch) -> None:
    image = simulate_galaxy(plain_bar(50, 20), 192, "r")
    seen = prepare(image, read_card(model_folders()["bar-length"]))
    light = seen.pixels.mean(0)
    found = Attribution(light, seen.to_cutout, False, "m", "t")
    alone = measure_attribution(image, found, BarSettings("joint"))
    sides = asked(monkeypatch, math.log(0.4))
    both = measure_attribution(image, found)
    assert both.algorithm == "consensus"
    assert both.parameters["said_px"] == pytest.approx(0.4 * sides[0])
    assert both.parameters["said_sha256"] == read_card(model_folders()["bar-length"]).sha256
    assert both.length_px != pytest.approx(alone.length_px, rel=0.01)

    def missing() -> None:
        raise ModelError("bar-length", "there is no such model")

    monkeypatch.setattr(pipeline, "_length_network", missing)
    without = measure_attribution(image, found)
    assert (without.algorithm, without.ends) == ("joint", alone.ends)
    assert "no-length-network" in without.flags
    assert "no-length-network" not in alone.flags + both.flags


def test_the_shipped_network_tells_long_bars_from_short_ones() -> None:
    """Simulated galaxies, which it has never seen."""
    short, long = (
        pipeline.said_length(open_image(samples_folder() / name))
        for name in ("GS-05 short bar.fits.gz", "GS-01 barred face-on.fits")
    )
    assert 18 < short < 35  # truth: 24 px, by the simulator's definition
    assert 49 < long < 85  # 66 px
