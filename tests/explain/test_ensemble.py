"""An ensemble is explained by the mean of its members' maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.ensemble import MeanLogits
from galaxyscope.explain.engine import gradients, tensor
from galaxyscope.explain.ensemble import shares
from galaxyscope.explain.preflight import FITS, Fit, joint_fit, preflight
from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.explain.target import Score
from galaxyscope.work.watch import Cancelled, Watch

CLASSES = ("Class3.1", "Class3.2")

#: Methods of attention have their own tests; the network here has none.
ON_CONVOLUTIONS = [name for name, found in METHODS.items() if found.card.family != "Transformers"]


class Linear(nn.Module):
    """No convolution: nothing for methods that need features."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = nn.Linear(3 * size**2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x.flatten(1))


def convolutions(seed: int, pooled: bool = True) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 1, 1)]
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
    dense = [nn.Flatten(), nn.Linear(8 * 144, 2)]
    return nn.Sequential(*layers, *(tail if pooled else dense))


def joined(classify_one, *networks: nn.Module) -> Classifier:
    """An ensemble of networks called zoo/0, zoo/1 …"""
    members = [classify_one(network) for network in networks]
    for number, member in enumerate(members):
        member.card.name = f"zoo/{number}"
    whole = classify_one(MeanLogits(networks))
    whole.card.name, whole.card.sha256 = "zoo", "f" * 64
    whole._members = tuple(members)
    return whole


@pytest.fixture
def zoo(classify) -> Classifier:
    return joined(classify, *(convolutions(seed) for seed in range(3)))


def run(name, classifier, net_input, watch=None, **parameters) -> Attribution:
    return method(name).explain(classifier, net_input, "Class3.1", parameters, watch or Watch())


def test_gradient_of_the_mean_logit_is_the_mean_of_the_gradients(zoo, make_input) -> None:
    found = run("smoothgrad/signed", zoo, make_input(), samples=3, noise=0.0)
    whole = gradients(zoo, tensor(zoo, make_input()), Score(0)).sum(1)[0].numpy()
    np.testing.assert_allclose(found.values, whole, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in ON_CONVOLUTIONS if not METHODS[n].card.whole])
def test_every_method_averages_its_members(zoo, make_input, name, few) -> None:
    ask = few(name, samples=48, seed=3)
    found = run(name, zoo, make_input(), **ask)
    each = [
        run(name, member, make_input(), **own)
        for member, own in zip(zoo.members, shares(ask, 3), strict=True)
    ]
    np.testing.assert_array_equal(
        found.values, np.mean([e.values for e in each], axis=0, dtype=float).astype(np.float32)
    )
    assert list(found.members) == ["0", "1", "2"]
    for values, one in zip(found.members.values(), each, strict=True):
        np.testing.assert_array_equal(values, one.values)
    assert found.model == "zoo"
    assert found.model_sha256 == "f" * 64
    assert found.method == name
    assert -1 <= found.agreement <= 1
    assert each[0].agreement is None
    assert {k: v for k, v in found.parameters.items() if k in ask} == ask
    again = run(name, zoo, make_input(), **ask)
    np.testing.assert_array_equal(found.values, again.values)


def test_samples_are_shared_out_and_blocks_average_to_the_map(zoo, make_input) -> None:
    seen = []
    for member in zoo.members:
        member.random, inner = False, member.logits  # tried out before
        member.logits = lambda x, inner=inner: (seen.append(len(x)), inner(x))[1]
    found = run("smoothgrad/signed", zoo, make_input(), samples=96, noise=0.2)
    assert sum(seen) == found.samples_done == 96
    assert found.blocks.shape == (4, 24, 24)
    np.testing.assert_allclose(found.blocks.mean(0), found.values, atol=1e-5)


def test_blocks_tell_the_error_of_the_ensembles_map(zoo, make_input) -> None:
    """Scatter between seeds, not between networks."""
    ask = {"samples": 192, "noise": 0.3}
    runs = [run("smoothgrad/signed", zoo, make_input(), seed=s, **ask) for s in range(10)]
    scatter = np.std([r.values for r in runs], axis=0, ddof=1).mean()
    told = np.mean([np.std(r.blocks, axis=0, ddof=1).mean() / np.sqrt(8) for r in runs])
    assert told == pytest.approx(scatter, rel=0.2)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("samples", [1, 2, 3, 47, 256])
def test_shares(count, samples) -> None:
    found = shares({"samples": samples, "seed": 7, "noise": 0.1}, count)
    each = {one["samples"] for one in found}
    assert len(each) == 1, "all weigh alike"
    assert samples <= count * each.pop() < samples + count
    seeds = [one["seed"] for one in found]
    assert seeds[0] == 7
    assert len(set(seeds)) == count
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert shares({"steps": 8}, 2) == [{"steps": 8}] * 2


def test_members_of_equal_networks_see_different_noise(classify, make_input) -> None:
    twins = joined(classify, convolutions(0), convolutions(0))
    found = run("smoothgrad/signed", twins, make_input(), samples=32, noise=0.3)
    one, two = found.members.values()
    assert np.abs(one - two).max() > 0
    exact = run("gradient", twins, make_input())
    assert exact.agreement == pytest.approx(1)


def test_opposite_networks_disagree(classify, make_input) -> None:
    one, two = convolutions(0), convolutions(0)
    with torch.no_grad():
        two[-1].weight.neg_()
    found = run("input-x-gradient", joined(classify, one, two), make_input())
    assert found.agreement == pytest.approx(-1)
    assert np.abs(found.values).max() < 1e-6


def test_progress_is_that_of_one_job(zoo, make_input) -> None:
    heard = []
    watch = Watch(lambda *report: heard.append(report))
    found = run("smoothgrad/signed", zoo, make_input(), watch, samples=960)
    done, totals = [r[0] for r in heard], {r[1] for r in heard}
    assert totals == {960}
    assert done == sorted(done)
    assert done[-1] == 960
    assert heard[-1][2] is found
    partial = [r[2] for r in heard if r[2] is not None]
    assert len(partial) > 3
    assert {p.model for p in partial} == {"zoo"}


def test_cancel_reaches_every_member(zoo, make_input) -> None:
    watch, called = Watch(), []
    for number, member in enumerate(zoo.members):
        member.random, inner = False, member.logits  # tried out before

        def logits(x, number=number, inner=inner):
            called.append(number)
            if number == 1:
                watch.cancel()
            return inner(x)

        member.logits = logits
    with pytest.raises(Cancelled):
        run("smoothgrad/signed", zoo, make_input(), watch, samples=480)
    assert called.count(1) == 1
    assert 2 not in called


def test_a_member_that_does_not_fit_is_left_out_and_named(classify, make_input) -> None:
    zoo = joined(classify, convolutions(0), convolutions(1, pooled=False), convolutions(2))
    fit = preflight("cam", zoo, make_input())
    assert fit.verdict == "adapted"
    assert "zoo/1 is left out: CAM needs" in fit.reason
    found = run("cam", zoo, make_input())
    assert list(found.members) == ["0", "2"]
    assert found.parameters["left_out"] == ["1"]
    assert any("zoo/1 is left out" in note for note in found.notes)
    alone = [run("cam", zoo.members[n], make_input()).values for n in (0, 2)]
    np.testing.assert_allclose(found.values, np.mean(alone, axis=0), rtol=1e-6)
    assert "left_out" not in run("gradient", zoo, make_input()).parameters


def test_a_method_that_fits_no_member_is_refused(classify, make_input) -> None:
    zoo = joined(classify, Linear(24), Linear(24))
    assert preflight("grad-cam", zoo, make_input()).verdict == "refused"
    with pytest.raises(ValueError, match="does not fit zoo"):
        run("grad-cam", zoo, make_input())


def test_joint_fit() -> None:
    odd, no = Fit("adapted", "somehow"), Fit("refused", "never")
    assert joint_fit({"a": FITS, "b": FITS}) == FITS
    assert joint_fit({"a": odd, "b": odd}) == odd
    assert joint_fit({"a": no, "b": no}) == no
    assert joint_fit({"a": no, "b": Fit("refused", "nor this")}).verdict == "refused"
    assert joint_fit({"a": FITS, "b": odd}) == Fit("adapted", "b: somehow")
    assert joint_fit({"a": no}) == joint_fit({"a": no}, whole=True) == no
    assert joint_fit({"a": FITS, "b": no}).verdict == "adapted"
    assert joint_fit({"a": FITS, "b": no}, whole=True).verdict == "refused"
    assert joint_fit({"a": FITS, "b": odd}, whole=True).verdict == "adapted"
    assert joint_fit({"a": odd, "b": no}) == Fit("adapted", "a: somehow; b is left out: never")


def test_notes_name_the_member_that_has_them(classify, make_input) -> None:
    dark = convolutions(0)
    with torch.no_grad():
        dark[-1].weight.zero_()
    found = run("input-x-gradient", joined(classify, convolutions(1), dark), make_input())
    assert any(note.startswith("1: The map has the same value") for note in found.notes)
    assert not any(note.startswith("0: The map has the same") for note in found.notes)
