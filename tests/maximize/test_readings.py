from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import torch

from usae_viz.backbones import Backbone
from usae_viz.concepts import ConceptIndex
from usae_viz.maximize import Maximized, Row, read_maximized
from usae_viz.sae import UniversalSAE


def _index(natural: list[list[float]]) -> ConceptIndex:
    levels = np.array(natural, dtype=np.float32)
    return cast(
        ConceptIndex,
        SimpleNamespace(names=("small", "large"), natural_score=levels, natural_peak=2 * levels),
    )


def test_every_backbone_reads_every_picture(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    pictures = torch.randint(
        0, 256, (2, 2, 3, 48, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    concepts = (2, 6)
    made = Maximized(concepts, (Row("large", ("large",)),), {"large": pictures}, {}, {}, {}, (), {})
    natural = [[0.5] * usae.concepts, [0.0] * usae.concepts]
    readings = read_maximized(usae, backbones, _index(natural), made, batch=3)
    assert len(readings) == 2
    for i, concept in enumerate(concepts):
        assert readings[i].score.shape == (2, 1, 2)
        for s in range(2):
            for column, (name, reader) in enumerate(backbones.items()):
                with torch.no_grad():
                    tokens = reader(pictures[i, s][None].float() / 255)[0].flatten(1).T
                code = usae.gated(name, tokens, torch.arange(usae.concepts)).mean(0)
                score = float(code[concept])
                np.testing.assert_allclose(readings[i].score[s, 0, column], score, atol=1e-5)
                expected = int((code > score).sum()) + 1 if score else 0
                assert readings[i].rank[s, 0, column] == expected
                share = score / float(code.sum())
                np.testing.assert_allclose(readings[i].share[s, 0, column], share, atol=1e-5)
        np.testing.assert_allclose(readings[i].transfer[..., 0], readings[i].score[..., 0] / 0.5)
        np.testing.assert_allclose(readings[i].transfer_peak[..., 0], readings[i].peak[..., 0])
        assert np.isnan(readings[i].transfer[..., 1]).all()
