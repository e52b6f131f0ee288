"""Grad-CAM (Selvaraju et al. 2017) at the layer that is read."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from usae_viz.attribution.target import ConceptTarget, batches


def grad_cam(function: ConceptTarget, images: Tensor, weights: Tensor, size: int) -> Tensor:
    """Return ``[batch, height, width]``, at least 0: channels weighted by their mean gradient.

    Args:
        function: the concept's pre-gate activation.
        images: ``[batch, 3, height, width]`` sRGB in [0, 1].
        weights: ``[batch, tokens]``, of the tokens in the target.
        size: images through the network at once.
    """
    # By hand: captum's LayerGradCam hooks a module, but the layer that is read is a function's
    # result (timm's intermediates, resampled to the common grid), not always a module's.
    maps = []
    name = function.backbone.name
    for x, w in batches(images, weights, size):
        with torch.no_grad():
            tokens = function.backbone(x)
        standard = function.usae.standardise(name, tokens.permute(0, 2, 3, 1)).requires_grad_()
        restored = function.usae.restore(name, standard).flatten(0, 2)
        row = function.usae.pre_gate(name, restored, function.get_buffer("concept").to(x.device))
        (gradient,) = torch.autograd.grad((row.view(len(x), -1) * w).sum(), standard)
        cam = (standard.detach() * gradient.mean((1, 2), keepdim=True)).sum(-1).relu()
        maps.append(F.interpolate(cam[:, None], x.shape[-2:], mode="bilinear")[:, 0])
    return torch.cat(maps)
