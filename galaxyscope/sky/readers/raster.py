"""Read JPEG, PNG and TIFF pictures.

Transparency is dropped. The rows stay as they are stored: an EXIF orientation is not
applied but noted, so that pixel coordinates are the ones of every other program that
reads the array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import ImageError, Plane, SkyImage
from galaxyscope.sky.readers.pixels import no_infinities
from galaxyscope.sky.readers.quiet import quiet_pillow
from galaxyscope.sky.readers.source import MAX_PLANES, Source, inflated_size, too_large

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 0x0102
_DEFLATE = (8, 32946)
# Pillow's names for pictures of one channel.
_GREY_8, _GREY_16 = ("1", "L", "LA", "La"), ("I;16", "I;16L", "I;16B", "I;16N")
_FLUX = ("I", "F")
_GREY = (*_GREY_8, *_GREY_16, *_FLUX)


def read_raster(source: Source, plane: Plane | None = None) -> SkyImage:
    """Read one picture of a JPEG, PNG or TIFF file.

    Parameters
    ----------
    source : Source
    plane : Plane, optional
        Which page of a TIFF; the first by default.

    Returns
    -------
    SkyImage
        Rows from the top; ``full_scale`` is 255 or 65535, None for TIFF with floating-point
        or 32-bit values, which hold linear flux.

    Raises
    ------
    ImageError
        If the file is damaged, too large or of a kind that cannot be read.
    """
    from PIL import UnidentifiedImageError
    from PIL.Image import DecompressionBombError

    quiet_pillow()
    page = 0 if plane is None else plane.hdu
    try:
        picture = _from_pillow(source, page)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(source.path, "there is not enough memory for this picture") from error
    except DecompressionBombError as error:
        raise ImageError(source.path, too_large("the image")) from error
    except Exception as error:  # Pillow raises many kinds for damaged files
        if source.kind == "TIFF" and isinstance(error, UnidentifiedImageError):
            picture = _from_tifffile(source, page)
        else:
            reason = "cut off" if "truncated" in str(error).lower() else "damaged"
            raise ImageError(source.path, f"the {source.kind} file is {reason}") from error
    data = picture.data
    data.setflags(write=False)
    size = f"{data.shape[2]}×{data.shape[1]}"
    planes = tuple(
        Plane(n, None, size if picture.pages == 1 else f"Page {n + 1}")
        for n in range(picture.pages)
    )
    return SkyImage(
        data=data,
        name=source.path.name,
        path=source.path,
        sha256=source.sha256,
        full_scale=picture.full_scale,
        plane=planes[page],
        planes=planes,
        notes=picture.notes,
    )


@dataclass(frozen=True)
class _Picture:
    data: NDArray[np.float32]
    full_scale: float | None
    pages: int
    notes: tuple[str, ...] = ()


def _check_page(source: Source, page: int, pages: int) -> None:
    if pages == 0:
        raise ImageError(source.path, f"the {source.kind} file is damaged; it has no pages")
    if not 0 <= page < pages:
        raise ImageError(source.path, f"there is no page {page + 1} in this file")


def _from_pillow(source: Source, page: int) -> _Picture:
    """Read with Pillow; 16-bit colour TIFF is handed on to tifffile."""
    from PIL import Image

    notes: list[str] = []
    source.stream.seek(0)
    with Image.open(source.stream, formats=[source.kind]) as picture:
        frames = int(getattr(picture, "n_frames", 1)) if source.kind == "TIFF" else 1
        pages = min(frames, MAX_PLANES)
        _check_page(source, page, pages)
        if page:
            picture.seek(page)
        source.check_pixels(*picture.size, channels=1 if picture.mode in _GREY else 3)
        if _is_deep_colour(source, picture):
            # Pillow would halve the depth without a word.
            if source.kind == "TIFF":
                return _from_tifffile(source, page)
            notes.append("16-bit colour PNG, read with 8 bits per channel.")
        if picture.getexif().get(_ORIENTATION, 1) not in (None, 0, 1):
            notes.append("The EXIF orientation is not applied; rows are as stored.")
        data, full_scale = _pixels(picture)
    return _Picture(data, full_scale, pages, tuple(notes))


def _is_deep_colour(source: Source, picture: Any) -> bool:
    """Tell whether a picture has more than 8 bits in each of several channels."""
    if source.kind == "TIFF":
        bits = picture.tag_v2.get(_BITS_PER_SAMPLE) or (1,)
        return len(bits) > 1 and max(bits) > 8
    if source.kind == "PNG":
        depth, kind = source.bytes_at(24, 2)  # in the IHDR chunk
        return depth == 16 and kind != 0
    return False


def _pixels(picture: Any) -> tuple[NDArray[np.float32], float | None]:
    mode = picture.mode
    if mode in _GREY_8:
        return _channels(np.asarray(picture.convert("L"))), 255.0
    if mode in _GREY_16:
        return _channels(np.asarray(picture)), 65535.0
    if mode in _FLUX:
        return no_infinities(_channels(np.asarray(picture))), None
    return _channels(np.asarray(picture.convert("RGB"))), 255.0


def _from_tifffile(source: Source, page: int) -> _Picture:
    """Read what Pillow cannot: 16-bit colour, 64-bit floats, planar layouts."""
    import tifffile

    try:
        source.stream.seek(0)
        with tifffile.TiffFile(source.stream) as tiff:
            pages = min(len(tiff.pages), MAX_PLANES)
            _check_page(source, page, pages)
            chosen: Any = tiff.pages[page]
            samples = int(chosen.samplesperpixel)
            real = chosen.dtype is not None and chosen.dtype.kind in "fiub"
            if not real or not 1 <= samples <= 4 or int(chosen.imagedepth) != 1:
                raise ImageError(source.path, "the TIFF file has no kind of pixels known here")
            source.check_pixels(int(chosen.imagewidth), int(chosen.imagelength), samples)
            _check_segments(source, chosen)
            values = np.asarray(chosen.asarray())
    except ImageError:
        raise
    except Exception as error:  # tifffile raises many kinds for damaged files
        raise ImageError(source.path, "the TIFF file is damaged") from error
    if values.ndim == 3 and values.shape[0] == samples and values.shape[2] != samples:
        values = np.moveaxis(values, 0, -1)
    full_scale = {"u1": 255.0, "u2": 65535.0}.get(values.dtype.str[1:])
    with np.errstate(over="ignore", invalid="ignore"):
        return _Picture(no_infinities(_channels(values)), full_scale, pages)


def _check_segments(source: Source, page: Any) -> None:
    """Refuse strips and tiles that would unpack to more than the page can need."""
    compression = int(page.compression)
    if compression == 1:
        return
    if compression not in _DEFLATE:
        raise ImageError(
            source.path, "this compression of TIFF cannot be read; save it without or as deflate"
        )
    across = max(int(page.imagewidth), int(page.tilewidth))
    down = max(int(page.imagelength), int(page.tilelength))
    source.check_pixels(across, down)
    limit = across * down * 8 * int(page.samplesperpixel)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if inflated_size(source.bytes_at(offset, count), limit, 15) > limit:
            raise ImageError(source.path, "the TIFF file is damaged")


def _channels(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32 with 1 or 3 channels first, transparency dropped."""
    if values.ndim == 2:
        return values.astype(np.float32)[np.newaxis]
    used = values[..., :1] if values.shape[-1] < 3 else values[..., :3]
    return np.ascontiguousarray(np.moveaxis(used, -1, 0), dtype=np.float32)
