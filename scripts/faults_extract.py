"""Kill an extraction with `kill -9` at random moments, go on, and compare the store byte by byte.

    python scripts/faults_extract.py
    python scripts/faults_extract.py --kills 20 --seed 1 --images 96 --json

Every round makes a run of its own: one process, or two ranks of which one or both are killed. Then
the extraction is called again, by one process or by two, and every file of the run must be the one
that an undisturbed extraction writes, with nothing left over.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from usae_viz import workflow
from usae_viz.recipe import Recipe, load_recipe

WORLD = Path(__file__).parent.parent / "recipes" / "world.toml"


def start(recipe: Recipe, run: Path, rank: int, ranks: int) -> int:
    """Extract in a fork; returns its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank)}
        torch.set_num_threads(1)
        workflow.extract(recipe, run)
        status = 0
    finally:
        os._exit(status)


def wait(child: int) -> int:
    """Wait for a process; returns its exit status, or the negative number of its signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def extract(recipe: Recipe, run: Path, ranks: int) -> None:
    """Extract to the end."""
    children = [start(recipe, run, rank, ranks) for rank in range(ranks)]
    statuses = [wait(child) for child in children]
    if any(statuses):
        raise RuntimeError(f"an undisturbed extraction ended with {statuses}")


def contents(run: Path) -> dict[str, bytes]:
    """Return every file of a run."""
    return {
        str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()
    }


def round_of(
    recipe: Recipe, run: Path, ranks: int, seconds: float, chance: random.Random
) -> dict[str, Any] | None:
    """Extract, kill within `seconds`, extract to the end; None if it ended before it was killed."""
    moment = chance.uniform(0, seconds)
    victims = chance.choice([[0], [1], [0, 1]]) if ranks == 2 else [0]
    children = [start(recipe, run, rank, ranks) for rank in range(ranks)]
    time.sleep(moment)
    for victim in victims:
        os.kill(children[victim], signal.SIGKILL)
    statuses = [wait(child) for child in children]
    if -signal.SIGKILL not in statuses:
        return None
    survivors = [status for rank, status in enumerate(statuses) if rank not in victims]
    found = sorted(path.name for path in (run / "activations").glob("*"))
    again = chance.choice([1, 2])
    extract(recipe, run, again)
    return {
        "ranks": ranks,
        "killed": victims,
        "after_seconds": round(moment, 3),
        "shards_found": sum(name.startswith("shard-") for name in found),
        "torn_files_found": sum(name.startswith(".") for name in found),
        "survivors_ended_well": not any(survivors),
        "ranks_of_the_second_call": again,
    }


def measure(recipe: Recipe, kills: int, chance: random.Random, folder: Path) -> dict[str, Any]:
    """Run `kills` rounds for one process and as many for two ranks."""
    started = time.perf_counter()
    extract(recipe, folder / "whole", 1)
    seconds = time.perf_counter() - started
    whole = contents(folder / "whole")
    rounds: list[dict[str, Any]] = []
    for ranks in (1, 2):
        done = 0
        while done < kills:
            run = folder / f"run-{len(rounds)}-{time.monotonic_ns()}"
            row = round_of(recipe, run, ranks, seconds, chance)
            if row is None:
                continue
            rounds.append(row | {"equal": contents(run) == whole})
            done += 1
    return {
        "subject": "extract",
        "undisturbed_seconds": round(seconds, 2),
        "shards": sum(name.startswith("activations/shard-") for name in whole),
        "rounds": rounds,
        "kills": sum(len(row["killed"]) for row in rounds),
        "all_equal": all(row["equal"] for row in rounds),
    }


def main() -> int:
    """Parse the arguments, break things, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="rounds, for one process and for two")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--json", action="store_true", dest="as_json")
    arguments = parser.parse_args()
    sets = [
        f"images.source=world:images={arguments.images},first=30000000",
        "activations.shard_images=4", "activations.batch_images=2",
    ]  # fmt: skip
    recipe = load_recipe(WORLD, sets)
    with tempfile.TemporaryDirectory() as folder:
        table = measure(recipe, arguments.kills, random.Random(arguments.seed), Path(folder))
    if arguments.as_json:
        print(json.dumps(table))
    else:
        for row in table.pop("rounds"):
            print(row)
        print(table)
    return 0 if table["all_equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
