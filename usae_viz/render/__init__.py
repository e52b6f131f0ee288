"""Arrays and Pillow images in, pictures and charts out; scales are always the caller's."""

from usae_viz.render.charts import Line, heat_table, line_chart
from usae_viz.render.colour import diverging, sequential, sequential_table
from usae_viz.render.picture import (
    heat_pixels,
    over_ground,
    overlay,
    signed_overlay,
    to_picture,
    upsample,
)
from usae_viz.render.sheet import Tile, sheet

__all__ = [
    "Line",
    "Tile",
    "diverging",
    "heat_pixels",
    "heat_table",
    "line_chart",
    "over_ground",
    "overlay",
    "sequential",
    "sequential_table",
    "sheet",
    "signed_overlay",
    "to_picture",
    "upsample",
]
