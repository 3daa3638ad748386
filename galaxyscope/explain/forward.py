"""One engine for methods that only ask: batches of changed pictures, answers, progress, cancel.

The counterpart of `galaxyscope.explain.engine` for methods without gradients. A method says
which pictures it wants to ask about, by number; the pictures are made batch by batch, so that
memory is bounded by one batch however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain import engine
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.target import Scale, score_of
from galaxyscope.work.watch import Watch


class Forward:
    """Answers of one network to many pictures; made by :func:`forward`.

    Parameters
    ----------
    classifier : Classifier
    net_input : NetworkInput
    target : str
    scale : {"logit", "probability"}
        What an answer is where the target does not say.
    watch : Watch

    Attributes
    ----------
    image : Tensor, shape (1, 3, size, size)
        The picture that is explained, on the network's device.
    batch : int
        Pictures per batch.
    evaluations : int
        Pictures the network has seen.
    score : Score
        What is asked.
    """

    def __init__(
        self,
        classifier: Classifier,
        net_input: NetworkInput,
        target: str,
        scale: Scale,
        watch: Watch,
    ) -> None:
        self.image = engine.tensor(classifier, net_input)
        self.batch = engine.batch_size(classifier, self.image.shape[-1], "forward")
        self.evaluations = 0
        self._classifier, self._net_input = classifier, net_input
        self.score, self._watch = score_of(classifier, target, scale), watch

    def answers(
        self, numbers: Sequence[int], pictures: Callable[[Sequence[int]], torch.Tensor]
    ) -> Iterator[tuple[Sequence[int], NDArray[np.float64]]]:
        """Ask about pictures batch by batch.

        Parameters
        ----------
        numbers : sequence of int
            Which pictures, in the order in which they are asked about.
        pictures : callable
            Makes the pictures of some numbers, shape (n, 3, size, size).

        Yields
        ------
        numbers : sequence of int
            Of this batch.
        answers : ndarray, shape (n,), float64

        Raises
        ------
        Cancelled
            Before the next batch.
        ValueError
            If an answer is not finite.
        """
        for start in range(0, len(numbers), self.batch):
            self._watch.check()
            some = numbers[start : start + self.batch]
            yield some, self._asked(pictures(some))

    def _asked(self, x: torch.Tensor) -> NDArray[np.float64]:
        card = self._classifier.card
        # Not in inference mode: what the network may keep of this run must serve gradients later.
        with torch.no_grad(), self._classifier.quick("forward"):
            logits = self._classifier.logits(x).cpu().double()  # not every device has float64
            answers: NDArray[np.float64] = self.score(logits).numpy()
        self.evaluations += len(x)
        if not np.isfinite(answers).all():
            raise ValueError(f"{card.name} gives no finite answers for {self.score.text}")
        return answers

    def attribution(
        self,
        card: MethodCard,
        settings: Mapping[str, Any],
        values: NDArray[np.floating[Any]],
        signed: bool,
        samples_done: int,
        blocks: NDArray[np.floating[Any]] | None = None,
        promise: float | None = None,
    ) -> Attribution:
        """Join a map of this picture with where it comes from; see `engine.make_attribution`."""
        return engine.make_attribution(
            self._classifier,
            self._net_input,
            self.score,
            card,
            settings,
            torch.from_numpy(np.asarray(values, np.float32)),
            signed,
            samples_done,
            None if blocks is None else torch.from_numpy(np.asarray(blocks, np.float32)),
            promise=promise,
        )


@contextmanager
def forward(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    scale: Scale,
    watch: Watch,
) -> Iterator[Forward]:
    """Ask a network that is in evaluation mode inside and as it was before afterwards.

    Raises
    ------
    KeyError
        For an unknown target.
    """
    asking = Forward(classifier, net_input, target, scale, watch)
    with engine.steady(classifier.network):
        yield asking


class MaskedAnswers:
    """Answers to one picture of which superpixels are hidden; each mask is asked about once.

    Parameters
    ----------
    asking : Forward
    hidden : ndarray, shape (3, size, size)
        What stands where something is hidden.
    segments : ndarray, shape (size, size), int
        Superpixel of each pixel, from 0.
    """

    def __init__(
        self, asking: Forward, hidden: NDArray[np.float32], segments: NDArray[np.int32]
    ) -> None:
        device = asking.image.device
        self.asking = asking
        self._hidden = torch.from_numpy(hidden)[None].to(device)
        self._segments = torch.from_numpy(segments.astype(np.int64)).to(device)
        self._table: dict[bytes, float] = {}

    def pictures(self, masks: NDArray[np.bool_]) -> torch.Tensor:
        """Pictures in which the superpixels of each row of `masks` are kept.

        Parameters
        ----------
        masks : ndarray, shape (n, superpixels), bool

        Returns
        -------
        Tensor, shape (n, 3, size, size)
        """
        kept = torch.from_numpy(masks).to(self._segments.device)[:, self._segments]
        return torch.where(kept[:, None], self.asking.image, self._hidden)

    def batches(
        self, masks: NDArray[np.bool_]
    ) -> Iterator[tuple[Sequence[int], NDArray[np.float64]]]:
        """Ask about different masks batch by batch; see :meth:`Forward.answers`."""
        yield from self.asking.answers(range(len(masks)), lambda some: self.pictures(masks[some]))

    def known(self, mask: NDArray[np.bool_]) -> bool:
        """Whether this mask was asked about before."""
        return mask.tobytes() in self._table

    def __call__(self, masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Answer to each mask; the network sees only masks that are new.

        Parameters
        ----------
        masks : ndarray, shape (n, superpixels), bool

        Returns
        -------
        ndarray, shape (n,), float64
        """
        keys = [mask.tobytes() for mask in masks]
        new = {key: i for i, key in enumerate(keys) if key not in self._table}
        rows = np.fromiter(new.values(), int, len(new))
        for some, answers in self.batches(masks[rows]):
            self._table.update(
                (keys[rows[i]], float(a)) for i, a in zip(some, answers, strict=True)
            )
        return np.array([self._table[key] for key in keys])
