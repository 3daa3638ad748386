"""Keep remarks of astropy and Pillow about odd files from becoming warnings.

Readers run in worker threads, where ``warnings.catch_warnings`` is not safe: it swaps the
filters of the whole process. So narrow filters are set for good instead. What matters to
the user is found by the readers themselves and told in :attr:`SkyImage.notes`.
"""

from __future__ import annotations

import logging
import warnings

_IGNORED = (
    # (category, regular expression of the module that warns)
    ("astropy.io.fits.verify", "VerifyWarning", ""),
    ("astropy.wcs", "FITSFixedWarning", ""),
    ("astropy.utils.exceptions", "AstropyUserWarning", r"astropy\.(io\.fits|wcs)"),
    # Distortions that cannot be inverted end in "All-NaN slice encountered".
    ("builtins", "RuntimeWarning", r"astropy\.wcs"),
)


def quiet_astropy() -> None:
    """Silence what astropy says about files; cheap, may be called before every read."""
    from importlib import import_module

    for module, name, where in _IGNORED:
        _ignore(getattr(import_module(module), name), where)
    # "Inconsistent SIP distortion information" and its like would be printed on stderr.
    logging.getLogger("astropy").setLevel(logging.ERROR)


def quiet_pillow() -> None:
    """Silence what Pillow and tifffile say about files (sizes are checked by the reader)."""
    from PIL.Image import DecompressionBombWarning

    _ignore(DecompressionBombWarning, "")
    _ignore(UserWarning, r"PIL\.")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    logging.getLogger("PIL").setLevel(logging.CRITICAL)


def _ignore(category: type[Warning], where: str) -> None:
    """Add the filter unless it is there (pytest, for one, takes filters away again)."""
    for action, _, known, module, _ in warnings.filters:
        if action == "ignore" and known is category and _pattern(module) == where:
            return
    warnings.filterwarnings("ignore", category=category, module=where)


def _pattern(module: object) -> str:
    return str(getattr(module, "pattern", module or ""))
