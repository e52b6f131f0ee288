"""Coordinated activation maximization: canvas, views, objective, engine, report.

Each name is loaded on first use: what a verb does not need, it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.maximize.canvas import Canvas as Canvas
    from usae_viz.maximize.canvas import FourierCanvas as FourierCanvas
    from usae_viz.maximize.canvas import MacoCanvas as MacoCanvas
    from usae_viz.maximize.canvas import OwnCanvas as OwnCanvas
    from usae_viz.maximize.canvas import ParamF as ParamF
    from usae_viz.maximize.canvas import PixelCanvas as PixelCanvas
    from usae_viz.maximize.collection import MaximizeResults as MaximizeResults
    from usae_viz.maximize.engine import maximize_concepts as maximize_concepts
    from usae_viz.maximize.from_run import maximize as maximize
    from usae_viz.maximize.modes import MODES as MODES
    from usae_viz.maximize.modes import Row as Row
    from usae_viz.maximize.modes import rows_of as rows_of
    from usae_viz.maximize.pictures import Maximized as Maximized
    from usae_viz.maximize.readings import Reading as Reading
    from usae_viz.maximize.readings import read_maximized as read_maximized
    from usae_viz.maximize.result import MaximizeResult as MaximizeResult
    from usae_viz.maximize.result import is_readable as is_readable
    from usae_viz.maximize.result import read_result as read_result
    from usae_viz.maximize.settings import MaximizeSettings as MaximizeSettings
    from usae_viz.maximize.views import Views as Views
    from usae_viz.maximize.views import ViewSpec as ViewSpec
    from usae_viz.maximize.views import apply_views as apply_views
    from usae_viz.maximize.views import draw_views as draw_views

_HOMES = {
    "Canvas": "canvas",
    "FourierCanvas": "canvas",
    "MODES": "modes",
    "MacoCanvas": "canvas",
    "MaximizeResult": "result",
    "MaximizeResults": "collection",
    "MaximizeSettings": "settings",
    "Maximized": "pictures",
    "OwnCanvas": "canvas",
    "ParamF": "canvas",
    "PixelCanvas": "canvas",
    "Reading": "readings",
    "Row": "modes",
    "ViewSpec": "views",
    "Views": "views",
    "apply_views": "views",
    "draw_views": "views",
    "is_readable": "result",
    "maximize": "from_run",
    "maximize_concepts": "engine",
    "read_maximized": "readings",
    "read_result": "result",
    "rows_of": "modes",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
