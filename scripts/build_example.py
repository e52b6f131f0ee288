"""Rebuild gallery/, the example that is shipped: ten concepts of the bundled run.

    python scripts/build_example.py [--threads N] [--only-pages]

Four grounds, four compositions and two colours that the colour-blind network cannot share. With
--only-pages the pictures in build/example are kept and the pages alone are made again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from usae_viz import workflow
from usae_viz.run import demo_run

ROOT = Path(__file__).resolve().parent.parent
CONCEPTS = (0, 2, 7, 9, 27, 107, 56, 319, 275, 136)


def main() -> None:
    """Maximize, build, and put the result in place."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only-pages", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    work = ROOT / "build" / "example"
    run = demo_run().writing_to(work)
    if not arguments.only_pages:
        workflow.maximize(run, CONCEPTS, out=work)
    page = workflow.build_gallery(run, CONCEPTS, out=work)
    target = ROOT / "gallery"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(page.parent, target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
