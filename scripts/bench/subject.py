"""A network and one of its channels as a concept: what all maximization libraries can be given.

lucent and horama are left out where they are not installed: ``pip install --no-deps torch-lucent
horama`` and, for the latter, ``pip install matplotlib einops``. lucent runs under
`maximize.lucent.lucents_kornia`; horama reads its magnitude spectrum from the working folder, where
`workplace` writes the shipped natural one, so that nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.maximize import MaximizeSettings, maximize_concepts
from usae_viz.maximize.lucent import lucents_kornia
from usae_viz.maximize.spectrum import natural_magnitude
from usae_viz.sae import UniversalSAE

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@contextlib.contextmanager
def workplace() -> Iterator[None]:
    """Work in a folder that holds horama's spectrum."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, lucents_kornia():
        np.save(Path(folder, "spectrum_decorrelated.npy"), natural_magnitude(512, 512).numpy())
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: its rows are left out", file=sys.stderr)
        return None


class Subject:
    """A network, and one of its channels as a concept: what all libraries can maximize."""

    def __init__(self, backbone: Backbone, layer: str, tokens_first: bool) -> None:
        self.backbone, self.layer, self.tokens_first = backbone, layer, tokens_first
        self.usae = UniversalSAE({backbone.name: backbone.dim}, backbone.dim, k=1)
        with torch.no_grad():
            self.usae.weight[0].copy_(torch.eye(backbone.dim))
        self.usae.requires_grad_(False)
        # As their users have it: every weight collects a gradient.
        self.whole = copy.deepcopy(backbone.network).requires_grad_(True)

    def ours(self, channels: list[int], **settings: Any) -> Tensor:
        """Return our pictures ``[n, 3, size, size]`` in [0, 1]."""
        made = maximize_concepts(
            self.usae,
            {self.backbone.name: self.backbone},
            channels,
            settings=MaximizeSettings(**settings),
        )
        return made.images[self.backbone.name][:, 0].float() / 255

    def bare(self, views: int) -> None:
        """Do the frozen forward and backward pass of a batch, and nothing else."""
        size = self.backbone.input_size
        images = torch.rand(views, 3, size, size, requires_grad=True)
        torch.autograd.grad(self.backbone.read(images).sum(), images)

    def lucent(self, channel: int, steps: int, size: int | None = None) -> Tensor:
        """Return lucent's picture in its defaults but for steps and canvas."""
        from lucent.optvis import objectives, param, render, transform

        def objective(layer: Callable[[str], Tensor]) -> Tensor:
            found = layer(self.layer)
            return -(found[:, 1:, channel] if self.tokens_first else found[:, channel]).mean()

        (image,) = render.render_vis(
            self.whole,
            objectives.Objective(objective),
            param_f=None if size is None else lambda: param.image(size),
            thresholds=(steps,),
            progress=False,
            show_image=False,
            fixed_image_size=self.backbone.input_size,
            transforms=[*transform.standard_transforms, self._normalised],
            preprocess=False,
        )
        for module in self.whole.modules():
            module._forward_hooks.clear()  # which it leaves behind
        return torch.from_numpy(image).permute(0, 3, 1, 2)

    def _normalised(self, images: Tensor) -> Tensor:
        return (images - self.backbone.mean) / self.backbone.std

    def horama(self, channel: int, steps: int, **options: Any) -> Tensor:
        """Return horama's MaCo picture in its defaults but for what is given."""
        import horama

        def objective(images: Tensor) -> Tensor:
            found = self.backbone.read(images)
            return found[:, channel].mean()

        picture, _ = horama.maco(
            objective,
            total_steps=steps,
            model_input_size=self.backbone.input_size,
            device="cpu",
            **options,
        )
        # Its values are those that the network is fed with; as a picture they fill [0, 1].
        mean, std = self.backbone.mean, self.backbone.std
        return (picture.detach()[None] * std + mean).clamp(0, 1)

    @torch.no_grad()
    def activation(self, images: Tensor, channels: list[int]) -> Tensor:
        """Return ``[n]``: the mean of each image's channel on the clean image."""
        maps = torch.cat([self.backbone(image[None]) for image in images])
        return maps.mean((2, 3))[torch.arange(len(channels)), channels]
