"""A network that is explained: in evaluation mode and frozen, and as it was before afterwards.

With frozen weights a tensor requires a gradient if and only if it depends on the picture, which
the methods rely on. Not all that a network computes with is registered as its parameter: tensors
and layers may be plain attributes, or stand in plain lists.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from galaxyscope.classify.exported import ExportedNetwork

#: Attributes of every layer that need no looking at: hooks and the like, and what it registers.
_BOOKKEEPING = frozenset(vars(nn.Module())) - {"_buffers"}

_CONTAINERS = (dict, list, tuple)


class _Held(NamedTuple):
    """A tensor, and what holds it under which key."""

    holder: Any
    key: Any
    tensor: Tensor


class _Eager:
    """Compiled code is not used while any network is explained, but what it was made of.

    Methods change what a network does while it runs. Of that compiled code shows them little,
    and worse: what it is compiled to inside their rules it would do for the next method too.
    torch has one stance for all threads: the first to come takes it, the last to leave puts it
    back. Elsewhere compiled networks only take longer meanwhile.
    """

    def __init__(self) -> None:
        self._lock, self._stance, self._inside = threading.Lock(), ExitStack(), 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        if "torch._dynamo" not in sys.modules:  # nothing is compiled; to import it takes seconds
            yield
            return
        with self._lock:
            if not self._inside:
                self._stance.enter_context(torch.compiler.set_stance("force_eager"))
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._stance.close()


_eager = _Eager()


@contextmanager
def steady(network: nn.Module) -> Iterator[None]:
    """Keep evaluation mode, frozen weights and gradients on inside; restore all after.

    Buffers too: a batch norm can be told to keep statistics in evaluation mode as well. What the
    network keeps of the runs inside depends on no picture afterwards. What is compiled runs as it
    was written.
    """
    flags = [(module, module.training) for module in network.modules()]
    if any(training for _, training in flags):
        network.eval()  # an overridden `train`, which this calls, may return nothing
    modules, held = _inside(network)  # once: to look at every attribute takes milliseconds
    buffers = [(one, one.tensor.detach().clone()) for one in _buffers(modules)]
    free = [one for one in _tensors(modules, held) if one.requires_grad and one.is_leaf]
    for tensor in free:
        tensor.requires_grad_(False)
    made = _cut(held)  # of free ones, by the network itself
    try:
        with _eager(), torch.enable_grad():
            yield
    finally:
        for module, training in flags:
            if module.training != training:  # to set it is slow
                module.training = training
        _cut(_inside(network)[1])
        for one, ours in made:
            if any(item is ours for _, item in _items(one.holder)):
                one.holder[one.key] = one.tensor
        for tensor in free:
            tensor.requires_grad_(True)
        with torch.no_grad():
            for (one, value), other in zip(buffers, _differ(buffers), strict=True):
                if other:
                    one.tensor.copy_(value)
                one.holder[one.key] = one.tensor


def _differ(buffers: Sequence[tuple[_Held, Tensor]]) -> list[bool]:
    """Which buffers have other values than before; a graphics card is waited for once."""
    if not buffers:
        return []
    found = [(one.tensor != value).any() for one, value in buffers]
    differ: list[bool] = torch.stack([each.to(found[0].device) for each in found]).tolist()
    return differ


def _cut(held: Sequence[_Held]) -> list[tuple[_Held, Tensor]]:
    """Cut what the network holds from what it was made of; return what it was and is now."""
    found = []
    for one in held:
        tensor = one.tensor
        if tensor.requires_grad and not tensor.is_leaf and not isinstance(one.holder, tuple):
            one.holder[one.key] = tensor.detach()
            found.append((one, one.holder[one.key]))
    return found


def _tensors(modules: Sequence[nn.Module], held: Sequence[_Held]) -> list[Tensor]:
    """Return all that they compute with; of compiled ones only what is registered is seen."""
    found = [one.tensor for one in held]
    for module in modules:
        found += [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return list({id(tensor): tensor for tensor in found}.values())


def _inside(network: nn.Module) -> tuple[list[nn.Module], list[_Held]]:
    """Layers, also those in plain lists; tensors in their attributes, and in lists and the like."""
    modules = {id(module): module for module in network.modules()}
    holders: dict[int, Any] = {}
    held = []
    left: list[Any] = [vars(module) for module in modules.values()]
    while left:
        holder = left.pop()
        if id(holder) in holders:
            continue
        holders[id(holder)] = holder
        for key, one in _items(holder):
            if isinstance(one, Tensor):
                held.append(_Held(holder, key, one))
            elif isinstance(one, nn.Module):
                new = [module for module in one.modules() if id(module) not in modules]
                modules.update((id(module), module) for module in new)
                left += [vars(module) for module in new]
            elif isinstance(one, _CONTAINERS) and one:
                left.append(one)
    return list(modules.values()), held


def _items(holder: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(holder, dict):
        return [(key, holder[key]) for key in holder.keys() - _BOOKKEEPING]
    return enumerate(holder)


def _buffers(modules: Iterable[nn.Module]) -> list[_Held]:
    """Buffers, but not those of exported programs, which are weights: nothing writes on them."""
    return [
        _Held(module._buffers, name, buffer)
        for module in modules
        if not isinstance(module, ExportedNetwork)
        for name, buffer in module.named_buffers(recurse=False)
    ]
