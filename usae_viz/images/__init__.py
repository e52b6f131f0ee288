"""Image sources: one canvas an image for all backbones, ids by content, fixed splits."""

from usae_viz.images.canvas import read_canvas
from usae_viz.images.source import (
    ImageBatch,
    ImageProblem,
    ImageSource,
    MaskedSource,
    batches,
    is_validation,
    open_source,
    read_labels,
    source_sha256,
    split_ids,
)

__all__ = [
    "ImageBatch",
    "ImageProblem",
    "ImageSource",
    "MaskedSource",
    "batches",
    "is_validation",
    "open_source",
    "read_canvas",
    "read_labels",
    "source_sha256",
    "split_ids",
]
