"""What an evaluation is to be compared with: an untrained model, and SAEs of one backbone each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.activations.manifest import ELSEWHERE, differences
from usae_viz.errors import RunError, StoreError
from usae_viz.run import Run
from usae_viz.sae import UniversalSAE, evaluate_usae, load_usae
from usae_viz.sae.config import read_config
from usae_viz.sae.consistency import consistency, gaussian_like
from usae_viz.sae.evaluation import summary
from usae_viz.sae.modes import ingredients
from usae_viz.sae.ranks import ONE
from usae_viz.sae.trainer import Watch
from usae_viz.sae.training import Standardisation, first_step, train_usae
from usae_viz.workflow.training import held_out_tokens

SEEDS = (1, 2)
"""Added to the run's own seed: with that one, a dictionary would start from the run's very rows."""

HeldOutImages = Callable[[], Iterator[Mapping[str, Tensor]]]


class OneBackbone:
    """A store as if there were only one backbone; see `training.TokenStore`."""

    def __init__(self, store: ActivationStore, name: str) -> None:
        self.store, self.name = store, name

    def statistics(self) -> dict[str, Standardisation]:
        """Return the standardisation of the backbone."""
        return {self.name: self.store.statistics()[self.name]}

    def sample(self, tokens: int, *, seed: int) -> dict[str, Tensor]:
        """Return random tokens ``[n, dim]``."""
        return {self.name: self.store.sample(tokens, seed=seed)[self.name]}

    def token_batches(
        self, batch_tokens: int, *, seed: int, buffer_images: int, start: int = 0
    ) -> Iterator[dict[str, Tensor]]:
        """Yield endless shuffled batches; `start` skips some."""
        batches = self.store.token_batches(
            batch_tokens, seed=seed, buffer_images=buffer_images, start=start
        )
        for batch in batches:
            yield {self.name: batch[self.name]}


def open_store(run: Run) -> ActivationStore:
    """Return the run's activations.

    Raises:
        RunError: there are none, and the controls train on them.
        StoreError: they are of other networks, or on another grid.
    """
    if not (run.activations_dir / "manifest.json").is_file():
        raise RunError(
            f"{run.path} has no activations, which the controls are trained on",
            hint="train or extract it here; `evaluate` without --controls needs none",
        )
    store = ActivationStore(run.activations_dir)
    described = _preprocessing(run)
    expected, got = differences(described, _as_described(described, store))
    if expected:
        raise StoreError(
            f"the activations of {run.path} are not those that it was trained on",
            expected=expected,
            got=got,
            hint=f"`usae-viz extract {run.recipe_file} --out {run.path}` makes them again",
        )
    return store


def _preprocessing(run: Run) -> dict[str, Any]:
    """Return what decides the tokens of a run's recipe, as far as no network is needed."""
    recipe = run.recipe()
    return {
        "images": recipe.images.model_dump(mode="json", exclude=ELSEWHERE, exclude_none=True),
        "activations": {"grid": recipe.activations.grid},
        "backbones": {
            r.spec.name: {
                "model": r.spec.model,
                "layer": r.spec.layer,
                **({"weights_sha256": r.weights_sha256} if r.weights_sha256 else {}),
            }
            for r in run.info.backbones
        },
    }


def _as_described(described: dict[str, Any], store: ActivationStore) -> dict[str, Any]:
    """Return of a store what a run says of its own, which may be less."""
    stored = store.manifest.preprocessing
    return {
        "images": stored["images"],
        "activations": {"grid": stored["activations"]["grid"]},
        "backbones": {
            name: {key: found[key] for key in mine if key in found}
            if (mine := described["backbones"].get(name))
            else {"model": found["model"]}
            for name, found in stored["backbones"].items()
        },
    }


def untrained_usae(run: Run, store: ActivationStore) -> UniversalSAE:
    """Return the run's model as it was before its first step."""
    recipe, trained = run.recipe(), load_usae(run)
    usae = UniversalSAE(
        trained.dims,
        trained.concepts,
        trained.k,
        trained.tau,
        encoding=trained.encoding,
        gate=trained.gate,
    )
    for name in usae.names:
        usae.set_standardisation(name, trained.mean(name), float(trained.scale(name)))
    step = first_step(usae, ingredients(recipe.usae, recipe.training), store, recipe, ONE)
    step.finish()
    return usae.eval().requires_grad_(False)


def untrained(run: Run, store: ActivationStore, held_out: HeldOutImages) -> dict[str, Any]:
    """Return the figures of the run's model before its first step."""
    return summary(evaluate_usae(untrained_usae(run, store), held_out())[0])


def steps_of(run: Run) -> int:
    """Return the steps that a run took; those of its recipe where imported files don't say."""
    return read_config(run).steps or run.recipe().training.steps


def train_alone(
    run: Run,
    store: ActivationStore,
    name: str,
    seed: int,
    *,
    steps: int | None = None,
    device: str = "cpu",
    watch: Watch | None = None,
) -> UniversalSAE:
    """Return an SAE of one backbone, of the run's width, k, ingredients and steps.

    A finished one is kept under the run's ``evaluation`` and not trained again.

    Args:
        run: gives the recipe.
        store: its activations.
        name: of the backbone.
        seed: added to the run's own.
        steps: of the training; None: as many as the run took.
        device: where to train.
        watch: called with where the training is.
    """
    recipe = run.recipe()
    # Steps alone are the budget: neither the clock nor a look ends it before.
    budget = {"steps": steps or steps_of(run), "max_minutes": None, "patience": None}
    training = recipe.training.model_copy(update=budget)
    folder = run.evaluation_dir() / "controls" / f"{name}-seed{seed}-{training.steps}"
    single = Run(folder, run.info.model_copy(update={"backbones": (run.record(name),)}))
    if not single.usae_config_file.exists():
        update = {
            "seed": recipe.seed + seed,
            "backbones": (run.record(name).spec,),
            "training": training,
        }
        train_usae(
            single,
            recipe.model_copy(update=update),
            OneBackbone(store, name),
            held_out=None,
            resume=True,
            device=device,
            watch=watch,
        )
    return load_usae(single)


def independent(
    run: Run,
    store: ActivationStore,
    held_out: HeldOutImages,
    *,
    steps: int | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train SAEs of one backbone each, two seeds of each, and compare the run with them.

    They have the run's width, k, ingredients and steps, each its own code: a ceiling for the own R²
    and, seed against seed, for how alike dictionaries can be. Finished ones are kept under the
    run's ``evaluation`` and not trained again.

    Returns:
        ``r2`` by backbone (a value a seed); ``consistency`` by backbone, decoder rows matched by
        cosine: ``seeds`` (one seed with the other, the ceiling), ``universal`` (the run with each
        seed, mean) and ``chance`` (Gaussian rows with the run's mean and variance).
    """
    recipe, usae = run.recipe(), load_usae(run)
    figures: dict[str, Any] = {"r2": {}, "consistency": {}}
    figures["steps"] = steps or steps_of(run)
    for name in usae.names:
        rows, r2 = [], []
        for seed in SEEDS:
            alone = train_alone(run, store, name, seed, steps=steps, watch=watch)
            tokens = ({name: batch[name]} for batch in held_out())
            r2.append(evaluate_usae(alone, tokens)[0]["r2"]["channel"][0][0])
            rows.append(alone.rows(name).detach())
        own = usae.rows(name).detach()
        matched = [consistency(own, other) for other in rows]
        figures["r2"][name] = r2
        figures["consistency"][name] = {
            "seeds": consistency(*rows),
            "universal": {
                key: sum(entry[key] for entry in matched) / len(matched) for key in matched[0]
            },
            "chance": consistency(own, gaussian_like(own, seed=recipe.seed)),
        }
    return figures


def stored_images(store: ActivationStore) -> HeldOutImages:
    """Return what gives all held-out images of a store.

    Raises:
        RunError: it holds none.
    """
    held_out = held_out_tokens(store, max(1, len(store.ids("validation"))))
    if held_out is None:
        raise RunError("there are no held-out images", hint="raise images.validation")

    def images() -> Iterator[Mapping[str, Tensor]]:
        with torch.no_grad():
            yield from held_out()

    return images
