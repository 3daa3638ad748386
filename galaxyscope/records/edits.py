"""Edits: every change of a session that a user can make, each of which gives its own undoing.

An edit is a value. ``edit.apply(session)`` makes the change and returns the edit that takes it
back; applying that one returns the edit that makes it again, and so on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from galaxyscope.measure.results import BarMeasurement, LineMeasurement, Point
from galaxyscope.records.drawn import redrawn, with_width
from galaxyscope.records.making import compared, record_of_bar, record_of_line, record_of_no_bar
from galaxyscope.records.record import Provenance, Record
from galaxyscope.records.store import ImageSettings, Session
from galaxyscope.sky.coordinates import COSMOLOGY_NAME, lengths
from galaxyscope.sky.image import PixelScale, SkyImage


class Edit(Protocol):
    """One undoable change."""

    def apply(self, session: Session) -> Edit:
        """Make the change, all or nothing, and return what takes it back."""
        ...


@dataclass(frozen=True)
class Add:
    """Keep new rows."""

    records: tuple[Record, ...]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        session.add(*self.records)
        return Delete(tuple(record.id for record in self.records))


@dataclass(frozen=True)
class Delete:
    """Take rows out of the table."""

    ids: tuple[str, ...]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        session.delete(*self.ids)
        return Restore(self.ids)


@dataclass(frozen=True)
class Restore:
    """Bring deleted rows back."""

    ids: tuple[str, ...]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        session.restore(*self.ids)
        return Delete(self.ids)


@dataclass(frozen=True)
class Replace:
    """Put rows in the place of those with their ids."""

    records: tuple[Record, ...]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        before = session.together(lambda: [session.replace(record) for record in self.records])
        return Replace(tuple(before))


@dataclass(frozen=True)
class SetSettings:
    """Keep what the user says of a file."""

    image_sha256: str
    settings: ImageSettings

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        return SetSettings(
            self.image_sha256, session.set_settings(self.image_sha256, self.settings)
        )


@dataclass(frozen=True)
class Several:
    """Several edits as one, in their order."""

    edits: Sequence[Edit]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        back = session.together(lambda: [edit.apply(session) for edit in self.edits])
        return Several(tuple(reversed(back)))


@dataclass(frozen=True)
class DrawLine:
    """Keep a line under an id; the ends of one that is there already change.

    `marks` are further columns of a new row: which look of a blind series it is.
    """

    image: SkyImage
    line: LineMeasurement
    id: str
    marks: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        record = record_of_line(self.image, self.line)
        record = dataclasses.replace(record, id=self.id, **self.marks)

        def work() -> Edit:
            there = session.records(record.image_sha256, record.plane)
            known = next((row for row in there if row.id == self.id), None)
            if known is None:
                return Add((record,)).apply(session)
            return Replace((redrawn(known, self.image, self.line),)).apply(session)

        return session.together(work)


@dataclass(frozen=True)
class SetWidth:
    """Give a drawn line a second one, across the bar; None takes it away."""

    image_sha256: str
    plane: str
    id: str
    ends: tuple[Point, Point] | None

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""

        def work() -> Edit:
            there = session.records(self.image_sha256, self.plane)
            row = next((row for row in there if row.id == self.id), None)
            if row is None:
                raise KeyError(self.id)
            return Replace((with_width(row, self.ends),)).apply(session)

        return session.together(work)


@dataclass(frozen=True)
class SeeNoBar:
    """Keep that an observer looked and saw no bar."""

    image: SkyImage
    observer: str
    created_at: str
    marks: Mapping[str, Any]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        record = record_of_no_bar(self.image, self.observer, self.created_at)
        return Add((dataclasses.replace(record, **self.marks),)).apply(session)


@dataclass(frozen=True)
class KeepBar:
    """Keep an automatic bar, in the place of one that was measured the same way."""

    image: SkyImage
    bar: BarMeasurement
    source: Provenance

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""
        record = record_of_bar(self.image, self.bar, self.source)

        def work() -> Edit:
            rows = session.records(record.image_sha256, record.plane)
            old = next((r for r in rows if r.kind == "automatic" and _alike(r, record)), None)
            if old is None:
                return Add((record,)).apply(session)
            return Replace((dataclasses.replace(record, id=old.id),)).apply(session)

        return session.together(work)


@dataclass(frozen=True)
class Tell:
    """Keep what the user says of scale or redshift, and bring the picture's rows in line.

    Parameters
    ----------
    image : SkyImage
        As the file gives it; used by nobody else.
    plane : str
    change : mapping
        Fields of `ImageSettings`.
    """

    image: SkyImage
    plane: str
    change: dict[str, float | None]

    def apply(self, session: Session) -> Edit:
        """See `Edit`."""

        def work() -> Edit:
            sha256 = self.image.sha256
            settings = dataclasses.replace(session.settings(sha256), **self.change)
            image = with_settings(self.image, settings)
            rows = session.records(sha256, self.plane)
            fresh = tuple(rescaled(record, image) for record in rows)
            return Several((SetSettings(sha256, settings), Replace(fresh))).apply(session)

        return session.together(work)


#: By what every method of `Session` that changes what the user made is undone.
EDITS: dict[str, type] = {
    "add": Add,
    "delete": Delete,
    "restore": Restore,
    "replace": Replace,
    "set_settings": SetSettings,
}


def with_settings(image: SkyImage, settings: ImageSettings) -> SkyImage:
    """Return the image with what the user said of its scale and redshift."""
    if settings.scale_arcsec_per_px is not None:
        image = image.replace(scale=PixelScale(settings.scale_arcsec_per_px, "user"))
    return image if settings.redshift is None else image.replace(redshift=settings.redshift)


def rescaled(record: Record, image: SkyImage) -> Record:
    """Return a row with its arcsec and kpc as the image has scale and redshift now."""
    size = None if record.length_px is None else lengths(image, record.length_px)
    kpc = None if size is None else size.kpc
    scale = image.scale
    return dataclasses.replace(
        record,
        length_arcsec=None if size is None else size.arcsec,
        length_err_arcsec=None,  # follow from that in pixels
        length_err_kpc=None,
        length_kpc=kpc,
        cosmology="" if kpc is None else COSMOLOGY_NAME,
        scale_arcsec_per_px=None if scale is None else scale.arcsec_per_px,
        scale_source="" if scale is None else scale.source,
        redshift=image.redshift,
    )


def compare_again(session: Session, sha256: str, plane: str) -> tuple[Record, ...]:
    """Bring the differences of drawn rows up to date with the newest automatic one."""

    def work() -> tuple[Record, ...]:
        rows = session.records(sha256, plane)
        automatic = newest_automatic(rows)
        for row in rows:
            if row.kind == "drawn":
                fresh = compared(row, automatic)
                if fresh != row:
                    session.replace(fresh)
        return tuple(session.records(sha256, plane))

    return session.together(work)


def newest_automatic(rows: Sequence[Record]) -> Record | None:
    """Return the automatic row that counts, None if there is none."""
    automatic = [row for row in rows if row.kind == "automatic" and not row.error]
    # Of those of the same second the one that came last.
    return max(reversed(automatic), key=lambda row: row.created_at, default=None)


def _alike(old: Record, new: Record) -> bool:
    fields = ("algorithm", "method", "target", "model_sha256")
    return all(getattr(old, name) == getattr(new, name) for name in fields)
