"""An Attribution on the cutout's own pixel grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from galaxyscope.explain.protocol import Attribution
from galaxyscope.sky.resample import resample


def on_cutout(attribution: Attribution, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resample the map onto the pixels of the cutout.

    Parameters
    ----------
    attribution : Attribution
    shape : (rows, columns)
        Of the cutout.

    Returns
    -------
    ndarray, shape `shape`, float32
        Zero where the network did not look.
    """
    values = resample(attribution.values, attribution.to_cutout.inverse, shape)
    return np.nan_to_num(values, nan=0.0).astype(np.float32, copy=False)
