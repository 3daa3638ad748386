"""Makes an exported table again from its recipe: what scripts of *Export as script* call."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxyscope.measure.results import LineMeasurement
from galaxyscope.records.edits import newest_automatic, with_settings
from galaxyscope.records.making import compared, record_of_line
from galaxyscope.records.record import Record
from galaxyscope.records.script import FORMAT, table_sha256
from galaxyscope.records.store import ImageSettings
from galaxyscope.records.tables import TableError, write_records
from galaxyscope.sky.image import ImageError, Plane, SkyImage
from galaxyscope.sky.readers import open_image
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier


class ReplayError(Exception):
    """A row that cannot be made again; ``str()`` is one sentence."""


def main(recipe: dict[str, Any], argv: Sequence[str] | None = None) -> int:
    """Make the table again and say whether its bytes are those of the export.

    Returns
    -------
    int
        0 if they are, 1 if they differ, 2 if something is missing.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    out = Path(words[0] if words else Path(recipe["name"]).name)
    try:
        if recipe["format"] != FORMAT:
            raise ReplayError("this script was written by a newer GalaxyScope")
        records = replay(recipe)
        write_records(out, records)
    except (ReplayError, TableError, ImageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if out.suffix.lower() == ".csv" and table_sha256(records) == recipe["sha256"]:
        sys.stdout.write(f"{out}: {len(records)} rows, the same bytes as the export\n")
        return 0
    sys.stderr.write(f"{out}: {len(records)} rows, not the bytes of the export\n")
    return 1


def replay(recipe: dict[str, Any]) -> list[Record]:
    """Make the rows of a recipe again.

    Raises
    ------
    ReplayError
        If a picture or a network is not what it was, or not there.
    ImageError
        If a picture cannot be read.
    """
    models: dict[str, Classifier] = {}
    rows = [_make(row, models) for row in recipe["rows"]]
    by_picture: dict[tuple[str, str], list[Record]] = {}
    for row in rows:
        by_picture.setdefault((row.image_sha256, row.plane), []).append(row)
    newest = {key: newest_automatic(some) for key, some in by_picture.items()}
    return [
        compared(row, newest[row.image_sha256, row.plane])
        if row.kind == "drawn" and how["make"] == "line"
        else row
        for row, how in zip(rows, recipe["rows"], strict=True)
    ]


def _make(row: dict[str, Any], models: dict[str, Classifier]) -> Record:
    if row["make"] == "given":
        return Record(**row["record"])
    image = _image(row)
    if row["make"] == "line":
        (x1, y1), (x2, y2) = row["ends"]
        line = LineMeasurement(((x1, y1), (x2, y2)), row["observer"], row["created_at"])
        # Scripts of older versions keep nothing.
        return dataclasses.replace(record_of_line(image, line), **row.get("kept", {}))
    return _measure(row, image, models)


def _image(row: dict[str, Any]) -> SkyImage:
    plane = None
    if row["plane"]:
        hdu, _, index = row["plane"].partition(":")
        plane = Plane(int(hdu), int(index) if index else None, row["plane"])
    image = open_image(row["path"], plane)
    if image.sha256 != row["sha256"]:
        raise ReplayError(f"{row['path']}: this is not the file that was measured (other bytes)")
    return with_settings(image, ImageSettings(**row["settings"]))


def _measure(row: dict[str, Any], image: SkyImage, models: dict[str, Classifier]) -> Record:
    from galaxyscope.classify.circumstances import run_so
    from galaxyscope.explain.registry import method
    from galaxyscope.measure.bars import BarSettings
    from galaxyscope.pipeline import measure_attribution, predict_image, prepared, provenance
    from galaxyscope.records.making import record_of_bar

    ran = json.loads(row["ran"]) if row["ran"] else {}
    classifier = _network(row, models, ran.get("explain", {}).get("device", "auto"))
    everything = json.loads(row["parameters"]) if row["parameters"] else {}
    fields = {f.name for f in dataclasses.fields(BarSettings)}
    bar = {k: v for k, v in everything.items() if k in fields} | {"algorithm": row["algorithm"]}
    explainer = method(row["method"])
    known = {p.name for p in explainer.card.parameters} | {"seed"}
    parameters = {k: v for k, v in everything.items() if k in known}
    prediction = None
    if "answer" in ran:
        run_so(classifier, ran["answer"])
        prediction = predict_image(image, classifier)
    run_so(classifier, ran.get("explain", {}))
    found = explainer.explain(
        classifier, prepared(image, classifier), row["target"], parameters, Watch()
    )
    found = dataclasses.replace(found, image_sha256=image.sha256, ran=ran.get("explain", {}))
    measured = measure_attribution(image, found, BarSettings(**bar))
    if measured.parameters.get("said_sha256") != everything.get("said_sha256"):
        raise ReplayError(f"{row['path']}: the network bar-length is not the one that was asked")
    if prediction is not None:
        prediction = dataclasses.replace(prediction, ran=ran["answer"])
    return record_of_bar(image, measured, provenance(found, prediction), row["created_at"])


def _network(row: dict[str, Any], models: dict[str, Classifier], device: str) -> Classifier:
    from galaxyscope.classify.card import ModelError
    from galaxyscope.classify.store import load_model

    name = row["model"]
    if name not in models:
        try:
            models[name] = load_model(name, device=device.partition(":")[0])
        except (ModelError, ValueError) as error:
            raise ReplayError(str(error)) from error
    if models[name].card.sha256 != row["model_sha256"]:
        raise ReplayError(f"{name}: this is not the network that was used (other weights)")
    return models[name]
