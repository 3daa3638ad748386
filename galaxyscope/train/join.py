"""From model folders to the folder of an ensemble that answers with their mean."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from galaxyscope.classify.card import ModelCard, ModelError, read_card, write_card
from galaxyscope.classify.ensemble import check_members, joint_sha256
from galaxyscope.classify.store import load_model


def join(members: Sequence[Path], folder: Path, title: str, command: str = "") -> ModelCard:
    """Write the folder of an ensemble; its members are copied into it.

    Its figures are those of an evaluation: see `galaxyscope.train.publish.write_metrics`.

    Parameters
    ----------
    members : sequence of Path
        Model folders whose networks answer the same question about the same input.
    folder : Path
        Where the ensemble goes; the members' sub-folders are named as the members are,
        without what all names begin with.
    title : str
    command : str
        That joins them.

    Raises
    ------
    ModelError
        If a member is no model, or the members do not fit together; nothing is written then.
    """
    cards = [read_card(member) for member in members]
    if len(cards) < 2 or len({card.sha256 for card in cards}) < len(cards):
        raise ModelError(folder.name, "an ensemble needs at least two different members")
    first = cards[0]
    names = _short([card.name for card in cards])
    spent = sum(float(card.training.get("hours", 0)) for card in cards)
    card = ModelCard(
        name=folder.name,
        title=title,
        task=first.task,
        architecture="ensemble",
        parameters={},
        classes=first.classes,
        targets=first.targets,
        input_size=first.input_size,
        frame=first.frame,
        field_r90=first.field_r90,
        field_px=first.field_px,
        stretch=first.stretch,
        activation=first.activation,
        sha256=joint_sha256([card.sha256 for card in cards]),
        members=tuple(names),
        training={
            key: first.training[key]
            for key in ("source", "licence of the data", "machine", "scale", "unit")
            if key in first.training
        }
        | {
            "command": command,
            "hours": round(spent, 2),
            "parameters": sum(int(card.training.get("parameters", 0)) for card in cards),
        },
        limits=first.limits,
    )
    check_members(card, [load_model(member, "cpu") for member in members])
    folder.mkdir(parents=True, exist_ok=True)
    for member, name in zip(members, names, strict=True):
        if member.resolve() != (folder / name).resolve():
            shutil.copytree(member, folder / name, dirs_exist_ok=True)
    write_card(card, folder)
    return card


def _short(names: Sequence[str]) -> list[str]:
    """Names without the words (up to a hyphen) with which all of them begin."""
    words = [name.split("-") for name in names]
    shared = 0
    while all(len(w) > shared + 1 for w in words) and len({w[shared] for w in words}) == 1:
        shared += 1
    short = ["-".join(w[shared:]) for w in words]
    return short if len(set(short)) == len(short) else list(names)
