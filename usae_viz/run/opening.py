"""Finding runs: folders, those that come with the package, those of the Hugging Face Hub."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from usae_viz.errors import RunError, did_you_mean
from usae_viz.hub import fetch, is_repository, parse_repository
from usae_viz.portable import refuse_places
from usae_viz.run.directory import Run
from usae_viz.run.records import read_info


def bundled_runs() -> dict[str, Path]:
    """Return the runs that come with the package, by name: the world's, and pretrained ones.

    A pretrained run is a folder ``pretrained/NAME``: a USAE without activations or photographs,
    whose backbones' weights are found by their names when they are needed.
    """
    package = Path(str(resources.files("usae_viz")))
    shipped = sorted(package.glob("pretrained/*/run.json"))
    return {
        "world": package / "demo" / "run",
        **{file.parent.name: file.parent for file in shipped},
    }


def open_run(path: str | Path) -> Run:
    """Open a run directory, a run that comes with the package by its name, or one of the hub.

    ``hf://owner/name`` or ``hf://owner/name@revision`` is fetched from the Hugging Face Hub, once.
    What is derived from a bundled run or one of the hub goes to ``./usae-viz-NAME``.

    Raises:
        RunError: it is missing, is no run, or was written in a newer format.
        HubError: the hub does not answer, or holds no such run.
    """
    name, path = str(path), Path(path)
    if is_repository(name):
        repository = parse_repository(name)
        path = fetch(repository)
        run = Run(path, read_info(path / "run.json"), Path.cwd() / f"usae-viz-{repository.name}")
        refuse_places(str(repository), run.recipe())
        return run
    info_file = path / "run.json"
    if info_file.is_file():
        return Run(path, read_info(info_file))
    bundled = bundled_runs()
    if name in bundled:
        info = read_info(bundled[name] / "run.json")
        return Run(bundled[name], info, outputs=Path.cwd() / f"usae-viz-{name}")
    raise RunError(
        f"{path} is not a run",
        expected="a folder with run.json, as `usae-viz train RECIPE --out RUN` makes it, "
        f"or a bundled run: {', '.join(bundled)}",
        got="no such folder" if not path.exists() else "no run.json in it",
        hint=did_you_mean(name, bundled),
    )


def demo_run() -> Run:
    """Open the run of the built-in world; what is derived from it goes to ``./usae-viz-demo``."""
    path = bundled_runs()["world"]
    return Run(path, open_run(path).info, outputs=Path.cwd() / "usae-viz-demo")
