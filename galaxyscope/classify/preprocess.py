"""From any cutout to the network's frame: one documented way.

1. *Where to look.* The galaxy at the centre is located and its r90 measured from its light
   (`galaxyscope.sky.locate`). The network sees a square of ``card.field_r90`` × r90 around
   it, or the whole cutout where that is smaller.
2. *Stretch.* Pictures (JPEG, PNG, TIFF) are divided by their full scale. Linear flux gets
   what Galaxy Zoo's pictures had: sky subtracted, then asinh, the sky noise faint and the
   core near white.
3. *Colour.* One channel is shown as grey, three as red, green, blue.
4. *Sampling.* Area-averaged or bilinear onto ``card.input_size`` pixels, first row at the
   top of the picture as it is seen on screen, black outside the cutout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.locate import GalaxyExtent, locate_galaxy
from galaxyscope.sky.resample import resample

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard
    from galaxyscope.sky.image import SkyImage

# Linear flux: one sigma of sky noise is shown at asinh(0.1), the core at white; on SDSS
# frames this gives discs the brightness that they have in Galaxy Zoo's pictures.
SOFTENING_SIGMA = 10.0
WHITE_PERCENTILE = 99.7


def prepare(image: SkyImage, card: ModelCard) -> NetworkInput:
    """Bring a cutout into the network's frame.

    Parameters
    ----------
    image : SkyImage
    card : ModelCard

    Returns
    -------
    NetworkInput
        Pixels in [0, 1] and the geometry that leads back to the cutout.
    """
    extent = locate_galaxy(image)
    frame = network_frame(image, extent, card.input_size, card.field_r90)
    stretched = stretch(image, extent)
    size = (card.input_size, card.input_size)
    pixels = resample(stretched, frame, size)
    if pixels.shape[0] == 1:
        pixels = np.repeat(pixels, 3, axis=0)
    return NetworkInput(np.ascontiguousarray(pixels, np.float32), frame)


def network_frame(image: SkyImage, extent: GalaxyExtent, size: int, field_r90: float) -> Affine:
    """Network-input pixel → cutout pixel for the field around a galaxy.

    Parameters
    ----------
    image : SkyImage
    extent : GalaxyExtent
        Centre and r90 in cutout pixels.
    size : int
        Side of the network's input.
    field_r90 : float
        Side of the field in units of r90.
    """
    side = min(field_r90 * extent.r90_px, float(max(image.shape)))
    step = side / size
    centred = Affine.translation(-(size - 1) / 2, -(size - 1) / 2)
    scaled = Affine.scaling(step, -step if image.y_up else step)
    return Affine.translation(extent.x, extent.y) @ scaled @ centred


def stretch(image: SkyImage, extent: GalaxyExtent) -> NDArray[np.float32]:
    """Values in [0, 1], shape (channels, rows, columns); pixels without a value become sky."""
    data = np.asarray(image.data, np.float32)
    if image.full_scale is not None:
        return np.clip(np.nan_to_num(data / np.float32(image.full_scale)), 0, 1)
    return np.stack([_asinh(channel, extent) for channel in data])


def _asinh(channel: NDArray[np.floating], extent: GalaxyExtent) -> NDArray[np.float32]:
    channel = channel.astype(np.float64)  # sums of the largest float32 overflow in float32
    finite = np.isfinite(channel)
    if not finite.any():
        return np.zeros(channel.shape, np.float32)
    rows, columns = np.indices(channel.shape, sparse=True)
    radius = np.hypot(columns - extent.x, rows - extent.y)
    outside = channel[finite & (radius > 1.5 * extent.r90_px)]
    # A galaxy that fills the frame leaves no sky: its faintest pixels stand in for it.
    if outside.size < 100:
        values = np.sort(channel[finite])
        outside = values[: max(1, values.size // 10)]
    sky = float(np.median(outside))
    below = outside[outside <= sky]
    sigma = 1.4826 * float(np.median(sky - below)) if below.size else 0.0
    inside = channel[finite & (radius <= extent.r90_px)]
    white = float(np.percentile(inside if inside.size else channel[finite], WHITE_PERCENTILE))
    if white <= sky:
        return np.zeros(channel.shape, np.float32)
    softening = max(SOFTENING_SIGMA * sigma, (white - sky) / 100)
    scaled = np.arcsinh((np.where(finite, channel, sky) - sky) / softening)
    return np.clip(scaled / np.arcsinh((white - sky) / softening), 0, 1).astype(np.float32)
