from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np

from usae_viz.concepts import ConceptIndex, LabelScores
from usae_viz.demo.yardstick import measure

NAMES = ("vit", "convnext", "resnet", "grey")
LABELS = ("bg-colour:red", "obj-shape:star", "obj-colour:blue")


def index(blind_follows: bool) -> ConceptIndex:
    """Three concepts that the sighted share; `grey` follows concept 0 or fires by itself."""

    def sharing(concept: int) -> list[str]:
        return list(NAMES if concept or blind_follows else NAMES[:3])

    stub = SimpleNamespace(concepts=3, dead=np.zeros(3, bool), sharing=sharing)
    return cast(ConceptIndex, stub)


def scores(blind: float) -> LabelScores:
    auc = np.full((4, 3, 3), 0.5)
    auc[:3, 0, 0] = 0.97  # red, in the three that see colour
    auc[3, 0, 0] = blind
    auc[:2, 1, 1] = 0.99  # star, in two only
    return LabelScores(auc, LABELS, NAMES, 100)


def test_a_label_counts_in_three_backbones_at_once() -> None:
    table = measure(scores(0.5), index(blind_follows=False), ["grey"])
    assert table["concepts"] == 3
    assert table["recovered"] == 1
    assert table["labels"]["bg-colour:red"]["concept"] == 0
    assert table["labels"]["bg-colour:red"]["recovered"]
    assert not table["labels"]["obj-shape:star"]["recovered"]
    assert table["colour_shared_with_colour_blind"] == []


def test_a_colour_that_fires_along_in_the_blind_one_is_told() -> None:
    table = measure(scores(0.5), index(blind_follows=True), ["grey"])
    assert table["colour_shared_with_colour_blind"] == ["bg-colour:red"]


def test_a_colour_that_the_blind_one_detects_is_told() -> None:
    table = measure(scores(0.95), index(blind_follows=False), ["grey"])
    assert table["colour_shared_with_colour_blind"] == ["bg-colour:red"]


def test_without_a_blind_backbone_there_is_nothing_to_tell() -> None:
    table = measure(scores(0.95), index(blind_follows=True), [])
    assert table["colour_shared_with_colour_blind"] == []
