"""What several vision models mean by the same concept.

The names below are the public API; each is loaded on first use, so that importing the package,
and the command line's help, import no torch.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.attribution import heatmap as heatmap
    from usae_viz.backbones import load_backbone as load_backbone
    from usae_viz.backbones import register_backbone as register_backbone
    from usae_viz.concepts import concept_table as concept_table
    from usae_viz.concepts import load_index as load_index
    from usae_viz.concepts import name_concept as name_concept
    from usae_viz.errors import UsaeVizError as UsaeVizError
    from usae_viz.maximize import maximize as maximize
    from usae_viz.recipe import load_recipe as load_recipe
    from usae_viz.run import Run as Run
    from usae_viz.run import demo_run as demo_run
    from usae_viz.run import open_run as open_run
    from usae_viz.sae import UniversalSAE as UniversalSAE
    from usae_viz.sae import load_usae as load_usae
    from usae_viz.workflow import attribute as attribute
    from usae_viz.workflow import build_gallery as build_gallery
    from usae_viz.workflow import compare as compare
    from usae_viz.workflow import evaluate as evaluate
    from usae_viz.workflow import train as train

_HOMES = {
    "Run": "run",
    "UniversalSAE": "sae",
    "UsaeVizError": "errors",
    "attribute": "workflow",
    "build_gallery": "workflow",
    "compare": "workflow",
    "concept_table": "concepts",
    "demo_run": "run",
    "evaluate": "workflow",
    "heatmap": "attribution",
    "load_backbone": "backbones",
    "load_index": "concepts",
    "load_recipe": "recipe",
    "load_usae": "sae",
    "maximize": "maximize",
    "name_concept": "concepts",
    "open_run": "run",
    "register_backbone": "backbones",
    "train": "workflow",
}

__version__ = "0.1.0"
__all__ = [*sorted(_HOMES), "__version__"]
__getattr__ = loader(__name__, _HOMES)


def __dir__() -> list[str]:
    """List the public names before they are loaded."""
    return list(__all__)


class _Package(ModuleType):
    """Keeps the import system from binding a room over the function of the same name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
