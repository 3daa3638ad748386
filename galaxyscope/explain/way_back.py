"""The graph of the way back from a result: what stands in it that no rule can have seen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.nn.modules._functions import BackwardHookFunction

_HIDDEN_WORDS = """
relu silu gelu elu leakyrelu prelu prelukernel hardtanh hardswish hardsigmoid mish softplus
sigmoid logsigmoid tanh threshold glu erf
"""
_HIDDEN = frozenset(_HIDDEN_WORDS.split())
"""Activations whose own derivative never stands behind a result of the rules."""


def hidden(result: Tensor, own: tuple[type, ...]) -> set[str]:
    """Names of what was computed on the way to a result and can have met no rule.

    Functions with a way back of their own (`torch.autograd.Function`) and compiled code show the
    mode nothing, or not what leads back. Each step is asked for what it has kept.

    Parameters
    ----------
    result : Tensor
    own : tuple of type
        Functions with a way back of their own that belong to the rules.

    Raises
    ------
    RuntimeError
        If something was written over that is needed on the way back.
    """
    known = (*own, BackwardHookFunction)  # the latter lets a user's hooks look, and changes nothing
    found = set()
    for step in _steps(result):
        name = step.name()
        plain = name.rpartition("::")[2].rpartition("Backward")[0]
        if isinstance(step, BackwardCFunction):
            found |= set() if getattr(step, "_forward_cls", None) in known else {plain}
        elif "DifferentiableGraph" in name or "CppNode" in name:
            found.add("compiled code")
        elif plain.lower() in _HIDDEN:
            found.add(plain.lower())
        for kept in _keeps(type(step)):
            getattr(step, kept)
    return found


@cache
def _keeps(kind: type) -> tuple[str, ...]:
    """Names under which a step on the way back has kept tensors."""
    return tuple(n for n in dir(kind) if n.startswith("_saved_") or n == "saved_tensors")


def _steps(result: Tensor) -> Iterator[Any]:
    """Every step on the way back from a result."""
    met = {result.grad_fn}
    waiting = list(met)
    while waiting:
        step = waiting.pop()
        if step is not None:
            yield step
            after = {following for following, _ in step.next_functions} - met
            met |= after
            waiting += after
