"""Prints how much memory reading images takes, for a number of images and for ten times as many.

    python scripts/memory.py [--images 500] [--json]

Each row is a fresh process that opens a source of small pictures without a cache and reads all of
them in batches, as extraction does.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = ("folder", "tar")
CANVAS, BATCH = 224, 32


def make_pictures(folder: Path, count: int) -> None:
    """Write `count` different small JPEG pictures, in a folder and in one tar shard."""
    random = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True)
    with tarfile.open(folder / "shard.tar", "w") as tar:
        for number in range(count):
            buffer = io.BytesIO()
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((96, 96)).save(buffer, "JPEG")
            (folder / "photos" / f"{number:06d}.jpg").write_bytes(buffer.getvalue())
            info = tarfile.TarInfo(f"{number:06d}.jpg")
            info.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(info, buffer)


def peak_after_reading(source: str) -> tuple[int, float, float]:
    """Return the images read, and this process's peak memory before and after, in MB."""
    from usae_viz.images import batches, open_source
    from usae_viz.recipe import ImagesSpec

    before = _peak()
    opened = open_source(ImagesSpec(source=source, canvas=CANVAS))
    count = sum(len(batch.ids) for batch in batches(opened, opened.ids, BATCH))
    return count, before, _peak()


def _peak() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(peak_after_reading(options.measure)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for count in (options.images, 10 * options.images):
            folder = Path(place) / str(count)
            make_pictures(folder, count)
            where = {"folder": folder / "photos", "tar": folder / "shard.tar"}
            for kind in KINDS:
                command = [sys.executable, __file__, "--measure", f"{kind}:{where[kind]}"]
                environment = {**os.environ, "USAE_VIZ_CACHE": str(folder / "cache")}
                done = subprocess.run(command, env=environment, check=True, capture_output=True)
                read, before, peak = json.loads(done.stdout)
                rows.append({"source": kind, "images": read, "imports_mb": before, "peak_mb": peak})
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(
            f"{row['source']:8}{row['images']:8} images: peak {row['peak_mb']:.0f} MB, "
            f"of which {row['imports_mb']:.0f} MB before the first"
        )


if __name__ == "__main__":
    main()
