"""A run: the directory of one trained USAE and all that is derived from it.

The only module that knows file names on disk. Every write is atomic (a temporary file in the same
folder, then a rename), so a reader never sees half a file.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from usae_viz.errors import RunError, WriteError, did_you_mean
from usae_viz.hub import fetch, is_repository, parse_repository
from usae_viz.lock import TEMPORARY, locked, write_errors
from usae_viz.portable import refuse_places
from usae_viz.recipe import BackboneSpec, Recipe, load_recipe

FORMAT = 1
LOCK = ".lock"


class BackboneRecord(BaseModel):
    """A backbone as the run was trained with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: BackboneSpec
    weights_sha256: str
    """Empty where it is not known: nothing is checked then."""
    dim: int
    grid: int
    """Side of the common token grid."""
    input_size: int
    """Side in pixels of the image that the network is fed with."""
    sees_colour: bool
    """False for a network of one input channel: it is fed luma."""
    native_grid: tuple[int, int] | None = None
    """Rows and columns of the network's own token map, which is resampled to `grid` (antialiased
    bilinear); None in runs that did not record it."""


class ImagesRecord(BaseModel):
    """The images that a run was made from, wherever they lay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int
    sha256: str
    """Over the sorted ids of all images."""


class RunInfo(BaseModel):
    """The content of ``run.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: str
    recipe_sha256: str
    backbones: tuple[BackboneRecord, ...]
    images: ImagesRecord | None = None
    """None in runs that did not record them."""
    created_by: str
    created: str | None = None
    """The day (ISO 8601) on which the run was begun; None in runs that did not record it."""

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to be the same: no versions, and no places on disk."""
        return self.model_dump(
            exclude={
                "created_by": True,
                "created": True,
                "images": True,
                "backbones": {"__all__": {"spec": {"weights"}, "native_grid": True}},
            }
        )


class Run:
    """A run directory.

    Args:
        path: the directory; `open_run` and `Run.create` check it first.
        info: its ``run.json``.
        outputs: where things derived later are written; the run itself unless it is read-only.
    """

    DISSECTION = "concepts/dissection.json"

    def __init__(self, path: Path, info: RunInfo, outputs: Path | None = None) -> None:
        self.path, self.info = path, info
        self.outputs = path if outputs is None else outputs

    @classmethod
    def create(cls, path: str | Path, recipe: Recipe, info: RunInfo) -> Run:
        """Write ``recipe.toml`` and ``run.json`` into `path`, made if it is not there.

        A run of the same recipe, images and weights is opened instead; where its data have moved,
        the new places are written.

        Raises:
            RunError: `path` holds a run of another recipe, or something that is no run.
        """
        path = Path(path)
        run = cls(path, info)
        if run.info_file.exists():
            before = _read_info(run.info_file)
            _check_same(path, before, info)
            # A newer usae-viz may go on with a run that an older one began.
            run.info = info.model_copy(
                update={
                    "created_by": before.created_by,
                    "created": before.created,
                    "images": info.images or before.images,
                }
            )
            if run.info != before or run.recipe_file.read_text("utf-8") != recipe.toml():
                run._describe(recipe)
            return run
        if path.exists() and not (path.is_dir() and _barely_begun(path)):
            if run.info_file.exists():  # another rank has made it in the meantime
                return cls.create(path, recipe, info)
            raise RunError(
                f"{path} is not a run and is not empty", hint="give another --out folder"
            )
        with write_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        run.info = info.model_copy(update={"created": info.created or date.today().isoformat()})
        run._describe(recipe)
        return run

    def _describe(self, recipe: Recipe) -> None:
        write_text(self.recipe_file, recipe.toml())
        write_json(self.info_file, self.info.model_dump(mode="json", exclude_none=True))

    @property
    def info_file(self) -> Path:
        """``run.json``."""
        return self.path / "run.json"

    @property
    def recipe_file(self) -> Path:
        """``recipe.toml``, resolved."""
        return self.path / "recipe.toml"

    @property
    def activations_dir(self) -> Path:
        """The activation store; a run inside another one (of a sweep) reads that one's."""
        own, parent = self.path / "activations", self.path.parent
        shared = not own.exists() and (parent / self.info_file.name).is_file()
        return parent / own.name if shared else own

    @property
    def usae_file(self) -> Path:
        """Weights of the USAE."""
        return self.path / "usae.safetensors"

    @property
    def usae_config_file(self) -> Path:
        """``usae.json``: what builds the USAE."""
        return self.path / "usae.json"

    @property
    def training_log(self) -> Path:
        """One JSON line a logged step."""
        return self.path / "training.jsonl"

    @property
    def tensorboard_dir(self) -> Path:
        """The same as event files, if the recipe asks for them."""
        return self.path / "tensorboard"

    @property
    def training_state(self) -> Path:
        """Checkpoint of an unfinished training."""
        return self.path / "training.state.safetensors"

    def shard_states(self, rank: int) -> dict[int, Path]:
        """Return the checkpoints of a rank that holds a part of the model, by steps taken."""
        pattern = f"training.state-{rank}-*.safetensors"
        return {int(path.stem.rpartition("-")[2]): path for path in self.path.glob(pattern)}

    def shard_state(self, rank: int, done: int) -> Path:
        """Return where a rank that holds a part of the model writes its checkpoint."""
        return self.path / f"training.state-{rank}-{done}.safetensors"

    @property
    def evaluation_file(self) -> Path:
        """Where an evaluation is written."""
        return self.outputs / "evaluation.json"

    def evaluation_dir(self, source: str | None = None) -> Path:
        """Return the folder of an evaluation's charts and controls; `source`: on other images."""
        folder = self.outputs / "evaluation"
        return folder if source is None else folder / re.sub(r"[^A-Za-z0-9_.=-]+", "_", source)

    @property
    def comparison_file(self) -> Path:
        """Where a comparison with independent SAEs is written."""
        return self.outputs / "comparison.json"

    @property
    def index_file(self) -> Path:
        """Statistics and examples of the concepts."""
        return self.path / "concepts" / "index.safetensors"

    @property
    def example_maps_file(self) -> Path:
        """Where the examples of the concepts fire."""
        return self.path / "concepts" / "examples.safetensors"

    @property
    def examples_file(self) -> Path:
        """Which images the examples are."""
        return self.path / "concepts" / "examples.json"

    @property
    def names_file(self) -> Path:
        """Where a user's names of concepts are written."""
        return self.outputs / "names.toml"

    def find_names(self) -> Path | None:
        """Return the names file there is: of the outputs, else the one the run came with."""
        return self._found(self.names_file.name)

    @property
    def dissection_file(self) -> Path | None:
        """What dissection found: among the outputs, else with the run; None if there is none."""
        return self._found(self.DISSECTION)

    def _found(self, name: str) -> Path | None:
        for path in (self.outputs / name, self.path / name):
            if path.is_file():
                return path
        return None

    @property
    def gallery_dir(self) -> Path:
        """The page."""
        return self.outputs / "gallery"

    def find_evaluation(self) -> Path | None:
        """Return the newest evaluation there is: of the outputs, else the one the run came with."""
        for path in (self.evaluation_file, self.path / self.evaluation_file.name):
            if path.is_file():
                return path
        return None

    def thumb_file(self, image_id: str) -> Path:
        """Return the path of the thumbnail of the image with this content hash.

        In the run if it is there, else among the outputs, where one that is missing is to be made.
        """
        part = Path("concepts") / "thumbs" / f"{image_id}.webp"
        return self.path / part if (self.path / part).is_file() else self.outputs / part

    def writing_to(self, out: Path | None) -> Run:
        """Return this run with another folder for what is derived from it; None: the same."""
        return self if out is None else Run(self.path, self.info, outputs=out)

    def maximized_dir(self, concept: int, out: Path | None = None, kind: str = "per-model") -> Path:
        """Return the folder of the pictures maximized for `concept`.

        Per-model pictures lie in the concept's own folder, other kinds (``shared``, ``contrast``,
        …) in a folder of it each.
        """
        folder = (self.outputs if out is None else out) / "maximized" / f"{concept:06d}"
        return folder if kind == "per-model" else folder / kind

    def maximized_kinds(self, concept: int, out: Path | None = None) -> list[str]:
        """Return the kinds of pictures that there are of `concept`, per-model ones first."""
        folder = self.maximized_dir(concept, out)
        kinds = sorted(path.parent.name for path in folder.glob("*/result.json"))
        return (["per-model"] if (folder / "result.json").is_file() else []) + kinds

    def maximized_concepts(self, out: Path | None = None) -> list[int]:
        """Return the concepts that there are pictures of, of whatever kind."""
        folder = (self.outputs if out is None else out) / "maximized"
        results = [*folder.glob("*/result.json"), *folder.glob("*/*/result.json")]
        names = {path.relative_to(folder).parts[0] for path in results}
        return sorted(int(name) for name in names if name.isdigit())

    def report_dir(self, image: str) -> Path:
        """Return the folder of the attribution report on an image of this name."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", image).lstrip(".")
        return self.outputs / "reports" / (name or "image")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the run's backbones, in the order of every matrix of the run."""
        return tuple(record.spec.name for record in self.info.backbones)

    def record(self, name: str) -> BackboneRecord:
        """Return the record of one backbone.

        Raises:
            RunError: the run has no backbone of this name.
        """
        for record in self.info.backbones:
            if record.spec.name == name:
                return record
        raise RunError(
            f"the run has no backbone {name!r}",
            expected=f"one of {', '.join(self.names)}",
            hint=did_you_mean(name, self.names),
        )

    def recipe(self) -> Recipe:
        """Return the resolved recipe that the run was made by."""
        return load_recipe(self.recipe_file)

    def lock_outputs(
        self, what: str, *, shared: bool = False, wait: float | None = None
    ) -> AbstractContextManager[None]:
        """Hold a folder of the outputs for writing, and remove what killed writers left in it.

        Args:
            what: the folder: ``maximized``, ``gallery`` …
            shared: together with others that ask for the same.
            wait: seconds, see `lock.locked`.
        """
        with write_errors(self.outputs):
            self.outputs.mkdir(parents=True, exist_ok=True)
        return locked(
            self.outputs / f".{what}.lock",
            shared=shared,
            tidy=[self.outputs / what],
            deep=True,
            wait=wait,
        )

    def lock(self, *, shared: bool = False) -> AbstractContextManager[None]:
        """Hold the run for writing, and remove what killed writers left in it.

        A second writer gets a `BusyError` that names the first; `shared`: together with others that
        ask for the same.
        """
        tidy = [self.path, self.path / "activations"]
        return locked(self.path / LOCK, shared=shared, tidy=tidy)


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
        run = Run(path, _read_info(path / "run.json"), Path.cwd() / f"usae-viz-{repository.name}")
        refuse_places(str(repository), run.recipe())
        return run
    info_file = path / "run.json"
    if info_file.is_file():
        return Run(path, _read_info(info_file))
    bundled = bundled_runs()
    if name in bundled:
        info = _read_info(bundled[name] / "run.json")
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


def _barely_begun(folder: Path) -> bool:
    """Whether there is nothing but what a writer leaves that is killed while it makes a run."""
    return all(
        path.name in (LOCK, "recipe.toml") or TEMPORARY.fullmatch(path.name)
        for path in folder.iterdir()
    )


def _read_info(path: Path) -> RunInfo:
    table = read_json(path)
    newer = table.get("format") if isinstance(table, dict) else None
    if isinstance(newer, int) and newer > FORMAT:
        raise RunError(
            f"{path.parent} was written by a newer usae-viz",
            expected=f"format {FORMAT}",
            got=f"format {newer}",
            hint="upgrade usae-viz",
        )
    try:
        return RunInfo.model_validate(table)
    except ValidationError as error:
        raise RunError(f"{path} does not describe a run", got=str(error)) from None


def _check_same(path: Path, before: RunInfo, now: RunInfo) -> None:
    was, there = before.images, now.images
    other_images = was is not None and there is not None and was != there
    if before.identity() == now.identity() and not other_images:
        return
    expected = (
        f"an empty folder or a run of this recipe ({now.name}, sha256 {now.recipe_sha256[:12]}) "
        "with the same weights"
    )
    if before.recipe_sha256 != now.recipe_sha256:
        got = f"a run of another recipe, sha256 {before.recipe_sha256[:12]}"
    elif was and there and other_images:
        expected = f"its {was.count} images, sha256 {was.sha256[:12]}"
        got = f"{there.count} images, sha256 {there.sha256[:12]}"
    else:
        got = "the same recipe with other backbones or weights"
    raise RunError(
        f"{path} already holds another run ({before.name})",
        expected=expected,
        got=got,
        hint="give another --out, or remove the folder",
    )


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is missing", hint="run the verb that makes it again") from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a number too long, too deep
        raise RunError(f"{path} is damaged", got=str(error), hint="make it again") from None


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` when the block ends well, and is gone if not.

    Raises:
        WriteError: the disk is full, or the folder may not be written.
    """
    # Not tempfile: its files are private, and a run is for sharing, within what the umask allows.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(path)
        except BaseException:
            # Where the folder may not be written, there is nothing to remove.
            with suppress(OSError):
                temporary.unlink()
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is either there whole or not at all."""
    for tries_left in (2, 1, 0):
        try:
            with replacing(path) as file:
                file.write(data)
            return
        except WriteError as error:
            # Another process that begins here clears away what killed ones have left, and may take
            # this one's file for that.
            if not tries_left or not isinstance(error.__cause__, FileNotFoundError):
                raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, table: Any) -> None:
    """Write JSON atomically; not-a-number is refused, since JSON has none."""
    write_text(path, json.dumps(table, indent=1, allow_nan=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
