"""Text forms of targets, their values, and that every method explains what was asked."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from galaxyscope.explain.engine import gradients, steady, tensor
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.explain.target import Target, parse_target, score_of, siblings
from galaxyscope.work.watch import Watch

CLASSES = ("Class1.1", "Class1.2", "Class1.3", "Class3.1", "Class3.2")


def class_of(name: str) -> str:
    found = {"bar": "Class3.1"}.get(name, name)
    if found not in CLASSES:
        raise KeyError(f"no class {name!r}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bar", Target("Class3.1")),
        ("logit(bar)", Target("Class3.1", "logit")),
        ("p(bar)", Target("Class3.1", "probability")),
        ("p( bar )", Target("Class3.1", "probability")),
        ("bar-vs-siblings", Target("Class3.1", None, True)),
        ("p(bar-vs-siblings)", Target("Class3.1", "probability", True)),
        ("-bar", Target("Class3.1", None, False, True)),
        ("-logit(bar-vs-siblings)", Target("Class3.1", "logit", True, True)),
    ],
)
def test_text_forms(text: str, expected: Target) -> None:
    found = parse_target(text, class_of)
    assert found == expected
    assert parse_target(str(found), class_of) == found


@given(
    st.builds(
        Target,
        st.sampled_from([*CLASSES, "-1", "p(A)", "x-vs-siblings", "edge-on"]),
        st.sampled_from([None, "logit", "probability"]),
        st.booleans(),
        st.booleans(),
    )
)
def test_what_is_written_is_read_again(target: Target) -> None:
    names = {*CLASSES, "-1", "p(A)", "x-vs-siblings", "edge-on"}

    def find(name: str) -> str:
        if name not in names:
            raise KeyError(name)
        return name

    assert parse_target(str(target), find) == target


@pytest.mark.parametrize("text", ["", "no", "p(no)", "--bar", "p(bar", "-p(-bar)", "p(p(bar))"])
def test_unknown_targets_are_refused(text: str) -> None:
    with pytest.raises(KeyError, match="no class"):
        parse_target(text, class_of)


def test_siblings_are_the_other_answers_of_the_question() -> None:
    assert siblings("Class3.1", CLASSES, "sigmoid") == ("Class3.2",)
    assert siblings("Class1.2", CLASSES, "sigmoid") == ("Class1.1", "Class1.3")
    assert siblings("Class1.1", ("Class1.1", "Class3.1"), "sigmoid") == ()
    assert siblings("FRI", ("FRI", "FRII", "bent"), "softmax") == ("FRII", "bent")
    assert siblings("ellipticity", ("ellipticity", "q"), "identity") == ()


def asking(activation: str = "sigmoid") -> SimpleNamespace:
    card = SimpleNamespace(name="one", classes=CLASSES, activation=activation)
    return SimpleNamespace(card=card, class_index=lambda name: CLASSES.index(class_of(name)))


Z = np.array([[1.0, -2.0, 0.5, 0.3, -0.7], [0.0, 3.0, 1.0, -1.0, 2.0]])


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    ("text", "activation", "expected"),
    [
        ("bar", "sigmoid", Z[:, 3]),
        ("-bar", "sigmoid", -Z[:, 3]),
        ("p(bar)", "sigmoid", sigmoid(Z[:, 3])),
        ("-p(bar)", "sigmoid", 1 - sigmoid(Z[:, 3])),
        ("p(bar)", "softmax", np.exp(Z[:, 3]) / np.exp(Z).sum(1)),
        ("bar-vs-siblings", "sigmoid", Z[:, 3] - Z[:, 4]),
        ("Class1.2-vs-siblings", "sigmoid", Z[:, 1] - (Z[:, 0] + Z[:, 2]) / 2),
        ("bar-vs-siblings", "softmax", Z[:, 3] - Z[:, [0, 1, 2, 4]].mean(1)),
        (
            "p(bar-vs-siblings)",
            "sigmoid",
            sigmoid(Z[:, 3]) / (sigmoid(Z[:, 3]) + sigmoid(Z[:, 4])),
        ),
        ("p(bar-vs-siblings)", "softmax", np.exp(Z[:, 3]) / np.exp(Z).sum(1)),
        ("-bar", "identity", -Z[:, 3]),
    ],
)
def test_values_have_known_answers(text: str, activation: str, expected: np.ndarray) -> None:
    score = score_of(asking(activation), text)
    np.testing.assert_allclose(score(torch.from_numpy(Z)).numpy(), expected, atol=1e-12)
    whole = score_of(asking(activation), text, "logit" if "p(" in text else "probability")
    assert whole.text == score.text == text.replace("bar", "Class3.1")
    different = bool((whole(torch.from_numpy(Z)) - score(torch.from_numpy(Z))).abs().max() > 0)
    assert different is ("p(" not in text and activation != "identity"), "the method's own scale"


def test_values_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match=r"answers with numbers: Class3\.1 has no probability"):
        score_of(asking("identity"), "p(bar)")
    with pytest.raises(ValueError, match=r"no other answers to the question of Class3\.1"):
        score_of(lonely(), "bar-vs-siblings")


def lonely() -> SimpleNamespace:
    card = SimpleNamespace(name="one", classes=("Class3.1",), activation="sigmoid")
    return SimpleNamespace(card=card, class_index={"bar": 0}.__getitem__)


FORMS = ("logit({})", "p({})", "{}-vs-siblings", "p({}-vs-siblings)", "-{}", "-p({})")


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_is_that_of_the_value(small, make_input, form) -> None:
    """Numerical derivative along random directions."""
    small.network.double()
    score = score_of(small, form.format("Class3.1"))
    x = tensor(small, make_input()).double()
    with steady(small.network):
        slope = gradients(small, x, score)
        for seed in range(3):
            step = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)) * 1e-4
            up, down = score(small.logits(x + step)), score(small.logits(x - step))
            assert float(up - down) == pytest.approx(float(2 * (slope * step).sum()), rel=1e-3)


@pytest.fixture
def pooled(small):
    small.network.features.append(nn.MaxPool2d(3, stride=1, padding=1))
    return small


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_every_target(pooled, make_input, few, name) -> None:
    """It is refused with a reason, or a finite map says what it explains."""
    picture = make_input()
    for form in FORMS[:: 4 if name == "xrai" else 1]:  # which is slow
        target = form.format("bar")
        fit = preflight(name, pooled, picture, target)
        if fit.verdict == "refused":
            assert fit.reason
            with pytest.raises(ValueError, match="does not fit"):
                method(name).explain(pooled, picture, target, few(name), Watch())
            continue
        found = method(name).explain(pooled, picture, target, few(name), Watch())
        assert found.target == form.format("Class3.1")
        assert np.isfinite(found.values).all()
        assert found.signed or found.values.min() >= 0


LINEAR = """
smoothgrad/rotation-averaged smoothgrad/signed input-x-gradient integrated-gradients gradient-shap
deeplift deeplift-shap occlusion kernel-shap hires-cam
"""


@pytest.mark.parametrize("name", LINEAR.split())
def test_what_speaks_against_is_the_map_with_the_other_sign(pooled, make_input, few, name) -> None:
    one, other = (
        method(name).explain(pooled, make_input(), target, few(name), Watch()).values
        for target in ("bar", "-bar")
    )
    np.testing.assert_allclose(other, -one, atol=1e-4 * np.abs(one).max())


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift", "kernel-shap"])
@pytest.mark.parametrize("form", FORMS)
def test_maps_sum_to_the_change_of_the_value(pooled, make_input, few, name, form) -> None:
    picture, target = make_input(), form.format("bar")
    if preflight(name, pooled, picture, target).verdict == "refused":
        pytest.fail("these fit every target of a sigmoid network")
    found = method(name).explain(pooled, picture, target, few(name, steps=256), Watch())
    assert found.completeness_error is not None
    assert found.completeness_error < 0.02


def test_a_map_of_the_siblings_is_the_difference_of_theirs(pooled, make_input) -> None:
    maps = {
        target: method("smoothgrad/signed").explain(
            pooled, make_input(), target, {"samples": 8}, Watch()
        )
        for target in ("Class3.1", "Class3.2", "Class3.1-vs-siblings")
    }
    against = maps["Class3.1"].values - maps["Class3.2"].values
    np.testing.assert_allclose(
        maps["Class3.1-vs-siblings"].values, against, atol=1e-5 * np.abs(against).max()
    )


def test_methods_of_probabilities_keep_their_own_scale(pooled, make_input, few) -> None:
    probable = {n for n, m in METHODS.items() if m.card.scale == "probability"}
    assert probable == {"rise", "lime", "lime/fine", "e-lime"}
    for name in ("rise", "lime", "gradient", "occlusion"):
        own, given, other = (
            method(name).explain(pooled, make_input(), target, few(name), Watch()).values
            for target in ("bar", *(("p(bar)", "logit(bar)")[:: 1 if name in probable else -1]))
        )
        np.testing.assert_array_equal(own, given)
        assert np.abs(own - other).max() > 1e-3 * np.abs(own).max()


def test_targets_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Target("bar").negated = True  # type: ignore[misc]
