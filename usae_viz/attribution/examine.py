"""Making a report on one image from a run: the order of work, and when to warn."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from usae_viz.attribution.baselines import baseline_images
from usae_viz.attribution.classes import ClassAttribution, attribute_classes
from usae_viz.attribution.decomposition import Decomposition
from usae_viz.attribution.doubts import doubts
from usae_viz.attribution.examination import Examination
from usae_viz.attribution.faithfulness import Faithfulness, ignorant_maps, measure_faithfulness
from usae_viz.attribution.interventions import go_on_from
from usae_viz.attribution.opening import open_image
from usae_viz.attribution.pixels import PixelAttribution, attribute_pixels
from usae_viz.attribution.readout import Readout, classifier_readout
from usae_viz.attribution.report import AttributionReport, Finding, PixelMap
from usae_viz.attribution.target import ConceptTarget, token_weights
from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.concepts import ConceptIndex, load_index
from usae_viz.errors import BackboneError, UsageError
from usae_viz.run import Run
from usae_viz.sae import UniversalSAE, load_usae

Progress = Callable[[str, int, int], None]


class Examiner:
    """A run, opened once for any number of images.

    Args:
        run: an indexed run.
        backbones: names, or networks that are loaded already; all by default.
        names: of concepts, where they have one.
        readouts: what a class is, per backbone; by default each one's own classifier. A string says
            why there is none.
        device: where the networks run.

    Raises:
        RunError: the run is not indexed or has no such backbone.
        BackboneError: a backbone cannot be loaded.
    """

    def __init__(
        self,
        run: Run,
        *,
        backbones: Sequence[str] | Mapping[str, Backbone] | None = None,
        names: Mapping[int, str] | None = None,
        readouts: Mapping[str, Readout | str] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.run, self.names = run, names or {}
        self.index: ConceptIndex = load_index(run)
        self.device = open_device(str(device))
        self.usae: UniversalSAE = load_usae(run).to(self.device)
        loaded = backbones if isinstance(backbones, Mapping) else load_run_backbones(run, backbones)
        self.backbones = {name: one.to(self.device) for name, one in loaded.items()}
        self.readouts: dict[str, Readout | str] = {
            name: (readouts or {}).get(name) or own_classifier(one)
            for name, one in self.backbones.items()
        }

    def examine(
        self,
        image: str | Path,
        what: Examination | None = None,
        *,
        target: str | None = None,
        progress: Progress | None = None,
    ) -> AttributionReport:
        """Make the report on one image file.

        Args:
            image: the file.
            what: what it shall hold.
            target: the class, by number or name; by default the one that each network names.
            progress: called with what is going on, done, total.

        Raises:
            ImageSourceError: the file is missing or no readable image.
            ConceptError: a concept does not exist or is dead.
            UsageError: there is no such class in any backbone.
        """
        started = time.perf_counter()
        what = Examination() if what is None else what
        path, spec = Path(image), self.run.recipe().images
        for concept in what.concepts:
            self.index.require(concept)
        canvas = open_image(path, spec.canvas, spec.crop, spec.crop_pct)
        pixels = canvas[None].to(self.device).float() / 255
        targets = self._targets(target)
        views = {n: Decomposition(self.usae, b, pixels) for n, b in self.backbones.items()}
        findings = [self._finding(k, views) for k in self._choose(views, what)]
        jobs = len(self.backbones) * (min(what.attributed, len(findings)) + 1)
        done = itertools.count(1)

        def tick() -> None:
            if progress:
                progress(f"attributing {path.name}", next(done), jobs)

        for place, finding in enumerate(findings[: what.attributed]):
            for name, backbone in self.backbones.items():
                self._attribute(finding, name, backbone, pixels, what, place < what.checked)
                tick()
        classes: dict[str, ClassAttribution | str] = {}
        for name, backbone in self.backbones.items():
            classes[name] = self._classify(backbone, pixels, targets[name], what)
            tick()
        return AttributionReport(
            image=path.name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            canvas=canvas.permute(1, 2, 0).numpy(),
            backbones=tuple(self.backbones),
            findings=tuple(findings),
            classes=classes,
            translation=self._translate(views),
            names=dict(self.names),
            settings={
                "methods": list(what.methods),
                "tokens": what.tokens,
                "baseline": what.baseline,
                "steps": what.steps,
                "seed": what.seed,
            },
            warnings=tuple(doubts(findings, classes, what.methods)),
            seconds=time.perf_counter() - started,
        )

    def _targets(self, target: str | None) -> dict[str, int | None]:
        """Find the class in every backbone that has it, before any work is done."""
        found: dict[str, int | None] = dict.fromkeys(self.backbones)
        if target is None:
            return found
        errors = []
        for name, readout in self.readouts.items():
            if isinstance(readout, Readout):
                try:
                    found[name] = readout.find(target)
                except UsageError as error:
                    errors.append(error)
        if errors:
            raise errors[0]
        if all(value is None for value in found.values()):
            raise UsageError(
                f"class {target!r} cannot be looked at: no backbone of the run has classes here",
                expected="a network whose classifier goes on from the layer that the run reads",
                got="; ".join(f"{n}: {r}" for n, r in self.readouts.items()),
                hint="give a probe, an embedding or a reference image",
            )
        return found

    def _choose(self, views: Mapping[str, Decomposition], what: Examination) -> list[int]:
        if what.concepts:
            return list(dict.fromkeys(what.concepts))
        # Each backbone says how much of its natural top the image shows, at most all of it: a
        # concept that all of them see comes before one that a single backbone is full of.
        total = torch.zeros(self.usae.concepts, dtype=torch.float64)
        for name, view in views.items():
            mean = view.per_concept(view.code.values) / len(view.code.values)
            natural = torch.from_numpy(
                self.index.natural_score[self.index.names.index(name)].astype(np.float64)
            )
            total += torch.where(natural > 0, mean / natural.clamp_min(1e-12), 0).clamp_max(1)
        order = total.argsort(descending=True, stable=True)[: what.count]
        return [int(k) for k in order if total[k] > 0]

    def _finding(self, concept: int, views: Mapping[str, Decomposition]) -> Finding:
        gated, activation, natural, top = {}, {}, {}, {}
        for name, view in views.items():
            values = torch.where(view.code.indices == concept, view.code.values, 0).sum(1)
            side = view.backbone.grid
            gated[name] = values.view(side, side).cpu().numpy().astype(np.float32)
            activation[name] = float(values.mean())
            row = self.index.names.index(name)
            level = float(self.index.natural_score[row, concept])
            natural[name] = activation[name] / level if level > 0 else None
            top[name] = float(self.index.maximum[row, concept])
        pairs = [
            _correlation(gated[a], gated[b]) for a, b in itertools.combinations(self.backbones, 2)
        ]
        return Finding(
            concept=concept,
            kind=self.index.kind(concept),
            name=self.names.get(concept),
            activation=activation,
            natural=natural,
            gated=gated,
            heat_top=top,
            agreement=float(np.mean(pairs)) if pairs else None,
        )

    def _attribute(
        self,
        finding: Finding,
        name: str,
        backbone: Backbone,
        pixels: Tensor,
        what: Examination,
        check: bool,
    ) -> None:
        found: dict[str, PixelMap] = {}
        maps: dict[str, Tensor] = {}
        for method in what.methods:
            result = attribute_pixels(
                self.usae,
                backbone,
                pixels,
                finding.concept,
                method=method,
                target=what.tokens,
                baseline=what.baseline,
                steps=what.steps,
                batch_size=what.batch_size,
                seed=what.seed,
            )
            maps[method] = result.values[0]
            found[method] = _pixel_map(result)
        finding.pixels[name] = found
        if check:
            finding.faithfulness[name] = self._check(finding.concept, backbone, pixels, maps, what)

    def _check(
        self,
        concept: int,
        backbone: Backbone,
        pixels: Tensor,
        maps: Mapping[str, Tensor],
        what: Examination,
    ) -> dict[str, Faithfulness]:
        function = ConceptTarget(self.usae, backbone, concept)
        weights = token_weights(function, pixels, what.tokens, None, what.batch_size)
        return measure_faithfulness(
            lambda images: function(images, weights.expand(len(images), -1)),
            pixels[0],
            baseline_images(pixels, what.baseline)[0],
            {**maps, **ignorant_maps(pixels[0], seed=what.seed)},
            steps=8,
            subsets=32,
            batch_size=what.batch_size,
            seed=what.seed,
        )

    def _classify(
        self, backbone: Backbone, pixels: Tensor, target: int | None, what: Examination
    ) -> ClassAttribution | str:
        readout = self.readouts[backbone.name]
        if isinstance(readout, str):
            return readout
        return attribute_classes(
            self.usae,
            backbone,
            pixels,
            readout,
            target,
            top=what.rows,
            batch_size=what.batch_size,
        )

    def _translate(self, views: Mapping[str, Decomposition]) -> dict[str, dict[str, str]]:
        table: dict[str, dict[str, str]] = {}
        for name, view in views.items():
            readout = self.readouts[name]
            if isinstance(readout, str) or readout.classes < 2:
                continue
            # From its own code, without the error: what its reconstruction is called.
            table[name] = {
                source: readout.name(int(go_on_from(view, readout, other.code).after.argmax()))
                for source, other in views.items()
            }
        return table


def own_classifier(backbone: Backbone) -> Readout | str:
    """Return a backbone's own classifier, or in words why it has none for the run's layer."""
    try:
        return classifier_readout(backbone)
    except BackboneError as error:
        return error.problem + (f" ({error.got})" if error.got else "")


def _pixel_map(result: PixelAttribution) -> PixelMap:
    error = result.completeness_error
    return PixelMap(
        values=result.values[0].cpu().numpy().astype(np.float32),
        activation=float(result.activation[0]),
        baseline=None if result.baseline is None else float(result.baseline[0]),
        completeness=None if error is None else float(error[0]),
    )


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    # A backbone that does not show the concept at all agrees with none that does.
    return float((a * b).sum() / norm) if norm > 0 else 0.0
