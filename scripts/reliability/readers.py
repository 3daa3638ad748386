"""The readers that are fuzzed: good files to begin with, how each is read, what it may raise."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """One reader under test.

    Parameters
    ----------
    name, file : str
        What the report calls it, and the name of the file that it gets.
    seeds : callable
        Makes the good files.
    read : callable
        Reads a file; everything but `refusals` is a fault.
    refusals : callable
        Gives the exceptions that stand for one clear sentence.
    share : int
        Of a hundred inputs.
    """

    name: str
    file: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    refusals: Callable[[], tuple[type[Exception], ...]]
    share: int


def _fits_seeds() -> list[bytes]:
    import numpy as np
    from astropy.io import fits

    rng = np.random.default_rng(0)
    values = rng.normal(100, 10, (24, 24)).astype(np.float32)
    whole = values.astype(np.int16)
    plain = fits.PrimaryHDU(values)
    plain.header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=12.0, CRPIX2=12.0, CRVAL1=190.0,
        CRVAL2=2.0, CDELT1=-1e-4, CDELT2=1e-4, CUNIT1="deg", CUNIT2="deg", OBJECT="NGC 4643",
        REDSHIFT=0.0044, BUNIT="nanomaggy", ROWORDER="BOTTOM-UP",
    )  # fmt: skip
    sip = plain.copy()
    sip.header.update(CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, B_ORDER=2)
    sip.header.update(A_2_0=1e-5, B_0_2=1e-5, CD1_1=-1e-4, CD2_2=1e-4, CD1_2=0.0, CD2_1=0.0)
    scaled = fits.PrimaryHDU(whole)
    scaled.header.update(BSCALE=0.5, BZERO=32768.0, BLANK=-1)
    cube = fits.PrimaryHDU(rng.normal(size=(3, 12, 12)))
    several = [fits.PrimaryHDU(), fits.ImageHDU(whole, name="SCI"), fits.ImageHDU(values)]
    table = fits.BinTableHDU.from_columns([fits.Column("A", "E", array=values[0])])
    packed = [
        fits.CompImageHDU(whole, compression_type=kind)
        for kind in ("RICE_1", "GZIP_1", "GZIP_2", "PLIO_1")
    ]
    packed.append(fits.CompImageHDU(whole, compression_type="HCOMPRESS_1", tile_shape=(24, 24)))
    packed.append(fits.CompImageHDU(values, compression_type="RICE_1", quantize_level=16))
    made = []
    lists = [[plain], [sip], [scaled], [cube], several, [fits.PrimaryHDU(), table]]
    for hdus in (*lists, *([fits.PrimaryHDU(), one] for one in packed)):
        buffer = io.BytesIO()
        fits.HDUList(hdus).writeto(buffer)
        made.append(buffer.getvalue())
    return [*made, gzip.compress(made[0])]


def _raster_seeds() -> list[bytes]:
    import numpy as np
    import tifffile
    from PIL import Image

    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (24, 24), np.uint8)
    colour = rng.integers(0, 255, (24, 24, 3), np.uint8)
    made = []
    for picture, kind, options in (
        (grey, "JPEG", {}), (colour, "JPEG", {"quality": 70}), (colour, "JPEG", {"progressive": 1}),
        (grey, "PNG", {}), (colour, "PNG", {}), (grey > 99, "PNG", {}), (colour, "TIFF", {}),
        (grey, "TIFF", {"compression": "tiff_lzw"}),
        (grey, "TIFF", {"compression": "tiff_adobe_deflate"}),
    ):  # fmt: skip
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, kind, **options)
        made.append(buffer.getvalue())
    for values in (rng.normal(size=(16, 16)).astype(np.float32), grey.astype(np.uint16)):
        for bigtiff in (False, True):
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, values, bigtiff=bigtiff)
            made.append(buffer.getvalue())
    return made


def _read_image(path: Path) -> object:
    """Read it as the window does: pixels, stretch, thumbnail, coordinates."""
    from galaxyscope.sky.coordinates import compass, scale_bar, sky_position
    from galaxyscope.sky.readers import open_image
    from galaxyscope.sky.stretch import default_display, display_buffer

    image = open_image(path)
    display_buffer(image, default_display(image))
    sky_position(image, 3.0, 4.0)
    compass(image)
    scale_bar(image, 100.0)
    return image


def _image_error() -> tuple[type[Exception], ...]:
    from galaxyscope.sky.image import ImageError

    return (ImageError,)


def _card_seeds() -> list[bytes]:
    from galaxyscope.resources import models_folder

    return [path.read_bytes() for path in sorted(models_folder().rglob("card.json"))][:8]


def _read_card(path: Path) -> object:
    from galaxyscope.classify.card import read_card

    return read_card(path.parent)


def _model_error() -> tuple[type[Exception], ...]:
    from galaxyscope.classify.card import ModelError

    return (ModelError,)


def _table_error() -> tuple[type[Exception], ...]:
    from galaxyscope.records.tables import TableError

    return (TableError,)


def _rows() -> list:  # type: ignore[type-arg]
    from galaxyscope.records.record import Record

    line = {"x1": 10.0, "y1": 20.5, "x2": 50.25, "y2": 60.0, "length_px": 56.2, "pa_deg": 45.0}
    return [
        Record("a.fits", image_sha256="a" * 64, parameters='{"seed": 0}', model="m", **line),
        Record("a.fits", "drawn", algorithm="line", observer="Zoë {x}", **line),
        Record("b.fits", "drawn", algorithm="line", observer="=cmd()", plane="2:0", **line),
    ]


def _region_seeds() -> list[bytes]:
    from galaxyscope.records.regions import write_regions

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.reg"
        write_regions(path, _rows())
        own = path.read_bytes()
    ds9 = (
        b"# Region file format: DS9 version 4.1\n# Filename: NGC4643.fits[SCI]\nglobal color=green"
        b'\nfk5\nline(12:43:20.1,+1:58:42,12h43m21s,+1d58m50s) # line=0 0 text="bar"\n'
        b"# ruler(190.1,2.0,190.2,2.1) ruler=arcsec\ncircle(1,2,3)\nimage;line 1 2 3 4\n"
    )
    return [own, ds9, ds9.replace(b"fk5", b"galactic")]


def _read_regions(path: Path) -> object:
    from galaxyscope.records.importing.lines import read_line_regions

    return read_line_regions(path)


def _csv_seeds() -> list[bytes]:
    from galaxyscope.records.tables import write_records

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_records(path, _rows())
        own = path.read_bytes()
    hoyle = (
        b"OBJID,ra,dec,z,length_avg,length_std\n587722,180.5,-1.25,0.05,9.8,0.98\n5,1,2,0.02,,\n"
    )
    semi = b"file;bar_full_length_arcsec;petroR90_r_arcsec\nx.fits;12.5;10\ny.fits;;\n"
    marks = [
        {
            "task": "T1",
            "value": [
                {"tool_label": "Bar", "x1": 1.5, "y1": 2, "x2": 30, "y2": 40, "frame": 0},
                {"tool_label": "Bar", "x": 5, "y": 5, "length": 20, "angle": 30},
            ],
        }
    ]
    about = {"1": {"retired": None, "Filename": "g.png", "ra": "180.1", "dec": "2.5"}}
    cells = ["1", "ann", "7", "2026-01-01 00:00:00 UTC", json.dumps(marks), json.dumps(about)]
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    head = "classification_id,user_name,subject_ids,created_at,annotations,subject_data"
    return [own, hoyle, semi, f"{head}\n{quoted}\n".encode()]


def _read_csv(path: Path) -> object:
    from galaxyscope.records.importing import read_any

    return read_any(path)


def _session_seeds() -> list[bytes]:
    from galaxyscope.records.steps import Step
    from galaxyscope.records.store import ImageSettings, Session, SessionFile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.galaxyscope"
        with Session(path) as session:
            session.add(*_rows(), *_rows(), *_rows())
            session.delete(session.records()[1].id)
            session.set_settings("a" * 64, ImageSettings(0.5, 0.02))
            session.keep_files([SessionFile("/x/a.fits", "a.fits", "a" * 64, 5, {"view": [1]})])
            session.keep_state("window", {"current": "/x/a.fits", "overlay": {"opacity": 0.5}})
            session.add_step(Step("draw line", "/x/a.fits", ("galaxyscope", "line")))
            session.save_as(path.with_name("copy.galaxyscope"))
        new = path.with_name("copy.galaxyscope").read_bytes()
    golden = Path(__file__).resolve().parents[2] / "tests" / "records" / "golden"
    return [new, *(path.read_bytes() for path in sorted(golden.glob("*.sqlite")))]


def _read_session(path: Path) -> object:
    """Open it as the window does, look for its files, and keep something in it."""
    from galaxyscope.records.opening import open_shared
    from galaxyscope.records.places import find_again

    session, _note = open_shared(path)
    with session:
        find_again(session.files(), session.path)
        session.steps()
        session.state("window")
        session.settings("a" * 64)
        session.keep_state("window", {})
        return session.records()


def _session_error() -> tuple[type[Exception], ...]:
    from galaxyscope.records.store import SessionError

    return (SessionError,)


READERS: tuple[Reader, ...] = (
    Reader("FITS", "mutant.fits", _fits_seeds, _read_image, _image_error, 30),
    Reader("rasters", "mutant.png", _raster_seeds, _read_image, _image_error, 22),
    Reader("cards", "card.json", _card_seeds, _read_card, _model_error, 14),
    Reader("regions", "mutant.reg", _region_seeds, _read_regions, _table_error, 13),
    Reader("CSV", "mutant.csv", _csv_seeds, _read_csv, _table_error, 13),
    Reader("sessions", "s.galaxyscope", _session_seeds, _read_session, _session_error, 8),
)
