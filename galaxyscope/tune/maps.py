"""Maps that are computed once and kept on disk, so that a search can be interrupted.

A map lies under the hash of all that it depends on: picture, weights, view of the network,
method and its settings, version. Files are ``.npz`` without pickles; what cannot be read is
computed again.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from galaxyscope import __version__
from galaxyscope.explain.protocol import Attribution
from galaxyscope.explain.registry import method
from galaxyscope.pipeline import MeasureSettings, explain_image, explainer_parameters
from galaxyscope.records.making import plane_key
from galaxyscope.records.tables import replacing
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier
    from galaxyscope.sky.image import SkyImage

_MAPS = ("values", "blocks", "members", "segments")
_TEXT = ("signed", "method", "target", "parameters", "model", "model_sha256", "image_sha256")
_MORE = ("version", "samples_done", "completeness_error", "notes")


@dataclass(frozen=True)
class MapCache:
    """A folder of maps.

    Parameters
    ----------
    folder : Path
        Made when the first map is kept.
    """

    folder: Path

    def explained(
        self,
        image: SkyImage,
        classifier: Classifier,
        settings: MeasureSettings,
        watch: Watch | None = None,
    ) -> Attribution:
        """Give the map of a cutout, from disk where it was made before.

        Parameters
        ----------
        image, classifier, settings, watch
            As for `galaxyscope.pipeline.explain_image`.
        """
        path = self.path(image, classifier, settings)
        if (kept := _read(path)) is not None:
            return kept
        made = explain_image(image, classifier, settings, watch)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            _write(temporary, made)
        return made

    def path(self, image: SkyImage, classifier: Classifier, settings: MeasureSettings) -> Path:
        """Where this map lies, or will."""
        views = [
            (m.card.sha256, m.card.frame, m.card.field_r90, m.card.field_px, m.card.stretch)
            for m in classifier.members
        ]
        depends = {
            "image": [image.sha256, plane_key(image)],
            "networks": views,
            "precision": classifier.precision,
            "method": settings.method,
            "target": settings.target,
            "parameters": explainer_parameters(method(settings.method).card, settings),
            "version": __version__,
        }
        text = json.dumps(depends, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:34]}.npz"


def _write(path: Path, made: Attribution) -> None:
    told = {name: getattr(made, name) for name in (*_TEXT, *_MORE)}
    told |= {"to_cutout": _numbers(made.to_cutout), "names": list(made.members)}
    arrays = {"values": made.values, "told": np.frombuffer(json.dumps(told).encode(), np.uint8)}
    arrays |= {
        name: one for name in ("blocks", "segments") if (one := getattr(made, name)) is not None
    }
    if made.members:
        arrays["members"] = np.stack(list(made.members.values()))
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _read(path: Path) -> Attribution | None:
    """Give a kept map; None where there is none that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in _MAPS if name in kept}
            told: dict[str, Any] = json.loads(kept["told"].tobytes())
        names = told.pop("names")
        return Attribution(
            **{name: told[name] for name in (*_TEXT, *_MORE) if name != "notes"},
            notes=tuple(told["notes"]),
            values=arrays["values"],
            blocks=arrays.get("blocks"),
            segments=arrays.get("segments"),
            members=dict(zip(names, arrays.get("members", ()), strict=True)),
            to_cutout=Affine(**told["to_cutout"]),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _numbers(affine: Affine) -> dict[str, float]:
    return {name: float(getattr(affine, name)) for name in "abcdef"}
