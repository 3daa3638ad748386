"""The training loop: recipe in, model folder out; an interrupted run goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from galaxyscope.classify.architectures import build
from galaxyscope.train.augment import changed, plain
from galaxyscope.train.data import Pictures, read_pictures
from galaxyscope.train.evaluate import correlation
from galaxyscope.train.recipe import Recipe

Say = Callable[[str], None]
WARM_UP_STEPS = 200


def train(recipe: Recipe, folder: Path, say: Say = print, *, compiled: bool = False) -> nn.Module:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
        Working folder: ``state.safetensors`` and ``progress.json`` after every epoch (a run
        that finds them goes on from there), ``history.csv`` with the learning curve.
    say : callable
        Gets one line per epoch.
    compiled : bool
        Use torch.compile for the forward and backward pass (same mathematics, less time).

    Returns
    -------
    torch.nn.Module
        The averaged (EMA) network in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture, len(recipe.outputs), recipe.parameters)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = build(recipe.architecture, len(recipe.outputs), recipe.parameters)
    optimizer = torch.optim.AdamW(_groups(network, recipe.decay), lr=recipe.rate)
    training, validation = read_pictures(recipe, "train"), read_pictures(recipe, "val")
    say(f"{len(training.names)} pictures to train on, {len(validation.names)} to validate")
    done = _resume(folder, network, average, optimizer)
    if not done:
        average.load_state_dict(network.state_dict())
    forward = torch.compile(network) if compiled else network
    steps = -(-len(training.names) // recipe.batch)
    total = steps * recipe.epochs
    weights = torch.tensor([recipe.weights.get(c, 1.0) for c in recipe.outputs])
    for epoch in range(done, recipe.epochs):
        began = time.monotonic()
        generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
        order = torch.randperm(len(training.names), generator=generator).numpy()
        network.train()
        loss_sum = 0.0
        for step in range(steps):
            # Every batch has the same size, so that a compiled network is compiled once.
            picked = np.take(
                order, range(step * recipe.batch, (step + 1) * recipe.batch), mode="wrap"
            )
            now = epoch * steps + step
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _rate(now, total, recipe.cooldown)
            x = changed(
                torch.from_numpy(training.pixels[picked]),
                recipe.input_size,
                training.field,
                recipe.augmentation,
                generator,
            )
            loss = _loss(forward, x, training, picked, weights)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            _follow(average, network, min(recipe.ema, (1 + now) / (10 + now)))
            loss_sum += loss.item()
        predicted = predict(average, validation, recipe.input_size)
        line = {
            "epoch": epoch + 1,
            "train_loss": round(loss_sum / steps, 5),
            "val_rmse": round(float(np.sqrt(np.mean((predicted - validation.values) ** 2))), 5),
            "rho_bar": round(_rho_bar(predicted, validation, recipe), 4),
            "seconds": round(time.monotonic() - began, 1),
        }
        _save(folder, network, average, optimizer, epoch + 1, line, recipe)
        say(json.dumps(line))
    return average.eval()


def predict(network: nn.Module, pictures: Pictures, size: int, batch: int = 128) -> np.ndarray:
    """Fractions for the central field of every picture, shape (n, outputs)."""
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(pictures.names), batch):
            x = plain(
                torch.from_numpy(pictures.pixels[start : start + batch]), size, pictures.field
            )
            found.append(torch.sigmoid(network(x)).numpy())
    return np.concatenate(found)


def _loss(
    forward: nn.Module, x: Tensor, data: Pictures, picked: np.ndarray, columns: Tensor
) -> Tensor:
    wanted = torch.from_numpy(data.values[picked])
    rows = torch.from_numpy(data.weights[picked])[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        logits = forward(x.to(memory_format=torch.channels_last))
    error = (torch.sigmoid(logits.float()) - wanted) ** 2
    # The root of the weighted mean, as in the recipe of Bhambra et al. 2022 (RMSE loss).
    return torch.sqrt((error * columns * rows).sum() / (columns.sum() * rows.sum()))


def _rate(step: int, total: int, cooldown: float) -> float:
    """Share of the full learning rate: warm-up, constant, linear fall to zero."""
    left = (total - step) / max(1.0, cooldown * total)
    return min(1.0, (step + 1) / WARM_UP_STEPS, max(left, 0.0))


def _groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    theirs = network.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], 1 - decay)
        else:
            mine.copy_(theirs[name])


def _rho_bar(predicted: np.ndarray, pictures: Pictures, recipe: Recipe) -> float:
    if "Class3.1" not in recipe.outputs:
        return float("nan")
    column = recipe.outputs.index("Class3.1")
    return correlation(predicted[:, column], pictures.values[:, column])


def _save(
    folder: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    done: int,
    line: dict[str, float],
    recipe: Recipe,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    partial = folder / "state.part"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial)
    partial.replace(folder / "state.safetensors")
    text = json.dumps({"done": done, "recipe": asdict(recipe)}, default=str, indent=1)
    (folder / "progress.json").write_text(text, encoding="utf-8")
    history = folder / "history.csv"
    lines = history.read_text(encoding="utf-8").splitlines() if done > 1 else [",".join(line)]
    lines = [*lines[:done], ",".join(str(v) for v in line.values())]
    history.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _resume(
    folder: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> int:
    """Load the last epoch of an interrupted run; returns how many epochs are done."""
    if not (folder / "progress.json").exists():
        return 0
    tensors = load_file(folder / "state.safetensors")
    for part, module in (("network.", network), ("average.", average)):
        module.load_state_dict(
            {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
        )
    state = optimizer.state_dict()
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            state["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(state)
    return int(json.loads((folder / "progress.json").read_text(encoding="utf-8"))["done"])
