"""`METHODS`: every explainer by name; a method's code is imported when it first runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from galaxyscope.explain.cards import CARDS, settings
from galaxyscope.explain.protocol import Attribution, Explainer, MethodCard
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput

DEFAULT_METHOD = "smoothgrad/rotation-averaged"
"""The method to measure with."""

_MODULES = {
    "gradient": "gradient",
    "smoothgrad/tf-keras-vis": "smoothgrad",
    "smoothgrad/signed": "smoothgrad",
    "smoothgrad/rotation-averaged": "rotation",
    "grad-cam": "cam",
}


@dataclass(frozen=True)
class LazyExplainer:
    """An :class:`Explainer` whose card can be read before torch is there.

    Parameters
    ----------
    card : MethodCard
    module : str
        Module of this package; its ``explain(classifier, net_input, target, card, settings,
        watch)`` does the work.
    """

    card: MethodCard
    module: str

    def explain(
        self,
        classifier: Classifier,
        net_input: NetworkInput,
        target: str,
        parameters: Mapping[str, Any],
        watch: Watch,
    ) -> Attribution:
        """Explain the logit of `target`; see :meth:`Explainer.explain`.

        Raises
        ------
        ValueError
            For settings that the method does not take.
        KeyError
            For an unknown target.
        Cancelled
            Soon after ``watch.cancel()``.
        """
        chosen = settings(self.card, parameters)
        watch.check()
        run = import_module(f"galaxyscope.explain.{self.module}").explain
        result: Attribution = run(classifier, net_input, target, self.card, chosen, watch)
        return result


METHODS: Mapping[str, Explainer] = MappingProxyType(
    {card.name: LazyExplainer(card, _MODULES[card.name]) for card in CARDS}
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
