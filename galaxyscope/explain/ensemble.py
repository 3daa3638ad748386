"""Explaining an ensemble: the mean of its members' maps, and how far these agree.

One rule for all methods but those that search (`MethodCard.whole`), which ask it as one network:
each member is explained by itself, and the maps are averaged as they are. An ensemble's logit is
the mean of its members' logits, so for everything linear in the network, such as signed
gradients, this is exactly the explanation of the ensemble; for the rest it is the "average map" of
Bhambra, Joachimi & Lahav 2022 (MNRAS 511, 5032).

The ``samples`` asked for are shared out, so that the cost stays that of one network; each
member draws its own noise. Block b of the result is the mean over the members of their block b:
an estimate of the whole map, so the blocks tell the error from the finite number of samples.
How far the networks differ is another matter; ``Attribution.members`` tells that.

A member that the method does not fit is left out, which the map says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import Classifier, NetworkInput
from galaxyscope.explain.postflight import oddities
from galaxyscope.explain.preflight import Fit
from galaxyscope.explain.protocol import Attribution, MethodCard
from galaxyscope.explain.target import score_of
from galaxyscope.work.watch import Watch

One = Callable[[Classifier, Mapping[str, Any], Watch], Attribution]
"""Explains one network with some settings."""


def explain(
    one: One,
    fits: Mapping[str, Fit],
    classifier: Classifier,
    net_input: NetworkInput,
    target: str,
    card: MethodCard,
    settings: Mapping[str, Any],
    watch: Watch,
) -> Attribution:
    """Explain every member that the method fits, and average.

    Parameters
    ----------
    one : callable
        Explains one network.
    fits : mapping of member name to Fit
        Not all refused.
    classifier, net_input, target, card, settings, watch
        As in :meth:`Explainer.explain`. Reports count over all members.

    Returns
    -------
    Attribution
    """
    fitting = [m for m in classifier.members if fits[m.card.name].verdict != "refused"]
    each = shares(settings, len(fitting))
    made: list[Attribution] = []
    steps = 1

    def joined(maps: Sequence[Attribution]) -> Attribution:
        model, name = classifier.card, score_of(classifier, target).text
        return _joined(maps, settings, model.name, model.sha256, name)

    for member, share in zip(fitting, each, strict=True):

        def report(done: int, total: int, partial: object | None) -> None:
            nonlocal steps
            steps = total
            last = len(made) + 1 == len(fitting)
            if last and done == total:
                return  # the whole map follows
            watch.report(
                total * len(made) + done,
                total * len(fitting),
                joined([*made, partial]) if isinstance(partial, Attribution) else None,
            )

        made.append(one(member, share, watch.part(report if watch.heard else None)))
    result = joined(made)
    names = {m.card.name: m.card.name.rpartition("/")[2] for m in classifier.members}
    notes = _notes({names[part.model]: part.notes for part in made})
    left_out = [names[n] for n, fit in fits.items() if fit.verdict == "refused"]
    # What a member's map was made with beyond the settings: its number format.
    made_with = {
        key: value for part in made for key, value in part.parameters.items() if key not in settings
    }
    if reached := [p for part in made if (p := part.parameters.get("agreement_reached"))]:
        made_with["agreement_reached"] = min(reached)
    odd = oddities(result.values, result.target)
    result = dataclasses.replace(
        result,
        notes=tuple(dict.fromkeys((*notes, *odd))),
        parameters={**made_with, **settings, **({"left_out": left_out} if left_out else {})},
        members={names[part.model]: part.values for part in made},
    )
    watch.report(steps * len(fitting), steps * len(fitting), result)
    return result


def shares(settings: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the settings of each member: its share of the samples (rounded up), and its own seed.

    The first member keeps the seed. The others' follow from it, so that a map can be made
    again and other seeds give other noise for every member.
    """
    found = []
    for number in range(count):
        own = dict(settings)
        if "samples" in own:
            own["samples"] = max(1, -(-int(own["samples"]) // count))
        if "seed" in own and number:
            drawn = np.random.SeedSequence((int(own["seed"]), number)).generate_state(1)[0]
            own["seed"] = int(drawn) & (2**31 - 1)
        found.append(own)
    return found


def _joined(
    maps: Sequence[Attribution], settings: Mapping[str, Any], model: str, sha256: str, target: str
) -> Attribution:
    blocks = [part.blocks for part in maps if part.blocks is not None]
    alike = len(blocks) == len(maps) and len({len(one) for one in blocks}) == 1
    done = [part.samples_done for part in maps]
    errors = [part.completeness_error for part in maps if part.completeness_error is not None]
    parts = [part.segments for part in maps]
    shared = parts[0] is not None and all(np.array_equal(parts[0], one) for one in parts[1:])
    return dataclasses.replace(
        maps[-1],
        segments=parts[0] if shared else None,
        values=_mean([part.values for part in maps]),
        signed=any(part.signed for part in maps),
        target=target,
        parameters=dict(settings),
        model=model,
        model_sha256=sha256,
        samples_done=sum(done) if "samples" in settings else max(done),
        blocks=_mean(blocks) if alike else None,
        completeness_error=max(errors) if errors else None,
    )


def _mean(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean(maps, axis=0, dtype=np.float64), np.float32)


def _notes(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Join notes: what all members say once, the rest with the name of who says it."""
    common = [n for n in next(iter(notes.values())) if all(n in other for other in notes.values())]
    own = [f"{name}: {n}" for name, some in notes.items() for n in some if n not in common]
    return [*common, *own]
