"""Memory that runs out: no GPU is needed for it, the network says so itself."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.calibrate import calibrate
from galaxyscope.classify.card import ModelError
from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.classify.ensemble import MeanLogits
from galaxyscope.classify.memory import out_of_memory
from galaxyscope.explain.registry import method
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch


class Small(nn.Module):
    """Takes `most` pictures at a time on the device where it starts, any number on the CPU."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.moved, self.seen = most, False, []
        self.head = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        if not self.moved and len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.head((x**2).mean((2, 3))) * 10


class Pretended(str):
    """Torch puts tensors on the CPU; everybody else sees a GPU."""

    type = "cuda"

    def __str__(self) -> str:
        return "cuda:0"


class Elsewhere(Classifier):
    """Says that it is on a GPU."""

    def __init__(self, card, network: Small, **more) -> None:
        super().__init__(card, network, torch.device("cpu"), **more)
        self.device = Pretended("cpu")

    def move(self, device) -> None:
        super().move(device)
        self.network.moved = True


@pytest.fixture
def card(tmp_path, write_model):
    from galaxyscope.classify.card import read_card

    return read_card(write_model(tmp_path / "small"))


@pytest.fixture
def net_input() -> NetworkInput:
    return NetworkInput(np.random.default_rng(0).random((3, 16, 16), np.float32), Affine())


def weights(network: nn.Module, seed: int = 0) -> nn.Module:
    with torch.no_grad():
        draw = torch.Generator().manual_seed(seed)
        network.head.weight.copy_(torch.randn((3, 3), generator=draw))
        network.head.bias.zero_()
    return network


def test_smaller_batches_give_the_same_answer_and_a_sentence(card, net_input) -> None:
    roomy = Elsewhere(card, weights(Small(10**6))).predict(net_input)
    tight = Elsewhere(card, weights(Small(3)))
    said = tight.predict(net_input)
    assert list(said.probabilities.values()) == pytest.approx(list(roomy.probabilities.values()))
    assert tight.network.seen[:2] == [8, 4]
    assert set(tight.network.seen[2:]) == {2}
    assert said.notes[-1] == "The memory of cuda:0 ran out: the network gets 2 pictures at a time."
    assert roomy.notes == ()
    tight.network.seen.clear()
    tight.predict(net_input)
    assert max(tight.network.seen) == 2, "the limit is remembered"


def test_the_cpu_takes_over_where_one_picture_is_too_much(card, net_input) -> None:
    tight = Elsewhere(card, weights(Small(0)))
    said = tight.predict(net_input)
    assert tight.device.type == "cpu"
    assert "runs on the CPU" in said.notes[-1]
    assert tight.batch_limit is None


def test_on_the_cpu_there_is_nothing_left(card, net_input) -> None:
    tight = Classifier(card, weights(Small(0)), torch.device("cpu"))
    with pytest.raises(ModelError, match="not enough memory for a single picture"):
        tight.predict(net_input)


def test_other_errors_are_not_memory(card, net_input) -> None:
    class Broken(Small):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen.append(len(x))
            raise RuntimeError("shapes do not match")

    broken = Elsewhere(card, weights(Broken(1)))
    with pytest.raises(RuntimeError, match="shapes"):
        broken.predict(net_input)
    assert len(broken.network.seen) == 1


@pytest.mark.parametrize(
    ("error", "yes"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_memory(error, yes) -> None:
    assert out_of_memory(error) is yes


def explained(classifier, net_input, name: str):
    ask = {"samples": 32} if name != "occlusion" else {"window": 6, "stride": 4}
    return method(name).explain(classifier, net_input, "a", ask, Watch())


@pytest.mark.parametrize("name", ["smoothgrad/signed", "rise", "occlusion"])
@pytest.mark.parametrize("most", [3, 0])
def test_explanations_make_do_too(card, net_input, name, most) -> None:
    roomy = explained(Elsewhere(card, weights(Small(10**6))), net_input, name)
    tight = Elsewhere(card, weights(Small(most)))
    tight.batch_limit = 16
    found = explained(tight, net_input, name)
    np.testing.assert_allclose(found.values, roomy.values, rtol=1e-4, atol=1e-6)
    assert any("ran out" in note for note in found.notes)
    assert not any("ran out" in note for note in roomy.notes)
    assert (tight.device.type == "cpu") is (most == 0)


def test_one_member_that_moves_leaves_the_others(card, net_input) -> None:
    networks = [weights(Small(most), seed) for seed, most in enumerate((100, 0))]
    members = [
        Elsewhere(dataclasses.replace(card, name=f"m/{n}"), network)
        for n, network in enumerate(networks)
    ]
    whole = Classifier(card, MeanLogits(networks), torch.device("cpu"), members)
    said = whole.predict(net_input)
    assert [m.device.type for m in members] == ["cuda", "cpu"]
    assert any("runs on the CPU" in note for note in said.notes)


def test_calibration_without_memory_leaves_a_network_that_answers(card, net_input) -> None:
    """It asks for four pictures at a time, before anybody could have made do with fewer."""
    tight = Elsewhere(card, weights(Small(3)))
    calibrate(tight, seconds=0.01)
    assert tight.modes == {}
    assert "does not suffice to try" in tight.notices[0]
    assert "2 pictures at a time" in tight.predict(net_input).notes[-1]


def test_other_errors_end_a_calibration(card) -> None:
    class Broken(Small):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        calibrate(Elsewhere(card, weights(Broken(1))), seconds=0.01)


def test_weights_that_are_too_much_for_a_device_stay_on_the_cpu(card, net_input) -> None:
    class Large(Small):
        def to(self, device, **options):
            if torch.device(device).type != "cpu":
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().to(device, **options)

    there = Classifier(card, weights(Large(10**6)), torch.device("cuda"))
    assert there.device == torch.device("cpu")
    assert "runs on the CPU" in there.predict(net_input).notes[0]


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FAULTS = """
import galaxyscope, resource, torch
torch.ones(2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(64 * 2**20, dtype=torch.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    not HUGE_PAGES.exists() or "[never]" in HUGE_PAGES.read_text(),
    reason="this system has no huge pages to give",
)
def test_large_tensors_lie_in_huge_pages() -> None:
    """64 MiB are 16,384 pages of the usual size, each of which the kernel would be asked for."""
    found = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    assert int(found.stdout) < 4000


def test_what_the_user_has_set_stays() -> None:
    """torch reads it from the environment; a person who knows better has the last word."""
    name = "THP_MEM_ALLOC_ENABLE"
    program = f"import galaxyscope, os; print(os.environ[{name!r}])"
    others = {key: value for key, value in os.environ.items() if key != name}
    for given, seen in (({}, "1"), ({name: "0"}, "0")):
        found = subprocess.run(
            [sys.executable, "-c", program],
            env=others | given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == seen
