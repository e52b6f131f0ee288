"""The engine: concepts × backbones in one run, from the same starts through the same views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.errors import UsaeVizError, UsageError
from usae_viz.maximize.alpha import EVERY, AlphaMap
from usae_viz.maximize.balance import Balance
from usae_viz.maximize.canvas import Canvas, make_canvas
from usae_viz.maximize.freezing import frozen
from usae_viz.maximize.modes import Row, rows_of
from usae_viz.maximize.penalties import total_variation
from usae_viz.maximize.pictures import Maximized
from usae_viz.maximize.pull import BATCH, Pulled, Puller, make_puller
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.maximize.start import PhotoCanvas
from usae_viz.maximize.views import Views, draw_views
from usae_viz.maximize.watch import Watch
from usae_viz.sae import UniversalSAE

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""

MOMENTS = 64
"""Most moments kept of a trajectory."""
PIXELS = {"cpu": 8 * 224**2}
"""Most pixels of views of several pictures in one graph by kind of device, where the settings leave
the number of views open: eight views of 224 pixels still stay in a processor's cache."""


def maximize_concepts(
    usae: UniversalSAE,
    backbones: Mapping[str, Backbone],
    concepts: Sequence[int],
    *,
    settings: MaximizeSettings,
    names: Sequence[str] | None = None,
    against: Sequence[str] | None = None,
    levels: Mapping[str, Sequence[float]] | None = None,
    start: Tensor | None = None,
    progress: Progress | None = None,
) -> Maximized:
    """Maximize concepts: all concepts, rows and seeds are one batch on one canvas.

    All pictures start from the same canvas and see the same views in the same order; views and
    starts depend on the seed alone, so a picture depends neither on which other concepts nor on
    which other backbones are optimised along with it (up to the rounding of batched arithmetic).
    Each backbone's gradient is taken at once and its graph freed before the next one's is built.

    Networks are lent: see `freezing.frozen`.

    Args:
        usae: the USAE.
        backbones: the run's backbones. The largest input size among them decides the canvas.
        concepts: which concepts.
        settings: how.
        names: the backbones to raise the concepts in; default: all of `backbones`.
        against: contrast mode: the backbones to keep them down in.
        levels: per backbone, the natural level of every concept of the code, standardised units;
            None: 1 each. A concept without a level in a backbone (0) is not raised there in a
            shared picture.
        start: ``[3, size, size]`` in [0, 1], the photograph of accentuate mode.
        progress: called every few steps.

    Raises:
        UsageError: the mode and the backbones don't go together.
        UsaeVizError: a gradient is flat, or something became not-a-number; the message names
            concept, backbone and step.
    """
    rows = rows_of(settings.mode, tuple(backbones), names, against)
    device = next(iter(backbones.values())).mean.device
    lent = (usae, *backbones.values())
    # Whatever the caller does without gradients, here they are needed.
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        frozen(*lent, channels_last=settings.in_channels_last(device.type)),
    ):
        work = _Work(usae, backbones, concepts, rows, settings, levels, start)
        work.run(progress)
        return work.finished()


class _Work:
    """One batch of pictures on its way; picture (s · R + r) · C + c is of seed, row, concept."""

    def __init__(
        self,
        usae: UniversalSAE,
        backbones: Mapping[str, Backbone],
        concepts: Sequence[int],
        rows: tuple[Row, ...],
        settings: MaximizeSettings,
        levels: Mapping[str, Sequence[float]] | None,
        start: Tensor | None,
    ) -> None:
        self.settings, self.rows, self.concepts = settings, rows, tuple(concepts)
        self.sizes = [backbone.input_size for backbone in backbones.values()]
        self.shape = (settings.pictures, len(rows), len(self.concepts))
        n = self.shape[0] * self.shape[1] * self.shape[2]
        place = torch.arange(n)
        self.seed_of = (place // (self.shape[1] * self.shape[2])).tolist()
        row_of = (place // self.shape[2] % self.shape[1]).tolist()
        self.device = next(iter(backbones.values())).mean.device
        self.canvas = self._canvas(settings.canvas_size(self.sizes), start)
        asked = torch.tensor(self.concepts)[place % self.shape[2]]
        per_picture = [rows[row] for row in row_of]
        self.pullers = {
            name: puller
            for name, backbone in backbones.items()
            if (puller := make_puller(usae, backbone, asked, per_picture, levels, settings))
        }
        self.chance = [
            torch.Generator().manual_seed(settings.seed + s) for s in range(settings.pictures)
        ]
        kind = settings.balance if settings.mode == "shared" else "sum"
        self.balance = Balance(kind, {k: p.pictures for k, p in self.pullers.items()})
        self.watch = Watch(settings.early_stop, n, self.device)
        self.start = self.canvas.photo if isinstance(self.canvas, PhotoCanvas) else start
        images = self.canvas.images().detach()
        height, width = images.shape[-2:]
        self.alpha = {
            name: AlphaMap(self.seed_of, height, width, p.backbone.input_size, self.device)
            for name, p in self.pullers.items()
        }
        self.likeness: dict[str, Tensor] = {}
        self.moments: list[int] = []
        self.activations: dict[str, list[Tensor]] = {name: [] for name in self.pullers}
        self.done = images.clone()

    def _canvas(self, size: int, start: Tensor | None) -> Canvas:
        # Images of one seed start alike, whatever the concept or backbone.
        starts = [self.settings.seed + s for s in self.seed_of]
        canvas = make_canvas(self.settings.parametrization, starts, size, size, self.device)
        if self.settings.mode != "accentuate":
            return canvas
        if start is None or tuple(start.shape) != (3, size, size):
            raise UsageError(
                "accentuate mode needs a photograph of the canvas's size",
                expected=f"[3, {size}, {size}] in [0, 1]",
                got="none" if start is None else str(list(start.shape)),
            )
        return PhotoCanvas(canvas, start.to(self.device))

    def run(self, progress: Progress | None) -> None:
        settings = self.settings
        leaves = self.canvas.parameters()
        fused = all(leaf.device.type in ("cpu", "cuda") for leaf in leaves)
        optimizer = torch.optim.Adam(leaves, lr=settings.step_size, fused=fused)
        stride = -(-settings.steps // MOMENTS)
        for step in range(settings.steps):
            done = step / max(1, settings.steps - 1)
            views = [
                draw_views(settings.view_spec, settings.views, generator, max(self.sizes), done)
                for generator in self.chance
            ]
            optimizer.zero_grad(set_to_none=True)
            keep = step % stride == 0 or step + 1 == settings.steps
            if keep:
                self.moments.append(step)
            self._step(step, views, keep)
            optimizer.step()
            if self.watch.check(step, last=step + 1 == settings.steps, fault=self._fault):
                self._keep(self.watch.just_finished)
            if progress and (step % 8 == 7 or step + 1 == settings.steps):
                progress("maximizing", step + 1, settings.steps)
            if self.watch.all_finished:
                break
        self._keep(~self.watch.finished)

    def _step(self, step: int, views: list[Views], keep: bool) -> None:
        """Leave this step's gradient in the canvas's parameters."""
        images = self.canvas.images()
        seen = images.detach()
        gradient = torch.zeros_like(seen)
        gained = torch.zeros(len(seen), device=self.device)
        for name, puller in self.pullers.items():
            activations = torch.full((len(puller.pictures),), torch.nan, device=self.device)
            start = self._start_maps(puller, views)
            descriptors = []
            for at in self._parts(puller):
                pictures = puller.pictures[at]
                who = _in_place(pictures)
                pulled = puller.pull(
                    seen[who],
                    at,
                    [self.seed_of[i] for i in pictures.tolist()],
                    views,
                    balance=self.balance.factors(name)[at],
                    start=start,
                    likeness=self._likeness(name, at, len(puller.pictures)),
                )
                gradient[who] += pulled.gradient
                gained[who] += pulled.gain
                strength = pulled.gradient.abs().sum(1)
                self.alpha[name].pull(who, strength)
                activations[at] = pulled.activation
                self.balance.see(name, at, pulled.share)
                self._look_after(step, name, puller, at, pulled, strength)
                if pulled.likeness is not None:
                    descriptors.append((at, pulled.likeness))
            for at, found in descriptors:
                store = self.likeness.setdefault(
                    name, torch.zeros(len(puller.pictures), found.shape[1], device=found.device)
                )
                store[at] = found
            if step % EVERY == 0:
                self.alpha[name].cover(views)
            if keep:
                self.activations[name].append(activations.cpu())
        if self.settings.tv:
            gradient += self._roughness(seen)
        self.balance.settle()
        self.watch.gain(step, gained)
        torch.autograd.backward(images, gradient)

    def _parts(self, puller: Puller) -> list[Tensor]:
        """Return places of unfinished pictures among a puller's, by micro-batches."""
        settings = self.settings
        pixels = PIXELS.get(self.device.type)
        room = BATCH if pixels is None else pixels // puller.backbone.input_size**2
        most = settings.batch or room
        (at,) = torch.nonzero(~self.watch.finished[puller.pictures], as_tuple=True)
        return list(torch.split(at, max(1, most // settings.views))) if len(at) else []

    def _look_after(
        self, step: int, name: str, puller: Puller, at: Tensor, pulled: Pulled, strength: Tensor
    ) -> None:
        total = strength.sum((1, 2))
        wrong = ~(total.isfinite() & pulled.activation.isfinite())
        pulls = (puller.raised[at].to(total.device)) & (
            self.balance.factors(name)[at].to(total.device) > 0
        )
        self.watch.see(step, name, puller.pictures[at], wrong, (total == 0) & pulls)

    def _fault(self, kind: str, name: str, picture: int, step: int) -> UsaeVizError:
        concept = self.concepts[picture % self.shape[2]]
        where = f"concept {concept} in {name}, step {step + 1} of {self.settings.steps}"
        if kind == "flat":
            return UsaeVizError(
                f"the gradient is flat: {where}: the backbone does not react to the picture",
                hint="another seed or parametrization, or look with `usae-viz doctor` whether the "
                "layer gives a gradient",
            )
        return UsaeVizError(
            f"not-a-number: {where}",
            hint="lower lr, use precision float32, or look whether the backbone's weights are "
            "finite",
        )

    def _start_maps(self, puller: Puller, views: list[Views]) -> list[Tensor] | None:
        if self.start is None:
            return None
        device = puller.backbone.mean.device
        with torch.no_grad():
            looks = [puller.look(self.start[None].to(device), drawn) for drawn in views]
            return list(puller.maps(torch.cat(looks)).chunk(len(views)))

    def _likeness(self, name: str, at: Tensor, n: int) -> Tensor | None:
        """Return the mean descriptor of the other pictures of each picture's concept and row.

        They are of the step before, so a picture's gradient does not depend on micro-batches.
        """
        if self.settings.mode != "diverse":
            return None
        if name not in self.likeness:
            return torch.zeros(len(at), 1)
        seeds = self.shape[0]
        apart = self.likeness[name].view(seeds, n // seeds, -1)
        others = (apart.sum(0, keepdim=True) - apart) / (seeds - 1)
        return others.flatten(0, 1)[at]

    def _roughness(self, seen: Tensor) -> Tensor:
        leaf = seen.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.settings.tv * total_variation(leaf).sum(), leaf)
        return gradient

    @torch.no_grad()
    def _keep(self, which: Tensor) -> None:
        self.done[which] = self.canvas.images()[which]

    def finished(self) -> Maximized:
        """Return what was made."""
        pictures = self._apart((self.done.clamp(0, 1) * 255).round().to(torch.uint8))
        steps = self._apart(self.watch.steps)
        alpha, trajectory = {}, {}
        lowered: dict[str, dict[str, Tensor]] = {}
        for name, puller in self.pullers.items():
            curves = torch.full((len(self.done), len(self.moments)), torch.nan)
            curves[puller.pictures] = torch.stack(self.activations[name], dim=1)
            opacity, curve = self._apart(self.alpha[name].opacity()), self._apart(curves)
            for r, row in enumerate(self.rows):
                if name in row.raised:
                    alpha[name], trajectory[name] = opacity[:, :, r], curve[:, :, r]
                elif name in row.lowered:
                    lowered.setdefault(row.name, {})[name] = curve[:, :, r]
        return Maximized(
            concepts=self.concepts,
            rows=self.rows,
            images={row.name: pictures[:, :, r] for r, row in enumerate(self.rows)},
            alpha=alpha,
            trajectory=trajectory,
            lowered=lowered,
            moments=tuple(self.moments),
            steps={row.name: steps[:, :, r] for r, row in enumerate(self.rows)},
        )

    def _apart(self, rows: Tensor) -> Tensor:
        """Return ``[C, S, R, …]`` on the CPU from pictures ``[n, …]``."""
        return rows.view(*self.shape, *rows.shape[1:]).movedim(2, 0).cpu()


def _in_place(pictures: Tensor) -> Tensor | slice:
    """Return ascending places as a slice where they have no gap: read and added to, not copied."""
    first, last = int(pictures[0]), int(pictures[-1])
    return slice(first, last + 1) if last - first + 1 == len(pictures) else pictures
