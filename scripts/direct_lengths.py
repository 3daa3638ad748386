"""Bar lengths straight from a network: the control that measuring on maps must beat.

    python scripts/direct_lengths.py --data ../shared/data [--model galaxyzoo/resnet]

Bhambra, Joachimi & Lahav 2022 train a network to answer the bar length itself. With 60 galaxies
no network can be trained from scratch (`recipes/bhambra2022-bar-length.toml` tries); here the last
features of a Galaxy Zoo network, averaged over eight turned copies, are regressed on ln(relative
length) by ridge regression. Every galaxy is predicted by a regression that has not seen it: ten
divisions into ten folds, the strength of the ridge chosen inside each fold by leave-one-out. Then
all of them predict the 64-px stamps, which had no part in it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from bar_lengths import DEVELOPMENT, describe
from numpy.typing import NDArray
from tqdm import tqdm

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.store import load_model
from galaxyscope.measure.agreement import Agreement, agree
from galaxyscope.sky.image import SkyImage
from galaxyscope.tune.subjects import Subject, opened, read_subjects

Floats = NDArray[np.float64]
STRENGTHS = 10.0 ** np.arange(-1, 6.5, 0.5)
STAMPS = "sdss_64"


def main(argv: list[str] | None = None) -> int:
    """Predict the lengths of both sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", nargs="+", default=["galaxyzoo/resnet"], help="their features")
    parser.add_argument("--stamps", action="store_true", help="the 64-px stamps too")
    parser.add_argument("--limit", type=int, help="only the first so many galaxies of a set")
    arguments = parser.parse_args(argv)
    folder = arguments.data / "bar_lengths"
    networks = [load_model(name) for name in arguments.model]
    development = read_subjects(folder / f"{DEVELOPMENT}.csv")[: arguments.limit]
    x, human, size = table(folder / f"{DEVELOPMENT}.zip", development, networks)
    runs = [agree(cross_validated(x, human, seed), human, size, seed=seed) for seed in range(10)]
    rhos = [run.rho_relative or 0.0 for run in runs]
    middle = runs[int(np.argsort(rhos)[len(rhos) // 2])]
    print(f"{DEVELOPMENT}, {' + '.join(arguments.model)}, {x.shape[1]} features, held out")
    print(f"  ρ over ten divisions into folds: {np.mean(rhos):.3f} ± {np.std(rhos):.3f}")
    print(describe(middle))
    if arguments.stamps:
        print(describe(transferred(folder, networks, x, human, arguments.limit)))
    return 0


def transferred(
    folder: Path,
    networks: Sequence[Classifier],
    x: Floats,
    human: Floats,
    limit: int | None,
) -> Agreement:
    """Judge the regression of all development galaxies on the stamps of other galaxies."""
    with (folder / f"{DEVELOPMENT}.csv").open(newline="", encoding="utf-8") as file:
        seen = {row["sdss_dr7_objid"] for row in csv.DictReader(file)}
    every = read_subjects(folder / f"{STAMPS}.csv")
    stamps = [one for one in every if Path(one.name).stem not in seen][:limit]
    others, theirs, size = table(folder / f"{STAMPS}.zip", stamps, networks)
    print(f"{STAMPS}, {len(stamps)} galaxies that had no part")
    return agree(fitted(x, np.log(human))(others), theirs, size)


def table(
    pictures: Path, subjects: Sequence[Subject], networks: Sequence[Classifier]
) -> tuple[Floats, Floats, Floats]:
    """Features, human relative lengths and sizes in arcsec."""
    rows = []
    with opened(pictures, subjects) as found:
        for subject in tqdm(subjects, disable=not sys.stderr.isatty()):
            image = found.open(subject)
            rows.append(np.concatenate([features(one, image) for one in networks]))
    diameters = [s.diameter_px or np.nan for s in subjects]
    human = np.array([s.human_px for s in subjects]) / diameters
    return np.array(rows), human, np.array([2 * (s.r90_arcsec or np.nan) for s in subjects])


def features(classifier: Classifier, image: SkyImage) -> Floats:
    """Give what the last linear layer of a network gets, averaged over eight turned copies."""
    last = [m for m in classifier.network.modules() if isinstance(m, torch.nn.Linear)][-1]
    seen: list[torch.Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.from_numpy(classifier.prepare(image).pixels)[None]
    turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
    try:
        with torch.inference_mode():
            classifier.logits(torch.cat(turned + [one.flip(3) for one in turned]))
    finally:
        hook.remove()
    return np.asarray(seen[0].double().mean(dim=0).cpu().numpy(), np.float64)


def cross_validated(x: Floats, human: Floats, seed: int, folds: int = 10) -> Floats:
    """Predict each relative length by a regression of the other folds."""
    order = np.random.default_rng(seed).permutation(len(human))
    predicted = np.full(len(human), np.nan)
    for part in np.array_split(order, min(folds, len(human))):
        rest = np.setdiff1d(order, part)
        predicted[part] = fitted(x[rest], np.log(human[rest]))(x[part])
    return predicted


def fitted(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    """Fit ridge regression of ln(length) on standardised features; gives what predicts lengths.

    The strength of the ridge is the best in leave-one-out on the same galaxies, whose residuals
    have a closed form: (y − ŷ) / (1 − h).
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    used = spread > 1e-9
    a = (x - mean)[:, used] / spread[used]
    centred = y - y.mean()
    values, vectors = np.linalg.eigh(a @ a.T)
    along, squared = vectors.T @ centred, vectors**2
    errors = []
    for strength in STRENGTHS:
        kept = values / (values + strength)
        left = (centred - vectors @ (kept * along)) / (1 - squared @ kept - 1 / len(y))
        errors.append(float(left @ left))
    best = STRENGTHS[int(np.argmin(errors))]
    weights = a.T @ (vectors @ (along / (values + best)))

    def predict(others: Floats) -> Floats:
        found: Floats = np.exp(y.mean() + (others - mean)[:, used] / spread[used] @ weights)
        return found

    return predict


if __name__ == "__main__":
    sys.exit(main())
