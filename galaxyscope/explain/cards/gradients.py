"""Gradients of the answer with respect to the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from galaxyscope.explain.cards.common import (
    AGREEMENT,
    COPIES,
    REFERENCES,
    SEED,
    STEPS,
    TIMES_INPUT,
    noise,
    samples,
)
from galaxyscope.explain.protocol import MethodCard, Parameter

_FAMILY = "Gradients"
_SMOOTHGRAD = "Smilkov et al. 2017, arXiv:1706.03825"
_PAPER = "Bhambra, Joachimi & Lahav 2022, MNRAS 511, 5032"

_ONE = "one pass there and back"
_SAMPLES = "one pass there and back for each sample"

CARDS: tuple[MethodCard, ...] = (
    MethodCard(
        name="smoothgrad/rotation-averaged",
        title="SmoothGrad, rotation-averaged",
        family=_FAMILY,
        summary="What speaks for the answer in whatever direction the galaxy is turned; "
        "the accidents of single orientations cancel.",
        reference=f"GalaxyScope, after {_SMOOTHGRAD}; {_PAPER}",
        parameters=(samples(256), noise(0.10), AGREEMENT, SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="smoothgrad/tf-keras-vis",
        title="SmoothGrad, as published for bars",
        family=_FAMILY,
        summary="How strongly the answer reacts to each pixel, averaged over noisy copies of "
        "the picture.",
        reference=f"{_PAPER}, as their code ran it with tf-keras-vis; {_SMOOTHGRAD}",
        parameters=(samples(256), noise(0.25), TIMES_INPUT, AGREEMENT, SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="smoothgrad/signed",
        title="SmoothGrad, signed",
        family=_FAMILY,
        summary="Where more light would speak for (positive) or against (negative) the answer, "
        "averaged over noisy copies of the picture.",
        reference=f"{_PAPER}, equation 2; {_SMOOTHGRAD}",
        parameters=(samples(256), noise(0.25), TIMES_INPUT, AGREEMENT, SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="gradient",
        title="Gradient",
        family=_FAMILY,
        summary="How strongly the answer reacts to a small change of each pixel.",
        reference="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
        cost=_ONE,
    ),
    MethodCard(
        name="input-x-gradient",
        title="Input × gradient",
        family=_FAMILY,
        summary="What each pixel's light brings to the answer or takes from it, to first order.",
        reference="Shrikumar et al. 2016, arXiv:1605.01713",
        cost=_ONE,
    ),
    MethodCard(
        name="smoothgrad-squared",
        title="SmoothGrad²",
        family=_FAMILY,
        summary="How strongly the answer reacts to each pixel of noisy copies, strong reactions "
        "counting more.",
        reference="Hooker et al. 2019, arXiv:1806.10758",
        parameters=(samples(256), noise(0.25), AGREEMENT, SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="vargrad",
        title="VarGrad",
        family=_FAMILY,
        summary="Where the answer's reaction changes most with noise on the picture.",
        reference="Adebayo et al. 2018, arXiv:1810.03292",
        parameters=(samples(256), noise(0.25), AGREEMENT, SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="integrated-gradients",
        title="Integrated Gradients",
        family=_FAMILY,
        summary="How the pixels share the change of the answer from a black sky to the picture.",
        reference="Sundararajan, Taly & Yan 2017, arXiv:1703.01365",
        parameters=(STEPS,),
        cost="one pass there and back for each step",
    ),
    MethodCard(
        name="smooth-integrated-gradients",
        title="Smooth Integrated Gradients",
        family=_FAMILY,
        summary="Integrated Gradients from a black sky, averaged over noisy copies of the picture.",
        reference="Goh et al. 2021, arXiv:2007.10685",
        parameters=(replace(STEPS, default=32), COPIES, noise(0.10), SEED),
        deterministic=False,
        cost="steps × copies passes there and back",
    ),
    MethodCard(
        name="gradient-shap",
        title="GradientSHAP",
        family=_FAMILY,
        summary="How the pixels share the change of the answer from dark skies to the picture, "
        "from random places in between.",
        reference="Lundberg & Lee 2017, arXiv:1705.07874; Erion et al. 2021, arXiv:1906.10670",
        parameters=(samples(256), REFERENCES, noise(0.05), SEED),
        deterministic=False,
        cost=_SAMPLES,
    ),
    MethodCard(
        name="guided-backprop",
        title="Guided Backpropagation",
        family=_FAMILY,
        summary="Fine structure that active units of the network respond to; it looks much the "
        "same for different answers.",
        reference="Springenberg et al. 2015, arXiv:1412.6806",
        cost=_ONE,
        needs="Activations; made for ReLU, adapted to others.",
    ),
    MethodCard(
        name="deconvolution",
        title="Deconvolution",
        family=_FAMILY,
        summary="Fine structure that would excite the units behind the answer; it looks much the "
        "same for different answers.",
        reference="Zeiler & Fergus 2014, arXiv:1311.2901",
        cost=_ONE,
        needs="Max pooling, and activations; made for ReLU, adapted to others.",
    ),
    MethodCard(
        name="deeplift",
        title="DeepLIFT",
        family=_FAMILY,
        summary="How the pixels share the change of the answer from a black sky to the picture, "
        "layer by layer.",
        reference="Shrikumar, Greenside & Kundaje 2017, arXiv:1704.02685, rescale rule",
        cost="one pass there and back, and one there",
        needs="Operations for which there is a rule; no softmax inside the network.",
    ),
    MethodCard(
        name="deeplift-shap",
        title="DeepLIFT-SHAP",
        family=_FAMILY,
        summary="DeepLIFT compared with many dark skies instead of one.",
        reference="Lundberg & Lee 2017, arXiv:1705.07874",
        parameters=(samples(16), noise(0.05), SEED),
        deterministic=False,
        cost="one pass there and back, and one there, for each sample",
        needs="Operations for which there is a rule; no softmax inside the network.",
    ),
    MethodCard(
        name="lrp",
        title="Layer-wise relevance propagation",
        family=_FAMILY,
        summary="The answer handed back layer by layer, each unit to the inputs that drove it.",
        reference="Bach et al. 2015, PLoS ONE 10, e0130140; γ rule: Montavon et al. 2019, "
        "LNCS 11700, 193",
        parameters=(
            Parameter(
                "gamma",
                "γ",
                0.25,
                0.0,
                100.0,
                "How much convolutions favour inputs of the unit's own sign; 0: not at all.",
            ),
        ),
        cost="one pass there and back, of about four times the work",
        needs="Operations for which there is a rule; of the classes of a softmax, their logits.",
    ),
)

ENTRIES: Mapping[str, str] = {
    "smoothgrad/rotation-averaged": "rotation",
    "smoothgrad/tf-keras-vis": "smoothgrad",
    "smoothgrad/signed": "smoothgrad",
    "gradient": "gradient",
    "input-x-gradient": "gradient:explain_times_input",
    "smoothgrad-squared": "smoothgrad:explain_squared",
    "vargrad": "smoothgrad:explain_variance",
    "integrated-gradients": "paths",
    "smooth-integrated-gradients": "paths:explain_smooth",
    "gradient-shap": "paths:explain_shap",
    "guided-backprop": "guided",
    "deconvolution": "guided:explain_deconvolution",
    "deeplift": "deeplift",
    "deeplift-shap": "deeplift",
    "lrp": "lrp",
}
