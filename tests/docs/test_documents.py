"""Every code block of the documents is run, or says why not and is checked as far as it can be."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import tomli_w
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

import usae_viz
from tests.conftest import TINY_VIT
from tests.docs.blocks import DOCUMENTS, ROOT, Block, all_blocks, blocks, check
from usae_viz import workflow
from usae_viz.cli import app
from usae_viz.maximize.views import ViewSpec
from usae_viz.recipe import load_recipe
from usae_viz.run import open_run
from usae_viz.workflow import calibrating

COMMANDS = CliRunner()
NAMES = ("deit_tiny", "vit_tiny", "mobilenetv2")
FEW = ["--set", "training.steps=12", "--set", "training.batch_tokens=256"]
SHORT = {
    "train": [*FEW, "--set", "images.validation=0.4", "--set", "usae.concepts=64"],
    "maximize": ["--steps", "2", "--views", "1", "--size", "40"],
    "evaluate": ["--replicates", "2"],
    "attribute": ["--method", "input_x_gradient"],
}
"""What a verb is given to end soon."""
HUB = ("deit_tiny_patch16_224.fb_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k")
"""Networks of the tutorial, here with random weights: what the hub would give."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the documents name: photographs, a recipe, a trained run ``runs/trio``."""
    folder = tmp_path_factory.mktemp("documents")
    for name in ("photographs", "photos"):
        (folder / name).mkdir()
    random = np.random.default_rng(0)
    names = [f"photographs/{number}.jpg" for number in range(8)]
    for path in ("photo.jpg", "photos/a.jpg", "photos/b.jpg", *names):
        pixels = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((96, 72)).save(folder / path)
    (folder / "weights").mkdir()
    for name in HUB:
        state = timm.create_model(name, pretrained=False).state_dict()
        save_file(state, folder / "weights" / f"{name}.safetensors")
    (folder / "recipes").symlink_to(ROOT / "recipes")
    specs = []
    for i, name in enumerate(NAMES):
        with torch.random.fork_rng():
            torch.manual_seed(i)
            network = timm.create_model("vit_tiny_patch16_224", **TINY_VIT, num_classes=4)
        file = folder / f"{name}.safetensors"
        save_file(network.state_dict(), file)
        model, kwargs = "timm:vit_tiny_patch16_224", {**TINY_VIT, "num_classes": 4}
        specs.append(
            {"name": name, "model": model, "kwargs": kwargs, "weights": str(file), "input_size": 32}
        )
    table = {
        "name": "trio",
        "images": {"source": "world:images=60", "canvas": 32, "validation": 0.3},
        "backbones": specs,
        "activations": {"grid": 4, "batch_images": 32},
        "usae": {"concepts": 64, "k": 8},
        "training": {"steps": 60, "batch_tokens": 128},
    }
    (folder / "recipe.toml").write_text(tomli_w.dumps(table))
    shutil.copy(folder / "recipe.toml", folder / "RECIPE")
    shutil.copy(ROOT / "recipes" / "imagenet-tiny-trio.toml", folder / "trio.toml")
    run = workflow.train(load_recipe(folder / "recipe.toml"), folder / "runs" / "trio")
    workflow.evaluate(run, replicates=0)
    (folder / "RUN").symlink_to(run.path)
    return folder


@pytest.fixture
def at_work(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in that folder; the bundled run is the small one, and pictures take two steps."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("USAE_VIZ_WEIGHTS", str(here / "weights"))
    monkeypatch.setattr(calibrating, "SECONDS", 0.05)
    run = open_run(here / "runs" / "trio")
    monkeypatch.setattr("usae_viz.run.demo_run", lambda: run)
    quick = partial(usae_viz.maximize, steps=2, size=40)
    monkeypatch.setattr(usae_viz, "maximize", quick)
    return here


@pytest.mark.parametrize("block", [pytest.param(block, id=str(block)) for block in all_blocks()])
def test_blocks_name_what_there_is(block: Block, at_work: Path) -> None:
    check(block, at_work)


@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_blocks_run(document: Path) -> None:
    names: dict[str, Any] = {
        "uv": usae_viz,
        "run": open_run("runs/trio"),
        "ViewSpec": ViewSpec,
    }
    for block in blocks(document):
        if block.file is not None:
            Path(block.file).write_text(block.text)
        if block.reason is not None:
            continue
        if block.kind == "python":
            exec(compile(block.text, str(block), "exec"), names)
        elif block.kind == "commands":
            for words in block.commands:
                if words[0] == "usae-viz":
                    call(block, words[1:])
                else:
                    assert words[0].startswith("./scripts/"), f"{block}: mark it as not run"


def call(block: Block, words: list[str]) -> None:
    """Run a command as a shell would."""
    words = [
        name
        for word in words
        for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]
    result = COMMANDS.invoke(app, [*words, *SHORT.get(words[0], [])])
    assert result.exit_code == 0, f"{block}: {' '.join(words)}\n{result.output}"


def test_the_check_finds_what_is_wrong(at_work: Path) -> None:
    """The collector itself: a block that names something that does not exist must fail."""

    def block(text: str, kind: str = "commands") -> Block:
        return Block(ROOT / "README.md", 1, kind, text, None)

    for wrong in (
        "usae-viz maximize --concept 7 --colour red",
        "usae-viz maximise --concept 7",
        "usae-viz recipes mv world",
        "usae-viz train recipes/world.toml --set usae.concpets=3",
        "torchrun --nproc-per-node 2 -m usae_viz extract RECIPE --ranks 3",
        "python scripts/no_such_script.py",
        "python scripts/ablate.py --runn RUN",
        "pip install 'usae-viz[everything]'",
        "./scripts/no_such_script",
        "rm -rf /",
    ):
        with pytest.raises((SystemExit, Exception)):
            check(block(wrong), at_work)
    for text, kind in (
        ("if", "python"),
        ("[usae]\nconcpets = 3", "toml"),
        ("if true; then", "bash"),
        ("srun usae-viz train RECIPE --no-such-option", "bash"),
        ("x", "rust"),
    ):
        with pytest.raises((SystemExit, Exception)):
            check(block(text, kind), at_work)
    check(block("usae-viz maximize --concept 7"), at_work)


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http://", "https://", "#")):
                path = (document.parent / target.partition("#")[0]).resolve()
                assert path.exists(), f"{document.name} links to {target}"


def test_every_document_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "docs" / "README.md").read_text("utf-8")
    for path in (ROOT / "docs").iterdir():
        if path.suffix in (".md", ".ipynb") and path.name != "README.md":
            assert f"({path.name})" in contents, path.name
