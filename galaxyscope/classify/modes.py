"""`Mode`: one way to run a network: number format, memory layout, folded layers, batch size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from galaxyscope.classify.depthwise import BackInFloat32

Work = Literal["forward", "backward"]
"""Answers alone, or the way back to the picture too."""

WORKS: tuple[Work, ...] = ("forward", "backward")
PRECISIONS = ("fp32", "auto")
"""What a user may ask for: full precision, or whatever is fastest and agrees with it."""


@dataclass(frozen=True)
class Mode:
    """How a network is run for one kind of work, and what that was measured to bring.

    Parameters
    ----------
    precision : {"fp32", "bf16"}
        ``"bf16"``: autocast, where weights and pictures stay float32.
    channels_last : bool
        Colours of a pixel lie side by side in memory.
    folded : bool
        Batch norms are multiplied into the convolutions before them.
    batch : int
        Pictures at a time.
    gain : float
        Throughput over that of the plain network in fp32 at its usual batch.
    error : float
        By how much it differs from the plain network in fp32: largest difference of a
        probability (forward), largest relative error of a gradient map (backward).
    """

    precision: str = "fp32"
    channels_last: bool = False
    folded: bool = False
    batch: int = 4
    gain: float = 1.0
    error: float = 0.0

    def __post_init__(self) -> None:
        right = (
            self.precision in {"fp32", "bf16"}
            and isinstance(self.channels_last, bool)
            and isinstance(self.folded, bool)
            and isinstance(self.batch, int)
            and 1 <= self.batch <= 4096
            and isinstance(self.gain, int | float)
            and isinstance(self.error, int | float)
        )
        if not right:
            raise ValueError("not a mode")


Modes = Mapping[tuple[Work, str], Mode]
"""The best mode for each kind of work and each of `PRECISIONS`."""

Run = Callable[[Tensor], Tensor]


class Scaled(nn.Module):
    """A batch norm in evaluation as the product and sum that it is, which is faster on a CPU."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = torch.rsqrt(norm.running_var + norm.eps)
        shift = -norm.running_mean * scale
        if norm.affine:
            scale, shift = scale * norm.weight, shift * norm.weight + norm.bias
        self.register_buffer("scale", scale.detach()[:, None, None])
        self.register_buffer("shift", shift.detach()[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """As by the batch norm, in the number format of `x`."""
        return torch.addcmul(self.shift.to(x.dtype), x, self.scale.to(x.dtype))


def folded(network: nn.Module) -> nn.Module | None:
    """Return a copy with batch norms folded into the convolutions before them.

    The others become a product and a sum (`Scaled`).

    Returns
    -------
    torch.nn.Module or None
        None where there is nothing to fold, or the network cannot be traced.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return None
    try:
        traced = fx.symbolic_trace(deepcopy(network))
    except Exception:  # tracing runs the code of any network, which may fail in any way
        return None
    modules, found = dict(traced.named_modules()), 0
    uses = Counter(str(node.target) for node in traced.graph.nodes if node.op == "call_module")
    read = {str(n.target).rpartition(".")[0] for n in traced.graph.nodes if n.op == "get_attr"}
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        conv, norm = modules[str(before.target)], modules[str(node.target)]
        both = isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        names = str(before.target), str(node.target)
        if not both or any(uses[name] > 1 or name in read for name in names):
            continue
        traced.set_submodule(names[0], fuse_conv_bn_eval(conv, norm))
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
        found += 1
    for name, norm in list(traced.named_modules()):
        if name not in read and isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
            traced.set_submodule(name, Scaled(norm))
            found += 1
    if not found:
        return None
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval().requires_grad_(False)


def runner(network: nn.Module, mode: Mode) -> Run:
    """Make a function that runs a network in a mode: (n, 3, size, size) → float32 logits.

    The network itself stays as it is; other layouts and folded layers get a copy.

    Raises
    ------
    ValueError
        If the mode needs a folded network and this one cannot be folded.
    """
    if mode.folded:
        found = folded(network)
        if found is None:
            raise ValueError("this network cannot be folded")
        network = found
    elif mode.channels_last:
        network = deepcopy(network)
    if mode.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(x: Tensor) -> Tensor:
        if mode.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        with ExitStack() as inside:
            if mode.precision == "bf16":
                inside.enter_context(torch.autocast(x.device.type, torch.bfloat16))
                inside.enter_context(BackInFloat32())
            logits: Tensor = network(x)
        return logits.float()

    return run
