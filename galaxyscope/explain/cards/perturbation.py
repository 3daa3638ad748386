"""Methods that change the picture and watch the answer."""

from __future__ import annotations

from collections.abc import Mapping

from galaxyscope.explain.cards.common import SEED, samples
from galaxyscope.explain.protocol import MethodCard, Parameter

_FAMILY = "Perturbation"

_SKY = Parameter(
    "sky", "Hide behind sky", True, help="Hidden parts get the colour of the sky; else black."
)
_BLUR = Parameter(
    "blur",
    "Blur instead",
    0.0,
    0.0,
    256.0,
    "Hidden parts are blurred by a Gaussian of that many pixels; 0: one colour.",
)


def _superpixels(kernel_size: float) -> tuple[Parameter, ...]:
    return (
        Parameter(
            "kernel_size",
            "Superpixel size",
            kernel_size,
            1.0,
            32.0,
            "Width of quickshift's kernel in pixels: larger, fewer superpixels.",
        ),
        Parameter(
            "max_dist",
            "Largest distance",
            200.0,
            1.0,
            1000.0,
            "Quickshift does not join over larger distances in place and colour.",
        ),
        Parameter(
            "ratio", "Weight of colour", 0.2, 0.0, 1.0, "Against place, when superpixels form."
        ),
    )


def _lime(name: str, title: str, kernel_size: float, summary: str) -> MethodCard:
    return MethodCard(
        name=name,
        title=title,
        family=_FAMILY,
        summary=summary,
        reference="Ribeiro, Singh & Guestrin 2016, arXiv:1602.04938; after the lime package",
        cost="one forward pass per different sample",
        scale="probability",
        parameters=(
            samples(1000),
            *_superpixels(kernel_size),
            Parameter(
                "features",
                "Superpixels in the model",
                0,
                0,
                1000,
                "0: all; up to 6 are selected one by one, more by their weight.",
            ),
            Parameter("width", "Kernel width", 0.25, 0.01, 10.0, "Of the weights of samples."),
            Parameter(
                "mean",
                "Hide behind mean colour",
                True,
                help="Hidden superpixels get their own mean colour; else sky or black.",
            ),
            Parameter("sky", "Hide behind sky", False, help=_SKY.help),
            SEED,
        ),
        deterministic=False,
    )


CARDS: tuple[MethodCard, ...] = (
    MethodCard(
        name="occlusion",
        title="Occlusion",
        family=_FAMILY,
        summary="By how much the answer falls when a square around each pixel is hidden.",
        reference="Zeiler & Fergus 2014, arXiv:1311.2901; map as captum's Occlusion",
        cost="one forward pass per square",
        parameters=(
            Parameter("window", "Window", 16, 1, 1024, "Side of the square in pixels."),
            Parameter("stride", "Stride", 4, 1, 1024, "Pixels between squares."),
            _SKY,
            _BLUR,
        ),
    ),
    MethodCard(
        name="rise",
        title="RISE",
        family=_FAMILY,
        summary="How probable the answer is on average when a pixel is among those kept.",
        reference="Petsiuk, Das & Saenko 2018, arXiv:1806.07421",
        cost="one forward pass per sample",
        scale="probability",
        parameters=(
            samples(4000),
            Parameter("cells", "Cells", 7, 2, 64, "Cells of a mask along each side."),
            Parameter("keep", "Share kept", 0.5, 0.05, 0.95, "Probability that a cell is kept."),
            Parameter("sky", "Hide behind sky", False, help=_SKY.help),
            _BLUR,
            SEED,
        ),
        deterministic=False,
    ),
    MethodCard(
        name="kernel-shap",
        title="KernelSHAP",
        family=_FAMILY,
        summary="The fair share of each superpixel in the difference that the picture makes.",
        reference="Lundberg & Lee 2017, arXiv:1705.07874",
        cost="one forward pass per sample",
        parameters=(samples(1024), *_superpixels(2.0), _SKY, _BLUR, SEED),
        deterministic=False,
    ),
    _lime(
        "lime",
        "LIME, as the package",
        4.0,
        "The weight of each superpixel in a linear model of the answer near this picture.",
    ),
    _lime(
        "lime/fine",
        "LIME, small superpixels",
        2.0,
        "LIME with superpixels of half the width, since network inputs are small.",
    ),
    MethodCard(
        name="e-lime",
        title="E-LIME",
        family=_FAMILY,
        summary="The superpixels that together make the answer most probable, found by evolution.",
        reference="Wang, Pei, Xue & Zhang 2025, IEEE TETCI, arXiv:2211.15143",
        cost="one forward pass per evaluation",
        scale="probability",
        whole=True,
        parameters=(
            Parameter("evaluations", "Evaluations", 100, 1, 16384, "Pictures the network may see."),
            Parameter("population", "Population", 16, 2, 1024, "Masks in a generation."),
            Parameter("mutation", "Mutations", 1.0, 0.0, 100.0, "Expected number in a child."),
            Parameter(
                "parsimony",
                "Parsimony",
                0.0,
                0.0,
                1.0,
                "Fitness lost by keeping everything; among equals the smaller mask always wins.",
            ),
            *_superpixels(2.0),
            _SKY,
            SEED,
        ),
        deterministic=False,
    ),
    MethodCard(
        name="xrai",
        title="XRAI",
        family=_FAMILY,
        summary="Regions of the picture ranked by their mean Integrated Gradients.",
        reference="Kapishnikov et al. 2019, arXiv:1906.02825",
        cost="one gradient per sample",
        parameters=(
            samples(128),
            Parameter(
                "white",
                "From white too",
                True,
                help="Half of the paths start from white, as the authors do; else all from black.",
            ),
        ),
    ),
)

ENTRIES: Mapping[str, str] = {
    "occlusion": "perturbation:occlusion",
    "rise": "perturbation:rise",
    "kernel-shap": "perturbation:kernel_shap",
    "lime": "lime",
    "lime/fine": "lime",
    "e-lime": "elime",
    "xrai": "xrai",
}
