"""Writes docs/notebook.ipynb: runs its cells on the bundled run and keeps their outputs.

    python scripts/notebook.py [FILE]          ./scripts/docs --notebook sets everything up first

Needs nbclient and ipykernel: pip install 'usae-viz[docs]'. The cells run in an empty folder, so
that no path of this machine is in an output.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FILE = Path(__file__).parent.parent / "docs" / "notebook.ipynb"
MARKDOWN, CODE = "markdown", "code"
CELLS: list[tuple[str, str]] = [
    (
        MARKDOWN,
        "# The bundled run\n\n"
        "Four small networks look at a procedural world whose concepts are known; one sparse code "
        "of 384 concepts reads and reconstructs all of them. Everything here runs on a laptop, "
        "without a download. `scripts/notebook.py` writes this page; [reading.md](reading.md) says "
        "how to read what it shows.",
    ),
    (
        CODE,
        "import json\n\nimport usae_viz as uv\n\nrun = uv.demo_run()\nrun.names",
    ),
    (
        MARKDOWN,
        "## How good is it?\n\nR² per channel on held-out images: rows encoded from, columns "
        "decoded to. `grey` is fed luma only.",
    ),
    (
        CODE,
        "stored = json.loads(run.find_evaluation().read_text())\n"
        'print(" " * 8, *(f"{name:>8}" for name in run.names))\n'
        'for name, row in zip(run.names, stored["r2"]["channel"]):\n'
        '    print(f"{name:8}", *(f"{value:8.2f}" for value in row))',
    ),
    (
        MARKDOWN,
        "## Its concepts\n\nOne row a concept, numbered by universality; as a table: "
        "`pandas.DataFrame(uv.concept_table(run))`.",
    ),
    (
        CODE,
        "for row in uv.concept_table(run)[:8]:\n"
        "    print(f\"{row['id']:4} {row['class']:10} entropy {row['entropy']:.2f} \"\n"
        "          f\"co-fire {row['cofire']:.2f}  shared by {row['shared_by']}\")",
    ),
    (
        MARKDOWN,
        "## What each network would most like to see\n\nOne picture a network, from the same "
        "start, through the same views. Below each: its own activation on the clean picture, over "
        "the mean of the concept's nine best natural images.",
    ),
    (CODE, "results = uv.maximize(run, [2], size=96)\nresults"),
    (
        MARKDOWN,
        "And what every *other* network reads in them: rows optimised for, columns read by.",
    ),
    (CODE, "results.transfer.round(2)"),
    (
        MARKDOWN,
        "## Where is it in an image?\n\nTwo images with a dotted ground, and concept 2 "
        "in each network.",
    ),
    (
        CODE,
        "from PIL import Image\n\nfrom usae_viz.demo.world import CONCEPTS, World\n\n"
        "world = World(size=96, seed=0).render(range(40))\n"
        'dotted = world.labels[:, CONCEPTS.index("bg-texture:dots")].nonzero()[:2, 0]\n'
        "images = world.images[dotted]\n"
        "files = []\n"
        "for number, image in enumerate(images):\n"
        '    files.append(f"world-{number}.png")\n'
        "    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()\n"
        "    Image.fromarray(pixels).save(files[-1])\n"
        "uv.heatmap(run, files, 2)",
    ),
    (
        MARKDOWN,
        "## The code itself\n\nAny backbone is a differentiable function from images to a token "
        "map; the USAE reads its tokens into values and indices, and gives the tokens of any "
        "*other* one back.",
    ),
    (
        CODE,
        "import torch\n\nfrom usae_viz.backbones import load_run_backbones\n\n"
        "usae, backbones = uv.load_usae(run), load_run_backbones(run)\n"
        "with torch.no_grad():\n"
        '    tokens = backbones["vit"](images).flatten(2).transpose(1, 2).flatten(0, 1)\n'
        '    code = usae.encode("vit", tokens)\n'
        '    read_as_resnet = usae.decode("resnet", code)\n'
        "tuple(code.values.shape), tuple(read_as_resnet.shape)",
    ),
    (
        MARKDOWN,
        "From here: [a run of your own photographs](tutorial.md), [the method](method.md).",
    ),
]


def notebook() -> nbformat.NotebookNode:
    """Return the notebook without outputs."""
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        }
    )
    for number, (kind, text) in enumerate(CELLS):
        new = nbformat.v4.new_code_cell if kind == CODE else nbformat.v4.new_markdown_cell
        made.cells.append(new(text, id=f"cell-{number}"))
    return made


def shrink(made: nbformat.NotebookNode) -> None:
    """Bring pictures to a palette of 96 colours: a third of the bytes for a little banding."""
    for cell in made.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as picture:
                    small = picture.convert("RGB").quantize(96, dither=Image.Dither.NONE)
                file = io.BytesIO()
                small.save(file, "PNG", optimize=True)
                data["image/png"] = base64.b64encode(file.getvalue()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=FILE)
    file = parser.parse_args().file
    made = notebook()
    # Of libraries, about this machine.
    os.environ["PYTHONWARNINGS"] = "ignore"
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(made, timeout=1200, resources={"metadata": {"path": folder}})
        client.execute()
    shrink(made)
    for cell in made.cells:
        cell.metadata.pop("execution", None)
    made.metadata.pop("language_info", None)
    nbformat.validate(made)
    file.write_text(nbformat.writes(made, version=4) + "\n", encoding="utf-8")
    print(f"{file}: {file.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
