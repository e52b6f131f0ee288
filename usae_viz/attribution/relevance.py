"""Layer-wise relevance propagation (Bach et al. 2015) through captum, where it has the rules."""

from __future__ import annotations

import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import IdentityRule
from torch import Tensor, nn

from usae_viz.attribution.target import ConceptTarget
from usae_viz.errors import BackboneError

PASSING = (nn.Identity, nn.Flatten)
"""Modules that relevance passes through unchanged."""


class _Rules(nn.Module):
    """The target with the network as its only part, so that captum asks for no other rules."""

    def __init__(self, function: ConceptTarget) -> None:
        super().__init__()
        self.network = function.backbone.network
        self._target = (function,)  # in a tuple: not a part

    def forward(self, images: Tensor, weights: Tensor) -> Tensor:
        result: Tensor = self._target[0](images, weights)
        return result


def relevance(function: ConceptTarget, images: Tensor, weights: Tensor) -> Tensor:
    """Return ``[batch, 3, height, width]``: each pixel's relevance to the target.

    Args:
        function: the concept's pre-gate activation.
        images: ``[batch, 3, height, width]`` sRGB in [0, 1].
        weights: ``[batch, tokens]``, of the tokens in the target.

    Raises:
        BackboneError: captum has no rule for one of the network's layers.
    """
    network = function.backbone.network
    # captum wants a rule for every module, also for those that only pass on or do not run at all.
    ran = _modules_that_run(function, images[:1], weights[:1])
    passing = [m for m in network.modules() if m not in ran or isinstance(m, PASSING)]
    try:
        for module in ran:
            # Weights beside parts of its own (a fused norm and activation) would meet no rule.
            if any(True for _ in module.children()) and module._parameters:
                raise TypeError(f"{type(module).__name__} has weights of its own and parts")
        for module in passing:
            module.rule = IdentityRule()
        result: Tensor = LRP(_Rules(function)).attribute(
            images.requires_grad_(), additional_forward_args=(weights,)
        )
    except (TypeError, LookupError, RuntimeError, AssertionError) as error:
        raise BackboneError(
            f"LRP cannot go through {function.backbone.name}",
            expected="a network made of the layers that captum has LRP rules for: convolution, "
            "linear, batch norm, pooling, ReLU, tanh",
            got=str(error)[:300],
            hint="choose another method, for example integrated_gradients",
        ) from error
    finally:
        for module in passing:
            module.__dict__.pop("rule", None)
    return result


@torch.no_grad()
def _modules_that_run(function: ConceptTarget, image: Tensor, weights: Tensor) -> set[nn.Module]:
    found: set[nn.Module] = set()
    handles = [
        module.register_forward_pre_hook(lambda module, _: found.add(module))
        for module in function.backbone.network.modules()
    ]
    try:
        function(image, weights)
    finally:
        for handle in handles:
            handle.remove()
    return found
