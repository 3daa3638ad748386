"""Why a network was not made for a picture: in one sentence, and beside its answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from galaxyscope.classify.architectures import build
from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.suit import unsuitable
from galaxyscope.sky.image import SkyImage

from .conftest import CARD, PARAMETERS

RADIO = dataclasses.replace(CARD, title="Radio", stretch="radio", frame="whole")
STAMPS = dataclasses.replace(CARD, title="Stamps", frame="pixels", field_px=64)


def picture(shape=(1, 64, 64), unit="", full_scale=None) -> SkyImage:
    pixels = np.random.default_rng(0).random(shape).astype(np.float32)
    return SkyImage(pixels, "a", unit=unit, full_scale=full_scale)


@pytest.mark.parametrize(
    ("card", "image", "words"),
    [
        (CARD, picture(), ""),
        (CARD, picture(unit="nanomaggy"), ""),
        (CARD, picture(unit="Jy/beam"), "this is a radio map (values in Jy/beam)"),
        (CARD, picture((1, 1, 3000)), "this picture has 3000×1 px"),
        (RADIO, picture(), ""),
        (RADIO, picture(unit="mJy/beam"), ""),
        (RADIO, picture((3, 64, 64), full_scale=1.0), "this is a colour picture"),
        (RADIO, picture(unit="nanomaggies"), "values in nanomaggies"),
        (STAMPS, picture((1, 32, 40)), ""),
        (STAMPS, picture((1, 31, 64)), "trained on fields of 64 px, and this picture has 64×31 px"),
    ],
)
def test_reasons(card, image, words) -> None:
    said = unsuitable(card, image)
    assert words in said
    assert bool(said) is bool(words)
    assert said.count(".") <= 1


def test_an_answer_that_means_nothing_says_so() -> None:
    classifier = Classifier(CARD, build("preact-resnet", 3, PARAMETERS), torch.device("cpu"))
    small, right = (classifier.prepare(picture(s)) for s in ((1, 2, 2), (1, 64, 64)))
    notes = [said.notes for said in classifier.predict_many([small, right])]
    assert notes[0] == small.notes
    assert "this picture has 2×2 px" in notes[0][0]
    assert notes[1] == ()
