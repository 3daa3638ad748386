from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from galaxyscope.train.optimizer import Kernels, optimizers
from galaxyscope.train.recipe import Recipe


def test_matrices_move_as_torch_has_it() -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(6, 9), torch.randn(3, 6, 9)
    mine, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    one, two = Kernels([mine], 0.02, 0.1), torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1)
    for gradient in gradients:
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        two.step()
    assert torch.equal(mine, theirs)
    assert not torch.equal(mine, start)


def test_kernels_move_as_matrices_of_output_channels() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    matrix = nn.Parameter(layer.weight.detach().permute(0, 2, 3, 1).flatten(1).clone())
    gradient = torch.randn(6, 4, 3, 3)
    layer.weight.grad = gradient.to(memory_format=torch.channels_last)
    matrix.grad = gradient.permute(0, 2, 3, 1).flatten(1).clone()
    Kernels([layer.weight], 0.02, 0.0).step()
    torch.optim.Muon([matrix], lr=0.02, weight_decay=0.0).step()
    assert torch.equal(layer.weight.permute(0, 2, 3, 1).flatten(1), matrix)


def test_rate_of_the_group_is_the_rate_of_the_step() -> None:
    kernel = nn.Parameter(torch.eye(4))
    kernel.grad = torch.randn(4, 4)
    stepper = Kernels([kernel], 0.02, 0.0)
    stepper.param_groups[0]["lr"] = 0.0
    stepper.step()
    assert torch.equal(kernel, torch.eye(4))


def test_state_goes_round() -> None:
    def stepped(times: int, state: dict[str, object] | None = None, at: torch.Tensor | None = None):  # type: ignore[no-untyped-def]
        kernel = nn.Parameter(torch.eye(4) if at is None else at.clone())
        stepper = Kernels([kernel], 0.02, 0.0)
        if state is not None:
            stepper.load_state_dict(state)
        for number in range(times):
            seed = number + (0 if state is None else 2)
            kernel.grad = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))
            stepper.step()
        return kernel.detach(), stepper.state_dict()

    whole, _ = stepped(4)
    half, state = stepped(2)
    assert torch.equal(stepped(2, state, half)[0], whole)


def test_every_weight_has_one_optimizer(recipe: Callable[..., Recipe]) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 8, 3),
        nn.Flatten(),
        nn.Linear(8, 8),
        nn.Linear(8, 2),
    )
    steppers = optimizers(network, recipe(more="muon = 0.02"))
    held = [id(p) for stepper in steppers for g in stepper.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    taken = {id(p) for p in steppers[1].param_groups[0]["params"]}
    assert taken == {id(network[3].weight), id(network[5].weight)}


def test_adamw_without_decay_is_adam(recipe: Callable[..., Recipe]) -> None:
    """The optimizer of Bhambra et al. 2022."""
    torch.manual_seed(0)
    one, two = nn.Linear(4, 4), nn.Linear(4, 4)
    two.load_state_dict(one.state_dict())
    stepper = optimizers(one, recipe(more="decay = 0.0"))[0]
    adam = torch.optim.Adam(two.parameters(), lr=recipe().rate)
    for _ in range(3):
        for network, optimizer in ((one, stepper), (two, adam)):
            network.zero_grad()
            (network(torch.ones(1, 4)) ** 2).sum().backward()
            optimizer.step()
    assert torch.equal(one.weight, two.weight)
    assert torch.equal(one.bias, two.bias)
