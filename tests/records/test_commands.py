"""The workflow log: each step as a command line that the command line understands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from galaxyscope.cli.common import settings_of
from galaxyscope.cli.main import build_parser
from galaxyscope.explain.cards import CARDS
from galaxyscope.records.commands import (
    explain_command,
    line_command,
    measure_command,
    predict_command,
)
from galaxyscope.records.record import Provenance
from galaxyscope.records.steps import Step
from galaxyscope.sky.image import PixelScale, Plane

ENDS = ((-1.5, 1 / 3), (60.5, 31.0))


@pytest.fixture
def picture(image: Any) -> Any:
    planes = (Plane(1, 0, "a"), Plane(1, 1, "b"))
    scale = PixelScale(1 / 3, "user")
    path = Path("/x/odd 'name' $(rm).fits")
    return image(path=path, planes=planes, plane=planes[1], scale=scale, redshift=0.02)


def parsed(command: tuple[str, ...]) -> Any:
    """As a shell would hand it on."""
    words = shlex.split(Step("x", command=command).line)
    assert words[0] == "galaxyscope"
    return build_parser().parse_args(words[1:])


def test_a_line(picture: Any) -> None:
    args = parsed(line_command(picture, ENDS, "=Ada; rm"))
    assert (args.x1, args.y1, args.x2, args.y2) == (-1.5, 1 / 3, 60.5, 31.0)
    assert args.observer == "=Ada; rm"
    assert (args.path, args.plane) == (picture.path, (1, 1))
    assert (args.scale, args.redshift) == (1 / 3, 0.02)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_method_with_every_setting(picture: Any, card: Any) -> None:
    from galaxyscope.pipeline import explainer_parameters

    parameters = {
        p.name: (not p.default) if isinstance(p.default, bool) else p.default
        for p in card.parameters
    }
    source = Provenance("galaxyzoo", "0" * 64, card.name, "Class3.1", 0.5, parameters=parameters)
    args = parsed(measure_command(picture, source, {"algorithm": "published", "correlation": 0.8}))
    assert (args.model, args.target, args.algorithm) == ("galaxyzoo", "Class3.1", "published")
    settings = settings_of(args)
    assert settings.bar.correlation == 0.8
    assert explainer_parameters(card, settings) == parameters
    again = parsed(explain_command(picture, source))
    assert again.method == [card.name]


def test_an_answer(picture: Any) -> None:
    args = parsed(predict_command(picture, "bars"))
    assert (args.model, args.plane) == ("bars", (1, 1))


def test_a_step_without_a_command_is_a_comment() -> None:
    assert Step("delete Ada", "/x/a\nb.fits").line == "# delete Ada (/x/a\\nb.fits)"
