"""Peak memory of an extraction as the images grow tenfold.

    python scripts/extraction_memory.py [--images 300] [--json]

Each size runs in a process of its own: the bundled networks on the built-in world.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from memory_use import megabytes

WORLD = Path(__file__).parent.parent / "recipes" / "world.toml"


def child(images: int) -> None:
    """Extract in this process and print the peak of its memory in MB."""
    from usae_viz import workflow
    from usae_viz.recipe import load_recipe

    sets = [f"images.source=world:images={images},first=30000000", "activations.shard_images=64"]
    with tempfile.TemporaryDirectory() as folder:
        workflow.extract(load_recipe(WORLD, sets), Path(folder) / "run")
    print(megabytes())


def main() -> None:
    """Measure both sizes and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    table = {}
    for images in (arguments.images, 10 * arguments.images):
        words = [sys.executable, __file__, "--child", str(images)]
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ)
        table[f"{images} images, MB"] = round(float(done.stdout), 1)
    print(json.dumps(table) if arguments.as_json else table)


if __name__ == "__main__":
    main()
