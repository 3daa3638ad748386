"""Class activation maps that try every channel of the last feature map.

- Score-CAM (Wang et al. 2020, arXiv:1910.01279), algorithm 1: the picture is shown through each
  channel, brought to [0, 1]; the softmax over channels of what the logit gains over the black
  sky are the weights.
- Faster Score-CAM (Li et al. 2021, tabayashi0117/Score-CAM): only the channels that vary most.
- Ablation-CAM (Desai & Ramaswamy 2020, WACV, p. 972): what the logit loses when the channel is set
  to zero. The paper divides by the logit, which scales the map as a whole, and would turn its
  sign where the logit is negative; that is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import answers, batch_size, make_attribution, steady, tensor
from galaxyscope.explain.features import FeatureMap, features_and_gradient, tail, upsampled
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Score-CAM, of all channels or of those that vary most; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    shape = (x.shape[-2], x.shape[-1])
    with steady(classifier.network):
        where, features, _ = _start(classifier, x, score, watch)
        dark = float(answers(classifier, torch.zeros_like(x), score))
        watch.check()
        spread = features[0].flatten(1).std(1)
        count = int(settings.get("channels", len(spread)))
        order = spread.argsort(descending=True, stable=True)[:count]
        order = order[spread[order] > 0]  # a channel without structure hides nothing

        def scores(channels: Tensor) -> Tensor:
            masks = upsampled(features[0, channels], where.to_input, shape)
            low, high = masks.amin((-2, -1), keepdim=True), masks.amax((-2, -1), keepdim=True)
            masks = (masks - low) / (high - low).clamp(min=torch.finfo(masks.dtype).tiny)
            return answers(classifier, x * masks[:, None], score) - dark

        def weights(found: Tensor) -> Tensor:
            return found.softmax(0)

        return _weighed(
            classifier, net_input, score, card, settings, watch, where, features, order,
            scores, weights,
        )  # fmt: skip


def explain_ablation(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Ablation-CAM; see :meth:`Explainer.explain`."""
    score, x = score_of(classifier, target, card.scale), tensor(classifier, net_input)
    with steady(classifier.network):
        where, features, answer = _start(classifier, x, score, watch)
        rest = tail(classifier, x, where)

        def scores(channels: Tensor) -> Tensor:
            without = features.repeat(len(channels), 1, 1, 1)
            without[torch.arange(len(channels)), channels] = 0
            with torch.no_grad():
                return answer - score(rest(without))

        return _weighed(
            classifier, net_input, score, card, settings, watch, where, features,
            torch.arange(features.shape[1], device=features.device), scores, lambda found: found,
        )  # fmt: skip


def _start(
    classifier: Classifier, x: Tensor, score: Score, watch: Watch
) -> tuple[FeatureMap, Tensor, Tensor]:
    where = last_feature_map(classifier, x, score)
    watch.check()
    features, _, answer = features_and_gradient(classifier, x, where, score)
    watch.check()
    return where, features, answer


def _weighed(
    classifier: Classifier,
    net_input: NetworkInput,
    score: Score,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
    where: FeatureMap,
    features: Tensor,
    order: Tensor,
    scores: Callable[[Tensor], Tensor],
    weights: Callable[[Tensor], Tensor],
) -> Attribution:
    """Return relu Σ_k w_k A_k, with weights from the scores of the channels, batch by batch."""
    size = net_input.pixels.shape[-1]
    batch, total = batch_size(classifier, size, "forward"), len(order)

    def attribution(found: Tensor) -> Attribution:
        chosen = features[0, order[: len(found)]]
        coarse = (weights(found)[:, None, None] * chosen).sum(0).relu()
        values = upsampled(coarse, where.to_input, (size, size))
        return make_attribution(classifier, net_input, score, card, settings, values, signed=False)

    found = features.new_zeros(0)
    watch.report(0, total)
    for start in range(0, total, batch):
        found = torch.cat([found, scores(order[start : start + batch])])
        if len(found) < total:
            watch.report(len(found), total, attribution(found) if watch.heard else None)
    result = attribution(found)
    watch.report(total, total, result)
    return result
