from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

from galaxyscope.classify import store
from galaxyscope.classify.card import ModelError, read_card
from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.classify.store import list_models, load_model
from galaxyscope.sky.frame import Affine


@pytest.fixture
def net_input() -> NetworkInput:
    return some_input(0)


def some_input(seed: int) -> NetworkInput:
    pixels = np.random.default_rng(seed).random((3, 16, 16), np.float32)
    return NetworkInput(pixels, Affine())


def test_ensemble_says_the_mean_of_its_members_and_how_far_they_differ(
    tmp_path, write_ensemble, net_input
) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    whole = load_model(folder, "cpu")
    singles = [load_model(folder / name, "cpu") for name in ("one", "two", "three")]
    said, alone = whole.predict(net_input), [one.predict(net_input) for one in singles]
    for name in whole.card.classes:
        each = [one.probabilities[name] for one in alone]
        assert said.probabilities[name] == pytest.approx(np.mean(each), abs=1e-12)
        assert said.logits[name] == pytest.approx(np.mean([o.logits[name] for o in alone]))
        assert said.spread[name] == pytest.approx(np.std(each, ddof=1))
        assert said.spread[name] > 0
        assert [said.members[f"zoo/{m}"][name] for m in ("one", "two", "three")] == each
    assert said.model == "zoo"
    assert alone[0].spread == alone[0].members == {}


def test_network_of_an_ensemble_gives_mean_logits_with_a_gradient(
    tmp_path, write_ensemble, net_input
) -> None:
    whole = load_model(write_ensemble(tmp_path / "zoo"), "cpu")
    x = torch.from_numpy(net_input.pixels)[None].requires_grad_(True)
    found = torch.autograd.grad(whole.logits(x)[0, 1], x)[0]
    each = [torch.autograd.grad(m.logits(x)[0, 1], x)[0] for m in whole.members]
    assert float((found - torch.stack(each).mean(0)).abs().max()) < 1e-5 * float(found.abs().max())


def test_single_network_is_its_own_member(tmp_path, write_model) -> None:
    one = load_model(write_model(tmp_path / "one"), "cpu")
    assert one.members == (one,)


def test_members_are_listed_after_their_ensemble_and_load_by_that_name(
    tmp_path, write_ensemble, write_model, monkeypatch
) -> None:
    write_ensemble(tmp_path / "galaxyzoo", ("vgg", "resnet"))
    write_model(tmp_path / "bars")
    monkeypatch.setattr(store, "models_folder", lambda: tmp_path)
    names = [card.name for card in list_models()]
    assert names[:4] == ["galaxyzoo", "galaxyzoo/resnet", "galaxyzoo/vgg", "bars"]
    for name in names[:4]:
        assert load_model(name, "cpu").card.name == name
    whole = load_model(device="cpu")
    assert [m.card.name for m in whole.members] == ["galaxyzoo/vgg", "galaxyzoo/resnet"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": ["a", "b", "d"], "targets": {}}, "another classes"),
        ({"activation": "softmax"}, "another activation"),
        ({"input_size": 24}, "another input_size"),
        ({"field_r90": 2.5}, "another field_r90"),
        ({"stretch": "radio"}, "another stretch"),
        ({"frame": "whole"}, "another frame"),
    ],
)
def test_members_must_answer_the_same_question(
    tmp_path, write_ensemble, change, values, message
) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    change(folder / "two", **values)
    with pytest.raises(ModelError, match=f"zoo: its member two has {message}"):
        load_model(folder, "cpu")


def test_ensemble_of_other_members_is_refused(tmp_path, write_ensemble, write_model) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    write_model(folder / "two", seed=9)
    with pytest.raises(ModelError, match="the members are not those the card was written for"):
        load_model(folder, "cpu")


@pytest.mark.parametrize(
    "members",
    [
        ["../one"],
        ["/etc"],
        ["one/../two"],
        ["."],
        [".."],
        [""],
        ["one\\two"],
        ["C:one"],
        ["con"],
        ["one", "one"],
        [3],
        "one",
        {"one": 1},
        None,
        [],
        ["o\u0000ne"],
    ],
)
def test_members_cannot_lead_out_of_the_folder(tmp_path, write_ensemble, change, members) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    change(folder, members=members)
    with pytest.raises(ModelError, match="not a model card"):
        load_model(folder, "cpu")


def test_member_that_is_missing_or_broken_is_named(tmp_path, write_ensemble) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    (folder / "two" / "card.json").unlink()
    with pytest.raises(ModelError, match=r"two: there is no card\.json"):
        load_model(folder, "cpu")
    folder = write_ensemble(tmp_path / "zoo")
    (folder / "three" / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"zoo/three: .* cannot be read"):
        load_model(folder, "cpu")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_member_that_is_a_link_elsewhere_is_refused(tmp_path, write_ensemble, write_model) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    elsewhere = (folder / "two").rename(tmp_path / "elsewhere")
    try:
        (folder / "two").symlink_to(elsewhere, target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make links")
    with pytest.raises(ModelError, match="two is a link to somewhere else"):
        load_model(folder, "cpu")


def test_ensembles_are_not_nested(tmp_path, write_ensemble) -> None:
    folder = write_ensemble(tmp_path / "zoo")
    card = json.loads((folder / "card.json").read_text())
    write_ensemble(folder / "two", ("x",))
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="two is an ensemble itself"):
        load_model(folder, "cpu")


def test_hash_depends_on_every_member(tmp_path, write_ensemble) -> None:
    cards = [read_card(write_ensemble(tmp_path / n, m)) for n, m in
             (("a", ("x", "y")), ("b", ("x", "y", "z")), ("c", ("x", "y")))]  # fmt: skip
    assert cards[0].sha256 == cards[2].sha256 != cards[1].sha256


def test_many_cutouts_are_answered_as_one_by_one(tmp_path, write_ensemble) -> None:
    whole = load_model(write_ensemble(tmp_path / "zoo"), "cpu")
    inputs = [some_input(seed) for seed in range(7)]
    single = [whole.predict(one) for one in inputs]
    for batch in (1, 3, 8, 24, 1000):
        for member in (whole, *whole.members):
            member.batch_limit = batch
        for found, expected in zip(whole.predict_many(inputs), single, strict=True):
            assert list(found.probabilities.values()) == pytest.approx(
                list(expected.probabilities.values()), abs=1e-6
            )
    assert len({tuple(one.probabilities.values()) for one in single}) == 7
    assert list(whole.predict_many([])) == []


def test_prediction_is_the_mean_over_the_eight_turned_copies(
    tmp_path, write_model, net_input
) -> None:
    one = load_model(write_model(tmp_path / "one"), "cpu")
    x = net_input.pixels
    copies = [np.rot90(side, k, (1, 2)) for side in (x, x[:, :, ::-1]) for k in range(4)]
    with torch.no_grad():
        logits = [one.network(torch.from_numpy(c.copy())[None])[0].numpy() for c in copies]
    assert np.std(logits, axis=0).max() > 1e-3
    said = one.predict(net_input)
    assert list(said.logits.values()) == pytest.approx(np.mean(logits, axis=0).tolist(), rel=1e-4)
    turned = NetworkInput(np.ascontiguousarray(np.rot90(x, 1, (1, 2))), Affine())
    assert list(one.predict(turned).logits.values()) == pytest.approx(
        list(said.logits.values()), rel=1e-4
    )


def test_softmax_of_an_ensemble_sums_to_one(tmp_path, write_ensemble, net_input) -> None:
    whole = load_model(write_ensemble(tmp_path / "zoo", activation="softmax"), "cpu")
    assert sum(whole.predict(net_input).probabilities.values()) == pytest.approx(1)
