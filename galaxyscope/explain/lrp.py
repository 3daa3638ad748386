"""Layer-wise relevance propagation (Bach et al. 2015, PLoS ONE 10, e0130140).

The answer is handed back layer by layer, each unit giving to its inputs in proportion to what
they brought: the γ rule for convolutions, which favours what speaks with the unit's own sign
(Montavon et al. 2019, LNCS 11700, p. 193; for inputs and outputs of either sign as in zennit,
Anders et al. 2021, arXiv:2106.13200), and γ = 0 for dense layers. An activation hands on all it
gets; layer normalisation, softmax and gates as Ali et al. 2022 (arXiv:2202.07304).

Instead of relevances R the slopes R / x are propagated. They are products of bounded factors
(f(x) − f(0)) / x and z / z′ with |z′| ≥ |z|: no division by what cancels, which lets other
implementations blow up at the sums of a residual network. Biases keep what they brought:
the completeness error is their share of the answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import answers, explain_samples, steady, tensor
from galaxyscope.explain.gradient import Contribution
from galaxyscope.explain.kinds import as_group_norm, given
from galaxyscope.explain.operations import NoRule, Rules, depends
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.slopes import Function, chord, straight
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

_NORMALISATIONS: Mapping[str, str] = {
    "layer_norm": "normalized_shape weight bias eps",
    "group_norm": "num_groups weight bias eps",
    "rms_norm": "normalized_shape weight eps",
}
_ATTENTIONS: Mapping[str, str] = {
    "scaled_dot_product_attention": "query key value attn_mask dropout_p is_causal",
    "multi_head_attention_forward": " ".join(
        inspect.signature(functional.multi_head_attention_forward).parameters
    ),
}
"""Their arguments, in order."""


class LrpRules(Rules):
    """LRP with the γ rule for convolutions.

    Parameters
    ----------
    gamma : float
        0: each input in proportion to what it brought, whatever its sign.
    """

    method = "LRP"

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self._gamma = gamma

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """All that the unit got goes on; what it would give without input is a bias."""
        y: Tensor = function(x.detach())
        if not x.requires_grad:
            return y
        zero = torch.zeros_like(x)
        rest: Tensor = function(zero)
        if not bool(torch.isfinite(rest).all()):
            raise NoRule("LRP has no rule for an activation that is infinite at zero")
        return straight(y, chord(function, x.detach(), y, zero, rest) * x)

    def product(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Convolutions by the γ rule; two activations get half each."""
        others = depends(args[1:], *keywords.values())
        if func.__name__ == "conv2d" and self._gamma and depends(args[:1]) and not others:
            return self._convolution(*args, **keywords)
        if len(depends(args, *keywords.values())) < 2:
            return func(*args, **keywords)
        if func is torch.einsum or keywords or len(args) > 2:
            raise NoRule(f"LRP has no rule for {func.__name__} of two activations")
        self.beyond.add("products of two activations")
        a, b = args
        return (func(a, b.detach()) + func(a.detach(), b)) / 2

    def quotient(self, a: Any, b: Tensor) -> Tensor:
        """Take the divisor as a constant scale."""
        self.beyond.add("divisions")
        found: Tensor = a / b.detach()
        return found

    def _convolution(
        self, x: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any, **keywords: Any
    ) -> Tensor:
        up, down = (
            weight + self._gamma * part for part in (weight.clamp(min=0), weight.clamp(max=0))
        )
        bias_up = None if bias is None else bias + self._gamma * bias.clamp(min=0)
        bias_down = None if bias is None else bias + self._gamma * bias.clamp(max=0)
        with torch.no_grad():
            z = torch.conv2d(x, weight, bias, *rest, **keywords)
        bright = x * (x > 0)
        dark = x - bright

        def both(first: Tensor, second: Tensor, shift: Tensor | None) -> Tensor:
            return torch.conv2d(bright, first, shift, *rest, **keywords) + torch.conv2d(
                dark, second, None, *rest, **keywords
            )

        favoured = torch.where(z > 0, both(up, down, bias_up), both(down, up, bias_down))
        share = z / favoured.detach().where(z != 0, torch.ones_like(z))
        return straight(z, share * favoured)

    def other(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Weights of an attention and scales of a normalisation are taken as constants."""
        called = name.replace("_norm", " normalisation")
        func, name, args, keywords = as_group_norm(func, name, args, keywords)
        if name in _NORMALISATIONS and depends(args[0]):
            self.beyond.add(called)
            return self._normalisation(func, name, args, keywords)
        if name in {"softmax", *_ATTENTIONS}:
            self.beyond.add("attention")
        if name == "softmax":
            return func(*args, **keywords).detach()
        if name in _ATTENTIONS:
            parts = given(_ATTENTIONS[name], args, keywords)
            weighing = {key: parts.get(key) for key in ("query", "key", "attn_mask")}
            constant = {key: one.detach() for key, one in weighing.items() if depends(one)}
            return func(**{**parts, **constant})
        return self.refuse_unknown(name, args, keywords, func(*args, **keywords))

    def _normalisation(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Tensor:
        x = args[0]
        options = given(_NORMALISATIONS[name], args[1:], keywords)
        if name == "group_norm":
            over, grouped = (-1,), x.reshape(len(x), options["num_groups"], -1)
        else:
            over, grouped = tuple(range(-len(options["normalized_shape"]), 0)), x
        if name != "rms_norm":
            grouped = grouped - grouped.mean(over, keepdim=True)
        usual = torch.finfo(x.dtype).eps if name == "rms_norm" else 1e-5
        eps = usual if options.get("eps") is None else options["eps"]
        scale = grouped.detach().square().mean(over, keepdim=True) + eps
        y = (grouped / scale.sqrt()).reshape(x.shape)
        weight = options.get("weight")
        if weight is not None:
            y = y * (weight.view(1, -1, *[1] * (x.ndim - 2)) if name == "group_norm" else weight)
        return straight(func(*args, **keywords), y)


def value(logits: Callable[[Tensor], Tensor], x: Tensor, score: Score, rules: LrpRules) -> Tensor:
    """Value of the answer, whose slope is the relevance of every number over that number.

    Parameters
    ----------
    logits : callable
    x : Tensor, shape (n, …)
        Requires a gradient.
    score : Score
        What is made of the logits; inside the rules.
    rules : LrpRules
        Know afterwards what was met on the way.

    Raises
    ------
    NoRule
        If no relevance gets through: LRP takes the weights of a softmax for constants.
    """
    with rules:
        found = logits(x)
        value = score(found)
    if found.requires_grad and not value.requires_grad:
        raise NoRule(
            "LRP has no rule for the probability of a softmax: ask for the logit instead, "
            "logit(…) in the text of the target"
        )
    if not found.requires_grad and "attention" in rules.beyond:
        raise NoRule("LRP has no rule for a network that ends in a softmax of its own")
    rules.check(value)
    return value


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """LRP of the logit, summed over channels; see :meth:`Explainer.explain`."""
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)
    with steady(classifier.network):
        promise = float(answers(classifier, image, score))
    watch.check()

    def gradient(samples: Sequence[int], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        answer = value(classifier.logits, x, score, LrpRules(float(settings["gamma"])))
        return torch.autograd.grad(answer.sum(), x)[0]

    return explain_samples(
        classifier,
        net_input,
        target,
        card,
        settings,
        watch,
        Contribution(image, image),
        gradient=gradient,
        promise=promise,
    )
