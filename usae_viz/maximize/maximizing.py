"""From a run to finished pictures on disk: the one call behind ``usae-viz maximize``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from usae_viz.backbones import load_run_backbones
from usae_viz.concepts import ConceptIndex, load_index
from usae_viz.errors import RunError
from usae_viz.maximize.engine import Maximized, Progress, maximize_concepts
from usae_viz.maximize.report import Reading, read_maximized, verdict
from usae_viz.maximize.result import MaximizeResult, MaximizeResults, read_result
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.run import Run, file_sha256
from usae_viz.sae import load_usae


def maximize(
    run: Run,
    concepts: int | Sequence[int],
    *,
    backbones: Sequence[str] | None = None,
    out: str | Path | None = None,
    again: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    **settings: Any,
) -> MaximizeResults:
    """Maximize concepts in the backbones of a run, judge the pictures and write them.

    Every concept gets a folder ``maximized/<concept>/`` with pictures and ``result.json``. One that
    is there already, made by the same USAE and settings, is read instead of computed again.

    Args:
        run: a trained and indexed run.
        concepts: which concepts.
        backbones: optimise for these only; all backbones of the run still read the pictures.
        out: folder in place of the run's own.
        again: compute even what is there already.
        device: where networks run; pictures of another kind of device differ by rounding.
        progress: called with what is going on, steps done and steps to do.
        **settings: fields of `MaximizeSettings`: mode, parametrization, objective, steps, size,
            views, lr, seeds, seed, chunk, view_spec. None stands for the default.

    Returns:
        One result per concept, in the order asked for.

    Raises:
        UsageError: a setting is not accepted.
        ConceptError: a concept does not exist or is dead.
        RunError: the run has no such backbone, or lacks its index.
        CheckpointError: the USAE cannot be loaded.
        BackboneError: a backbone cannot be loaded.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    chosen = MaximizeSettings(**given)
    asked = [concepts] if isinstance(concepts, int) else concepts
    concepts = list(dict.fromkeys(int(concept) for concept in asked))
    for name in backbones or ():
        run.record(name)
    names = tuple(name for name in run.names if not backbones or name in backbones)
    index = load_index(run)
    for concept in concepts:
        index.require(concept)
    folder = None if out is None else Path(out)
    usae = load_usae(run).to(device)
    made_by = {**chosen.table(), "usae_sha256": file_sha256(run.usae_file)}
    old = not again and chosen.can_be_told_apart
    done = _finished(run, concepts, folder, names, made_by) if old else {}
    missing = [concept for concept in concepts if concept not in done]
    networks = {}
    if missing:
        networks = {name: net.to(device) for name, net in load_run_backbones(run).items()}
    total = -(-len(missing) // chosen.chunk) * chosen.steps
    for start in range(0, len(missing), chosen.chunk):
        began = time.monotonic()
        maximized = maximize_concepts(
            usae,
            networks,
            missing[start : start + chosen.chunk],
            settings=chosen,
            names=names,
            progress=_shifted(progress, start // chosen.chunk * chosen.steps, total),
        )
        readings = read_maximized(usae, networks, index, maximized)
        seconds = (time.monotonic() - began) / len(maximized.concepts)
        for i, reading in enumerate(readings):
            result = _result(maximized, i, reading, index, made_by, seconds)
            done[result.concept] = result.write(run.maximized_dir(result.concept, folder))
    return MaximizeResults([done[concept] for concept in concepts])


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None

    def report(what: str, done: int, _: int) -> None:
        progress(what, before + done, total)

    return report


def _finished(
    run: Run,
    concepts: Sequence[int],
    out: Path | None,
    names: tuple[str, ...],
    made_by: dict[str, Any],
) -> dict[int, MaximizeResult]:
    found = {}
    for concept in concepts:
        try:
            result = read_result(run.maximized_dir(concept, out))
        except RunError:
            continue
        if result.optimised == names and result.settings == made_by:
            found[concept] = result
    return found


def _result(
    maximized: Maximized,
    i: int,
    reading: Reading,
    index: ConceptIndex,
    made_by: dict[str, Any],
    seconds: float,
) -> MaximizeResult:
    concept, rows = maximized.concepts[i], tuple(maximized.images)
    pictures = {
        name: found[i].permute(0, 2, 3, 1).numpy() for name, found in maximized.images.items()
    }
    return MaximizeResult(
        concept=concept,
        backbones=index.names,
        images={name: seeds[0] for name, seeds in pictures.items()},
        alpha={name: _eight_bit(found[i, 0]) for name, found in maximized.alpha.items()},
        variants={name: list(seeds[1:]) for name, seeds in pictures.items()},
        natural=_levels(index, index.natural_score, concept),
        natural_peak=_levels(index, index.natural_peak, concept),
        transfer=reading.transfer[0],
        transfer_peak=reading.transfer_peak[0],
        spread=reading.transfer.std(axis=0),
        rank=reading.rank[0],
        share=reading.share[0],
        trajectory={
            name: [round(float(x), 4) for x in found[i, 0]]
            for name, found in maximized.trajectory.items()
        },
        moments=maximized.moments,
        verdict=verdict(reading, rows, index.names),
        settings=made_by,
        seconds=round(seconds, 2),
    )


def _eight_bit(alpha: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels: np.ndarray[Any, np.dtype[np.uint8]] = (alpha * 255).round().byte().numpy()
    return pixels


def _levels(index: ConceptIndex, levels: np.ndarray[Any, Any], concept: int) -> dict[str, float]:
    return {name: float(levels[i, concept]) for i, name in enumerate(index.names)}
