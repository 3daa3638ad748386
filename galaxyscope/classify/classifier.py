"""`Classifier`: a loaded network or ensemble with its card, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.activations import PROBABILITIES
from galaxyscope.classify.card import ModelError
from galaxyscope.classify.memory import making_do, out_of_memory
from galaxyscope.sky.frame import Affine

if TYPE_CHECKING:
    import torch

    from galaxyscope.classify.card import ModelCard
    from galaxyscope.classify.modes import Mode, Modes, Run, Work
    from galaxyscope.sky.image import SkyImage

# Pictures of 128×128 px that go through the network at a time.
_FORWARD_BATCH = {"cpu": 16}
_FORWARD_BATCH_ELSEWHERE = 256
_TURNS = 8
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """A cutout in the network's frame.

    Parameters
    ----------
    pixels : ndarray, shape (3, size, size), float32
        Stretched red, green, blue in [0, 1], first row at the top of the sky picture.
    to_cutout : Affine
        Network-input pixel → cutout pixel.
    notes : tuple of str
        Sentences about why the network was not made for such a cutout.
    """

    pixels: NDArray[np.float32]
    to_cutout: Affine
    notes: tuple[str, ...] = ()

    @property
    def field_px(self) -> float:
        """Side of the field that is seen, in cutout pixels."""
        return self.to_cutout.pixel_size * self.pixels.shape[-1]


@dataclass(frozen=True)
class Prediction:
    """What a network says of one cutout.

    Parameters
    ----------
    probabilities : mapping of class name to float
        As named on the card (vote fractions for Galaxy Zoo networks); of an ensemble the mean
        of what its members say.
    logits : mapping of class name to float
        Of an ensemble the mean of its members' logits.
    model, model_sha256 : str
    spread : mapping of class name to float
        Standard deviation of the probability over the members (of the sample, n − 1); empty
        for a single network.
    members : mapping of member name to (mapping of class name to float)
        Probabilities by each member of an ensemble; empty for a single network.
    notes : tuple of str
        Sentences about what was odd in the making.
    ran : mapping
        How the network ran, see `galaxyscope.classify.circumstances`.
    """

    probabilities: Mapping[str, float]
    logits: Mapping[str, float]
    model: str
    model_sha256: str
    spread: Mapping[str, float] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ran: Mapping[str, Any] = field(default_factory=dict)


class Classifier:
    """A network replica on one device; one user at a time (explainers hook it).

    Parameters
    ----------
    card : ModelCard
    network : torch.nn.Module
        Maps ``(n, 3, size, size)`` in [0, 1] to logits ``(n, classes)``; its normalisation
        is its own first step. It is put into evaluation mode with frozen weights.
    device : torch.device
    members : sequence of Classifier, optional
        Of an ensemble; `network` is then the mean of their logits.
    precision : {"fp32", "auto"}
        What calibrated modes may be used (see `galaxyscope.classify.calibrate`).

    Attributes
    ----------
    modes : mapping
        Calibrated ways to run the network; empty: the plain one.
    batch_limit : int or None
        Pictures at a time that fit into memory, as far as that is known.
    notices : tuple of str
        Sentences for the user about what this replica had to do.
    used : set of str
        Number formats other than float32 in which it ran; whoever wants to know empties it.
    random : bool or None
        Whether the same picture gets another answer each time; None until :meth:`try_out`.
    """

    def __init__(
        self,
        card: ModelCard,
        network: torch.nn.Module,
        device: torch.device,
        members: Sequence[Classifier] = (),
        precision: str = "fp32",
    ) -> None:
        self.card, self.precision = card, precision
        self.notices: tuple[str, ...] = ()
        self.device = self._placed(network, device)
        self.network = network
        self.network.eval()  # an overridden `train`, which this calls, may return nothing
        self.network.requires_grad_(False)
        self.modes: Modes = {}
        self.batch_limit: int | None = None
        self.used: set[str] = set()
        self.random: bool | None = None
        self._members = tuple(members)
        self._runs: dict[Mode, Run] = {}
        self._run: Run | None = None

    def _placed(self, network: torch.nn.Module, device: torch.device) -> torch.device:
        """Bring a network to a device, or to the CPU where its weights are too much for that."""
        import torch

        try:
            network.to(device)
            return device
        except (RuntimeError, MemoryError) as error:
            if device.type == "cpu" or not out_of_memory(error):
                raise
        self.notice(f"The memory of {device} ran out: the network runs on the CPU, slowly.")
        network.to("cpu")
        return torch.device("cpu")

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The networks that answer: those of an ensemble, else this one."""
        return self._members or (self,)

    def class_index(self, target: str) -> int:
        """Index of a class name, or of a target of the card such as ``"bar"``.

        Raises
        ------
        KeyError
            With the possible names, if there is no such class.
        """
        return self.card.classes.index(self.card.class_of(target))

    def prepare(self, image: SkyImage) -> NetworkInput:
        """Bring a cutout into the network's frame (see `galaxyscope.classify.preprocess`)."""
        from galaxyscope.classify.preprocess import prepare

        return prepare(image, self.card)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a batch, shape (n, classes), differentiable with respect to `x`.

        Raises
        ------
        ModelError
            If the network answers with anything else.
        """
        import torch

        if self._members:
            found = [member.logits(x).to(x.device) for member in self._members]
            return torch.stack(found).mean(dim=0)
        run = self._run or self.network
        answer = run(x.to(self.device, copy=True))  # it may work on it in place
        classes = len(self.card.classes)
        if not isinstance(answer, torch.Tensor):
            raise ModelError(self.card.name, f"it answers with a {type(answer).__name__}")
        if answer.shape == (len(x),) and classes == 1:
            return answer[:, None]
        if answer.shape != (len(x), classes):
            raise ModelError(
                self.card.name,
                f"it answers {len(x)} pictures with the shape {tuple(answer.shape)}, not "
                f"{(len(x), classes)}",
            )
        return answer

    # -- how it runs

    def mode(self, work: Work) -> Mode | None:
        """How it runs inside :meth:`quick`; None: as it is."""
        return self.modes.get((work, self.precision))

    @contextmanager
    def quick(self, work: Work) -> Iterator[None]:
        """Run the network in its calibrated mode inside; nothing changes where there is none.

        Not for methods that look into the network: a folded copy has other layers. Of an ensemble
        each member runs in its own.
        """
        if self._members:
            with ExitStack() as modes:
                for member in self._members:
                    modes.enter_context(member.quick(work))
                    self.used |= member.used
                yield
            return
        mode = self.mode(work)
        if mode is None:
            yield
            return
        if mode not in self._runs:
            import torch

            from galaxyscope.classify.modes import runner

            with torch.inference_mode(False):  # copied weights shall serve the way back too
                self._runs[mode] = runner(self.network, mode)
        if mode.precision != "fp32":
            self.used.add(mode.precision)
        before, self._run = self._run, self._runs[mode]
        try:
            yield
        finally:
            self._run = before

    def calibrated(self, modes: Modes) -> None:
        """Use these modes from now on."""
        self.modes, self._runs = modes, {}

    def move(self, device: torch.device | str) -> None:
        """Bring the network, of an ensemble all members, to another device."""
        import torch

        self.device = torch.device(device)
        self.network.to(self.device)
        self.calibrated({})  # what was measured holds for the old device
        for member in self._members:
            member.move(device)

    def notice(self, sentence: str) -> None:
        """Keep a sentence for the user."""
        if sentence not in self.notices:
            self.notices = (*self.notices, sentence)

    def try_out(self, x: torch.Tensor) -> None:
        """Find out whether the answer to a picture is its own; the second time nothing is done.

        Random networks become known as such. Those that answer otherwise when other pictures are
        beside one (by the statistics of the batch) get one at a time from then on, with a notice.

        Parameters
        ----------
        x : Tensor, shape (1, 3, size, size)
        """
        if self.random is not None:
            return
        import torch

        with torch.no_grad():
            alone, again = self.logits(x), self.logits(x)
            self.random = bool(torch.isfinite(alone).all()) and not alike(alone, again)
            if self.random or self.batch_limit == 1:
                return
            if not self._same_beside_another(x, alone):
                self.batch_limit = 1
                self.notice(
                    "The network answers a picture otherwise when another is beside it: it gets "
                    "one picture at a time."
                )

    def _same_beside_another(self, x: torch.Tensor, alone: torch.Tensor) -> bool:
        import torch

        other = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
        try:
            beside = self.logits(torch.cat([x, other]))
        except Exception as error:  # the network is anybody's, and may raise anything
            if out_of_memory(error):
                raise
            return False
        unclear = not bool(torch.isfinite(alone).all())
        return len(beside) == 2 and (unclear or alike(alone, beside[:1]))

    # -- what it says

    def predict(self, net_input: NetworkInput) -> Prediction:
        """Answer for one cutout: see :meth:`predict_many`."""
        return next(self.predict_many([net_input]))

    def predict_many(self, net_inputs: Iterable[NetworkInput]) -> Iterator[Prediction]:
        """Answers for cutouts, several at a time: the mean over eight turned copies of each.

        A galaxy has no preferred direction, so the average over the mirrored and
        quarter-turned copies is the better answer; these eight need no resampling. Where memory
        runs out the batch becomes smaller, then the CPU takes over (see `notices`).

        Raises
        ------
        ModelError
            If an answer is not finite, or memory is not enough for a single picture.
        """
        left = iter(net_inputs)
        while some := list(islice(left, self.at_once)):
            pixels = np.stack([one.pixels for one in some])
            told = [member._turned_logits(pixels) for member in self.members]
            for one, *each in zip(some, *told, strict=True):
                yield self._joined(each, one.notes)

    @property
    def at_once(self) -> int:
        """Cutouts that :meth:`predict_many` answers together, each turned eight ways."""
        return max(1, max(member.batch for member in self.members) // _TURNS)

    @property
    def batch(self) -> int:
        """Pictures that go through the network at a time when it only answers."""
        mode = self.mode("forward")
        usual = _FORWARD_BATCH.get(self.device.type, _FORWARD_BATCH_ELSEWHERE)
        size = self.card.input_size
        best = mode.batch if mode else max(1, usual * 128**2 // size**2)
        return min(best, self.batch_limit or best)

    def _turned_logits(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean logits over the copies, shape (n, classes), of pictures (n, 3, size, size)."""
        import torch

        def work() -> NDArray[np.float64]:
            x = torch.from_numpy(pixels).to(self.device)
            turned = [torch.rot90(x, k, (2, 3)) for k in range(4)]
            copies = torch.cat(turned + [one.flip(3) for one in turned])
            # Not in inference mode: what the network may keep must serve gradients later.
            with torch.no_grad(), self.quick("forward"):
                parts = [copies[i : i + self.batch] for i in range(0, len(copies), self.batch)]
                found = [self.logits(part).cpu().double() for part in parts]  # MPS: no float64
            return torch.cat(found).reshape(_TURNS, len(pixels), -1).mean(dim=0).numpy()

        found = making_do(self, lambda: min(self.batch, _TURNS * len(pixels)), work)
        if not np.isfinite(found).all():
            raise ModelError(self.card.name, "its answers are not finite")
        return found

    def _joined(self, logits: Sequence[NDArray[np.float64]], notes: tuple[str, ...]) -> Prediction:
        """One prediction from the logits of each member."""
        from galaxyscope.classify.circumstances import how_it_runs

        final = PROBABILITIES[self.card.activation]
        each = np.array([final(one) for one in logits])
        many, names = len(each) > 1, self.card.classes

        def by_class(values: NDArray[np.float64]) -> dict[str, float]:
            return dict(zip(names, values.tolist(), strict=True))

        made_do = [note for one in (self, *self.members) for note in one.notices]
        return Prediction(
            probabilities=by_class(each.mean(axis=0)),
            logits=by_class(np.mean(logits, axis=0)),
            model=self.card.name,
            model_sha256=self.card.sha256,
            spread=by_class(each.std(axis=0, ddof=1)) if many else {},
            members={
                member.card.name: by_class(values)
                for member, values in zip(self.members, each, strict=True)
                if many
            },
            notes=tuple(dict.fromkeys([*notes, *made_do])),
            ran=how_it_runs(self),
        )


def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two sets of logits are the same, as far as rounding allows."""
    size = max(float(one.abs().max()), float(other.abs().max())) + _TOLERANCE
    return bool((one - other).abs().max() <= _TOLERANCE * size)
