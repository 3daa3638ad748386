"""A network and its exported program have the same maps, by every method."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from galaxyscope.classify.exported import ExportedNetwork
from galaxyscope.classify.pt2 import read_program
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import METHODS, method
from galaxyscope.work.watch import Watch

TARGET = "Class3.1"
FEW = ("samples", "steps", "evaluations")


def pooled_to_cells() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, 2, 1)),
        *(nn.SiLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(48, 2)),
    )


def pooled_to_one() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1)),
        *(nn.Hardswish(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(12, 8), nn.GELU()),
        nn.Linear(8, 2),
    )


def with_slopes() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 2, 1), nn.PReLU(8), nn.GroupNorm(2, 8), nn.Conv2d(8, 12, 3, 2, 1)),
        *(nn.LeakyReLU(0.1), nn.Dropout(0.3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(12, 2),
    )


def with_instance_norms() -> nn.Module:
    """Of what the picture shows, and of what was seen before."""
    found = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 2, 1), nn.InstanceNorm2d(8, affine=True), nn.ReLU()),
        *(nn.Conv2d(8, 12, 3, 2, 1), nn.InstanceNorm2d(12), nn.LeakyReLU(0.1)),
        *(nn.Conv2d(12, 8, 3, 1, 1), nn.InstanceNorm2d(8, affine=True, track_running_stats=True)),
        *(nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(32, 2)),
    )
    with torch.no_grad():
        for scale in (found[1].weight, found[7].weight, found[7].running_var):
            scale.uniform_(0.5, 2)
    return found


@pytest.mark.parametrize(
    "build", [pooled_to_cells, pooled_to_one, with_slopes, with_instance_norms]
)
def test_maps_of_the_exported_program(build: Callable[[], nn.Module], classify, make_input) -> None:
    torch.manual_seed(1)
    network, file = build().eval(), io.BytesIO()
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    program = torch.export.export(
        network, (torch.rand(2, 3, 24, 24),), dynamic_shapes=shapes, strict=False
    )
    torch.export.save(program, file)
    exported = ExportedNetwork(read_program(file.getvalue())).eval()
    one, other, picture = classify(network), classify(exported), make_input()
    for name, explainer in METHODS.items():
        fits = [preflight(name, classifier, picture, TARGET) for classifier in (one, other)]
        assert fits[0] == fits[1], name
        if fits[0].verdict == "refused":
            continue
        asked = {p.name: 8 for p in explainer.card.parameters if p.name in FEW}
        maps = [
            method(name).explain(classifier, picture, TARGET, asked, Watch()).values
            for classifier in (one, other)
        ]
        np.testing.assert_allclose(
            maps[1], maps[0], rtol=0, atol=1e-3 * max(np.abs(maps[0]).max(), 1e-9), err_msg=name
        )
