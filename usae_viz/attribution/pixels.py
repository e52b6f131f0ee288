"""Pixels → concept: which pixels a concept's pre-gate activation rests on, through captum.

The target is the activation *before* TopK. Through the gate integrated gradients lose their
completeness, since the function jumps where the concept enters the code.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from captum.attr import InputXGradient, IntegratedGradients, NoiseTunnel, Saliency
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from usae_viz.attribution.maps import check_concepts
from usae_viz.backbones import Backbone
from usae_viz.errors import BackboneError, UsageError
from usae_viz.sae import UniversalSAE

Method = Literal["integrated_gradients", "input_x_gradient", "smooth_grad"]
Target = Literal["mean", "peak"]
Baseline = Literal["black", "blur"]

BLUR = 1 / 16
"""Standard deviation of the blurred baseline, as a share of the image's shorter side."""


class PixelAttribution(NamedTuple):
    """Signed contributions of pixels to a concept's pre-gate activation.

    Attributes:
        values: ``[batch, height, width]``, summed over colour channels; standardised units for
            integrated gradients and input × gradient, units per [0, 1] of sRGB for SmoothGrad.
        activation: ``[batch]``, the target on the images.
        baseline: ``[batch]``, the target on the baseline, or None if the method has none.
        delta: ``[batch]``, sum of `values` minus (activation − baseline): what completeness is
            missed by; None for methods that do not promise it.
    """

    values: Tensor
    activation: Tensor
    baseline: Tensor | None
    delta: Tensor | None

    @property
    def completeness_error(self) -> Tensor | None:
        """``[batch]``: \\|delta\\| as a share of \\|activation − baseline\\|."""
        if self.delta is None or self.baseline is None:
            return None
        tiny = torch.finfo(self.delta.dtype).tiny
        return self.delta.abs() / (self.activation - self.baseline).abs().clamp_min(tiny)


class _Concept(nn.Module):
    """Images ``[n, 3, H, W]`` → pre-gate activation ``[n]`` over the tokens, or at one of each."""

    def __init__(self, usae: UniversalSAE, backbone: Backbone, concept: Tensor) -> None:
        super().__init__()
        self.usae, self.backbone, self.concept = usae, backbone, concept

    def tokens(self, images: Tensor) -> Tensor:
        maps = self.backbone(images).flatten(2).transpose(1, 2)
        row = self.usae.pre_gate(self.backbone.name, maps.flatten(0, 1), self.concept)
        return row.view(len(images), -1)

    def forward(self, images: Tensor, position: Tensor) -> Tensor:
        # A position below 0 stands for the mean over tokens. It is an argument of its own so that
        # captum repeats it along with the image it belongs to.
        tokens = self.tokens(images)
        at = tokens.gather(1, position.clamp_min(0)[:, None])[:, 0]
        return torch.where(position < 0, tokens.mean(1), at)


def attribute_pixels(
    usae: UniversalSAE,
    backbone: Backbone,
    images: Tensor,
    concept: int,
    *,
    method: Method = "integrated_gradients",
    target: Target = "mean",
    baseline: Baseline = "black",
    steps: int = 32,
    samples: int = 16,
    noise: float = 0.1,
    batch_size: int = 16,
    seed: int = 0,
) -> PixelAttribution:
    """Attribute a concept's pre-gate activation to pixels.

    Args:
        usae: the USAE; it must know the backbone.
        backbone: the network that reads the images.
        images: ``[batch, 3, height, width]`` sRGB in [0, 1].
        concept: index of the code.
        method: ``integrated_gradients`` (Sundararajan et al. 2017, Gauss–Legendre), complete;
            ``input_x_gradient`` (Shrikumar et al. 2016); ``smooth_grad`` (Smilkov et al. 2017),
            the mean gradient over noisy copies.
        target: mean over tokens, or the token where the concept peaks in the unchanged image.
        baseline: where integrated gradients start: black, or the image blurred by `BLUR`.
        steps: of integrated gradients.
        samples: noisy copies an image of SmoothGrad.
        noise: their standard deviation, in [0, 1] sRGB.
        batch_size: images through the network at once, copies included.
        seed: of the noise. Every image gets the same noise, whatever batch it comes in.

    Raises:
        ConceptError: the concept lies outside the code.
        BackboneError: no gradient of the layer reaches the pixels.
        UsageError: an argument lies outside its range.
    """
    _check(images, method, target, baseline, steps, samples, noise, batch_size)
    function = _Concept(usae, backbone, check_concepts(usae, [concept]).to(images.device))
    # captum switches `requires_grad` on what it is given and, if it fails, leaves it on.
    images = images.detach().clone()
    position = _positions(function, images, target, batch_size)
    _require_gradient(function, images[:1], position[:1])
    if method == "integrated_gradients":
        start = torch.zeros_like(images) if baseline == "black" else _blurred(images)
        values, delta = _integrate(function, images, position, start, steps, batch_size)
        ends = [_activation(function, x, position, batch_size) for x in (images, start)]
        return PixelAttribution(values, ends[0], ends[1], delta)
    if method == "input_x_gradient":
        engine = InputXGradient(function)
        parts = [
            engine.attribute(x.requires_grad_(), additional_forward_args=(p,))
            for x, p in zip(
                torch.split(images, batch_size), torch.split(position, batch_size), strict=True
            )
        ]
    else:
        parts = [
            _smooth(function, x, p, samples, noise, batch_size, seed)
            for x, p in zip(torch.split(images, 1), torch.split(position, 1), strict=True)
        ]
    values = torch.cat(parts).sum(1).detach()
    return PixelAttribution(values, _activation(function, images, position, batch_size), None, None)


def _integrate(
    function: _Concept,
    images: Tensor,
    position: Tensor,
    start: Tensor,
    steps: int,
    batch_size: int,
) -> tuple[Tensor, Tensor]:
    engine = IntegratedGradients(function)
    values, deltas = [], []
    for rows in torch.split(torch.arange(len(images)), batch_size):
        value, delta = engine.attribute(
            images[rows],
            baselines=start[rows],
            additional_forward_args=(position[rows],),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=batch_size,
            return_convergence_delta=True,
        )
        values.append(value.sum(1).detach())
        deltas.append(delta.detach())
    return torch.cat(values), torch.cat(deltas)


def _smooth(
    function: _Concept,
    image: Tensor,
    position: Tensor,
    samples: int,
    noise: float,
    batch_size: int,
    seed: int,
) -> Tensor:
    # captum draws its noise from the global generator: give it one of our own and put that back.
    devices = [image.device] if image.is_cuda else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        result: Tensor = NoiseTunnel(Saliency(function)).attribute(
            image,
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=min(samples, batch_size),
            stdevs=noise,
            additional_forward_args=(position,),
            abs=False,
        )
    return result


@torch.no_grad()
def _positions(function: _Concept, images: Tensor, target: Target, batch_size: int) -> Tensor:
    if target == "mean":
        return torch.full((len(images),), -1, dtype=torch.int64, device=images.device)
    return torch.cat([function.tokens(part).argmax(1) for part in torch.split(images, batch_size)])


@torch.no_grad()
def _activation(function: _Concept, images: Tensor, position: Tensor, batch_size: int) -> Tensor:
    parts = zip(torch.split(images, batch_size), torch.split(position, batch_size), strict=True)
    return torch.cat([function(x, p) for x, p in parts])


def _require_gradient(function: _Concept, image: Tensor, position: Tensor) -> None:
    pixels = image.clone().requires_grad_()
    activation = function(pixels, position)
    if activation.requires_grad:
        (gradient,) = torch.autograd.grad(activation.sum(), pixels, allow_unused=True)
        if gradient is not None and gradient.any():
            return
    raise BackboneError(
        f"no gradient of {function.backbone.name}'s layer reaches the pixels",
        expected="a token map that is a differentiable function of the image",
        hint="read another layer; `usae-viz doctor` says which pass a gradient",
    )


def _blurred(images: Tensor) -> Tensor:
    sigma = max(1.0, BLUR * min(images.shape[-2:]))
    # Reflection at the border needs an image larger than the kernel's half.
    half = min(math.ceil(3 * sigma), min(images.shape[-2:]) - 1)
    blurred: Tensor = gaussian_blur(images, [2 * half + 1] * 2, [sigma, sigma])
    return blurred


def _check(
    images: Tensor,
    method: str,
    target: str,
    baseline: str,
    steps: int,
    samples: int,
    noise: float,
    batch_size: int,
) -> None:
    chosen = (
        ("method", method, Method),
        ("target", target, Target),
        ("baseline", baseline, Baseline),
    )
    for argument, value, kinds in chosen:
        if value not in get_args(kinds):
            raise UsageError(
                f"{argument} {value!r} is not known", expected=" or ".join(get_args(kinds))
            )
    if images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise UsageError(
            "pixels can be attributed to images only",
            expected="[batch, 3, height, width], at least one",
            got=str(list(images.shape)),
        )
    if min(steps, samples, batch_size) < 1 or noise <= 0:
        raise UsageError(
            "a setting of the attribution is out of range",
            expected="steps, samples and batch_size of at least 1, noise above 0",
            got=f"{steps}, {samples}, {batch_size} and {noise:g}",
        )
