"""Turn a trained run into one that ships in the package: small, without a photograph.

    python scripts/ship_run.py runs/trio --name imagenet-tiny-trio

Writes ``usae_viz/pretrained/NAME``, which ``--run NAME`` and ``open_run("NAME")`` then find. The
run must still have its activations: it is indexed and evaluated again as it is shipped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from usae_viz import workflow
from usae_viz.errors import UsaeVizError
from usae_viz.run import open_run

PRETRAINED = Path(__file__).parent.parent / "usae_viz" / "pretrained"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a trained run with its activations")
    parser.add_argument("--name", required=True, help="what users call it")
    parser.add_argument("--max-megabytes", type=float, default=14.0)
    arguments = parser.parse_args()
    try:
        run = open_run(arguments.run)
        target = PRETRAINED / arguments.name
        made = workflow.ship(run, target, max_megabytes=arguments.max_megabytes)
    except UsaeVizError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{made['run']}: {made['megabytes']} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
