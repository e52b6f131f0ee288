"""Attribution reports on images, and the pages over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.data import ImageNetInfo

from usae_viz.attribution import AttributionReport, Examination, Examiner, Probe
from usae_viz.attribution.examine import own_classifier
from usae_viz.attribution.opening import open_image
from usae_viz.attribution.readout import (
    Readout,
    embedding_readout,
    reference_readout,
)
from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.demo.networks import NETWORKS
from usae_viz.demo.world import CONCEPTS
from usae_viz.errors import BackboneError, UsageError
from usae_viz.gallery import build_report, build_report_index
from usae_viz.run import Run, read_json
from usae_viz.workflow.pages import concept_names
from usae_viz.workflow.progress import Progress


def attribute(
    run: Run,
    image: str | Path,
    *,
    target: str | int | None = None,
    concepts: Sequence[int] = (),
    methods: Sequence[str] = (),
    backbones: Sequence[str] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> AttributionReport:
    """Make an attribution report on one image; it displays itself, and saves itself to a folder.

    Args:
        run: an indexed run.
        image: the file.
        target: the class, by number or name; by default the one that each network names.
        concepts: which; by default the strongest of the image.
        methods: pixel methods, see `attribute_pixels`; by default one.
        backbones: names; all by default.
        device: where the networks run.
        progress: called with what is going on, done, total.
        **settings: of `Examination` (None leaves the default), and what stands for a class in the
            place of the networks' classifiers: ``probes`` (files), ``embeddings`` (a file) or
            ``reference`` (an image file).

    Raises:
        UsaeVizError: anything unusable.
    """
    given = [settings.pop(key, None) for key in ("probes", "embeddings", "reference")]
    what = _examination(concepts, methods, settings)
    examiner = _examiner(run, backbones, given, device)
    return examiner.examine(image, what, target=_text(target), progress=progress)


def write_reports(
    run: Run,
    images: Sequence[str | Path],
    *,
    target: str | int | None = None,
    concepts: Sequence[int] = (),
    methods: Sequence[str] = (),
    backbones: Sequence[str] | None = None,
    out: Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Make a report and its page on every image, and an index where there are several.

    Each report is finished before the next one is begun; see `attribute` for the arguments.

    Args:
        out: folder for ``reports/``; the run's by default.

    Returns:
        The ``attribute`` JSON contract, and ``page``: the index, or the only report.

    Raises:
        UsaeVizError: anything unusable; the reports that were finished are kept.
    """
    if not images:
        raise UsageError("no image is given", hint="name at least one image file")
    spec = run.recipe().images
    # One that cannot be read is told before the networks are loaded.
    for file in images:
        open_image(Path(file), spec.canvas, spec.crop, spec.crop_pct)
    given = [settings.pop(key, None) for key in ("probes", "embeddings", "reference")]
    what = _examination(concepts, methods, settings)
    run = run.writing_to(out)
    examiner = _examiner(run, backbones, given, device)
    entries, reports = [], []
    for file in images:
        report = examiner.examine(file, what, target=_text(target), progress=progress)
        folder = _folder(run, Path(file), report.sha256)
        table = report.save(folder)
        page = build_report(run, folder, table)
        reports.append((folder.name, table))
        entries.append(_entry(table, folder, page))
    page = Path(entries[0]["report"])
    if len(entries) > 1:
        page = build_report_index(run, page.parent.parent, reports)
    return {"run": str(run.path), "images": entries, "page": str(page)}


def _examination(
    concepts: Sequence[int], methods: Sequence[str], settings: Mapping[str, Any]
) -> Examination:
    chosen = {key: value for key, value in settings.items() if value is not None}
    if methods:
        chosen["methods"] = tuple(methods)
    unknown = sorted(set(chosen) - {field.name for field in fields(Examination)})
    if unknown:
        raise UsageError(f"a report has no setting {', '.join(unknown)}")
    return Examination(concepts=tuple(concepts), **chosen)


def _examiner(
    run: Run, backbones: Sequence[str] | None, given: Sequence[Any], device: str
) -> Examiner:
    place = open_device(device)
    loaded = {n: b.to(place) for n, b in load_run_backbones(run, backbones).items()}
    probes, embeddings, reference = given
    readouts = _readouts(run, loaded, probes or (), embeddings, reference)
    return Examiner(
        run, backbones=loaded, names=concept_names(run), readouts=readouts, device=place
    )


def _text(target: str | int | None) -> str | None:
    return None if target is None else str(target)


def _folder(run: Run, file: Path, sha256: str) -> Path:
    """Return the report's folder: by the file's name, told apart where another has it."""
    folder = run.report_dir(file.name)
    stored = folder / "report.json"
    if stored.is_file() and read_json(stored).get("sha256") != sha256:
        return run.report_dir(f"{file.name}-{sha256[:8]}")
    return folder


def _entry(table: Mapping[str, Any], folder: Path, page: Path) -> dict[str, Any]:
    concepts = [
        {
            **concept,
            "maps": {
                name: {method: str(folder / file) for method, file in maps.items()}
                for name, maps in concept["maps"].items()
            },
        }
        for concept in table["concepts"]
    ]
    return {**table, "concepts": concepts, "report": str(page)}


def _readouts(
    run: Run,
    backbones: Mapping[str, Backbone],
    probes: Sequence[Path],
    embeddings: Path | None,
    reference: Path | None,
) -> dict[str, Readout | str]:
    given = [bool(probes), embeddings is not None, reference is not None]
    if sum(given) > 1:
        raise UsageError(
            "a class can be given in one way only", expected="probes, embeddings or a reference"
        )
    if probes:
        fitted = [Probe.load(file) for file in probes]
        table: dict[str, Readout | str] = dict.fromkeys(backbones, "no probe was given for it")
        for probe in fitted:
            if probe.backbone not in backbones:
                raise UsageError(
                    f"a probe was fitted on {probe.backbone!r}",
                    expected=f"one of {', '.join(backbones)}",
                )
            table[probe.backbone] = probe.readout(backbones[probe.backbone])
        return table
    if embeddings is not None:
        names, vectors = _vectors(embeddings)
        return {name: _embedded(one, vectors, names) for name, one in backbones.items()}
    if reference is not None:
        spec = run.recipe().images
        image = open_image(reference, spec.canvas, spec.crop, spec.crop_pct)[None].float() / 255
        return {
            name: reference_readout(one, image.to(one.mean), f"likeness to {reference.name}")
            for name, one in backbones.items()
        }
    return {name: _classifier(run, name, one) for name, one in backbones.items()}


def _classifier(run: Run, name: str, backbone: Backbone) -> Readout | str:
    found = own_classifier(backbone)
    if isinstance(found, str):
        return found
    return replace(found, names=_class_names(run, name, found.classes))


def _class_names(run: Run, name: str, classes: int) -> tuple[str, ...]:
    """Return names of a classifier's outputs where they are known: ImageNet-1k, the world."""
    weights = run.record(name).spec.weights or ""
    if weights.startswith("package:usae_viz.demo/") and name in NETWORKS:
        return tuple(CONCEPTS[column] for column in NETWORKS[name].concepts)
    if classes == 1000:
        info = ImageNetInfo()
        return tuple(str(info.index_to_description(i)) for i in range(classes))
    return ()


def _embedded(backbone: Backbone, vectors: torch.Tensor, names: tuple[str, ...]) -> Readout | str:
    try:
        return embedding_readout(backbone, vectors, names)
    except (UsageError, BackboneError) as error:
        return f"{error.problem} ({error.expected}, not {error.got})"


def _vectors(file: Path) -> tuple[tuple[str, ...], torch.Tensor]:
    try:
        table = load_file(file)
        names = tuple(sorted(table))
        return names, torch.stack([table[name].float().flatten() for name in names])
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UsageError(
            f"{file} holds no embeddings",
            expected="safetensors with one vector a class, all of one width",
            got=f"{type(error).__name__}: {error}"[:200],
        ) from None
