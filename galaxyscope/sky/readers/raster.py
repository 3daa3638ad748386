"""Read JPEG, PNG and TIFF pictures.

Transparency is dropped. The rows stay as they are stored: an EXIF orientation is not
applied but noted, so that pixel coordinates are the ones of every other program that
reads the array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyscope.sky.image import ImageError, Plane, SkyImage
from galaxyscope.sky.readers.pixels import no_infinities
from galaxyscope.sky.readers.quiet import quiet_pillow
from galaxyscope.sky.readers.source import (
    MAX_PLANES,
    TOO_MANY_PLANES,
    Source,
    inflated_size,
    too_large,
)

_ORIENTATION = 0x0112
# Tags of TIFF (TIFF 6.0, sections 8 and 19).
_BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 259, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2
_DEFLATE = (8, 32946)
# Pillow's names for pictures of one channel.
_GREY_8, _GREY_16 = ("1", "L", "LA", "La"), ("I;16", "I;16L", "I;16B", "I;16N")
_FLUX = ("I", "F")
_GREY = (*_GREY_8, *_GREY_16, *_FLUX)


def read_raster(source: Source, plane: Plane | None = None) -> SkyImage:
    """Read one picture of a JPEG, PNG or TIFF file; where white is 0 it is turned.

    Parameters
    ----------
    source : Source
    plane : Plane, optional
        Which page of a TIFF; the first by default.

    Returns
    -------
    SkyImage
        Rows from the top; ``full_scale`` is 255 or 65535, None for TIFF with floating-point,
        signed or 32-bit values, which hold linear flux.

    Raises
    ------
    ImageError
        If the file is damaged, too large or of a kind that cannot be read.
    """
    from PIL import UnidentifiedImageError
    from PIL.Image import DecompressionBombError

    quiet_pillow()
    if plane is not None and plane.index is not None:
        raise ImageError(source.path, f"there is no picture “{plane.label}” in this file")
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
    data, notes = picture.data, list(picture.notes)
    if picture.white_is_zero and picture.full_scale is None:
        notes.append("The file calls its smallest value white; the values are as stored.")
    elif picture.white_is_zero:
        data = np.float32(picture.full_scale) - data
    if picture.pages > MAX_PLANES:
        notes.append(TOO_MANY_PLANES)
    data.setflags(write=False)
    size = f"{data.shape[2]}×{data.shape[1]}"
    planes = {
        n: Plane(n, None, size if picture.pages == 1 else f"Page {n + 1}")
        for n in (*range(min(picture.pages, MAX_PLANES)), page)
    }
    return SkyImage(
        data=data,
        name=source.path.name,
        path=source.path,
        sha256=source.sha256,
        full_scale=picture.full_scale,
        plane=planes[page],
        planes=tuple(planes.values()),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Picture:
    data: NDArray[np.float32]
    full_scale: float | None
    pages: int
    notes: tuple[str, ...] = ()
    white_is_zero: bool = False


def _check_page(source: Source, page: int, pages: int) -> None:
    if pages == 0:
        raise ImageError(source.path, f"the {source.kind} file is damaged; it has no pages")
    if not 0 <= page < pages:
        raise ImageError(source.path, f"there is no page {page + 1} in this file")


def _from_pillow(source: Source, page: int) -> _Picture:
    """Read with Pillow; TIFF that it would misread is handed on to tifffile."""
    from PIL import Image

    notes: list[str] = []
    source.stream.seek(0)
    with Image.open(source.stream, formats=[source.kind]) as picture:
        pages = int(getattr(picture, "n_frames", 1)) if source.kind == "TIFF" else 1
        _check_page(source, page, pages)
        if page:
            picture.seek(page)
        source.check_pixels(*picture.size, channels=1 if picture.mode in _GREY else 3)
        if source.kind == "TIFF" and _is_misread(picture):
            return _from_tifffile(source, page)
        if source.kind == "PNG" and _is_deep_colour(source):
            notes.append("16-bit colour PNG, read with 8 bits per channel.")
        if picture.getexif().get(_ORIENTATION, 1) not in (None, 0, 1):
            notes.append("The EXIF orientation is not applied; rows are as stored.")
        tags = getattr(picture, "tag_v2", {})
        data, full_scale = _pixels(picture, tags)
        # Pillow turns pictures of up to 8 bits itself.
        white_is_zero = (
            picture.mode in (*_GREY_16, *_FLUX) and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        )
    return _Picture(data, full_scale, pages, tuple(notes), white_is_zero)


def _is_misread(tiff: Any) -> bool:
    """Tell whether Pillow would read wrong values without a word.

    It halves the depth of 16-bit colour, and swaps the bytes of packed big-endian flux twice.
    """
    tags = tiff.tag_v2
    bits = tags.get(_BITS_PER_SAMPLE) or (1,)
    swapped = tiff.mode in _FLUX and tags.prefix == b"MM" and tags.get(_COMPRESSION, 1) != 1
    return swapped or (len(bits) > 1 and max(bits) > 8)


def _is_deep_colour(png: Source) -> bool:
    depth, kind = png.bytes_at(24, 2)  # in the IHDR chunk
    return depth == 16 and kind != 0


def _pixels(picture: Any, tags: Mapping[int, Any]) -> tuple[NDArray[np.float32], float | None]:
    mode = picture.mode
    signed = _SIGNED in (tags.get(_SAMPLE_FORMAT) or ())
    if mode == "L" and signed:
        return _channels(np.asarray(picture).view(np.int8)), None
    if mode in _GREY_8:
        return _channels(np.asarray(picture.convert("L"))), 255.0
    if mode in _GREY_16:
        return _channels(np.asarray(picture)), 65535.0
    if mode == "I" and not signed:
        # Pillow keeps the bits of unsigned numbers in signed ones.
        return _channels(np.asarray(picture).view(np.uint32)), None
    if mode in _FLUX:
        return no_infinities(_channels(np.asarray(picture))), None
    return _channels(np.asarray(picture.convert("RGB"))), 255.0


def _from_tifffile(source: Source, page: int) -> _Picture:
    """Read what Pillow cannot, e.g. 16-bit colour, 64-bit floats, planar layouts."""
    import tifffile

    try:
        source.stream.seek(0)
        with tifffile.TiffFile(source.stream) as tiff:
            pages = len(tiff.pages)
            _check_page(source, page, pages)
            chosen: Any = tiff.pages[page]
            samples = int(chosen.samplesperpixel)
            real = chosen.dtype is not None and chosen.dtype.kind in "fiub"
            if not real or not 1 <= samples <= 4 or int(chosen.imagedepth) != 1:
                raise ImageError(source.path, "the TIFF file has no kind of pixels known here")
            source.check_pixels(int(chosen.imagewidth), int(chosen.imagelength), samples)
            _check_segments(source, chosen)
            values = np.asarray(chosen.asarray())
            white_is_zero = chosen.photometric == _WHITE_IS_ZERO
    except ImageError:
        raise
    except Exception as error:  # tifffile raises many kinds for damaged files
        raise ImageError(source.path, "the TIFF file is damaged") from error
    if values.ndim == 3 and values.shape[0] == samples and values.shape[2] != samples:
        values = np.moveaxis(values, 0, -1)
    full_scale = {"u1": 255.0, "u2": 65535.0}.get(values.dtype.str[1:])
    with np.errstate(over="ignore", invalid="ignore"):
        data = no_infinities(_channels(values))
    return _Picture(data, full_scale, pages, white_is_zero=white_is_zero)


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
