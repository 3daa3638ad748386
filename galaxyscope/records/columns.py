"""Columns of tables: names that carry the unit, units, and what each one means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Header; carries the unit.
    type : {"text", "float", "int"}
    description : str
    unit : str
        As astropy writes it, empty for plain numbers and texts.
    """

    name: str
    type: Literal["text", "float", "int"]
    description: str
    unit: str = ""


RECORD_COLUMNS = (
    Column("path", "text", "file that was measured"),
    Column("kind", "text", "automatic or drawn"),
    Column("algorithm", "text", "published, invariant, or line for a drawn one"),
    Column("length_px", "float", "full length of the bar in pixels of the file", "pix"),
    Column("length_err_px", "float", "one standard deviation of length_px", "pix"),
    Column("length_arcsec", "float", "full length; empty without a pixel scale", "arcsec"),
    Column("length_kpc", "float", "full length; empty without scale and redshift", "kpc"),
    Column("pa_deg", "float", "position angle in [0, 180), measured as pa_frame says", "deg"),
    Column("pa_frame", "text", "sky: east of north; image: counter-clockwise from up on screen"),
    Column("x1", "float", "first end, column; 0-based, integers are pixel centres", "pix"),
    Column("y1", "float", "first end, array row", "pix"),
    Column("x2", "float", "second end, column", "pix"),
    Column("y2", "float", "second end, array row", "pix"),
    Column("threshold", "float", "level relative to the map's maximum where the search stopped"),
    Column("flags", "text", "what a careful reader should know"),
    Column("reason", "text", "why no bar was found"),
    Column("scale_arcsec_per_px", "float", "size of a pixel", "arcsec / pix"),
    Column("scale_source", "text", "WCS, header, catalogue or user"),
    Column("redshift", "float", "redshift that length_kpc was computed with"),
    Column("cosmology", "text", "cosmology that length_kpc was computed with"),
    Column("model", "text", "network"),
    Column("model_sha256", "text", "hash of the network's weights"),
    Column("target", "text", "class that was explained"),
    Column("target_probability", "float", "what the network says of the target"),
    Column("method", "text", "explanation method"),
    Column("samples", "int", "samples the map is the mean of"),
    Column("noise", "float", "standard deviation of the noise over the range of the input"),
    Column("seed", "int", "seed of the random numbers"),
    Column("parameters", "text", "all settings of explainer and algorithm, JSON"),
    Column("observer", "text", "who drew the line"),
    Column("created_at", "text", "when it was drawn or measured, UTC"),
    # No unit: VOTable has none for per cent.
    Column("difference_percent", "float", "drawn minus automatic length, % of the automatic one"),
    Column("difference_deg", "float", "drawn minus automatic angle, in (-90, 90]", "deg"),
    Column("image_sha256", "text", "hash of the file's bytes"),
    Column("plane", "text", "HDU and plane inside the file, empty if it has one picture"),
    Column("version", "text", "version of GalaxyScope"),
    Column("error", "text", "why there is no measurement"),
)
