"""Samples until two halves agree: fewer where it is easy, all where it is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from galaxyscope.explain import engine
from galaxyscope.explain.postflight import split_half
from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.watch import Watch
from tests.explain.draws import drawn

FAMILY = [name for name in METHODS if name.startswith("smoothgrad") or name == "vargrad"]


def run(name, classifier, picture, watch=None, **settings):
    return method(name).explain(classifier, picture, "bar", settings, watch or Watch())


def halves(blocks: np.ndarray) -> float:
    one, other = blocks[::2].mean(0).ravel(), blocks[1::2].mean(0).ravel()
    return float(np.corrcoef(one, other)[0, 1])


def test_split_half_has_known_answers() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=(5, 6, 6))
    assert split_half(torch.from_numpy(blocks)) == pytest.approx(halves(blocks))
    same = torch.from_numpy(blocks[:1]).repeat(4, 1, 1)
    assert split_half(same) == pytest.approx(1)
    assert split_half(torch.stack([same[0], -same[0]])) == pytest.approx(-1)
    assert split_half(torch.ones(2, 3, 3)) == 0


@pytest.mark.parametrize("name", FAMILY)
def test_it_stops_at_the_asked_level_and_says_how_far_it_is(small, make_input, name) -> None:
    seen: list[Attribution] = []
    watch = Watch(lambda done, total, partial: seen.append(partial) if partial else None)
    found = run(name, small, make_input(), watch, samples=512, noise=0.1, agreement=0.5)
    assert found.parameters["samples"] == 512, "the maximum"
    assert found.parameters["agreement_reached"] >= 0.5
    assert found.samples_done < 512
    assert found.samples_done % 64 == 0, "whole blocks"
    assert len(found.blocks) == found.samples_done // 64
    assert halves(found.blocks) == pytest.approx(found.parameters["agreement_reached"], abs=1e-3)
    np.testing.assert_allclose(
        found.blocks.mean(0), found.values, atol=1e-4 * np.abs(found.values).max()
    )
    assert found.notes == ()
    assert seen[-1] is found


def test_the_map_is_that_of_the_samples_that_ran(small, make_input) -> None:
    """Literal: the mean gradient of just the noisy copies of the first blocks."""
    found = run(
        "smoothgrad/signed", small, make_input(), samples=64, noise=0.1, seed=3, agreement=0.1
    )
    assert found.samples_done < 64
    order = engine.sample_order(64)[: found.samples_done]
    image = torch.from_numpy(make_input().pixels)[None]
    sigma = 0.1 * float(image.max() - image.min())
    total = torch.zeros(24, 24)
    for k in order:
        noise = drawn(3, k)
        x = (image + sigma * torch.from_numpy(noise)).requires_grad_(True)
        total += torch.autograd.grad(small.network(x)[0, 0], x)[0][0].sum(0)
    oracle = (total / len(order)).numpy()
    np.testing.assert_allclose(found.values, oracle, atol=1e-4 * np.abs(oracle).max())


def test_it_does_not_depend_on_the_batch(small, make_input, monkeypatch) -> None:
    maps = []
    for batch in (1, 7, 100):
        monkeypatch.setattr(engine, "batch_size", lambda *_, size=batch: size)
        maps.append(run("smoothgrad/signed", small, make_input(), samples=128, agreement=0.6))
    assert len({found.samples_done for found in maps}) == 1
    for found in maps[1:]:
        np.testing.assert_allclose(
            found.values, maps[0].values, atol=1e-4 * np.abs(maps[0].values).max()
        )


def test_what_is_asked_in_vain_is_said(small, make_input) -> None:
    found = run("smoothgrad/signed", small, make_input(), samples=32, noise=1.0, agreement=0.9999)
    assert found.samples_done == 32
    assert f"agree to {found.parameters['agreement_reached']:.2f}; 0.9999 was asked" in (
        " ".join(found.notes)
    )
    alone = run("smoothgrad/signed", small, make_input(), samples=8, agreement=0.5)
    assert "agree to 0.00; 0.5 was asked" in " ".join(alone.notes), "nothing to compare"


def test_without_it_all_samples_run_as_before(small, make_input) -> None:
    found = run("smoothgrad/signed", small, make_input(), samples=64, noise=0.01)
    assert found.samples_done == 64
    assert "agreement_reached" not in found.parameters
