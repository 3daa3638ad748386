"""Class activation maps: weighted sums of the network's last feature map."""

from __future__ import annotations

from collections.abc import Mapping

from galaxyscope.explain.protocol import MethodCard, Parameter

_FAMILY = "Class activation maps"
_ONE = "one pass there and back"
_FEATURES = "A feature map."

CARDS: tuple[MethodCard, ...] = (
    MethodCard(
        name="grad-cam",
        title="Grad-CAM",
        family=_FAMILY,
        summary="Which coarse regions of the network's last feature map speak for the answer.",
        reference="Selvaraju et al. 2017, arXiv:1610.02391",
        cost=_ONE,
        needs=_FEATURES,
    ),
    MethodCard(
        name="cam",
        title="CAM",
        family=_FAMILY,
        summary="What each coarse region brings to the answer or takes from it, in the weights of "
        "the network.",
        reference="Zhou et al. 2016, arXiv:1512.04150",
        cost=_ONE,
        needs="A feature map that is averaged and goes into one linear layer.",
    ),
    MethodCard(
        name="grad-cam++",
        title="Grad-CAM++",
        family=_FAMILY,
        summary="Grad-CAM in which each of several occurrences counts alike.",
        reference="Chattopadhyay et al. 2018, arXiv:1710.11063",
        cost=_ONE,
        needs=_FEATURES,
    ),
    MethodCard(
        name="layer-cam",
        title="Layer-CAM",
        family=_FAMILY,
        summary="Coarse regions where features are present and more of them would speak for the "
        "answer.",
        reference="Jiang et al. 2021, IEEE TIP 30, 5875",
        cost=_ONE,
        needs=_FEATURES,
    ),
    MethodCard(
        name="xgrad-cam",
        title="XGrad-CAM",
        family=_FAMILY,
        summary="Grad-CAM in which gradients count where the features are.",
        reference="Fu et al. 2020, arXiv:2008.02312",
        cost=_ONE,
        needs="A feature map; made for features that are not negative, adapted to others.",
    ),
    MethodCard(
        name="hires-cam",
        title="HiRes-CAM",
        family=_FAMILY,
        summary="What the features in each coarse region bring to the answer or take from it.",
        reference="Draelos & Carin 2020, arXiv:2011.08891",
        cost=_ONE,
        needs=_FEATURES,
    ),
    MethodCard(
        name="eigen-cam",
        title="Eigen-CAM",
        family=_FAMILY,
        summary="Where the features vary together most; the same map for every answer.",
        reference="Muhammad & Yeasin 2020, arXiv:2008.00299",
        cost=_ONE,
        needs=_FEATURES,
    ),
    MethodCard(
        name="score-cam",
        title="Score-CAM",
        family=_FAMILY,
        summary="Which coarse regions alone, shown without the rest, give the answer.",
        reference="Wang et al. 2020, arXiv:1910.01279",
        cost="one pass there for each channel",
        needs=_FEATURES,
    ),
    MethodCard(
        name="faster-score-cam",
        title="Faster Score-CAM",
        family=_FAMILY,
        summary="Score-CAM of the channels that vary most.",
        reference="tabayashi0117/Score-CAM, after Wang et al. 2020, arXiv:1910.01279",
        parameters=(
            Parameter("channels", "Channels", 10, 1, 4096, "How many of those that vary most."),
        ),
        cost="one pass there for each channel asked",
        needs=_FEATURES,
    ),
    MethodCard(
        name="ablation-cam",
        title="Ablation-CAM",
        family=_FAMILY,
        summary="Coarse regions of features without which the answer is weaker.",
        reference="Desai & Ramaswamy 2020, WACV, 972",
        cost="one pass for each batch of channels",
        needs=_FEATURES,
    ),
    MethodCard(
        name="guided-grad-cam",
        title="Guided Grad-CAM",
        family=_FAMILY,
        summary="Fine structure inside the coarse regions that speak for the answer.",
        reference="Selvaraju et al. 2017, arXiv:1610.02391",
        cost="two passes there and back",
        needs="A feature map and activations; made for ReLU, adapted to others.",
    ),
    MethodCard(
        name="lift-cam",
        title="LIFT-CAM",
        family=_FAMILY,
        summary="Coarse regions, each feature weighed by its DeepLIFT contribution to the answer.",
        reference="Jung & Oh 2021, arXiv:2102.05228",
        cost="three passes",
        needs="A feature map, followed by operations for which DeepLIFT has a rule.",
    ),
)

ENTRIES: Mapping[str, str] = {
    **{card.name: "cam" for card in CARDS},
    "score-cam": "channel_cam",
    "faster-score-cam": "channel_cam",
    "ablation-cam": "channel_cam:explain_ablation",
    "guided-grad-cam": "cam:explain_guided",
    "lift-cam": "cam:explain_lift",
}
