"""The verdict: what the numbers of a concept's pictures mean, in words, with the thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usae_viz.maximize.modes import SHARED, Row
from usae_viz.maximize.readings import Reading

Floats = NDArray[np.float64]

REACHES = 1.0
"""A picture reaches the natural level at this share of the natural top images' mean score."""
TRANSFERS = 0.5
"""A picture transfers to another backbone at this share of that backbone's natural level."""
SHARED_REACHES = 0.8
"""A shared picture, and a contrast's raised side, count as raised from this share on."""
KEPT_DOWN = 0.2
"""A contrast's other side counts as kept down below this share."""
ALIKE = 0.9
"""Pictures whose mean cosine in features is at least this hardly differ."""
CORNER = 1.5
"""A corner with more than this times its share of the energy is worth a warning."""


def verdict(
    reading: Reading,
    mode: str,
    rows: tuple[Row, ...],
    columns: tuple[str, ...],
    spectrum: tuple[float, float] | None = None,
) -> str:
    """Say in plain text what the numbers of the first seed mean.

    Args:
        reading: of one concept.
        mode: how the pictures were made.
        rows: the pictures.
        columns: the backbones that read them.
        spectrum: the pictures' median distance from natural images' spectrum, and how far natural
            images themselves lie from it, in decades; None: unknown.
    """
    transfer = reading.transfer[0]
    absent = [name for j, name in enumerate(columns) if np.isnan(transfer[:, j]).all()]
    if mode == "shared":
        parts = _shared(transfer, rows[0], columns)
    elif mode == "contrast":
        parts = _contrast(transfer, rows, columns)
    else:
        parts = _own(transfer, rows, columns)
    if mode == "accentuate" and reading.moved is not None and reading.start is not None:
        parts += _accentuated(reading, rows, columns)
    if mode == "diverse" and reading.likeness is not None:
        parts += _diverse(reading, rows, columns)
    first = [
        reading.rank[0, i, columns.index(name)] == 1
        for i, row in enumerate(rows)
        for name in row.raised
    ]
    whose = "the picture" if rows[0].name == SHARED else "its own picture"
    parts.append(f"is the strongest concept of {whose} in {sum(first)} of {len(first)} backbones")
    if absent:
        parts.append(f"never fires on natural images in {', '.join(absent)}")
    if spectrum is not None and spectrum[0] > spectrum[1]:
        parts.append(
            f"detail unlike natural images' (spectrum {spectrum[0]:.2f} decades off, natural "
            f"images at most {spectrum[1]:.2f})"
        )
    if (worst := float(reading.corner[0].max())) > CORNER:
        parts.append(f"a corner holds {worst:.1f}× its share of the energy (over {CORNER:g}×)")
    return "; ".join(parts) + "."


def _named(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}×" for name, share in shares.items())


def _own(transfer: Floats, rows: tuple[Row, ...], columns: tuple[str, ...]) -> list[str]:
    parts = []
    own = {row.name: float(transfer[i, columns.index(row.name)]) for i, row in enumerate(rows)}
    judged = {name: share for name, share in own.items() if not np.isnan(share)}
    if judged:
        short = {name: share for name, share in judged.items() if share < REACHES}
        text = (
            f"Reaches its natural level (at least {REACHES:g}×) in {len(judged) - len(short)} of "
            f"{len(judged)} backbones"
        )
        parts.append(text + (f" (not: {_named(short)})" if short else ""))
    pairs = {
        (row.name, b): float(transfer[i, j])
        for i, row in enumerate(rows)
        for j, b in enumerate(columns)
        if row.name != b and not np.isnan(transfer[i, j])
    }
    if pairs:
        good = sum(share >= TRANSFERS for share in pairs.values())
        (a, b), best = max(pairs.items(), key=lambda item: item[1])
        text = f"transfers (at least {TRANSFERS:g}×) to {good} of {len(pairs)} pairs"
        parts.append(text + (f", best {a} → {b} {best:.2f}×" if best > 0 else ""))
    raised = {row.name for row in rows}
    if held_out := [name for name in columns if name not in raised]:
        best_in = {
            name: float(np.nanmax(transfer[:, columns.index(name)]))
            for name in held_out
            if not np.isnan(transfer[:, columns.index(name)]).all()
        }
        if best_in:
            parts.append(f"held out: {_named(best_in)}")
    return parts


def _shared(transfer: Floats, row: Row, columns: tuple[str, ...]) -> list[str]:
    shares = {name: float(transfer[0, j]) for j, name in enumerate(columns)}
    judged = {
        name: share for name, share in shares.items() if name in row.raised and not np.isnan(share)
    }
    parts = []
    if judged:
        reached = sum(share >= SHARED_REACHES for share in judged.values())
        worst = min(judged, key=lambda name: judged[name])
        parts.append(
            f"One picture raises it (at least {SHARED_REACHES:g}× natural) in {reached} of "
            f"{len(judged)} backbones, worst {worst} {judged[worst]:.2f}×"
        )
    held_out = {
        name: share
        for name, share in shares.items()
        if name not in row.raised and not np.isnan(share)
    }
    if held_out:
        parts.append(f"held out: {_named(held_out)}")
    return parts


def _contrast(transfer: Floats, rows: tuple[Row, ...], columns: tuple[str, ...]) -> list[str]:
    good, details = 0, []
    for i, row in enumerate(rows):
        own = float(transfer[i, columns.index(row.name)])
        if np.isnan(own):
            continue
        others = {name: float(transfer[i, columns.index(name)]) for name in row.lowered}
        others = {name: share for name, share in others.items() if not np.isnan(share)}
        highest = max(others, key=lambda name: others[name], default=None)
        top = 0.0 if highest is None else others[highest]
        good += own >= SHARED_REACHES and top < KEPT_DOWN
        against = "" if highest is None else f" against {highest} {top:.2f}×"
        details.append(f"{row.name} {own:.2f}×{against}")
    if not details:
        return []
    return [
        f"Told apart (at least {SHARED_REACHES:g}× in one, under {KEPT_DOWN:g}× in the others) in "
        f"{good} of {len(details)} pictures: {', '.join(details)}"
    ]


def _accentuated(reading: Reading, rows: tuple[Row, ...], columns: tuple[str, ...]) -> list[str]:
    assert reading.moved is not None
    assert reading.start is not None
    before, moved = {}, {}
    for i, row in enumerate(rows):
        j = columns.index(row.name)
        before[row.name], moved[row.name] = float(reading.start[j]), float(reading.moved[0, i, j])
    far = ", ".join(f"{name} {distance:.2f}" for name, distance in moved.items())
    before = {name: share for name, share in before.items() if not np.isnan(share)}
    return [
        *([f"the photograph itself: {_named(before)}"] if before else []),
        f"moved in features by {far} (0: the photograph, 1: as far as an average one)",
    ]


def _diverse(reading: Reading, rows: tuple[Row, ...], columns: tuple[str, ...]) -> list[str]:
    assert reading.likeness is not None
    own, weakest = {}, {}
    for i, row in enumerate(rows):
        column = columns.index(row.name)
        own[row.name] = float(reading.likeness[i, column])
        least = float(reading.transfer[:, i, column].min())
        if not np.isnan(least):
            weakest[row.name] = least
    differ = sum(alike < ALIKE for alike in own.values())
    names = ", ".join(f"{name} {alike:.2f}" for name, alike in own.items())
    parts = [
        f"its {len(reading.transfer)} pictures differ (mean cosine in features under {ALIKE:g}) in "
        f"{differ} of {len(own)} backbones: {names}"
    ]
    return [*parts, f"the weakest of them: {_named(weakest)}"] if weakest else parts
