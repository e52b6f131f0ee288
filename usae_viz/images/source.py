"""What an image source is, how one is opened by name, and how its images are split."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import entry_points
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from usae_viz.errors import ImageSourceError, did_you_mean
from usae_viz.recipe import ImagesSpec

GROUP = "usae_viz.image_sources"
Split = Literal["train", "validation", "all"]


class ImageBatch(NamedTuple):
    """Some images of a source, on their canvas.

    Attributes:
        ids: content hashes (hexadecimal), one an image.
        images: ``[batch, 3, canvas, canvas]`` uint8 sRGB.
        labels: ``[batch, labels]`` bool, or None where the source has no labels.
    """

    ids: list[str]
    images: Tensor
    labels: Tensor | None


class ImageProblem(NamedTuple):
    """An image that was left out, and why."""

    where: str
    reason: str


@runtime_checkable
class ImageSource(Protocol):
    """A finite set of images with stable ids; made as ``Source(where, spec)``.

    Attributes:
        label_names: names of the labels that `read` gives; empty if there are none.
        problems: images left out so far, each once.
    """

    label_names: tuple[str, ...]
    problems: list[ImageProblem]

    @property
    def ids(self) -> Sequence[str]:
        """Content hashes of all images, sorted."""
        ...

    def read(self, ids: Sequence[str]) -> ImageBatch:
        """Decode images; those that cannot be read are left out and added to `problems`."""
        ...

    def where(self, image_id: str) -> str:
        """Return where an image comes from, for a person to find it."""
        ...


@runtime_checkable
class MaskedSource(ImageSource, Protocol):
    """A source that knows where things are in its images.

    Attributes:
        mask_names: what there are masks of; all of them are among `label_names`.
    """

    mask_names: tuple[str, ...]

    def masks(self, ids: Sequence[str]) -> Tensor:
        """Return bool ``[images, masks, canvas, canvas]``, in the order of `mask_names`."""
        ...


@runtime_checkable
class _CheaplyLabelled(Protocol):
    def labels(self, ids: Sequence[str]) -> Tensor | None: ...


def open_source(spec: ImagesSpec) -> ImageSource:
    """Open the image source that a recipe names.

    Kinds are entry points of the group ``usae_viz.image_sources``; any package may add one.

    Raises:
        ImageSourceError: the kind is unknown, or the source holds no image.
    """
    kind, sign, where = spec.source.partition(":")
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    if not sign or kind not in known:
        raise ImageSourceError(
            f"images.source {spec.source!r} cannot be opened",
            expected=f"KIND:WHERE with KIND one of {', '.join(sorted(known))}",
            hint=did_you_mean(kind, known) or "for a folder of photographs write folder:PATH",
        )
    source: ImageSource = known[kind].load()(where, spec)
    return source


def is_validation(image_id: str, share: float) -> bool:
    """Return whether an image is held out: its hash's end, read as a number in [0, 1), < `share`.

    So an image stays on its side whatever else is in the source. The end, since `limit` keeps the
    images whose hashes begin lowest: their beginnings would all be below `share`.
    """
    return int(image_id[-12:], 16) / 16**12 < share


def split_ids(source: ImageSource, split: Split, share: float) -> list[str]:
    """Return the ids of one side of the split, in the source's order."""
    if split == "all":
        return list(source.ids)
    wanted = split == "validation"
    return [image_id for image_id in source.ids if is_validation(image_id, share) == wanted]


def source_sha256(source: ImageSource) -> str:
    """Return the sha256 over all ids: which images these are, wherever they lie."""
    digest = hashlib.sha256()
    for image_id in source.ids:
        digest.update(image_id.encode())
    return digest.hexdigest()


def read_labels(source: ImageSource, ids: Sequence[str]) -> Tensor | None:
    """Return the labels of images, bool ``[images, labels]``; None if the source has none.

    Without decoding them where the source can; else they must all be readable.
    """
    if not source.label_names:
        return None
    if isinstance(source, _CheaplyLabelled):
        return source.labels(ids)
    return source.read(ids).labels


def batches(
    source: ImageSource, ids: Sequence[str], size: int, *, ahead: int = 2
) -> Iterator[ImageBatch]:
    """Yield `ids` in order, `size` at a time; unreadable images are missing from their batch.

    While a batch is used, up to `ahead` further ones are read in the background.
    """
    waiting: deque[Future[ImageBatch]] = deque()
    worker = ThreadPoolExecutor(1, "usae-viz-read")
    try:
        for start in range(0, len(ids), size):
            waiting.append(worker.submit(source.read, ids[start : start + size]))
            if len(waiting) > ahead:
                batch = waiting.popleft().result()
                if batch.ids:
                    yield batch
        while waiting:
            batch = waiting.popleft().result()
            if batch.ids:
                yield batch
    finally:
        worker.shutdown(cancel_futures=True)
