"""When the memory of a device runs out: a smaller batch, then the CPU, and a sentence about it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from galaxyscope.classify.card import ModelError

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier

T = TypeVar("T")

_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "_alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # MPS, the CPU's allocator, cuBLAS and cuDNN raise plain RuntimeErrors.
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def making_do(classifier: Classifier, batch: Callable[[], int], work: Callable[[], T]) -> T:
    """Do some work; each time memory runs out, once more with half the batch, then on the CPU.

    The smaller batch and the CPU stay, so that the next piece of work does not run into the
    same wall. The classifier's ``notices`` say what happened.

    Parameters
    ----------
    classifier : Classifier
    batch : callable
        Pictures per batch that the work takes at present.
    work : callable
        Starts from the beginning each time; its batches heed ``classifier.batch_limit``.

    Raises
    ------
    ModelError
        If one picture is too much for the CPU too.
    """
    while True:
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Only here, out of the except clause: the error holds what was computed so far.
        give_back()
        classifier.notice(_step(classifier, batch()))


def give_back() -> None:
    """Free the memory of tensors that nobody uses any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _step(classifier: Classifier, batch: int) -> str:
    device = str(classifier.device)
    if batch > 1:
        classifier.batch_limit = batch // 2
        pictures = "one picture" if batch < 4 else f"{batch // 2} pictures"
        return f"The memory of {device} ran out: the network gets {pictures} at a time."
    if classifier.device.type == "cpu":
        raise ModelError(
            classifier.card.name, "there is not enough memory for a single picture"
        ) from None
    classifier.move("cpu")
    classifier.batch_limit = None
    return f"The memory of {device} ran out: the network runs on the CPU, slowly."
