"""How a map of the comparison stands, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galaxyscope.gui.bridge import Task
from galaxyscope.gui.compare.work import Compared, Prospect, duration
from galaxyscope.gui.desk import one_line
from galaxyscope.work.jobs import JobState


@dataclass(frozen=True)
class Told:
    """A few words for the caption, more for its tooltip, and what is written on the picture."""

    state: str = ""
    tip: str = ""
    message: str = ""
    failed: bool = False


def told(
    found: Compared | None, task: Task | None, prospect: Prospect | None, failure: str = ""
) -> Told:
    """Say how one map stands.

    Parameters
    ----------
    found : Compared or None
        What came of it.
    task : Task or None
        That makes it now, or will.
    prospect : Prospect or None
        What is known of it before.
    failure : str
        Why the last try failed.
    """
    if found is not None and found.map is not None:
        notes = [one_line(note) for note in found.map.attribution.notes]
        odd = [note for note in notes if not note.startswith("Adapted")]
        words = [f"{found.seconds:.1f} s"]
        words += odd[:1] or (["adapted"] if found.prospect.verdict == "adapted" else [])
        return Told(" · ".join(words), "\n".join(notes))
    if prospect is not None and prospect.verdict == "refused":
        reason = one_line(prospect.reason[:1].upper() + prospect.reason[1:])
        return Told("does not fit", reason, reason)
    if task is not None:
        done, total = task.steps
        if task.state is not JobState.BUSY:
            return Told("waiting")
        return Told(f"{done}/{total}" if total else "running")
    if failure:
        return Told("failed", failure, failure, failed=True)
    if prospect is not None and prospect.seconds is not None:
        return Told(f"≈ {duration(prospect.seconds)}", one_line(prospect.reason))
    return Told()


def summary(
    made: int, prospects: Sequence[Prospect | None], left: Sequence[Prospect | None]
) -> str:
    """Say how many maps there are, and how long those that are left will take.

    Parameters
    ----------
    made : int
    prospects, left : sequence of Prospect or None
        Of all maps, and of those that are to be made.
    """
    refused = sum(p is not None and p.verdict == "refused" for p in prospects)
    parts = [f"{made} of {len(prospects) - refused} maps"]
    seconds = [p.seconds for p in left if p is not None and p.seconds is not None]
    if left and len(seconds) == len(left):
        parts.append(f"≈ {duration(sum(seconds))} to go")
    if refused and not left:
        parts.append(f"{refused} {'does' if refused == 1 else 'do'} not fit")
    return " · ".join(parts)
