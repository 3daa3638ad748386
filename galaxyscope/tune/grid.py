"""What is tried: every combination of settings, and of networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from galaxyscope.measure.bars import BarSettings
from galaxyscope.measure.variants import XInput

AVERAGE_MAP, AVERAGE_LENGTH = "average map", "average length"


@dataclass(frozen=True)
class Setting:
    """One combination of the paper's hyper-parameters.

    Parameters
    ----------
    noise : float
        S_noise.
    x_input : {"no", "plain", "renormalised"}
        X_input.
    correlation : float
        T_c.
    min_pixels : int
        T_1.
    """

    noise: float
    x_input: XInput
    correlation: float
    min_pixels: int


@dataclass(frozen=True)
class Grid:
    """Values that are tried; the defaults are those of Bhambra, Joachimi & Lahav 2022.

    T_c, T_1 and X_input as in their program; the values of S_noise that they tried are not in
    it, only 0.25, which they kept.

    Parameters
    ----------
    noise, x_input, correlation, min_pixels
        See `Setting`.
    algorithm : str
        Of the measuring step. For one that has neither T_c nor T_1 a single value is tried.
    """

    noise: tuple[float, ...] = (0.05, 0.10, 0.15, 0.20, 0.25)
    x_input: tuple[XInput, ...] = ("no", "plain")
    correlation: tuple[float, ...] = (0.70, 0.75, 0.80, 0.85, 0.90)
    min_pixels: tuple[int, ...] = (10, 20, 30, 40, 50)
    algorithm: str = "published"

    def __post_init__(self) -> None:
        if not all((self.noise, self.x_input, self.correlation, self.min_pixels)):
            raise ValueError("every setting needs at least one value")
        for setting in self.settings():
            self.bar(setting)  # refuses what makes no sense

    def settings(self) -> Iterator[Setting]:
        """All combinations, maps that belong together in a row."""
        searches = self.algorithm in ("published", "invariant")
        yield from itertools.starmap(
            Setting,
            itertools.product(
                self.noise,
                self.x_input,
                self.correlation if searches else self.correlation[:1],
                self.min_pixels if searches else self.min_pixels[:1],
            ),
        )

    def bar(self, setting: Setting) -> BarSettings:
        """Give the settings of the measuring step, each network by itself."""
        return BarSettings(
            self.algorithm, setting.correlation, setting.min_pixels, x_input=setting.x_input
        )


def combinations(members: Sequence[str]) -> list[str]:
    """Name all combinations of networks: each alone, of several their average map and length."""
    return [*members, *([AVERAGE_MAP, AVERAGE_LENGTH] if len(members) > 1 else [])]
