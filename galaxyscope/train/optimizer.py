"""Optimizers: AdamW for all, or Muon for the kernels and matrices inside the network.

Muon (Jordan et al. 2024, as `torch.optim.Muon` has it) makes every step of a matrix
orthogonal. On Galaxy Zoo pictures a small network is after three epochs where AdamW brings
it in five, see docs/decisions/0011-training-on-two-cores.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from galaxyscope.train.recipe import Recipe


class Kernels(torch.optim.Optimizer):
    """Muon for convolutions and dense layers.

    `torch.optim.Muon` takes matrices only: it is given views of the kernels, in the memory
    order that `channels_last` networks have, and the matching views of their gradients.

    Parameters
    ----------
    kernels : list of Parameter
    rate, decay : float
    """

    def __init__(self, kernels: list[nn.Parameter], rate: float, decay: float) -> None:
        super().__init__(kernels, {"lr": rate})
        self.kernels = kernels
        self.matrices = [nn.Parameter(_matrix(kernel.detach())) for kernel in kernels]
        self.muon = torch.optim.Muon(self.matrices, lr=rate, weight_decay=decay)

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step with the kernels' gradients."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _matrix(kernel.grad)
        self.muon.param_groups[0]["lr"] = self.param_groups[0]["lr"]
        self.muon.step()

    def state_dict(self) -> dict[str, object]:
        """State of Muon, one momentum per kernel."""
        return self.muon.state_dict()

    def load_state_dict(self, state_dict: dict[str, object]) -> None:
        """Set what `state_dict` gave."""
        self.muon.load_state_dict(state_dict)


def optimizers(network: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Optimizers that together train all of a network, each with its full rate as ``lr``.

    Muon leaves to AdamW what is not a matrix that maps features to features: norms, biases,
    the first and the last layer, and kernels of single channels.
    """
    kernels = _inner_kernels(network) if recipe.muon else []
    taken = {id(kernel) for kernel in kernels}
    rest = [p for p in network.parameters() if id(p) not in taken]
    groups = [
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
    ]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=recipe.rate)]
    if kernels:
        found.append(Kernels(kernels, recipe.muon, recipe.decay))
    return found


def _inner_kernels(network: nn.Module) -> list[nn.Parameter]:
    layers = [
        m
        for m in network.modules()
        if (isinstance(m, nn.Conv2d) and m.groups == 1) or isinstance(m, nn.Linear)
    ]
    return [layer.weight for layer in layers[1:-1]]


def _matrix(kernel: Tensor) -> Tensor:
    """View with one row per output channel."""
    return (kernel.permute(0, 2, 3, 1) if kernel.ndim == 4 else kernel).flatten(1)
