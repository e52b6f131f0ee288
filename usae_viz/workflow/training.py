"""From a recipe to a trained and indexed run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from torch import Tensor

from usae_viz.activations import ActivationStore, ActivationStream
from usae_viz.errors import RunError
from usae_viz.recipe import Recipe
from usae_viz.run import BackboneRecord, Run
from usae_viz.sae import load_usae
from usae_viz.sae.board import require_tensorboard
from usae_viz.sae.ranks import Ranks, local_device, open_ranks
from usae_viz.sae.trainer import Watch
from usae_viz.sae.training import train_usae
from usae_viz.sae.validation import HeldOut
from usae_viz.workflow.extraction import open_tokens
from usae_viz.workflow.indexing import index
from usae_viz.workflow.progress import Progress
from usae_viz.workflow.ranks import Rank

Tokens = ActivationStore | ActivationStream

GROWABLE = ("ours", "paper")
"""Modes whose code is of one backbone and reconstructs all, so that another can be fitted to it."""
LOOK_IMAGES = 16
"""Held-out images whose codes are held at once."""


def train(
    recipe: Recipe,
    out: Path,
    *,
    grow: Run | None = None,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Run:
    """Extract, train and index; `evaluate` is a call of its own.

    Under torchrun every process trains on its share of each batch (gloo on CPU, nccl on CUDA); the
    first writes.

    Args:
        recipe: what to train, on what.
        out: the run's directory.
        grow: a trained run whose backbones and dictionary stay as they are; only the recipe's
            further backbones are fitted to them. Concepts keep their numbers.
        resume: go on from the last checkpoint of the training loop.
        device: where backbones and training run.
        progress: called with what is going on, done, total.
        watch: called about twice a second with where the training is.

    Raises:
        UsaeVizError: anything unusable; finished shards and checkpoints are kept.
    """
    _refuse_trained(out, resume)
    if recipe.training.tensorboard:
        require_tensorboard()
    if grow is not None:
        check_growth(recipe, grow)
    with prepare(recipe, out, device=device, progress=progress) as (run, store, ranks):
        if grow is not None:
            _same_networks(run, grow)
        train_prepared(
            run, recipe, store, ranks,
            grow=grow, resume=resume, device=device, progress=progress, watch=watch,
        )  # fmt: skip
    return run


def check_growth(recipe: Recipe, grow: Run) -> None:
    """Check that a recipe's images and tokens are those of the run that it is to grow.

    Raises:
        RunError: its backbones are not in the recipe, or no further one is; canvas, grid, width or
            sparsity differ; or either is of a variant or mode that cannot be grown.
    """
    before = grow.recipe()
    names = [spec.name for spec in recipe.backbones]
    if not set(grow.names) < set(names):
        raise RunError(
            f"the recipe lacks backbones of {grow.path}",
            expected=f"{', '.join(grow.names)} and a further one",
            got=", ".join(names),
        )
    for key, mine, theirs in (
        ("images.canvas", recipe.images.canvas, before.images.canvas),
        ("images.crop", recipe.images.crop, before.images.crop),
        ("images.crop_pct", recipe.images.crop_pct, before.images.crop_pct),
        ("activations.grid", recipe.activations.grid, before.activations.grid),
        ("usae.concepts", recipe.usae.concepts, before.usae.concepts),
        ("usae.k", recipe.usae.k, before.usae.k),
        ("concepts.tau", recipe.concepts.tau, before.concepts.tau),
    ):
        if mine != theirs:
            raise RunError(
                f"the recipe differs from that of {grow.path}",
                expected=f"{key} = {theirs}",
                got=str(mine),
                hint=f"--set {key}={theirs}",
            )
    for whose, spec in ((f"the run {grow.path}", before.usae), ("the recipe", recipe.usae)):
        if spec.variant != "topk" or spec.mode not in GROWABLE:
            raise RunError(
                f"{whose} is of a training that cannot be grown",
                expected=f'variant "topk" and mode {" or ".join(GROWABLE)}',
                got=f'variant "{spec.variant}", mode "{spec.mode}"',
                hint="train all backbones together",
            )


def _same_networks(run: Run, grow: Run) -> None:
    for record in grow.info.backbones:
        mine, theirs = (_as_read(r) for r in (run.record(record.spec.name), record))
        differing = [key for key in theirs if mine[key] != theirs[key]]
        if differing:
            raise RunError(
                f"{record.spec.name} is not the network that {grow.path} was trained with",
                expected=", ".join(f"{key} {theirs[key]}" for key in differing),
                got=", ".join(f"{key} {mine[key]}" for key in differing),
                hint=f"describe it as {grow.recipe_file} does",
            )


def _as_read(record: BackboneRecord) -> dict[str, object]:
    """Return what decides the tokens of a network, wherever its weights lie."""
    spec = record.spec.model_dump(exclude={"weights", "weights_layout"})
    return {**spec, "sha256": record.weights_sha256[:12]}


@contextmanager
def prepare(
    recipe: Recipe, out: Path, *, device: str, progress: Progress | None
) -> Iterator[tuple[Run, Tokens, Ranks]]:
    """Extract and join the other processes; yields the run, its store and this process's rank."""
    with open_ranks(local_device(device)) as ranks:
        # Each rank writes its share of the shards; the last to finish completes the store.
        run, store = open_tokens(recipe, out, device=device, progress=progress)
        ranks.wait()
        yield run, store or ActivationStore(run.activations_dir), ranks


def train_prepared(
    run: Run,
    recipe: Recipe,
    store: Tokens,
    ranks: Ranks,
    *,
    grow: Run | None = None,
    resume: bool,
    device: str,
    progress: Progress | None,
    watch: Watch | None,
) -> None:
    """Train and index a run whose store is written; see `train`."""
    _refuse_trained(run.path, resume)
    # Before anyone writes: the others must not find the first one's model already there.
    trained = run.usae_config_file.exists()
    ranks.wait()
    with run.lock() if ranks.first else nullcontext():
        if not trained:
            train_usae(
                run,
                recipe,
                store,
                held_out=held_out_tokens(store, recipe.training.validation_images),
                resume=resume,
                device=local_device(device),
                ranks=ranks,
                watch=watch if ranks.first else None,
                base=None if grow is None else load_usae(grow),
            )
    if ranks.first:
        index(run, device=device, rank=Rank(), progress=progress)


def _refuse_trained(path: Path, resume: bool) -> None:
    if (path / "usae.json").exists() and not resume:
        raise RunError(
            f"{path} is trained already",
            hint="give another --out, or --resume to keep what is there",
        )


def held_out_tokens(store: Tokens, images: int) -> HeldOut | None:
    """Return what gives the tokens of up to `images` held-out images; None if there is none."""
    if not store.ids("validation"):
        return None

    def tokens() -> Iterator[Mapping[str, Tensor]]:
        left = images
        # Batches end where shards do, so images are counted, not batches.
        for ids, rows in store.image_batches("validation", min(LOOK_IMAGES, images)):
            yield {name: own[:left] for name, own in rows.items()}
            left -= len(ids)
            if left <= 0:
                return

    return tokens
