"""Image sources: one canvas an image for all backbones, ids by content, fixed splits."""

from usae_viz.images.canvas import read_canvas
from usae_viz.images.source import (
    ImageBatch,
    ImageProblem,
    ImageSource,
    batches,
    is_validation,
    open_source,
    split_ids,
)

__all__ = [
    "ImageBatch",
    "ImageProblem",
    "ImageSource",
    "batches",
    "is_validation",
    "open_source",
    "read_canvas",
    "split_ids",
]
