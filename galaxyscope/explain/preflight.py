"""Does a method fit a network? Asked before it runs, answered with the reason.

Methods that do not fit often fail silently: a picture comes out, and it is that of another
method or of nothing. The answer comes from trial runs on the network itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.utils.checkpoint import CheckpointError

from galaxyscope.classify.card import ModelError
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.memory import making_do, out_of_memory
from galaxyscope.explain.attention import attentions, sees_by_attention_alone
from galaxyscope.explain.cards import CARDS
from galaxyscope.explain.deeplift import multipliers_and_rules
from galaxyscope.explain.engine import steady, tensor
from galaxyscope.explain.features import FeatureMap, LostMap, features_and_gradient, tail
from galaxyscope.explain.guided import DeconvolutionRules, GuidedRules, GuidedTrial
from galaxyscope.explain.lrp import LrpRules, value
from galaxyscope.explain.operations import FORGETFUL, NoRule, Rules
from galaxyscope.explain.protocol import MethodCard
from galaxyscope.explain.search import forget, last_feature_map
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.reasons import first_line
from galaxyscope.work.watch import Watch


@dataclass(frozen=True)
class Fit:
    """How a method fits a network.

    Parameters
    ----------
    verdict : {"fits", "adapted", "refused"}
    reason : str
        One sentence: how it was adapted, or why it cannot be used; empty where it fits.
    """

    verdict: Literal["fits", "adapted", "refused"]
    reason: str = ""


FITS = Fit("fits")

_RECTIFIERS = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min", "threshold", "maximum"})


def preflight(
    name: str,
    classifier: Classifier,
    net_input: NetworkInput | None = None,
    target: str | None = None,
) -> Fit:
    """Ask whether a method fits a network.

    Parameters
    ----------
    name : str
        Registry name of the method.
    classifier : Classifier
        Runs a few times, and is as it was afterwards; nobody else may use it meanwhile.
    net_input : NetworkInput, optional
        Picture for the trial runs; default: noise of the network's size, since a network that
        turns or shuffles its pictures at random answers to a blank one always alike.
    target : str, optional
        What is to be explained; default: the first class. A method may fit a network's logits
        and not its probabilities.

    Returns
    -------
    Fit
    """
    return joint_fit(member_fits(name, classifier, net_input, target), _card(name).whole)


def _card(name: str) -> MethodCard:
    return next(card for card in CARDS if card.name == name)


def member_fits(
    name: str,
    classifier: Classifier,
    net_input: NetworkInput | None = None,
    target: str | None = None,
) -> dict[str, Fit]:
    """Ask of each network of an ensemble, by name; of a single one of itself."""
    return {
        member.card.name: making_do(
            member, lambda: 1, partial(_fit, name, member, net_input, target)
        )
        for member in classifier.members
    }


def joint_fit(fits: Mapping[str, Fit], whole: bool = False) -> Fit:
    """Join what is said of each member of an ensemble, by name; of a single network its own.

    Refused only if no member can be explained; where some are left out it is adapted. With
    `whole` none can be left out.
    """
    told = {name: fit for name, fit in fits.items() if fit.reason}
    refused = [name for name, fit in told.items() if fit.verdict == "refused"]
    if not told:
        return FITS
    if len(told) == len(fits) and len({(fit.verdict, fit.reason) for fit in told.values()}) == 1:
        return next(iter(told.values()))
    said = "; ".join(
        f"{name}{' is left out' if name in refused else ''}: {fit.reason}"
        for name, fit in told.items()
    )
    lost = len(refused) == len(fits) or (whole and refused)
    return Fit("refused" if lost else "adapted", said)


def _fit(
    name: str, classifier: Classifier, net_input: NetworkInput | None, target: str | None
) -> Fit:
    checked = name in _CHECKS
    if not checked and net_input is None:
        return FITS
    scripts = (isinstance(one, torch.jit.ScriptModule) for one in classifier.network.modules())
    if checked and any(scripts):
        return Fit("refused", "the network is compiled, and the method must see its operations")
    if net_input is None:
        size = classifier.card.input_size
        drawn = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(1))
        x = drawn.to(classifier.device)
    else:
        x = tensor(classifier, net_input)
    asked = classifier.card.classes[0] if target is None else target
    score = score_of(classifier, asked, _card(name).scale)
    forget(classifier)
    if not checked and classifier.random is False:
        return FITS  # nothing is left to try
    with steady(classifier.network):
        try:
            classifier.try_out(x)
        except Exception as error:  # the network is anybody's, and may raise anything
            if out_of_memory(error) or isinstance(error, ModelError):
                raise
            return Fit(
                "refused", f"the network does not run on such a picture ({first_line(error)})"
            )
        if classifier.random:
            return Fit("refused", "the network is random: the same picture gets other answers")
        return _CHECKS[name](classifier, x, score) if checked else FITS


def _by_rules(check: _Check) -> _Check:
    """Turn what a method's rules stumble over on the way there and back into a refusal."""

    def whole(classifier: Classifier, x: Tensor, score: Score) -> Fit:
        try:
            return check(classifier, x, score)
        except NoRule as error:
            return Fit("refused", str(error))
        except CheckpointError:
            return Fit("refused", FORGETFUL)
        except (RuntimeError, TypeError, IndexError) as error:
            if out_of_memory(error):
                raise
            said = first_line(error)
            return Fit("refused", f"the network does not run by the method's rules ({said})")

    return whole


def _guided(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    rules, x = GuidedTrial(), x.detach().clone().requires_grad_(True)
    with rules:
        logits = classifier.logits(x)
    rules.check(logits)
    return _valves(rules, "where the activation rises, times its slope")


def _deconvolution(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    """Compare two pictures: only max pooling and gates tell the way back of the picture."""
    rules = DeconvolutionRules()
    other = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    for asked in (Score(0), Score(0, negated=True)):  # nothing may speak for the one
        one, two = (_way_back(classifier, p, asked, rules) for p in (x, other))
        if bool(one.any()):
            break
    if bool(one.any()) and bool((one - two).abs().max() <= 1e-4 * one.abs().max()):
        return Fit(
            "refused",
            "the network has no max pooling, without which the way back does not see the "
            "picture: the map would be the same for every galaxy",
        )
    return _valves(rules, "whatever the slope of the activation")


def _way_back(classifier: Classifier, x: Tensor, score: Score, rules: GuidedRules) -> Tensor:
    x = x.detach().clone().requires_grad_(True)
    with rules:
        logits = classifier.logits(x)
    rules.check(logits)
    return torch.autograd.grad(score(logits).sum(), x)[0]


def _valves(rules: GuidedRules, how: str) -> Fit:
    others = sorted(rules.activations - _RECTIFIERS)
    if not rules.activations:
        return Fit("refused", "the network has no activations, so this would be the plain gradient")
    told = []
    if others:
        told.append(
            f"the method is made for ReLU and the network has {_list(others)}: positive gradients "
            f"go back {how}"
        )
    if rules.beyond:
        told.append(f"gradients go as they are through {_list(sorted(rules.beyond))}")
    return Fit("adapted", "; ".join(told)) if told else FITS


def _features(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    try:
        where = last_feature_map(classifier, x, score)
    except ValueError as error:
        return Fit("refused", str(error))
    if not where.first:
        return FITS
    return Fit(
        "adapted",
        "the last feature map is that of the network's first layer: what follows gives none",
    )


def _both(one: Fit, other: Fit) -> Fit:
    """Join what is said of two steps of a method."""
    told = [fit for fit in (one, other) if fit.reason]
    refused = [fit for fit in told if fit.verdict == "refused"]
    if refused or len(told) < 2:
        return (*refused, *told, FITS)[0]
    return Fit("adapted", "; ".join(fit.reason for fit in told))


def _with_features(check: Callable[[Classifier, Tensor, Score, FeatureMap], Fit]) -> _Check:
    def whole(classifier: Classifier, x: Tensor, score: Score) -> Fit:
        fit = _features(classifier, x, score)
        if fit.verdict == "refused":
            return fit
        try:
            return _both(fit, check(classifier, x, score, last_feature_map(classifier, x, score)))
        except LostMap as error:
            return Fit("refused", str(error))

    return whole


def _cam(classifier: Classifier, x: Tensor, score: Score, where: FeatureMap) -> Fit:
    """Try whether the logits are linear in the spatial means of the features."""
    features, _, _ = features_and_gradient(classifier, x, where, score)
    behind = tail(classifier, x, where)

    def rest(maps: Tensor) -> Tensor:
        return score(behind(maps))

    scale = features.abs().max() + 1
    draw = torch.Generator().manual_seed(0)
    one, other = (
        torch.randn(features.shape, generator=draw).to(features.device) * scale for _ in range(2)
    )
    with torch.no_grad():
        zero = rest(torch.zeros_like(features))
        separate = [rest(one) - zero, rest(other) - zero]
        joint = rest(one + 2 * other) - zero
        means = rest(one.mean((-2, -1), keepdim=True).expand_as(one)) - zero
    rounding = max(1e-3, 4 * torch.finfo(features.dtype).eps)  # bfloat16 has three digits
    off = rounding * torch.stack(separate).abs().max()
    linear = (joint - separate[0] - 2 * separate[1]).abs().max() <= off
    averaged = (means - separate[0]).abs().max() <= off
    if bool(linear) and bool(averaged):
        return FITS
    return Fit(
        "refused",
        "CAM needs a network whose last feature map is averaged and goes into one linear layer; "
        "Grad-CAM and HiRes-CAM do not",
    )


def _xgrad(classifier: Classifier, x: Tensor, score: Score, where: FeatureMap) -> Fit:
    features, _, _ = features_and_gradient(classifier, x, where, score)
    if bool((features >= 0).all()):
        return FITS
    return Fit(
        "adapted",
        "the features have negative values: channels whose sum nearly cancels are weighed by "
        "their mean gradient, as in Grad-CAM",
    )


def _guided_grad_cam(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    fit = _features(classifier, x, score)
    return fit if fit.verdict == "refused" else _both(fit, _guided(classifier, x, score))


def _lift(classifier: Classifier, x: Tensor, score: Score, where: FeatureMap) -> Fit:
    features, _, _ = features_and_gradient(classifier, x, where, score)
    return _deeplift_of(tail(classifier, x, where), features, score)


def _deeplift(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    return _deeplift_of(classifier.logits, x, score)


def _deeplift_of(logits: Callable[[Tensor], Tensor], x: Tensor, score: Score) -> Fit:
    _, rules = multipliers_and_rules(logits, x, torch.zeros_like(x), score, Watch())
    return _beyond(rules, "taken apart or shared, so that the sum stays right")


def _lrp(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    rules = LrpRules(gamma=0.25)
    value(classifier.logits, x.detach().clone().requires_grad_(True), score, rules)
    return _beyond(rules, "treated as in Ali et al. 2022: weights and scales are constants")


def _attention(classifier: Classifier, x: Tensor, score: Score) -> Fit:
    try:
        found = attentions(classifier, x, score)
    except ValueError as error:
        return Fit("refused", str(error))
    if not sees_by_attention_alone(classifier, x, found):
        return Fit("refused", "its tokens see each other otherwise than by attention")
    if len(found.rows) == 1:
        return FITS
    return Fit(
        "adapted",
        f"the method is made for an answer that is read from one token and this one is read from "
        f"{len(found.rows)}: the map is the mean of theirs",
    )


def _beyond(rules: Rules, how: str) -> Fit:
    if not rules.beyond:
        return FITS
    return Fit("adapted", f"the paper has no rule for {_list(sorted(rules.beyond))}: {how}")


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_Check = Callable[[Classifier, Tensor, Score], Fit]

_CHECKS: Mapping[str, _Check] = {
    "guided-backprop": _by_rules(_guided),
    "deconvolution": _by_rules(_deconvolution),
    "deeplift": _by_rules(_deeplift),
    "deeplift-shap": _by_rules(_deeplift),
    "lrp": _by_rules(_lrp),
    "cam": _with_features(_cam),
    "xgrad-cam": _with_features(_xgrad),
    "lift-cam": _by_rules(_with_features(_lift)),
    "guided-grad-cam": _by_rules(_guided_grad_cam),
    "attention-relevance": _attention,
    "attention-rollout": _attention,
} | dict.fromkeys(
    (
        "grad-cam",
        "grad-cam++",
        "score-cam",
        "faster-score-cam",
        "layer-cam",
        "hires-cam",
        "eigen-cam",
        "ablation-cam",
    ),
    _features,
)
