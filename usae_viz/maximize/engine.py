"""The engine: concepts × backbones in one run, from the same starts through the same views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.errors import UsaeVizError
from usae_viz.maximize.canvas import Canvas, make_canvas
from usae_viz.maximize.objective import concept_activation
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.maximize.views import Views, apply_views, coverage, draw_views
from usae_viz.sae import UniversalSAE

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""

MOMENTS = 64
"""Most moments kept of a trajectory."""
COVERAGE_EVERY = 4
"""Steps between two looks at where the views lie: enough to know, at a quarter of the cost."""
LEAST_COVERAGE = 0.1
"""Pixels looked at less often than this share of the mean count as if looked at so often."""
ALPHA_QUANTILE = 0.99
"""Share of pixels below the value that counts as fully opaque."""


@dataclass(frozen=True)
class Maximized:
    """Pictures of C concepts from S seeds in some backbones.

    Attributes:
        concepts: the C concepts.
        images: per backbone ``[C, S, 3, size, size]`` uint8 sRGB.
        alpha: per backbone ``[C, S, size, size]`` float in [0, 1]: where the optimisation pulled.
        trajectory: per backbone ``[C, S, moments]``: pre-gate activation, mean over that step's
            views, standardised units.
        moments: the steps that `trajectory` is of.
    """

    concepts: tuple[int, ...]
    images: dict[str, Tensor]
    alpha: dict[str, Tensor]
    trajectory: dict[str, Tensor]
    moments: tuple[int, ...]


def maximize_concepts(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    concepts: Sequence[int],
    *,
    settings: MaximizeSettings,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Maximized:
    """Maximize concepts in every backbone, all concepts and seeds of a backbone in one batch.

    All backbones start from the same canvas and see the same views in the same order; views and
    starts depend on the seed alone, so a picture depends neither on which other concepts nor on
    which other backbones are optimised along with it (up to the rounding of batched arithmetic).

    Args:
        usae: the USAE, frozen.
        backbones: the run's backbones. The largest input size among them decides the canvas.
        concepts: which concepts; memory grows with their number, see `MaximizeSettings.chunk`.
        settings: how.
        names: the backbones to optimise for; default: all of `backbones`.
        progress: called every few steps.

    Raises:
        UsaeVizError: an image became not-a-number.
    """
    names = tuple(backbones) if names is None else tuple(names)
    sizes = [backbone.input_size for backbone in backbones.values()]
    size = settings.canvas_size(sizes)
    asked = torch.tensor(list(concepts)).repeat(settings.seeds)
    paths = {
        name: _Path(
            usae, backbones[name], asked, _canvas(settings, size, len(concepts), backbones[name])
        )
        for name in names
    }
    optimizer = torch.optim.Adam(
        [leaf for path in paths.values() for leaf in path.canvas.parameters()],
        lr=settings.step_size,
    )
    chance = [torch.Generator().manual_seed(seed) for seed in _seeds(settings)]
    stride = -(-settings.steps // MOMENTS)
    moments = sorted({*range(0, settings.steps, stride), settings.steps - 1})
    for step in range(settings.steps):
        done = step / max(1, settings.steps - 1)
        views = [
            draw_views(settings.view_spec, settings.views, generator, max(sizes), done)
            for generator in chance
        ]
        optimizer.zero_grad(set_to_none=True)
        for path in paths.values():
            path.pull(views, settings.objective, keep=step in moments)
            if step % COVERAGE_EVERY == 0:
                path.cover(views)
        optimizer.step()
        if progress and (step % 8 == 7 or step + 1 == settings.steps):
            progress("maximizing", step + 1, settings.steps)

    def apart(rows: Tensor) -> Tensor:
        return rows.view(settings.seeds, len(concepts), *rows.shape[1:]).transpose(0, 1).cpu()

    images = {name: path.finished() for name, path in paths.items()}
    return Maximized(
        concepts=tuple(concepts),
        images={name: apart(found) for name, found in images.items()},
        alpha={name: apart(path.opacity()) for name, path in paths.items()},
        trajectory={
            name: apart(torch.stack(path.activations, dim=1)) for name, path in paths.items()
        },
        moments=tuple(moments),
    )


class _Path:
    """The pictures of one backbone on their way."""

    def __init__(
        self, usae: UniversalSAE, backbone: Backbone, concepts: Tensor, canvas: Canvas
    ) -> None:
        self.usae, self.backbone, self.canvas = usae, backbone, canvas
        self.concepts = concepts.to(backbone.mean.device)
        self.pulls = torch.zeros_like(canvas.images()[:, 0].detach())
        self.covered: Tensor | float = 0.0
        self.activations: list[Tensor] = []

    def pull(self, views: list[Views], objective: str, *, keep: bool) -> None:
        """Add this step's gradient of every image to its canvas; one view set per seed."""
        images = self.canvas.images()
        seen = images.detach().requires_grad_()
        looks = [
            apply_views(part, drawn, self.backbone.input_size)
            for part, drawn in zip(seen.chunk(len(views)), views, strict=True)
        ]
        maps = self.backbone(torch.cat(looks))
        activation = concept_activation(
            self.usae, self.backbone.name, maps, self.concepts, objective
        )
        # Images do not share parameters, so the sum gives each the gradient of its own activation.
        (gradient,) = torch.autograd.grad(-activation.sum(), seen)
        torch.autograd.backward(images, gradient)
        self.pulls += gradient.abs().sum(1)
        if keep:
            self.activations.append(activation.detach())

    def cover(self, views: list[Views]) -> None:
        """Note how often the views of this step look at each pixel; one view set per seed."""
        height, width = self.pulls.shape[-2:]
        self.covered = self.covered + torch.stack(
            [coverage(drawn, height, width, self.backbone.input_size) for drawn in views]
        )

    def opacity(self) -> Tensor:
        """Return ``[n, height, width]`` in [0, 1]: how strong the pull was where views looked."""
        assert isinstance(self.covered, Tensor)
        share = self.covered / self.covered.mean((1, 2), keepdim=True)
        each = len(self.pulls) // len(share)
        # Where hardly a view has looked, there is nothing to tell.
        pulls = self.pulls / share.clamp_min(LEAST_COVERAGE).to(self.pulls).repeat_interleave(
            each, 0
        )
        full = pulls.flatten(1).quantile(ALPHA_QUANTILE, dim=1).clamp_min(1e-12)
        return (pulls / full[:, None, None]).clamp(0, 1)

    @torch.no_grad()
    def finished(self) -> Tensor:
        images = self.canvas.images()
        if not images.isfinite().all():
            raise UsaeVizError(
                f"the pictures of {self.backbone.name} became not-a-number",
                hint="lower lr, or look whether the backbone's weights are finite",
            )
        return (images * 255).round().to(torch.uint8)


def _seeds(settings: MaximizeSettings) -> range:
    return range(settings.seed, settings.seed + settings.seeds)


def _canvas(settings: MaximizeSettings, size: int, concepts: int, backbone: Backbone) -> Canvas:
    # Images of one seed start alike, whatever the concept or backbone.
    starts = [seed for seed in _seeds(settings) for _ in range(concepts)]
    return make_canvas(settings.parametrization, starts, size, size, backbone.mean.device)
