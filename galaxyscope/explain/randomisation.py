"""Model randomisation scores: whether a map depends on what the network has learned.

Adebayo et al. 2018, "Sanity checks for saliency maps" (arXiv:1810.03292, section 3), cascading
randomisation: the weights are randomised from the last layer down, and the map is compared with
that of the trained network by the rank correlation of absolute values. A method whose map stays
the same shows the picture, not what the network has learned of it.

A layer is randomised by shuffling each of its weight tensors: random weights of the very
distribution of the trained ones, for any network, also one whose layers are not known. Vectors
(biases, scales of normalisations) stay, so that the signal neither dies nor explodes.

The scores of a network lie beside its card, in ``randomisation.json``.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope import __version__
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from galaxyscope.classify.classifier import Classifier, NetworkInput
    from galaxyscope.explain.protocol import Attribution

SCORES_FILE = "randomisation.json"
PASSED_BELOW = 0.5
"""A method passes where the maps of the randomised network correlate less with those of the
trained one. The paper sets no limit; this is GalaxyScope's."""

_STAGES = 4
_LARGEST_FILE = 2**20  # bytes


@dataclass(frozen=True)
class MethodScore:
    """How alike a method's maps stay while a network is randomised.

    Parameters
    ----------
    similarity : tuple of float
        Mean rank correlation of absolute maps over the pictures, for each of the shares of
        randomised layers. A map that became constant has nothing in common: 0.
    pictures : int
    """

    similarity: tuple[float, ...]
    pictures: int

    @property
    def passes(self) -> bool:
        """Whether the map of the wholly randomised network is another one."""
        return self.similarity[-1] < PASSED_BELOW


@dataclass(frozen=True)
class Randomisation:
    """Scores of all methods on one network.

    Parameters
    ----------
    model_sha256 : str
        Of the network that they hold for.
    target : str
    shares : tuple of float
        Share of the weight tensors, from the last one down, that were randomised.
    seed : int
    methods : mapping of method name to MethodScore
    refused : mapping of method name to str
        Why a method was not tried.
    settings : mapping of method name to mapping
        All settings of each method that was tried.
    pictures : mapping of str to str
        SHA-256 of the pictures by their names.
    version : str
        Of the program.
    """

    model_sha256: str
    target: str
    shares: tuple[float, ...]
    seed: int
    methods: Mapping[str, MethodScore] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def joined(self, other: Randomisation) -> Randomisation:
        """Return these scores with those of other methods on the same network and pictures.

        Where `other` was made otherwise (other weights, target, seed, pictures or version) it
        does not count.
        """
        alike = ("model_sha256", "target", "shares", "seed", "pictures", "version")
        if any(getattr(self, name) != getattr(other, name) for name in alike):
            return self
        new = {*self.methods, *self.refused}
        return dataclasses.replace(
            self,
            methods={**_without(other.methods, new), **self.methods},
            refused={**_without(other.refused, new), **self.refused},
            settings={**_without(other.settings, new), **self.settings},
        )


def _without(found: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


def similarity(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Spearman's rank correlation of the absolute values; 0 where one map is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.abs(values).ravel()) for values in (one, other)]
    ranks = [rank - rank.mean() for rank in ranks]
    size = float(np.linalg.norm(ranks[0]) * np.linalg.norm(ranks[1]))
    return float(ranks[0] @ ranks[1]) / size if size > 0 else 0.0


def weights_of(network: nn.Module) -> list[Tensor]:
    """Weight tensors in the order in which the network holds them; no vectors, no constants.

    Those of an exported program are buffers; its constants are not known from its weights.
    """
    found: list[Tensor] = list(network.parameters()) or list(network.buffers())
    return [w for w in found if w.is_floating_point() and sum(side > 1 for side in w.shape) > 1]


def randomised(classifier: Classifier, share: float, seed: int) -> Classifier:
    """Copy of a classifier with the last weight tensors shuffled.

    Parameters
    ----------
    classifier : Classifier
        A single network; stays as it is.
    share : float
        Of its weight tensors; 1: all.
    seed : int

    Returns
    -------
    Classifier
    """
    import torch

    other = copy.copy(classifier)
    other.network = copy.deepcopy(classifier.network)
    other.used, other.notices = set(), ()
    other.calibrated({})
    tensors = weights_of(other.network)
    count = round(share * len(tensors))
    with torch.no_grad():
        for number, weight in list(enumerate(tensors))[len(tensors) - count :]:
            draw = torch.Generator().manual_seed(seed * 100_003 + number)
            order = torch.randperm(weight.numel(), generator=draw).to(weight.device)
            weight.copy_(weight.flatten()[order].view(weight.shape))
    return other


def randomisation_scores(
    classifier: Classifier,
    pictures: Sequence[NetworkInput],
    target: str,
    methods: Mapping[str, Mapping[str, Any]],
    seed: int = 0,
    watch: Watch | None = None,
) -> Randomisation:
    """Score methods on a single network.

    Parameters
    ----------
    classifier : Classifier
    pictures : sequence of NetworkInput
        At least one.
    target : str
    methods : mapping of method name to settings
        For those that the method takes; the same seed for all maps.
    seed : int
        Of the shuffling.
    watch : Watch, optional

    Raises
    ------
    ValueError
        For an ensemble (score its members), or without pictures.
    Cancelled
        Soon after ``watch.cancel()``.
    """
    from galaxyscope.explain.cards import settings
    from galaxyscope.explain.preflight import preflight
    from galaxyscope.explain.registry import method

    if len(classifier.members) > 1:
        raise ValueError(f"{classifier.card.name} is an ensemble: ask for its members one by one")
    if not pictures:
        raise ValueError("there is no picture to explain")
    watch = watch or Watch()
    shares = tuple((stage + 1) / _STAGES for stage in range(_STAGES))
    networks = [classifier, *(randomised(classifier, share, seed) for share in shares)]
    fits = {name: preflight(name, classifier, pictures[0], target) for name in methods}
    fitting = [name for name in methods if fits[name].verdict != "refused"]
    refused = {name: fits[name].reason for name in methods if name not in fitting}
    total, done = len(fitting) * len(pictures) * len(networks), 0
    scores: dict[str, MethodScore] = {}

    def explained(name: str, network: Classifier, picture: NetworkInput) -> Attribution:
        nonlocal done
        found = method(name).explain(
            network, picture, target, methods[name], watch.part(lambda *_: None)
        )
        done += 1
        watch.report(done, total)
        return found

    for name in fitting:
        alike: list[list[float]] = []
        try:
            for picture in pictures:
                maps = [explained(name, network, picture).values for network in networks]
                alike.append([similarity(maps[0], one) for one in maps[1:]])
        except (ValueError, RuntimeError) as error:  # one method does not stop the others
            refused[name] = str(error).strip().split("\n", 1)[0]
            continue
        mean = np.mean(alike, axis=0)
        scores[name] = MethodScore(tuple(round(float(one), 4) for one in mean), len(pictures))
    text = classifier.card.classes[classifier.class_index(target)]
    tried = {name: settings(method(name).card, methods[name]) for name in scores}
    return Randomisation(
        classifier.card.sha256, text, shares, seed, scores, refused, tried, version=__version__
    )


def write_scores(scores: Randomisation, folder: Path) -> Path:
    """Write ``randomisation.json`` into a model's folder; what is there is replaced."""
    path = folder / SCORES_FILE
    text = json.dumps(dataclasses.asdict(scores), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def read_scores(folder: Path, model_sha256: str) -> Randomisation | None:
    """Scores beside a model's card; None where there are none for these weights.

    Parameters
    ----------
    folder : Path
        Of the model.
    model_sha256 : str
        Hash of the weights, as on the card: scores of other weights do not count.

    Raises
    ------
    ValueError
        One sentence, if the file is damaged.
    """
    path = folder / SCORES_FILE
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError("it is too large")
        values = json.loads(path.read_text(encoding="utf-8"))
        methods = {
            str(name): MethodScore(tuple(map(float, one["similarity"])), int(one["pictures"]))
            for name, one in values.pop("methods").items()
        }
        values["shares"] = tuple(map(float, values["shares"]))
        for key in ("refused", "pictures"):
            values[key] = {str(name): str(said) for name, said in values.get(key, {}).items()}
        values["settings"] = {str(k): dict(v) for k, v in values.get("settings", {}).items()}
        found = Randomisation(**values, methods=methods)
        if any(len(one.similarity) != len(found.shares) for one in methods.values()):
            raise ValueError("a method has not one similarity for each share")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} holds no randomisation scores ({error})") from error
    return found if found.model_sha256 == model_sha256 else None
