"""How a network ran: what the last bits of a map depend on, so that it can be made again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier

_MEASURED = ("gain", "error")  # of timing; no part of how it runs


def how_it_runs(classifier: Classifier) -> dict[str, Any]:
    """Return device, threads, torch and the calibrated modes of a network and its members.

    Returns
    -------
    dict
        JSON types only; :func:`run_so` takes it.
    """
    import torch

    return {
        "device": str(classifier.device),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "limit": classifier.batch_limit,
        "modes": [
            {work: _words(member.mode(work)) for work in ("forward", "backward")}
            for member in classifier.members
        ],
    }


def run_so(classifier: Classifier, ran: dict[str, Any]) -> None:
    """Let a network run as it ran before; what is not known stays as it is.

    Parameters
    ----------
    classifier : Classifier
        Used by nobody else meanwhile.
    ran : dict
        From :func:`how_it_runs`, of the same network.
    """
    import torch

    from galaxyscope.classify.modes import Mode

    if not ran:
        return
    torch.set_num_threads(int(ran["threads"]))
    classifier.batch_limit = ran["limit"]
    for member, modes in zip(classifier.members, ran["modes"], strict=True):
        known = {work: Mode(**words) for work, words in modes.items() if words is not None}
        member.calibrated({(work, member.precision): mode for work, mode in known.items()})


def _words(mode: Any) -> dict[str, Any] | None:
    if mode is None:
        return None
    return {k: v for k, v in dataclasses.asdict(mode).items() if k not in _MEASURED}
