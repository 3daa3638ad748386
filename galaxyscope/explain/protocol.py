"""What every explainer takes and returns: `Explainer`, `Attribution`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

if TYPE_CHECKING:
    from galaxyscope.classify.classifier import Classifier, NetworkInput


@dataclass(frozen=True, eq=False)
class Attribution:
    """Where the network looked, on the network's own pixel grid.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
        One number per network-input pixel. Unsigned methods give values ≥ 0.
    to_cutout : Affine
        Attribution pixel → cutout pixel.
    signed : bool
        True where negative values mean evidence against the target.
    method, target : str
        Registry name of the method (with preset) and text form of the target: a class name,
        or what was made of it, ``"p(Class3.1)"`` (see `galaxyscope.explain.target`).
    parameters : mapping
        Every setting that changes the result, seed included; JSON types only.
    model, model_sha256, image_sha256, version : str
        Provenance.
    samples_done : int
        How many samples the map is the mean of (1 for deterministic methods).
    blocks : ndarray or None, shape (blocks, rows, columns), float32
        Means over disjoint groups of samples, each an estimate of the same map; they
        give the error of the map and of everything measured on it.
    completeness_error : float or None
        For methods that promise that the map sums to a change of the answer: by how much it
        does not, as a share of that change.
    notes : tuple of str
        Sentences about what is odd in this map (see `galaxyscope.explain.postflight`) and how
        the method was adapted to the network.
    members : mapping of member name to ndarray, shape (rows, columns), float32
        Maps of the single networks of an ensemble, of which `values` is the mean; empty for
        one network.
    segments : ndarray or None, shape (rows, columns), int32
        For methods that work on parts of the picture: the number of the part that each pixel
        belongs to.
    ran : mapping
        How the network ran, see `galaxyscope.classify.circumstances`.
    """

    values: NDArray[np.float32]
    to_cutout: Affine
    signed: bool
    method: str
    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    model_sha256: str = ""
    image_sha256: str = ""
    version: str = ""
    samples_done: int = 1
    blocks: NDArray[np.float32] | None = None
    completeness_error: float | None = None
    notes: tuple[str, ...] = ()
    members: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None
    ran: Mapping[str, Any] = field(default_factory=dict)

    @property
    def agreement(self) -> float | None:
        """Mean correlation between the maps of any two members; None for one network.

        1: all networks looked at the same places; 0: their maps have nothing in common. A
        constant map agrees with nothing.
        """
        if len(self.members) < 2:
            return None
        flat = np.array([one.ravel() for one in self.members.values()], np.float64)
        flat -= flat.mean(axis=1, keepdims=True)
        size = np.linalg.norm(flat, axis=1, keepdims=True)
        flat = np.divide(flat, size, out=np.zeros_like(flat), where=size > 0)
        pairs = np.triu_indices(len(flat), 1)
        return float((flat @ flat.T)[pairs].mean())


@dataclass(frozen=True)
class MethodCard:
    """What the user is told about a method before she runs it.

    Parameters
    ----------
    name : str
        Registry name, e.g. ``"smoothgrad/rotation-averaged"``.
    title : str
        What the menu shows.
    family : str
        Heading in the list: ``"Gradients"``, ``"Class activation maps"`` …
    summary : str
        One sentence: what the map shows.
    reference : str
        Paper or library.
    parameters : tuple of Parameter
        What can be set.
    deterministic : bool
    cost : str
        What one map costs, in passes through the network.
    needs : str
        What the network must have; empty: nothing.
    scale : {"logit", "probability"}
        On what scale the answer is explained where the target does not say; as in the paper.
    whole : bool
        An ensemble is asked as one network; else each of its networks by itself, and the maps
        are averaged.
    """

    name: str
    title: str
    family: str
    summary: str
    reference: str
    parameters: tuple[Parameter, ...] = ()
    deterministic: bool = True
    cost: str = ""
    needs: str = ""
    scale: Literal["logit", "probability"] = "logit"
    whole: bool = False


@dataclass(frozen=True)
class Parameter:
    """One setting of a method: name in code, label in the window, default and limits."""

    name: str
    label: str
    default: float | int | bool
    minimum: float | int = 0
    maximum: float | int = 1
    help: str = ""


class Explainer(Protocol):
    """One explanation method."""

    @property
    def card(self) -> MethodCard:
        """What the user is told; readable without torch."""
        ...

    def explain(
        self,
        classifier: Classifier,
        net_input: NetworkInput,
        target: str,
        parameters: Mapping[str, Any],
        watch: Watch,
    ) -> Attribution:
        """Explain a target.

        Parameters
        ----------
        classifier : Classifier
            Must not be used by anybody else meanwhile (one lane per network replica).
        net_input : NetworkInput
        target : str
            Text form of a target, see `galaxyscope.explain.target`: a class name or short name
            of the model card, ``"p(bar)"``, ``"bar-vs-siblings"``, ``"-bar"`` …
        parameters : mapping
            Values for ``card.parameters`` (missing ones take their default); ``seed`` for
            methods that draw random numbers.
        watch : Watch
            Checked at least once per batch; reports ``(done, total, partial Attribution)``.

        Raises
        ------
        ValueError
            If the method does not fit the network, with the reason.
        Cancelled
            Soon after ``watch.cancel()``; the network is as it was before.
        """
        ...
