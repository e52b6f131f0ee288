"""The jobs that cross rooms: what each verb of the command line does from start to end."""

from usae_viz.workflow.attributing import attribute, write_reports
from usae_viz.workflow.comparing import compare
from usae_viz.workflow.dissecting import dissect_run
from usae_viz.workflow.environment import environment
from usae_viz.workflow.evaluation import evaluate
from usae_viz.workflow.extraction import extract
from usae_viz.workflow.heatmaps import heatmap
from usae_viz.workflow.importing import import_official
from usae_viz.workflow.indexing import describe_index, index
from usae_viz.workflow.maximizing import maximize
from usae_viz.workflow.pages import build_gallery
from usae_viz.workflow.planning import plan
from usae_viz.workflow.sharing import pull, push
from usae_viz.workflow.shipping import SHIPPED_EXAMPLES, ship
from usae_viz.workflow.sweeping import sweep
from usae_viz.workflow.training import train

__all__ = [
    "SHIPPED_EXAMPLES",
    "attribute",
    "build_gallery",
    "compare",
    "describe_index",
    "dissect_run",
    "environment",
    "evaluate",
    "extract",
    "heatmap",
    "import_official",
    "index",
    "maximize",
    "plan",
    "pull",
    "push",
    "ship",
    "sweep",
    "train",
    "write_reports",
]
