"""What is odd about a map that was made: said to the user instead of a black picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_TOLERATED = 0.05


def completeness_error(values: NDArray[np.float32], promise: float) -> float:
    """Compare the sum of a map with what it should sum to.

    Parameters
    ----------
    values : ndarray
    promise : float
        Change of the answer that the map distributes over the pixels.

    Returns
    -------
    float
        |Σ values − promise| / |promise|; inf where a map promised to sum to zero does not.
    """
    missing = abs(float(values.sum(dtype=np.float64)) - promise)
    if promise == 0:
        return 0.0 if missing == 0 else float("inf")
    return missing / abs(promise)


def split_half(blocks: Tensor) -> float:
    """Correlation over the pixels between the mean of every second block and that of the others.

    Parameters
    ----------
    blocks : Tensor, shape (n ≥ 2, rows, columns)
        Independent estimates of one map.

    Returns
    -------
    float
        Pearson's r: 1 where the halves agree, 0 where they have nothing in common or are
        constant.
    """
    halves = [blocks[first::2].double().mean(0).flatten() for first in (0, 1)]
    one, other = (half - half.mean() for half in halves)
    size = float(one.norm() * other.norm())
    return float(one @ other) / size if size > 0 else 0.0


def oddities(
    values: NDArray[np.float32], target: str, error: float | None = None
) -> tuple[str, ...]:
    """Sentences on what a reader of this map should know.

    Parameters
    ----------
    values : ndarray
        Finite.
    target : str
        Class name.
    error : float, optional
        :func:`completeness_error` of a method that promises completeness.

    Returns
    -------
    tuple of str
        Empty where nothing is odd.
    """
    found = []
    largest = float(np.abs(values).max())
    if float(np.ptp(values)) <= 1e-6 * largest:
        found.append("The map has the same value everywhere: it points nowhere.")
    if float(values.max()) <= 0:
        found.append(f"No positive evidence: nothing in the picture speaks for {target}.")
    return (*found, *(() if error is None else missed(error)))


def missed(error: float, what: str = "The map") -> tuple[str, ...]:
    """Sentence on a sum that is not the change of the answer; none where it nearly is.

    Parameters
    ----------
    error : float
        Of :func:`completeness_error`.
    what : str
        Subject of the sentence.
    """
    if np.isnan(error):
        return (f"{what} should sum to the change of the answer, which is no finite number.",)
    if error <= _TOLERATED:
        return ()
    return (
        f"{what} should sum to the change of the answer, and misses it by {100 * error:.0f} %.",
    )
