"""Opening an image file as the run's canvas, with the file's name in every error."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images import read_canvas
from usae_viz.images.canvas import Crop


def open_image(path: Path, canvas: int, crop: Crop, crop_pct: float = 1.0) -> Tensor:
    """Return the canvas ``[3, canvas, canvas]``, uint8 sRGB, of an image file.

    Raises:
        ImageSourceError: it is missing or no readable image.
    """
    try:
        return read_canvas(path.read_bytes(), canvas, crop, crop_pct)
    except OSError as error:
        raise ImageSourceError(f"{path} cannot be read", got=error.strerror or str(error)) from None
    except ImageSourceError as error:
        raise ImageSourceError(f"{path}: {error.problem}", got=error.got) from None
