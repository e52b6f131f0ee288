"""From tokens to the concept index on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load, save
from torch import Tensor

from usae_viz.concepts.index import FORMAT, SEAL, ConceptIndex, load_index, seal
from usae_viz.concepts.layout import dictionary_map
from usae_viz.concepts.neighbours import by_coactivation, by_dictionary, duplicates
from usae_viz.concepts.streaming import TOP, ConceptPass
from usae_viz.concepts.thumbnails import write_thumbnails
from usae_viz.errors import StoreError
from usae_viz.images import ImageSource, read_labels
from usae_viz.run import Run, file_sha256, read_json, write_bytes, write_json
from usae_viz.sae import UniversalSAE
from usae_viz.sae.statistics import row_squares

TokenImages = Iterable[tuple[list[str], dict[str, Tensor]]]


def index_run(
    run: Run,
    usae: UniversalSAE,
    images: TokenImages,
    source: ImageSource | None = None,
    *,
    examples: int = TOP,
    thumbnails: bool = True,
    progress: Callable[[int], None] | None = None,
    **settings: Any,
) -> ConceptIndex:
    """Index the concepts of a run and write the index.

    Args:
        run: where to write.
        usae: the run's model.
        images: ids and raw tokens ``[images, tokens, dim]`` per backbone, in batches.
        source: if given, labels are read and thumbnails of the examples made from it.
        examples: images kept per concept and backbone; the natural reference is their mean.
        thumbnails: whether to make them.
        progress: called with the number of images done.
        settings: further ones of `ConceptPass`.

    Raises:
        StoreError: there is no image.
    """
    gathered = gather(usae, images, source, top=examples, progress=progress, **settings)
    return write_index(run, usae, gathered, source if thumbnails else None)


@torch.no_grad()
def gather(
    usae: UniversalSAE,
    images: TokenImages,
    source: ImageSource | None = None,
    *,
    into: ConceptPass | None = None,
    progress: Callable[[int], None] | None = None,
    **settings: Any,
) -> ConceptPass:
    """Encode images and gather what their codes do.

    Args:
        usae: the model.
        images: ids and raw tokens ``[images, tokens, dim]`` per backbone, in batches.
        source: where the labels of the images are read, if it has any.
        into: a pass to go on with; default: a new one.
        progress: called with the number of images done.
        settings: those of a new `ConceptPass`.

    Raises:
        StoreError: there is no image, and no pass to go on with.
    """
    gathered = into
    for ids, rows in images:
        if gathered is None:
            labels = () if source is None else source.label_names
            tokens = rows[usae.names[0]].shape[1]
            gathered = ConceptPass(usae, tokens, labels=labels, **settings)
        codes = {name: usae.encode(name, rows[name].flatten(0, 1)) for name in usae.names}
        gathered.add(ids, codes, None if source is None else read_labels(source, ids))
        if progress:
            progress(len(gathered.ids))
    if gathered is None:
        raise StoreError("there is no image to index")
    return gathered


def write_index(
    run: Run, usae: UniversalSAE, gathered: ConceptPass, source: ImageSource | None = None
) -> ConceptIndex:
    """Write what a pass gathered as the run's concept index; see ``docs/concepts.md``.

    Args:
        run: where to write.
        usae: the model whose codes were gathered.
        gathered: the whole pass, of all ranks.
        source: if given, thumbnails of the examples are made from it.

    Raises:
        StoreError: there is no image.
    """
    if not gathered.ids:
        raise StoreError("there is no image to index")
    for shelf in gathered.shelves.values():
        shelf.settle()
    kept = [shelf.image.numpy().ravel() for shelf in gathered.shelves.values()]
    used = np.unique(np.concatenate(kept)).tolist()
    # By hash, so that the files do not depend on the order in which images came.
    by_hash = sorted((gathered.ids[i], i) for i in used if i >= 0)
    renumber = np.full(len(gathered.ids) + 1, -1, np.int32)
    for number, (_, i) in enumerate(by_hash):
        renumber[i] = number
    maps: dict[str, NDArray[Any]] = {}
    for key, shelf in gathered.shelves.items():
        maps[f"{key}/image"] = renumber[shelf.image.numpy()]
        maps |= {f"{key}/{part}": getattr(shelf, part).numpy() for part in ("score", "peak")}
        maps[f"{key}/grid"] = shelf.grid.numpy()
    # What is read is whole or refused: the table goes last, the old one first.
    run.examples_file.unlink(missing_ok=True)
    write_bytes(run.example_maps_file, _packed(maps))
    statistics = _statistics(usae, gathered)
    write_bytes(run.index_file, _packed(statistics, {SEAL: seal(statistics)}))
    write_json(
        run.examples_file,
        {
            "format": FORMAT,
            "checkpoint": file_sha256(run.usae_file) if run.usae_file.is_file() else None,
            "tau": gathered.counts.tau,
            "images": len(gathered.ids),
            "tokens": gathered.counts.tokens,
            "grid": round(gathered.tokens**0.5),
            "labels": list(gathered.labels),
            "kinds": gathered.bootstrap.kinds(),
            "ids": [image_id for image_id, _ in by_hash],
        },
    )
    index = load_index(run)
    if source is not None:
        write_thumbnails(run, index.example_ids(), source)
    return index


def forget_examples(run: Run) -> None:
    """Remove from an index which images its examples are, and their maps; statistics stay."""
    maps = load(run.example_maps_file.read_bytes())
    none = {k: v[:, :0] if k.endswith("/image") else v[:, :, :0] for k, v in maps.items()}
    write_bytes(run.example_maps_file, _packed(none))
    write_json(run.examples_file, {**read_json(run.examples_file), "ids": []})


def _statistics(usae: UniversalSAE, gathered: ConceptPass) -> dict[str, NDArray[Any]]:
    names, counts = usae.names, gathered.counts
    living = ~counts.dead()
    top = [gathered.shelves[f"top/{name}"] for name in names]
    arrays: dict[str, NDArray[Any]] = {f"counts/{k}": v for k, v in counts.arrays().items()}
    arrays |= {f"interval/{k}": v for k, v in gathered.bootstrap.intervals().items()}
    arrays["row_square"] = row_squares(usae)
    arrays["natural_score"] = np.stack([shelf.score[0].mean(1).numpy() for shelf in top])
    arrays["natural_peak"] = np.stack([shelf.peak[0].mean(1).numpy() for shelf in top])
    arrays["label_fires"] = gathered.label_fires.astype(np.int32)
    arrays["label_images"] = gathered.label_images.astype(np.int32)
    rows = [usae.rows(name) for name in names]
    arrays["place"] = dictionary_map(rows, living)
    arrays["twin"], arrays["twin_cosine"] = duplicates(rows, living)
    sampled = {name: gathered.pairs.matrix(name, usae.concepts) for name in names}
    near = {
        f"near/{name}": by_dictionary(row, living) for name, row in zip(names, rows, strict=True)
    }
    near |= {
        f"coactive/{a}/{b}": by_coactivation(sampled[a], sampled[b], same=a == b)
        for a in names
        for b in names
    }
    for key, found in near.items():
        arrays[f"{key}/concept"], arrays[f"{key}/nearness"] = found
    return arrays


def _packed(arrays: dict[str, NDArray[Any]], notes: dict[str, str] | None = None) -> bytes:
    data: bytes = save({key: np.ascontiguousarray(value) for key, value in arrays.items()}, notes)
    return data
