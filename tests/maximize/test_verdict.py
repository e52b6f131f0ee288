from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from usae_viz.maximize import Reading, Row, rows_of
from usae_viz.maximize.verdict import verdict

NAN = float("nan")


def _reading(transfer: list[list[float]], rank: list[list[int]], **fields: Any) -> Reading:
    table = np.array([transfer], dtype=float)
    shape = table.shape[:2]
    given = {"spectrum": np.zeros((*shape, 8)), "corner": np.ones(shape), **fields}
    return Reading(table, table, table, table, np.array([rank]), table, **given)


def _own(transfer: list[list[float]], rank: list[list[int]], **fields: Any) -> str:
    rows = rows_of("per-model", ("a", "b"), ("a", "b")[: len(transfer)])
    return verdict(_reading(transfer, rank, **fields), "per-model", rows, ("a", "b"))


def test_of_pictures_that_belong_to_a_backbone() -> None:
    assert _own([[1.5, 0.2], [0.6, 0.9]], [[1, 4], [2, 2]]) == (
        "Reaches its natural level (at least 1×) in 1 of 2 backbones (not: b 0.90×); transfers (at "
        "least 0.5×) to 1 of 2 pairs, best b → a 0.60×; is the strongest concept of its own "
        "picture in 1 of 2 backbones."
    )
    assert _own([[2.0, NAN], [0.0, NAN]], [[1, 0], [0, 1]]) == (
        "Reaches its natural level (at least 1×) in 1 of 1 backbones; transfers (at least 0.5×) to "
        "0 of 1 pairs; is the strongest concept of its own picture in 2 of 2 backbones; never "
        "fires on natural images in b."
    )


def test_of_a_backbone_held_out_and_a_bright_corner() -> None:
    told = _own([[0.3, 0.4]], [[1, 1]], corner=np.array([[2.5]]))
    assert "0 of 1 backbones (not: a 0.30×)" in told
    assert "held out: b 0.40×" in told
    assert "a corner holds 2.5× its share of the energy (over 1.5×)" in told


def test_of_a_shared_picture() -> None:
    rows = (Row("shared", ("a", "b")),)
    told = verdict(_reading([[1.2, 0.7, 0.4]], [[1, 3, 2]]), "shared", rows, ("a", "b", "c"))
    assert told == (
        "One picture raises it (at least 0.8× natural) in 1 of 2 backbones, worst b 0.70×; held "
        "out: c 0.40×; is the strongest concept of the picture in 1 of 2 backbones."
    )


def test_of_a_contrast() -> None:
    rows = rows_of("contrast", ("a", "b"))
    told = verdict(
        _reading([[1.2, 0.1], [0.5, 0.9]], [[1, 0], [3, 1]]), "contrast", rows, ("a", "b")
    )
    assert told.startswith(
        "Told apart (at least 0.8× in one, under 0.2× in the others) in 1 of 2 pictures: a 1.20× "
        "against b 0.10×, b 0.90× against a 0.50×;"
    )


def test_a_contrast_counts_pictures_that_can_be_judged() -> None:
    rows = rows_of("contrast", ("a", "b"))
    told = verdict(
        _reading([[1.2, NAN], [0.5, NAN]], [[1, 0], [3, 1]]), "contrast", rows, ("a", "b")
    )
    assert "in 1 of 1 pictures: a 1.20×;" in told
    silent = _reading([[NAN, NAN], [NAN, NAN]], [[1, 0], [3, 1]])
    assert "old apart" not in verdict(silent, "contrast", rows, ("a", "b"))


def test_of_a_changed_photograph_and_of_pictures_that_differ() -> None:
    rows = rows_of("per-model", ("a", "b"))
    reading = _reading(
        [[1.2, 0.1], [0.5, 0.9]],
        [[1, 0], [3, 1]],
        moved=np.array([[[0.25, 0.1], [0.1, 0.5]]]),
        start=np.array([0.3, NAN]),
        likeness=np.array([[0.5, 0.1], [0.1, 0.95]]),
    )
    told = verdict(reading, "accentuate", rows, ("a", "b"))
    assert "the photograph itself: a 0.30×;" in told
    assert "moved in features by a 0.25, b 0.50" in told
    told = verdict(reading, "diverse", rows, ("a", "b"))
    assert "pictures differ (mean cosine in features under 0.9) in 1 of 2 backbones" in told
    second = replace(reading, transfer=np.concatenate([reading.transfer, reading.transfer / 2]))
    told = verdict(second, "diverse", rows, ("a", "b"))
    assert "its 2 pictures differ" in told
    assert "the weakest of them: a 0.60×, b 0.45×;" in told
    silent = replace(reading, transfer=np.full_like(reading.transfer, NAN))
    assert "weakest" not in verdict(silent, "diverse", rows, ("a", "b"))


def test_of_a_spectrum_unlike_nature() -> None:
    rows = rows_of("per-model", ("a", "b"))
    reading = _reading([[1.2, 0.1], [0.5, 0.9]], [[1, 0], [3, 1]])
    assert "1.30 decades off, natural images at most 0.40" in verdict(
        reading, "per-model", rows, ("a", "b"), (1.3, 0.4)
    )
    assert "decades" not in verdict(reading, "per-model", rows, ("a", "b"), (0.3, 0.4))
