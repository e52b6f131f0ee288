"""A pretrained network as a differentiable function from [0,1] images to a token map."""

from usae_viz.backbones.backbone import Backbone
from usae_viz.backbones.loading import describe_layers, load_backbone, load_run_backbones

__all__ = ["Backbone", "describe_layers", "load_backbone", "load_run_backbones"]
