"""Kill every long job with ``kill -9`` at random moments, go on, and compare what is left.

    python scripts/faults.py
    python scripts/faults.py --kills 20 --seed 1 --jobs train gallery

Every round takes a fresh copy of what the job starts from, begins the job (in one process, or in
two ranks of which one or both are killed), kills it once or several times, and then lets it end, in
one process or two. Half of the kills come at a random time, the others in the middle of a random
file: half of it is written. At the end every file must be the one that an undisturbed job writes,
and nothing may be left over; only durations (``seconds``) are not compared. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tiny import write_recipe

from usae_viz import workflow
from usae_viz.maximize import from_run
from usae_viz.recipe import load_recipe
from usae_viz.run import open_run

CONCEPTS = range(4)


@dataclass(frozen=True)
class Job:
    """What is killed: a call that is the same the second time."""

    call: Callable[[Path, Path], object]
    """Takes the recipe's file and the run's folder."""
    ranks: int = 1
    """Largest number of processes that share it."""
    removed: tuple[str, ...] = ()
    """What of a finished run it makes: taken away before it begins."""


JOBS = {
    "extract": Job(
        lambda recipe, run: workflow.extract(load_recipe(recipe), run),
        ranks=2,
        removed=("*",),
    ),
    "train": Job(
        lambda recipe, run: workflow.train(load_recipe(recipe), run, resume=True),
        removed=("usae.*", "training.jsonl", "concepts", "maximized", "gallery"),
    ),
    "index": Job(
        lambda _, run: workflow.index(open_run(run)),
        ranks=2,
        removed=("concepts", "maximized", "gallery"),
    ),
    "maximize": Job(
        lambda _, run: workflow.maximize(open_run(run), CONCEPTS, steps=6, size=32),
        ranks=2,
        removed=("maximized", "gallery"),
    ),
    "gallery": Job(
        lambda _, run: workflow.build_gallery(open_run(run), range(12), single_file=True),
        removed=("gallery",),
    ),
}


def start(job: Job, recipe: Path, run: Path, rank: int = 0, ranks: int = 1, dies: int = 0) -> int:
    """Begin a job in a fork; returns its process id. `dies`: in the middle of this file, from 1."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank)}
        # A result says how long it took, and the page over it depends on every byte of a result.
        from_run.time = SimpleNamespace(monotonic=lambda: 0.0)  # type: ignore[attr-defined]
        if dies:
            die_in_file(dies)
        job.call(recipe, run)
        status = 0
    finally:
        os._exit(status)


def die_in_file(number: int) -> None:
    """Have this process killed when half of the file of this number is written."""
    rename, done = Path.replace, iter(range(1, 1_000_000))

    def torn(self: Path, target: Path) -> Path:
        if next(done) == number:
            os.truncate(self, self.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.replace = torn  # type: ignore[method-assign,assignment]


def wait(child: int) -> int:
    """Wait for a process; returns its exit status, or the negative number of its signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finish(job: Job, recipe: Path, run: Path, ranks: int = 1) -> float:
    """Let a job end; returns seconds."""
    began = time.perf_counter()
    statuses = [
        wait(child) for child in [start(job, recipe, run, rank, ranks) for rank in range(ranks)]
    ]
    if any(statuses):
        raise RuntimeError(f"the job ended with {statuses} when nobody killed it")
    return time.perf_counter() - began


def kill(
    job: Job, recipe: Path, run: Path, ranks: int, seconds: float, files: int, chance: random.Random
) -> list[str]:
    """Begin a job and kill it; returns how each victim died, nothing if all ended before."""
    victims = chance.choice([[0], [1], [0, 1]]) if ranks == 2 else [0]
    in_file = chance.random() < 0.5
    children = [
        start(
            job, recipe, run, rank, ranks,
            dies=chance.randint(1, max(1, files // ranks)) if in_file and rank in victims else 0,
        )
        for rank in range(ranks)
    ]  # fmt: skip
    if not in_file:
        time.sleep(chance.uniform(0, seconds))
        for victim in victims:
            os.kill(children[victim], signal.SIGKILL)
    statuses = [wait(child) for child in children]
    survivors = [status for rank, status in enumerate(statuses) if rank not in victims]
    if any(survivors):
        raise RuntimeError(f"a rank that nobody killed ended with {survivors}")
    return ["in a file" if in_file else "at a time"] * statuses.count(-signal.SIGKILL)


def contents(run: Path) -> dict[str, bytes]:
    """Return every file of a run; of JSON what the clock did not say."""
    return {
        str(path.relative_to(run)): timeless(path)
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }


def timeless(path: Path) -> bytes:
    """Return a file's bytes; of JSON without what the clock said."""
    data = path.read_bytes()
    if path.suffix not in (".json", ".jsonl"):
        return data
    lines = data.splitlines() if path.suffix == ".jsonl" else [data]
    return json.dumps([without_seconds(json.loads(line)) for line in lines]).encode()


def without_seconds(value: Any) -> Any:
    """Return a JSON value without any key `seconds`."""
    if isinstance(value, dict):
        return {key: without_seconds(each) for key, each in value.items() if key != "seconds"}
    return [without_seconds(each) for each in value] if isinstance(value, list) else value


def begin(job: Job, whole: Path, run: Path) -> None:
    """Make what a job starts from: a finished run without what the job makes."""
    shutil.copytree(whole, run)
    for pattern in job.removed:
        for path in list(run.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not any(run.iterdir()):
        run.rmdir()


def rounds(
    name: str, kills: int, whole: Path, recipe: Path, chance: random.Random, folder: Path
) -> Iterator[dict[str, Any]]:
    """Kill a job until it was killed `kills` times; yields what came of each round."""
    job, done = JOBS[name], 0
    # Always the same place: pages say it.
    run = folder / "run"
    expected = {}
    for ranks in range(1, job.ranks + 1):
        begin(job, whole, run)
        files = -len(contents(run))
        seconds = finish(job, recipe, run, ranks)
        expected[ranks] = contents(run)
        files += len(expected[ranks])
        shutil.rmtree(run)
    while done < kills:
        begin(job, whole, run)
        ranks = chance.randint(1, job.ranks)
        deaths: list[str] = []
        for _ in range(chance.choice([1, 1, 2, 3])):
            deaths += kill(job, recipe, run, ranks, seconds, files, chance)
        if not deaths:
            shutil.rmtree(run)
            continue
        torn = [path.name for path in run.rglob(".*.*")] if run.exists() else []
        again = chance.randint(1, job.ranks)
        finish(job, recipe, run, again)
        found, wanted = contents(run), expected[again]
        differing = sorted(
            key for key in wanted.keys() | found.keys() if found.get(key) != wanted.get(key)
        )
        done += len(deaths)
        shutil.rmtree(run)
        yield {
            "ranks": ranks,
            "deaths": deaths,
            "torn_files_found": len(torn),
            "ranks_of_the_last_call": again,
            "equal": not differing,
            "differing": differing,
        }


def measure(names: list[str], kills: int, chance: random.Random, folder: Path) -> dict[str, Any]:
    """Make an undisturbed run, then kill each job for its share of `kills`."""
    recipe, whole = write_recipe(folder), folder / "whole"
    os.environ["USAE_VIZ_CACHE"] = str(folder / "cache")
    for job in JOBS.values():
        finish(job, recipe, whole)
    table: dict[str, Any] = {}
    for position, name in enumerate(names):
        share = kills * (position + 1) // len(names) - kills * position // len(names)
        made = list(rounds(name, share, whole, recipe, chance, folder))
        deaths = [death for row in made for death in row["deaths"]]
        table[name] = {
            "kills": len(deaths),
            "in_a_file": deaths.count("in a file"),
            "rounds": len(made),
            "rounds_of_two_ranks": sum(row["ranks"] == 2 for row in made),
            "torn_files_found": sum(row["torn_files_found"] for row in made),
            "equal": sum(row["equal"] for row in made),
            "differing": sorted({file for row in made for file in row["differing"]}),
        }
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "kills": sum(row["kills"] for row in table.values()),
        "rounds": sum(row["rounds"] for row in table.values()),
        "all_equal": all(row["equal"] == row["rounds"] for row in table.values()),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "jobs": table,
    }


def main() -> int:
    """Parse the arguments, break things, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="in all, at least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        chance = random.Random(arguments.seed)
        table = measure(arguments.jobs, arguments.kills, chance, Path(folder))
    print(json.dumps({"seed": arguments.seed} | table, indent=1))
    return 0 if table["all_equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
