"""Coordinated activation maximization: canvas, views, objective, engine, report."""

from usae_viz.maximize.canvas import (
    Canvas,
    FourierCanvas,
    MacoCanvas,
    OwnCanvas,
    ParamF,
    PixelCanvas,
)
from usae_viz.maximize.engine import maximize_concepts
from usae_viz.maximize.maximized import Maximized
from usae_viz.maximize.maximizing import maximize
from usae_viz.maximize.modes import MODES, Row, rows_of
from usae_viz.maximize.report import Reading, read_maximized
from usae_viz.maximize.result import MaximizeResult, is_readable, read_result
from usae_viz.maximize.results import MaximizeResults
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.maximize.views import Views, ViewSpec, apply_views, draw_views

__all__ = [
    "MODES",
    "Canvas",
    "FourierCanvas",
    "MacoCanvas",
    "MaximizeResult",
    "MaximizeResults",
    "MaximizeSettings",
    "Maximized",
    "OwnCanvas",
    "ParamF",
    "PixelCanvas",
    "Reading",
    "Row",
    "ViewSpec",
    "Views",
    "apply_views",
    "draw_views",
    "is_readable",
    "maximize",
    "maximize_concepts",
    "read_maximized",
    "read_result",
    "rows_of",
]
