"""Rebuild gallery/, the example that is shipped: ten concepts of the bundled run, two reports.

    python scripts/build_example.py [--threads N] [--only-pages]

Four grounds, four compositions and two colours that the colour-blind network cannot share; reports
on an image with faces and one with boats. With --only-pages the pictures and reports in
build/example are kept and the pages alone are made again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from PIL import Image

from usae_viz import workflow
from usae_viz.concepts import load_index
from usae_viz.images import open_source
from usae_viz.render import png
from usae_viz.run import Run, demo_run, write_bytes

ROOT = Path(__file__).resolve().parent.parent
REPORTED = {"face.png": 27, "boat.png": 56}
"""Images that get a report: the one in which even the weakest backbone fires this concept most."""
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
        workflow.write_reports(run, _images(run, work / "images"), out=work)
    page = workflow.build_gallery(run, CONCEPTS, out=work)
    target = ROOT / "gallery"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(page.parent, target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


def _images(run: Run, folder: Path) -> list[Path]:
    """Write the images that are reported on; return their files."""
    index, source = load_index(run), open_source(run.recipe().images)
    ids = [index.examples(run.names[0], k, "joint")[0].image_id for k in REPORTED.values()]
    batch = source.read(ids)
    found = dict(zip(batch.ids, batch.images, strict=True))
    files = [folder / name for name in REPORTED]
    for file, image_id in zip(files, ids, strict=True):
        picture = Image.fromarray(found[image_id].permute(1, 2, 0).numpy())
        write_bytes(file, png(picture))
    return files


if __name__ == "__main__":
    main()
