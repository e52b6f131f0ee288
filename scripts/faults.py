"""Kill a job again and again, go on each time, and see whether it ends as if nothing had been.

    python scripts/faults.py train
    python scripts/faults.py train --kills 20 --seed 1 --json

Each subject is a function of this file: it runs a job undisturbed, runs it again with ``kill -9``
at random moments (some while a file is being written), and compares what is left byte by byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch

from usae_viz import workflow
from usae_viz.activations import ActivationStore
from usae_viz.recipe import load_recipe
from usae_viz.run import Run, open_run
from usae_viz.sae import state
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.training import train_usae

WORLD = Path(__file__).parent.parent / "recipes" / "world.toml"
STEPS = 400


def train(kills: int, chance: random.Random, folder: Path) -> dict[str, Any]:
    """Train on a small store; killed at random steps, every third time while it saves."""
    sets = [
        "images.source=world:images=48,first=30000000", "usae.concepts=96",
        f"training.steps={STEPS}", "training.max_minutes=1000", "training.batch_tokens=256",
        "training.checkpoint_every=7", "training.validate_every=50", "training.average=0.9",
        "training.patience=50",
    ]  # fmt: skip
    recipe = load_recipe(WORLD, sets)
    training = recipe.training.model_copy(update={"max_minutes": None})
    recipe = recipe.model_copy(update={"training": training})
    whole, _ = workflow.extract(recipe, folder / "whole")
    store = ActivationStore(whole.activations_dir)
    held_out = workflow.training.held_out_tokens(store, 8)

    def go(run: Run) -> None:
        with run.lock(tidy=run.path):
            train_usae(run, recipe, store, held_out=held_out, resume=True)

    go(whole)
    broken = Run.create(folder / "broken", recipe, whole.info)
    moments = sorted(chance.sample(range(1, STEPS), kills))
    for number, moment in enumerate(moments):
        died = in_child(lambda m=moment, n=number: die_at(m, go, broken, saving=n % 3 == 2))
        assert died, f"the training ended before step {moment}"
    go(open_run(broken.path))
    return {
        "subject": "train",
        "kills": moments,
        "weights_equal": whole.usae_file.read_bytes() == broken.usae_file.read_bytes(),
        "log_equal": steps_of(whole) == steps_of(broken),
        "left_over": sorted(p.name for p in broken.path.glob(".*")),
    }


def die_at(moment: int, go: Callable[[Run], None], run: Run, *, saving: bool) -> NoReturn:
    """Train until a step, then die there, or in the middle of the next checkpoint's writing."""
    step, write = TrainingStep.__call__, state.write_bytes
    taken = 0

    def counted(self: TrainingStep, batch: Any, share: float) -> Any:
        nonlocal taken
        taken = round(share * STEPS) + 1
        if taken == moment and not saving:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch, share)

    def torn(path: Path, data: bytes) -> None:
        if saving and taken >= moment:
            path.with_name(f".{path.name}.{'0' * 12}").write_bytes(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, data)

    TrainingStep.__call__ = counted  # type: ignore[method-assign]
    state.write_bytes = torn  # type: ignore[attr-defined]
    go(run)
    os._exit(0)


def steps_of(run: Run) -> list[dict[str, Any]]:
    """Return the lines of a training log without what the clock said."""
    lines = run.training_log.read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def in_child(work: Callable[[], object]) -> bool:
    """Run something in a fork; returns whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


SUBJECTS: dict[str, Callable[[int, random.Random, Path], dict[str, Any]]] = {"train": train}


def main() -> int:
    """Parse the arguments, break things, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subject", choices=sorted(SUBJECTS))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        chance = random.Random(arguments.seed)
        table = SUBJECTS[arguments.subject](arguments.kills, chance, Path(folder))
    if arguments.as_json:
        print(json.dumps(table))
    else:
        for key, value in table.items():
            print(f"{key}: {value}")
    return 0 if all(value for key, value in table.items() if key.endswith("_equal")) else 1


if __name__ == "__main__":
    sys.exit(main())
