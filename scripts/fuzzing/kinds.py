"""What is fed damaged input, and how: a function a kind, each one case."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
import torch
from fuzzing.mutations import ODD, PLACES, bytes_of, json_of, safetensors_of, tree_of
from PIL import Image
from tiny import write_recipe
from typer.testing import CliRunner

from usae_viz import workflow
from usae_viz.activations import ActivationStore
from usae_viz.attribution.readout import Probe
from usae_viz.cli import app
from usae_viz.concepts import concept_names, concept_rows, load_index
from usae_viz.errors import UsaeVizError
from usae_viz.images import open_source
from usae_viz.images.canvas import read_canvas
from usae_viz.maximize import read_result
from usae_viz.recipe import ImagesSpec, load_recipe
from usae_viz.run import open_run
from usae_viz.sae import load_usae
from usae_viz.sae.official import read_official


class Lab:
    """A finished tiny run, whose files are damaged one case at a time and mended after it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run = folder, folder / "run"
        self.recipe = write_recipe(folder, images=12, steps=20)
        recipe = load_recipe(self.recipe)
        run = workflow.train(recipe, self.run)
        workflow.evaluate(run)
        workflow.maximize(run, [0, 1], steps=2, size=32)
        self.index = load_index(run)
        (self.run / "names.toml").write_text('[3]\nname = "stripes"\nnote = "of zebras"\n')
        self.whole = folder / "whole"
        shutil.copytree(self.run, self.whole)
        self.state: dict[Path, tuple[int, int, int]] = {}
        self.photo = folder / "photo.png"
        Image.effect_mandelbrot((40, 30), (-2, -1, 1, 1), 20).convert("RGB").save(self.photo)

    def damage(self, name: str, how: Callable[[bytes, random.Random], bytes], c: Any) -> None:
        """Replace a file of the run by a damaged one."""
        (self.run / name).write_bytes(how((self.whole / name).read_bytes(), c))

    def mend(self) -> None:
        """Bring back the run as it was."""
        there = {path.relative_to(self.whole) for path in self.whole.rglob("*")}
        for path in sorted(self.run.rglob("*"), reverse=True):
            if path.relative_to(self.run) not in there:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in sorted(there):
            path = self.run / name
            if (self.whole / name).is_dir():
                path.mkdir(exist_ok=True)
            elif not path.is_file() or self.state.get(name) != self._look(path):
                shutil.copy(self.whole / name, path)
                self.state[name] = self._look(path)

    def _look(self, path: Path) -> tuple[int, int, int]:
        found = path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino


def call(*words: str | Path) -> None:
    """Call the command line; an end without a message, or another error, is a failure."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2):
        raise AssertionError(f"exit code {result.exit_code}")
    if "Traceback" in result.output:
        raise AssertionError("a traceback is shown")
    if result.exit_code and not result.output.strip():
        raise AssertionError("no message")
    if result.exit_code:
        raise UsaeVizError(result.output)


def fuzz_recipe(lab: Lab, c: random.Random) -> None:
    """Recipes: bytes and trees."""
    file = lab.folder / "case.toml"
    data = lab.recipe.read_bytes()
    if c.random() < 0.3:
        file.write_bytes(bytes_of(data, c))
    else:
        try:
            file.write_text(tomli_w.dumps(tree_of(tomllib.loads(data.decode()), c, none=False)))
        except (UnicodeEncodeError, ValueError, TypeError):
            return
    call("recipes", "validate", file)
    if c.random() < 0.1:
        call("train", file, "--dry-run", "--out", lab.folder / "never")


RIGHT: dict[str, list[str]] = {
    "--sort": ["energy"], "--filter": ["entropy > 0.5 and rate.first > 0"], "--limit": ["5"],
    "--column": ["cofire"], "--name": ["7=stripes"], "--note": ["7=of zebras"], "--dead": [],
    "--concept": ["1"], "--concepts": ["0,1"], "--style": ["contour"], "--mode": ["per-model"],
    "--backbone": ["first"], "--also": ["1:0.5"], "--objective": ["peak"], "--seed": ["3"],
    "--parametrization": ["pixel"], "--precision": ["float32"], "--tv": ["0.1"],
    "--device": ["cpu"], "--max-megabytes": ["3"], "--single-file": [], "--tau": ["0.2"],
    "--top": ["3"], "--sample": ["5"], "--joint": ["2"], "--target": ["1"], "--tokens": ["mean"],
    "--method": ["input_x_gradient"], "--baseline": ["black"], "--replicates": ["3"], "ls": [],
    "--images": ["world:images=20"], "--json": [],
}  # fmt: skip
"""Words that an option takes."""


def fuzz_arguments(lab: Lab, c: random.Random) -> None:
    """Command-line arguments: right and odd values of known and unknown options."""
    words = [
        "0", "1", "7", "0-3", "3-1", "0-99999999999", "1,,2", "-1", "1e9", "nan", "²", "7=x", "=",
        "usae.k=3", "usae.k=3,4", "backbones.first.layer=x", "a.b.c.d=1", "usae=1", "name=[[[",
        "entropy > 0.9", "rate.first > 0.01 and name ~ '('", "name ~ (a+)+$", "cofire >", "() or",
        "__import__('os')", "energy", "rate.nobody", "first", "nobody", "cpu", "cuda:99", "meta",
        "world:images=3", "folder:/nonexistent", "tar:x", "huggingface:", "hf:/", "peak", "zero",
        *(str(each) for each in ODD if isinstance(each, int | float | str)), *PLACES,
    ]  # fmt: skip
    options = {
        "concepts": ["--sort", "--filter", "--limit", "--column", "--name", "--note", "--dead"],
        "heatmap": ["--concept", "--style", "--size"],
        "maximize": ["--concept", "--mode", "--backbone", "--against", "--also", "--objective",
                     "--parametrization", "--start", "--seed", "--precision", "--tv", "--device"],
        "gallery": ["--concepts", "--max-megabytes", "--single-file"],
        "index": ["--tau", "--top", "--sample", "--joint", "--device"],
        "attribute": ["--target", "--method", "--tokens", "--baseline", "--probe", "--embeddings",
                      "--reference", "--concept", "--backbone"],
        "evaluate": ["--images", "--replicates"],
        "dissect": ["--images", "--masks", "--limit"],
        "recipes": ["ls", "cp", "validate", "--set"],
        "runs": ["--json"],
    }  # fmt: skip
    verb = c.choice(list(options))
    line: list[str | Path] = [verb]
    odd = c.random() < 0.7
    if verb in ("heatmap", "maximize"):
        line += ["--concept", c.choice(["0", "1"])]
    for _ in range(c.randrange(1, 4)):
        option = c.choice(options[verb]) if c.random() < 0.95 else c.choice(words)
        line.append(option)
        if option in RIGHT and not (odd and c.random() < 0.5):
            line += RIGHT[option]
        elif c.random() < 0.9:
            line.append(c.choice(words))
    if verb not in ("recipes", "runs"):
        line += ["--run", lab.run, *(["--out", lab.run] if verb != "concepts" else [])]
    if verb in ("heatmap", "attribute"):
        line.append(lab.photo if c.random() < 0.7 else c.choice(words))
    if verb == "maximize":
        line += ["--steps", "1", "--size", "16", "--views", "1"]
    if verb == "attribute":
        line += ["--count", "1", "--attributed", "1", "--checked", "0"]
    call(*(str(word).replace("\0", "\\0") for word in line))


def fuzz_run(lab: Lab, c: random.Random) -> None:
    """What a run says of itself."""
    lab.damage(c.choice(["run.json", "usae.json", "evaluation.json"]), json_of, c)
    if c.random() < 0.5:
        load_usae(open_run(lab.run))
    call("concepts", "--run", lab.run, "--json")
    if c.random() < 0.1:
        call("gallery", "--run", lab.run, "--concepts", "0")


def fuzz_checkpoint(lab: Lab, c: random.Random) -> None:
    """Weights."""
    lab.damage("usae.safetensors", safetensors_of, c)
    if c.random() < 0.3:
        lab.damage("usae.json", json_of, c)
    load_usae(open_run(lab.run))


def fuzz_resume(lab: Lab, c: random.Random) -> None:
    """The state of an unfinished training."""
    if not (lab.whole / "training.state.safetensors").exists():
        save_resumable(lab)
    for name in ("usae.json", "usae.safetensors"):
        (lab.run / name).unlink()
    if c.random() < 0.7:
        lab.damage("training.state.safetensors", safetensors_of, c)
    else:
        lab.damage("training.jsonl", bytes_of, c)
    call("train", lab.recipe, "--resume", "--out", lab.run, "--json")


def save_resumable(lab: Lab) -> None:
    """Leave in the whole run the checkpoint of a training that was stopped."""
    from usae_viz.sae.trainer import Trainer

    other = lab.folder / "stopped"
    save = Trainer._save

    def stop(self: Trainer) -> None:
        save(self)
        if self.done >= 14:
            raise KeyboardInterrupt

    Trainer._save = stop  # type: ignore[method-assign]
    try:
        workflow.train(load_recipe(lab.recipe), other)
    except KeyboardInterrupt:
        pass
    finally:
        Trainer._save = save  # type: ignore[method-assign]
    for name in ("training.state.safetensors", "training.jsonl"):
        shutil.copy(other / name, lab.whole / name)
    lab.mend()


def fuzz_store(lab: Lab, c: random.Random) -> None:
    """The store: manifest, shards, statistics."""
    shard = c.choice(sorted(path.name for path in (lab.whole / "activations").glob("shard-*")))
    name = c.choice(["manifest.json", "statistics.safetensors", shard, shard])
    lab.damage(f"activations/{name}", json_of if name.endswith("json") else safetensors_of, c)
    store = ActivationStore(lab.run / "activations")
    if c.random() < 0.5:
        store.verify()
    store.statistics()
    for split in ("train", "validation"):
        store.ids(split)
        for _ in store.image_batches(split, 2):
            pass
    next(store.token_batches(8, seed=0, buffer_images=4))
    if c.random() < 0.2:
        call("index", "--run", lab.run)


def fuzz_index(lab: Lab, c: random.Random) -> None:
    """The index of the concepts."""
    name = c.choice(["index.safetensors", "examples.safetensors", "examples.json"])
    lab.damage(f"concepts/{name}", json_of if name.endswith("json") else safetensors_of, c)
    index = load_index(open_run(lab.run))
    concept_rows(index)
    for concept in range(min(3, index.concepts)):
        for backbone in index.names:
            index.examples(backbone, concept)
    if c.random() < 0.3:
        call("gallery", "--run", lab.run, "--concepts", "0")


def fuzz_names(lab: Lab, c: random.Random) -> None:
    """Names of concepts."""
    lab.damage("names.toml", bytes_of, c)
    if c.random() < 0.6:
        table = tree_of({"3": {"name": "stripes", "note": "x"}, "5": {"name": "y"}}, c, none=False)
        try:
            (lab.run / "names.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
        except (UnicodeEncodeError, ValueError, TypeError):
            return
    concept_names(open_run(lab.run))
    call("concepts", "--run", lab.run, "--json")
    if c.random() < 0.2:
        call("concepts", "--run", lab.run, "--name", f"{c.randrange(30)}={c.choice(PLACES)}")


def fuzz_image(lab: Lab, c: random.Random) -> None:
    """Pictures."""
    kind = c.choice(["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "ICO"])
    data = io.BytesIO()
    Image.open(lab.photo).save(data, kind)
    damaged = bytes_of(data.getvalue(), c)
    read_canvas(damaged, 32, c.choice(["center", "squash", "pad"]))
    if c.random() < 0.05:
        file = lab.folder / "case.png"
        file.write_bytes(damaged)
        call("heatmap", file, "--concept", "0", "--run", lab.run, "--out", lab.run)


def fuzz_tar(lab: Lab, c: random.Random) -> None:
    """Shards of images: members of any name and kind."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for number in range(3):
            name = c.choice([f"{number}.png", *(f"{place}.png" for place in PLACES), "a/b.png"])
            member = tarfile.TarInfo(name.replace("\0", "0") or "x.png")
            content = bytes_of(lab.photo.read_bytes(), c) if number else lab.photo.read_bytes()
            member.size = len(content)
            if c.random() < 0.3:
                member.type = c.choice([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
                member.linkname = c.choice(["/etc/passwd", "../../../etc/passwd", name])
                member.size = 0
            tar.addfile(member, io.BytesIO(content))
    file = lab.folder / "case.tar"
    damaged = bytes_of(data.getvalue(), c) if c.random() < 0.6 else data.getvalue()
    file.write_bytes(damaged)
    source = open_source(ImagesSpec(source=f"tar:{file}", canvas=32))
    source.read(source.ids)


def fuzz_result(lab: Lab, c: random.Random) -> None:
    """Maximized pictures and what they say of themselves."""
    folder = "maximized/000000"
    name = c.choice(["result.json", "result.json", "first.alpha.png", "second.png"])
    lab.damage(f"{folder}/{name}", json_of if name.endswith("json") else bytes_of, c)
    if c.random() < 0.6:
        read_result(lab.run / folder)
    if c.random() < 0.3:
        lab.damage("gallery/gallery.json", json_of, c)
    call("gallery", "--run", lab.run, "--concepts", "0")


def fuzz_official(lab: Lab, c: random.Random) -> None:
    """Checkpoints of others, which are pickles."""

    class Bomb:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {lab.folder / 'canary'}",)

    folder = lab.folder / "official"
    folder.mkdir(exist_ok=True)
    linear, norm = "encoder.final_block.0", "encoder.final_block.1"
    state: dict[str, Any] = {f"{linear}.weight": torch.ones(6, 4), f"{linear}.bias": torch.ones(6)}
    state |= {f"{norm}.{part}": torch.ones(6) for part in ("weight", "bias")}
    state |= {f"{norm}.running_{part}": torch.ones(6) for part in ("mean", "var")}
    state["dictionary._weights"] = torch.ones(6, 4)
    table: dict[str, Any] = {"model_state_dict": state, "optimizer_state_dict": {"state": {}}}
    if c.random() < 0.3:
        (table if c.random() < 0.5 else state)[c.choice(list(state))] = Bomb()
    if c.random() < 0.3:
        state[c.choice(list(state))] = c.choice([torch.ones(3), torch.full((6,), torch.nan), 1, ""])
    data = io.BytesIO()
    torch.save(table, data)
    file = folder / "uni_m_checkpoint_29.pth"
    file.write_bytes(data.getvalue() if c.random() < 0.5 else bytes_of(data.getvalue(), c))
    zoo = {"m": {"checkpoint_path": file.name, "model_mean": 0.1, "model_std": 1.5}}
    settings = {"encoder_module": "mlp_bn_1", "dictionary_normalization": "l2", "top_k": 2}
    config: Any = {"global": {"standardize": True}, "sae_params": settings, "model_zoo": zoo}
    text = json.dumps(config if c.random() < 0.5 else tree_of(config, c)).encode("utf-8", "replace")
    if c.random() < 0.2:
        text += b"\nmore: !!python/object/apply:os.system ['touch canary']"
    (folder / "config.yaml").write_bytes(text)
    try:
        read_official(folder)
    finally:
        shutil.rmtree(folder)


def fuzz_probe(lab: Lab, c: random.Random) -> None:
    """Linear probes."""
    file = lab.folder / "probe.safetensors"
    if not (lab.folder / "whole-probe").exists():
        Probe("first", "", torch.zeros(3, 16), torch.zeros(3), ("a", "b", "c")).save(file)
        file.rename(lab.folder / "whole-probe")
    file.write_bytes(safetensors_of((lab.folder / "whole-probe").read_bytes(), c))
    Probe.load(file)
    if c.random() < 0.1:
        call("attribute", lab.photo, "--run", lab.run, "--out", lab.run, "--embeddings", file,
             "--count", "1", "--attributed", "0", "--checked", "0")  # fmt: skip


KINDS: dict[str, tuple[Callable[[Lab, random.Random], None], int]] = {
    "recipe": (fuzz_recipe, 6),
    "arguments": (fuzz_arguments, 6),
    "run": (fuzz_run, 4),
    "checkpoint": (fuzz_checkpoint, 5),
    "resume": (fuzz_resume, 1),
    "store": (fuzz_store, 6),
    "index": (fuzz_index, 5),
    "names": (fuzz_names, 3),
    "image": (fuzz_image, 6),
    "tar": (fuzz_tar, 4),
    "result": (fuzz_result, 3),
    "official": (fuzz_official, 3),
    "probe": (fuzz_probe, 2),
}
"""What is fed, and its part of all cases."""
