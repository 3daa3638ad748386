"""What the agreement panel shows of a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from galaxyscope.records.comparing import compare_records
from galaxyscope.records.record import Record
from galaxyscope.records.session_agreement import (
    AUTOMATIC,
    BLIND,
    DRAWN,
    HERE,
    compare_session,
    rows_of,
    sides_of,
)
from galaxyscope.records.store import Session


def session_rows(n: int = 20, seed: int = 0) -> list[Record]:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        true, size = float(rng.lognormal(3, 0.4)), float(rng.uniform(1.2, 3))
        common = {
            "image_sha256": f"{i:064x}", "scale_arcsec_per_px": 0.5, "light_r90_px": true * size,
        }  # fmt: skip
        px = true * float(rng.lognormal(0, 0.1))
        found.append(
            Record(f"g{i}.fits", algorithm="phase", model="net", length_px=px, length_err_px=2.0,
                   length_arcsec=px / 2, created_at="2026-01-01", **common)
        )  # fmt: skip
        for name in ("Ada", "Bea"):
            px = true * float(rng.lognormal(0, 0.1))
            found.append(
                Record(f"g{i}.fits", "drawn", "line", length_px=px, length_arcsec=px / 2,
                       observer=name, **common)
            )  # fmt: skip
    return found


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Session(tmp_path / "s.sqlite") as made:
        yield made


def test_sides_of_a_session() -> None:
    rows = session_rows(3)
    rows.append(dataclasses.replace(rows[0], algorithm="invariant", created_at="2026-02-02"))
    rows.append(dataclasses.replace(rows[1], blind_look=1, id="x"))
    rows.append(
        Record("o", "drawn", "line", length_arcsec=9.0, source="h.csv (sha256 ab), table, line 2")
    )
    sides = {side.key: side for side in sides_of(rows)}
    assert sides[AUTOMATIC].rows == 3
    assert sides["automatic:invariant · net"].rows == 1
    assert sides["observer:Ada"].rows == 4
    assert sides[DRAWN].rows == 8
    assert sides[HERE].rows == 7
    assert sides[BLIND].rows == 1
    assert sides["file:h.csv"].rows == 1
    (newest,) = [r for r in rows_of(rows, AUTOMATIC) if r.image_sha256 == rows[0].image_sha256]
    assert newest.algorithm == "invariant"


def test_figures_are_those_of_the_comparison(session: Session) -> None:
    rows = session_rows()
    session.add(*rows)
    found = compare_session(session, AUTOMATIC, "observer:Ada", "arcsec")
    of = compare_records(
        rows_of(rows, AUTOMATIC), rows_of(rows, "observer:Ada"), ("a", "b"), unit="arcsec"
    ).agreement
    assert found.unit == "arcsec"
    values = {s.name: s for s in found.statistics}
    assert values["Pearson ρ, relative"].value == of.rho_relative
    assert values["Pearson ρ, lengths"].value == of.rho_paper
    assert values["Pearson ρ, lengths"].constant == of.constant_rho_paper
    assert values["Pearson ρ, lengths"].shuffled == of.shuffled_rho_paper
    assert values["RMSE, arcsec"].value == of.rmse_paper
    assert values["Limits of A / B"].interval == of.limits
    assert all(s.shuffled is not None for s in found.statistics if s.key in ("rho", "rank")), (
        "a correlation without its baseline"
    )


def test_relative_lengths_of_light(session: Session) -> None:
    """No catalogue: sizes come from the pictures, and everything is divided by them."""
    rows = session_rows()
    session.add(*rows)
    found = compare_session(session, AUTOMATIC, "observer:Bea", "relative")
    assert found.found is not None
    assert found.found.sizes == "light"
    assert found.unit == "relative"
    plot = found.plots[0]
    auto = {r.image_sha256: r for r in rows_of(rows, AUTOMATIC)}
    expected = sorted(
        r.length_px / (2 * r.light_r90_px) for r in auto.values() if r.length_px and r.light_r90_px
    )
    assert sorted(plot.y) == pytest.approx(expected)
    slope = next(s for s in found.statistics if s.key == "origin")
    line = next(line for line in plot.lines if line.kind == "origin")
    assert slope.value == line.slope
    # Divided by the same radius, the ratio stays: Bland–Altman is that of lengths.
    in_px = compare_session(session, AUTOMATIC, "observer:Bea", "px")
    assert in_px.plots[1].y == pytest.approx(found.plots[1].y)


def test_catalogued_sizes_come_first(session: Session) -> None:
    rows = [dataclasses.replace(r, r90_arcsec=7.0) for r in session_rows()]
    session.add(*rows)
    found = compare_session(session, AUTOMATIC, DRAWN).found
    assert found is not None
    assert found.sizes == "catalogue"
    assert {p.r90 for p in found.pairs} == {7.0}


def test_without_sizes_or_scale_there_are_pixels(session: Session) -> None:
    bare = {"light_r90_px": None, "scale_arcsec_per_px": None, "length_arcsec": None}
    bare |= {"length_err_arcsec": None}
    session.add(*[dataclasses.replace(r, **bare) for r in session_rows()])
    found = compare_session(session, AUTOMATIC, DRAWN, "relative")
    assert found.unit == "px"
    assert found.units == {"relative": 0, "arcsec": 0, "px": 20}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "Automatic: there is no length yet"),
        (session_rows(1)[:1], "All lines: there is no length yet"),
        (session_rows(2), "2 galaxies have both lengths so far"),
        (session_rows(1), "1 galaxy has both lengths so far"),
        ([session_rows(2)[0], session_rows(2)[4]], "No galaxy has a length on both sides yet"),
    ],
)
def test_what_lacks_is_said(session: Session, rows: list[Record], why: str) -> None:
    session.add(*rows)
    found = compare_session(session, AUTOMATIC, DRAWN)
    assert found.found is None
    assert found.lacks == f"{why}."


def test_the_density_contours_hold_their_shares(session: Session) -> None:
    from matplotlib.path import Path as Outline

    session.add(*session_rows(400, seed=3))
    found = compare_session(session, AUTOMATIC, "observer:Ada", "px", resamples=10)
    plot = found.plots[0]
    points = np.column_stack([plot.x, plot.y])
    inside = np.zeros((len(plot.contours), len(points)), bool)
    for i, line in enumerate(plot.contours):
        inside[i] = Outline(line).contains_points(points)
    outer = inside.any(axis=0).mean()
    assert 0.8 < outer < 0.97
    largest = max(plot.contours, key=len)
    assert np.ptp(largest[:, 0]) > 0


def test_many_pairs_can_be_stopped(session: Session) -> None:
    session.add(*session_rows(50))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        compare_session(session, AUTOMATIC, DRAWN, check=stop)
