"""Pixels → concept: which pixels a concept's pre-gate activation rests on, through captum.

The target is the activation *before* TopK. Through the gate integrated gradients lose their
completeness, since the function jumps where the concept enters the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from captum.attr import InputXGradient, IntegratedGradients, NoiseTunnel, Occlusion, Saliency
from torch import Tensor

from usae_viz.attribution.baselines import Baseline, baseline_images
from usae_viz.attribution.grad_cam import grad_cam
from usae_viz.attribution.relevance import relevance
from usae_viz.attribution.sobol import sobol_indices
from usae_viz.attribution.target import ConceptTarget, Target, token_weights
from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.sae import UniversalSAE

Method = Literal[
    "integrated_gradients",
    "input_x_gradient",
    "smooth_grad",
    "grad_cam",
    "occlusion",
    "sobol",
    "lrp",
]

FROM_BASELINE = frozenset({"integrated_gradients", "occlusion", "sobol"})
"""Methods that start from a baseline."""


class PixelAttribution(NamedTuple):
    """Contributions of pixels to a concept's pre-gate activation.

    Attributes:
        values: ``[batch, height, width]``, summed over colour channels. Signed, in standardised
            units, for integrated gradients, input × gradient, occlusion and LRP; units per [0, 1]
            of sRGB for SmoothGrad; at least 0 for Grad-CAM (arbitrary unit) and Sobol (shares of
            variance).
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


@dataclass(frozen=True)
class PixelSettings:
    """How pixels are attributed.

    Raises:
        UsageError: a value lies outside its range.
    """

    steps: int = 50
    """Of integrated gradients (Gauss–Legendre nodes)."""
    samples: int = 16
    """Noisy copies an image of SmoothGrad."""
    noise: float = 0.1
    """Their standard deviation, in [0, 1] sRGB."""
    window: float = 1 / 7
    """Side of the occluding window as a share of the image's side; it moves by half of that."""
    cells: int = 7
    """Cells along each side of Sobol's grid."""
    designs: int = 16
    """Base points of Sobol's design; a power of two."""
    batch_size: int = 16
    """Images through the network at once, copies included."""
    seed: int = 0
    """Of the noise and of Sobol's scrambling. Every image gets the same, whatever its batch."""

    def __post_init__(self) -> None:
        counts = (self.steps, self.samples, self.cells, self.designs, self.batch_size)
        power = self.designs & (self.designs - 1) == 0
        if min(counts) < 1 or self.noise <= 0 or not 0 < self.window <= 1 or not power:
            raise UsageError(
                "a setting of the attribution is out of range",
                expected="steps, samples, cells, designs and batch_size of at least 1, designs a "
                "power of two, noise above 0, window above 0 and at most 1",
                got=f"{counts}, noise {self.noise:g}, window {self.window:g}",
            )


def attribute_pixels(
    usae: UniversalSAE,
    backbone: Backbone,
    images: Tensor,
    concept: int,
    *,
    method: Method = "integrated_gradients",
    target: Target = "active",
    region: Tensor | None = None,
    baseline: Baseline | Tensor = "blur",
    **settings: float,
) -> PixelAttribution:
    """Attribute a concept's pre-gate activation to pixels.

    Args:
        usae: the USAE; it must know the backbone.
        backbone: the network that reads the images.
        images: ``[batch, 3, height, width]`` sRGB in [0, 1].
        concept: index of the code.
        method: ``integrated_gradients`` (Sundararajan et al. 2017, Gauss–Legendre), complete;
            ``input_x_gradient`` (Shrikumar et al. 2016); ``smooth_grad`` (Smilkov et al. 2017),
            the mean gradient over noisy copies; ``grad_cam`` (Selvaraju et al. 2017) at the layer
            that is read; ``occlusion`` (Zeiler & Fergus 2014); ``sobol`` (Fel et al. 2021);
            ``lrp`` (Bach et al. 2015), for networks of the layers that captum has rules for.
        target: mean over the tokens where the concept is in the unchanged image's code, over all
            tokens, the token where it peaks, or over a region.
        region: ``[batch, height, width]`` or ``[height, width]``, at least 0, for that target.
        baseline: where integrated gradients start, and what occlusion and Sobol put in the place
            of pixels: black, the image blurred, its mean colour, or images of one's own.
        **settings: of `PixelSettings`.

    Raises:
        ConceptError: the concept lies outside the code.
        BackboneError: no gradient of the layer reaches the pixels, or LRP has no rule for one of
            the network's layers.
        UsageError: an argument lies outside its range.
    """
    chosen = _settings(settings)
    _check(images, method)
    function = ConceptTarget(usae, backbone, concept)
    # captum switches `requires_grad` on what it is given and, if it fails, leaves it on.
    images = images.detach().clone()
    size = chosen.batch_size
    weights = token_weights(function, images, target, region, size)
    start = baseline_images(images, baseline)
    if method not in ("occlusion", "sobol"):
        function.require_gradient(images[:1], weights[:1])
    delta = None
    if method == "integrated_gradients":
        values, delta = _integrate(function, images, weights, start, chosen)
    elif method == "sobol":
        values = _sobol(function, images, weights, start, chosen)
    elif method == "grad_cam":
        values = grad_cam(function, images, weights, size)
    else:
        rows = _rows(method, size)
        values = torch.cat(
            [
                _captum(method, function, x, w, s, chosen)
                for x, w, s in zip(
                    torch.split(images, rows),
                    torch.split(weights, rows),
                    torch.split(start, rows),
                    strict=True,
                )
            ]
        )
    return PixelAttribution(
        values,
        function.value(images, weights, size),
        function.value(start, weights, size) if method in FROM_BASELINE else None,
        delta,
    )


def _rows(method: Method, size: int) -> int:
    # SmoothGrad and occlusion make copies of their own, bounded by `size` for one image.
    return size if method in ("input_x_gradient", "lrp") else 1


def _captum(
    method: Method,
    function: ConceptTarget,
    images: Tensor,
    weights: Tensor,
    start: Tensor,
    settings: PixelSettings,
) -> Tensor:
    images = images.clone()
    if method == "input_x_gradient":
        values = InputXGradient(function).attribute(
            images.requires_grad_(), additional_forward_args=(weights,)
        )
    elif method == "lrp":
        values = relevance(function, images, weights)
    elif method == "smooth_grad":
        values = _smooth(function, images, weights, settings)
    else:
        side = max(1, round(settings.window * min(images.shape[-2:])))
        # The counts of overlapping windows are averaged, so that a pixel has the unit of one.
        values = Occlusion(function).attribute(
            images,
            sliding_window_shapes=(3, side, side),
            strides=(3, max(1, side // 2), max(1, side // 2)),
            baselines=start,
            additional_forward_args=(weights,),
            perturbations_per_eval=settings.batch_size,
        )[:, :1]
    result: Tensor = values.sum(1).detach()
    return result


def _integrate(
    function: ConceptTarget, images: Tensor, weights: Tensor, start: Tensor, settings: PixelSettings
) -> tuple[Tensor, Tensor]:
    engine = IntegratedGradients(function)
    values, deltas = [], []
    for rows in torch.split(torch.arange(len(images)), settings.batch_size):
        value, delta = engine.attribute(
            images[rows],
            baselines=start[rows],
            additional_forward_args=(weights[rows],),
            n_steps=settings.steps,
            method="gausslegendre",
            internal_batch_size=settings.batch_size,
            return_convergence_delta=True,
        )
        values.append(value.sum(1).detach())
        deltas.append(delta.detach())
    return torch.cat(values), torch.cat(deltas)


def _smooth(
    function: ConceptTarget, image: Tensor, weights: Tensor, settings: PixelSettings
) -> Tensor:
    # captum draws its noise from the global generator: give it one of our own and put that back.
    devices = [image.device] if image.is_cuda else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(settings.seed)
        result: Tensor = NoiseTunnel(Saliency(function)).attribute(
            image,
            nt_type="smoothgrad",
            nt_samples=settings.samples,
            nt_samples_batch_size=min(settings.samples, settings.batch_size),
            stdevs=settings.noise,
            additional_forward_args=(weights,),
            abs=False,
        )
    return result


def _sobol(
    function: ConceptTarget, images: Tensor, weights: Tensor, start: Tensor, settings: PixelSettings
) -> Tensor:
    def indices(image: Tensor, baseline: Tensor, weight: Tensor) -> Tensor:
        return sobol_indices(
            lambda copies: function(copies, weight.expand(len(copies), -1)),
            image,
            baseline,
            cells=settings.cells,
            designs=settings.designs,
            batch_size=settings.batch_size,
            seed=settings.seed,
        )

    return torch.stack([indices(*one) for one in zip(images, start, weights, strict=True)])


def _settings(given: dict[str, float]) -> PixelSettings:
    unknown = sorted(set(given) - set(PixelSettings.__dataclass_fields__))
    if unknown:
        raise UsageError(
            f"attribution has no setting {', '.join(unknown)}",
            expected=f"some of {', '.join(PixelSettings.__dataclass_fields__)}",
        )
    return PixelSettings(**given)  # type: ignore[arg-type]


def check_method(method: str) -> None:
    """Raise `UsageError` if there is no such method."""
    if method not in get_args(Method):
        raise UsageError(f"method {method!r} is not known", expected=" or ".join(get_args(Method)))


def _check(images: Tensor, method: str) -> None:
    check_method(method)
    if images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise UsageError(
            "pixels can be attributed to images only",
            expected="[batch, 3, height, width], at least one",
            got=str(list(images.shape)),
        )
