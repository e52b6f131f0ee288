"""lucent (PyPI: torch-lucent) and this package together, either way round.

Concepts as lucent objectives, in lucent's own renderer::

    from lucent.optvis import render
    model = lucent_model(run, "vit")
    with lucents_kornia():
        render.render_vis(model, lucent_objective(model, 7), preprocess=False)

lucent's transforms as views and its parametrizations as canvases, in this package's engine::

    from lucent.optvis import param, transform
    spec = ViewSpec(augmentations=lucent_views(transform.standard_transforms))
    maximize(run, 7, view_spec=spec, parametrization=lambda: param.image(256))

lucent itself is imported only by the functions that need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kornia
import torch
from torch import Tensor, nn

from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.errors import UsaeVizError, UsageError
from usae_viz.maximize.views import Augmentation
from usae_viz.run import Run
from usae_viz.sae import UniversalSAE, load_usae

if TYPE_CHECKING:
    from lucent.optvis.objectives import Objective

KORNIA_NAMES = ("get_rotation_matrix2d", "warp_affine")
"""What lucent 0.1.8 looks for in `kornia` and has moved to `kornia.geometry.transform`."""


class ConceptModel(nn.Module):
    """A backbone whose channels are concepts, for libraries that look at a model's layers.

    Maps images ``[batch, 3, height, width]`` in [0, 1] (any size; the backbone resizes and
    normalises) to pre-gate activations ``[batch, concepts, grid, grid]``, standardised units, which
    are also the output of its only layer, ``concepts``. The network itself is not a part that hooks
    can be left in.

    Args:
        usae: the USAE, frozen.
        backbone: one of its backbones.
        concepts: which become channels, in this order; None: all, so a channel is a concept.
    """

    def __init__(
        self, usae: UniversalSAE, backbone: Backbone, concepts: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.asked = None if concepts is None else tuple(concepts)
        self.concepts = _Reader(usae, backbone, self.asked)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``[batch, concepts, grid, grid]``."""
        maps: Tensor = self.concepts(images)
        return maps

    def channel(self, concept: int) -> int:
        """Return the channel of a concept.

        Raises:
            UsageError: the model was not made for it.
        """
        count = self.concepts.count
        if self.asked is None and 0 <= concept < count:
            return concept
        if self.asked is not None and concept in self.asked:
            return self.asked.index(concept)
        have = f"0 to {count - 1}" if self.asked is None else ", ".join(map(str, self.asked))
        raise UsageError(
            "the model has no such concept", expected=f"one of {have}", got=str(concept)
        )


class _Reader(nn.Module):
    def __init__(
        self, usae: UniversalSAE, backbone: Backbone, concepts: tuple[int, ...] | None
    ) -> None:
        super().__init__()
        # In a tuple, so that they are no submodules: lucent hooks those and never unhooks them.
        self._parts = (usae, backbone)
        self._concepts = None if concepts is None else torch.tensor(concepts)
        self.count = usae.concepts

    def forward(self, images: Tensor) -> Tensor:
        usae, backbone = self._parts
        low, high = images.detach().aminmax()
        if low < -1 or high > 2:
            raise UsageError(
                f"{backbone.name} was given images that look normalised already",
                expected="values in [0, 1], up to some noise",
                got=f"{float(low):.2f} to {float(high):.2f}",
                hint="call render_vis(..., preprocess=False): the backbone normalises by itself",
            )
        maps = backbone(images)
        tokens = maps.flatten(2).transpose(1, 2).flatten(0, 1)
        asked = None if self._concepts is None else self._concepts.to(tokens.device)
        found = usae.pre_gate(backbone.name, tokens, asked)
        return found.view(len(maps), *maps.shape[-2:], -1).permute(0, 3, 1, 2)


def lucent_model(
    run: Run, backbone: str, concepts: Sequence[int] | None = None, *, device: str = "cpu"
) -> ConceptModel:
    """Load a backbone of a run as a model whose channels are concepts.

    Args:
        run: a trained run.
        backbone: which of its backbones.
        concepts: make channels of these only, which is cheaper; None: of all.
        device: where to put it; lucent itself uses CUDA wherever there is any.

    Raises:
        RunError: the run has no such backbone.
    """
    usae = load_usae(run).to(device)
    network = load_run_backbones(run, [backbone])[backbone].to(device)
    return ConceptModel(usae, network, concepts)


def lucent_objective(model: ConceptModel, concept: int, batch: int | None = None) -> Objective:
    """Return the lucent objective that raises a concept: minus its mean pre-gate activation.

    lucent's others work on the model as well, for example ``objectives.neuron("concepts", 7)``.

    Args:
        model: of `lucent_model`.
        concept: which.
        batch: optimise only this image of the batch, as in lucent.

    Raises:
        UsageError: the model was not made for the concept.
        UsaeVizError: lucent is not installed.
    """
    try:
        from lucent.optvis import objectives
    except ImportError as error:
        raise UsaeVizError(
            "lucent is not installed",
            hint="pip install --no-deps torch-lucent (without --no-deps it pins an old kornia)",
        ) from error
    return objectives.channel("concepts", model.channel(concept), batch=batch)


def lucent_views(transforms: Iterable[Callable[[Tensor], Tensor]]) -> tuple[Augmentation, ...]:
    """Return lucent's transforms as augmentations of a `ViewSpec`, working under today's kornia.

    They draw once for all views of an image, and the same for all images and backbones. What pads
    changes the size of a view, which is then resized to the backbone's input.
    """
    return tuple(_View(transform) for transform in transforms)


class _View:
    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self._transform = transform
        self.__qualname__ = getattr(transform, "__qualname__", type(transform).__qualname__)

    def __call__(self, seen: Tensor) -> Tensor:
        with lucents_kornia():
            return self._transform(seen)


@contextmanager
def lucents_kornia() -> Iterator[None]:
    """For the time of the block, have the names in `kornia` that lucent 0.1.8 looks for there.

    Without them its `random_rotate`, and so its default transforms, fail under today's kornia.
    """
    moved: Any = kornia.geometry.transform
    missing = [name for name in KORNIA_NAMES if not hasattr(kornia, name)]
    for name in missing:
        setattr(kornia, name, getattr(moved, name))
    try:
        yield
    finally:
        for name in missing:
            delattr(kornia, name)
