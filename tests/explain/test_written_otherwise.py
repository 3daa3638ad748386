"""Networks that are written as few are, beside twins that do the same in the usual way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method
from galaxyscope.work.watch import Watch


class Small(nn.Module):
    """Two strided convolutions, the mean, a linear layer; subclasses write it otherwise."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.one, self.two = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 6, 3, 2, 1)
        self.head = nn.Linear(6, 2)
        with torch.no_grad():
            self.head.weight.abs_()  # evidence for both answers, so that no map is cut to nothing

    def features(self, x: Tensor) -> Tensor:
        return functional.relu(self.two(functional.relu(self.one(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


def assert_alike(maps: list[np.ndarray]) -> None:
    size = np.abs(maps[0]).max()
    assert size > 0
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], rtol=0, atol=1e-4 * size)


@pytest.fixture
def values(classify, make_input, few):
    """Map of a method for a fresh network."""

    def run(name: str, network: nn.Module, **more: object) -> np.ndarray:
        picture = make_input(32)
        classifier = classify(network)
        assert preflight(name, classifier, picture).verdict != "refused"
        return method(name).explain(classifier, picture, "bar", few(name, **more), Watch()).values

    return run


class ShiftedInPlace(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(2).sub_(1))


class Shifted(Small):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2 - 1)


_SEVERAL = """
gradient smoothgrad/signed integrated-gradients deeplift deeplift-shap lrp guided-backprop
grad-cam hires-cam lift-cam score-cam ablation-cam occlusion rise
"""


@pytest.mark.parametrize("name", _SEVERAL.split())
def test_a_network_may_write_on_its_input(values, name) -> None:
    more = {"window": 8, "stride": 8, "evaluations": 12}
    assert_alike([values(name, Shifted(), **more), values(name, ShiftedInPlace(), **more)])


def test_a_members_writing_on_its_input_is_not_seen_by_the_next() -> None:
    from galaxyscope.classify.ensemble import MeanLogits

    x = torch.rand(1, 3, 16, 16)
    apart = [Shifted()(x), Small()(x)]
    found = MeanLogits([ShiftedInPlace(), Small()])(x.clone())
    torch.testing.assert_close(found, torch.stack(apart).mean(0))


def test_train_may_be_overridden_without_a_return(values) -> None:
    """Written so where a batch norm shall stay frozen."""

    class Frozen(Small):
        def train(self, mode: bool = True) -> None:
            super().train(mode)

    assert_alike([values("gradient", Small()), values("gradient", Frozen())])


class Statement(Small):
    """Activations in place whose result nobody looks at."""

    def features(self, x: Tensor) -> Tensor:
        x = self.one(x)
        x.relu_()
        x = self.two(x)
        functional.relu(x, inplace=True)
        return x


class Beside(Small):
    """Something for the record on the side, and a copy without gradient of what counts."""

    def features(self, x: Tensor) -> Tensor:
        found = super().features(x)
        self.two.record = self.two(self.one(x)).detach().clone()
        found.detach().sigmoid()
        return found


class Unused(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.two(self.one(x))
        return y


class Probe(Small):
    """A head that was trained on fixed features."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).detach().mean((2, 3)))


_CAMS = """
grad-cam grad-cam++ layer-cam xgrad-cam hires-cam eigen-cam lift-cam cam score-cam
faster-score-cam ablation-cam
"""


@pytest.mark.parametrize("kind", [Statement, Beside, Unused, Probe])
@pytest.mark.parametrize("name", _CAMS.split())
def test_the_feature_map_is_on_the_way_to_the_answer(values, name, kind) -> None:
    assert_alike([values(name, Small()), values(name, kind())])


class TwoHeads(Small):
    """Each answer has a convolution of its own; the second one's comes last."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(6, 6, 3, 1, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        found = [functional.relu(head(x)).mean((2, 3)) for head in self.heads]
        return torch.cat([self.head(one)[:, :1] for one in found], 1)


@pytest.mark.parametrize("name", ["grad-cam", "hires-cam", "ablation-cam", "lift-cam"])
@pytest.mark.parametrize("answer", [0, 1])
def test_the_feature_map_is_that_of_the_head_that_is_asked(
    classify, make_input, name, answer
) -> None:
    class One(TwoHeads):
        def forward(self, x: Tensor) -> Tensor:
            found = functional.relu(self.heads[answer](self.features(x))).mean((2, 3))
            return self.head(found)[:, :1].expand(-1, 2)

    target = ("Class3.1", "Class3.2")[answer]
    maps = [
        method(name).explain(classify(kind()), make_input(32), target, {}, Watch())
        for kind in (One, TwoHeads)
    ]
    assert_alike([one.values for one in maps])
    assert maps[0].notes == maps[1].notes


class Named(Small):
    """What the network gives is shaped by how many pictures it got."""

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        return self.head(self.features(x).view(n, 6, -1).mean(2))


class Early(Small):
    """Early features beside the late ones."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(14, 2)

    def forward(self, x: Tensor) -> Tensor:
        early = functional.relu(self.one(x))
        late = functional.relu(self.two(early))
        return self.both(torch.cat([early.mean((2, 3)), late.mean((2, 3))], 1))


class Attended(Small):
    """Attention written by hand behind the map, in the terms of the first batch."""

    def forward(self, x: Tensor) -> Tensor:
        n, cells = len(x), self.features(x).flatten(2).mT
        weights = torch.einsum("nqc,nkc->nqk", cells, cells).softmax(-1)
        return self.head(torch.einsum("nqk,nkc->nqc", weights, cells).view(n, -1, 6).amax(1))


@pytest.mark.parametrize("kind", [Named, Early, Attended])
def test_ablation_cam_asks_about_several_channels_at_a_time(classify, make_input, kind) -> None:
    maps = []
    for limit in (1, 16):
        classifier = classify(kind())
        classifier.batch_limit = limit
        found = method("ablation-cam").explain(classifier, make_input(32), "bar", {}, Watch())
        maps.append(found.values)
    assert_alike(maps)


@pytest.mark.parametrize("name", [name for name in _CAMS.split() if name != "cam"])
def test_a_network_may_compute_in_half_precision(values, name) -> None:
    class Half(Small):
        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                return super().forward(x).float()

    full, half = values(name, Small()), values(name, Half())
    np.testing.assert_allclose(half, full, rtol=0, atol=0.05 * np.abs(full).max())


class Views(Small):
    """Four turned views, in the dimension of the pictures."""

    def forward(self, x: Tensor) -> Tensor:
        views = torch.cat([torch.rot90(x, k, (2, 3)) for k in range(4)])
        return torch.stack(super().forward(views).chunk(4)).mean(0)


class Colours(Small):
    """Each colour as a picture of its own."""

    def forward(self, x: Tensor) -> Tensor:
        n, colours = x.shape[:2]
        grey = x.reshape(n * colours, 1, *x.shape[2:]).expand(-1, 3, -1, -1)
        return super().forward(grey).view(n, colours, 2).mean(1)


@pytest.mark.parametrize("kind", [Views, Colours])
@pytest.mark.parametrize("name", _CAMS.split())
def test_maps_of_several_views_are_refused(classify, make_input, name, kind) -> None:
    fit = preflight(name, classify(kind()), make_input(32))
    assert fit.verdict == "refused"
    assert "for pictures of their own" in fit.reason


class Keeping(Small):
    """Makes its mask when it first runs, and keeps it."""

    mask: Tensor | None = None

    def features(self, x: Tensor) -> Tensor:
        found = super().features(x)
        if self.mask is None:
            self.mask = found[0, 0].detach() * 0 + 0.5
        return found * self.mask


@pytest.mark.parametrize("first", ["predict", "rise", "gradient"])
def test_what_a_network_keeps_from_its_first_run_has_gradients_later(
    classify, make_input, few, first
) -> None:
    maps, picture = [], make_input(32)
    for before in (None, first):
        classifier = classify(Keeping())
        classifier.card.input_size = 32
        if before == "predict":
            classifier.predict(picture)
        elif before:
            method(before).explain(classifier, picture, "bar", few(before), Watch())
        maps.append(method("gradient").explain(classifier, picture, "bar", {}, Watch()).values)
    assert_alike(maps)


class Random(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.dropout(self.features(x).mean((2, 3)), 0.5))


class ByBatch(Small):
    """A batch norm that takes the statistics of what it sees, and writes them down."""

    def __init__(self, track: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(6)
        self.track = track

    def features(self, x: Tensor) -> Tensor:
        kept = (self.norm.running_mean, self.norm.running_var) if self.track else (None, None)
        return functional.relu(functional.batch_norm(self.two(self.one(x)), *kept, training=True))


class OnlyOne(Small):
    """Takes one picture and no more."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).view(1, 6, -1).mean(2))


_ANY = ["gradient", "smoothgrad/signed", "integrated-gradients", "occlusion", "rise", "hires-cam"]


@pytest.mark.parametrize("name", _ANY)
def test_random_networks_are_refused(classify, make_input, few, name) -> None:
    classifier = classify(Random())
    with pytest.raises(ValueError, match="the network is random"):
        method(name).explain(classifier, make_input(32), "bar", few(name), Watch())


@pytest.mark.parametrize("kind", [ByBatch, OnlyOne, lambda: ByBatch(track=True)])
@pytest.mark.parametrize("name", _ANY)
def test_what_depends_on_other_pictures_is_asked_about_one_at_a_time(
    classify, make_input, few, kind, name
) -> None:
    maps, settings = [], few(name, window=8, stride=8)
    for limit in (1, 16):
        classifier = classify(kind())
        classifier.batch_limit = limit
        before = {key: value.clone() for key, value in classifier.network.state_dict().items()}
        found = method(name).explain(classifier, make_input(32), "bar", settings, Watch())
        maps.append(found.values)
        told = "one picture at a time" in " ".join(found.notes)
        assert told is (limit > 1)
        for key, value in classifier.network.state_dict().items():
            torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    assert_alike(maps)


def test_a_network_is_tried_out_once(classify, make_input) -> None:
    runs = []

    class Counted(Small):
        def forward(self, x: Tensor) -> Tensor:
            runs.append(len(x))
            return super().forward(x)

    classifier = classify(Counted())
    for _ in range(2):
        assert preflight("gradient", classifier, make_input(32)).verdict == "fits"
    assert runs == [1, 1, 2]
    assert classifier.notices == ()


def test_buffers_that_a_network_replaces_are_put_back(classify, make_input) -> None:
    class Mean(Small):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(6))

        def features(self, x: Tensor) -> Tensor:
            found = super().features(x)
            self.seen = found.detach().mean((0, 2, 3))
            return found

    classifier = classify(Mean())
    method("gradient").explain(classifier, make_input(32), "bar", {}, Watch())
    assert not classifier.network.seen.any()


class Constant(Small):
    def forward(self, x: Tensor) -> Tensor:
        self.features(x)
        return self.head.bias.expand(len(x), -1)


class Cut(Small):
    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


@pytest.mark.parametrize("kind", [Constant, Cut])
@pytest.mark.parametrize("name", ["gradient", "smoothgrad/signed", "guided-backprop", "lrp"])
def test_without_gradients_a_sentence_says_so(classify, make_input, few, name, kind) -> None:
    with pytest.raises(ValueError, match=r"small"):
        method(name).explain(classify(kind()), make_input(32), "bar", few(name), Watch())


@pytest.mark.parametrize("kind", [Constant, Cut])
@pytest.mark.parametrize("name", [*_CAMS.split(), "attention-rollout", "attention-relevance"])
def test_without_gradients_features_are_refused(classify, make_input, name, kind) -> None:
    fit = preflight(name, classify(kind()), make_input(32))
    assert fit.verdict == "refused"


class Scaled(Small):
    """Each picture by its brightest pixel: black gives no number."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / x.amax((1, 2, 3), keepdim=True))


@pytest.mark.parametrize("name", ["integrated-gradients", "xrai"])
def test_a_sum_that_is_no_number_is_told(classify, make_input, few, name) -> None:
    found = method(name).explain(classify(Scaled()), make_input(32), "bar", few(name), Watch())
    assert "which is no finite number" in " ".join(found.notes)


def test_score_cam_does_not_speak_of_gradients(classify, make_input) -> None:
    with pytest.raises(ValueError, match="no finite map"):
        method("score-cam").explain(classify(Scaled()), make_input(32), "bar", {}, Watch())
