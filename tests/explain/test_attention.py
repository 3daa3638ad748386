"""Attention rollout and relevance: a slow literal oracle, other spellings, what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.classify.architectures import build
from galaxyscope.explain import attention
from galaxyscope.explain.engine import steady
from galaxyscope.explain.features import upsampled
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

SIZE, PATCH = 32, 8
NAMES = ("attention-rollout", "attention-relevance")
CELLS = Affine(a=PATCH, c=(PATCH - 1) / 2, e=PATCH, f=(PATCH - 1) / 2)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(2)
    made = build("vit", 2, {"size": SIZE, "patch": PATCH, "features": 12, "depth": 3, "heads": 3})
    with torch.no_grad():  # as after training: tokens look at each other unevenly
        for parameter in made.parameters():
            parameter.mul_(4)
        made.token.normal_()
    return made.eval()


def literal(network: nn.Module, pixels: np.ndarray, name: str, index: int) -> np.ndarray:
    """Loops over layers, heads and tokens, with the weights that hooks of the modules show."""
    seen: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    hooks = [block.attention.weights.register_forward_hook(keep) for block in network.blocks]
    network(torch.from_numpy(pixels)[None].requires_grad_(True))[0, index].backward()
    for hook in hooks:
        hook.remove()
    tokens = seen[0].shape[-1]
    total = np.eye(tokens)
    for layer in seen:
        weights, slopes = layer.detach()[0].numpy(), layer.grad[0].numpy()
        heads = len(weights)
        mean = np.zeros((tokens, tokens))
        for h in range(heads):
            for i in range(tokens):
                for j in range(tokens):
                    if name == "attention-rollout":
                        mean[i, j] += weights[h, i, j] / heads
                    else:
                        mean[i, j] += max(0.0, slopes[h, i, j] * weights[h, i, j]) / heads
        if name == "attention-rollout":
            total = (0.5 * mean + 0.5 * np.eye(tokens)) @ total
        else:
            total = total + mean @ total
    return total[0, 1:].reshape(SIZE // PATCH, -1)


def explained(name: str, classifier, picture, target: str = "Class3.1") -> np.ndarray:
    return method(name).explain(classifier, picture, target, {}, Watch()).values


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("index", [0, 1])
def test_the_map_is_that_of_the_literal_loops(network, classify, make_input, name, index) -> None:
    picture, classifier = make_input(SIZE), classify(network)
    coarse = torch.from_numpy(literal(network, picture.pixels, name, index))[None].float()
    oracle = upsampled(coarse, CELLS, (SIZE, SIZE))[0].numpy()
    assert np.ptp(oracle) > 0
    found = explained(name, classifier, picture, f"Class3.{index + 1}")
    np.testing.assert_allclose(found, oracle, rtol=1e-4, atol=1e-6 * oracle.max())


def test_rollout_is_the_same_for_every_answer_and_relevance_is_not(
    network, classify, make_input
) -> None:
    classifier, picture = classify(network), make_input(SIZE)
    maps = [[explained(n, classifier, picture, t) for t in ("Class3.1", "Class3.2")] for n in NAMES]
    np.testing.assert_array_equal(*maps[0])
    assert np.abs(maps[1][0] - maps[1][1]).max() > 1e-3 * maps[1][0].max()


@pytest.mark.parametrize("twin", ["no skip", "no gradient", "first row of patches"])
def test_broken_twins_differ(network, classify, make_input, twin) -> None:
    picture = make_input(SIZE)
    classifier = classify(network)
    with steady(network):
        found = attention.attentions(classifier, torch.from_numpy(picture.pixels)[None], Score(0))
    assert found.rows.tolist() == [0]
    assert (found.cells, found.grid) == (tuple(range(1, 17)), (4, 4))
    assert found.patches.to_input == CELLS
    if twin == "no skip":
        broken, right = torch.eye(17), attention.rollout(found)
        for weights in found.weights:
            broken = weights.mean(0) @ broken
    elif twin == "no gradient":
        broken, right = torch.eye(17), attention.relevance(found)
        for weights in found.weights:
            broken = broken + weights.mean(0) @ broken
    else:
        right = attention.relevance(found)
        broken = right.roll(1, -1)
    assert float((broken[0, 1:] - right[0, 1:]).abs().max()) > 1e-2 * float(right[0, 1:].max())


def respelled(kernel: str):
    """Attention of the same weights, written otherwise."""

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(x).chunk(3, -1)
        )
        if kernel == "fused":
            mixed = functional.scaled_dot_product_attention(q, k, v)
        elif kernel == "fused by keyword":
            mixed = functional.scaled_dot_product_attention(query=q, key=k, value=v)
        elif kernel == "flat heads":
            q, k, v = (one.reshape(n * self.heads, t, -1) for one in (q, k, v))
            scores = torch.baddbmm(
                torch.zeros(1, 1, 1), q, k.transpose(1, 2), alpha=q.shape[-1] ** -0.5
            )
            mixed = torch.bmm(functional.softmax(scores, dim=2), v).unflatten(0, (n, -1))
        elif kernel == "float64 softmax":
            scores = (q @ k.mT) * q.shape[-1] ** -0.5
            mixed = torch.softmax(scores, -1, dtype=torch.float64).float() @ v
        else:
            used = kernel.endswith("weights")
            found, weights = functional.multi_head_attention_forward(
                *(x.transpose(0, 1),) * 3, c, self.heads, self.qkv.weight, self.qkv.bias,
                None, None, False, 0.0, self.projection.weight, self.projection.bias,
                training=False, need_weights=used, average_attn_weights="mean" in kernel,
            )  # fmt: skip
            if used:
                assert weights.shape == ((n, t, t) if "mean" in kernel else (n, self.heads, t, t))
                torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
            return found.transpose(0, 1)
        return self.projection(mixed.transpose(1, 2).reshape(n, t, c))

    return forward


_KERNELS = [
    "fused",
    "fused by keyword",
    "flat heads",
    "float64 softmax",
    "multihead",
    "multihead with mean weights",
    "multihead with weights",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernel", _KERNELS)
def test_another_spelling_gives_the_same_map(
    network, classify, make_input, monkeypatch, name, kernel
) -> None:
    classifier, picture = classify(network), make_input(SIZE)
    plain = explained(name, classifier, picture)
    monkeypatch.setattr(type(network.blocks[0].attention), "forward", respelled(kernel))
    assert preflight(name, classifier, picture).verdict == "fits"
    np.testing.assert_allclose(
        explained(name, classifier, picture), plain, rtol=1e-3, atol=1e-5 * plain.max()
    )


@pytest.mark.slow
def test_an_exported_transformer_has_the_same_maps(network, classify, make_input) -> None:
    from galaxyscope.classify.exported import ExportedNetwork
    from galaxyscope.classify.pt2 import read_program

    file, x = io.BytesIO(), torch.rand(2, 3, SIZE, SIZE)
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    torch.export.save(torch.export.export(network, (x,), dynamic_shapes=shapes, strict=False), file)
    program = classify(ExportedNetwork(read_program(file.getvalue())))
    for name in NAMES:
        one, other = (explained(name, c, make_input(SIZE)) for c in (classify(network), program))
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * one.max())


class Tokens(nn.Module):
    """Patches, tokens before them, blocks, and a head on the first token or the mean."""

    def __init__(self, extra: int = 1, between: nn.Module | None = None, mean: bool = False):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 8, PATCH, PATCH), nn.Linear(8, 2)
        self.extra = nn.Parameter(torch.randn(1, extra, 8))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
            for _ in range(2)
        )
        self.between, self.mean = between or nn.Identity(), mean

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.extra.expand(len(x), -1, -1), x], 1)
        x = self.blocks[1](self.between(self.blocks[0](x)))
        return self.head(x.mean(1) if self.mean else x[:, 0])


class Apart(nn.Module):
    """Convolution of the patches on their grid, beside the attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        grid = x[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
        return torch.cat([x[:, :1], self.conv(grid).flatten(2).transpose(1, 2)], 1)


class Mixer(nn.Module):
    """A dense layer over the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(17, 17)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dense(x.transpose(1, 2)).transpose(1, 2)


class Windows(nn.Module):
    """Attention in the four quarters of the grid, with as many tokens in each."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 8, PATCH, PATCH), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).unflatten(2, (2, 2)).unflatten(4, (2, 2)).permute(0, 2, 4, 3, 5, 1)
        x = x.flatten(3, 4).flatten(0, 2)[:, None]
        x = functional.scaled_dot_product_attention(x, x, x)
        return self.head(x.reshape(-1, 16, 8).mean(1))


class Channels(nn.Module):
    """Softmax over channels, which is no attention between tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.head((x * x.mean((2, 3)).softmax(1)[..., None, None]).mean((2, 3)))


class SelfAttentiveCnn(nn.Module):
    """Convolution, attention between its cells, convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Conv2d(3, 6, 8, 8), nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        cells = x.flatten(2).transpose(1, 2)
        cells = torch.softmax(cells @ cells.mT, -1) @ cells
        return self.head(self.after(cells.transpose(1, 2).reshape(x.shape)).mean((2, 3)))


REFUSED = {
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
        ),
        "no attention between tokens",
    ),
    "channel attention": (Channels, "no attention between tokens"),
    "windows": (Windows, "windows"),
    "cnn with attention": (SelfAttentiveCnn, "otherwise than by attention of all to all: conv2d"),
    "convolution between": (lambda: Tokens(between=Apart()), "otherwise than by attention"),
    "dense over tokens": (lambda: Tokens(between=Mixer()), "otherwise than by attention"),
    "too many tokens": (lambda: Tokens(extra=17), "are not those of a grid of 4×4 patches"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_such_attention_is_refused(classify, make_input, name, kind) -> None:
    make, reason = REFUSED[kind]
    torch.manual_seed(0)
    fit = preflight(name, classify(make()), make_input(SIZE))
    assert fit.verdict == "refused"
    assert reason in fit.reason


@pytest.mark.parametrize(
    ("extra", "mean", "verdict"), [(1, False, "fits"), (5, False, "fits"), (0, True, "adapted")]
)
def test_unknown_transformers_are_understood(classify, make_input, extra, mean, verdict) -> None:
    torch.manual_seed(0)
    classifier, picture = classify(Tokens(extra, mean=mean)), make_input(SIZE)
    for name in NAMES:
        fit = preflight(name, classifier, picture)
        assert fit.verdict == verdict
        assert ("read from 16" in fit.reason) is mean
        assert np.ptp(explained(name, classifier, picture)) > 0


class Beside(nn.Module):
    """Blocks in which tokens may meet beside the attention; the mean of the patches is read."""

    def __init__(self, meet=lambda self, x: 0, norm=(8,), where: str = "between") -> None:
        super().__init__()
        self.patches, self.qkv = nn.Conv2d(3, 8, PATCH, PATCH), nn.Linear(8, 24)
        self.dense, self.gate, self.head = nn.Linear(16, 16), nn.Linear(8, 8), nn.Linear(8, 2)
        self.norm, self.meet, self.where = nn.LayerNorm(norm), meet, where

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        for number in range(2):
            q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
            x = x + functional.scaled_dot_product_attention(q, k, v)
            if number == 0 or self.where == "behind":
                x = x + self.meet(self, x)
        return self.head(self.norm(x).mean(1))


MEETINGS = {
    "mixer": lambda self, x: self.dense(x.mT).mT,
    "gate": lambda self, x: x * torch.sigmoid(self.gate(x.mean(1, keepdim=True)) * 5),
    "centred": lambda self, x: x - x.mean(1, keepdim=True),
    "roll": lambda self, x: x.roll(5, 1),
    "flip": lambda self, x: x.flip(1),
    "cumsum": lambda self, x: x.cumsum(1),
    "bmm": lambda self, x: torch.bmm(torch.ones(len(x), 16, 16), x),
    "fft": lambda self, x: torch.fft.fft(x, dim=1).real,
}


@pytest.mark.parametrize("where", ["between", "behind"])
@pytest.mark.parametrize("meeting", [*MEETINGS, "norm over tokens"])
@pytest.mark.parametrize("name", NAMES)
def test_tokens_that_also_meet_otherwise_are_refused(
    classify, make_input, name, meeting, where
) -> None:
    torch.manual_seed(0)
    how = {"norm": (16, 8)} if meeting == "norm over tokens" else {"meet": MEETINGS[meeting]}
    fit = preflight(name, classify(Beside(**how, where=where)), make_input(SIZE))
    assert fit.verdict == "refused"
    assert fit.reason == "its tokens see each other otherwise than by attention"


@pytest.mark.parametrize("kind", ["none", "each by itself", "as many channels", "rows of the grid"])
@pytest.mark.parametrize("name", NAMES)
def test_tokens_that_are_changed_each_by_itself_are_no_obstacle(
    classify, make_input, name, kind
) -> None:
    torch.manual_seed(0)
    network = Beside() if kind == "none" else Beside(lambda self, x: x * self.gate(x).sigmoid())
    if kind == "as many channels":  # then nobody can tell rows from columns
        network.patches, network.qkv = nn.Conv2d(3, 16, PATCH, PATCH), nn.Linear(16, 48)
        network.head, network.norm = nn.Linear(16, 2), nn.LayerNorm(16)
        network.meet = lambda self, x: x.mT.exp().mT
    if kind == "rows of the grid":
        network.norm = nn.Sequential(nn.Unflatten(1, (4, 4)), nn.LayerNorm(8), nn.Flatten(1, 2))
    fit = preflight(name, classify(network), make_input(SIZE))
    assert (fit.verdict, "read from 16" in fit.reason) == ("adapted", True)


def test_a_class_token_that_looks_at_one_patch_has_its_map_there(classify, make_input) -> None:
    """Known answer: one head, the class token's query fits the key of the brightest patch."""

    class Finder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 1, PATCH, PATCH)
            nn.init.ones_(self.patches.weight)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([torch.zeros_like(x[:, :1]), x], 1)
            x = torch.softmax(torch.ones_like(x) @ x.mT / 10, -1) @ x
            return torch.cat([x[:, 0], -x[:, 0]], 1)

    pixels = np.zeros((3, SIZE, SIZE), np.float32)
    pixels[:, 8:16, 16:24] = 1
    for name in NAMES:
        found = explained(name, classify(Finder()), make_input(pixels))
        row, column = np.unravel_index(found.argmax(), found.shape)
        assert (row // PATCH, column // PATCH) == (1, 2)
