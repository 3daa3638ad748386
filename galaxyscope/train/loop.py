"""The training loop: recipe in, network out; an interrupted run goes on where it was."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galaxyscope.classify.architectures import build
from galaxyscope.classify.store import choose_device
from galaxyscope.train import state
from galaxyscope.train.augment import changed, plain
from galaxyscope.train.data import Pictures, read_pictures
from galaxyscope.train.optimizer import optimizers
from galaxyscope.train.recipe import Recipe, Stage
from galaxyscope.train.table import DataError, left_out
from galaxyscope.train.targets import answers, loss, watched
from galaxyscope.train.teacher import taught
from galaxyscope.work.watch import Watch

Say = Callable[[str], None]
FIGURE = {
    "fractions": "val_rmse",
    "classes": "val_error",
    "number": "val_rmse",
    "length": "val_rmse",
}
WARM_UP_STEPS = 200


@contextmanager
def _repeatable() -> Iterator[None]:
    """Have cuDNN take the kernels that give the same bits again."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


@_repeatable()
def train(
    recipe: Recipe,
    folder: Path,
    say: Say = print,
    *,
    epochs: int | None = None,
    compiled: bool = False,
    device: str = "cpu",
    watch: Watch | None = None,
) -> nn.Module:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
        Working folder, see `galaxyscope.train.state`: a run that finds one goes on from there.
    say : callable
        Gets one line per epoch.
    epochs : int, optional
        Stop when so many are done; the schedule of the rate stays that of the whole recipe,
        so that a later call goes on as if there had been no stop.
    compiled : bool
        Use torch.compile for the forward and backward pass (same mathematics, less time).
    device : {"cpu", "auto", "cuda", "mps"}
    watch : Watch, optional
        Told about every step; may stop the run.

    Returns
    -------
    torch.nn.Module
        The averaged (EMA) network in evaluation mode, on the CPU: of the last epoch; under the
        plateau schedule of the one that was best on the validation pictures.

    Raises
    ------
    DataError
        If the data, the folder or the teacher cannot be used, or the training diverges.
    """
    where, watch = choose_device(device), watch or Watch()
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture, len(recipe.outputs), recipe.parameters)
    network = network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = build(recipe.architecture, len(recipe.outputs), recipe.parameters).to(where)
    networks = {"network": network, "average": average}
    if recipe.schedule == "plateau":
        networks["best"] = copy.deepcopy(average)
    result = networks.get("best", average)
    steppers = optimizers(network, recipe)
    rates = [[group["lr"] for group in stepper.param_groups] for stepper in steppers]
    labels = state.labels_hash(recipe)
    history = state.resume(folder, networks, steppers, recipe, labels)
    if not history:
        _begin(network, recipe)
        average.load_state_dict(network.state_dict())
    last = min(recipe.epochs, epochs or recipe.epochs)
    if len(history) >= last or plateau(history, recipe)[1]:
        return result.cpu().eval()
    sources = _read(recipe, folder)
    validation = read_pictures(recipe, "val")
    counts = " + ".join(str(len(source.names)) for source in sources)
    say(f"{counts} pictures to train on, {len(validation.names)} to validate")
    for line in left_out(recipe):
        say(line)
    forward = torch.compile(network, dynamic=False) if compiled else network
    columns = torch.tensor([recipe.weights.get(c, 1.0) for c in recipe.outputs], device=where)
    steps = -(-len(sources[0].names) // recipe.batch)
    for epoch in range(len(history), last):
        level, stopped = plateau(history, recipe)
        if stopped:
            say("no progress any more: stopped")
            break
        began = time.monotonic()
        stage = _stage(recipe, epoch)
        shown = sources[: stage.sources or None]
        # What an epoch draws depends on its number alone, whenever the run was begun anew.
        seed = recipe.seed * 100_003 + epoch
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        draws = _draws(shown, recipe, steps, generator)
        network.train()
        loss_sum = 0.0
        for step, picked in enumerate(zip(*draws, strict=True)):
            watch.report(epoch * steps + step, last * steps)
            now = epoch * steps + step
            share = level
            if recipe.schedule == "cooldown":
                share = _rate(now, steps * recipe.epochs, recipe.cooldown)
            for stepper, full in zip(steppers, rates, strict=True):
                for group, rate in zip(stepper.param_groups, full, strict=True):
                    group["lr"] = rate * share
            x, wanted, rows = _batch(shown, picked, stage.input_size, recipe, generator)
            x = x.to(where, memory_format=torch.channels_last)
            with _precision(where, recipe):
                logits = forward(x)
            wrong = loss(logits.float(), wanted.to(where), rows.to(where), columns, recipe)
            network.zero_grad(set_to_none=True)
            wrong.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            for stepper in steppers:
                stepper.step()
            _follow(average, network, min(recipe.ema, (1 + now) / (10 + now)))
            loss_sum += wrong.item()
        if not math.isfinite(loss_sum):
            raise DataError(f"{recipe.name}: the loss is not finite any more, try a lower rate")
        predicted = predict(average, validation, stage.input_size, recipe)
        history.append(
            {
                "epoch": epoch + 1,
                "input_size": stage.input_size,
                "train_loss": round(loss_sum / steps, 5),
                FIGURE[recipe.target]: round(watched(predicted, validation.values, recipe), 5),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        if "best" in networks and _is_best(history, recipe):
            networks["best"].load_state_dict(average.state_dict())
        state.save(folder, networks, steppers, history, recipe, labels)
        say(_line(history, last))
    return result.cpu().eval()


def _line(history: state.History, last: int) -> str:
    """Say how an epoch went."""
    line = history[-1]
    said = [f"{name} {line[name]}" for name in line if name not in ("epoch", "seconds")]
    left = (last - line["epoch"]) * line["seconds"] / 60
    said += [f"{line['seconds']:.0f} s", f"about {left:.0f} min left"]
    return f"epoch {line['epoch']}/{last} · " + " · ".join(said)


def _precision(device: torch.device, recipe: Recipe) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16")


def _begin(network: nn.Module, recipe: Recipe) -> None:
    """Give a network the weights that the recipe begins with."""
    if not recipe.start:
        return
    from galaxyscope.classify.store import load_model

    own = network.state_dict()
    known = load_model(recipe.start, "cpu").network.state_dict()
    fitting = {k: v for k, v in known.items() if k in own and v.shape == own[k].shape}
    if not fitting:
        raise DataError(f"the model {recipe.start} has no layer like those of {recipe.name}")
    network.load_state_dict({**own, **fitting})


def _read(recipe: Recipe, folder: Path) -> list[Pictures]:
    """Training pictures of all sources."""
    found = []
    for source in recipe.sources:
        pictures = read_pictures(recipe, "train", source, folder=folder)
        if source.taught:
            from galaxyscope.classify.store import load_model

            teacher = load_model(recipe.teacher, "cpu")
            pictures = taught(pictures, source, recipe, teacher, folder)
        found.append(pictures)
    return found


def _stage(recipe: Recipe, epoch: int) -> Stage:
    for stage in recipe.stages:
        if epoch < stage.epochs:
            return stage
        epoch -= stage.epochs
    raise IndexError(epoch)


def _draws(
    sources: list[Pictures], recipe: Recipe, steps: int, generator: torch.Generator
) -> list[NDArray[np.int64]]:
    """Draw indices into each source, shape (steps, its part of the batch).

    Every batch has the same size, so that a compiled network is compiled once a stage.
    """
    shares = [source.share for source in recipe.sources[: len(sources)]]
    edges = np.round(np.cumsum([0, *shares]) / sum(shares) * recipe.batch).astype(int)
    draws = []
    for pictures, count in zip(sources, np.diff(edges), strict=True):
        needed, orders = steps * int(count), []
        while sum(map(len, orders)) < needed:
            orders.append(torch.randperm(len(pictures.names), generator=generator).numpy())
        order = np.concatenate([*orders, np.empty(0, np.int64)])
        draws.append(order[:needed].reshape(steps, int(count)))
    return draws


def _batch(
    sources: list[Pictures],
    picked: tuple[NDArray[np.int64], ...],
    size: int,
    recipe: Recipe,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Give changed pictures, the values wanted, and the weights of the rows."""
    blocks, wanted, rows = [], [], []
    for pictures, index in zip(sources, picked, strict=True):
        if not len(index):
            continue
        stored = torch.from_numpy(pictures.pixels[index])
        x, zooms = changed(stored, size, pictures.field, recipe.augmentation, generator)
        blocks.append(x)
        values = torch.from_numpy(pictures.values[index])
        weights = torch.from_numpy(pictures.weights[index])
        if recipe.target == "length":
            values = values - zooms.log()[:, None]
            # Of what goes beyond the field nobody can say how long it is.
            weights = weights * (values[:, 0] < 0)
        wanted.append(values)
        rows.append(weights)
    return torch.cat(blocks), torch.cat(wanted), torch.cat(rows)


def predict(
    network: nn.Module, pictures: Pictures, size: int, recipe: Recipe, batch: int = 64
) -> NDArray[np.float32]:
    """Answers for the central field of every picture, shape (n, outputs)."""
    network.eval()
    where = next(network.parameters()).device
    found = []
    with torch.inference_mode(), _precision(where, recipe):
        for start in range(0, len(pictures.names), batch):
            stored = torch.from_numpy(pictures.pixels[start : start + batch])
            x = plain(stored, size, pictures.field).to(where, memory_format=torch.channels_last)
            found.append(answers(network(x).float(), recipe.target).cpu().numpy())
    return np.concatenate(found)


def _rate(step: int, total: int, cooldown: float) -> float:
    """Share of the full learning rate: warm-up, constant, linear fall to zero."""
    left = (total - step) / max(1.0, cooldown * total)
    return min(1.0, (step + 1) / WARM_UP_STEPS, max(left, 0.0))


def plateau(history: state.History, recipe: Recipe) -> tuple[float, bool]:
    """Share of the full rate under the plateau schedule, and whether to stop.

    As Keras' ``ReduceLROnPlateau`` and ``EarlyStopping`` together, with twice the patience
    for the second (Bhambra et al. 2022).
    """
    if recipe.schedule != "plateau":
        return 1.0, False
    share, best, since = 1.0, math.inf, 0
    for line in history:
        value = float(line[FIGURE[recipe.target]])
        since = 0 if value < best else since + 1
        best = min(best, value)
        if since and since % recipe.patience == 0:
            share /= 2
    return share, since >= 2 * recipe.patience


def _is_best(history: state.History, recipe: Recipe) -> bool:
    """Whether the last epoch is better than all before it."""
    *before, last = (float(line[FIGURE[recipe.target]]) for line in history)
    return last < min(before, default=math.inf)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    theirs = network.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], 1 - decay)
        else:
            mine.copy_(theirs[name])
