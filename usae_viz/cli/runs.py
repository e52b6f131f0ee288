"""The verb runs."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from usae_viz.cli.terminal import JsonOption, print_json, verb
from usae_viz.run import bundled_runs, open_run, read_json


@verb
def runs(as_json: JsonOption = False) -> None:
    """List the runs that come with the package: a name for --run."""
    rows: list[dict[str, Any]] = []
    for name in bundled_runs():
        run = open_run(name)
        recipe, stored = run.recipe(), run.find_evaluation()
        evaluation = read_json(stored) if stored else None
        rows.append(
            {
                "name": name,
                "path": str(run.path),
                "backbones": {spec.name: spec.model for spec in recipe.backbones},
                "concepts": recipe.usae.concepts,
                "k": recipe.usae.k,
                "r2": [row[i] for i, row in enumerate(evaluation["r2"]["channel"])]
                if evaluation
                else None,
            }
        )
    if as_json:
        print_json({"runs": rows})
        return
    table = Table("run", "backbones", "concepts", "k", "own R²")
    for row in rows:
        networks = "\n".join(f"{name} ({model})" for name, model in row["backbones"].items())
        own = "\n".join(f"{value:.3f}" for value in row["r2"] or ()) or "–"
        table.add_row(row["name"], networks, str(row["concepts"]), str(row["k"]), own)
    Console().print(table)
