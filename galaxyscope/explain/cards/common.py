"""Settings that many methods share."""

from __future__ import annotations

from galaxyscope.explain.protocol import Parameter

SEED = Parameter(
    "seed", "Seed", 0, 0, 2**31 - 1, "The same seed gives the same map on the same device."
)
TIMES_INPUT = Parameter(
    "times_input",
    "Multiply by the picture",
    False,
    help="The paper's X_input: the map of each channel times the picture itself.",
)


def samples(default: int) -> Parameter:
    """How many samples are averaged."""
    return Parameter(
        "samples", "Samples", default, 1, 16384, "More samples: less noise, more time."
    )


AGREEMENT = Parameter(
    "agreement",
    "Agree",
    0.0,
    0.0,
    0.9999,
    "Stop when the maps of two halves of the samples correlate so well; 0: run all samples.",
)


def noise(default: float) -> Parameter:
    """S_noise of the SmoothGrad paper."""
    return Parameter(
        "noise",
        "Noise",
        default,
        0.0,
        1.0,
        "S_noise: standard deviation of the noise over the range of the picture.",
    )


STEPS = Parameter("steps", "Steps", 64, 2, 4096, "Points on the line from the dark sky.")
COPIES = Parameter("copies", "Noisy copies", 8, 1, 1024, "Over how many pictures is averaged.")
REFERENCES = Parameter(
    "references", "Reference skies", 8, 1, 256, "Dark skies with noise to compare with."
)
