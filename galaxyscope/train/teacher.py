"""Labels that another model gives to pictures which nobody labelled."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from galaxyscope.train.augment import plain
from galaxyscope.train.data import Pictures
from galaxyscope.train.predictions import fingerprint
from galaxyscope.train.recipe import Recipe, Source
from galaxyscope.train.table import DataError

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier

BATCH = 64
#: Fields that the teacher is asked about, in units of the one it is used with: it has seen
#: other zooms too, and the mean of several is the better answer.
VIEWS = (1.0, 1.25)


def taught(
    pictures: Pictures, source: Source, recipe: Recipe, teacher: Classifier, folder: Path
) -> Pictures:
    """Give pictures the teacher's answers as values.

    The answers are kept in the run's folder, so that a run that goes on has the same.

    Parameters
    ----------
    pictures : Pictures
    source : Source
        Where the pictures are from.
    recipe : Recipe
        The columns of its outputs, as `source` names them, must be among the teacher's classes.
        Of classes the shares are scaled to sum to one: a label as divided as the people.
    teacher : Classifier
    folder : Path
        The run's working folder.

    Raises
    ------
    DataError
        If the teacher does not know an output, does not answer in fractions, or does not see
        a field that is scaled to the galaxy.
    """
    if teacher.card.activation != "sigmoid":
        raise DataError(f"the teacher {teacher.card.name} does not answer in fractions")
    if teacher.card.frame != "r90":
        raise DataError(
            f"the teacher {teacher.card.name} cannot be shown these pictures: its field is not "
            "scaled to the galaxy's r90"
        )
    asked = [source.columns.get(output, [output]) for output in recipe.outputs]
    if missing := [c for columns in asked for c in columns if c not in teacher.card.classes]:
        raise DataError(f"the teacher {teacher.card.name} does not answer {', '.join(missing)}")
    recipe_field_r90 = recipe.sources[0].field_px / recipe.sources[0].r90_px
    seen = teacher.card.field_r90 / recipe_field_r90 * pictures.field
    # Two sources may take different rows of one table.
    shown = hashlib.sha256(f"{fingerprint(pictures)} {seen}".encode()).hexdigest()
    name = f"taught-{source.table.stem}-{teacher.card.sha256[:12]}-{shown[:12]}.npy"
    kept = folder / name
    if not kept.exists():
        blocks = []
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"),
        ):
            for start in range(0, len(pictures.names), BATCH):
                stored = torch.from_numpy(pictures.pixels[start : start + BATCH])
                total = torch.zeros(1)
                for view in VIEWS:
                    x = plain(stored, teacher.card.input_size, seen * view)
                    turned = torch.rot90(x, 1, (2, 3)).flip(3)
                    for copy in (x, turned):
                        total = total + torch.sigmoid(teacher.logits(copy).float())
                blocks.append((total / (2 * len(VIEWS))).numpy())
        folder.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part")
        with partial.open("wb") as file:
            np.save(file, np.concatenate(blocks).astype(np.float32))
        partial.replace(kept)
    answers = np.load(kept, allow_pickle=False)
    index = teacher.card.classes.index
    values = np.stack([answers[:, [index(c) for c in one]].sum(axis=1) for one in asked], axis=1)
    if recipe.target == "classes":
        values /= values.sum(axis=1, keepdims=True)
    return replace(pictures, values=values)
