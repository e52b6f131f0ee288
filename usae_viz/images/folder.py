"""A folder of image files, searched recursively."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images.canvas import known_formats, read_canvas
from usae_viz.images.source import ImageBatch, ImageProblem
from usae_viz.recipe import ImagesSpec

# Pillow lets go of the interpreter lock while it decodes.
DECODERS = 4


class FolderSource:
    """Every image file below a folder; see `ImageSource`.

    An image's id is the sha256 of its file, so the same picture twice counts once and a renamed
    file keeps its id. Hidden files and folders are skipped, and links to folders are not followed;
    empty, unreadable and repeated files are listed in `problems`.

    Raises:
        ImageSourceError: the folder is missing or holds no image file.
    """

    label_names: tuple[str, ...] = ()

    def __init__(self, where: str, spec: ImagesSpec) -> None:
        folder = Path(where).expanduser()
        if not where or not folder.is_dir():
            raise ImageSourceError(
                f"there is no folder {where!r}",
                hint="give one: --set images.source=folder:/path/to/photographs",
            )
        formats = known_formats()
        suffixes = {suffix for suffix, name in Image.EXTENSION.items() if name in formats}
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in suffixes
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and not path.is_dir()
        )
        self.problems: list[ImageProblem] = []
        self._spec = spec
        self._files: dict[str, Path] = {}
        with ThreadPoolExecutor(DECODERS) as pool:
            for path, image_id in zip(files, pool.map(_hash, files), strict=True):
                if image_id.startswith("!"):
                    self.problems.append(ImageProblem(str(path), image_id[1:]))
                elif image_id in self._files:
                    first = self._files[image_id].name
                    self.problems.append(ImageProblem(str(path), f"the same bytes as {first}"))
                else:
                    self._files[image_id] = path
        if not self._files:
            raise ImageSourceError(
                f"{folder} holds no usable image",
                expected=f"files ending in {', '.join(sorted(suffixes)[:6])} …",
                got=f"{len(files)} such files, {len(self.problems)} of them unusable",
            )
        self.ids = tuple(sorted(self._files)[: spec.limit])

    def read(self, ids: Sequence[str]) -> ImageBatch:
        """Decode images; those that cannot be read are left out and added to `problems`."""
        good: list[tuple[str, Tensor]] = []
        # Pillow warns of damaged metadata, which is no reason to lose the image. The filter is set
        # here and not by the decoding threads, since it belongs to the whole process.
        with warnings.catch_warnings(), ThreadPoolExecutor(DECODERS) as pool:
            warnings.simplefilter("ignore")
            for image_id, result in zip(ids, pool.map(self._decode, ids), strict=True):
                if isinstance(result, Tensor):
                    good.append((image_id, result))
                elif result not in self.problems:
                    self.problems.append(result)
        side = self._spec.canvas
        images = (
            torch.stack([image for _, image in good])
            if good
            else torch.empty((0, 3, side, side), dtype=torch.uint8)
        )
        return ImageBatch([image_id for image_id, _ in good], images, None)

    def where(self, image_id: str) -> str:
        """Return the path of an image."""
        return str(self._files[image_id])

    def _decode(self, image_id: str) -> Tensor | ImageProblem:
        path = self._files[image_id]
        try:
            return read_canvas(path.read_bytes(), self._spec.canvas, self._spec.crop)
        except (ImageSourceError, OSError) as error:
            reason = error.problem if isinstance(error, ImageSourceError) else str(error)
            return ImageProblem(str(path), reason)


def _hash(path: Path) -> str:
    """Return the file's sha256, or ``!reason`` if it cannot be one of the images."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"!{error.strerror or error}"
    return hashlib.sha256(data).hexdigest() if data else "!the file is empty"
