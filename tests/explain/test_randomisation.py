"""Randomisation scores of maps that depend on the weights, and of one that does not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from galaxyscope.explain import gradient
from galaxyscope.explain.engine import make_attribution
from galaxyscope.explain.randomisation import (
    SCORES_FILE,
    MethodScore,
    Randomisation,
    randomisation_scores,
    randomised,
    read_scores,
    similarity,
    weights_of,
    write_scores,
)
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch


def test_similarity_has_known_answers() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 30, 30)).astype(np.float32)
    assert similarity(one, one) == pytest.approx(1)
    assert similarity(one, -3 * one) == pytest.approx(1), "absolute values"
    assert similarity(np.abs(one), np.exp(np.abs(one))) == pytest.approx(1), "ranks"
    assert abs(similarity(one, other)) < 0.1
    assert similarity(one, np.ones_like(one)) == 0
    from scipy.stats import spearmanr

    expected = spearmanr(np.abs(one).ravel(), np.abs(other).ravel()).statistic
    assert similarity(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(("share", "changed"), [(0.0, 0), (1 / 3, 1), (2 / 3, 2), (1.0, 3)])
def test_layers_are_randomised_from_the_last_one(small, share, changed) -> None:
    before = [w.clone() for w in weights_of(small.network)]
    other = randomised(small, share, seed=1)
    after = weights_of(other.network)
    different = [not torch.equal(one, two) for one, two in zip(before, after, strict=True)]
    assert different == [False] * (3 - changed) + [True] * changed
    for one, two in zip(before, after, strict=True):
        assert torch.equal(one.flatten().sort()[0], two.flatten().sort()[0]), "the same numbers"
    for one, two in zip(before, weights_of(small.network), strict=True):
        assert torch.equal(one, two), "the network itself is as it was"
    again = weights_of(randomised(small, share, seed=1).network)
    assert all(torch.equal(one, two) for one, two in zip(after, again, strict=True))
    assert other.network is not small.network
    assert other.modes is not small.modes


def picture_itself(classifier, net_input, target, card, settings, watch):
    """Broken twin: a method that shows the picture."""
    values = torch.from_numpy(net_input.pixels).sum(0)
    return make_attribution(
        classifier, net_input, score_of(classifier, target), card, settings, values, False
    )


def test_a_method_that_shows_the_picture_fails_and_the_gradient_passes(
    small, make_input, monkeypatch
) -> None:
    monkeypatch.setattr(gradient, "explain_times_input", picture_itself)
    rng = np.random.default_rng(0)
    pictures = [make_input(rng.random((3, 24, 24), np.float32)) for _ in range(2)]
    seen: list[tuple[int, int]] = []
    found = randomisation_scores(
        small,
        pictures,
        "bar",
        {"gradient": {}, "input-x-gradient": {}, "deconvolution": {}, "attention-rollout": {}},
        watch=Watch(lambda done, total, _: seen.append((done, total))),
    )
    assert found.methods["input-x-gradient"].similarity == (1, 1, 1, 1)
    assert not found.methods["input-x-gradient"].passes
    assert found.methods["gradient"].passes
    assert found.methods["gradient"].pictures == 2
    assert set(found.refused) == {"deconvolution", "attention-rollout"}
    assert "no attention" in found.refused["attention-rollout"]
    assert (found.target, found.shares[-1], found.model_sha256) == ("Class3.1", 1, "0" * 64)
    assert seen[-1] == (20, 20)


def test_one_method_that_fails_does_not_stop_the_rest(small, make_input, monkeypatch) -> None:
    def broken(*_):
        raise RuntimeError("no luck today\nat all")

    monkeypatch.setattr(gradient, "explain_times_input", broken)
    methods = {"input-x-gradient": {}, "gradient": {}}
    found = randomisation_scores(small, [make_input()], "bar", methods)
    assert list(found.methods) == ["gradient"]
    assert found.refused == {"input-x-gradient": "no luck today"}
    with pytest.raises(ValueError, match="no picture"):
        randomisation_scores(small, [], "bar", methods)


def test_scores_lie_beside_the_card_and_hold_for_its_weights(tmp_path) -> None:
    scores = Randomisation(
        "a" * 64, "bar", (0.5, 1.0), 3, {"gradient": MethodScore((0.9, 0.2), 4)}, {"cam": "why"}
    )
    assert read_scores(tmp_path, "a" * 64) is None
    assert write_scores(scores, tmp_path).name == SCORES_FILE
    assert read_scores(tmp_path, "a" * 64) == scores
    assert read_scores(tmp_path, "b" * 64) is None, "of other weights"


def test_scores_of_other_methods_are_kept_where_all_else_is_alike() -> None:
    old = Randomisation(
        "a", "bar", (1.0,), 0, {"gradient": MethodScore((0.9,), 2), "lrp": MethodScore((0.1,), 2)},
        {"cam": "why"}, {"gradient": {}, "lrp": {"gamma": 1}}, {"p": "1"}, "1",
    )  # fmt: skip
    new = replace(
        old, methods={"gradient": MethodScore((0.2,), 2)}, refused={}, settings={"gradient": {}}
    )
    both = new.joined(old)
    assert {name: one.similarity[-1] for name, one in both.methods.items()} == {
        "gradient": 0.2, "lrp": 0.1,
    }  # fmt: skip
    assert (both.refused, both.settings) == ({"cam": "why"}, {"gradient": {}, "lrp": {"gamma": 1}})
    for changed in ({"model_sha256": "b"}, {"pictures": {"p": "2"}}, {"seed": 1}, {"version": "2"}):
        assert new.joined(replace(old, **changed)) == new


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "{" * 100_000,
        '{"model_sha256": "a", "target": "", "shares": [1], "seed": 0, "refused": {}, '
        '"methods": {"cam": {"similarity": [1, 2], "pictures": 1}}}',
        '{"model_sha256": "a", "target": "", "shares": [1], "seed": 0, "refused": {}, '
        '"methods": {}, "more": 1}',
    ],
)
def test_damaged_scores_are_one_sentence(tmp_path, text) -> None:
    (tmp_path / SCORES_FILE).write_text(text)
    with pytest.raises(ValueError, match=r"randomisation\.json holds no randomisation scores"):
        read_scores(tmp_path, "a")


def test_what_is_written_is_plain_json(tmp_path) -> None:
    write_scores(Randomisation("a", "bar", (1.0,), 0, {"x": MethodScore((0.1,), 1)}), tmp_path)
    assert json.loads((tmp_path / SCORES_FILE).read_text())["methods"]["x"]["similarity"] == [0.1]
