"""Small pictures of the examples, stored once by content hash."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from usae_viz.images import ImageSource
from usae_viz.run import Run, write_bytes

SIDE = 160
"""Longest side of a thumbnail in pixels."""


def write_thumbnails(run: Run, ids: Sequence[str], source: ImageSource) -> None:
    """Make the thumbnails of some images that are not there yet: WebP, at most 160 pixels."""
    wanted = [image_id for image_id in dict.fromkeys(ids) if not run.thumb_file(image_id).exists()]
    for start in range(0, len(wanted), 64):
        batch = source.read(wanted[start : start + 64])
        for image_id, image in zip(batch.ids, batch.images, strict=True):
            picture = Image.fromarray(image.permute(1, 2, 0).numpy())
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            data = io.BytesIO()
            picture.save(data, "WEBP", quality=75, method=4)
            write_bytes(run.thumb_file(image_id), data.getvalue())
