"""Benchmarks: this project beside its peers, timed alternately in one process, as ratios.

    python scripts/bench NAME [--quick] [--json] [--threads N]
    python scripts/bench all --keep FOLDER --markdown > table.md

Each NAME is a module of this folder with ``rows(quick: bool) -> list[Row]``, and ``figures`` where
there is more to say than ratios. A peer that is not
installed is left out, and said so on stderr. All of them take about an hour of a machine without
other work: --keep writes each table to FOLDER/NAME.json and takes those that are there from there.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

NAMES = tuple(
    name
    for name in (
        "train",
        "scaling",
        "extract",
        "store",
        "maximize",
        "reaching",
        "index",
        "attribute",
        "gallery",
        "frontpage",
        "frontdoor",
    )
    if (Path(__file__).parent / f"{name}.py").exists()
)


def machine() -> str:
    """Return the processor, the cores in use and the versions that decide speed."""
    import torch

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    threads = torch.get_num_threads()
    return (
        f"{cpu}, {os.cpu_count()} cores, {threads} threads{gpu}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


OPENING = """# Benchmarks

`python scripts/bench all --markdown --threads 2` printed this page. A ratio is our time over
theirs, below 1 is faster: the median over the rounds, with the smallest and the largest. Both
sides were timed alternately in one process. The peers are installed (`lucent`, `horama`,
`overcomplete`) or written again from their description (`official`: the published training loop
with its defaults, or stripped to squared error and a linear encoder; `npz`: one compressed file
an image). Floors are no peers: `encoder-forward`, `bare-forward-backward`, `bare-forward`,
`encoding`, `memmap` and `canvas-and-warp-alone` (a Fourier canvas and its Adam step, one affine
warp a view, the bare pass) are work that cannot be left out, `python` starts an interpreter that
does nothing. The real trio is from `USAE_VIZ_REAL_DATA` ([real-data.md](real-data.md)).
"""


def run(name: str, quick: bool) -> dict[str, Any]:
    """Run one benchmark; return its table as the JSON contract has it."""
    started = time.perf_counter()
    module = importlib.import_module(name)
    rows = module.rows(quick)
    # What is not a ratio: bytes, memory, milliseconds of a browser.
    figures = getattr(module, "figures", None)
    return {
        "name": name,
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "quick": quick,
        "seconds": time.perf_counter() - started,
        "rows": [dataclasses.asdict(row) for row in rows],
        **({"figures": figures} if figures else {}),
    }


def kept(name: str, quick: bool, folder: Path | None) -> dict[str, Any]:
    """Return the table of a benchmark: from `folder` if it is there, else run and put there."""
    if folder is None:
        return run(name, quick)
    from usae_viz.run import read_json, write_json

    path = folder / f"{name}.json"
    table: dict[str, Any] = read_json(path) if path.exists() else {}
    if table.get("quick") != quick:
        table = run(name, quick)
        write_json(path, table)
    return table


def markdown(table: dict[str, Any]) -> str:
    """Return the table of one benchmark in Markdown."""
    lines = [
        f"## {table['name']}",
        "",
        f"{table['machine']}, {table['date']}",
        "",
        "| work | against | our time ÷ theirs | range | ours, ms | theirs, ms |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['work']} | {row['against']} | {row['ratio']:.3g} | "
        f"{row['low']:.3g} to {row['high']:.3g} | "
        f"{_milliseconds(row['ours_ms'])} | {_milliseconds(row['theirs_ms'])} |"
        for row in table["rows"]
    ]
    if "figures" in table:
        text = json.dumps(table["figures"], indent=1)
        lines += ["", *(f"    {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    """Parse the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument("--quick", action="store_true", help="at most 45 s, fewer rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--markdown", action="store_true", help="a table for the docs")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="finished tables, read again")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own")
    arguments = parser.parse_args()
    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    names = NAMES if arguments.name == "all" else (arguments.name,)
    if arguments.name == "all" and not arguments.json:
        print(OPENING)
    tables = []
    for name in names:
        tables.append(kept(name, arguments.quick, arguments.keep))
        if not arguments.json:
            print(markdown(tables[-1]), flush=True)
    if arguments.json:
        print(json.dumps(tables[0] if arguments.name != "all" else tables, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())
