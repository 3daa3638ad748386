"""Which attentions make up one layer, which are none between tokens, and how they are called."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.attention_layers import AttentionWatching
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch

SIZE, PATCH, WIDE = 32, 8, 16
NAMES = ("attention-rollout", "attention-relevance")
Mixing = Callable[["Two", int, Tensor], Tensor]


class Two(nn.Module):
    """Two layers of attention as `mix` writes them; the class token, or the mean, is read."""

    def __init__(self, mix: Mixing, mean: bool = False, positions: float = 0.3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.mix, self.mean = mix, mean
        self.patch, self.head = nn.Conv2d(3, WIDE, PATCH, PATCH), nn.Linear(WIDE, 2)
        self.token = nn.Parameter(torch.randn(1, 1, WIDE))
        self.place = nn.Parameter(torch.randn(1, 17, WIDE) * positions)
        self.qkv = nn.ModuleList(nn.Linear(WIDE, 3 * WIDE) for _ in range(2))
        self.out = nn.ModuleList(nn.Linear(WIDE, WIDE) for _ in range(2))
        self.norm = nn.LayerNorm(WIDE)
        for one in self.qkv:
            nn.init.normal_(one.weight, std=0.5)  # tokens look at each other unevenly

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).mT
        if not self.mean:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        x = x + self.place[:, : x.shape[1]]
        for number in range(2):
            x = x + self.mix(self, number, self.norm(x))
        x = self.norm(x)
        return self.head(x.mean(1) if self.mean else x[:, 0])

    def heads(self, number: int, y: Tensor, count: int = 4) -> tuple[Tensor, ...]:
        """Queries, keys and values, each (n, heads, tokens, channels)."""
        parts = self.qkv[number](y).chunk(3, -1)
        return tuple(one.unflatten(-1, (count, -1)).transpose(1, 2) for one in parts)


def weights(q: Tensor, k: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)


def joined(mixed: Tensor) -> Tensor:
    return mixed.transpose(1, 2).flatten(2)


def joint(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    return self.out[number](joined(weights(q, k) @ v))


def listed(self: Two, number: int, y: Tensor) -> Tensor:
    each = zip(*(one.unbind(1) for one in self.heads(number, y)), strict=True)
    return self.out[number](torch.cat([weights(q, k) @ v for q, k, v in each], -1))


def listed_fused(self: Two, number: int, y: Tensor) -> Tensor:
    each = zip(*(one.split(1, 1) for one in self.heads(number, y)), strict=True)
    mixed = [functional.scaled_dot_product_attention(q, k, v) for q, k, v in each]
    return self.out[number](joined(torch.cat(mixed, 1)))


def beside(self: Two, number: int, y: Tensor) -> Tensor:
    """Blocks of one and of three heads, each with its own part of the last dense layer."""
    q, k, v = self.heads(number, y)
    out, total = self.out[number], torch.zeros_like(y)
    for part, columns in ((slice(0, 1), slice(0, 4)), (slice(1, 4), slice(4, 16))):
        mixed = joined(weights(q[:, part], k[:, part]) @ v[:, part])
        total = total + functional.linear(mixed, out.weight[:, columns], out.bias / 2)
    return total


def written_over(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    attention = weights(q, k)
    attention *= 0.5
    return self.out[number](joined(attention @ (2 * v)))


def with_another_that_is_not_used(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    _ = weights(k, q) @ v
    return joint(self, number, y)


def explained(name: str, classifier, picture) -> np.ndarray:
    return method(name).explain(classifier, picture, "bar", {}, Watch()).values


def same(name: str, classify, picture, one: nn.Module, other: nn.Module) -> None:
    """Networks with the same logits have the same verdict and map."""
    logits = [network.eval()(torch.from_numpy(picture.pixels)[None]) for network in (one, other)]
    torch.testing.assert_close(*logits)
    assert preflight(name, classify(other), picture) == preflight(name, classify(one), picture)
    maps = [explained(name, classify(network), picture) for network in (one, other)]
    assert np.ptp(maps[0]) > 0
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-4, atol=1e-6 * maps[0].max())


@pytest.mark.parametrize(
    "mix", [listed, listed_fused, beside, written_over, with_another_that_is_not_used]
)
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_heads_of_one_layer_are_joined_however_written(
    classify, make_input, name, mean, mix
) -> None:
    same(name, classify, make_input(SIZE), Two(joint, mean), Two(mix, mean))


def two_softmaxes(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    return joined((weights(q, k) - 0.3 * weights(k, q)) @ v)


def in_place(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    difference, other = weights(q, k), weights(k, q)
    difference -= 0.3 * other
    return joined(difference @ v)


def one_softmax(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    a, b = weights(q, k).unflatten(1, (2, 2)).unbind(2)
    return joined((a - 0.3 * b) @ v[:, :2]).repeat(1, 1, 2)


def two_fused(self: Two, number: int, y: Tensor) -> Tensor:
    q, k, v = self.heads(number, y)
    mixed = [functional.scaled_dot_product_attention(*qk, v) for qk in ((q, k), (k, q))]
    return joined(mixed[0] - 0.3 * mixed[1])


@pytest.mark.parametrize("mix", [two_softmaxes, in_place, one_softmax, two_fused])
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_difference_of_softmaxes_is_refused(classify, make_input, name, mean, mix) -> None:
    fit = preflight(name, classify(Two(mix, mean)), make_input(SIZE))
    assert fit.verdict == "refused"
    assert "weights of one softmax from those of another" in fit.reason


@pytest.mark.parametrize("mix", [joint, listed])
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_flat_picture_is_not_taken_for_one(classify, make_input, name, mean, mix) -> None:
    flat = make_input(np.full((3, SIZE, SIZE), 0.4, np.float32))
    fit = preflight(name, classify(Two(mix, mean, positions=0)), flat)
    assert (fit.verdict, "softmax" in fit.reason) == ("adapted" if mean else "fits", False)


class Branches(Two):
    """Towers of so many layers, which meet at the end."""

    def __init__(self, *depths: int) -> None:
        super().__init__(joint)
        self.depths = depths

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).mT
        start = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.place
        total = torch.zeros_like(start)
        for number, depth in enumerate(self.depths):
            x = start
            for _ in range(depth):
                x = x + joint(self, number, self.norm(x))
            total = total + x
        return self.head(total[:, 0])


@pytest.mark.parametrize("depths", [(2, 2), (2, 1), (1, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_branches_of_layers_are_refused(classify, make_input, name, depths) -> None:
    fit = preflight(name, classify(Branches(*depths)), make_input(SIZE))
    assert (fit.verdict, "in branches" in fit.reason) == ("refused", True)


def channels(self: Two, number: int, y: Tensor) -> Tensor:
    """Attention between channels, of which there are as many as patches."""
    q, k, v = (one.mT for one in self.qkv[number](y).chunk(3, -1))
    return self.out[number]((weights(q, k) @ v).mT)


def twice(self: Two, number: int, y: Tensor) -> Tensor:
    """The same with two heads, of as many channels each."""
    parts = (torch.cat([one, one.roll(1, -1)], -1) for one in self.qkv[number](y).chunk(3, -1))
    q, k, v = (one.mT.unflatten(1, (2, -1)) for one in parts)
    return self.out[number]((weights(q, k) @ v).sum(1).mT)


@pytest.mark.parametrize("mix", [channels, twice])
@pytest.mark.parametrize("name", NAMES)
def test_attention_between_as_many_channels_is_refused(classify, make_input, name, mix) -> None:
    fit = preflight(name, classify(Two(mix, mean=True)), make_input(SIZE))
    assert fit.verdict == "refused"
    assert "tokens see each other otherwise than by attention" in fit.reason


@pytest.mark.parametrize("name", NAMES)
def test_attention_that_hardly_counts_is_attention(classify, make_input, name) -> None:
    """As at the start of a training with layer scale; with as many channels as tokens."""
    network = Two(lambda self, number, y: 1e-5 * joint(self, number, y), mean=True)
    assert preflight(name, classify(network), make_input(SIZE)).verdict == "adapted"


def causal(dimensions: int, fused: bool) -> Mixing:
    def mix(self: Two, number: int, y: Tensor) -> Tensor:
        q, k, v = self.qkv[number](y).chunk(3, -1)
        if dimensions == 4:
            q, k, v = q[:, None], k[:, None], v[:, None]
        if fused:
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            later = torch.ones(q.shape[-2], q.shape[-2]).triu(1) > 0
            scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(later, -torch.inf)
            mixed = scores.softmax(-1) @ v
        return self.out[number](mixed if dimensions == 3 else mixed[:, 0])

    return mix


@pytest.mark.parametrize("dimensions", [3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_causal_attention_of_any_dimensions(classify, make_input, name, dimensions) -> None:
    written, fused = (Two(causal(dimensions, one), mean=True) for one in (False, True))
    same(name, classify, make_input(SIZE), written, fused)


def of_each_picture(need: bool, average: bool) -> Mixing:
    """``torch.nn.MultiheadAttention`` on the tokens of one picture, (tokens, channels)."""

    def mix(self: Two, number: int, y: Tensor) -> Tensor:
        qkv, out = self.qkv[number], self.out[number]
        found = []
        for one in y:
            mixed, shown = functional.multi_head_attention_forward(
                one, one, one, WIDE, 4, qkv.weight, qkv.bias, None, None, False, 0.0,
                out.weight, out.bias, training=False, need_weights=need,
                average_attn_weights=average,
            )  # fmt: skip
            tokens = len(one)
            if need:
                assert shown.shape == ((tokens, tokens) if average else (4, tokens, tokens))
            found.append(mixed)
        return torch.stack(found)

    return mix


@pytest.mark.parametrize(("need", "average"), [(False, True), (True, True), (True, False)])
@pytest.mark.parametrize("name", NAMES)
def test_attention_of_a_single_picture_without_its_batch(
    classify, make_input, name, need, average
) -> None:
    same(name, classify, make_input(SIZE), Two(joint), Two(of_each_picture(need, average)))


def test_what_cannot_be_written_out_is_said_in_a_sentence() -> None:
    q, k = torch.ones(1, 4, 3), torch.ones(1, 4, 2)
    with (
        AttentionWatching(),
        pytest.raises(ValueError, match=r"^the network's attention cannot be written out \(.+\)$"),
    ):
        functional.scaled_dot_product_attention(q, k, k)


def test_too_little_memory_is_no_reason_of_the_network(monkeypatch) -> None:
    def full(*_: object) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(AttentionWatching, "noted", full)
    with AttentionWatching(), pytest.raises(torch.OutOfMemoryError):
        functional.scaled_dot_product_attention(*(torch.ones(1, 4, 3),) * 3)
