"""From any cutout to the network's frame: one documented way.

1. *Where to look* (``card.frame``). ``"r90"``: the galaxy at the centre is located and its r90
   measured from its light (`galaxyscope.sky.locate`); the network sees a square of
   ``card.field_r90`` × r90 around it. ``"pixels"``: the central square of ``card.field_px``
   pixels, for networks that were trained at one scale. ``"whole"``: the square around the whole
   cutout. Never more than the whole cutout.
2. *Stretch* (``card.stretch``). Pictures (JPEG, PNG, TIFF) are divided by their full scale: they
   were stretched before. Linear flux gets what the network's training pictures had.
   ``"galaxyzoo"``: sky subtracted, then asinh, the sky noise faint and the core near white.
   ``"radio"``: what is below three times the noise of the map is set to that threshold, then
   the range up to the maximum becomes [0, 1] (Griese et al. 2022; Aniyan & Thorat 2017).
   Its square root, also that of a picture, lifts faint lobes and bridges.
3. *Colour.* One channel is shown as grey, three as red, green, blue.
4. *Sampling.* Area-averaged or bilinear onto ``card.input_size`` pixels, first row at the
   top of the picture as it is seen on screen, black outside the cutout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from galaxyscope.classify.classifier import NetworkInput
from galaxyscope.classify.suit import unsuitable
from galaxyscope.sky.frame import Affine
from galaxyscope.sky.locate import GalaxyExtent, locate_galaxy
from galaxyscope.sky.padding import without_padding
from galaxyscope.sky.resample import resample
from galaxyscope.sky.stretch import sky_level

if TYPE_CHECKING:
    from galaxyscope.classify.card import ModelCard
    from galaxyscope.sky.image import SkyImage

# Linear flux: one sigma of sky noise is shown at asinh(0.1), the core at white; on SDSS
# frames this gives discs the brightness that they have in Galaxy Zoo's pictures.
SOFTENING_SIGMA = 10.0
WHITE_PERCENTILE = 99.7
# Radio maps: what counts as noise, in standard deviations of the map.
RADIO_CLIP_SIGMA = 3.0


def prepare(image: SkyImage, card: ModelCard) -> NetworkInput:
    """Bring a cutout into the network's frame.

    Parameters
    ----------
    image : SkyImage
    card : ModelCard

    Returns
    -------
    NetworkInput
        Pixels in [0, 1], the geometry that leads back to the cutout, and a note where the
        network was not made for such cutouts.
    """
    if card.frame == "r90":
        extent = locate_galaxy(image)
        side = card.field_r90 * extent.r90_px
    else:
        (rows, columns), whole = image.shape, float(max(image.shape))
        extent = GalaxyExtent((columns - 1) / 2, (rows - 1) / 2, whole / 2)
        side = float(card.field_px) if card.frame == "pixels" else whole
    frame = network_frame(image, extent, card.input_size, side / extent.r90_px)
    stretched = stretch(image, extent, card.stretch)
    size = (card.input_size, card.input_size)
    pixels = resample(stretched, frame, size)
    if pixels.shape[0] == 1:
        pixels = np.repeat(pixels, 3, axis=0)
    why = unsuitable(card, image)
    return NetworkInput(np.ascontiguousarray(pixels, np.float32), frame, (why,) if why else ())


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


def stretch(image: SkyImage, extent: GalaxyExtent, name: str = "galaxyzoo") -> NDArray[np.float32]:
    """Values in [0, 1], shape (channels, rows, columns); pixels without a value become sky.

    Parameters
    ----------
    image : SkyImage
    extent : GalaxyExtent
        Where sky and core are looked for; radio maps need none.
    name : {"galaxyzoo", "radio"}
        What is done to linear flux, and to pictures of radio maps.
    """
    data = np.asarray(image.data, np.float32)
    if image.full_scale is not None:
        shown = np.clip(np.nan_to_num(data / np.float32(image.full_scale)), 0, 1)
        return np.sqrt(shown) if name == "radio" else shown
    if name == "radio":
        return np.sqrt(np.stack([_clipped(channel) for channel in data]))
    return np.stack([_asinh(channel, extent) for channel in data])


def _clipped(channel: NDArray[np.floating]) -> NDArray[np.float32]:
    channel = channel.astype(np.float64)
    finite = np.isfinite(channel)
    if not finite.any():
        return np.zeros(channel.shape, np.float32)
    sky, noise = sky_level(channel[finite])
    floor, top = sky + RADIO_CLIP_SIGMA * noise, float(channel[finite].max())
    if top <= floor:
        return np.zeros(channel.shape, np.float32)
    scaled = (np.where(finite, channel, floor) - floor) / (top - floor)
    return np.clip(scaled, 0, 1).astype(np.float32)


def _asinh(channel: NDArray[np.floating], extent: GalaxyExtent) -> NDArray[np.float32]:
    # In float64: sums of the largest float32 overflow in float32.
    channel = without_padding(channel).astype(np.float64)
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
