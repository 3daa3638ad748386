from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import Metric, ModelCard, ModelError, read_card, write_card
from galaxyscope.classify.store import load_model

PARAMETERS = {"stem": 4, "widths": [4, 8], "blocks": [1, 1]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    network = build("preact-resnet", 3, PARAMETERS)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    card = ModelCard(
        name="tiny",
        title="Tiny",
        task="test",
        architecture="preact-resnet",
        parameters=PARAMETERS,
        classes=("a", "b", "c"),
        targets={"first": "a"},
        input_size=16,
        field_r90=3.0,
        sha256=hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest(),
        metrics=(Metric("rmse", 0.1, "val", 7),),
    )
    write_card(card, tmp_path)
    return tmp_path


def change(folder: Path, **values: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | values))


def test_card_comes_back_as_it_was_written(folder: Path) -> None:
    card = read_card(folder)
    write_card(card, folder)
    assert dataclasses.asdict(read_card(folder)) == dataclasses.asdict(card)


def test_loaded_model_answers_by_target_and_class(folder: Path) -> None:
    classifier = load_model(folder, "cpu")
    assert classifier.class_index("first") == classifier.class_index("a") == 0
    with pytest.raises(KeyError, match="no target 'z'"):
        classifier.class_index("z")
    assert not classifier.network.training
    assert not any(p.requires_grad for p in classifier.network.parameters())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sha256": "0" * 64}, "not those the card was written for"),
        ({"classes": ["a", "b"], "targets": {}}, "do not fit together"),
        ({"architecture": "os.system"}, "no architecture called"),
        ({"parameters": {"depth": 3}}, "do not fit together"),
        ({"targets": {"x": "nothing"}}, "classes that do not exist"),
        ({"classes": ["a", "a", "b"]}, "different names"),
        ({"surprise": 1}, "not a model card"),
        ({"input_size": 10**9}, "out of range"),
    ],
)
def test_card_that_lies_is_refused_in_one_sentence(
    folder: Path, values: dict[str, object], message: str
) -> None:
    change(folder, **values)
    with pytest.raises(ModelError, match=message) as raised:
        load_model(folder, "cpu")
    assert "\n" not in str(raised.value)


def test_card_that_lies_about_the_size_of_pictures(tmp_path: Path) -> None:
    """Five halvings leave nothing of 16 px; to ask the network for it would be too late."""
    parameters = {"width": 0.125, "dense": [8], "grid": 1}
    save_file(build("vgg16", 3, parameters).state_dict(), tmp_path / "weights.safetensors")
    card = ModelCard(
        name="tiny",
        title="Tiny",
        task="test",
        architecture="vgg16",
        parameters=parameters,
        classes=("a", "b", "c"),
        targets={},
        input_size=32,
        field_r90=3.0,
        sha256=hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest(),
    )
    write_card(card, tmp_path)
    load_model(tmp_path, "cpu")
    change(tmp_path, input_size=16)
    with pytest.raises(ModelError, match="does not take pictures of 16×16 px"):
        load_model(tmp_path, "cpu")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": 1}', "[" * 100_000])
def test_text_that_is_no_card(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text)
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(folder)


def test_damaged_weights_are_refused(folder: Path) -> None:
    damaged = (folder / "weights.safetensors").read_bytes()[:-20]
    (folder / "weights.safetensors").write_bytes(damaged)
    change(folder, sha256=hashlib.sha256(damaged).hexdigest())
    with pytest.raises(ModelError, match="do not fit together"):
        load_model(folder, "cpu")


def test_unknown_model_names_what_there_is() -> None:
    with pytest.raises(ModelError, match="there is no such model"):
        load_model("nonsense", "cpu")


def test_device_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ModelError, match="not there"):
        load_model(folder, "tpu")
