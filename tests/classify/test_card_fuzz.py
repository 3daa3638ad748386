"""Cards and weights that lie: a model loads or is refused with one clear sentence, never else."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from galaxyscope.classify.card import ModelError, read_card
from galaxyscope.classify.store import list_models, load_model

FIELDS = [
    *("name", "title", "task", "architecture", "parameters", "classes", "targets", "input_size"),
    *("field_r90", "sha256", "activation", "cam_layer", "metrics", "training", "limits"),
    *("members", "frame", "field_px", "stretch", "surprise"),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["a", "../x", "/etc/passwd", "ensemble", "exported", "timm/resnet18", "vit"])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture
def folder(tmp_path, write_model) -> Path:
    return write_model(tmp_path / "tiny")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), ANYTHING, min_size=1, max_size=3))
def test_any_card_loads_or_is_refused_in_one_sentence(folder, changes) -> None:
    path = folder / "card.json"
    right = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(right) | changes))
        said = ""
        try:
            load_model(folder, "cpu")
        except ModelError as error:
            said = str(error)
        assert "\n" not in said
        assert len(said) < 700
    finally:
        path.write_text(right)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=ANYTHING)
def test_any_json_is_a_card_or_refused(folder, value) -> None:
    path = folder / "card.json"
    right = path.read_text()
    try:
        path.write_text(json.dumps(value))
        with pytest.raises(ModelError, match="not a model card"):
            read_card(folder)
    finally:
        path.write_text(right)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": "abc"}, "classes must be a list"),
        ({"classes": [1, 2, 3]}, "each of the classes must be text"),
        ({"classes": []}, "at least one"),
        ({"targets": ["a"]}, "targets must be a table"),
        ({"targets": {"x": ["a"]}}, "classes that do not exist"),
        ({"name": 7}, "name must be text"),
        ({"input_size": 16.0}, "input_size must be a whole number"),
        ({"input_size": True}, "input_size must be a whole number"),
        ({"input_size": 4}, "input_size is out of range"),
        ({"field_r90": float("nan")}, "field_r90 is out of range"),
        ({"field_r90": "3"}, "field_r90 must be a number"),
        ({"field_r90": 0}, "field_r90 is out of range"),
        ({"field_r90": 10**400}, "field_r90 is out of range"),
        ({"frame": "pixels"}, "field_px is out of range"),
        ({"frame": "sky"}, "unknown frame 'sky'"),
        ({"stretch": ["radio"]}, "unknown stretch"),
        ({"activation": None}, "unknown activation"),
        ({"metrics": [{"name": "x", "value": float("nan"), "split": "v", "count": 1}]}, "metric"),
        ({"metrics": [{"name": "x", "value": "1", "split": "v", "count": 1}]}, "metric 'x'"),
        ({"metrics": [{"name": "x"}]}, "not a model card"),
        ({"metrics": ["x"]}, "not a model card"),
        ({"metrics": {"a": 1}}, "metrics must be a list"),
        ({"parameters": [1]}, "parameters must be a table"),
        ({"parameters": {"stem": 10**9}}, "out of range"),
        ({"parameters": {"widths": [4] * 1000}}, "too many parameters"),
        ({"parameters": {"stem": {"deep": 1}}}, "must be a number"),
        ({"members": ["x"]}, "an ensemble, and nothing else, has members"),
        ({"architecture": "ensemble"}, "an ensemble, and nothing else, has members"),
    ],
)
def test_what_is_wrong_is_said(folder, change, values, message) -> None:
    change(folder, **values)
    with pytest.raises(ModelError, match=message):
        load_model(folder, "cpu")


def test_a_huge_network_is_refused_before_it_takes_memory(folder, change) -> None:
    """A convolution of 65536 × 65536 channels would take 154 GB."""
    change(folder, parameters={"stem": 65536, "widths": [65536], "blocks": [1]})
    with pytest.raises(ModelError, match="do not fit together"):
        load_model(folder, "cpu")


def rewritten(folder: Path, change, **tensors: torch.Tensor | None) -> None:
    """Other weights, with a card that names their hash."""
    path = folder / "weights.safetensors"
    weights = load_file(path)
    for name, tensor in tensors.items():
        weights.pop(name.replace("__", "."), None)
        if tensor is not None:
            weights[name.replace("__", ".")] = tensor
    save_file(weights, path)
    change(folder, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"head__bias": None}, r"the file has no head\.bias"),
        ({"extra": torch.zeros(2)}, "the network has no extra"),
        ({"head__bias": torch.zeros(4)}, r"the shape of head\.bias is \(4,\) and not \(3,\)"),
        ({"head__bias": torch.zeros(3, dtype=torch.int64)}, r"head\.bias has numbers of the kind"),
        ({"head__bias": torch.tensor([0, float("nan"), 0])}, r"head\.bias has values that are not"),
        ({"head__bias": torch.tensor([0, float("inf"), 0])}, r"head\.bias has values that are not"),
        ({"norm__num_batches_tracked": torch.tensor(0.5)}, "numbers of the kind float32"),
    ],
)
def test_weights_that_do_not_fit_are_named(folder, change, tensors, message) -> None:
    rewritten(folder, change, **tensors)
    with pytest.raises(ModelError, match=message):
        load_model(folder, "cpu")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_other_precisions_become_float32(folder, change, kind) -> None:
    plain = load_model(folder, "cpu").network.head.weight.clone()
    rewritten(folder, change, head__weight=plain.to(kind))
    found = load_model(folder, "cpu").network.head.weight
    assert found.dtype == torch.float32
    assert float((found - plain).abs().max()) < 1e-2 * float(plain.abs().max())


def test_a_card_that_is_a_folder_or_huge(folder) -> None:
    path = folder / "card.json"
    path.write_text(" " * (5 * 2**20))
    with pytest.raises(ModelError, match="too large"):
        read_card(folder)
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match="not a model card"):
        read_card(folder)


def test_weights_that_are_a_folder(folder) -> None:
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder, "cpu")


def test_cards_from_before_frames_are_read_as_r90(folder) -> None:
    values = json.loads((folder / "card.json").read_text())
    for name in ("members", "frame", "field_px", "stretch"):
        del values[name]
    (folder / "card.json").write_text(json.dumps(values))
    card = read_card(folder)
    assert (card.frame, card.stretch, card.members) == ("r90", "galaxyzoo", ())


def test_a_radio_card_needs_no_r90(folder, change) -> None:
    values = json.loads((folder / "card.json").read_text())
    del values["field_r90"]
    values |= {"frame": "pixels", "field_px": 150, "stretch": "radio", "task": "radio-fr"}
    (folder / "card.json").write_text(json.dumps(values))
    assert load_model(folder, "cpu").card.field_px == 150


def test_a_broken_card_leaves_the_list_whole(tmp_path, write_model, monkeypatch) -> None:
    from galaxyscope.classify import store

    write_model(tmp_path / "good")
    (write_model(tmp_path / "bad") / "card.json").write_text("{")
    (tmp_path / "a file").write_text("")
    monkeypatch.setattr(store, "models_folder", lambda: tmp_path)
    names = [card.name for card in list_models()]
    assert "good" in names
    assert "bad" not in names
