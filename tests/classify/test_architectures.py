"""Architectures: published sizes, shapes, gradients, and no surprise for explainers."""

from __future__ import annotations

import copy
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from galaxyscope.classify.architectures import ARCHITECTURES, build
from galaxyscope.classify.architectures.layers import BlurPool

SLIM: dict[str, dict[str, Any]] = {
    "vgg16": {"width": 0.125, "dense": [16], "grid": 1},
    "resnet50": {"width": 0.125, "blocks": [1, 1, 1, 1]},
    "resnet50v2": {"width": 0.125, "blocks": [1, 1, 1, 1]},
    "xception": {"width": 0.125, "middle": 1},
    "densenet121": {"width": 0.25, "blocks": [1, 2, 2, 1]},
    "mobilenetv2": {"width": 0.25},
    "vit": {"size": 64, "features": 32, "depth": 2, "heads": 2},
    "three-block": {"width": 0.25, "dense": [8]},
    "preact-resnet": {"stem": 4, "widths": [4, 8], "blocks": [1, 1]},
}
SWISH = {"activation": "swish"}
VARIANTS = [
    *SLIM.items(),
    *((name, SLIM[name] | SWISH) for name in ("vgg16", "resnet50", "resnet50v2", "xception")),
    *(
        (name, SLIM[name] | {"antialiased": True, "fine": fine})
        for name in ("resnet50", "resnet50v2", "xception")
        for fine in (False, True)
    ),
    ("vit", SLIM["vit"] | {"patch": 8, "stem": True}),
]


def make(name: str, parameters: dict[str, Any], outputs: int = 5) -> nn.Module:
    torch.manual_seed(0)
    network = build(name, outputs, parameters).eval()
    draw = torch.Generator().manual_seed(1)
    for module in network.modules():  # as after training: not near nothing
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=draw)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=draw)
            module.running_var.uniform_(0.5, 2.0, generator=draw)
    return network


def size_of(name: str, parameters: dict[str, Any]) -> tuple[int, int]:
    """Parameters, and parameters with the statistics of batch normalisation, as Keras counts."""
    with torch.device("meta"):
        network = build(name, 1000, parameters)
    trained = sum(p.numel() for p in network.parameters())
    kept = sum(b.numel() for n, b in network.named_buffers() if "running" in n)
    return trained, trained + kept


@pytest.mark.parametrize(
    ("name", "parameters", "published"),
    [
        ("vgg16", {}, 138_357_544),  # torchvision and Keras
        ("resnet50", {}, 25_557_032),  # torchvision
        ("resnet50v2", {}, 25_568_360),  # Keras, trainable
        ("xception", {}, 22_855_952),  # Keras, trainable
        ("densenet121", {}, 7_978_856),  # torchvision
        ("mobilenetv2", {}, 3_504_872),  # torchvision
        ("vit", {}, 22_050_664),  # DeiT-S
        ("vit", {"features": 192, "heads": 3}, 5_717_416),  # DeiT-Ti
    ],
)
def test_full_forms_have_the_published_number_of_parameters(name, parameters, published) -> None:
    assert size_of(name, parameters)[0] == published


@pytest.mark.parametrize(("name", "total"), [("resnet50v2", 25_613_800), ("xception", 22_910_480)])
def test_with_the_statistics_they_have_the_number_that_keras_prints(name, total) -> None:
    assert size_of(name, {})[1] == total


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "resnet50v2", "xception"])
@pytest.mark.parametrize("option", [SWISH, {"antialiased": True}])
def test_swish_and_blur_have_no_parameters_of_their_own(name, option) -> None:
    assert size_of(name, option) == size_of(name, {})


def test_vgg_with_the_dense_layers_of_the_paper() -> None:
    """13 convolutions of VGG16 are 14,714,688; then 25,088 → 592 → 296 → 37."""
    with torch.device("meta"):
        network = build("vgg16", 37, {"dense": [592, 296], "activation": "swish"})
    head = (25_088 + 1) * 592 + (592 + 1) * 296 + (296 + 1) * 37
    assert sum(p.numel() for p in network.parameters()) == 14_714_688 + head
    assert not any(isinstance(module, nn.ReLU) for module in network.modules())


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_is_tried_here(name) -> None:
    assert name in SLIM


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_logits_for_any_size_and_the_gradient_reaches_every_pixel(name, parameters) -> None:
    network = make(name, parameters).requires_grad_(False)
    for rows, columns in ((64, 64), (96, 128)):
        x = torch.rand((2, 3, rows, columns), requires_grad=True)
        logits = network(x)
        assert logits.shape == (2, 5)
        gradient = torch.autograd.grad(logits[0, 1], x)[0]
        assert bool(torch.isfinite(gradient).all())
        assert bool((gradient[1] == 0).all()), "one picture of a batch must not see another"
        centre = gradient[0, :, rows // 4 : -rows // 4, columns // 4 : -columns // 4]
        if name == "resnet50v2" and not parameters.get("antialiased"):
            continue  # Keras' shortcuts and 1×1 convolutions skip pixels, that is its grid
        assert float((centre != 0).float().mean()) > 0.9


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_evaluation_is_deterministic_and_does_not_depend_on_the_batch(name, parameters) -> None:
    network = make(name, parameters)
    x = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        first, again = network(x), network(x)
        alone = torch.cat([network(one[None]) for one in x])
    assert torch.equal(first, again)
    assert float(first.std(0).min()) > 0, "answers must depend on the picture"
    torch.testing.assert_close(first, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_nothing_works_in_place_and_no_module_is_used_twice(name, parameters) -> None:
    network = make(name, parameters)
    assert not [n for n, m in network.named_modules() if getattr(m, "inplace", False)]
    calls: dict[str, int] = {}
    for path, module in network.named_modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda *_, path=path: calls.update({path: calls.get(path, 0) + 1})
            )
    x = torch.rand(1, 3, 64, 64)
    kept = x.clone()
    network(x)
    assert torch.equal(x, kept)
    assert calls
    assert set(calls.values()) == {1}


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_weights_go_through_safetensors_and_back(name, parameters) -> None:
    network, other = make(name, parameters), build(name, 5, parameters).eval()
    x = torch.rand(1, 3, 64, 64)
    other.load_state_dict(load(save(network.state_dict())), strict=True)
    assert torch.equal(network(x), other(x))


@pytest.mark.parametrize("name", SLIM)
def test_width_makes_it_cheaper(name) -> None:
    broad = {"preact-resnet": {"stem": 32, "widths": [64, 128]}, "vit": {"features": 128}}

    def cost(width: float) -> tuple[int, int]:
        work = [0]
        parameters = SLIM[name] | broad.get(name, {}) | {"width": width}
        network = build(name, 5, parameters).eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(
                    lambda m, _, y: work.append(m.weight.numel() * y[0, 0].numel())
                )
        network(torch.rand(1, 3, 64, 64))
        return sum(p.numel() for p in network.parameters()), sum(work)

    slim, wide = cost(0.25), cost(0.75)
    assert slim[0] < 0.5 * wide[0]
    assert slim[1] < 0.4 * wide[1]


@pytest.mark.parametrize(("name", "parameters"), SLIM.items())
def test_training_step_moves_every_weight(name, parameters) -> None:
    network = make(name, parameters).train()
    before = copy.deepcopy(network.state_dict())
    step = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(2):
        loss = (network(torch.rand(4, 3, 64, 64)) - torch.rand(4, 5)).square().mean()
        step.zero_grad()
        loss.backward()
        step.step()
    assert bool(torch.isfinite(loss))
    still = [n for n, p in network.named_parameters() if torch.equal(p, before[n])]
    assert not still


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("vgg99", {}, "no architecture called 'vgg99'; there are: .*preact-resnet.*timm/<name>"),
        ("resnet50", {"depth": 3}, "architecture 'resnet50'.*depth"),
        ("resnet50", {"blocks": []}, "one to four"),
        ("resnet50v2", {"blocks": [1, 0]}, "from 1 up"),
        ("densenet121", {"blocks": []}, "at least one"),
        ("resnet50", {"activation": "eval"}, "no activation called 'eval'"),
        ("vit", {"features": 30, "heads": 4}, "4 heads do not divide 30 features"),
        ("vit", {"size": 8}, "no patch of 16 px"),
        ("vit", {"heads": 0}, "architecture 'vit'"),
        ("vit", {"stem": True, "patch": 12}, "no power of two"),
        ("mobilenetv2", {"width": "wide"}, "architecture 'mobilenetv2'"),
        ("three-block", {"dropout": 2}, "dropout probability"),
    ],
)
def test_bad_parameters_are_named(name, parameters, message) -> None:
    with pytest.raises(ValueError, match=message):
        build(name, 3, parameters)


def test_blur_pool_keeps_brightness_and_centre() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[0, 0, 6:8, 10:12] = 1.0
    y = BlurPool(1)(x)[0, 0]
    assert float(y.sum()) == pytest.approx(1.0)
    rows = (y.sum(1) * torch.arange(8)).sum()
    assert float(rows) == pytest.approx(3.0, abs=1e-6)


def test_blur_pool_hides_the_finest_grid() -> None:
    """A checkerboard is what a strided convolution would alias into the map."""
    i = torch.arange(16)
    board = ((i[:, None] + i[None]) % 2).float()[None, None]
    inner = BlurPool(1)(board)[0, 0, 1:-1, 1:-1]
    assert float(inner.std()) < 1e-6


@pytest.mark.parametrize("name", ["resnet50", "resnet50v2", "xception"])
def test_antialiased_maps_have_less_of_a_grid(name) -> None:
    """Gradients at the four places of a 2×2 cell are of one size only without strides."""

    def unevenness(antialiased: bool) -> float:
        network = make(name, SLIM[name] | {"antialiased": antialiased} | SWISH)
        x = torch.rand((8, 3, 64, 64), requires_grad=True)
        gradient = torch.autograd.grad(network(x)[:, 0].sum(), x)[0].abs().sum((0, 1))
        inner = gradient[16:48, 16:48]
        places = torch.stack([inner[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
        return float(places.std() / places.mean())

    assert unevenness(antialiased=True) < 0.5 * unevenness(antialiased=False)


# Vision transformer


def test_attention_is_the_textbook_formula_and_its_weights_can_be_read() -> None:
    network = make("vit", SLIM["vit"])
    block = network.blocks[0].attention
    seen: list[torch.Tensor] = []
    block.weights.register_forward_hook(lambda _m, _x, y: seen.append(y))
    x = torch.rand(2, 17, 32)
    found = block(x)
    oracle = nn.MultiheadAttention(32, 2, batch_first=True).eval()
    oracle.in_proj_weight.data, oracle.in_proj_bias.data = block.qkv.weight, block.qkv.bias
    oracle.out_proj.load_state_dict(block.projection.state_dict())
    expected, weights = oracle(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(seen[0], weights, rtol=1e-4, atol=1e-6)


def test_positions_are_interpolated_for_another_grid_and_kept_for_their_own() -> None:
    network = make("vit", SLIM["vit"])
    assert network.positions(4, 4) is network.position
    other = network.positions(8, 6)
    assert other.shape == (1, 49, 32)
    assert torch.equal(other[:, 0], network.position[:, 0])
    with torch.no_grad():  # a ramp stays a ramp, and cells keep their place
        ramp = torch.arange(4.0).view(4, 1, 1).expand(4, 4, 32)
        network.position[:, 1:] = ramp.reshape(1, 16, 32)
    rows = network.positions(8, 8)[0, 1:].view(8, 8, 32)[:, 3, 0]
    torch.testing.assert_close(rows, (torch.arange(8.0) + 0.5) / 2 - 0.5, atol=0.26, rtol=0)
    torch.testing.assert_close(rows[3:5], torch.tensor([1.25, 1.75]), atol=0.05, rtol=0)


# timm


def test_without_timm_the_reason_is_given(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"timm/convnext_nano'.*needs timm"):
        build("timm/convnext_nano", 3, {})


@pytest.fixture
def asked(monkeypatch) -> list[dict[str, Any]]:
    """Stand in for the library: notes what it was asked for."""
    calls: list[dict[str, Any]] = []

    def create_model(name: str, **keywords: Any) -> nn.Module:
        calls.append({"name": name, **keywords})
        network = nn.Sequential(nn.Flatten(), nn.LazyLinear(keywords["num_classes"]))
        network(torch.zeros(1, 3, 8, 8))
        network.pretrained_cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1)}
        return network

    library = SimpleNamespace(
        is_model=lambda name: name == "convnext_nano",
        create_model=create_model,
        layers=SimpleNamespace(set_fused_attn=lambda enable: None),
    )
    monkeypatch.setitem(sys.modules, "timm", library)
    return calls


def test_timm_is_never_asked_for_weights(asked) -> None:
    network = build("timm/convnext_nano", 3, {"drop_path_rate": 0.1})
    assert asked == [
        {"name": "convnext_nano", "pretrained": False, "num_classes": 3, "drop_path_rate": 0.1}
    ]
    x = torch.rand(2, 3, 8, 8)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.2, 0.1])
    normal = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(network(x), network.network(normal))
    assert set(network.state_dict()) == {"network.1.weight", "network.1.bias"}
    for forbidden in ("pretrained", "checkpoint_path", "pretrained_cfg"):
        with pytest.raises(ValueError, match=f"may not give: {forbidden}"):
            build("timm/convnext_nano", 3, {forbidden: "x"})
    with pytest.raises(ValueError, match="no network called 'hf-hub:someone/net'"):
        build("timm/hf-hub:someone/net", 3, {})
    assert len(asked) == 1


def test_the_real_timm_where_it_is() -> None:
    try:
        import timm  # noqa: F401
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm is not there or does not start: {error}".splitlines()[0])
    network = build("timm/convnext_atto", 3, {}).eval()
    x = torch.rand((2, 3, 64, 64), requires_grad=True)
    assert network(x).shape == (2, 3)
    assert bool(torch.autograd.grad(network(x)[0, 0], x)[0].any())


@pytest.mark.parametrize("name", ["relu", "swish"])
def test_untrained_vgg_tells_pictures_apart(name: str) -> None:
    """With torch's own initialisation its answers differed by 1e-9 only."""
    torch.manual_seed(0)
    network = build("vgg16", 3, {"width": 0.25, "dense": (16,), "grid": 1, "activation": name})
    with torch.inference_mode():
        answers = network.eval()(
            torch.rand(4, 3, 64, 64) * torch.linspace(0.1, 1, 4)[:, None, None, None]
        )
    assert float(answers.std(dim=0).max()) > 1e-4
