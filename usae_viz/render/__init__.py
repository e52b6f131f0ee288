"""Arrays and Pillow images in, pictures and charts out; scales are always the caller's."""

from usae_viz.render.bars import Bar, signed_bars
from usae_viz.render.charts import Line, heat_table, line_chart
from usae_viz.render.colour import diverging, sequential, sequential_table
from usae_viz.render.distributions import histogram_chart, matrix_chart
from usae_viz.render.logarithmic import log_histogram, log_scatter
from usae_viz.render.picture import (
    heat_pixels,
    outline,
    over_ground,
    overlay,
    png,
    signed_overlay,
    to_picture,
    upsample,
)
from usae_viz.render.sheet import Tile, sheet

__all__ = [
    "Bar",
    "Line",
    "Tile",
    "diverging",
    "heat_pixels",
    "heat_table",
    "histogram_chart",
    "line_chart",
    "log_histogram",
    "log_scatter",
    "matrix_chart",
    "outline",
    "over_ground",
    "overlay",
    "png",
    "sequential",
    "sequential_table",
    "sheet",
    "signed_bars",
    "signed_overlay",
    "to_picture",
    "upsample",
]
