"""When a report warns of itself."""

from __future__ import annotations

import numpy as np

from usae_viz.attribution.doubts import doubts
from usae_viz.attribution.faithfulness import Faithfulness
from usae_viz.attribution.report import Finding, PixelMap


def _finding(concept: int, missed: dict[str, float]) -> Finding:
    maps = {
        name: {"integrated_gradients": PixelMap(np.zeros((2, 2), np.float32), 1.0, 0.0, share)}
        for name, share in missed.items()
    }
    return Finding(
        concept=concept, kind="universal", name=None, activation={}, natural={}, gated={},
        heat_top={}, agreement=None, pixels=maps,
    )  # fmt: skip


def test_maps_that_miss_their_sum_are_named_in_one_sentence() -> None:
    findings = [_finding(7, {"vit": 0.043, "dla": 0.001}), _finding(9, {"vit": 0.09, "dla": 0.2})]
    (told,) = doubts(findings, {}, ["integrated_gradients"])
    assert "misses its sum by more than 2%" in told
    assert "(concept 7 in vit 4.3%, concept 9 in vit 9.0%, concept 9 in dla 20.0%)" in told
    assert doubts([_finding(7, {"vit": 0.019})], {}, ["integrated_gradients"]) == []


def test_a_map_that_tells_no_more_than_one_that_knows_nothing_is_named() -> None:
    finding = _finding(7, {"vit": 0.0})
    fair, better = (Faithfulness(0.5, 0.6, 0.0), Faithfulness(0.5, 0.7, 0.0))
    finding.faithfulness["vit"] = {"integrated_gradients": fair, "edges": better}
    (told,) = doubts([finding], {}, ["integrated_gradients"])
    assert told.startswith("Concept 7 in vit: the map of integrated_gradients tells no more")
    assert "than edges" in told
    finding.faithfulness["vit"]["integrated_gradients"] = Faithfulness(0.1, 0.7, 0.0)
    assert doubts([finding], {}, ["integrated_gradients"]) == []
