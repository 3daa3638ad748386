"""Automatic rows and lines of a session against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from galaxyscope.records.comparing import Comparison, compare_joined, units_of
from galaxyscope.records.comparison_plots import Plot, plots
from galaxyscope.records.comparison_statistics import Statistic, statistics_of
from galaxyscope.records.joining import Join, JoinError, join_records
from galaxyscope.records.record import Record
from galaxyscope.records.store import Session

Unit = Literal["relative", "arcsec", "px"]
#: Fewer pairs have no correlation.
FEWEST = 3
AUTOMATIC, DRAWN, HERE, BLIND = "automatic", "drawn", "here", "blind"


@dataclass(frozen=True)
class Side:
    """Rows of a session that can be compared with others.

    Parameters
    ----------
    key : str
        Names it, see `rows_of`.
    title : str
    rows : int
    """

    key: str
    title: str
    rows: int


@dataclass(frozen=True, eq=False)
class SessionAgreement:
    """Everything that the window shows of a comparison.

    Parameters
    ----------
    sides : tuple of Side
        What can be compared in this session.
    a, b : str
        Keys of what is compared.
    unit : {"relative", "arcsec", "px"}
    units : mapping of unit to int
        For how many galaxies both lengths are known in each unit.
    found : Comparison or None
        None where there is nothing to compare.
    plots, statistics
        Of `found`.
    places : mapping of (hash, plane) to int
        Which pair a picture is in.
    lacks : str
        Why there is nothing to see: one sentence; empty if there is.
    """

    sides: tuple[Side, ...]
    a: str
    b: str
    unit: Unit
    units: dict[Unit, int]
    found: Comparison | None
    plots: tuple[Plot, ...]
    statistics: tuple[Statistic, ...]
    places: dict[tuple[str, str], int]
    lacks: str


def sides_of(records: Sequence[Record]) -> tuple[Side, ...]:
    """List what a session can compare: automatic rows, observers, imported tables."""
    found: dict[str, str] = {AUTOMATIC: "Automatic"}
    makers = sorted({_maker(r) for r in records if _own(r, "automatic")})
    if len(makers) > 1:
        found |= {f"automatic:{maker}": maker for maker in makers}
    files = sorted({_file(r) for r in records if r.source})
    found[DRAWN] = "All lines"
    if files:
        found[HERE] = "All lines drawn here"
    if any(r.blind_look for r in records):
        found[BLIND] = "All lines drawn blind"
    names = sorted({r.observer for r in records if _own(r, "drawn")})
    found |= {f"observer:{name}": name or "drawn" for name in names}
    found |= {f"file:{name}": f"{name} (imported)" for name in files}
    return tuple(Side(key, title, len(rows_of(records, key))) for key, title in found.items())


def rows_of(records: Sequence[Record], key: str) -> list[Record]:
    """Rows of a side; of automatic ones the newest of each picture."""
    kind, _, name = key.partition(":")
    if kind == AUTOMATIC:
        newest: dict[tuple[str, str], Record] = {}
        for r in records:
            if not _own(r, "automatic") or r.error or (name and _maker(r) != name):
                continue
            other = newest.get((r.image_sha256, r.plane))
            if other is None or r.created_at >= other.created_at:
                newest[r.image_sha256, r.plane] = r
        return list(newest.values())
    wanted: dict[str, Callable[[Record], bool]] = {
        DRAWN: lambda r: r.kind == "drawn",
        HERE: lambda r: _own(r, "drawn"),
        BLIND: lambda r: bool(r.blind_look),
        "observer": lambda r: _own(r, "drawn") and r.observer == name,
        "file": lambda r: bool(r.source) and _file(r) == name,
    }
    return [r for r in records if wanted[kind](r)]


def compare_session(
    session: Session,
    a: str,
    b: str,
    unit: Unit = "relative",
    seed: int = 0,
    resamples: int = 1000,
    check: Callable[[], None] | None = None,
) -> SessionAgreement:
    """Compare two sides of a session.

    Parameters
    ----------
    session : Session
    a, b : str
        Keys of sides; those that the session does not have fall back to all automatic rows
        and all lines.
    unit : {"relative", "arcsec", "px"}
        What is wanted; where it is not known for three galaxies, the one known for most.
    seed, resamples, check
        See `galaxyscope.measure.agreement.agree`.
    """
    records = session.records()
    sides = sides_of(records)
    keys = [side.key for side in sides]
    a, b = a if a in keys else AUTOMATIC, b if b in keys else DRAWN
    of_a, of_b = rows_of(records, a), rows_of(records, b)
    titles = {side.key: side.title for side in sides}

    def lacking(why: str, units: dict[Unit, int]) -> SessionAgreement:
        return SessionAgreement(sides, a, b, unit, units, None, (), (), {}, why)

    for rows, what in ((of_a, titles[a]), (of_b, titles[b])):
        if not any(r.length_px or r.length_arcsec for r in rows):
            return lacking(f"{what}: there is no length yet.", {})
    try:
        join = join_records(of_a, of_b)
    except JoinError:
        return lacking("No galaxy has a length on both sides yet.", {})
    counts = _units(join)
    usable = [u for u, count in counts.items() if count >= FEWEST]
    if not usable:
        most = max(counts.values(), default=0)
        galaxies = "galaxy has" if most == 1 else "galaxies have"
        return lacking(f"{most} {galaxies} both lengths so far.", counts)
    shown: Unit = unit if unit in usable else usable[0]
    lengths = shown
    if shown == "relative":
        lengths = max((u for u in counts if u != "relative"), key=lambda u: counts[u])
    found = compare_joined(join, (titles[a], titles[b]), lengths, seed, resamples, check)
    if check is not None:
        check()
    relative = shown == "relative"
    figures = statistics_of(found, relative)
    places = {
        (row.image_sha256, row.plane): number
        for number, pair in enumerate(found.pairs)
        for row in (*pair.a.rows, *pair.b.rows)
        if row.image_sha256
    }
    return SessionAgreement(
        sides, a, b, shown, counts, found, plots(found, relative), figures, places, ""
    )


def _units(join: Join) -> dict[Unit, int]:
    """Galaxies with both lengths in each unit that the window offers."""
    known = units_of(join)
    arcsec, px = known.get("arcsec", 0), known.get("px", 0)
    sized = sum(
        any(r.r90_arcsec or r.light_r90_px for side in galaxy for r in side)
        for galaxy in join.galaxies
    )
    relative = max(arcsec, px) if sized > len(join.galaxies) / 2 else 0
    return {"relative": relative, "arcsec": arcsec, "px": px}


def _own(record: Record, kind: str) -> bool:
    return record.kind == kind and not record.source


def _maker(record: Record) -> str:
    words = (record.algorithm, record.method.rpartition("/")[2], record.model)
    return " · ".join(word for word in words if word)


def _file(record: Record) -> str:
    return record.source.partition(" (sha256 ")[0]
