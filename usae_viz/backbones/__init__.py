"""A pretrained network as a differentiable function from [0,1] images to a token map."""

from usae_viz.backbones.backbone import Backbone
from usae_viz.backbones.describing import describe_network
from usae_viz.backbones.loading import load_backbone, load_run_backbones
from usae_viz.backbones.registered import register_backbone

__all__ = [
    "Backbone",
    "describe_network",
    "load_backbone",
    "load_run_backbones",
    "register_backbone",
]
