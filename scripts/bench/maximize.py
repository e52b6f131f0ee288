"""Maximization: the cost of a step, the time to a given activation, and what batching is worth.

The networks of the first part are made without weights, which changes no time. lucent and horama
are left out where they are not installed: ``pip install --no-deps torch-lucent horama`` and, for
the latter, ``pip install matplotlib einops``. lucent runs under `maximize.lucent.lucents_kornia`;
horama reads its magnitude spectrum from the working folder, where this writes the shipped natural
one, so that nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from timing import Row, row_of, seconds
from torch import Tensor, nn

from usae_viz.backbones import Backbone, load_backbone, load_run_backbones
from usae_viz.concepts import load_index
from usae_viz.maximize import MaximizeSettings, maximize_concepts
from usae_viz.maximize.lucent import lucents_kornia
from usae_viz.maximize.spectrum import natural_magnitude
from usae_viz.recipe import BackboneSpec
from usae_viz.run import demo_run
from usae_viz.sae import UniversalSAE, load_usae

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LAYERS = {"resnet18": "layer4", "vit_tiny_patch16_224": "norm", "deit_tiny_patch16_224": "norm"}
"""The last layer of each network, by the name that lucent gives it."""
LUCENT_STEPS, HORAMA_STEPS = 512, 1000
"""Their defaults."""
BUDGETS = (8, 16, 32, 64, 128, 256, 512)
"""Numbers of our steps tried until an activation is reached."""


def rows(quick: bool) -> list[Row]:
    """Time steps, roads to an activation, and batches."""
    with _workplace():
        return [*_steps(quick), *_reaching(quick), *_batching(quick)]


@contextlib.contextmanager
def _workplace() -> Iterator[None]:
    """Work in a folder that holds horama's spectrum."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, lucents_kornia():
        np.save(Path(folder, "spectrum_decorrelated.npy"), natural_magnitude(512, 512).numpy())
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: its rows are left out", file=sys.stderr)
        return None


class _Subject:
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


def _without_weights(name: str) -> _Subject:
    network: nn.Module = timm.create_model(name, pretrained=False)
    tokens = name != "resnet18"

    def read(images: Tensor) -> Tensor:
        found: Tensor = network.forward_features(images)  # type: ignore[operator]
        return found[:, 1:].transpose(1, 2).unflatten(2, (14, 14)) if tokens else found

    backbone = Backbone(
        name, network, read, input_size=224, mean=MEAN, std=STD, grid=None, weights_sha256="-"
    )
    return _Subject(backbone, LAYERS[name], tokens)


def _timed(run: Callable[[], Tensor]) -> tuple[float, Tensor]:
    began = time.perf_counter()
    made = run()
    return time.perf_counter() - began, made


def _per_step(run: Callable[[int], object], steps: int, once: float) -> float:
    """Return the seconds of a step, without `once`: a run's first step and what belongs to it."""
    return (seconds(lambda: run(1 + steps)) - once) / steps


def _steps(quick: bool) -> list[Row]:
    """Compare one step with the bare pass of its batch, and with theirs."""
    cases = [(224, 1), (512, 1), (224, 6), (512, 6)]
    found = []
    for name in ["resnet18"] if quick else list(LAYERS):
        subject = _without_weights(name)
        for size, views in [(224, 1), (512, 6)] if quick else cases:
            steps, rounds = (1 if views > 1 else 4, 2) if quick else (6 if views == 1 else 2, 5)
            found += _step(subject, size, views, steps, rounds)
    return found


def _step(subject: _Subject, size: int, views: int, steps: int, rounds: int) -> list[Row]:
    def ours(steps: int, **more: Any) -> Tensor:
        return subject.ours([0], steps=steps, size=size, views=views, **more)

    def bare(steps: int) -> None:
        for _ in range(steps):
            subject.bare(views)

    runs: dict[str, Callable[[int], object]] = {
        "ours": ours,
        "ours, bfloat16": lambda steps: ours(steps, precision="bfloat16"),
        "bare-forward-backward": bare,
    }
    # lucent looks at its canvas once a step, at the canvas's own size.
    if views == 1 and size == subject.backbone.input_size and _peer("lucent"):
        runs["lucent"] = lambda steps: subject.lucent(0, steps, size)
    if (size, views) == (512, 6) and _peer("horama"):
        runs["horama"] = lambda steps: subject.horama(
            0, steps, image_size=size, crops_per_iteration=views
        )
    times: dict[str, list[float]] = {key: [] for key in runs}
    once = {
        key: min(seconds(functools.partial(run, 1)) for _ in range(3)) for key, run in runs.items()
    }
    for number in range(rounds):
        for key in list(runs)[:: 1 if number % 2 == 0 else -1]:
            times[key].append(_per_step(runs[key], steps, once[key]))
    work = f"a step of {subject.backbone.name}, canvas {size}, views {views}"
    bare_times = times.pop("bare-forward-backward")
    mine = times.pop("ours")
    half = times.pop("ours, bfloat16")
    return [
        row_of(work, "bare-forward-backward", mine, bare_times),
        row_of(f"{work}, bfloat16", "bare-forward-backward", half, bare_times),
        *(row_of(work, peer, mine, theirs) for peer, theirs in times.items()),
    ]


def _real() -> _Subject | None:
    folder = os.environ.get("USAE_VIZ_REAL_DATA")
    if not folder:
        print("USAE_VIZ_REAL_DATA is not set: a bundled network is asked instead", file=sys.stderr)
        return None
    spec = BackboneSpec(
        name="mobilenetv2",
        model="timm:mobilenetv2_100",
        layer=3,
        weights="mobilenetv2_100.tv_in1k_nohead.safetensors",
        kwargs={"num_classes": 0},
        mean=MEAN,
        std=STD,
    )
    return _Subject(load_backbone(spec, weights_dir=f"{folder}/weights"), "blocks_4", False)


def _reaching(quick: bool) -> list[Row]:
    """Compare the times to the activation that theirs has on the clean image in the end."""
    subject = None if quick else _real()
    if subject is None:
        backbone = load_run_backbones(demo_run(), ["resnet"])["resnet"]
        subject = _Subject(backbone, "layer4", False)
    count = 2 if quick else 20
    channels = [number * subject.backbone.dim // count for number in range(count)]
    ways: dict[str, Callable[[int], Tensor]] = {}
    if _peer("lucent"):
        ways["lucent"] = lambda channel: subject.lucent(channel, LUCENT_STEPS)
    if _peer("horama") and not quick:
        ways["horama"] = lambda channel: subject.horama(channel, HORAMA_STEPS)
    theirs: dict[str, list[float]] = {}
    goals: dict[str, Tensor] = {}
    for peer, way in ways.items():
        made = [_timed(functools.partial(way, channel)) for channel in channels]
        theirs[peer] = [took for took, _ in made]
        goals[peer] = subject.activation(torch.cat([picture for _, picture in made]), channels)
    ours: dict[str, list[float | None]] = {peer: [None] * count for peer in ways}
    needed: dict[str, list[int]] = {peer: [2 * BUDGETS[-1]] * count for peer in ways}
    for steps in BUDGETS:
        if not any(None in times for times in ours.values()):
            break
        took, pictures = _timed(functools.partial(subject.ours, channels, steps=steps))
        reached = subject.activation(pictures, channels)
        for peer in ways:
            for number in range(count):
                if ours[peer][number] is None and reached[number] >= goals[peer][number]:
                    ours[peer][number], needed[peer][number] = took / count, steps
    found = []
    for peer in ways:
        # Not reached at all: counted as if twice the largest budget were needed.
        mine = [2 * took / count if time is None else time for time in ours[peer]]
        work = (
            f"to {peer}'s activation on the clean image, {count} channels of "
            f"{subject.backbone.name} in a batch; median {statistics.median(needed[peer]):g} steps"
        )
        found.append(row_of(work, peer, mine, theirs[peer]))
    return found


def _batching(quick: bool) -> list[Row]:
    """Compare one run over concepts and backbones with one run each."""
    run = demo_run()
    names = list(run.names)[:3]
    backbones, usae = load_run_backbones(run, names), load_usae(run)
    concepts = load_index(run).most_universal(4 if quick else 16)
    settings = MaximizeSettings(steps=4 if quick else 8)

    def together() -> None:
        maximize_concepts(usae, backbones, concepts, settings=settings)

    def apart() -> None:
        for name in names:
            for concept in concepts:
                maximize_concepts(
                    usae, {name: backbones[name]}, [concept], settings=settings, names=[name]
                )

    together()
    rounds = [(seconds(together), seconds(apart)) for _ in range(2 if quick else 5)]
    work = f"{len(concepts)} concepts in {len(names)} bundled backbones, one batch"
    ours, theirs = zip(*rounds, strict=True)
    return [row_of(work, "one-by-one", ours, theirs)]
