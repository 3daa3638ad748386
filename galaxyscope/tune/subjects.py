"""Galaxies whose bars people have measured: pictures in a folder or zip file, and a table."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from galaxyscope.records.columns import Column
from galaxyscope.records.tables import TableError, read_rows
from galaxyscope.sky.image import ImageError, PixelScale, SkyImage
from galaxyscope.sky.readers import open_image

#: Names that a column may have: those of published tables and of GalaxyScope's own.
NAMES = {
    "name": ("image", "path", "file"),
    "length_px": ("bar_full_length_px", "length_px"),
    "length_arcsec": ("bar_full_length_arcsec", "length_arcsec"),
    "scale": ("scale_arcsec_per_px",),
    "r90": ("petroR90_r_arcsec", "r90_arcsec"),
    "fits": ("fits_in_frame",),
}

_NO = ("false", "no", "0")  # as spreadsheets, people and programs write it


@dataclass(frozen=True)
class Subject:
    """A galaxy and what people say of its bar.

    Parameters
    ----------
    name : str
        Of the picture, without folders.
    human_px : float
        Full length in pixels of the picture.
    scale_arcsec_per_px, r90_arcsec : float or None
        The galaxy's petroR90.
    """

    name: str
    human_px: float
    scale_arcsec_per_px: float | None = None
    r90_arcsec: float | None = None

    @property
    def diameter_px(self) -> float | None:
        """Twice petroR90 in pixels of the picture; a length over it is a relative length."""
        if self.scale_arcsec_per_px is None or self.r90_arcsec is None:
            return None
        return 2 * self.r90_arcsec / self.scale_arcsec_per_px


def read_subjects(table: Path) -> list[Subject]:
    """Read a table of human lengths; rows that ``fits_in_frame`` denies are left out.

    Parameters
    ----------
    table : Path
        CSV with a column for the picture and one for the full length, in pixels or, with
        ``scale_arcsec_per_px``, in arcsec; see `NAMES`.

    Raises
    ------
    TableError
        If it cannot be read or a row lacks picture or length.
    """
    header = _header(table)
    found = {key: next((n for n in names if n in header), "") for key, names in NAMES.items()}
    if not found["name"]:
        raise TableError(f"{table.name}: there is no column {', '.join(NAMES['name'])}")
    if not found["length_px"] and not (found["length_arcsec"] and found["scale"]):
        raise TableError(
            f"{table.name}: there is no column {' or '.join(NAMES['length_px'])}, nor one in"
            " arcsec with scale_arcsec_per_px"
        )
    kinds = {"name": "text", "fits": "text"}
    columns = [
        Column(name, kinds.get(key, "float"), "")  # type: ignore[arg-type]
        for key, name in found.items()
        if name
    ]
    subjects = []
    for number, row in enumerate(read_rows(table, columns), start=2):
        if (row.get(found["fits"]) or "").strip().lower() in _NO:
            continue
        scale, r90 = row.get(found["scale"]), row.get(found["r90"])
        length = row.get(found["length_px"])
        if length is None and (arcsec := row.get(found["length_arcsec"])) and scale:
            length = arcsec / scale
        if not row[found["name"]] or length is None or length <= 0:
            raise TableError(f"{table.name}: row {number} lacks a picture or a length above 0")
        name = PurePosixPath(row[found["name"]]).name
        subjects.append(Subject(name, float(length), scale or None, r90 or None))
    if not subjects:
        raise TableError(f"{table.name}: there is no galaxy in it")
    return subjects


def _header(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig") as file:
            return [cell.strip().strip('"') for cell in file.readline().split(",")]
    except OSError as error:
        raise TableError(f"{table.name}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{table.name}: not a CSV table in UTF-8 ({error})") from error


class Pictures:
    """Pictures by name, out of a folder or a zip file (see `opened`)."""

    def __init__(self, folder: Path, archive: zipfile.ZipFile | None = None) -> None:
        self._folder, self._archive = folder, archive
        self._members = (
            {PurePosixPath(n).name: n for n in archive.namelist()} if archive is not None else {}
        )

    def open(self, subject: Subject) -> SkyImage:
        """Open the picture of a subject, with its scale.

        Raises
        ------
        ImageError
            If there is no such picture or it cannot be read.
        """
        path = self._folder / subject.name
        if self._archive is not None and not path.exists():
            member = self._members.get(subject.name)
            if member is None:
                raise ImageError(path, "there is no such picture in the zip file")
            try:
                with self._archive.open(member) as source, path.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
                # RuntimeError: it wants a password.
                raise ImageError(path, f"cannot be unpacked ({error})") from error
        image = open_image(path)
        scale = subject.scale_arcsec_per_px
        return image if scale is None else image.replace(scale=PixelScale(scale, "catalogue"))


@contextmanager
def opened(pictures: Path, subjects: Sequence[Subject] = ()) -> Iterator[Pictures]:
    """Give the pictures of a folder or zip file; all `subjects` must be among them.

    Raises
    ------
    ImageError
        If the zip file is damaged or a picture is missing.
    """
    if pictures.is_dir():
        found = Pictures(pictures)
        for subject in subjects:
            if not (pictures / subject.name).is_file():
                raise ImageError(pictures / subject.name, "there is no such picture")
        yield found
        return
    try:
        archive = zipfile.ZipFile(pictures)
    except (OSError, zipfile.BadZipFile) as error:
        raise ImageError(pictures, f"neither a folder nor a zip file ({error})") from error
    with archive, tempfile.TemporaryDirectory() as folder:
        found = Pictures(Path(folder), archive)
        names = Counter(PurePosixPath(member).name for member in archive.namelist())
        for subject in subjects:
            if not names[subject.name]:
                raise ImageError(pictures, f"there is no picture {subject.name} in it")
            if names[subject.name] > 1:
                raise ImageError(pictures, f"there are several pictures {subject.name} in it")
        yield found
