"""Training on a graphics card: goes on where it was, and what comes out runs anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from galaxyscope.train.data import read_pictures
from galaxyscope.train.loop import predict, train
from galaxyscope.train.recipe import Recipe
from galaxyscope.train.state import read_history

Made = Callable[..., Recipe]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_two_epochs_are_one_and_one(
    recipe: Made, tmp_path: Path, accelerator: str, precision: str
) -> None:
    made = recipe(2, more=f'precision = "{precision}"')

    def trained(folder: str, epochs: int | None = None) -> torch.nn.Module:
        return train(made, tmp_path / folder, lambda _: None, epochs=epochs, device=accelerator)

    once = trained("once")
    trained("twice", epochs=1)
    twice = trained("twice")
    assert [line["epoch"] for line in read_history(tmp_path / "twice")] == [1, 2]
    assert {one.device.type for one in once.state_dict().values()} == {"cpu"}
    pictures = read_pictures(made, "val")
    answers = [predict(one, pictures, 16, made) for one in (once, twice)]
    np.testing.assert_allclose(*answers, atol=1e-3)


def test_learns_as_on_the_cpu(recipe: Made, tmp_path: Path, accelerator: str) -> None:
    made = recipe(3)
    losses = []
    for device in ("cpu", accelerator):
        train(made, tmp_path / device, lambda _: None, device=device)
        losses.append([line["train_loss"] for line in read_history(tmp_path / device)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)
