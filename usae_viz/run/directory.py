"""A run: the directory of one trained USAE and all that is derived from it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path

from usae_viz.errors import RunError, did_you_mean
from usae_viz.lock import TEMPORARY, locked, write_errors
from usae_viz.recipe import Recipe, load_recipe
from usae_viz.run.files import write_json, write_text
from usae_viz.run.layout import Layout
from usae_viz.run.records import BackboneRecord, RunInfo, read_info, refuse_other

LOCK = ".lock"


class Run(Layout):
    """A run directory.

    Args:
        path: the directory; `open_run` and `Run.create` check it first.
        info: its ``run.json``.
        outputs: where things derived later are written; the run itself unless it is read-only.
    """

    def __init__(self, path: Path, info: RunInfo, outputs: Path | None = None) -> None:
        super().__init__(path, outputs)
        self.info = info

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
            before = read_info(run.info_file)
            refuse_other(path, before, info)
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

    def writing_to(self, out: Path | None) -> Run:
        """Return this run with another folder for what is derived from it; None: the same."""
        return self if out is None else Run(self.path, self.info, outputs=out)

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


def _barely_begun(folder: Path) -> bool:
    """Whether there is nothing but what a writer leaves that is killed while it makes a run."""
    return all(
        path.name in (LOCK, "recipe.toml") or TEMPORARY.fullmatch(path.name)
        for path in folder.iterdir()
    )
