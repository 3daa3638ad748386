"""Which the network's last feature map is, where its cells lie, and which tokens they are.

Found by watching the operations of one trial run, not the modules: an activation or a blur that
is a plain function call is seen too. A feature map is then known by the operation that makes it,
and the operation by what its result looks like.

The map is brought onto the input grid with the geometry of the layers in between: a 3×3
convolution of stride 2 looks at pixels 0, 2, 4 …, a 2×2 pooling at 0.5, 2.5, 4.5 …; after five
such layers the difference is half a cell, 16 pixels.

A transformer's map are its tokens, as a layer normalisation gives them, laid out on the grid of
the patches. The last map is the last one that the answer still depends on: with a class token the
tokens before the last attention, with several heads the last map of the one that is asked.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, nn

from galaxyscope.classify.classifier import Classifier
from galaxyscope.classify.memory import out_of_memory
from galaxyscope.explain.features import (
    FeatureMap,
    Kind,
    Operation,
    Watching,
    alike,
    gradients_refused,
    kind_of,
    trace_of,
)
from galaxyscope.explain.layout import (
    CROPPING,
    NO_FEATURES,
    USUAL,
    Arguments,
    Shape,
    apart,
    astray,
    grid_of,
    layout_after,
    order_of,
    pictures_among,
    step,
    turns,
)
from galaxyscope.explain.operations import depends
from galaxyscope.explain.target import Score
from galaxyscope.sky.frame import Affine

_NORMS = frozenset(["layer_norm", "rms_norm"])
MOST_EXTRA = 16
"""More tokens than these beside those of the cells, and it is no grid."""

_TRIES = 4
"""So often it is tried to learn the order of as many tokens."""

_LAYERS_WORDS = """
conv1d conv2d linear matmul bmm einsum scaled_dot_product_attention multi_head_attention_forward
"""
_LAYERS = frozenset([*_LAYERS_WORDS.split(), "__matmul__"])

_FIRST = Score(0)


class _Found(NamedTuple):
    """A map, the tensor that holds it, the number of the operation in this run, and its place.

    The place is that among operations of the same name and shape. Of tokens, also the patches that
    they were made of.
    """

    where: FeatureMap
    result: Tensor
    number: int
    place: int
    patches: _Found | None = None


_LAST: WeakKeyDictionary[nn.Module, tuple[tuple[Any, ...], FeatureMap]] = WeakKeyDictionary()
"""What was found in a network last, and for what: the preflight asks, then the method."""

_RIGHT: WeakKeyDictionary[nn.Module, set[tuple[tuple[int, ...], FeatureMap]]] = WeakKeyDictionary()
"""Maps whose places were compared with gradients, for pictures of a shape: once is enough."""


def forget(classifier: Classifier) -> None:
    """Forget what was found in a network: it may have been changed since.

    Where a map lies is a matter of the layers, and stays.
    """
    _LAST.pop(classifier.network, None)


def last_feature_map(classifier: Classifier, x: Tensor, score: Score = _FIRST) -> FeatureMap:
    """Find the last map with more than one cell, as the pooling sees it, by a trial run.

    Parameters
    ----------
    classifier : Classifier
        The output of the submodule ``card.cam_layer`` is taken where that is not empty.
    x : Tensor, shape (1, 3, rows, columns)
    score : Score, optional
        Of the maps that it depends on, the last is taken; default: the logit of the first class.

    Raises
    ------
    ValueError
        If the network has no feature map, or not the layer that its card names, or is random.
    """
    network, named = classifier.network, classifier.card.cam_layer
    asked = (named, score, x.shape, x.detach().cpu().numpy().tobytes())
    known = _LAST.get(network)
    if known is None or known[0] != asked:
        known = _LAST[network] = asked, _searched(classifier, x, score)
    return known[1]


def _searched(classifier: Classifier, x: Tensor, score: Score) -> FeatureMap:
    network, named = classifier.network, classifier.card.cam_layer
    modules = dict(network.named_modules())
    if named and named not in modules:
        raise ValueError(f"{classifier.card.name} has no layer {named!r}, which its card names")
    _try_out(classifier, x)
    hooked = modules[named] if named else None
    with gradients_refused(ValueError), _searching(x) as search:
        answer = search.run(classifier, score, hooked)
        chosen = _last_that_counts(answer, search.left if named else search.found)
    if chosen is None:
        cut = ": from none a gradient leads to the answer" if search.found else ""
        raise ValueError(f"{classifier.card.name} has no feature map that could be shown{cut}")
    if chosen.result.shape[chosen.where.operation.pictures] != len(x):
        raise ValueError(
            "the network takes parts, views or colours of a picture for pictures of their own: "
            "its last feature map is not that of one picture"
        )
    if chosen.number > search.lost:
        raise ValueError(
            "the network turns or mirrors the picture, or looks at its parts one after the other: "
            "where its last feature map lies is not known"
        )
    where = replace(search.told_apart(chosen), first=search.is_first(chosen.number))
    right = _RIGHT.setdefault(network, set())
    if (x.shape, where) not in right:
        shifted = search.astray(chosen)
        if shifted and _astray_in_noise(classifier, x, score, chosen):
            raise ValueError(
                "the cells of its last feature map look at other parts of the picture than those "
                "they would be shown on: where its last feature map lies is not known"
            )
        if shifted is not None:
            right.add((x.shape, where))
    return where


def _astray_in_noise(classifier: Classifier, x: Tensor, score: Score, chosen: _Found) -> bool:
    """Whether a map lies elsewhere in noise too: of equal pixels a pooling takes the first."""
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    with gradients_refused(ValueError), _searching(noise) as search:
        search.run(classifier, score)
    again = [one for one in search.found if one.number == chosen.number]
    return all(search.astray(one) is not False for one in again)


def _try_out(classifier: Classifier, x: Tensor) -> None:
    """Let a network build what it keeps before it is searched, and refuse a random one."""
    classifier.try_out(x)
    if classifier.random:
        raise ValueError("the network is random: the same picture gets other answers")


def patches_and_order(
    classifier: Classifier, x: Tensor, tokens: int
) -> tuple[FeatureMap, tuple[int, ...] | None]:
    """Find the map that a transformer's tokens are cut from, and which token each cell is.

    Parameters
    ----------
    classifier : Classifier
    x : Tensor, shape (1, 3, rows, columns)
    tokens : int
        How many there are.

    Returns
    -------
    patches : FeatureMap
    order : tuple of int, or None
        Token of each cell, row by row; None where that cannot be told.

    Raises
    ------
    ValueError
        If there is no such map, or the network is random.
    """
    _try_out(classifier, x)
    with _searching(x) as search:
        search.run(classifier, _FIRST)
    if tokens in search.orders:
        patches, order = search.orders[tokens]
        return patches.where, order
    if search.patches is None:
        raise ValueError(f"{classifier.card.name} has no feature map that could be shown")
    return search.patches.where, None


@contextmanager
def _searching(x: Tensor) -> Iterator[_Search]:
    """Search inside; what the network cuts from the picture is cut again afterwards."""
    search = _Search(x)
    try:
        yield search
    finally:
        search.part()


class _Search:
    """Collects the maps of a trial run, with the tensors that hold them."""

    def __init__(self, x: Tensor) -> None:
        self.x = x.detach().clone().requires_grad_(True)  # what depends on it has a gradient
        self.found: list[_Found] = []
        self.left: list[_Found] = []
        self.patches: _Found | None = None
        self.orders: dict[int, tuple[_Found, tuple[int, ...]]] = {}
        self.lost: float = math.inf  # the operation after which places are not known
        self._grids: dict[Shape, Affine] = {(x.shape[-2], x.shape[-1]): Affine()}
        self._layouts: dict[int, tuple[Tensor, str]] = {id(self.x): (self.x, USUAL)}
        self._layers: list[int] = []
        self._tried: Counter[int] = Counter()
        self._convolved = self._cropped = False  # before, there are pixels, not features
        self._traces: defaultdict[Kind, list[Tensor]] = defaultdict(list)
        self._joint = torch.zeros((), device=x.device, requires_grad=True)
        self._joined: list[ref[Tensor]] = []

    def run(self, classifier: Classifier, score: Score, named: nn.Module | None = None) -> Tensor:
        """Run the network, and return the answer; of a layer that is named the map is kept."""
        hook = named.register_forward_hook(self.leave) if named is not None else None
        try:
            with torch.enable_grad(), Watching(self.look):
                return score(classifier.logits(self.x))[0]
        finally:
            if hook:
                hook.remove()

    def part(self) -> None:
        """Cut again from the picture what the network cuts."""
        for one in self._joined:
            cut = one()
            if cut is not None and not cut._is_view():
                cut.detach_()

    def leave(self, _module: object, _inputs: object, _output: object) -> None:
        """Keep only the last map so far, of the module that is named."""
        self.left = self.found[-1:]

    def is_first(self, operation: int) -> bool:
        """Whether a map is that of the first layer with weights, though others follow."""
        return sum(number <= operation for number in self._layers) < 2 <= len(self._layers)

    def look(
        self, number: int, name: str, args: Arguments, options: Mapping[str, Any], y: Tensor
    ) -> Tensor:
        """Note what an operation gives, if it is a map."""
        if name == "detach" and depends(*args[:1]):
            y = y + self._joint.to(y.dtype)  # what follows may still be asked about it
            self._joined.append(ref(y))
        if name in _LAYERS and y.requires_grad and y.ndim > 2 and y.shape[:-1].numel() > 1:
            self._layers.append(number)
        if y.ndim in {3, 4} and y.is_floating_point() and y.numel() > 0:
            self._traces[kind_of(name, y)].append(trace_of(y, kind_of(name, y)[2]))
        if y.ndim == 3 and y.requires_grad and self.patches:
            tokens = y.transpose(0, kind_of(name, y)[2])
            self._learn_order(tokens, self.patches)
            if name in _NORMS and tokens.shape[1] in self.orders:
                patches, order = self.orders[tokens.shape[1]]
                shape = (y.shape[2], *patches.where.shape[1:])
                operation, place = self._operation(name, y)
                where = FeatureMap(operation, shape, patches.where.to_input, order=order)
                self.found.append(_Found(where, y, number, place, patches))
        elif y.ndim == 4 and not y.is_complex():
            self._map(number, name, args, options, y)
        return y

    def _operation(self, name: str, y: Tensor) -> tuple[Operation, int]:
        """Return the operation that gave a result just now, and its place."""
        kind = kind_of(name, y)
        traces = self._traces[kind]
        return Operation(name, kind[1], traces[-1], 0, kind[2]), len(traces) - 1

    def told_apart(self, found: _Found) -> FeatureMap:
        """Count the operations before that make the same: only for the map that is chosen.

        To compare each with all before it took a third of the search.
        """
        operation = found.where.operation
        kind = (operation.name, operation.shape, operation.pictures)
        before = self._traces[kind][: found.place]
        earlier = sum(alike(one, operation.trace) for one in before)
        return replace(found.where, operation=replace(operation, earlier=earlier))

    def astray(self, found: _Found) -> bool | None:
        """Whether a map lies elsewhere than it should; of tokens, which see all, the patches."""
        seen = found.patches or found
        try:
            return astray(seen.where.of(seen.result), self.x, seen.where.to_input)
        except Exception as error:  # on its way back to the picture, which no map needs
            if out_of_memory(error):
                raise
            return None

    def _learn_order(self, tokens: Tensor, patches: _Found) -> None:
        """Learn which token each cell is, before tokens see each other; others give none."""
        count, cells = tokens.shape[1], patches.where
        enough = 0 <= count - math.prod(cells.shape[1:]) <= MOST_EXTRA and len(tokens) == 1
        if enough and count not in self.orders and self._tried[count] < _TRIES:
            self._tried[count] += 1
            order = order_of(tokens, patches.result, cells.of)
            if order:
                self.orders[count] = patches, order

    def _map(
        self, number: int, name: str, args: Arguments, options: Mapping[str, Any], y: Tensor
    ) -> None:
        grids, sources = self._grids, pictures_among(args, options)
        known = [self._layouts[id(one)] for one in sources if id(one) in self._layouts]
        layout = layout_after(name, args, options, y, *known[0]) if known else None
        layout = USUAL if name.startswith("conv") else layout
        if layout:
            self._layouts[id(y)] = y, layout
        elif y.shape[1:3] in grids:
            return  # rows and columns, or channels and rows: nobody knows
        else:
            layout = USUAL
        before, after = args[0] if args else options.get("input"), grid_of(y.shape, layout)
        if min(after) < 2 or name in NO_FEATURES:
            return
        if isinstance(before, Tensor) and before.ndim == 4:
            self._place(number, name, args, options, before, after)
        self._convolved = self._convolved or name.startswith("conv")
        if after in grids and self._convolved and y.requires_grad:
            channels = y.shape[layout.index("c")]
            operation, place = self._operation(name, y)
            where = FeatureMap(operation, (channels, *after), grids[after], layout)
            self.patches = _Found(where, y, number, place)
            self.found.append(self.patches)

    def _place(
        self,
        number: int,
        name: str,
        args: Arguments,
        options: Mapping[str, Any],
        before: Tensor,
        after: Shape,
    ) -> None:
        """Learn where the cells of a grid lie when it is met first; and when that is in vain."""
        layout = self._layouts.get(id(before), (before, USUAL))[1]
        grid = grid_of(before.shape, layout)
        if before.requires_grad and turns(name, args, options, layout):
            self.lost = min(self.lost, number)
        looking = after not in self._grids or self._cropped or name in CROPPING
        if grid not in self._grids or not looking:
            return
        found = self._grids[grid] @ step(name, args, options, grid, after, layout)
        self._cropped = self._cropped or (name in CROPPING and grid != after)
        if apart(self._grids.setdefault(after, found), found, after):
            self.lost = min(self.lost, number)


def _last_that_counts(answer: Tensor, found: Sequence[_Found]) -> _Found | None:
    """Return the last map with a slope of the answer; where none has, the last on the way to it.

    Others are side branches, or heads for other answers; of tokens behind the last attention
    only the class token may count.
    """
    on_the_way: _Found | None = None
    for one in reversed(found) if answer.requires_grad else ():
        slope = torch.autograd.grad(answer, one.result, retain_graph=True, allow_unused=True)[0]
        if slope is None:
            continue
        if bool((one.where.of(slope) != 0).any()):
            return one
        on_the_way = on_the_way or one
    return on_the_way
