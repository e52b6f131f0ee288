"""Prints time and memory of a long indexing pass over simulated codes, tenth by tenth.

    python scripts/index_memory.py [--images 100000] [--threads N] [--json]

256 tokens an image, 8,192 concepts of which 32 fire, three backbones: a few batches of random
codes, seen again and again as new images, since it is counting that is measured. Memory grows with
concepts and with the images' ids, which are 64 letters each.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from memory_use import megabytes

from usae_viz.concepts import ConceptPass

sys.path.insert(0, str(Path(__file__).parent / "bench"))
from index import BATCH, TOKENS, image_ids, model, simulated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    usae = model()
    pool = simulated(usae, 4)
    gathered = ConceptPass(usae, TOKENS)
    rows, before = [], (time.perf_counter(), time.process_time(), 0)
    steps = {round(options.images * tenth / 10) // BATCH * BATCH for tenth in range(1, 11)}
    for first in range(0, options.images, BATCH):
        gathered.add(image_ids(first, BATCH), pool[first // BATCH % len(pool)])
        done = first + BATCH
        if done not in steps and done < options.images:
            continue
        now = (time.perf_counter(), time.process_time(), done)
        count = done - before[2]
        row = {
            "images": done,
            "images_per_second": count / (now[0] - before[0]),
            "processor_ms_per_image": 1e3 * (now[1] - before[1]) / count,
            "peak_mb": megabytes(),
        }
        before = now
        rows.append(row)
        if not options.json:
            print(
                f"{done:8} images: {row['images_per_second']:.0f} images a second, "
                f"{row['processor_ms_per_image']:.1f} ms of processor time each, "
                f"peak {row['peak_mb']:.0f} MB",
                flush=True,
            )
    if options.json:
        print(json.dumps({"threads": options.threads, "rows": rows}))


if __name__ == "__main__":
    main()
