"""How long a map will take: passes through the network × what one of them costs here.

Each method's number of passes follows from its settings; one pass forward, and one there and back
to the picture, are timed on this network and machine, at the batch that the engine takes. The
pieces that are not passes (superpixels) are timed themselves. Trial runs before a method
(`galaxyscope.explain.preflight`), a few passes, are not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.modes import WORKS
from galaxyscope.explain import engine
from galaxyscope.explain.cards import settings as complete
from galaxyscope.explain.ensemble import shares
from galaxyscope.explain.perturbation import windows
from galaxyscope.explain.registry import method
from galaxyscope.explain.search import last_feature_map
from galaxyscope.explain.segments import segments_of
from galaxyscope.explain.target import Score
from galaxyscope.explain.xrai import regions_of
from galaxyscope.work.watch import Watch


@dataclass(frozen=True)
class Passes:
    """How many pictures go through the network: forward alone, and there and back."""

    forward: int = 0
    backward: int = 0


@dataclass(frozen=True)
class Unit:
    """Seconds per picture of one network: forward alone, and there and back."""

    forward: float
    backward: float


def unit_of(classifier: Classifier, net_input: NetworkInput, watch: Watch | None = None) -> Unit:
    """Time one batch of each kind, after one that warms up.

    Parameters
    ----------
    classifier : Classifier
        A single network; used by nobody else meanwhile.
    net_input : NetworkInput
    watch : Watch, optional
        Checked before each batch.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    watch = watch or Watch()
    x, score = engine.tensor(classifier, net_input), Score(0)
    found = []
    with engine.steady(classifier.network):
        for work in WORKS:
            batch = engine.batch_size(classifier, x.shape[-1], work)
            run = engine.answers if work == "forward" else engine.gradients
            stack = x.repeat(batch, 1, 1, 1)
            for _ in range(2):
                watch.check()
                started = time.perf_counter()
                run(classifier, stack, score)
                if x.device.type == "cuda":
                    torch.cuda.synchronize(x.device)
                seconds = time.perf_counter() - started
            found.append(seconds / batch)
    return Unit(*found)


def passes(
    name: str, classifier: Classifier, net_input: NetworkInput, settings: Mapping[str, Any]
) -> Passes:
    """How many passes a method makes on a single network.

    Parameters
    ----------
    name : str
        Registry name.
    classifier, net_input
        Some methods make one pass for each channel of the network, or place in the picture.
    settings : mapping
        Missing ones take their default.
    """
    s = complete(method(name).card, settings)
    if name == "occlusion":
        size = net_input.pixels.shape[-1]
        return Passes(forward=1 + len(windows(size, int(s["window"]), int(s["stride"]))))
    if name in {"score-cam", "faster-score-cam", "ablation-cam"}:
        with engine.steady(classifier.network):
            channels = last_feature_map(classifier, engine.tensor(classifier, net_input)).shape[0]
        return Passes(forward=2 + min(channels, s.get("channels", channels)), backward=1)
    count: _Count = _PASSES.get(name, lambda _: Passes(forward=1, backward=1))
    return count(s)


_Count = Callable[[Mapping[str, Any]], Passes]

_PASSES: Mapping[str, _Count] = {
    **dict.fromkeys(
        (
            "smoothgrad/rotation-averaged",
            "smoothgrad/tf-keras-vis",
            "smoothgrad/signed",
            "smoothgrad-squared",
        ),
        lambda s: Passes(backward=s["samples"]),
    ),
    **dict.fromkeys(
        ("gradient", "input-x-gradient", "guided-backprop", "deconvolution"),
        lambda _: Passes(backward=1),
    ),
    "vargrad": lambda s: Passes(backward=s["samples"] + 1),
    "integrated-gradients": lambda s: Passes(forward=2, backward=s["steps"]),
    "smooth-integrated-gradients": lambda s: Passes(backward=s["steps"] * s["copies"]),
    "gradient-shap": lambda s: Passes(forward=s["references"] + 1, backward=s["samples"]),
    "deeplift": lambda _: Passes(forward=3, backward=1),
    "deeplift-shap": lambda s: Passes(forward=2 * s["samples"] + 1, backward=s["samples"]),
    "lrp": lambda _: Passes(forward=1, backward=4),
    "lift-cam": lambda _: Passes(forward=2, backward=2),
    "guided-grad-cam": lambda _: Passes(forward=1, backward=2),
    **dict.fromkeys(("rise", "lime", "lime/fine"), lambda s: Passes(forward=s["samples"])),
    "kernel-shap": lambda s: Passes(forward=s["samples"] + 2),
    "e-lime": lambda s: Passes(forward=s["evaluations"]),
    "xrai": lambda s: Passes(forward=3, backward=s["samples"]),
}
"""At most: repeated masks are asked about once, and enough agreement ends a run early."""


def predicted_seconds(
    name: str,
    classifier: Classifier,
    net_input: NetworkInput,
    settings: Mapping[str, Any],
    units: Mapping[str, Unit] | None = None,
) -> float:
    """Predict how long a method will take, at most.

    Parameters
    ----------
    name : str
        Registry name.
    classifier : Classifier
        Used by nobody else meanwhile; an ensemble shares out its samples.
    net_input : NetworkInput
    settings : mapping
    units : mapping of member name to Unit, optional
        From :func:`units_of`, where several methods are asked about; default: measured now.

    Raises
    ------
    ValueError
        For settings that the method does not take, or a network without what it needs.
    """
    units = units or units_of(classifier, net_input)
    total, members = 0.0, classifier.members
    whole = complete(method(name).card, settings)
    each = shares(whole, len(members)) if len(members) > 1 else [whole]
    for member, share in zip(members, each, strict=True):
        count, unit = passes(name, member, net_input, share), units[member.card.name]
        total += count.forward * unit.forward + count.backward * unit.backward
        total += _apart(name, net_input, share)
    return total


def units_of(
    classifier: Classifier, net_input: NetworkInput, watch: Watch | None = None
) -> dict[str, Unit]:
    """Time every network of an ensemble, or the single one, by name; see `unit_of`."""
    return {m.card.name: unit_of(m, net_input, watch) for m in classifier.members}


_KNOWN: WeakKeyDictionary[Classifier, dict[str, Unit]] = WeakKeyDictionary()


def known_units(
    classifier: Classifier, net_input: NetworkInput, watch: Watch | None = None
) -> Mapping[str, Unit]:
    """Return what `units_of` found for this replica when it was first asked, or ask it now."""
    if classifier not in _KNOWN:
        _KNOWN[classifier] = units_of(classifier, net_input, watch)
    return _KNOWN[classifier]


def _apart(name: str, net_input: NetworkInput, settings: Mapping[str, Any]) -> float:
    """Seconds for superpixels, which take no pass."""
    started = time.perf_counter()
    if name == "xrai":
        regions_of(net_input.pixels)
    elif "kernel_size" in settings:
        segments_of(net_input, settings)
    return time.perf_counter() - started
