"""A network that is explained: in evaluation mode and frozen, and as it was before afterwards.

With frozen weights a tensor requires a gradient if and only if it depends on the picture, which
the methods rely on. Not all that a network computes with is registered as its parameter: tensors
and layers may be plain attributes, or stand in plain lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from galaxyscope.classify.exported import ExportedNetwork

#: Attributes of every layer that hold hooks and the like: to walk them all takes a third of the
#: time of a first map.
_BOOKKEEPING = frozenset(vars(nn.Module())) - {"_parameters", "_buffers", "_modules"}


class _Held(NamedTuple):
    """A tensor, and what holds it under which key."""

    holder: Any
    key: Any
    tensor: Tensor


@contextmanager
def steady(network: nn.Module) -> Iterator[None]:
    """Keep evaluation mode, frozen weights and gradients on inside; restore all after.

    Buffers too: a batch norm can be told to keep statistics in evaluation mode as well. What the
    network keeps of the runs inside depends on no picture afterwards.
    """
    flags = [(module, module.training) for module in network.modules()]
    buffers = _buffers(network)
    network.eval()  # an overridden `train`, which this calls, may return nothing
    free = [one for one in _tensors(network) if one.requires_grad and one.is_leaf]
    for tensor in free:
        tensor.requires_grad_(False)
    made = _cut(network)  # of free ones, by the network itself
    try:
        with torch.enable_grad():
            yield
    finally:
        for module, training in flags:
            module.training = training
        _cut(network)
        for one, ours in made:
            if any(held.tensor is ours for held in _in(one.holder)):
                one.holder[one.key] = one.tensor
        for tensor in free:
            tensor.requires_grad_(True)
        with torch.no_grad():
            for module, name, buffer, value in buffers:
                if not torch.equal(buffer, value):
                    buffer.copy_(value)
                module._buffers[name] = buffer


def _cut(network: nn.Module) -> list[tuple[_Held, Tensor]]:
    """Cut what the network holds from what it was made of; return what it was and is now."""
    found = []
    for held in list(_held(network)):
        tensor = held.tensor
        if tensor.requires_grad and not tensor.is_leaf and not isinstance(held.holder, tuple):
            held.holder[held.key] = tensor.detach()
            found.append((held, held.holder[held.key]))
    return found


def _tensors(network: nn.Module) -> list[Tensor]:
    """Return all that it computes with; of compiled networks only what is registered is seen."""
    found = [*network.parameters(), *network.buffers(), *(one.tensor for one in _held(network))]
    return list({id(tensor): tensor for tensor in found}.values())


def _held(network: nn.Module) -> Iterator[_Held]:
    """Tensors in the attributes of a network's layers, and in lists, tuples and mappings there."""
    for thing in _things(network):
        yield from _in(vars(thing) if isinstance(thing, nn.Module) else thing)


def _things(network: nn.Module) -> list[Any]:
    """Layers, also those in plain lists, and the lists, tuples and mappings that they hold."""
    found: dict[int, Any] = {}
    left: list[Any] = list(network.modules())
    while left:
        thing = left.pop()
        if id(thing) not in found:
            found[id(thing)] = thing
            items = _items(vars(thing) if isinstance(thing, nn.Module) else thing)
            left += [one for _, one in items if isinstance(one, nn.Module | dict | list | tuple)]
    return list(found.values())


def _in(holder: Any) -> list[_Held]:
    return [_Held(holder, key, one) for key, one in _items(holder) if isinstance(one, Tensor)]


def _items(holder: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(holder, dict):
        return [(key, one) for key, one in holder.items() if key not in _BOOKKEEPING]
    return list(enumerate(holder))


def _buffers(network: nn.Module) -> list[tuple[nn.Module, str, Tensor, Tensor]]:
    """Buffers by module and name, with a copy of each.

    Not those of exported programs, which are weights: nothing writes on them.
    """
    return [
        (module, name, buffer, buffer.detach().clone())
        for module in _things(network)
        if isinstance(module, nn.Module) and not isinstance(module, ExportedNetwork)
        for name, buffer in module.named_buffers(recurse=False)
    ]
