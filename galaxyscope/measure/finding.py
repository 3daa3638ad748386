"""From any map of a galaxy to a bar on its cutout: one algorithm with its settings.

An algorithm is told here how it searches, and between which definitions of the end its choice
lies (`Finder.bracket`); variants, errors and flags then follow for all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.measure.algorithm1 import ends_above, published
from galaxyscope.measure.consensus import consensus
from galaxyscope.measure.decompose import Decomposition
from galaxyscope.measure.invariant import contour_ends, invariant
from galaxyscope.measure.joint import SHARE, SHARES, joint
from galaxyscope.measure.phase import AMPLITUDE, BRACKET, LightRings, phase
from galaxyscope.measure.search import BarSearch, Ends, NoBarError
from galaxyscope.measure.uncertainty import LEVEL_STEP
from galaxyscope.measure.variants import scaled
from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    from galaxyscope.measure.bars import BarSettings

Map = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Found:
    """A bar and the search that found it.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        The map that was searched.
    is_scaled : bool
        It was searched as it is.
    search : BarSearch
    ends : ((x1, y1), (x2, y2))
        In cutout pixels.
    length : float
        Between them.
    scale : float
        Cutout pixels per map pixel along the bar.
    """

    values: Map
    is_scaled: bool
    search: BarSearch
    ends: Ends
    length: float
    scale: float


@dataclass(frozen=True, eq=False)
class Finder:
    """One algorithm with its settings.

    Parameters
    ----------
    to_cutout : Affine
        Map pixel → cutout pixel.
    settings : BarSettings
    around : LightRings or None
        The galaxy's light, for the algorithms that follow it.
    picture : ndarray or None
        For `x_input`.
    said : float or None
        Full length in cutout pixels that a network answers, for `consensus`.
    fitted : Decomposition or None
        Of the cutout's light, for `consensus`.
    """

    to_cutout: Affine
    settings: BarSettings
    around: LightRings | None = None
    picture: Map | None = None
    said: float | None = None
    fitted: Decomposition | None = None

    def __call__(self, values: Map, is_scaled: bool = False) -> Found:
        """Find the bar on a map.

        Parameters
        ----------
        values : ndarray, shape (rows, columns)
        is_scaled : bool
            `published` does not scale it again.

        Raises
        ------
        NoBarError
            With the reason.
        """
        settings = self.settings
        if settings.x_input != "no" and self.picture is not None:
            one = values if is_scaled else scaled(values, settings.algorithm)
            values = np.where(np.isfinite(one), one, 0) * self.picture
            is_scaled = settings.x_input == "plain"
        if self.around is not None:
            search = self._along_light(values, self.around)
        elif settings.algorithm == "published":
            search = published(
                values, settings.correlation, settings.min_pixels, scale=not is_scaled
            )
        else:
            search = invariant(
                values, settings.correlation, settings.min_pixels, settings.nucleus_radius
            )
        if search.ends is None:
            raise NoBarError(
                f"Too few pixels of the map ({int(search.mask.sum())}) lie above the level "
                f"{search.threshold:.4f}, where the search stopped."
            )
        ends, length = self._on_cutout(search.ends)
        scale = length / math.dist(*search.ends)
        return Found(values, is_scaled, search, ends, length, scale)

    def or_none(self, values: Map, is_scaled: bool = False) -> Found | None:
        """Find the bar on a map; None where there is none."""
        try:
            return self(values, is_scaled)
        except NoBarError:
            return None

    def bracket(self, found: Found) -> list[float]:
        """Lengths in cutout pixels by definitions of the end that could as well have been chosen.

        Those that leave a bar: levels `LEVEL_STEP` below and above the stop, or shares of the
        light's peak (`galaxyscope.measure.phase.BRACKET`) and of the map
        (`galaxyscope.measure.joint.SHARES`).
        """
        pairs: list[Ends | None]
        if self.around is not None:
            # A lower share of the light's peak and a higher one of the map are both longer.
            both = zip(BRACKET, reversed(SHARES), strict=True)
            pairs = [self._along_light(found.values, self.around, *one).ends for one in both]
        else:
            middle, settings = found.search.threshold, self.settings
            levels = [middle - LEVEL_STEP, middle, middle + LEVEL_STEP]
            if settings.algorithm == "published":
                pairs = ends_above(found.values, levels, scale=not found.is_scaled)
            else:
                pairs = contour_ends(found.values, levels, settings.nucleus_radius)
        return [self._on_cutout(pair)[1] for pair in pairs if pair is not None]

    def _along_light(
        self,
        values: Map,
        around: LightRings,
        amplitude: float = AMPLITUDE,
        share: float = SHARE,
    ) -> BarSearch:
        """Find the bar by an algorithm that follows the light."""
        if self.settings.algorithm == "phase":
            return phase(values, around, amplitude)
        if self.settings.algorithm == "joint":
            return joint(values, around, amplitude, share)
        if self.said is None:
            raise ValueError("the algorithm 'consensus' needs the length that a network answers")
        on_map = self.said / self.to_cutout.pixel_size
        fitted = None if self.fitted is None else self.fitted.on(self.to_cutout.inverse)
        return consensus(values, around, on_map, amplitude, share, fitted)

    def _on_cutout(self, pair: Ends) -> tuple[Ends, float]:
        (x1, y1), (x2, y2) = self.to_cutout(pair).tolist()
        # Not hypot: the square root of a sum of whole squares is exact to the last bit.
        return ((x1, y1), (x2, y2)), math.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
