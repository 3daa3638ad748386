"""One engine for all gradient methods: batches, running means, progress, cancel.

A method says what its samples are (:class:`Sampler`); the engine runs them through the
network batch by batch and keeps one running sum per block, so that memory is bounded by one
batch however many samples there are. Each sample is a function of its own number alone,
therefore the map does not depend on the batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import accumulate, groupby
from typing import Any, Protocol

import numpy as np
import torch

from galaxyscope import __version__
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.memory import making_do
from galaxyscope.classify.modes import Work
from galaxyscope.explain.postflight import completeness_error, oddities, split_half
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.steady import steady as steady
from galaxyscope.explain.target import Score, score_of
from galaxyscope.work.watch import Watch

Gradient = Callable[[Sequence[int], torch.Tensor], torch.Tensor]
"""What counts as the gradient: sample numbers and network inputs → the shape of the inputs."""

_BLOCKS = 8
_SMALLEST_BLOCK = 8
_PIXELS_PER_BATCH = {"cpu": 9 * 128 * 128}
_PIXELS_PER_BATCH_ELSEWHERE = 64 * 128 * 128


class Sampler(Protocol):
    """What a method does with one sample after the other.

    `maps` are per channel (C = `channels`); `reduce` joins the channels. All tensors live on
    the network's device.
    """

    signed: bool
    count: int
    channels: int

    def inputs(self, samples: Sequence[int]) -> torch.Tensor:
        """Network inputs of these samples, shape (n, 3, size, size)."""
        ...

    def maps(
        self, samples: Sequence[int], gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Contributions to the mean, (n, C, size, size), and their weights, (n, 1, …)."""
        ...

    def reduce(self, stack: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Join the channels of means, (…, C, size, size) → (…, size, size).

        `mean`, shape (C, size, size), is that of all samples. Reductions that choose a
        channel choose it there, so that the blocks average to the map exactly.
        """
        ...


def block_count(samples: int) -> int:
    """How many blocks the samples are divided into; 1 where they are too few for an error."""
    return max(1, min(_BLOCKS, samples // _SMALLEST_BLOCK))


def sample_order(samples: int, blocks: int | None = None) -> list[int]:
    """Numbers 0 … samples−1 in the order in which they run; default: `block_count` blocks.

    Block after block; block ``b`` holds the numbers ``b, b + blocks, …``, so that numbers
    around a circle cover it uniformly in every block. Within a block they follow van der
    Corput's sequence, so that every part of a block covers the circle nearly uniformly too.
    """
    blocks = block_count(samples) if blocks is None else blocks
    order: list[int] = []
    for block in range(blocks):
        members = range(block, samples, blocks)
        order += [members[i] for i in sorted(range(len(members)), key=_radical_inverse)]
    return order


def _radical_inverse(number: int) -> float:
    return int(f"{number:032b}"[::-1], 2) / 2**32


def _batches(count: int, batch: int, edges: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last + 1 of each batch; none goes across one of the edges."""
    start = 0
    while start < count:
        stop = min([start + batch, count, *(edge for edge in edges if edge > start)])
        yield start, stop
        start = stop


def _runs(blocks: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """Find samples side by side that are of the same block: the block, and where they are."""
    start = 0
    for block, members in groupby(blocks):
        stop = start + len(list(members))
        yield block, slice(start, stop)
        start = stop


def batch_size(classifier: Classifier, size: int, work: Work = "backward") -> int:
    """Choose the samples per batch: what was measured to be best, or a fixed number of pixels.

    On two cores 16 samples of 96×96 px run about a fifth faster each than 4 and as fast as 32,
    while the time until a cancel takes effect grows with the batch. Never more than fits into
    memory.
    """
    mode = classifier.mode(work)
    pixels = _PIXELS_PER_BATCH.get(classifier.device.type, _PIXELS_PER_BATCH_ELSEWHERE)
    best = mode.batch if mode else max(1, pixels // size**2)
    return min(best, classifier.batch_limit or best)


def in_memory(
    classifier: Classifier, net_input: NetworkInput, work: Callable[[], Attribution]
) -> Attribution:
    """Explain one network with the memory there is: a smaller batch, then the CPU.

    The map does not depend on the batch, so the work simply starts again. The map says what
    had to be done, and in which number format the network ran where that was not float32.

    Raises
    ------
    ModelError
        If memory is not enough for a single picture.
    """
    classifier.used.clear()
    found = making_do(classifier, lambda: batch_size(classifier, net_input.pixels.shape[-1]), work)
    if not classifier.used and not classifier.notices:
        return found
    precision = {"precision": "+".join(sorted(classifier.used))} if classifier.used else {}
    return replace(
        found,
        parameters={**found.parameters, **precision},
        notes=(*found.notes, *classifier.notices),
    )


def tensor(classifier: Classifier, net_input: NetworkInput) -> torch.Tensor:
    """Bring the network input to the network's device as a batch of one."""
    pixels = np.array(net_input.pixels, np.float32)[None]  # a copy: nobody writes to the input
    return torch.from_numpy(pixels).to(classifier.device)


def gradients(
    classifier: Classifier,
    x: torch.Tensor,
    score: Score,
    rules: AbstractContextManager[object] | None = None,
) -> torch.Tensor:
    """∂ score / ∂ input of every sample; the weights' ``.grad`` stay untouched.

    With `rules` (see `galaxyscope.explain.operations`) the network runs inside them, as it is;
    else in its calibrated mode.

    Raises
    ------
    ValueError
        If no way leads back from the answer to the picture.
    """
    x = x.detach().requires_grad_(True)
    with rules or classifier.quick("backward"):
        logits = classifier.logits(x)
    answer = score(logits).sum()
    found = torch.autograd.grad(answer, x, allow_unused=True)[0] if answer.requires_grad else None
    if found is None:
        raise ValueError(
            f"{classifier.card.name} has no gradients: its answer does not depend on the picture, "
            "or it computes without them"
        )
    return found


def answers(classifier: Classifier, x: torch.Tensor, score: Score) -> torch.Tensor:
    """Value of the target for every picture, shape (n,), without a graph; one batch."""
    with torch.no_grad(), classifier.quick("forward"):
        return score(classifier.logits(x))


def explain_samples(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
    sampler: Sampler,
    *,
    gradient: Gradient | None = None,
    blocks: int | None = None,
    promise: float | None = None,
    notes: tuple[str, ...] = (),
) -> Attribution:
    """Run all samples and average.

    Parameters
    ----------
    classifier, net_input, target, watch
        As in :meth:`Explainer.explain`.
    card, settings
        What the Attribution says of its making. With an ``agreement`` above 0 the samples are a
        maximum: after each block the two halves of what there is are compared (`split_half`),
        and from that agreement on no more is run. How far it is stands in the parameters of the
        growing Attribution, ``agreement_reached``.
    sampler : Sampler
    gradient : callable, optional
        What is taken for the gradient; default: :func:`gradients`.
    blocks : int, optional
        How many blocks; 1 where the samples are no estimates of one map (steps of a path).
    promise : float, optional
        What the map should sum to.
    notes : tuple of str
        How the method was adapted to the network.

    Returns
    -------
    Attribution
        With blocks where there are enough samples for at least two; their mean weighted by
        their numbers of samples is the map.

    Raises
    ------
    Cancelled
        At most one batch after ``watch.cancel()``.
    ValueError
        If the network's gradients are not finite.
    """
    score = score_of(classifier, target, card.scale)
    size = net_input.pixels.shape[-1]
    batch = batch_size(classifier, size)
    blocks = block_count(sampler.count) if blocks is None else blocks
    order = sample_order(sampler.count, blocks)
    sizes = [len(range(b, sampler.count, blocks)) for b in range(blocks)]
    ends = list(accumulate(sizes))
    asked, reached = float(settings.get("agreement", 0.0)), dict[str, float]()
    sums = torch.zeros((blocks, sampler.channels, size, size), device=classifier.device)
    weight = torch.zeros((1, size, size), device=classifier.device)

    def block_maps(done: int) -> torch.Tensor:
        """Average within each block that is complete after so many samples."""
        complete = sum(end <= done for end in ends)
        share = [size / done for size in sizes[:complete]]
        scale = weight * torch.tensor(share, device=weight.device)[:, None, None, None]
        return sampler.reduce(sums[:complete] / scale, sums.sum(0) / weight)

    def attribution(done: int, with_blocks: bool) -> Attribution:
        mean = sums.sum(0) / weight
        values = sampler.reduce(mean, mean)
        parts = block_maps(done) if with_blocks else None
        return make_attribution(
            classifier,
            net_input,
            score,
            card,
            {**settings, **reached},
            values,
            sampler.signed,
            samples_done=done,
            blocks=parts,
            promise=promise,
            notes=notes,
        )

    watch.report(0, sampler.count)
    with steady(classifier.network):
        for start, stop in _batches(sampler.count, batch, ends if asked else ()):
            samples = order[start:stop]
            x = sampler.inputs(samples)
            found = gradient(samples, x) if gradient else gradients(classifier, x, score)
            with torch.no_grad():
                maps, weights = sampler.maps(samples, found)
                for block, ones in _runs([sample % blocks for sample in samples]):
                    sums[block] += maps[ones].sum(0)
                weight += weights.sum(0)
                done = stop
                if asked and done in ends[1:]:
                    reached["agreement_reached"] = split_half(block_maps(done).cpu())
                    if reached["agreement_reached"] >= asked:
                        break
                if done < sampler.count:
                    growing = attribution(done, with_blocks=False) if watch.heard else None
                    watch.report(done, sampler.count, growing)
    told = reached.get("agreement_reached", 0.0)
    if told < asked:
        notes = (*notes, f"Halves of the samples agree to {told:.2f}; {asked:g} was asked for.")
    with torch.no_grad():
        result = attribution(done, with_blocks=blocks > 1)
    watch.report(done, done, result)
    return result


def make_attribution(
    classifier: Classifier,
    net_input: NetworkInput,
    score: Score,
    card: MethodCard,
    settings: Mapping[str, Any],
    values: torch.Tensor,
    signed: bool,
    samples_done: int = 1,
    blocks: torch.Tensor | None = None,
    *,
    promise: float | None = None,
    notes: tuple[str, ...] = (),
) -> Attribution:
    """Join a map with where it comes from and what is odd about it.

    Raises
    ------
    ValueError
        If the map is not finite.
    """
    model = classifier.card
    name = score.text
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{card.name}: {model.name} gives no finite map for {name}")
    found = values.detach().cpu().numpy().astype(np.float32)
    error = None if promise is None else completeness_error(found, promise)
    return Attribution(
        values=found,
        to_cutout=net_input.to_cutout,
        signed=signed,
        method=card.name,
        target=name,
        parameters=dict(settings),
        model=model.name,
        model_sha256=model.sha256,
        version=__version__,
        samples_done=samples_done,
        blocks=None if blocks is None else blocks.detach().cpu().numpy().astype(np.float32),
        completeness_error=error,
        notes=(*notes, *oddities(found, name, error)),
    )
