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
    Column("algorithm", "text", "phase, invariant, published; line: a drawn one"),
    Column("length_px", "float", "full length of the bar in pixels of the file", "pix"),
    Column("length_err_px", "float", "one standard deviation of length_px", "pix"),
    Column("length_arcsec", "float", "full length; empty without a pixel scale", "arcsec"),
    Column("length_err_arcsec", "float", "one standard deviation of length_arcsec", "arcsec"),
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
    Column("target", "text", "answer that was explained, or what was made of it"),
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
    Column("object_id", "text", "name of the galaxy in a catalogue"),
    Column("ra_deg", "float", "ICRS right ascension of the bar's (or picture's) middle", "deg"),
    Column("dec_deg", "float", "ICRS declination of the bar's (or picture's) middle", "deg"),
    Column("source", "text", "where an imported row stands: file, line, form"),
    Column("r90_arcsec", "float", "petroR90 of the galaxy, given or catalogued", "arcsec"),
    Column("r25_arcsec", "float", "radius at 25 mag/arcsec2, given or catalogued", "arcsec"),
    Column("length_per_2r90", "float", "full length over 2 r90_arcsec"),
    Column("length_per_2r25", "float", "full length over 2 r25_arcsec"),
    # No unit: h belongs to the reader's cosmology, the formats have none for it.
    Column("length_kpc_h", "float", "full length in kpc/h, where asked for"),
    Column("inclination_deg", "float", "inclination of the disc, 0 is face-on", "deg"),
    Column("inclination_err_deg", "float", "one standard deviation of it", "deg"),
    Column("disc_pa_deg", "float", "position angle of the disc, as pa_frame says", "deg"),
    Column("disc_pa_err_deg", "float", "one standard deviation of it", "deg"),
    Column("disc_source", "text", "who says so of the disc: user or isophotes"),
    Column("deprojected_px", "float", "full length in the plane of the disc", "pix"),
    Column("deprojected_err_px", "float", "one standard deviation of deprojected_px", "pix"),
    Column("deprojected_arcsec", "float", "full length in the plane of the disc", "arcsec"),
    Column("deprojected_kpc", "float", "full length in the plane of the disc", "kpc"),
    Column("isophote_ellipticity", "float", "greatest ellipticity of the isophotes"),
    Column("isophote_pa_deg", "float", "direction of that isophote, as pa_frame says", "deg"),
    Column("isophote_length_px", "float", "full length (2 a) at greatest ellipticity", "pix"),
    Column("isophote_turn_length_px", "float", "full length (2 a) where isophotes turn", "pix"),
    Column("fourier_amplitude", "float", "greatest A2/A0 of the light on circles"),
    Column("fourier_pa_deg", "float", "direction of the component there, as pa_frame", "deg"),
    Column("fourier_length_px", "float", "full length (2 r) where A2/A0 is half of it", "pix"),
    Column("network_length_px", "float", "full length that a network answers when asked", "pix"),
    Column("fitted_length_px", "float", "full length in a model of bulge, disc and bar", "pix"),
    Column("fitted_residual", "float", "what that model leaves, over the bar's light"),
    Column("err_sampling_px", "float", "part of length_err_px: samples of the map", "pix"),
    Column("err_networks_px", "float", "part of length_err_px: choice of networks", "pix"),
    Column("err_threshold_px", "float", "part of length_err_px: where the bar ends", "pix"),
    Column("err_grid_px", "float", "part of length_err_px: pixels of the map", "pix"),
    Column("err_method_px", "float", "part of length_err_px: the algorithm itself", "pix"),
    Column("pa_err_deg", "float", "one standard deviation of pa_deg", "deg"),
    Column("length_err_kpc", "float", "one standard deviation of length_kpc", "kpc"),
    Column("length_err_per_2r90", "float", "one standard deviation of length_per_2r90"),
    Column("length_err_per_2r25", "float", "one standard deviation of length_per_2r25"),
    Column("length_err_kpc_h", "float", "one standard deviation of length_kpc_h"),
    Column("deprojected_err_arcsec", "float", "one standard deviation of it", "arcsec"),
    Column("deprojected_err_kpc", "float", "one standard deviation of it", "kpc"),
    Column("ran", "text", "how the network ran (device, threads, modes), JSON"),
    Column("light_r90_px", "float", "radius with 90 % of the light, from the picture", "pix"),
    Column("blind_look", "int", "which look at this galaxy in a blind series; empty: not blind"),
    Column("blind_series", "text", "beginning and seed of the blind series"),
    Column("width_px", "float", "length of the line across the bar", "pix"),
    Column("width_x1", "float", "its first end, column", "pix"),
    Column("width_y1", "float", "its first end, array row", "pix"),
    Column("width_x2", "float", "its second end, column", "pix"),
    Column("width_y2", "float", "its second end, array row", "pix"),
)

CONCEPT_COLUMNS = (
    Column("concept", "text", "name of the folder of examples"),
    Column("target", "text", "answer that was asked about"),
    Column("model", "text", "network"),
    Column("score", "float", "share of pictures for whose answer more of the concept speaks"),
    Column("spread", "float", "standard deviation of the score over random counterparts"),
    Column("random_score", "float", "the score of random pictures in place of the examples"),
    Column("p_value", "float", "of both being equal; two-sided Welch test"),
    Column("accuracy", "float", "share of held-out examples told from random pictures"),
    Column("examples", "int", "examples of the concept"),
    Column("pictures", "int", "pictures whose answers were asked about"),
    Column("counterparts", "int", "random sets that were compared with"),
    Column("seed", "int", "seed of the random sets"),
)
"""Of `galaxyscope.explain.concept_score.ConceptScore`."""
