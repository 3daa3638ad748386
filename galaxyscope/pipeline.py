"""The way of the data as plain functions: image → prediction → attribution → bar → record.

The command line and the window both call these, so that they give the same numbers. One
classifier serves one call at a time (explainers hook its network).
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.card import ModelError
from galaxyscope.explain.registry import DEFAULT_METHOD, method
from galaxyscope.explain.target import class_asked
from galaxyscope.measure.algorithms import DEFAULT_ALGORITHM, FOLLOW_LIGHT
from galaxyscope.measure.bars import BarSettings, measure_bar
from galaxyscope.measure.decompose import Decomposition, decomposed
from galaxyscope.measure.phase import light_on_map
from galaxyscope.measure.results import BarMeasurement
from galaxyscope.records.making import record_of_bar
from galaxyscope.records.record import Provenance, Record
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.image import ImageError
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput, Prediction
    from galaxyscope.explain.protocol import Attribution, MethodCard
    from galaxyscope.sky.image import SkyImage


#: Weights of red, green and blue in a grey picture.
GREY = (0.2989, 0.5870, 0.1140)

CALIBRATED = "galaxyzoo"  # name of the model, and with a member's behind it
LENGTHS = "bar-length"  # the model that `consensus` asks for the length
_ASKING = threading.Lock()
DEFAULT_BAR = BarSettings(DEFAULT_ALGORITHM)


@dataclass(frozen=True)
class MeasureSettings:
    """Everything that changes a measured bar.

    Parameters
    ----------
    method : str
        Registry name of the explainer.
    samples, noise : int, float or None
        Number of noise samples, and their standard deviation over the range of the input;
        None takes the method's own default. Methods without them pay no heed.
    seed : int
        The same seed gives the same map.
    target : str
        Class name or alias on the model card, or what is made of it: ``"p(bar)"`` … (see
        `galaxyscope.explain.target`).
    agreement : float or None
        Stop when two halves of the samples correlate so well; None: the method's default.
    more : mapping
        Other settings of the method, by name.
    bar : BarSettings
    """

    method: str = DEFAULT_METHOD
    samples: int | None = None
    noise: float | None = None
    seed: int = 0
    target: str = "bar"
    agreement: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    bar: BarSettings = DEFAULT_BAR


@dataclass(frozen=True, eq=False)
class Measured:
    """All that `measure_image` finds out about one cutout."""

    prediction: Prediction
    attribution: Attribution
    bar: BarMeasurement
    record: Record


def explainer_parameters(card: MethodCard, settings: MeasureSettings) -> dict[str, Any]:
    """Parameters for a method: those of `settings` that it has, else its defaults."""
    asked = {
        "samples": settings.samples,
        "noise": settings.noise,
        "seed": settings.seed,
        "agreement": settings.agreement,
        **settings.more,
    }
    return {
        p.name: p.default if asked.get(p.name) is None else asked[p.name] for p in card.parameters
    }


def predict_image(image: SkyImage, classifier: Classifier) -> Prediction:
    """Ask the network what it says of a cutout.

    Raises
    ------
    ImageError
        If no pixel of it has a value.
    """
    return classifier.predict(prepared(image, classifier))


def prepared(image: SkyImage, classifier: Classifier) -> NetworkInput:
    """Bring a cutout into the network's frame; of nothing a network still says something.

    Raises
    ------
    ImageError
        If no pixel of it has a value.
    """
    if not image.has_values:
        raise ImageError(image.path or image.name, "no pixel of this picture has a value")
    return classifier.prepare(image)


def explain_image(
    image: SkyImage,
    classifier: Classifier,
    settings: MeasureSettings | None = None,
    watch: Watch | None = None,
) -> Attribution:
    """Ask where the network looked.

    Parameters
    ----------
    image : SkyImage
    classifier : Classifier
        Used by nobody else meanwhile.
    settings : MeasureSettings, optional
    watch : Watch, optional
        Learns the progress and the growing attribution; cancels.

    Returns
    -------
    Attribution
        On the network's pixel grid, with the image's hash.

    Raises
    ------
    KeyError
        If there is no such method or target; the message lists the possible ones.
    ImageError
        If no pixel of the cutout has a value.
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.classify.circumstances import how_it_runs

    settings = settings or MeasureSettings()
    explainer = method(settings.method)
    ran = how_it_runs(classifier)
    found = explainer.explain(
        classifier,
        prepared(image, classifier),
        settings.target,
        explainer_parameters(explainer.card, settings),
        watch or Watch(),
    )
    return dataclasses.replace(found, image_sha256=image.sha256, ran=ran)


def measure_attribution(
    image: SkyImage,
    attribution: Attribution,
    settings: BarSettings | None = None,
    said: float | None = None,
    watch: Watch | None = None,
) -> BarMeasurement:
    """Find the bar on an attribution; of a signed one on the part that speaks for the target.

    What a network answers for `consensus`, full length in cutout pixels, can be given as `said`;
    else the shipped one is asked. `watch` can cancel the fit of a model of the light.

    Flags, beside those of `measure_bar`: ``uncalibrated`` (`joint` or `consensus` on a map of
    another method or network than the one whose constants they have: the length may be off by a
    common factor) · ``no-length-network`` (the network that `consensus` asks is not installed:
    measured with `joint`).
    """
    settings = settings or DEFAULT_BAR
    values, blocks, members = attribution.values, attribution.blocks, attribution.members
    if attribution.signed:
        values = np.maximum(values, 0)
        blocks = None if blocks is None else _positive_blocks(blocks)
        members = {name: np.maximum(one, 0) for name, one in members.items()}
    to_cutout, light, picture = attribution.to_cutout, None, None
    shape = (values.shape[0], values.shape[1])
    if settings.algorithm in FOLLOW_LIGHT:
        light = light_on_map(image, to_cutout, shape)
    if settings.x_input != "no":
        picture = grey_on_map(image, to_cutout, shape)
    flags, asked = list[str](), {}
    if settings.algorithm == "consensus" and said is None:
        try:
            said = said_length(image)
            asked = {"said_sha256": _length_network().card.sha256}
        except ModelError:
            settings = dataclasses.replace(settings, algorithm="joint")
            flags.append("no-length-network")
    fitted = None
    if settings.algorithm == "consensus" and said is not None:
        fitted = fitted_bar(image, said, watch)
    bar = measure_bar(values, to_cutout, blocks, settings, light, members, picture, said, fitted)
    known = attribution.method == DEFAULT_METHOD and attribution.model.startswith(CALIBRATED)
    if settings.algorithm in ("consensus", "joint") and bar.ends is not None and not known:
        flags.append("uncalibrated")
    return dataclasses.replace(
        bar, flags=(*bar.flags, *flags), parameters={**bar.parameters, **asked}
    )


def said_length(image: SkyImage) -> float:
    """Full length of a bar in cutout pixels, as the shipped network for lengths answers it.

    Of a galaxy without a bar it answers a length too. Runs on the CPU; safe from any thread.

    Raises
    ------
    ModelError
        If that network is not there.
    ImageError
        If no pixel of the cutout has a value.
    """
    with _ASKING:
        return answered_length(image, _length_network())


def answered_length(image: SkyImage, network: Classifier) -> float:
    """Full length in cutout pixels, from the ln(length / field) that such a network answers."""
    seen = prepared(image, network)
    (share,) = network.predict(seen).probabilities.values()
    return math.exp(share) * seen.field_px


def fitted_bar(image: SkyImage, said: float, watch: Watch | None = None) -> Decomposition | None:
    """Bar of a model of bulge, disc and bar, begun with the length that a network answers.

    Parameters
    ----------
    image : SkyImage
    said : float
        Full length in cutout pixels.
    watch : Watch, optional
        Cancels.

    Returns
    -------
    Decomposition or None
        In cutout pixels; see `galaxyscope.measure.decompose.decompose`.
    """
    from galaxyscope.sky.locate import locate_galaxy

    extent = locate_galaxy(image)
    return decomposed(image, (extent.x, extent.y), said / 2, watch)


@cache
def _length_network() -> Classifier:
    from galaxyscope.classify.store import load_model

    network = load_model(LENGTHS, "cpu")
    network.calibrated({})  # as it is: the same digits before and after it is calibrated
    return network


def grey_on_map(image: SkyImage, to_cutout: Affine, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Grey picture in 0 … 1 on the pixels of a map, stretched as networks see it.

    Three channels are weighted as in ITU-R BT.601, which is what the program of Bhambra,
    Joachimi & Lahav 2022 does for X_input.
    """
    from galaxyscope.classify.preprocess import stretch
    from galaxyscope.sky.locate import locate_galaxy
    from galaxyscope.sky.resample import resample

    shown = stretch(image, locate_galaxy(image))
    grey = np.tensordot(GREY, shown, 1) if len(shown) == 3 else shown.mean(axis=0)
    return np.asarray(resample(grey.astype(np.float32), to_cutout, shape), np.float32)


def _positive_blocks(blocks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Blocks whose delete-one means are the positive parts of the delete-one means of `blocks`.

    Noise makes single blocks negative where their mean is not, so they cannot be clipped
    one by one. These are the jackknife pseudo-values ``Σ M_j − (B−1) M_i`` of the positive
    parts ``M_i``; their mean without block i is ``M_i`` again.
    """
    count = len(blocks)
    if count < 2:
        return np.maximum(blocks.astype(np.float64), 0)
    total = blocks.sum(axis=0, dtype=np.float64)
    without = np.maximum((total - blocks) / (count - 1), 0)
    return without.sum(axis=0) - (count - 1) * without


def measure_image(
    image: SkyImage,
    classifier: Classifier,
    settings: MeasureSettings | None = None,
    watch: Watch | None = None,
    created_at: str | None = None,
) -> Measured:
    """Go the whole way from a cutout to a row.

    Parameters
    ----------
    image, classifier, settings, watch
        As for `explain_image`.
    created_at : str, optional
        Time that the row shall carry; the present if None.
    """
    settings = settings or MeasureSettings()
    prediction = predict_image(image, classifier)
    attribution = explain_image(image, classifier, settings, watch)
    bar = measure_attribution(image, attribution, settings.bar, watch=watch)
    record = record_of_bar(image, bar, provenance(attribution, prediction), created_at)
    return Measured(prediction, attribution, bar, record)


def provenance(attribution: Attribution, prediction: Prediction | None = None) -> Provenance:
    """Collect what a row says of how its map was made."""
    settings: Mapping[str, Any] = attribution.parameters
    said, ran = None, {}
    if prediction is not None:
        with suppress(KeyError):  # of a prediction by another network
            name = class_asked(attribution.target, prediction.probabilities)
            said, ran = prediction.probabilities[name], prediction.ran
    return Provenance(
        model=attribution.model,
        model_sha256=attribution.model_sha256,
        method=attribution.method,
        target=attribution.target,
        target_probability=said,
        samples=attribution.samples_done if "samples" in settings else None,
        noise=settings.get("noise"),
        seed=settings.get("seed"),
        parameters=settings,
        ran={k: dict(v) for k, v in (("explain", attribution.ran), ("answer", ran)) if v},
    )
