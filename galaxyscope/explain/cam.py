"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391) with captum's LayerGradCam.

The map of the last feature map is brought onto the input grid with the geometry of the layers
in between: a 3×3 convolution of stride 2 looks at pixels 0, 2, 4 …, a 2×2 pooling at 0.5, 2.5,
4.5 …; after five such layers the difference is half a cell, 16 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.engine import make_attribution, steady, tensor
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.sky.frame import Affine
from galaxyscope.work.watch import Watch

Shape = tuple[int, int]


def explain(
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Grad-CAM of the last feature map, negative parts cut; see :meth:`Explainer.explain`."""
    index = classifier.class_index(target)
    x = tensor(classifier, net_input)
    watch.report(0, 1)
    from captum.attr import LayerGradCam  # slow to import

    with steady(classifier.network):
        layer, to_input = feature_layer(classifier, x)
        watch.check()
        coarse = LayerGradCam(classifier.logits, layer).attribute(
            x, target=index, relu_attributions=True
        )
    values = upsampled(coarse.detach()[0, 0].cpu().numpy(), to_input, (x.shape[-2], x.shape[-1]))
    result = make_attribution(
        classifier, net_input, index, card, settings, torch.from_numpy(values), signed=False
    )
    watch.report(1, 1, result)
    return result


def feature_layer(classifier: Classifier, x: torch.Tensor) -> tuple[torch.nn.Module, Affine]:
    """Find the last feature map by a trial run, and where its cells lie on the input.

    Parameters
    ----------
    classifier : Classifier
        ``card.cam_layer`` (name of a submodule) decides the layer where it is not empty.
    x : Tensor, shape (1, 3, rows, columns)

    Returns
    -------
    layer : Module
        The last one to give a map with more than one cell, before the pooling.
    to_input : Affine
        Cell → network-input pixel.

    Raises
    ------
    ValueError
        If the network has no feature map, or not the layer that its card names.
    """
    network = classifier.network
    named, modules = classifier.card.cam_layer, dict(network.named_modules())
    if named and named not in modules:
        raise ValueError(f"{classifier.card.name} has no layer {named!r}, which its card names")
    wanted = modules[named] if named else None
    grids: dict[Shape, Affine] = {(x.shape[-2], x.shape[-1]): Affine()}
    found: list[tuple[torch.nn.Module, Shape]] = []

    def look(module: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not (
            isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1
        ):
            return
        shape = (output.shape[-2], output.shape[-1])
        if inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim == 4:
            before = (inputs[0].shape[-2], inputs[0].shape[-1])
            if shape not in grids and before in grids:
                grids[shape] = grids[before] @ _step(module, before, shape)
        if module is wanted or (wanted is None and not any(module.children())):
            found.append((module, shape))

    hooks = [module.register_forward_hook(look) for module in network.modules()]
    try:
        with torch.no_grad():
            classifier.logits(x)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError(f"{classifier.card.name} has no feature map that Grad-CAM could show")
    layer, shape = found[-1]
    return layer, grids.get(shape, Affine.resize((x.shape[-2], x.shape[-1]), shape))


def _step(module: torch.nn.Module, before: Shape, after: Shape) -> Affine:
    """Where the cells after a layer lie on the grid before it.

    From stride, kernel, padding and dilation where the layer states them; else both grids
    are taken to cover the same area.
    """
    covering = Affine.resize(before, after)
    if not isinstance(module, torch.nn.Conv2d | torch.nn.MaxPool2d | torch.nn.AvgPool2d):
        return covering
    if isinstance(module.padding, str):
        return covering
    scale, first = zip(*(_axis(module, axis) for axis in (0, 1)), strict=True)
    return Affine(a=scale[1], c=first[1], e=scale[0], f=first[0])


def _axis(module: torch.nn.Module, axis: int) -> tuple[float, float]:
    def number(name: str) -> float:
        value: Any = getattr(module, name, 1)
        return float(value[axis] if isinstance(value, tuple) else value)

    centre = number("dilation") * (number("kernel_size") - 1) / 2
    return number("stride"), centre - number("padding")


def upsampled(coarse: NDArray[np.float32], to_input: Affine, shape: Shape) -> NDArray[np.float32]:
    """Bilinear interpolation of cells onto the input grid; constant beyond the outer centres.

    Parameters
    ----------
    coarse : ndarray, shape (h, w)
    to_input : Affine
        Cell → input pixel, without rotation.
    shape : (rows, columns)

    Returns
    -------
    ndarray, shape `shape`, float32
    """
    rows, columns = shape
    to_cell = to_input.inverse
    x = to_cell.a * np.arange(columns) + to_cell.c
    y = to_cell.e * np.arange(rows) + to_cell.f
    across = np.stack([np.interp(x, np.arange(coarse.shape[1]), row) for row in coarse])
    down = [np.interp(y, np.arange(coarse.shape[0]), column) for column in across.T]
    return np.stack(down, axis=1).astype(np.float32)
