"""Pictures that the tests of this folder share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def letter_f() -> NDArray[np.float32]:
    """Return a blurred F, 48 rows × 40 columns: no rotation or mirror looks like it."""
    rows, columns = np.mgrid[:48, :40]
    strokes = [(12.0, 8.0, 12.0, 38.0), (12.0, 8.0, 28.0, 8.0), (12.0, 22.0, 22.0, 22.0)]
    picture = np.zeros((48, 40))
    for x1, y1, x2, y2 in strokes:
        for t in np.linspace(0, 1, 60):
            x, y = x1 + t * (x2 - x1), y1 + t * (y2 - y1)
            picture += np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2))
    return picture.astype(np.float32)
