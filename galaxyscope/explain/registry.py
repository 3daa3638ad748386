"""`METHODS`: every explainer by name; a method's code is imported when it first runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from galaxyscope.explain.cards import CARDS, ENTRIES, settings
from galaxyscope.explain.protocol import Attribution, Explainer, MethodCard
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput

DEFAULT_METHOD = "smoothgrad/rotation-averaged"
"""The method to measure with."""


@dataclass(frozen=True)
class LazyExplainer:
    """An :class:`Explainer` whose card can be read before torch is there.

    Parameters
    ----------
    card : MethodCard
    entry : str
        ``"module"`` of this package or ``"module:function"``; its ``explain(classifier,
        net_input, target, card, settings, watch)`` or that function does the work.
    """

    card: MethodCard
    entry: str

    def explain(
        self,
        classifier: Classifier,
        net_input: NetworkInput,
        target: str,
        parameters: Mapping[str, Any],
        watch: Watch,
    ) -> Attribution:
        """Explain a target; see :meth:`Explainer.explain`.

        Raises
        ------
        ValueError
            For settings that the method does not take, a network that it does not fit, or a
            value that the network's answers do not have.
        KeyError
            For an unknown target.
        Cancelled
            Soon after ``watch.cancel()``.
        """
        chosen = settings(self.card, parameters)
        watch.check()
        # Only now: these need torch.
        preflight = import_module("galaxyscope.explain.preflight")
        ensemble = import_module("galaxyscope.explain.ensemble")
        score_of(classifier, target, self.card.scale)  # refused before any work
        fits = preflight.member_fits(self.card.name, classifier, net_input, target)
        fit = preflight.joint_fit(fits, self.card.whole)
        if fit.verdict == "refused":
            raise ValueError(f"{self.card.title} does not fit {classifier.card.name}: {fit.reason}")
        watch.check()

        def one(member: Classifier, share: Mapping[str, Any], part: Watch) -> Attribution:
            return self._run(member, net_input, target, share, part)

        if len(fits) > 1 and not self.card.whole:
            result: Attribution = ensemble.explain(
                one, fits, classifier, net_input, target, self.card, chosen, watch
            )
        else:
            result = one(classifier, chosen, watch)
        if fit.verdict == "adapted":
            return replace(result, notes=(f"Adapted: {fit.reason}.", *result.notes))
        return result

    def _run(
        self,
        classifier: Classifier,
        net_input: NetworkInput,
        target: str,
        chosen: Mapping[str, Any],
        watch: Watch,
    ) -> Attribution:
        """Explain one network that the method fits, in the memory that there is."""
        engine = import_module("galaxyscope.explain.engine")
        module, _, function = self.entry.partition(":")
        run = getattr(import_module(f"galaxyscope.explain.{module}"), function or "explain")
        result: Attribution = engine.in_memory(
            classifier,
            net_input,
            lambda: run(classifier, net_input, target, self.card, chosen, watch),
        )
        return result


METHODS: Mapping[str, Explainer] = MappingProxyType(
    {card.name: LazyExplainer(card, ENTRIES[card.name]) for card in CARDS}
)
"""Every method by registry name, the default first."""


def method(name: str) -> Explainer:
    """Return the method of that name.

    Raises
    ------
    KeyError
        With the names there are.
    """
    if name not in METHODS:
        raise KeyError(f"there is no method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]


PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "all": tuple(METHODS),
        "benchmark": (
            "gradient",
            "input-x-gradient",
            "smoothgrad/signed",
            "integrated-gradients",
            "guided-backprop",
            "grad-cam",
            "grad-cam++",
            "score-cam",
            "occlusion",
            "lime",
        ),
    }
)
"""Sets of methods by name; ``benchmark`` are the ten that arXiv:2502.17207 compares on radio
galaxies."""


def methods(name: str) -> tuple[str, ...]:
    """Return the names of the methods of a preset; of a method its own.

    Raises
    ------
    KeyError
        With the names there are.
    """
    return PRESETS[name] if name in PRESETS else (method(name).card.name,)
