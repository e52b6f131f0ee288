"""Hugging Face data sets, by name or from disk; needs the optional package ``datasets``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from usae_viz.errors import ImageSourceError, did_you_mean
from usae_viz.images import cache
from usae_viz.images.catalogue import DIGEST, NOTHING
from usae_viz.images.listed import EncodedSource, LabelTable, in_workers
from usae_viz.images.settings import read_settings
from usae_viz.images.source import ImageProblem
from usae_viz.recipe import ImagesSpec

SETTINGS = ("split", "config", "revision", "image", "label")


class HuggingFaceSource(EncodedSource):
    """Images of a Hugging Face data set; see `ImageSource`.

    ``where`` is ``NAME`` (of the hub) or a folder (``./…``, ``/…``: one that ``save_to_disk``
    wrote, or of files that ``load_dataset`` takes), with settings behind it: ``split`` (default:
    train, or the only one), ``config``, ``revision``, ``image`` (the column; default: the first of
    images) and ``label`` (a column of class labels, or of lists of them; default: the first such).
    An image's id is the sha256 of its encoded file. Nothing is decoded to list them, and what was
    hashed is remembered (see `cache`) under the data set's own fingerprint.

    Raises:
        ImageSourceError: ``datasets`` is not installed, or the set, split or column does not exist.
    """

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        super().__init__(spec)
        self._name, settings = read_settings(where)
        for key in settings:
            if key not in SETTINGS:
                raise ImageSourceError(
                    f"huggingface:{where} cannot be read at {key!r}",
                    expected=f"huggingface:NAME, with any of {', '.join(SETTINGS)}",
                    hint=did_you_mean(key, SETTINGS),
                )
        try:
            import datasets
        except ModuleNotFoundError as error:
            raise ImageSourceError(
                "Hugging Face data sets need the package datasets",
                hint="pip install 'usae-viz[huggingface]'",
            ) from error
        table = _load(datasets, self._name, settings)
        image = _column(table, datasets.Image, settings.get("image"), "image")
        self._images: Any = table.select_columns(image).cast_column(
            image, datasets.Image(decode=False)
        )
        self._column = image
        self._labels = _labels(datasets, table, settings.get("label"))
        self.label_names = self._labels.names
        self.list_images(
            self._digests(f"huggingface:{table._fingerprint}/{image}"),
            source=f"huggingface:{where}",
            expected=f"images in its column {image!r}",
        )

    def place(self, item: int) -> str:
        """Return the data set and the row."""
        return f"{self._name}, row {item}"

    def data(self, item: int) -> bytes:
        """Return the encoded image of a row."""
        cell = self._images[item][self._column]
        if not cell:
            return b""
        held: bytes | None = cell["bytes"]
        return Path(cell["path"]).read_bytes() if held is None else held

    def item_labels(self, item: int) -> Sequence[int]:
        """Return the labels of a row."""
        return self._labels.of(item)

    def _digests(self, key: str) -> bytes:
        mark = str(len(self._images))
        for path, stamp, value in cache.recall(key):
            if (path, stamp, len(value)) == (key, mark, DIGEST * len(self._images)):
                return value
        digests = bytearray()
        for item, (digest, why) in enumerate(in_workers(self._hash, range(len(self._images)))):
            digests += digest
            if why:
                self.problems.append(ImageProblem(self.place(item), why))
        if not self.problems:
            cache.remember([(key, mark, bytes(digests))])
        return bytes(digests)

    def _hash(self, item: int) -> tuple[bytes, str]:
        try:
            data = self.data(item)
        except OSError as error:
            return NOTHING, error.strerror or str(error)
        return (hashlib.sha256(data).digest(), "") if data else (NOTHING, "the image is empty")


def _load(datasets: Any, name: str, settings: dict[str, Any]) -> Any:
    split = settings.get("split")
    folder = Path(name).expanduser()
    try:
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(
                str(folder) if folder.is_dir() else name,
                settings.get("config"),
                revision=settings.get("revision"),
            )
    except Exception as error:  # whatever the hub, its network, or a reader of files raises
        raise ImageSourceError(
            f"the data set {name!r} cannot be opened",
            got=f"{type(error).__name__}: {error}"[:300],
            hint="check its name and config, or whether you are online",
        ) from error
    if not isinstance(found, dict):
        if split is not None and str(found.split) != split:
            raise ImageSourceError(f"{name} is one split", got=f"split={split}")
        return found
    chosen = split or ("train" if "train" in found or len(found) > 1 else next(iter(found)))
    if chosen not in found:
        raise ImageSourceError(
            f"{name} has no split {chosen!r}",
            expected=f"split= one of {', '.join(found)}",
            hint=did_you_mean(str(chosen), found),
        )
    return found[chosen]


def _column(table: Any, kind: type, named: str | None, word: str) -> str:
    fitting = [name for name, feature in table.features.items() if isinstance(feature, kind)]
    if named in fitting or (named is None and fitting):
        return named or fitting[0]
    raise ImageSourceError(
        f"the data set has no {word} column" + (f" {named!r}" if named else ""),
        expected=f"{word}= one of {', '.join(fitting)}" if fitting else f"a column of {word}s",
        got=", ".join(f"{name}: {feature}" for name, feature in table.features.items())[:300],
    )


def _labels(datasets: Any, table: Any, named: str | None) -> LabelTable:
    classes = {
        name: getattr(feature, "feature", feature)
        for name, feature in table.features.items()
        if isinstance(getattr(feature, "feature", feature), datasets.ClassLabel)
    }
    if named is not None and named not in classes:
        raise ImageSourceError(
            f"the data set has no column {named!r} of class labels",
            expected=f"label= one of {', '.join(classes)}",
            hint=did_you_mean(named, classes),
        )
    column = named or next(iter(classes), None)
    if column is None:
        return LabelTable([[]] * len(table))
    names: list[str] = classes[column].names

    def rows() -> Iterator[list[str]]:
        for batch in table.select_columns(column).iter(batch_size=4096):
            for value in batch[column]:
                numbers = value if isinstance(value, list) else [value]
                # -1 and None stand for "unknown", as in test sets.
                yield [names[number] for number in numbers if number is not None and number >= 0]

    return LabelTable(rows(), names)
