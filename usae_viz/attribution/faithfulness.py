"""How far an attribution map can be trusted on this very image.

No absolute number says so; what does is whether a map beats maps that know nothing of the network:
random ones, the image's edges, the middle of the image. All are measured alike, on the same image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from captum.metrics import infidelity, sensitivity_max
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.sae.bootstrap import ends

Score = Callable[[Tensor], Tensor]
"""Images ``[n, 3, H, W]`` → the target ``[n]``."""


class Faithfulness(NamedTuple):
    """What one map reaches on one image.

    Attributes:
        deletion: area under the target's curve as the pixels it ranks highest go first (Petsiuk et
            al. 2018), scaled so that the image is 1 and the baseline 0; lower is better.
        insertion: the same as they come back first; higher is better.
        fidelity: μFidelity (Bhatt et al. 2020), Pearson correlation over random sets of cells
            between the attribution removed and the fall of the target; NaN if either is constant.
    """

    deletion: float
    insertion: float
    fidelity: float

    @property
    def margin(self) -> float:
        """Insertion minus deletion: one number that is larger for a better map."""
        return self.insertion - self.deletion


def measure_faithfulness(
    score: Score,
    image: Tensor,
    start: Tensor,
    maps: Mapping[str, Tensor],
    *,
    steps: int = 16,
    subsets: int = 64,
    cells: int = 8,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, Faithfulness]:
    """Measure several maps on one image; all meet the same subsets.

    Args:
        score: the target.
        image: ``[3, H, W]``.
        start: what removed pixels become, ``[3, H, W]``.
        maps: attribution ``[H, W]`` by name; larger means more important.
        steps: points of each curve after the first.
        subsets: random sets for μFidelity.
        cells: cells along each side that the sets consist of.
        batch_size: images at once.
        seed: of the sets.

    Raises:
        UsageError: a map has another shape or is not finite, or a number is out of range.
    """
    if min(steps, subsets, cells, batch_size) < 1:
        raise UsageError("steps, subsets, cells and batch_size must be at least 1")
    for name, values in maps.items():
        if values.shape != image.shape[1:] or not values.isfinite().all():
            raise UsageError(
                f"the map {name!r} cannot be measured",
                expected=f"finite values {list(image.shape[1:])}",
                got=str(list(values.shape)),
            )

    @torch.no_grad()
    def read(masks: Tensor) -> Tensor:
        """Score the image with ``masks [n, H, W]`` telling what is kept."""
        parts = [
            score(start + part[:, None] * (image - start)).cpu().double()
            for part in torch.split(masks, batch_size)
        ]
        return torch.cat(parts)

    full, empty = read(torch.stack([torch.ones_like(image[0]), torch.zeros_like(image[0])]))
    sets = _subsets(image, subsets, cells, seed)
    fall = full - read(1 - sets)
    result = {}
    for name, values in maps.items():
        kept = _curve(values, steps).to(image)
        inserted, deleted = read(torch.cat([kept, 1 - kept])).chunk(2)
        scale = full - empty
        # A target that the baseline does not lower has no curve to speak of.
        usable = scale.abs() > 1e-6 * max(full.abs(), empty.abs(), torch.tensor(1e-12))
        areas = [
            float(torch.trapezoid((curve - empty) / scale, dx=1 / steps)) if usable else 0.5
            for curve in (deleted, inserted)
        ]
        removed = (sets * values).sum((1, 2)).cpu().double()
        result[name] = Faithfulness(areas[0], areas[1], _pearson(removed, fall))
    return result


def infidelity_of(
    score: Score, image: Tensor, values: Tensor, *, samples: int = 32, seed: int = 0
) -> float:
    """Return captum's infidelity (Yeh et al. 2019) of a map on one image, over that of no map.

    The perturbation is Gaussian noise of 0.1 sRGB. 0 is best; 1 is what a map of zeros reaches.

    Args:
        score: the target.
        image: ``[3, H, W]``.
        values: attribution ``[H, W]`` in units of the target, as input × gradient or integrated
            gradients give it.
        samples: perturbations.
        seed: of the noise.
    """
    generator = torch.Generator(image.device)

    def perturb(inputs: Tensor, baselines: object = None) -> tuple[Tensor, Tensor]:
        del baselines
        noise = 0.1 * torch.randn(inputs.shape, generator=generator, device=inputs.device)
        return noise, inputs - noise

    # The sum over channels is what a map has per pixel: share it over the channels that changed.
    spread = (values / image.sum(0).clamp_min(1e-3)).expand(3, -1, -1)
    missed, whole = (
        infidelity(
            score, perturb, image[None], one, n_perturb_samples=samples, max_examples_per_batch=16
        )
        for one in (spread[None], torch.zeros_like(spread)[None])
        # Both meet the same noise.
        if generator.manual_seed(seed)
    )
    return float(missed[0] / whole[0].clamp_min(torch.finfo(whole.dtype).tiny))


def sensitivity_of(
    explain: Callable[[Tensor], Tensor],
    image: Tensor,
    *,
    radius: float = 0.02,
    samples: int = 4,
    seed: int = 0,
) -> float:
    """Return captum's max-sensitivity (Yeh et al. 2019): how much the map moves as the image does.

    Args:
        explain: images ``[n, 3, H, W]`` → maps ``[n, H, W]``.
        image: ``[3, H, W]``.
        radius: of the perturbation, in [0, 1] sRGB.
        samples: perturbations.
        seed: of these.

    Returns:
        Largest change of the map over its own norm; 0 is steady.
    """
    devices = [image.device] if image.is_cuda else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        found = sensitivity_max(
            # captum hands over a tuple, also of one.
            lambda inputs: explain(inputs[0].detach().clamp(0, 1))[:, None],
            image[None],
            perturb_radius=radius,
            n_perturb_samples=samples,
        )
    return float(found[0])


def ignorant_maps(image: Tensor, *, randoms: int = 3, seed: int = 0) -> dict[str, Tensor]:
    """Return maps ``[H, W]`` that know nothing of the network, for an image ``[3, H, W]``.

    ``random-1`` … are smooth noise, ``edges`` is the magnitude of the Sobel gradient of the
    lightness, ``centre`` a Gaussian of a quarter of the side around the middle.
    """
    height, width = image.shape[1:]
    generator = torch.Generator().manual_seed(seed)
    cells = torch.rand((randoms, 1, 14, 14), generator=generator)
    noise = F.interpolate(cells, (height, width), mode="bilinear")[:, 0].to(image)
    kernel = image.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    grey = F.pad(image.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")
    edges = F.conv2d(grey, torch.stack([kernel, kernel.T])[:, None])[0].square().sum(0).sqrt()
    y = torch.linspace(-1, 1, height, device=image.device)[:, None]
    x = torch.linspace(-1, 1, width, device=image.device)[None]
    centre = torch.exp(-(x.square() + y.square()) / (2 * 0.5**2))
    named = {f"random-{i + 1}": one for i, one in enumerate(noise)}
    return {**named, "edges": edges, "centre": centre}


@contextmanager
def shuffled_weights(network: nn.Module, *, seed: int = 0) -> Iterator[None]:
    """Shuffle every weight tensor within itself, and put all back at the end.

    For the randomisation test (Adebayo et al. 2018): a map that does not change when the weights
    have lost their meaning never depended on them. Shuffling keeps each layer's scale.
    """
    before = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    generator = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for parameter in network.parameters():
                order = torch.randperm(parameter.numel(), generator=generator)
                flat = parameter.flatten()[order.to(parameter.device)]
                parameter.copy_(flat.view_as(parameter))
        yield
    finally:
        network.load_state_dict(before)


def randomisation_correlation(
    explain: Callable[[Tensor], Tensor], network: nn.Module, images: Tensor, *, seed: int = 0
) -> list[float]:
    """Return Spearman's correlation of each image's map with that of shuffled weights.

    Args:
        explain: images ``[n, 3, H, W]`` → maps ``[n, H, W]``, through `network`.
        network: whose weights are shuffled; they are restored.
        images: the images.
        seed: of the shuffling.

    Returns:
        One number an image, of the magnitudes; near 0 for a map that depends on the network, 1 for
        one that looks at the image alone. NaN where a map is constant.
    """
    trained = explain(images)
    with shuffled_weights(network, seed=seed):
        shuffled = explain(images)
    return [rank_correlation(a.abs(), b.abs()) for a, b in zip(trained, shuffled, strict=True)]


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Return Spearman's correlation of two maps of the same shape; NaN if one is constant."""
    flat = [values.flatten().cpu().double() for values in (first, second)]
    ranks = [values.argsort().argsort().double() for values in flat]
    constant = any(bool(v.max() == v.min()) for v in (first, second))
    return float("nan") if constant else _pearson(*ranks)


def paired_interval(
    differences: Sequence[float], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Return mean and 95 % bootstrap interval of paired differences."""
    values = torch.tensor(list(differences), dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(len(values), (resamples, len(values)), generator=generator)
    means = values[draws].mean(1)
    low, high = ends(means)
    return float(values.mean()), low, high


def _curve(values: Tensor, steps: int) -> Tensor:
    """Return masks ``[steps + 1, H, W]`` that keep more and more of the highest-ranked pixels."""
    flat = values.flatten()
    order = flat.argsort(descending=True, stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    counts = torch.linspace(0, len(flat), steps + 1, device=values.device).round()
    return (rank[None] < counts[:, None]).view(-1, *values.shape)


def _subsets(image: Tensor, count: int, cells: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    chosen = (torch.rand((count, 1, cells, cells), generator=generator) < 0.3).float()
    return F.interpolate(chosen, image.shape[1:], mode="nearest")[:, 0].to(image)


def _pearson(first: Tensor, second: Tensor) -> float:
    a, b = first - first.mean(), second - second.mean()
    norm = a.norm() * b.norm()
    return float((a @ b) / norm) if norm > 0 else float("nan")
