"""DeepLIFT: how much of the answer's change each pixel brings, compared with a dark sky.

Shrikumar, Greenside & Kundaje 2017, arXiv:1704.02685, the rescale rule: every activation is
replaced by the line between what it does for the reference and for the picture. The map,
multiplier × (picture − reference), sums to the change of the logit. Beyond the paper: products
of two activations (gates) are shared equally between them, and layer and group normalisation
are taken apart into sums, squares, roots and products, so that this sum stays right.

A quotient is a product too, a · 1/b. Equal shares of it would be useless where there is no light:
in a normalisation 1/b is then 1/√ε, hundreds of times that of the picture, and huge shares of
a and of 1/b would have to cancel. The change of a is therefore counted at the smaller of the two
scales, and that of the scale with the a that belongs to the other: Δa · 1/b + a₀ · Δ(1/b).

DeepLIFT-SHAP (Lundberg & Lee 2017, arXiv:1705.07874) is its mean over many reference skies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import explain_samples, tensor
from galaxyscope.explain.gradient import Contribution
from galaxyscope.explain.kinds import as_group_norm, given
from galaxyscope.explain.operations import NoRule, Rules, depends, name_of
from galaxyscope.explain.paths import change, references
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.slopes import Function, chord, straight
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

_FICKLE = "DeepLIFT needs a network that does the same for every picture"


class DeepLiftRules(Rules):
    """Rescale rule between two runs.

    The first ``with`` records what each operation gives for the reference, the second
    one, for the picture, uses it in the same order.
    """

    method = "DeepLIFT"

    def __init__(self) -> None:
        super().__init__()
        self._tape: list[tuple[Tensor, ...]] = []
        self._place: int | None = None

    def second_run(self) -> DeepLiftRules:
        """Use the record from now on."""
        self._place = 0
        return self

    def end(self) -> None:
        """Check that the second run has met all that the first one did."""
        if self._place != len(self._tape):
            raise NoRule(_FICKLE)

    def _reference(self, *values: Tensor) -> tuple[Tensor, ...] | None:
        """Record in the first run; in the second return what was recorded here."""
        if self._place is None:
            self._tape.append(tuple(value.detach().clone() for value in values))
            return None
        self._place += 1
        found = self._tape[self._place - 1] if self._place <= len(self._tape) else ()
        if [v.shape[1:] for v in found] != [v.shape[1:] for v in values]:
            raise NoRule(_FICKLE)
        return found

    def constants(self, made: Sequence[Tensor]) -> None:
        """Refuse what differs between the runs: its share of the change would be lost."""
        reference = self._reference(*made)
        if reference is not None and not all(map(_same, made, reference)):
            raise NoRule(
                "DeepLIFT has no rule for what is made of the picture and hidden from the gradient"
            )

    def activation(self, function: Function, x: Tensor) -> Tensor:
        """Line between reference and picture."""
        y: Tensor = function(x.detach())
        reference = self._reference(x, y)
        if reference is None or not x.requires_grad:
            return super().activation(function, x)
        return straight(y, chord(function, x.detach(), y, *reference) * x)

    def maximum(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Share between the pixel that wins in the picture and the one in the reference.

        What the maximum gains goes to the winner in the picture, what it loses to the winner
        in the reference, each as a share of that pixel's own change.
        """
        name = name_of(func)
        options = given(_POOLING[name], args, keywords)
        if options.pop("return_indices", False):
            raise NoRule("DeepLIFT has no rule for max pooling with indices")
        x = options.pop("input")
        if name == "amax":
            cells = _cells(x, options.get("dim", ()))
            y, winner = cells.detach().max(-1, keepdim=True)
        else:
            # torch.max_pool2d has no `return_indices`.
            y, winner = getattr(functional, name)(x.detach(), **options, return_indices=True)
            cells, winner = x.flatten(2), winner.flatten(2)
        y = y.view_as(winner)
        reference = self._reference(cells, y, winner)
        if reference is None or not x.requires_grad:
            return func(*args, **keywords)
        cells0, y0, winner0 = (value.expand(len(y), *value.shape[1:]) for value in reference)
        top = torch.maximum(y, y0)
        gained = _ratio(top - y0, y - cells0.gather(-1, winner))
        lost = _ratio(y - top, cells.detach().gather(-1, winner0) - y0)
        path = gained * cells.gather(-1, winner) + lost * cells.gather(-1, winner0)
        result = func(x.detach(), *args[1:], **keywords)
        return straight(result, path.view_as(result))

    def product(self, func: Function, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Of two activations: the change of each times the mean of the other."""
        if len(args) != 2 or not all(isinstance(value, Tensor) for value in args):
            if len(depends(args, *keywords.values())) > 1:
                raise NoRule(f"DeepLIFT has no rule for {func.__name__} of two activations")
            return func(*args, **keywords)
        a, b = args
        reference = self._reference(a, b)
        if reference is None or not (a.requires_grad and b.requires_grad):
            return func(a, b, **keywords)
        self.beyond.add("products of two activations")
        a0, b0 = reference
        path = func(a, (b.detach() + b0) / 2) + func((a.detach() + a0) / 2, b)
        return straight(func(a.detach(), b.detach()), path)

    def other(
        self, func: Function, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Normalisations are taken apart; what is unknown is refused."""
        called = name.replace("_norm", " normalisation")
        func, name, args, keywords = as_group_norm(func, name, args, keywords)
        rule = {
            "layer_norm": self._layer_norm,
            "group_norm": self._group_norm,
            "rms_norm": self._rms_norm,
        }.get(name)
        if rule is None:
            return self.refuse_unknown(name, args, keywords, func(*args, **keywords))
        self.beyond.add(called)
        return rule(*args, **keywords)

    def _layer_norm(
        self,
        x: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
        cudnn_enable: bool = True,
    ) -> Tensor:
        y = self._standard(x, tuple(range(-len(normalized_shape), 0)), eps)
        y = y if weight is None else y * weight
        return y if bias is None else y + bias

    def _group_norm(
        self,
        x: Tensor,
        num_groups: int,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
        cudnn_enabled: bool = True,
    ) -> Tensor:
        y = self._standard(x.reshape(len(x), num_groups, -1), (-1,), eps).reshape(x.shape)
        shape = (1, -1) + (1,) * (x.ndim - 2)
        y = y if weight is None else y * weight.view(shape)
        return y if bias is None else y + bias.view(shape)

    def _rms_norm(
        self,
        x: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        eps: float | None = None,
    ) -> Tensor:
        over = tuple(range(-len(normalized_shape), 0))
        y = self._scaled_to_one(x, over, torch.finfo(x.dtype).eps if eps is None else eps)
        return y if weight is None else y * weight

    def _standard(self, x: Tensor, over: tuple[int, ...], eps: float) -> Tensor:
        """Deviations from the mean, divided by the standard deviation."""
        return self._scaled_to_one(x - x.mean(over, keepdim=True), over, eps)

    def _scaled_to_one(self, x: Tensor, over: tuple[int, ...], eps: float) -> Tensor:
        squares = self.activation(torch.square, x).mean(over, keepdim=True)
        return self._scaled(x, self.activation(torch.rsqrt, squares + eps))

    def quotient(self, a: Any, b: Tensor) -> Tensor:
        """Shares that stay small where the divisor is nearly zero."""
        scale = self.activation(torch.reciprocal, b)
        if not isinstance(a, Tensor) or not a.requires_grad:
            return scale * a
        self.beyond.add("divisions")
        return self._scaled(a, scale)

    def _scaled(self, a: Tensor, scale: Tensor) -> Tensor:
        reference = self._reference(a, scale)
        if reference is None or not a.requires_grad:
            return a * scale
        a0, scale0 = reference
        smaller = scale.abs() <= scale0.abs()
        at, beside = torch.where(smaller, scale, scale0), torch.where(smaller, a0, a)
        return straight((a * scale).detach(), a * at.detach() + beside.detach() * scale)


_POOLING: Mapping[str, str] = {
    "max_pool2d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "adaptive_max_pool2d": "input output_size return_indices",
    "amax": "input dim keepdim",
}
"""Their arguments, in order."""


def _cells(x: Tensor, dim: int | Sequence[int]) -> Tensor:
    """Bring what a largest one is chosen from into one last dimension."""
    dims = [dim] if isinstance(dim, int) else list(dim) or list(range(x.ndim))
    last = list(range(x.ndim - len(dims), x.ndim))
    return x.movedim(dims, last).flatten(x.ndim - len(dims))


def _same(value: Tensor, other: Tensor) -> bool:
    """Whether two are one, but for rounding."""
    return bool(torch.isclose(value, other, rtol=1e-4, equal_nan=True).all())


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    nothing = part == 0
    return torch.where(nothing, torch.zeros_like(part), part / whole.where(~nothing, part + 1))


def multipliers(
    logits: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, score: Score, watch: Watch
) -> Tensor:
    """DeepLIFT multipliers of the logit; inside `galaxyscope.explain.engine.steady`.

    Parameters
    ----------
    logits : callable
        Of a batch of any tensors.
    x, x0 : Tensor, the same shape (n, …)
        What is explained, and what it is compared with.
    score : Score
        What is made of the logits; inside the rules.
    watch : Watch
        Checked between the two runs.

    Returns
    -------
    Tensor, shape of `x`
        Times ``x - x0`` they sum to the change of the logit.
    """
    return multipliers_and_rules(logits, x, x0, score, watch)[0]


def multipliers_and_rules(
    logits: Callable[[Tensor], Tensor], x: Tensor, x0: Tensor, score: Score, watch: Watch
) -> tuple[Tensor, DeepLiftRules]:
    """Like :func:`multipliers`, and what was met on the way."""
    rules = DeepLiftRules()
    x0 = x0.detach().requires_grad_(True)  # which shows what depends on the picture
    with rules:
        score(logits(rules.begin(x0)))
    watch.check()
    x = x.detach().requires_grad_(True)
    with rules.second_run():
        value = score(logits(rules.begin(x)))
    rules.end()
    rules.check(value)
    return torch.autograd.grad(value.sum(), x)[0], rules


class _Skies(Contribution):
    """One picture against several reference skies."""

    def __init__(self, image: torch.Tensor, count: int, sigma: float, seed: int) -> None:
        super().__init__(image, image)
        self.count, self._sigma, self._seed = count, sigma, seed

    def reference(self, samples: Sequence[int]) -> Tensor:
        """Return the reference sky of each sample; black without noise."""
        if not self._sigma:
            return torch.zeros_like(self.inputs(samples))
        return references(samples, self._image, self._sigma, self._seed)

    def inputs(self, samples: Sequence[int]) -> Tensor:
        """Return the picture for every reference."""
        # In memory too, since a network may view channels as pictures.
        return self._image.expand(len(samples), -1, -1, -1).contiguous()

    def maps(self, samples: Sequence[int], gradients: Tensor) -> tuple[Tensor, Tensor]:
        """Multiplier × (picture − reference)."""
        found = gradients * (self._image - self.reference(samples))
        return found, gradients.new_ones(len(samples), 1, 1, 1)


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """DeepLIFT against the black sky, or several skies; see :meth:`Explainer.explain`."""
    image, score = tensor(classifier, net_input), score_of(classifier, target, card.scale)
    sigma = float(settings.get("noise", 0.0)) * float(image.max() - image.min())
    sampler = _Skies(image, int(settings.get("samples", 1)), sigma, int(settings.get("seed", 0)))
    promise = change(classifier, image, sampler.reference(range(sampler.count)), score, watch)

    def gradient(samples: Sequence[int], x: Tensor) -> Tensor:
        return multipliers(classifier.logits, x, sampler.reference(samples), score, watch)

    return explain_samples(
        classifier,
        net_input,
        target,
        card,
        settings,
        watch,
        sampler,
        gradient=gradient,
        promise=promise,
    )
