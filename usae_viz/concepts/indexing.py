"""One streaming pass over a dataset: statistics of every concept and its natural examples."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save
from torch import Tensor

from usae_viz.concepts.index import FORMAT, ConceptIndex, load_index
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource
from usae_viz.run import Run, write_bytes, write_json
from usae_viz.sae import CodeStatistics, UniversalSAE
from usae_viz.sae.code import densify

THUMBNAIL = 160
"""Longest side of a thumbnail in pixels."""

TokenImages = Iterable[tuple[list[str], dict[str, Tensor]]]


class _Examples:
    """The best images of every concept in one backbone, merged batch by batch."""

    def __init__(self, concepts: int, count: int, tokens: int) -> None:
        self.score = torch.full((concepts, count), -1.0)
        self.image = torch.full((concepts, count), -1, dtype=torch.int64)
        self.maps = torch.zeros(concepts, count, tokens, dtype=torch.float16)
        self.peaks = torch.zeros(concepts, count)

    def add(self, dense: Tensor, first: int) -> None:
        """Merge gated activations ``[images, tokens, concepts]``; `first` numbers the images."""
        count = self.score.shape[1]
        score = dense.mean(1).T
        peak = dense.amax(1).T
        number = torch.arange(first, first + len(dense)).expand(len(score), -1)
        best = torch.cat([self.score, score], 1).topk(count, dim=1)
        self.score = best.values
        # An image that does not fire the concept is no example of it.
        chosen = torch.cat([self.image, number], 1).gather(1, best.indices)
        self.image = torch.where(best.values > 0, chosen, -1)
        self.peaks = torch.cat([self.peaks, peak], 1).gather(1, best.indices)
        # Only rows that won a place move: most batches change few concepts.
        changed = (best.indices >= count).any(1).nonzero().flatten()
        old = self.maps[changed]
        new = dense[:, :, changed].permute(2, 0, 1).to(torch.float16)
        where = best.indices[changed][:, :, None].expand(-1, -1, old.shape[2])
        self.maps[changed] = torch.cat([old, new], 1).gather(1, where)

    def arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        scale = self.peaks.clamp_min(1e-6)[:, :, None]
        grid = (self.maps.float() / scale * 255).round().clamp(0, 255).to(torch.uint8)
        return {
            f"example_image/{name}": self.image.to(torch.int32).numpy(),
            f"example_score/{name}": self.score.clamp_min(0).numpy(),
            f"example_peak/{name}": self.peaks.numpy(),
            f"example_grid/{name}": grid.numpy(),
        }


@torch.no_grad()
def index_run(
    run: Run,
    usae: UniversalSAE,
    images: TokenImages,
    source: ImageSource | None = None,
    *,
    examples: int = 9,
    progress: Callable[[int], None] | None = None,
) -> ConceptIndex:
    """Index the concepts of a run and write the index.

    Args:
        run: where to write.
        usae: the run's model.
        images: ids and raw tokens ``[images, tokens, dim]`` per backbone, in batches.
        source: if given, thumbnails of the examples are made from it.
        examples: images kept per concept and backbone; the natural reference is their mean.
        progress: called with the number of images done.

    Raises:
        StoreError: there is no image.
    """
    statistics = CodeStatistics(usae)
    best: dict[str, _Examples] = {}
    ids: list[str] = []
    tokens = 0
    for batch_ids, rows in images:
        tokens = rows[usae.names[0]].shape[1]
        codes = {name: usae.encode(name, rows[name].flatten(0, 1)) for name in usae.names}
        statistics.add(codes)
        for name in usae.names:
            kept = best.setdefault(name, _Examples(usae.concepts, examples, tokens))
            dense = densify(codes[name], usae.concepts).view(len(batch_ids), tokens, -1)
            kept.add(dense, len(ids))
        ids += batch_ids
        if progress:
            progress(len(ids))
    if not ids:
        raise StoreError("there is no image to index")
    _write(run, usae, statistics, best, ids, round(tokens**0.5))
    index = load_index(run)
    if source is not None:
        write_thumbnails(run, index.example_ids(), source)
    return index


def _write(
    run: Run,
    usae: UniversalSAE,
    statistics: CodeStatistics,
    best: dict[str, _Examples],
    ids: Sequence[str],
    grid: int,
) -> None:
    used = np.unique(np.concatenate([kept.image.numpy().ravel() for kept in best.values()]))
    used = used[used >= 0]
    renumber = np.full(len(ids) + 1, -1, dtype=np.int32)
    renumber[used] = np.arange(len(used))
    arrays: dict[str, NDArray[np.generic]] = {
        "rate": statistics.rate(),
        "mean": statistics.mean(),
        "maximum": statistics.maximum.numpy(),
        "energy": statistics.energy(usae),
        "entropy": statistics.entropy(),
        "cofire": statistics.cofire().min(0),
        "lift": statistics.lift(),
        "pair": statistics.pair_share(),
        "pair_lift": statistics.pair_lift(),
        "correlation": statistics.correlation(),
        "natural_score": np.stack([k.score.clamp_min(0).mean(1).numpy() for k in best.values()]),
        "natural_peak": np.stack([k.peaks.mean(1).numpy() for k in best.values()]),
    }
    arrays = {key: value.astype(np.float32) for key, value in arrays.items()}
    for name, kept in best.items():
        arrays |= kept.arrays(name)
        arrays[f"example_image/{name}"] = renumber[arrays[f"example_image/{name}"]]
    write_bytes(run.index_file, save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
    write_json(
        run.examples_file,
        {
            "format": FORMAT,
            "tau": usae.tau,
            "images": len(ids),
            "tokens": statistics.tokens,
            "grid": grid,
            "ids": [ids[i] for i in used],
        },
    )


def write_thumbnails(run: Run, ids: Sequence[str], source: ImageSource) -> None:
    """Make the thumbnails of some images that are not there yet: WebP, at most 160 pixels."""
    wanted = [image_id for image_id in dict.fromkeys(ids) if not run.thumb_file(image_id).exists()]
    for start in range(0, len(wanted), 64):
        batch = source.read(wanted[start : start + 64])
        for image_id, image in zip(batch.ids, batch.images, strict=True):
            picture = Image.fromarray(image.permute(1, 2, 0).numpy())
            picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
            data = io.BytesIO()
            picture.save(data, "WEBP", quality=75, method=4)
            write_bytes(run.thumb_file(image_id), data.getvalue())
