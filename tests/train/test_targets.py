"""The loss where there is nothing to lose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from galaxyscope.train.recipe import Recipe
from galaxyscope.train.targets import loss
from tests.train.conftest import CLASSES, NUMBER


@pytest.mark.parametrize("changes", [NUMBER, CLASSES], ids=["number", "classes"])
def test_batch_without_weight(recipe: Callable[..., Recipe], changes: dict[str, str]) -> None:
    """As where every bar of a batch goes beyond its field: nothing is learnt, nothing is lost."""
    made = recipe(**changes)
    logits = torch.ones(3, len(made.outputs), requires_grad=True)
    columns = torch.ones(len(made.outputs))
    found = loss(logits, torch.zeros_like(logits), torch.zeros(3), columns, made)
    found.backward()
    assert found.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
