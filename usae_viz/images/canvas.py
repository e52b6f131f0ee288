"""Decoding: from bytes on disk to the one square canvas that every backbone sees."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from usae_viz.errors import ImageSourceError

Crop = Literal["center", "squash"]

# Pictures made of pixels, decoded by Pillow itself: no page or vector formats, whose decoders start
# other programs, and none that need a plugin.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "MPO", "JPEG2000", "AVIF")


def known_formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that the installed Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def read_canvas(data: bytes, canvas: int, crop: Crop = "center") -> Tensor:
    """Decode an image file and bring it to ``[3, canvas, canvas]``, uint8 sRGB.

    EXIF orientation is honoured, transparency is laid over white, grey (8 or 16 bits) and CMYK
    become RGB. Resampling is Pillow's antialiased bicubic.

    Raises:
        ImageSourceError: the bytes are no image, are cut short, hold floating-point values, or
            would unpack to more pixels than Pillow holds safe (a decompression bomb).
    """
    if not data:
        raise ImageSourceError("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=known_formats()) as opened:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and opened.width * opened.height > limit:
                raise ImageSourceError(
                    f"the image is too large to decode safely: {opened.width} x {opened.height}",
                    expected=f"at most {limit} pixels",
                )
            opened.draft("RGB", (2 * canvas, 2 * canvas))
            picture = _as_rgb(_upright(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageSourceError("the image is too large to decode safely", got=str(error)) from None
    except ImageSourceError:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise whatever comes up
        raise ImageSourceError("the file is no readable image", got=str(error)[:200]) from None
    size = (canvas, canvas)
    if crop == "center":
        fitted = ImageOps.fit(picture, size, method=Image.Resampling.BICUBIC)
    else:
        fitted = picture.resize(size, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        # Damaged metadata beside good pixels is no reason to lose the image.
        return picture


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise ImageSourceError("the image holds floating-point values, whose range is unknown")
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        # 16-bit grey; Pillow's own conversion would clip it at 255.
        grey = (np.asarray(picture).astype(np.float32) / 257).round().clip(0, 255)
        picture = Image.fromarray(grey.astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")
