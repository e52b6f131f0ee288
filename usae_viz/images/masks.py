"""Binary masks beside a folder of images: where each named thing is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images.canvas import decode, fit
from usae_viz.recipe import ImagesSpec

# Sides may differ by rounding where image and mask were shrunk by different programs.
SHAPE_TOLERANCE = 0.02


class MaskFolder:
    """Masks named ``IMAGE__NAME.png``, white where the thing is.

    ``IMAGE`` is the image's file name without its ending. A mask in the same relative folder as its
    image belongs to that image alone; elsewhere, to the one image of that name.

    Raises:
        ImageSourceError: the folder is missing or holds no mask of any of the images.
    """

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        if not folder.is_dir():
            raise ImageSourceError(f"there is no folder of masks {str(folder)!r}")
        stems = Counter(PurePosixPath(file).stem for file in files)
        relative = {str(PurePosixPath(file).with_suffix("")) for file in files}
        self._masks: dict[str, dict[str, Path]] = {}
        for path in sorted(folder.rglob("*__*.png")):
            stem, _, name = path.stem.rpartition("__")
            beside = (path.parent.relative_to(folder) / stem).as_posix()
            key = beside if beside in relative else stem
            if beside in relative or stems[stem] == 1:
                self._masks.setdefault(key, {})[name] = path
        if not self._masks:
            raise ImageSourceError(
                f"{folder} holds no mask of these images",
                expected="files IMAGE__NAME.png with IMAGE an image's name without its ending",
            )
        self.names = tuple(sorted({name for masks in self._masks.values() for name in masks}))

    def of(self, file: str) -> Mapping[str, Path]:
        """Return the masks of an image: name → path."""
        path = PurePosixPath(file)
        return self._masks.get(str(path.with_suffix(""))) or self._masks.get(path.stem) or {}

    def read(self, folder: Path, files: Sequence[str], spec: ImagesSpec) -> Tensor:
        """Return bool ``[files, names, canvas, canvas]``: masks cropped as their images are."""
        side = spec.canvas
        result = torch.zeros(len(files), len(self.names), side, side, dtype=torch.bool)
        for row, file in enumerate(files):
            masks = self.of(file)
            if not masks:
                continue
            shape = decode((folder / file).read_bytes()).size
            for name, path in masks.items():
                data = path.read_bytes()
                _check_shape(path, decode(data).size, shape)
                result[row, self.names.index(name)] = read_mask(data, spec)
        return result


def read_mask(data: bytes, spec: ImagesSpec) -> Tensor:
    """Decode a mask and crop it as its image is: bool ``[canvas, canvas]``, True where white."""
    mask = decode(data).convert("L")
    fitted = fit(mask, spec.canvas, spec.crop, spec.crop_pct, Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(fitted) > 127)


def _check_shape(path: Path, mask: tuple[int, int], image: tuple[int, int]) -> None:
    ratio = (mask[0] * image[1]) / (mask[1] * image[0])
    if not 1 - SHAPE_TOLERANCE < ratio < 1 + SHAPE_TOLERANCE:
        raise ImageSourceError(
            f"{path} has not the shape of its image",
            expected=f"{image[0]} x {image[1]} pixels, upright",
            got=f"{mask[0]} x {mask[1]}",
        )
