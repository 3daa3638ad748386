"""Barred galaxies of known truth."""

from galaxyscope.sky.simulate.colour import lupton_colour
from galaxyscope.sky.simulate.draw import draw_truth, draw_varied
from galaxyscope.sky.simulate.files import (
    Sample,
    other_truths,
    write_fits,
    write_jpeg,
    write_truth_table,
)
from galaxyscope.sky.simulate.survey import simulate_galaxy
from galaxyscope.sky.simulate.truth import BANDS, Band, Colour, GalaxyTruth, Neighbour, plain_bar

__all__ = [
    "BANDS",
    "Band",
    "Colour",
    "GalaxyTruth",
    "Neighbour",
    "Sample",
    "draw_truth",
    "draw_varied",
    "lupton_colour",
    "other_truths",
    "plain_bar",
    "simulate_galaxy",
    "write_fits",
    "write_jpeg",
    "write_truth_table",
]
