"""A run goes to the Hugging Face Hub, with a card, and comes from there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from usae_viz.concepts import forget_examples
from usae_viz.errors import RunError, UsageError, did_you_mean
from usae_viz.hub import fetch, parse_repository, send
from usae_viz.portable import (
    EXTRAS,
    SHARED,
    has_own_images,
    is_shared,
    refuse_places,
    without_places,
)
from usae_viz.recipe import load_recipe
from usae_viz.run import Run, open_run, read_json, write_json, write_text
from usae_viz.workflow.card import card


def push(
    run: Run,
    repository: str,
    *,
    include: Collection[str] = (),
    licence: str | None = None,
    private: bool | None = None,
    message: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Send a trained run and its card to the Hugging Face Hub, as one commit.

    What goes: weights, recipe, evaluation, the training's log, the concept index, names and
    dissection. Places on this machine are taken out of the recipe. Of photographs neither small
    copies go nor which of them the examples are, unless thumbnails are asked for; the built-in
    world draws its images again, so its examples always go.

    Args:
        run: a trained run.
        repository: ``owner/name``, made if it is not there; ``@branch`` may follow.
        include: of ``thumbnails`` (small copies of the example images), ``pictures`` (maximized
            ones) and ``activations``, what is to go along.
        licence: of the run's weights, as the hub writes it: ``apache-2.0``, ``cc-by-nc-4.0`` …
        private: for a repository that is made; None is the account's own default.
        message: of the commit.
        dry_run: look at what would go; nothing is sent, and no network is needed.

    Returns:
        ``run``, ``repository``, ``files`` (bytes by name), ``megabytes``, ``url`` (None on a dry
        run), and on a dry run the ``card``.

    Raises:
        RunError: the run is not trained, or a backbone is a folder of this machine.
        HubError: the hub refuses or does not answer.
    """
    where = parse_repository(repository)
    patterns = _patterns(include)
    if not run.usae_config_file.is_file():
        raise RunError(f"{run.path} is not trained", hint="`usae-viz train RECIPE --resume`")
    with tempfile.TemporaryDirectory() as folder:
        made = Run(Path(folder) / where.name, run.info)
        files = _gather(run, made, patterns, keep_examples="thumbnails" in include)
        refuse_places(str(run.path), load_recipe(made.recipe_file))
        text = card(made, str(where), licence=licence)
        sizes = {"README.md": len(text.encode())}
        sizes |= {name: path.stat().st_size for name, path in files.items()}
        url = None
        if not dry_run:
            url = send(
                where,
                {"README.md": text.encode(), **files},
                message=message or f"{run.info.name}, by {run.info.created_by}",
                private=private,
                patterns=(*SHARED, *EXTRAS.values()),
            )
    table = {
        "run": str(run.path),
        "repository": str(where),
        "files": sizes,
        "megabytes": round(sum(sizes.values()) / 1e6, 2),
        "url": url,
    }
    return {**table, "card": text} if dry_run else table


def pull(
    repository: str, out: Path | None = None, *, include: Collection[str] = ()
) -> dict[str, Any]:
    """Fetch a run from the Hugging Face Hub into a folder of its own.

    To read a run without keeping it, ``open_run("hf://owner/name")`` does.

    Args:
        repository: ``owner/name``; ``@revision`` may follow.
        out: the run's folder, new or empty; ``runs/NAME`` by default.
        include: see `push`.

    Returns:
        ``run``, ``repository``, ``name``, ``backbones``, ``megabytes``.

    Raises:
        HubError: the hub does not answer, or holds no such run.
        RunError: the folder is not empty; what came is of a newer format.
    """
    where = parse_repository(repository)
    patterns = _patterns(include)
    target = Path("runs") / where.name if out is None else out
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise RunError(f"{target} is there already", hint="give another --out folder")
    snapshot = fetch(where, patterns)
    found = open_run(snapshot)
    refuse_places(str(where), found.recipe())
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for name, path in _files(snapshot, patterns).items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, fresh / name)
        size = sum(path.stat().st_size for path in _files(fresh, patterns).values())
        if target.exists():
            target.rmdir()
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return {
        "run": str(target),
        "repository": str(where),
        "name": found.info.name,
        "backbones": list(found.names),
        "megabytes": round(size / 1e6, 2),
    }


def scrub(made: Run, run: Run, *, keep_examples: bool = False) -> None:
    """Take out of a copy of a run the places on this machine and which photographs it has seen.

    Args:
        made: the copy; its index and evaluation are there.
        run: what it is a copy of.
        keep_examples: leave in which images the examples are.
    """
    recipe = run.recipe()
    if not (keep_examples or has_own_images(recipe)) and made.examples_file.is_file():
        forget_examples(made)
    clean = without_places(recipe)
    specs = {spec.name: spec for spec in clean.backbones}
    records = tuple(
        record.model_copy(update={"spec": specs[record.spec.name]}) for record in run.info.backbones
    )
    info = run.info.model_copy(update={"recipe_sha256": clean.digest(), "backbones": records})
    write_text(made.recipe_file, clean.toml())
    write_json(made.info_file, info.model_dump(mode="json", exclude_none=True))
    if made.evaluation_file.is_file():
        write_json(made.evaluation_file, {**read_json(made.evaluation_file), "run": run.info.name})
    if made.dissection_file is not None:
        table = read_json(made.dissection_file)
        source = table["source"] if has_own_images(recipe) else "folder:"
        write_json(made.dissection_file, {**table, "run": run.info.name, "source": source})


def _patterns(include: Collection[str]) -> tuple[str, ...]:
    for kind in include:
        if kind not in EXTRAS:
            raise UsageError(
                f"there is nothing called {kind!r} to include",
                expected=f"of {', '.join(EXTRAS)}",
                hint=did_you_mean(kind, EXTRAS),
            )
    return (*SHARED, *(EXTRAS[kind] for kind in include))


def _gather(
    run: Run, made: Run, patterns: tuple[str, ...], *, keep_examples: bool
) -> dict[str, Path]:
    """Copy what has to be changed, name the rest where it lies."""
    # Of a bundled run, what was derived from it lies elsewhere, and is the newer one.
    files = {**_files(run.path, patterns), **_files(run.outputs, patterns)}
    for name in [name for name in files if name.endswith(".json") or "examples." in name]:
        (made.path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[name], made.path / name)
        files[name] = made.path / name
    scrub(made, run, keep_examples=keep_examples)
    return {**files, made.recipe_file.name: made.recipe_file, made.info_file.name: made.info_file}


def _files(folder: Path, patterns: tuple[str, ...]) -> dict[str, Path]:
    names = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    return {
        name: path
        for name, path in sorted(names.items())
        if is_shared(name, patterns) and not any(part.startswith(".") for part in name.split("/"))
    }
