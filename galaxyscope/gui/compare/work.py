"""What the comparison has done on the network's lane: loading, foreseeing, explaining."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from galaxyscope.classify.suit import unsuitable
from galaxyscope.explain.target import score_of
from galaxyscope.gui import chores
from galaxyscope.gui.fits import Fits
from galaxyscope.gui.model import ShownMap
from galaxyscope.sky.image import SkyImage
from galaxyscope.work.watch import Cancelled, Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier


@dataclass(frozen=True)
class Asked:
    """One map of the comparison.

    Parameters
    ----------
    model : str
        As the model store takes it.
    target : str
        Text form of the target.
    method : str
        Registry name.
    settings : str
        The method's settings as JSON, so that two of them can be compared.
    """

    model: str
    target: str
    method: str
    settings: str = "{}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings."""
        found: dict[str, Any] = json.loads(self.settings)
        return found


@dataclass(frozen=True)
class Prospect:
    """What is known of a map before it is made.

    Parameters
    ----------
    verdict, reason : str
        As `galaxyscope.explain.preflight.Fit` has them.
    seconds : float or None
        How long it will take at most; None where that is not known.
    """

    verdict: str
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """A map of the comparison, or why there is none, and how long it took."""

    prospect: Prospect
    map: ShownMap | None = None
    seconds: float = 0.0


@dataclass(eq=False)
class Networks:
    """Networks of the comparison by name; used on the network's lane alone.

    Parameters
    ----------
    loaded : dict of name to Classifier
    insisted : frozenset of str
        Hashes of networks to be asked whatever they were made for.
    running : Running
        How networks are run that are loaded for the comparison.
    fits : Fits
    """

    loaded: dict[str, Classifier] = field(default_factory=dict)
    insisted: frozenset[str] = frozenset()
    running: chores.Running = field(default_factory=chores.Running)
    fits: Fits = field(default_factory=Fits)

    def get(self, name: str) -> Classifier:
        """Return a network, loaded when it is first asked for."""
        if name not in self.loaded:
            self.loaded[name] = chores.load_network(name, self.running)
        return self.loaded[name]


def fit(networks: Networks, image: SkyImage, asked: Asked, exactly: bool = False) -> Prospect:
    """Say whether a map can be made, by the card and by trial runs on a picture.

    Parameters
    ----------
    networks, image, asked
    exactly : bool
        On this very picture, though they may have been made on another one.
    """
    classifier = networks.get(asked.model)
    card = classifier.card
    if card.sha256 not in networks.insisted and (why := unsuitable(card, image)):
        return Prospect("refused", why)
    try:
        score_of(classifier, asked.target)
    except KeyError:
        said = f"{card.title} has no answer “{asked.target}”"
        return Prospect("refused", said)
    except ValueError as error:
        return Prospect("refused", str(error))
    key = (card.sha256, asked.method, asked.target)
    found = networks.fits.get(key, image.sha256, exactly)
    if found is None:
        found = chores.preflight(classifier, image, asked.method, asked.target)
        networks.fits.keep(key, image.sha256, found)
    return Prospect(found.verdict, found.reason)


def foresee(
    networks: Networks, image: SkyImage, asked: Sequence[Asked], watch: Watch
) -> dict[Asked, Prospect]:
    """Find out which maps can be made and how long each will take.

    Reports what it knows so far.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    found: dict[Asked, Prospect] = {}
    for number, one in enumerate(asked):
        watch.check()
        try:
            prospect = fit(networks, image, one)
            if prospect.verdict != "refused":
                classifier = networks.get(one.model)
                parameters = one.parameters
                seconds = chores.predict_time(classifier, image, one.method, parameters, watch)
                prospect = dataclasses.replace(prospect, seconds=seconds)
            found[one] = prospect
        except Cancelled:
            raise
        except Exception:  # the run itself will say what is wrong
            continue
        watch.report(number + 1, len(asked), dict(found))
    return found


def explain(networks: Networks, image: SkyImage, asked: Asked, watch: Watch) -> Compared:
    """Make one map.

    Raises
    ------
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.explain.registry import method

    prospect = fit(networks, image, asked, exactly=True)
    if prospect.verdict == "refused":
        return Compared(prospect)
    watch.check()
    classifier = networks.get(asked.model)
    started = time.perf_counter()
    found = method(asked.method).explain(
        classifier, classifier.prepare(image), asked.target, asked.parameters, watch
    )
    seconds = time.perf_counter() - started
    attribution = dataclasses.replace(found, image_sha256=image.sha256)
    return Compared(prospect, chores.make_shown(attribution, image.shape), seconds)


def duration(seconds: float) -> str:
    """Return a time in words, no finer than a prediction can be: ``"2 s"``, ``"1 min 20 s"``."""
    if seconds < 1:
        return "1 s"  # nobody waits for less
    if seconds < 20:
        return f"{seconds:.0f} s"
    if seconds < 90:
        return f"{round(seconds / 5) * 5} s"
    minutes, rest = divmod(round(seconds / 10) * 10, 60)
    if minutes < 10 and rest:
        return f"{minutes} min {rest} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def settings_text(parameters: Mapping[str, Any]) -> str:
    """Return settings as `Asked` holds them."""
    return json.dumps(dict(parameters), sort_keys=True)
