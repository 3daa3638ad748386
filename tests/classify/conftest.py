"""Tiny model folders, made by tests."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import appdirs
import pytest
import torch
from safetensors.torch import save_file

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import Metric, ModelCard, read_card, write_card
from galaxyscope.classify.ensemble import joint_sha256

PARAMETERS = {"stem": 4, "widths": [4, 8], "blocks": [1, 1]}
CARD = ModelCard(
    name="tiny",
    title="Tiny",
    task="test",
    architecture="preact-resnet",
    parameters=PARAMETERS,
    classes=("a", "b", "c"),
    targets={"first": "a"},
    input_size=16,
    field_r90=3.0,
    sha256="",
    metrics=(Metric("rmse", 0.1, "val", 7),),
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> Path:
    """What was calibrated on this machine stays out of the tests, and the tests out of it."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(appdirs, "user_cache_dir", lambda *_, **__: str(folder))
    return folder


@pytest.fixture
def write_model() -> Callable[..., Path]:
    """Write a random network with its card; the same seed gives the same one."""

    def write(folder: Path, seed: int = 0, **changes: object) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        network = build("preact-resnet", 3, PARAMETERS)
        with torch.no_grad():
            network.head.weight.mul_(20)  # answers that differ between pictures
        weights = folder / "weights.safetensors"
        save_file(network.state_dict(), weights)
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        card = dataclasses.replace(CARD, name=folder.name, sha256=sha256)
        write_card(dataclasses.replace(card, **changes), folder)
        return folder

    return write


@pytest.fixture
def write_ensemble(write_model) -> Callable[..., Path]:
    """Write random networks, and the card that joins them."""

    def write(
        folder: Path, members: tuple[str, ...] = ("one", "two", "three"), **changes: object
    ) -> Path:
        for seed, name in enumerate(members):
            write_model(folder / name, seed, **changes)
        card = dataclasses.replace(
            CARD,
            name=folder.name,
            architecture="ensemble",
            parameters={},
            members=members,
            sha256=joint_sha256([read_card(folder / name).sha256 for name in members]),
        )
        write_card(dataclasses.replace(card, **changes), folder)
        return folder

    return write


@pytest.fixture
def change() -> Callable[..., None]:
    """Write other values into a card, right or wrong."""

    def write(folder: Path, **values: object) -> None:
        path = folder / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return write
