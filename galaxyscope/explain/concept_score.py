"""`ConceptScore`: how one network uses one concept, and whether that means anything; no torch."""

from __future__ import annotations

from dataclasses import dataclass

SIGNIFICANT = 0.05
"""Level of all tests of a table together (Bonferroni, as in Kim et al. 2018)."""
NEAR_HALF = 0.6
"""Below this accuracy the network does not tell a concept from the others."""


@dataclass(frozen=True)
class ConceptScore:
    """How one network uses one concept for one answer.

    Parameters
    ----------
    concept, target, model : str
    score : float
        Mean over the random counterparts of the share of pictures for whose answer more of the
        concept would speak; 0.5 means nothing.
    spread : float
        Standard deviation of the score over the counterparts.
    random_score : float
        The same for random pictures in place of the examples.
    p_value : float
        Of the two being equal, two-sided.
    accuracy : float
        Share of held-out pictures that the classifiers of the concept tell from random ones; near
        0.5 the network does not see the concept in this layer.
    examples, pictures, counterparts : int
        How many examples were drawn from, pictures explained, random sets compared with.
    seed : int
    """

    concept: str
    target: str
    model: str
    score: float
    spread: float
    random_score: float
    p_value: float
    accuracy: float
    examples: int
    pictures: int
    counterparts: int
    seed: int

    @property
    def seen(self) -> bool:
        """Whether the network tells the concept from the other galaxies."""
        return self.accuracy >= NEAR_HALF

    def significant(self, tests: int) -> bool:
        """Whether the score is another than that of random pictures, as one of some tests."""
        return self.p_value < SIGNIFICANT / max(tests, 1)
