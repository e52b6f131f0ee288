"""A pretrained network as a differentiable function from [0,1] images to a token map.

Each name is loaded on first use: what a verb does not need, it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from usae_viz.lazy import loader

if TYPE_CHECKING:
    from usae_viz.backbones.backbone import Backbone as Backbone
    from usae_viz.backbones.describing import describe_network as describe_network
    from usae_viz.backbones.loading import load_backbone as load_backbone
    from usae_viz.backbones.loading import load_run_backbones as load_run_backbones
    from usae_viz.backbones.registered import register_backbone as register_backbone

_HOMES = {
    "Backbone": "backbone",
    "describe_network": "describing",
    "load_backbone": "loading",
    "load_run_backbones": "loading",
    "register_backbone": "registered",
}

__all__ = sorted(_HOMES)
__getattr__ = loader(__name__, _HOMES)
