"""Decoding: from bytes on disk to the one square canvas that every backbone sees."""

from __future__ import annotations

import io
import warnings
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from usae_viz.errors import ImageSourceError

Crop = Literal["center", "squash", "pad"]

GREY = (128, 128, 128)

# Damaged metadata is no reason to lose an image, and bombs are refused below. Set once, and not
# around each decoding: warning filters belong to the process, and decoding happens in threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

# Pictures made of pixels, decoded by Pillow itself: no page or vector formats, whose decoders start
# other programs, and none that need a plugin.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "MPO", "JPEG2000", "AVIF")


def known_formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that the installed Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def read_canvas(data: bytes, canvas: int, crop: Crop = "center", crop_pct: float = 1.0) -> Tensor:
    """Decode an image file and bring it to ``[3, canvas, canvas]``, uint8 sRGB.

    EXIF orientation is honoured; transparency is laid over white; grey (8 or 16 bits), CMYK and
    palettes become RGB; of an animation the first frame is taken. Resampling is Pillow's
    antialiased bicubic; see `ImagesSpec` for `crop` and `crop_pct`.

    Raises:
        ImageSourceError: the bytes are no image, are cut short, hold floating-point values, or
            would unpack to more pixels than Pillow holds safe (a decompression bomb).
    """
    return to_tensor(fit(decode(data, round(2 * canvas / crop_pct)), canvas, crop, crop_pct))


def decode(data: bytes, enough: int | None = None) -> Image.Image:
    """Decode an image file to an upright RGB picture; see `read_canvas`.

    With `enough`, a JPEG may come out smaller, by its own scaling, down to that side in pixels.
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
            if enough is not None:
                opened.draft("RGB", (enough, enough))
            return as_rgb(_upright(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageSourceError("the image is too large to decode safely", got=str(error)) from None
    except ImageSourceError:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise whatever comes up
        raise ImageSourceError("the file is no readable image", got=str(error)[:200]) from None


def fit(
    picture: Image.Image,
    canvas: int,
    crop: Crop,
    crop_pct: float = 1.0,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> Image.Image:
    """Bring a picture onto the square canvas; a mask goes the way of its image."""
    size = (canvas, canvas)
    if crop == "squash":
        return picture.resize(size, resample)
    if crop == "pad":
        border = GREY if picture.mode == "RGB" else 0
        return ImageOps.pad(picture, size, method=resample, color=border)
    if crop_pct < 1:
        side = max(1, round(crop_pct * min(picture.size)))
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        return picture.resize(size, resample, (left, top, left + side, top + side))
    return ImageOps.fit(picture, size, method=resample)


def to_tensor(picture: Image.Image) -> Tensor:
    """Return an RGB picture as uint8 ``[3, height, width]``."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:
        # Damaged metadata beside good pixels is no reason to lose the image.
        return picture


def as_rgb(picture: Image.Image) -> Image.Image:
    """Convert a picture of any mode; transparency is laid over white.

    Raises:
        ImageSourceError: it holds floating-point values, whose range is unknown.
    """
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
