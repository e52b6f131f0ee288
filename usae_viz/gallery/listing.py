"""The columns that the front page's list and map are drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usae_viz.concepts import ConceptIndex, ConceptName
from usae_viz.concepts.classes import KINDS, sharing
from usae_viz.run import Run


def index_script(
    run: Run,
    index: ConceptIndex,
    pages: Mapping[int, tuple[str, ...]],
    names: Mapping[int, ConceptName],
) -> str:
    """Return the script with a column for each statistic of the living concepts.

    Whole numbers keep it small: ``entropy``, ``cofire`` and ``correlation`` in thousandths,
    ``energy`` and ``rate`` as hundredths of their decimal logarithm, places on the map in 1/1023.
    ``by`` has a bit for each backbone that shares the concept, in the order of ``names``; ``goes``
    is the place in ``goesWith`` of the label that goes with it most, −1 for none.
    """
    living = np.flatnonzero(~index.dead)
    energy = index.energy[:, living].mean(0)
    rate = index.rate[:, living].max(0)
    place = np.nan_to_num(index.place[living], nan=0.5)
    goes = _strongest_label(index, living)
    used = sorted({int(at) for at in goes if at >= 0})
    order = {at: number for number, at in enumerate(used)}
    kept = {int(k): names[int(k)] for k in living if int(k) in names}
    table = {
        "run": run.info.name,
        "names": list(run.names),
        "kinds": list(KINDS),
        "id": [int(k) for k in living],
        "dead": [int(k) for k in np.flatnonzero(index.dead)],
        "kind": "".join(str(int(x)) for x in index.kinds[living]),
        "by": _shared_by(index, living),
        "entropy": _whole(index.entropy[living], 1000),
        "cofire": _whole(index.cofire[living], 1000),
        "correlation": _whole(index.worst_correlation()[living], 1000),
        "energy": _whole(np.log10(np.maximum(energy, 1e-12)), 100),
        "rate": _whole(np.log10(np.maximum(rate, 1e-9)), 100),
        "x": _whole(place[:, 0], 1023),
        "y": _whole(place[:, 1], 1023),
        "label": {k: name.name for k, name in kept.items() if name.name},
        "note": {k: name.note for k, name in kept.items() if name.note},
        "goesWith": [index.labels[at] for at in used],
        "goes": [order.get(int(at), -1) for at in goes] if used else [],
        "page": sorted(pages),
        "pictures": {
            k: [run.names.index(name) for name in found] for k, found in pages.items() if found
        },
    }
    return f"usaeViz.setIndex({json.dumps(table, separators=(',', ':'), allow_nan=False)});\n"


def _whole(values: NDArray[Any], unit: int) -> list[int]:
    return [int(x) for x in np.rint(np.nan_to_num(values) * unit)]


def _shared_by(index: ConceptIndex, living: NDArray[np.int64]) -> list[int]:
    """Return as bits which backbones share each concept, or the one it belongs to."""
    members = sharing(index.counts)[:, living]
    strongest = index.counts.fires[:, living].argmax(0)
    alone = np.arange(len(members))[:, None] == strongest
    members = np.where(members.any(0), members, alone)
    bits = (members.astype(np.int64) << np.arange(len(members))[:, None]).sum(0)
    return [int(x) for x in bits]


def _strongest_label(index: ConceptIndex, living: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the label whose share, where the concept fires, is most above its own rate."""
    if not index.labels:
        return np.full(len(living), -1)
    rate = index.label_rate[:, None]
    best, lift = np.full(len(living), -1), np.ones(len(living), np.float32)
    # A block of concepts at a time: labels × concepts need not fit into memory.
    for start in range(0, len(living), 1024):
        part = slice(start, start + 1024)
        ratio = index.label_share[:, :, living[part]].mean(0) / np.maximum(rate, 1e-9)
        ratio = np.where(rate > 0, ratio, 0)
        top = ratio.argmax(0)
        strongest = ratio[top, np.arange(len(top))]
        best[part] = np.where(strongest > lift[part], top, -1)
    return best
