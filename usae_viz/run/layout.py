"""Where everything lies in a run; outside this room nothing knows file names on disk."""

from __future__ import annotations

import re
from pathlib import Path


class Layout:
    """The paths in a run.

    Args:
        path: the directory.
        outputs: where things derived later are written; the run itself unless it is read-only.
    """

    DISSECTION = "concepts/dissection.json"

    def __init__(self, path: Path, outputs: Path | None = None) -> None:
        self.path = path
        self.outputs = path if outputs is None else outputs

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
