"""Share of positive relevance inside the 3σ source mask, for each method, as a table.

    python scripts/source_share.py PICTURES... --model radio-fr [--method benchmark]

Each picture is explained for the class that the network finds most probable. ``area`` is the share
of the mask in the picture: what a map that knows nothing would have.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import load_model
from galaxyscope.explain.grid import on_cutout
from galaxyscope.explain.preflight import preflight
from galaxyscope.explain.registry import method, methods
from galaxyscope.explain.source_share import positive_share, source_mask
from galaxyscope.sky.image import ImageError, SkyImage
from galaxyscope.sky.readers import list_images, open_image
from galaxyscope.work.watch import Watch


def shares(name: str, classifier: Classifier, images: list[SkyImage]) -> list[tuple[float, float]]:
    """Share of positive relevance on the source, and of its area, for every picture.

    Raises
    ------
    ValueError
        If the method does not fit the network.
    """
    found = []
    for image in images:
        net_input = classifier.prepare(image)
        said = classifier.predict(net_input).probabilities
        target = max(said, key=lambda answer: said[answer])
        attribution = method(name).explain(classifier, net_input, target, {}, Watch())
        mask = source_mask(image.light)
        values = on_cutout(attribution, image.shape)
        found.append((positive_share(values, mask), float(mask.mean())))
    return found


def table(names: tuple[str, ...], classifier: Classifier, images: list[SkyImage]) -> list[str]:
    """Lines of the table; a method that is refused or fails says why."""
    lines = [f"{'method':28}  share on source  scatter   area  pictures"]
    for name in names:
        fit = preflight(name, classifier, classifier.prepare(images[0]))
        try:
            if fit.verdict == "refused":
                raise ValueError(fit.reason)
            found = np.array(shares(name, classifier, images))
        except (ValueError, RuntimeError) as error:
            lines.append(f"{name:28}  {error}")
            continue
        some = found[np.isfinite(found[:, 0])]
        if not len(some):
            lines.append(f"{name:28}  no positive relevance in any picture")
            continue
        share, area = some.mean(axis=0)
        scatter = some[:, 0].std()
        lines.append(f"{name:28}  {share:15.3f}  {scatter:7.3f}  {area:5.3f}  {len(some):8d}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 if there is no picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="picture or folder")
    parser.add_argument("--model", required=True)
    parser.add_argument("--method", default="benchmark", help="method, 'all' or 'benchmark'")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args(argv)
    files = [f for path in args.paths for f in (list_images(path) if path.is_dir() else [path])]
    images = []
    for file in files:
        try:
            images.append(open_image(file))
        except ImageError as error:
            print(error, file=sys.stderr)
    if not images:
        print("there is no picture to explain", file=sys.stderr)
        return 1
    print("\n".join(table(methods(args.method), load_model(args.model, args.device), images)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
