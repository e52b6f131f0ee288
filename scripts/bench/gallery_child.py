"""One step of the gallery's benchmarks in a process of its own, so that its memory is its own.

python scripts/bench/gallery_child.py make FOLDER CONCEPTS
python scripts/bench/gallery_child.py build FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

from synthetic import synthetic_run
from timing import seconds

from usae_viz.concepts import ConceptName, load_index
from usae_viz.gallery import build_site
from usae_viz.run import open_run

sys.path.insert(0, str(Path(__file__).parents[1]))
from memory_use import megabytes


def build(folder: Path) -> dict[str, object]:
    """Build the gallery of a run anew, then after one concept was renamed, three times."""
    run = open_run(folder)
    shutil.rmtree(run.gallery_dir, ignore_errors=True)
    index = load_index(run)
    concepts = [int(k) for k in (~index.dead).nonzero()[0]]
    loaded = megabytes()
    began = time.process_time()
    anew = seconds(lambda: build_site(run, run.outputs, concepts))
    worked = time.process_time() - began
    highest = megabytes()
    again = [
        seconds(
            lambda name=f"name {number}": build_site(
                run, run.outputs, concepts, {concepts[0]: ConceptName(name, "user")}
            )
        )
        for number in range(3)
    ]
    return {
        "concepts": len(concepts),
        "seconds": round(anew, 2),
        "cpu_seconds": round(worked, 2),
        "cpu_ms_a_page": round(1e3 * worked / len(concepts), 2),
        "rss_mb_index_loaded": round(loaded),
        "rss_mb_peak": round(highest),
        "one_changed_seconds": [round(each, 2) for each in again],
        "list_bytes": (run.gallery_dir / "data" / "index.js").stat().st_size,
        "front_page_bytes": (run.gallery_dir / "index.html").stat().st_size,
    }


if __name__ == "__main__":
    task, where = sys.argv[1], Path(sys.argv[2])
    if task == "make":
        synthetic_run(where, concepts=int(sys.argv[3]))
    else:
        print(json.dumps(build(where)))
