from __future__ import annotations

import dataclasses
import json
import time

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify import calibrate as module
from galaxyscope.classify.calibrate import cache_file, calibrate, recalled
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.modes import PRECISIONS, WORKS, Mode, folded, runner
from galaxyscope.classify.store import load_model
from galaxyscope.explain.registry import method
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Cancelled, Watch
from tests.classify.test_memory import Pretended


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """Few timings: what is tested is not how fast this machine is."""
    monkeypatch.setattr(module, "_ROUNDS", (2, 2))
    monkeypatch.setattr(module, "_BATCHES", (1, 8))


@pytest.fixture
def folder(tmp_path, write_model):
    return write_model(tmp_path / "tiny", seed=3)


@pytest.fixture
def net_input() -> NetworkInput:
    return NetworkInput(np.random.default_rng(0).random((3, 16, 16), np.float32), Affine())


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


def test_every_mode_gives_the_answers_of_the_plain_network() -> None:
    torch.manual_seed(0)
    network = Normed().eval().requires_grad_(False)
    state = {name: (t.clone(), t.stride()) for name, t in network.state_dict().items()}
    x = torch.rand(5, 3, 16, 16)
    plain = network(x)
    for precision, tolerance in (("fp32", 1e-5), ("bf16", 3e-2)):
        for layout in (False, True):
            for fold in (False, True):
                run = runner(network, Mode(precision, layout, fold))
                found = run(x)
                assert found.dtype == torch.float32
                assert float((found - plain).abs().max()) <= tolerance
                assert precision == "fp32" or not torch.equal(found, plain)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[name][0])
        assert tensor.stride() == state[name][1], "the network itself keeps its layout"


def test_folding_is_done_where_it_can_be() -> None:
    network = Normed().eval()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded(network).modules())
    assert isinstance(network.norm, nn.BatchNorm2d)
    assert folded(nn.Sequential(nn.Conv2d(3, 4, 3)).eval()) is None, "nothing to fold"

    # Before its convolution, or twice in use: a product and a sum, with the same answer.
    for before in (nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False)):
        before.running_mean += torch.tensor([0.5, -1.0, 2.0])
        before.running_var *= torch.tensor([0.3, 2.0, 9.0])
        network = nn.Sequential(before, nn.Conv2d(3, 4, 3), nn.SiLU()).eval()
        again = folded(network)
        assert not any(isinstance(m, nn.BatchNorm2d) for m in again.modules())
        x = torch.randn(2, 3, 8, 8)
        torch.testing.assert_close(again(x), network(x))
    batches = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.Conv2d(3, 4, 3))
    assert folded(batches.eval()) is None, "it has no statistics of its own"

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.conv(x)) * self.norm.weight[:, None, None]

    assert folded(Tied().eval()) is None, "what it reads of its layer would be gone"

    class Untraceable(Normed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) if x.sum() > 0 else x

    assert folded(Untraceable().eval()) is None
    with pytest.raises(ValueError, match="cannot be folded"):
        runner(Untraceable().eval(), Mode(folded=True))


def test_calibration_is_remembered_and_used(folder, own_cache) -> None:
    first = load_model(folder, "cpu")
    assert first.modes == {}
    assert not any(own_cache.iterdir()), "nothing is measured unasked"
    calibrate(first, seconds=0.2)
    assert set(first.modes) == {(work, asked) for work in WORKS for asked in PRECISIONS}
    assert all(first.modes[work, "fp32"].precision == "fp32" for work in WORKS)
    again = load_model(folder, "cpu")
    assert again.modes == first.modes == recalled(again)
    kept = json.loads(cache_file(first).read_text())
    assert kept["torch"] == torch.__version__
    assert kept["model"] == "tiny"


def test_a_format_that_a_cpu_emulates_is_tried_once(folder, monkeypatch) -> None:
    """Not in every layout and round: such a pass takes seconds."""
    tried = []

    def made(network, mode):
        run = runner(network, mode)
        if mode.precision == "fp32":
            return run
        tried.append(mode)

        def sluggish(x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.8)
            return run(x)

        return sluggish

    monkeypatch.setattr(module, "runner", made)
    classifier = load_model(folder, "cpu")
    calibrate(classifier, seconds=0.2)
    assert len(tried) == len(WORKS), "one layout of each kind of work"
    assert all(mode.precision == "fp32" for mode in classifier.modes.values())


def test_other_weights_threads_or_torch_are_measured_anew(folder, tmp_path, write_model,
                                                          monkeypatch) -> None:  # fmt: skip
    first = load_model(folder, "cpu")
    names = {cache_file(first), cache_file(load_model(write_model(tmp_path / "b", 4), "cpu"))}
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    names.add(cache_file(first))
    monkeypatch.setattr(torch, "__version__", "99.0")
    names.add(cache_file(first))
    assert len(names) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"modes": 3}',
        '{"modes": []}',
        '{"modes": [{}]}',
        '{"modes": [3]}',
        "[" * 50_000,
        "\x00",
    ],
)
def test_damaged_cache_counts_as_none(folder, text) -> None:
    first = load_model(folder, "cpu")
    calibrate(first, seconds=0.1)
    cache_file(first).write_text(text)
    assert load_model(folder, "cpu").modes == {}


@pytest.mark.parametrize(
    "values",
    [
        {"batch": 0},
        {"batch": 10**9},
        {"batch": "4"},
        {"precision": "int1"},
        {"channels_last": "yes"},
        {"gain": None},
        {"work": "sideways"},
        {"work": ["forward"]},
        {"surprise": 1},
    ],
)
def test_impossible_modes_in_the_cache_count_as_none(folder, values) -> None:
    first = load_model(folder, "cpu")
    calibrate(first, seconds=0.1)
    kept = json.loads(cache_file(first).read_text())
    kept["modes"][0] |= values
    cache_file(first).write_text(json.dumps(kept))
    assert load_model(folder, "cpu").modes == {}


def test_a_cache_that_cannot_be_written_is_no_error(folder, own_cache) -> None:
    (own_cache / "calibration").write_text("a file where the folder should be")
    first = load_model(folder, "cpu")
    calibrate(first, seconds=0.1)
    assert first.modes


def test_cancelled_calibration_leaves_nothing(folder, own_cache) -> None:
    watch = Watch()
    watch.cancel()
    first = load_model(folder, "cpu")
    with pytest.raises(Cancelled):
        calibrate(first, watch)
    assert first.modes == {}
    assert not list(own_cache.rglob("*.json"))


class Waiting(nn.Module):
    """Waits for every picture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.012 * len(x))
        return self.network(x)


class Doubling(nn.Module):
    """Wrong under autocast, as some operations are."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        factor = 2 if torch.is_autocast_enabled("cpu") else 1
        return self.head((x**2).mean((2, 3))) * factor


def test_modes_that_do_not_agree_are_not_taken(folder, monkeypatch) -> None:
    """Even where the clock says that they are a hundred times as fast."""
    card = load_model(folder, "cpu").card
    wrong = Classifier(card, Doubling(), torch.device("cpu"), precision="auto")
    monkeypatch.setattr(
        module._Bench,
        "_paired",
        lambda self, candidates, reference, seconds: dict.fromkeys(candidates, 100.0),
    )
    calibrate(wrong, seconds=0.1)
    assert all(mode.precision == "fp32" for mode in wrong.modes.values())
    right = Classifier(card, load_model(folder, "cpu").network, torch.device("cpu"))
    calibrate(right, seconds=0.1)
    assert right.modes["forward", "auto"].channels_last, "the broken twin: here they agree"


def test_times_are_compared_within_a_round(folder, monkeypatch) -> None:
    """A machine that grows slower and slower does not make the later candidate look slow."""
    monkeypatch.setattr(module, "_ROUNDS", (5, 5))
    bench = module._Bench.__new__(module._Bench)
    clock = iter(range(1, 1000))
    x = torch.zeros(1)
    speed = {"plain": 1.0, "fast": 0.5, "slow": 3.0}
    slowing = {"now": 1.0}

    def seconds_of(run, _x) -> float:
        slowing["now"] = 1 + next(clock) / 10
        return speed[run] * slowing["now"]

    bench._seconds_of = seconds_of
    gains = bench._paired({"f": ("fast", x), "s": ("slow", x)}, ("plain", x), 10.0)
    assert gains["f"] == pytest.approx(2, rel=0.15)
    assert gains["s"] == pytest.approx(1 / 3, rel=0.3)


def test_a_busy_machine_does_not_make_batches_small(folder, monkeypatch) -> None:
    """Time in which other programs have the CPU says nothing of the network."""
    classifier = load_model(folder, device="cpu")
    classifier.network = Waiting(classifier.network)
    monkeypatch.setattr(module, "_BATCHES", (1,))
    monkeypatch.setattr(module, "_LONGEST_BATCH", 0.04)
    calibrate(classifier, seconds=0.1)
    assert classifier.mode("forward").batch == module.USUAL_BATCH


class Asking(nn.Module):
    """Waits for every batch, however large: a graphics card and a few pictures."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.004)
        return self.network(x)


@pytest.mark.parametrize(("elsewhere", "largest"), [(False, module.USUAL_BATCH), (True, 32)])
def test_a_card_is_asked_about_many_pictures(folder, monkeypatch, elsewhere, largest) -> None:
    """With few it waits in every mode, and the plain one would win."""
    monkeypatch.setattr(module, "_BATCHES", (8, 32))
    raced = []

    def made(network, mode):
        run = runner(network, mode)

        def recorded(x: torch.Tensor) -> torch.Tensor:
            raced.append(len(x))
            return run(x)

        return recorded

    monkeypatch.setattr(module, "runner", made)
    classifier = load_model(folder, device="cpu")
    classifier.network = Asking(classifier.network)
    monkeypatch.setattr(classifier, "device", Pretended("cpu") if elsewhere else classifier.device)
    gains = module._Bench(classifier, "forward", 0.2, Watch())
    modes = [mode for mode in gains._runs if mode != gains._plain]
    assert modes
    assert len(gains._x) == largest
    assert raced.count(largest) >= module._ROUNDS[0] * len(modes)


def test_a_network_that_is_slow_gets_one_picture_at_a_time(folder, monkeypatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_BATCH", 1e-6)
    classifier = load_model(folder, device="cpu")
    calibrate(classifier, seconds=0.1)
    assert classifier.mode("forward").batch == 1


def test_bf16_is_used_only_when_asked_and_said(folder, net_input) -> None:
    modes = {
        (work, asked): Mode("bf16" if asked == "auto" else "fp32", channels_last=True)
        for work in WORKS
        for asked in PRECISIONS
    }
    maps, said = {}, {}
    for precision in PRECISIONS:
        one = load_model(folder, "cpu", precision)
        one.calibrated(modes)
        found = method("smoothgrad/signed").explain(one, net_input, "a", {"samples": 16}, Watch())
        maps[precision], said[precision] = found.values, found.parameters.get("precision")
    plain = method("smoothgrad/signed").explain(
        load_model(folder, "cpu"), net_input, "a", {"samples": 16}, Watch()
    )
    assert said == {"fp32": None, "auto": "bf16"}
    size = np.linalg.norm(plain.values)
    assert np.linalg.norm(maps["fp32"] - plain.values) < 1e-4 * size
    assert 1e-4 * size < np.linalg.norm(maps["auto"] - plain.values) < 0.1 * size


def test_methods_that_look_inside_see_the_real_network(folder, net_input) -> None:
    """Guided backpropagation in bf16 on a folded copy would be another method."""
    one = load_model(folder, "cpu", "auto")
    plain = method("guided-backprop").explain(one, net_input, "a", {}, Watch())
    one.calibrated({(work, "auto"): Mode("bf16", True, True) for work in WORKS})
    found = method("guided-backprop").explain(one, net_input, "a", {}, Watch())
    np.testing.assert_array_equal(found.values, plain.values)
    assert "precision" not in found.parameters


def test_modes_of_an_answer_serve_the_way_back_too(folder, net_input) -> None:
    """The copy made while only answering must not be frozen for gradients."""
    one = load_model(folder, "cpu")
    one.calibrated({(work, "fp32"): Mode(channels_last=True, folded=True) for work in WORKS})
    said = one.predict(net_input)
    method("gradient").explain(one, net_input, "a", {}, Watch())
    plain = load_model(folder, "cpu").predict(net_input)
    assert list(said.logits.values()) == pytest.approx(list(plain.logits.values()), rel=1e-4)


def test_every_member_of_an_ensemble_is_measured(tmp_path, write_ensemble) -> None:
    whole = load_model(write_ensemble(tmp_path / "zoo"), "cpu")
    heard = []
    calibrate(whole, Watch(lambda *report: heard.append(report[:2])), seconds=0.2)
    assert all(member.modes for member in whole.members)
    assert heard[0] == (0, 6)
    assert heard[-1] == (6, 6)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_an_ensemble_runs_each_member_in_its_mode(tmp_path, write_ensemble, net_input) -> None:
    whole = load_model(write_ensemble(tmp_path / "zoo"), "cpu")
    x = torch.from_numpy(net_input.pixels)[None]
    plain = whole.logits(x)
    ran = []
    for member in whole.members:
        mode = Mode(channels_last=True, folded=True, batch=3)
        member.calibrated({(work, "fp32"): mode for work in WORKS})
        run = runner(member.network, mode)
        member._runs[mode] = lambda x, run=run, name=member.card.name: (ran.append(name), run(x))[1]
    with whole.quick("forward"):
        quick = whole.logits(x)
    assert ran == [member.card.name for member in whole.members]
    torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-5)
    ran.clear()
    whole.logits(x)
    assert not ran


@pytest.mark.parametrize("precision", PRECISIONS)
def test_modes_fall_away_on_another_device(folder, precision) -> None:
    one = load_model(folder, "cpu", precision)
    calibrate(one, seconds=0.1)
    one.move("cpu")
    assert one.modes == {}


def test_mode_is_frozen_and_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Mode().batch = 3  # type: ignore[misc]
    for wrong in ({"precision": "fp8"}, {"batch": 0}, {"batch": 4.0}, {"folded": 1}):
        with pytest.raises(ValueError, match="not a mode"):
            Mode(**wrong)
