"""Noise of the sampling methods, drawn literally."""

from __future__ import annotations

import numpy as np
import torch


def drawn(seed: int, sample: int, size: int = 24) -> np.ndarray:
    """Noise of one sample, literally: a generator of its own, seeded with a mix of both."""
    mixed = np.random.SeedSequence((seed, sample)).generate_state(1)[0]
    generator = torch.Generator().manual_seed(int(mixed))
    return torch.randn(3, size, size, generator=generator).numpy()
