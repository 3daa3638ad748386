"""One table of all methods: the network is as it was after success, error and cancel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.architectures import build
from galaxyscope.explain.engine import steady
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.explain.steady import _inside
from galaxyscope.work.watch import Cancelled, Watch


class Odd(nn.Module):
    """Layers and weights where no parameter is registered; a buffer that is learned; a record."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(True))
        self.pool, self.drop = nn.MaxPool2d(2), nn.Dropout(0.5)
        self.hidden = [nn.Conv2d(8, 8, 3, 1, 1)]
        self.scales = {"a": torch.full((1, 8, 1, 1), 0.9, requires_grad=True)}
        self.pair = (torch.full((1, 8, 1, 1), 0.1, requires_grad=True), 3)
        self.free = torch.full((), 1.1, requires_grad=True)
        self.register_buffer("learned", torch.full((1, 8, 1, 1), 1.2, requires_grad=True))
        self.head = nn.Linear(8, 2)
        self.twice = self.head.weight * 2
        self.last: Tensor | None = None
        self.states: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(self.first(x))
        y = functional.relu(self.hidden[0](y) * self.scales["a"] + self.pair[0] * self.learned)
        self.last, self.states[:] = y.detach(), [y * 2]
        return functional.linear(self.drop(y.mean((2, 3))), self.twice, self.head.bias) * self.free


def picture_and_network(name: str, make_input):
    """A network that the method fits, and a picture for it."""
    torch.manual_seed(3)
    if METHODS[name].card.family != "Transformers":
        return Odd(), make_input()
    network = build("vit", 2, {"size": 32, "patch": 8, "features": 12, "depth": 2, "heads": 3})
    with torch.no_grad():
        network.token.normal_()
    return network, make_input(32)


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def marks(network: nn.Module) -> list[object]:
    """Everything of a network that an explainer might leave changed."""
    found: list[object] = []
    for module in network.modules():
        found.append((module.training, sorted(vars(module))))
        found.append([list(getattr(module, hooks).items()) for hooks in HOOKS])
    held = [one.tensor for one in _inside(network)[1]]
    tensors = [*network.parameters(), *network.buffers(), *held]
    if isinstance(network, Odd):
        tensors += [*network.hidden[0].parameters(), *network.pair[:1], *network.scales.values()]
        tensors = [one for one in tensors if one is not network.last]
        tensors = [one for one in tensors if all(one is not other for other in network.states)]
    for one in tensors:
        grad = None if one.grad_fn else one.grad
        found += [(id(one), one.requires_grad, one.grad_fn is None, id(grad))]
        found += [one.detach().clone(), torch.zeros(0) if grad is None else grad.clone()]
    found += [torch.get_rng_state(), torch.is_grad_enabled(), torch.get_num_threads()]
    return found


def same(before: list[object], after: list[object]) -> bool:
    return len(before) == len(after) and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b
        for a, b in zip(before, after, strict=True)
    )


def prepared(name: str, classify, make_input):
    """With hooks, gradients and modes of the user's own."""
    network, picture = picture_and_network(name, make_input)
    classifier = classify(network)
    network.requires_grad_(True)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    middle = list(network.modules())[2]
    middle.train()
    middle.register_forward_hook(lambda *_: None)
    middle.register_full_backward_hook(lambda *_: None)
    return classifier, picture


@pytest.mark.parametrize("name", METHODS)
def test_the_network_is_left_as_it_was(classify, make_input, monkeypatch, name, few) -> None:
    classifier, picture = prepared(name, classify, make_input)
    network, original, ask = classifier.network, picture.pixels.copy(), few(name)
    before = marks(network)

    def explain(watch: Watch | None = None) -> None:
        method(name).explain(classifier, picture, "bar", ask, watch or Watch())

    def left(how: str) -> None:
        assert same(before, marks(network)), f"after {how}"
        if isinstance(network, Odd):
            assert network.last is not None
            assert not network.last.requires_grad, f"after {how}"
            assert not network.states[0].requires_grad, f"after {how}"

    explain()
    left("success")

    watch, inner = Watch(), classifier.logits

    def cancelled(x: Tensor) -> Tensor:
        watch.cancel()
        return inner(x)

    monkeypatch.setattr(classifier, "logits", cancelled)
    with pytest.raises(Cancelled):
        explain(watch)
    left("cancel")

    def broken(x: Tensor) -> Tensor:
        inner(x)
        raise OSError("device lost")

    monkeypatch.setattr(classifier, "logits", broken)
    with pytest.raises(OSError, match="device lost"):
        explain()
    left("an error")

    monkeypatch.setattr(classifier, "logits", inner)
    deep = list(network.modules())[-1]
    monkeypatch.setattr(type(deep), "forward", lambda *_: 1 / 0)
    monkeypatch.setattr(functional, "linear", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explain()
    left("an error in the middle of the network")
    np.testing.assert_array_equal(picture.pixels, original)


def test_what_is_no_parameter_is_frozen_too(classify) -> None:
    network = classify(Odd()).network
    twice, free, learned = network.twice, network.free, network.learned
    with torch.no_grad():
        plain = network(torch.ones(1, 3, 24, 24))
    with steady(network):
        held = [one.tensor for one in _inside(network)[1]]
        assert len(held) > 5
        assert not any(one.requires_grad for one in network.parameters())
        assert not any(one.requires_grad for one in held)
        assert not any(one.requires_grad for one in network.hidden[0].parameters())
        found = network(torch.ones(1, 3, 24, 24))
        assert not found.requires_grad, "nothing depends on a picture"
        torch.testing.assert_close(found, plain)
    assert (network.twice is twice, network.free is free, network.learned is learned) == (True,) * 3
    assert twice.requires_grad
    assert free.requires_grad
    assert learned.requires_grad
    assert network.hidden[0].weight.requires_grad
    assert network.scales["a"].requires_grad
    assert network.pair[0].requires_grad


def test_what_is_kept_of_a_run_holds_no_gradient(classify, make_input) -> None:
    """Also what the search for a feature map has joined with the picture again."""
    from galaxyscope.explain.cost import passes
    from galaxyscope.explain.preflight import preflight

    classifier = classify(Odd())
    for work in (
        lambda: preflight("grad-cam", classifier, make_input()),
        lambda: passes("score-cam", classifier, make_input(), {}),
    ):
        work()
        assert not classifier.network.last.requires_grad
        assert not classifier.network.states[0].requires_grad


def test_buffers_with_gradients_are_put_back(classify) -> None:
    classifier = classify(Odd())
    with steady(classifier.network), torch.no_grad():
        classifier.network.learned.add_(1)
    assert float(classifier.network.learned.detach().mean()) == pytest.approx(1.2)
