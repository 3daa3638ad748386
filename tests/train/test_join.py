"""Networks joined into an ensemble."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import WEIGHTS_FILE, ModelCard, ModelError, write_card
from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.classify.store import load_model
from galaxyscope.cli.main import main
from galaxyscope.sky.frame import Affine
from galaxyscope.train.join import join

PARAMETERS = {"stem": 4, "widths": [8], "blocks": [1]}


def model(parent: Path, name: str, seed: int, **changes: object) -> Path:
    folder = parent / name
    folder.mkdir()
    torch.manual_seed(seed)
    network = build("preact-resnet", 2, PARAMETERS)
    save_file(network.state_dict(), folder / WEIGHTS_FILE)
    card = ModelCard(
        name=name,
        title=name,
        task="bars",
        architecture="preact-resnet",
        parameters=PARAMETERS,
        classes=("Bar", "NoBar"),
        targets={},
        input_size=16,
        field_r90=2.0,
        sha256=hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
        activation="softmax",
        training={"hours": 0.5, "parameters": 10, "source": "made up"},
    )
    write_card(dataclasses.replace(card, **changes), folder)
    return folder


def test_ensemble_answers_with_the_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = [model(tmp_path, f"try-{n}", seed) for seed, n in enumerate("abc")]
    assert main(["join", *map(str, members), "-o", str(tmp_path / "all"), "--title", "All"]) == 0
    assert "a, b, c" in capsys.readouterr().out
    ensemble = load_model(tmp_path / "all", "cpu")
    assert ensemble.card.title == "All"
    assert ensemble.card.training["hours"] == 1.5
    shown = NetworkInput(np.random.default_rng(0).random((3, 16, 16), np.float32), Affine())
    each = [load_model(m, "cpu").predict(shown).probabilities["Bar"] for m in members]
    assert ensemble.predict(shown).probabilities["Bar"] == pytest.approx(np.mean(each), abs=1e-6)
    assert len(set(each)) == 3


def test_members_that_do_not_fit_leave_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = [model(tmp_path, "a", 0), model(tmp_path, "b", 1, input_size=32)]
    assert main(["join", *map(str, members), "-o", str(tmp_path / "all")]) == 1
    assert "input_size" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()


def test_one_network_twice_is_no_ensemble(tmp_path: Path) -> None:
    one = model(tmp_path, "a", 0)
    with pytest.raises(ModelError, match="two different"):
        join([one, one], tmp_path / "all", "All")
