"""Class activation maps that one run there and back gives: weighted sums of the features.

With features A_k and gradients G_k = ∂ logit / ∂ A_k of the last feature map:

- CAM (Zhou et al. 2016, arXiv:1512.04150): Σ_k w_k A_k with the weights of the last layer, which
  must follow a global mean; its cells sum to the logit less its bias;
- Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): relu Σ_k mean(G_k) A_k;
- Grad-CAM++ (Chattopadhyay et al. 2018, arXiv:1710.11063), equations 10 and 19, for the
  exponential of the logit;
- Layer-CAM (Jiang et al. 2021, IEEE TIP 30, 5875): relu Σ_k relu(G_k) ⊙ A_k;
- XGrad-CAM (Fu et al. 2020, arXiv:2008.02312): relu Σ_k (ΣG_k A_k / ΣA_k) A_k;
- HiRes-CAM (Draelos & Carin 2020, arXiv:2011.08891): Σ_k G_k ⊙ A_k;
- Eigen-CAM (Muhammad & Yeasin 2020, arXiv:2008.00299): A on its first principal component,
  the same for every target;
- LIFT-CAM (Jung & Oh 2021, arXiv:2102.05228): relu Σ_k w_k A_k, w_k the DeepLIFT contribution
  of channel k to the logit;
- Guided Grad-CAM (Selvaraju et al. 2017): Grad-CAM × Guided Backpropagation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.deeplift import multipliers
from galaxyscope.explain.engine import gradients, make_attribution, steady, tensor
from galaxyscope.explain.features import features_and_gradient, tail, upsampled
from galaxyscope.explain.guided import GuidedRules
from galaxyscope.explain.postflight import completeness_error, missed
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch

_CANCELLING = 0.01
"""XGrad-CAM: a channel whose sum is below this share of its absolute sum takes mean(G)."""


def grad_cam(a: Tensor, g: Tensor) -> Tensor:
    """Return relu Σ_k mean(G_k) A_k."""
    return (g.mean((-2, -1), keepdim=True) * a).sum(1).relu()


def grad_cam_plus_plus(a: Tensor, g: Tensor) -> Tensor:
    """Weigh the pixels of the positive gradients so that each occurrence counts alike."""
    square, cube = g.square(), g**3
    below = 2 * square + (a.sum((-2, -1), keepdim=True) * cube)
    alpha = torch.where(below != 0, square / below.where(below != 0, torch.ones_like(below)), 0)
    return ((alpha * g.relu()).sum((-2, -1), keepdim=True) * a).sum(1).relu()


def layer_cam(a: Tensor, g: Tensor) -> Tensor:
    """Return relu Σ_k relu(G_k) ⊙ A_k."""
    return (g.relu() * a).sum(1).relu()


def xgrad_cam(a: Tensor, g: Tensor) -> Tensor:
    """Weigh the gradients of a channel by its features."""
    total, size = a.sum((-2, -1), keepdim=True), a.abs().sum((-2, -1), keepdim=True)
    sound = total.abs() > _CANCELLING * size
    weighted = (g * a).sum((-2, -1), keepdim=True) / total.where(sound, torch.ones_like(total))
    weights = torch.where(sound, weighted, g.mean((-2, -1), keepdim=True))
    return (weights * a).sum(1).relu()


def hires_cam(a: Tensor, g: Tensor) -> Tensor:
    """Return Σ_k G_k ⊙ A_k, signed."""
    return (g * a).sum(1)


def eigen_cam(a: Tensor, g: Tensor) -> Tensor:
    """Project the features on their first right singular vector, positive on the whole."""
    if not bool(a.isfinite().all()):  # which no decomposition takes
        return a.new_full((1, *a.shape[2:]), torch.nan)
    flat = a[0].flatten(1).T
    along = flat @ torch.linalg.svd(flat, full_matrices=False).Vh[0]
    if float(along.sum()) < 0:
        along = -along
    return along.view(1, *a.shape[2:]).relu()


_FORMULAS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cam": hires_cam,  # behind a global mean the gradient is the weight, divided by the cells
    "grad-cam": grad_cam,
    "grad-cam++": grad_cam_plus_plus,
    "layer-cam": layer_cam,
    "xgrad-cam": xgrad_cam,
    "hires-cam": hires_cam,
    "eigen-cam": eigen_cam,
}
_SIGNED = frozenset({"cam", "hires-cam"})


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Return the map of the method that the card names; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    watch.report(0, 1)
    with steady(classifier.network):
        where = last_feature_map(classifier, x, score)
        watch.check()
        features, gradient, _ = features_and_gradient(classifier, x, where, score)
    watch.check()
    coarse = _FORMULAS[card.name](features, gradient)
    values = upsampled(coarse, where.to_input, (x.shape[-2], x.shape[-1]))[0]
    signed = card.name in _SIGNED
    result = make_attribution(classifier, net_input, score, card, settings, values, signed)
    watch.report(1, 1, result)
    return result


def explain_lift(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """LIFT-CAM; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    watch.report(0, 1)
    with steady(classifier.network):
        where = last_feature_map(classifier, x, score)
        watch.check()
        features, _, answer = features_and_gradient(classifier, x, where, score)
        watch.check()
        rest, nothing = tail(classifier, x, where), torch.zeros_like(features)
        found = multipliers(rest, features, nothing, score, watch)
        with torch.no_grad():
            change = float(answer - score(rest(nothing))[0])
    watch.check()
    weights = (found * features).sum((-2, -1), keepdim=True)
    notes = missed(completeness_error(weights.cpu().numpy(), change), "What the channels bring")
    coarse = (weights * features).sum(1).relu()
    values = upsampled(coarse, where.to_input, (x.shape[-2], x.shape[-1]))[0]
    result = make_attribution(
        classifier, net_input, score, card, settings, values, signed=False, notes=notes
    )
    watch.report(1, 1, result)
    return result


def explain_guided(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Guided Grad-CAM; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    watch.report(0, 1)
    with steady(classifier.network):
        where = last_feature_map(classifier, x, score)
        watch.check()
        features, gradient, _ = features_and_gradient(classifier, x, where, score)
        watch.check()
        guided = gradients(classifier, x, score, GuidedRules()).sum(1)
    watch.check()
    coarse = upsampled(grad_cam(features, gradient), where.to_input, (x.shape[-2], x.shape[-1]))
    result = make_attribution(
        classifier, net_input, score, card, settings, (coarse * guided)[0], signed=True
    )
    watch.report(1, 1, result)
    return result
