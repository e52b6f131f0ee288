"""The jobs that cross rooms: what each verb of the command line does from start to end.

Each is loaded on first use, so that a verb waits for the libraries that it needs and for no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.workflow.attributing import attribute as attribute
    from usae_viz.workflow.attributing import write_reports as write_reports
    from usae_viz.workflow.comparing import compare as compare
    from usae_viz.workflow.dissecting import dissect_run as dissect_run
    from usae_viz.workflow.evaluation import evaluate as evaluate
    from usae_viz.workflow.evaluation import holds_out as holds_out
    from usae_viz.workflow.extraction import extract as extract
    from usae_viz.workflow.heatmaps import heatmap as heatmap
    from usae_viz.workflow.importing import import_official as import_official
    from usae_viz.workflow.indexing import describe_index as describe_index
    from usae_viz.workflow.indexing import index as index
    from usae_viz.workflow.machine import environment as environment
    from usae_viz.workflow.maximizing import maximize as maximize
    from usae_viz.workflow.pages import build_gallery as build_gallery
    from usae_viz.workflow.planning import plan as plan
    from usae_viz.workflow.sharing import pull as pull
    from usae_viz.workflow.sharing import push as push
    from usae_viz.workflow.shipping import SHIPPED_EXAMPLES as SHIPPED_EXAMPLES
    from usae_viz.workflow.shipping import ship as ship
    from usae_viz.workflow.sweeping import sweep as sweep
    from usae_viz.workflow.training import train as train

_HOMES = {
    "SHIPPED_EXAMPLES": "shipping",
    "attribute": "attributing",
    "build_gallery": "pages",
    "compare": "comparing",
    "describe_index": "indexing",
    "dissect_run": "dissecting",
    "environment": "machine",
    "evaluate": "evaluation",
    "extract": "extraction",
    "heatmap": "heatmaps",
    "holds_out": "evaluation",
    "import_official": "importing",
    "index": "indexing",
    "maximize": "maximizing",
    "plan": "planning",
    "pull": "sharing",
    "push": "sharing",
    "ship": "shipping",
    "sweep": "sweeping",
    "train": "training",
    "write_reports": "attributing",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
