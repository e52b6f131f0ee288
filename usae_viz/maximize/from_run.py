"""From a run to finished pictures on disk: the one call behind ``usae-viz maximize``."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, SupportsIndex

from torch import Tensor

from usae_viz.backbones import Backbone, load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.concepts import ConceptIndex, concept_numbers, load_index
from usae_viz.errors import ConceptError, ImageSourceError, RunError, UsageError
from usae_viz.images.canvas import read_canvas
from usae_viz.maximize.collection import MaximizeResults
from usae_viz.maximize.engine import Progress, maximize_concepts
from usae_viz.maximize.judging import make_result, natural_reference
from usae_viz.maximize.modes import rows_of
from usae_viz.maximize.readings import read_maximized
from usae_viz.maximize.result import MaximizeResult, read_result
from usae_viz.maximize.settings import MaximizeSettings
from usae_viz.run import Run, file_sha256
from usae_viz.sae import load_usae

LONGEST = 100
"""Characters of a kind's name, at most: it names a folder, for which systems have limits."""


def maximize(
    run: Run,
    concepts: SupportsIndex | Iterable[SupportsIndex] | str,
    *,
    backbones: Sequence[str] | None = None,
    against: Sequence[str] | None = None,
    out: str | Path | None = None,
    again: bool = False,
    device: str = "cpu",
    part: tuple[int, int] = (0, 1),
    progress: Progress | None = None,
    **settings: Any,
) -> MaximizeResults:
    """Maximize concepts in the backbones of a run, judge the pictures and write them.

    Every concept gets a folder ``maximized/<concept>/`` with pictures and ``result.json``; modes
    other than per-model have a folder of their own in it. A concept that is there already, made by
    the same USAE and settings and measured by the same natural levels, is read instead of computed
    again; finished ones are written as they come, so that an interrupted call goes on where it was.

    Args:
        run: a trained and indexed run.
        concepts: which concepts: a number, several, or a text like ``7,12,30-40``.
        backbones: raise them in these only; all backbones of the run still read the pictures, so
            the others are held out.
        against: contrast mode: keep them down in these; default: in all others.
        out: folder in place of the run's own.
        again: compute even what is there already.
        device: where networks run; pictures of another kind of device differ by rounding.
        part: (number, count): of `count` processes at work this is `number`, from 0; each does
            every `count`-th concept and returns what is there then.
        progress: called with what is going on, steps done and steps to do.
        **settings: fields of `MaximizeSettings`: mode, parametrization, objective, steps, size,
            views, lr, seeds, seed, images, also, start, …. None stands for the default.

    Returns:
        One result per concept, in the order asked for.

    Raises:
        UsageError: a setting is not accepted, or does not go with the backbones or the start image.
        ConceptError: a concept does not exist or is dead.
        RunError: the run has no such backbone, or lacks its index.
        CheckpointError: the USAE cannot be loaded.
        BackboneError: a backbone cannot be loaded.
        UsaeVizError: an optimisation went wrong; concept, backbone and step are named.
    """
    chosen = MaximizeSettings(
        **{key: value for key, value in settings.items() if value is not None}
    )
    concepts = concept_numbers(concepts)
    for name in (*(backbones or ()), *(against or ())):
        run.record(name)
    rows = rows_of(chosen.mode, run.names, backbones, against)
    index = load_index(run)
    for concept in concepts:
        _check(index, concept, chosen, rows[0].raised)
    side = _side(run, chosen)
    if chosen.mode == "accentuate" and chosen.start is None:
        raise UsageError(
            "accentuate mode starts from a photograph", hint="give its file with --start"
        )
    photo, photo_sha = _photo(chosen.start, side)
    folder = None if out is None else Path(out)
    kind = _kind(chosen, photo_sha)
    places = {concept: run.maximized_dir(concept, folder, kind) for concept in concepts}
    usae = load_usae(run).to(open_device(device))
    made_by = {
        **chosen.table(),
        "rows": {row.name: [list(row.raised), list(row.lowered)] for row in rows},
        "usae_sha256": file_sha256(run.usae_file),
    }
    if chosen.also:
        # Their weights are in units of these; of the concept itself the result holds the levels.
        made_by["also_levels"] = {
            str(concept): [float(f"{level:.5g}") for level in index.natural_score[:, concept]]
            for concept in chosen.also
        }
    if photo_sha is not None:
        made_by["start"] = {"file": Path(str(chosen.start)).name, "sha256": photo_sha}
    done = {} if again or not chosen.can_be_told_apart else _finished(places, made_by, index)
    # By place among all, not among those missing: another process may have begun earlier.
    missing = [concept for concept in concepts[part[0] :: part[1]] if concept not in done]
    networks: dict[str, Backbone] = {}
    written, held = run.writing_to(folder), ExitStack()
    if missing:
        networks = {name: net.to(device) for name, net in load_run_backbones(run).items()}
        # Shared: others may make other concepts meanwhile.
        held.enter_context(written.lock_outputs("maximized", shared=True))
    total = -(-len(missing) // chosen.chunk) * chosen.steps
    with held:
        for first in range(0, len(missing), chosen.chunk):
            began = time.monotonic()
            maximized = maximize_concepts(
                usae,
                networks,
                missing[first : first + chosen.chunk],
                settings=chosen,
                names=backbones,
                against=against,
                levels=dict(zip(index.names, index.natural_score, strict=True)),
                start=photo,
                progress=_shifted(progress, first // chosen.chunk * chosen.steps, total),
            )
            readings = read_maximized(usae, networks, index, maximized, start=photo)
            seconds = (time.monotonic() - began) / len(maximized.concepts)
            for i, reading in enumerate(readings):
                concept = maximized.concepts[i]
                nature = natural_reference(written, index, concept)
                result = make_result(maximized, i, reading, index, nature, made_by, seconds)
                done[concept] = result.write(places[concept])
    if part[1] > 1:
        done |= _finished({k: places[k] for k in concepts if k not in done}, made_by, index)
    return MaximizeResults([done[concept] for concept in concepts if concept in done])


def _check(
    index: ConceptIndex, concept: int, chosen: MaximizeSettings, raised: Sequence[str]
) -> None:
    for wanted in (concept, *chosen.also):
        index.require(wanted)
    if concept in chosen.also:
        raise UsageError(
            f"concept {concept} is maximized already", hint=f"leave {concept} out of --also"
        )
    levels = dict(zip(index.names, index.natural_score[:, concept], strict=True))
    if chosen.mode == "shared" and sum(levels[name] > 0 for name in raised) < 2:
        fires = ", ".join(name for name in raised if levels[name] > 0) or "none"
        raise ConceptError(
            f"concept {concept} cannot be shared: it fires on natural images in fewer than two "
            "of the backbones",
            expected=f"two or more of {', '.join(raised)}",
            got=fires,
            hint="use per-model mode",
        )


def _side(run: Run, chosen: MaximizeSettings) -> int:
    """Return the canvas's side; a canvas below one token's patch shows nothing."""
    for record in run.info.backbones:
        patch = -(-record.input_size // record.grid)
        if chosen.size is not None and chosen.size < patch:
            raise UsageError(
                f"a canvas of {chosen.size} pixels is smaller than a patch of {record.spec.name}",
                expected=f"at least {patch} pixels, better {record.input_size} or more",
            )
    return chosen.canvas_size([record.input_size for record in run.info.backbones])


def _photo(start: str | Path | None, side: int) -> tuple[Tensor | None, str | None]:
    """Return the start image ``[3, side, side]`` in [0, 1] and the hash of its file."""
    if start is None:
        return None, None
    try:
        data = Path(start).read_bytes()
        pixels = read_canvas(data, side)
    except (OSError, ImageSourceError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.problem
        raise UsageError(
            f"the start image {start} cannot be read",
            expected="a photograph in a file (JPEG, PNG, WebP, …)",
            got=reason,
        ) from error
    return pixels.float() / 255, hashlib.sha256(data).hexdigest()


def _kind(chosen: MaximizeSettings, photo_sha: str | None) -> str:
    """Return which kind of pictures these are: what may lie side by side has another kind."""
    parts = [chosen.mode]
    if photo_sha is not None:
        parts.append(photo_sha[:8])
    also = [f"{weight:+g}x{concept}" for concept, weight in chosen.also.items()]
    kind = "_".join([*parts, *also])
    if len(kind) <= LONGEST:
        return kind
    digest = hashlib.sha256("_".join(sorted(also)).encode()).hexdigest()
    return "_".join([*parts, f"also-{digest[:12]}"])


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None

    def report(what: str, done: int, _: int) -> None:
        progress(what, before + done, total)

    return report


def _finished(
    places: Mapping[int, Path], made_by: dict[str, Any], index: ConceptIndex
) -> dict[int, MaximizeResult]:
    """Return the results that need not be made again."""
    found = {}
    for concept, folder in places.items():
        try:
            result = read_result(folder)
        except RunError:
            continue
        if result.settings == made_by and _measured_by(result, index, concept):
            found[concept] = result
    return found


def _measured_by(result: MaximizeResult, index: ConceptIndex, concept: int) -> bool:
    """Return whether shares of a result are of the levels that the index has now.

    The index may have been made again, of other images or with another number of natural examples.
    """
    pairs = ((result.natural, index.natural_score), (result.natural_peak, index.natural_peak))
    return all(
        math.isclose(stored.get(name, math.nan), float(levels[i, concept]), rel_tol=1e-5)
        for stored, levels in pairs
        for i, name in enumerate(index.names)
    )
