"""Model folders: whole or not at all, and cards that say where a model came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from galaxyscope.classify.architectures import build
from galaxyscope.classify.card import CARD_FILE, WEIGHTS_FILE, read_card
from galaxyscope.classify.ensemble import joint_sha256
from galaxyscope.classify.store import load_model
from galaxyscope.train import publish as publishing
from galaxyscope.train.publish import publish
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.table import DataError
from tests.train.conftest import NUMBER

Made = Callable[..., Recipe]
SHIPPED = Path(__file__).resolve().parents[2] / "models"


def trained(recipe: Recipe, run: Path, seed: int = 0) -> nn.Module:
    """Network and run as they are after an epoch, without the epoch."""
    run.mkdir(exist_ok=True)
    (run / "history.csv").write_text("epoch,train_loss,val_rmse,seconds\n1,0.5,0.25,1.0\n")
    torch.manual_seed(seed)
    return build(recipe.architecture, len(recipe.outputs), recipe.parameters).eval()


def test_a_new_model_takes_the_place_of_the_old(recipe: Made, tmp_path: Path) -> None:
    """What was measured of the old one goes with it."""
    folder = tmp_path / "models" / "m"
    publish(trained(recipe(), tmp_path / "run"), recipe(), tmp_path / "run", folder)
    before = read_card(folder)
    (folder / "randomisation.json").write_text("{}")
    publish(trained(recipe(), tmp_path / "run", 1), recipe(), tmp_path / "run", folder)
    assert load_model(folder, "cpu").card.sha256 != before.sha256
    assert not (folder / "randomisation.json").exists()
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("step", ["save_file", "learning_curve", "write_card"])
def test_a_failure_leaves_the_old_model_as_it_was(
    recipe: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = tmp_path / "models" / "m"
    publish(trained(recipe(), tmp_path / "run"), recipe(), tmp_path / "run", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, step, full)
    with pytest.raises(OSError, match="No space left"):
        publish(trained(recipe(), tmp_path / "run", 1), recipe(), tmp_path / "run", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_nothing_but_a_model_is_replaced(recipe: Made, tmp_path: Path) -> None:
    """Such as the folder of all models, or an ensemble."""
    folder = tmp_path / "models"
    (folder / "other").mkdir(parents=True)
    network = trained(recipe(), tmp_path / "run")
    with pytest.raises(DataError, match=r"models: more than a model is in this folder \(other\)"):
        publish(network, recipe(), tmp_path / "run", folder)
    assert [path.name for path in folder.iterdir()] == ["other"]
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: this is a file"):
        publish(network, recipe(), tmp_path / "run", tmp_path / "file")


def test_card_says_what_the_training_began_with(recipe: Made, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = publish(trained(recipe(), run), recipe(), run, tmp_path / "first")
    assert {"start", "teacher", "scale"}.isdisjoint(first.training)
    begun = replace(recipe(), start=str(tmp_path / "first"), teacher="galaxyzoo/resnet")
    card = publish(trained(begun, run), begun, run, tmp_path / "m")
    teacher = read_card(SHIPPED / "galaxyzoo" / "resnet")
    assert card.training["start"] == f"first {first.sha256[:12]}"
    assert card.training["teacher"] == f"galaxyzoo/resnet {teacher.sha256[:12]}"


def test_card_says_in_what_unit_a_number_is(recipe: Made, tmp_path: Path) -> None:
    made = recipe(**NUMBER)
    card = publish(trained(made, tmp_path / "run"), made, tmp_path / "run", tmp_path / "m")
    assert card.training["scale"] == 50.0
    assert card.training["unit"] == "50 of the table's"


def test_card_names_the_device(
    recipe: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    network = trained(recipe(), run)
    assert "cores" in publish(network, recipe(), run, tmp_path / "a").training["machine"]
    monkeypatch.setattr(publishing, "choose_device", torch.device)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    card = publish(network, recipe(), run, tmp_path / "b", device="cuda")
    assert card.training["machine"] == "NVIDIA H100"


def test_field_is_in_r90_of_the_first_source(recipe: Made, tmp_path: Path) -> None:
    made = replace(recipe(), sources=(replace(recipe().sources[0], r90_px=100.0),))
    assert asdict(made)["sources"][0]["field_px"] == 24
    card = publish(trained(made, tmp_path / "run"), made, tmp_path / "run", tmp_path / "m")
    assert card.field_r90 == 24 / 100


def shipped() -> list[Path]:
    return sorted(path.parent for path in SHIPPED.rglob(CARD_FILE))


def test_shipped_models_are_small() -> None:
    assert len(shipped()) >= 9
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= 60 * 2**20


@pytest.mark.parametrize("folder", shipped(), ids=lambda path: path.name)
def test_shipped_card_is_complete(folder: Path) -> None:
    card = read_card(folder)
    if card.members:
        found = joint_sha256([read_card(folder / name).sha256 for name in card.members])
    else:
        found = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert card.sha256 == found
    assert card.metrics
    assert all(metric.split and metric.count for metric in card.metrics)
    for name in ("source", "licence of the data", "command", "machine", "hours"):
        assert card.training[name], name
    assert card.limits
