"""From a trained run to its concept index."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from usae_viz.concepts import ConceptIndex, ConceptPass, gather, write_index
from usae_viz.concepts.classes import KINDS, UNIVERSAL_ENTROPY
from usae_viz.concepts.shares import Shares, forget_shares
from usae_viz.errors import BusyError
from usae_viz.images import open_source
from usae_viz.run import Run, file_sha256
from usae_viz.sae import load_usae
from usae_viz.workflow.backbones import token_images
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.ranks import Rank, this_rank


def index(
    run: Run,
    *,
    device: str = "cpu",
    rank: Rank | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> ConceptIndex | None:
    """Index the concepts over all images of the run's source, through the store if it is there.

    Under torchrun each rank counts its share of the images and leaves it in the run; the rank that
    finds all shares there adds them up and writes the index. What is written is the same for any
    number of ranks. Shares of a job that was cut short are used by the next one like it.

    Args:
        run: a trained run.
        device: where the networks run; ``cuda`` is each rank's own GPU.
        rank: which share to count; default: as torchrun says.
        progress: called with what is going on, done, total.
        settings: those of `ConceptPass`: ``tau``, ``top``, ``sample``, ``joint``; None leaves the
            default, and ``top`` defaults to the recipe's.

    Returns:
        The index; None if other ranks are still to count theirs.
    """
    recipe, rank = run.recipe(), rank or this_rank()
    given = {key: value for key, value in settings.items() if value is not None}
    given.setdefault("top", recipe.concepts.examples)
    usae = load_usae(run)
    source = open_source(recipe.images)
    images, count = token_images(
        run, recipe, source, "all", rank.device(device), rank=rank.number, ranks=rank.total
    )
    tick = (lambda done: progress("indexing", done, count)) if progress else None
    tokens = recipe.activations.grid**2
    empty = ConceptPass(usae, tokens, labels=source.label_names, **given)
    with run.lock_outputs("concepts", shared=rank.total > 1):
        if rank.total == 1:
            whole = gather(usae, images, source, into=empty, progress=tick)
            with run.lock_outputs("merging"):
                made = write_index(run, usae, whole, source)
                forget_shares(run)
            return made
        job = [file_sha256(run.usae_file), sorted(given.items()), *source.ids]
        shares = Shares(run, job, rank.total)
        if not shares.file(rank.number).is_file():
            shares.write(rank.number, gather(usae, images, source, into=empty, progress=tick))
        with ExitStack() as held:
            try:
                # Of ranks that end at once, one merges.
                held.enter_context(run.lock_outputs("merging"))
            except BusyError:
                return None
            merged = shares.merge(
                lambda: ConceptPass(usae, tokens, labels=source.label_names, **given)
            )
            if merged is None:
                return None
            made = write_index(run, usae, merged, source)
            shares.remove()
            return made


def describe_index(run: Run, index: ConceptIndex) -> dict[str, Any]:
    """Return what ``index --json`` says: classes with their intervals, and the sweep of τ.

    ``sweep`` has a row per τ: concepts that fire at all, those of entropy above 0.9, and the mean
    over living concepts of the smallest co-fire proportion.
    """
    counts = np.bincount(index.kinds, minlength=len(KINDS))
    swept = index.counts.sweep()
    rows = []
    for tau, rate, entropy, cofire in zip(*swept.values(), strict=True):
        living = rate.sum(0) > 0
        rows.append(
            {
                "tau": float(tau),
                "living": int(living.sum()),
                "above_0.9": int((entropy[living] > UNIVERSAL_ENTROPY).sum()),
                "cofire": float(cofire.min(0)[living].mean()) if living.any() else 0.0,
            }
        )
    return {
        "run": str(run.path),
        "images": index.images,
        "tokens": index.tokens,
        "tau": index.tau,
        "dead": int(index.dead.sum()),
        "kinds": {kind: int(counts[i]) for i, kind in enumerate(KINDS)},
        "kind_intervals": {kind: list(ends) for kind, ends in index.kind_intervals.items()},
        "sweep": rows,
    }
