"""What all methods share: batches, blocks, seeds, streaming, cancel, an untouched network."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from galaxyscope.explain import channel_cam, engine, paths
from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.watch import Cancelled, Watch

#: Methods of attention have their own tests; the network here has none.
ON_CONVOLUTIONS = [name for name, found in METHODS.items() if found.card.family != "Transformers"]
SMOOTHGRADS = [name for name in METHODS if name.startswith("smoothgrad/")]
SAMPLED = [*SMOOTHGRADS, "smoothgrad-squared", "vargrad", "gradient-shap", "deeplift-shap"]
"""Those with blocks of samples."""
RANDOM = [name for name, found in METHODS.items() if not found.card.deterministic]
OURS = [name for name, found in METHODS.items() if found.card.family != "Perturbation"]
"""Those that run on this engine; asking methods have one of their own."""
MANY = ["integrated-gradients", "score-cam", "faster-score-cam", "ablation-cam"]


@pytest.fixture
def small(small):
    """With a max pooling, which every method can use."""
    small.network.features.append(nn.MaxPool2d(3, stride=1, padding=1))
    return small


def assert_close(found, expected, tolerance=1e-4) -> None:
    """Equal to within a fraction of the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def run(name, classifier, net_input, target="Class3.1", watch=None, **parameters):
    return method(name).explain(classifier, net_input, target, parameters, watch or Watch())


def set_batch(monkeypatch, batch: int) -> None:
    """Wherever the engine's batch size is used."""
    for module in (engine, paths, channel_cam):
        monkeypatch.setattr(module, "batch_size", lambda *_: batch)


@pytest.mark.parametrize("name", ON_CONVOLUTIONS)
def test_the_map_does_not_depend_on_the_batch_size(
    small, make_input, monkeypatch, name, few
) -> None:
    maps, blocks = [], []
    for batch in (1, 7, 24, 100):
        set_batch(monkeypatch, batch)
        found = run(name, small, make_input(), **few(name, samples=50, seed=5, channels=9))
        maps.append(found.values)
        blocks.append(found.blocks)
    assert blocks[0] is not None or name not in SAMPLED
    assert blocks[0] is None or name not in MANY
    for values, parts in zip(maps[1:], blocks[1:], strict=True):
        assert_close(values, maps[0], 2e-4)
        assert (parts is None) is (blocks[0] is None)
        if parts is not None:
            assert_close(parts, blocks[0], 2e-4)


@pytest.mark.parametrize("name", ["smoothgrad/rotation-averaged", "occlusion", "rise", "score-cam"])
def test_growing_maps_are_made_only_for_those_who_listen(
    small, make_input, monkeypatch, name, few
) -> None:
    made = []
    plain = engine.make_attribution
    for module in (engine, channel_cam):
        monkeypatch.setattr(
            module, "make_attribution", lambda *a, **k: made.append(1) or plain(*a, **k)
        )
    set_batch(monkeypatch, 4)
    settings = few(name, samples=16, channels=12)
    alone = run(name, small, make_input(), **settings)
    assert len(made) == 1
    grown = []
    heard = Watch(lambda done, total, partial: grown.append(partial))
    watched = run(name, small, make_input(), watch=heard, **settings)
    np.testing.assert_array_equal(alone.values, watched.values)
    assert len(made) > 3
    assert sum(isinstance(one, Attribution) for one in grown) > 2


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_reproduces_the_map_and_another_does_not(small, make_input, name, few) -> None:
    first, again, other = (
        run(name, small, make_input(), **few(name, noise=0.2, seed=seed)).values
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    if name in OURS:  # others may find the same regions
        assert np.abs(other - first).max() > 1e-3 * np.abs(first).max()


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("samples", [16, 50, 100])
def test_blocks_average_to_the_map(small, make_input, name, samples) -> None:
    found = run(name, small, make_input(), samples=samples)
    assert found.blocks is not None
    count = len(found.blocks)
    assert count == min(8, samples // 8)
    sizes = [len(range(b, samples, count)) for b in range(count)]
    mean = np.average(found.blocks, axis=0, weights=sizes)
    assert_close(mean, found.values)
    assert np.std(found.blocks, axis=0).max() > 0


def test_blocks_estimate_the_error_of_the_map(small, make_input) -> None:
    """Standard error from the blocks of one run ≈ scatter between runs of other seeds."""
    ask = {"samples": 64, "noise": 0.4}
    runs = [run("smoothgrad/signed", small, make_input(), seed=s, **ask) for s in range(12)]
    scatter = np.std([r.values for r in runs], axis=0, ddof=1).mean()
    told = np.mean([np.std(r.blocks, axis=0, ddof=1).mean() / np.sqrt(8) for r in runs])
    assert told == pytest.approx(scatter, rel=0.15)


def test_too_few_samples_give_no_blocks(small, make_input) -> None:
    assert run("smoothgrad/signed", small, make_input(), samples=15).blocks is None


@pytest.mark.parametrize("samples", [1, 5, 16, 64, 100, 256])
def test_every_sample_runs_once_and_blocks_cover_the_circle(samples) -> None:
    order, blocks = engine.sample_order(samples), engine.block_count(samples)
    assert sorted(order) == list(range(samples))
    for block in range(blocks):
        members = sorted(k for k in order if k % blocks == block)
        assert set(np.diff(members)) <= {blocks}, "equal steps around the circle"
    if samples == 256:
        half = np.array(sorted(order[:16])) / 256  # half of the first block
        assert np.diff(half).max() == pytest.approx(1 / 16)


@pytest.mark.parametrize("name", ON_CONVOLUTIONS)
def test_partial_maps_stream_and_end_in_the_result(
    small, make_input, name, monkeypatch, few
) -> None:
    set_batch(monkeypatch, 6)
    heard: list[tuple[int, int, object]] = []
    watch = Watch(lambda *report: heard.append(report))
    ask = few(name, samples=20, steps=20, copies=1, channels=12)
    found = run(name, small, make_input(), watch=watch, **ask)
    done = [done for done, _, _ in heard]
    if name in SAMPLED or name in {"integrated-gradients", "smooth-integrated-gradients"}:
        assert done == [0, 6, 12, 18, 20]
        assert [part.samples_done for _, _, part in heard[1:]] == done[1:]
    elif name in MANY:
        assert done == [0, 6, 12]
    assert done == sorted(done)
    assert heard[-1][:2] == (heard[-1][1], heard[-1][1])
    if name in OURS:
        assert done[0] == 0
        assert {total for _, total, _ in heard} == {done[-1]}
        assert [number for number, (_, _, part) in enumerate(heard) if part is None] == [0]
    np.testing.assert_array_equal(heard[-1][2].values, found.values)
    for partial in [part for _, _, part in heard if part is not None]:
        assert isinstance(partial, Attribution)
        assert partial.values.shape == found.values.shape == (24, 24)
        assert partial.values.dtype == np.float32
        assert np.isfinite(partial.values).all()


def test_a_partial_map_is_the_mean_of_the_samples_so_far(small, make_input, monkeypatch) -> None:
    monkeypatch.setattr(engine, "batch_size", lambda *_: 5)
    parts: list[Attribution] = []

    def report(done: int, total: int, partial: object | None) -> None:
        if isinstance(partial, Attribution):
            parts.append(partial)

    run("smoothgrad/signed", small, make_input(), watch=Watch(report), samples=10, noise=0.0)
    plain = run("smoothgrad/signed", small, make_input(), samples=1, noise=0.0)
    for part in parts:  # without noise every sample is the same
        assert_close(part.values, plain.values)


@pytest.mark.parametrize("name", ON_CONVOLUTIONS)
def test_maps_are_those_of_evaluation_mode(small, make_input, name, few) -> None:
    ask = few(name)
    calm = run(name, small, make_input(), **ask).values
    small.network.train()
    with torch.no_grad():  # a caller's mode does not matter
        lively = run(name, small, make_input(), **ask).values
    np.testing.assert_array_equal(calm, lively)
    assert small.network.training


@pytest.mark.parametrize("name", ON_CONVOLUTIONS)
def test_an_alias_explains_its_class_and_unknown_targets_fail(small, make_input, name, few) -> None:
    ask = few(name)
    found = run(name, small, make_input(), "bar", **ask)
    assert found.target == "Class3.1"
    assert dict(found.parameters).keys() == {p.name for p in method(name).card.parameters}
    with pytest.raises(KeyError, match="nonsense"):
        run(name, small, make_input(), "nonsense", **ask)


def test_gradients_that_are_not_finite_are_an_error(small, make_input) -> None:
    with torch.no_grad():
        small.network.head.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"no finite map for Class3\.1"):
        run("gradient", small, make_input())


def middle_network() -> nn.Module:
    """About 1.5 million parameters at 128 px, as large as what is shipped."""
    parts: list[nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 128), (128, 256), (256, 384)):
        parts += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.SiLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(384, 2))


def test_cancel_takes_effect_within_300_ms(classify, make_input) -> None:
    classifier, started, watch = classify(middle_network()), threading.Event(), Watch()
    assert sum(p.numel() for p in classifier.network.parameters()) > 1_000_000

    def report(done: int, total: int, partial: object | None) -> None:
        if done:
            started.set()

    watch.listen(report)
    stopped: list[float] = []

    def work() -> None:
        with pytest.raises(Cancelled):
            run("smoothgrad/rotation-averaged", classifier, make_input(128), watch=watch)
        stopped.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(30)
    asked = time.monotonic()
    watch.cancel()
    thread.join(10)
    assert stopped[0] - asked < 0.3


class Largest(TorchDispatchMode):
    """Notes the largest tensor that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, torch.Tensor):
                self.bytes = max(self.bytes, one.untyped_storage().nbytes())
        return made


def test_memory_does_not_grow_with_the_samples(small, make_input) -> None:
    """Noise and networks of one batch only, never of all samples; numpy's share is traced."""
    picture = make_input(32)
    run("smoothgrad/signed", small, picture, samples=8)
    peaks, largest = [], []
    for samples in (256, 1024):
        tracemalloc.start()
        with Largest() as seen:
            run("smoothgrad/signed", small, picture, samples=samples)
        peaks.append(tracemalloc.get_traced_memory()[1])
        largest.append(seen.bytes)
        tracemalloc.stop()
    batch = engine.batch_size(small, 32)
    assert largest[0] == largest[1] < 4 * 8 * batch * 32**2  # eight floats a pixel
    assert peaks[1] - peaks[0] < 200 * (1024 - 256)  # bytes; the numbers of the samples


def test_batches_keep_their_pixels(small) -> None:
    assert engine.batch_size(small, 128) == 9
    assert engine.batch_size(small, 96) == 16
    assert engine.batch_size(small, 64) == 36
    assert engine.batch_size(small, 424) == 1
