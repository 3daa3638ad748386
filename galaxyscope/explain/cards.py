"""What the user is told about each method, and which settings it takes; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galaxyscope.explain.protocol import MethodCard, Parameter

_SEED = Parameter(
    "seed", "Seed", 0, 0, 2**31 - 1, "The same seed gives the same map on the same device."
)
_TIMES_INPUT = Parameter(
    "times_input",
    "Multiply by the picture",
    False,
    help="The paper's X_input: the map of each channel times the picture itself.",
)


def _samples(default: int) -> Parameter:
    return Parameter(
        "samples", "Samples", default, 1, 16384, "More samples: less noise, more time."
    )


def _noise(default: float) -> Parameter:
    return Parameter(
        "noise",
        "Noise",
        default,
        0.0,
        1.0,
        "S_noise: standard deviation of the noise over the range of the picture.",
    )


_SMOOTHGRAD = "Smilkov et al. 2017, arXiv:1706.03825"
_PAPER = "Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032"

CARDS: tuple[MethodCard, ...] = (
    MethodCard(
        name="smoothgrad/rotation-averaged",
        title="SmoothGrad, rotation-averaged",
        family="Gradients",
        summary="What speaks for the answer in whatever direction the galaxy is turned; "
        "the accidents of single orientations cancel.",
        reference=f"GalaxyScope, after {_SMOOTHGRAD}; {_PAPER}",
        parameters=(_samples(256), _noise(0.10), _SEED),
        deterministic=False,
    ),
    MethodCard(
        name="smoothgrad/tf-keras-vis",
        title="SmoothGrad, as published for bars",
        family="Gradients",
        summary="How strongly the answer reacts to each pixel, averaged over noisy copies of "
        "the picture.",
        reference=f"{_PAPER}, as their code ran it with tf-keras-vis; {_SMOOTHGRAD}",
        parameters=(_samples(256), _noise(0.25), _TIMES_INPUT, _SEED),
        deterministic=False,
    ),
    MethodCard(
        name="smoothgrad/signed",
        title="SmoothGrad, signed",
        family="Gradients",
        summary="Where more light would speak for (positive) or against (negative) the answer, "
        "averaged over noisy copies of the picture.",
        reference=f"{_PAPER}, equation 2; {_SMOOTHGRAD}",
        parameters=(_samples(256), _noise(0.25), _TIMES_INPUT, _SEED),
        deterministic=False,
    ),
    MethodCard(
        name="gradient",
        title="Gradient",
        family="Gradients",
        summary="How strongly the answer reacts to a small change of each pixel.",
        reference="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
    ),
    MethodCard(
        name="grad-cam",
        title="Grad-CAM",
        family="Class activation maps",
        summary="Which coarse regions of the network's last feature map speak for the answer.",
        reference="Selvaraju et al. 2017, arXiv:1610.02391; captum LayerGradCam",
    ),
)


def settings(card: MethodCard, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete and check the settings of a method.

    Parameters
    ----------
    card : MethodCard
    given : mapping
        Values by parameter name; missing ones take their default.

    Returns
    -------
    dict
        One value per parameter of the card, of the type of its default.

    Raises
    ------
    ValueError
        One sentence, for an unknown name or a value outside its limits.
    """
    known = {parameter.name: parameter for parameter in card.parameters}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(
            f"{card.name} has no setting {', '.join(unknown)}; it takes "
            f"{', '.join(known) or 'none'}"
        )
    return {name: _checked(card, p, given.get(name, p.default)) for name, p in known.items()}


def _checked(card: MethodCard, parameter: Parameter, value: Any) -> float | int | bool:
    kind = type(parameter.default)
    try:
        converted = kind(value)
        faithful = bool(converted == value)
    except (TypeError, ValueError, OverflowError):
        faithful = False
    if not faithful or not parameter.minimum <= converted <= parameter.maximum:
        limits = "true or false" if kind is bool else f"{parameter.minimum}–{parameter.maximum}"
        raise ValueError(f"{card.name}: {parameter.name} must be {limits}, not {value!r}")
    return converted
