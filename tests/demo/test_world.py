"""The world: repeatable, labelled to the pixel, and silent about hue in its luma."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import avg_pool2d

from usae_viz.demo.world import (
    COLOUR_FAMILIES,
    CONCEPTS,
    FAMILIES,
    MIN_AREA,
    World,
    to_luma,
)


def test_vocabulary_is_large_and_partitioned() -> None:
    assert len(CONCEPTS) >= 40
    assert len(set(CONCEPTS)) == len(CONCEPTS)
    assert len(FAMILIES) >= 6
    assert sorted(c for columns in FAMILIES.values() for c in columns) == list(range(len(CONCEPTS)))
    for family, columns in FAMILIES.items():
        assert all(CONCEPTS[c].startswith(f"{family}:") for c in columns)
    assert set(COLOUR_FAMILIES) <= set(FAMILIES)
    assert len(FAMILIES["composition"]) >= 6


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    first, second = World(48, seed=3).render(range(12)), World(48, seed=3).render(range(12))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)
    assert first.masks is not None
    assert second.masks is not None
    assert torch.equal(first.masks, second.masks)
    assert not torch.equal(first.images, World(48, seed=4).render(range(12)).images)


@pytest.mark.parametrize("size", [48, 96])
def test_an_image_does_not_depend_on_its_batch(size: int) -> None:
    world = World(size, seed=1)
    together = world.render(range(100))
    assert together.masks is not None
    for index in (0, 31, 32, 77, 99):
        alone = world.render([index])
        assert torch.equal(alone.images[0], together.images[index])
        assert torch.equal(alone.labels[0], together.labels[index])
        assert alone.masks is not None
        assert torch.equal(alone.masks[0], together.masks[index])
    order = torch.tensor([77, 3, 3, 50])
    assert torch.equal(world.render(order, masks=False).images, together.images[order])


def test_labels_are_the_masks_that_are_not_empty() -> None:
    batch = World(64, seed=0).render(range(200))
    assert batch.masks is not None
    area = batch.masks.flatten(2).float().mean(2)
    assert torch.equal(batch.labels, area > 0)
    assert float(area[batch.labels].min()) >= MIN_AREA
    without = World(64, seed=0).render(range(200), masks=False)
    assert without.masks is None
    assert torch.equal(without.labels, batch.labels)


def test_masks_agree_with_each_other() -> None:
    batch = World(64, seed=0).render(range(100))
    assert batch.masks is not None

    def union(family: str) -> torch.Tensor:
        assert batch.masks is not None
        return batch.masks[:, list(FAMILIES[family])].any(1)

    things = union("obj-shape") | union("composition")
    assert torch.equal(union("bg-texture"), union("bg-colour"))
    assert not bool((union("bg-texture") & things).any())
    assert not bool((union("obj-texture") & ~union("obj-shape")).any())
    for family in COLOUR_FAMILIES:
        assert torch.equal(
            batch.labels[:, list(FAMILIES[family])].sum(1), torch.ones(100, dtype=torch.int64)
        )


def test_every_concept_is_neither_rare_nor_common() -> None:
    rates = World(24, seed=0).render(range(3000), masks=False).labels.float().mean(0)
    assert float(rates.min()) >= 0.05
    assert float(rates.max()) <= 0.30


@pytest.mark.parametrize("size", [8, 33, 97, 224])
def test_any_size_shows_the_same_scene(size: int) -> None:
    batch = World(size, seed=0).render(range(6))
    assert batch.images.shape == (6, 3, size, size)
    assert batch.images.dtype == torch.float32
    assert 0 <= float(batch.images.min()) < float(batch.images.max()) <= 1
    assert batch.masks is not None
    assert batch.masks.shape == (6, len(CONCEPTS), size, size)
    if size == 224:
        small = World(112, seed=0).render(range(6)).images
        assert float((avg_pool2d(batch.images, 2) - small).abs().mean()) < 0.02


def test_images_are_whole_8_bit_levels() -> None:
    levels = World(32, seed=0).render(range(20), masks=False).images * 255
    assert float((levels - levels.round()).abs().max()) < 1e-4


def _mean_auc(features: torch.Tensor, labels: torch.Tensor, columns: tuple[int, ...]) -> float:
    """Mean AUC of logistic regressions fitted on one half and measured on the other."""
    inputs, half = StandardScaler().fit_transform(features.numpy()), len(features) // 2
    aucs = []
    for column in columns:
        target = labels[:, column].numpy()
        probe = LogisticRegression(C=0.05, max_iter=200).fit(inputs[:half], target[:half])
        aucs.append(roc_auc_score(target[half:], probe.decision_function(inputs[half:])))
    return float(sum(aucs) / len(aucs))


def test_luma_says_nothing_about_hue() -> None:
    batch = World(32, seed=0).render(range(3000), masks=False)
    luma = to_luma(batch.images)
    levels = torch.stack([luma.flatten(1).quantile(q, dim=1) for q in (0.05, 0.5, 0.95)], 1)
    spread = luma.flatten(1).std(1, keepdim=True)
    blind = torch.cat([avg_pool2d(luma, 8).flatten(1), levels, spread], 1)
    hues = tuple(c for family in COLOUR_FAMILIES for c in FAMILIES[family])
    assert abs(_mean_auc(blind, batch.labels, hues) - 0.5) < 0.03
    # The same probe does find the hue once it is given chroma.
    chroma = avg_pool2d(batch.images - luma, 16).flatten(1)
    assert _mean_auc(chroma, batch.labels, FAMILIES["bg-colour"]) > 0.9


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        World(4)
    with pytest.raises(ValueError, match="seed"):
        World(96, seed=-1)
    with pytest.raises(ValueError, match="negative"):
        World(16).render([0, -2])
    with pytest.raises(ValueError, match="one-dimensional"):
        World(16).render(torch.zeros(2, 2, dtype=torch.int64))
    assert World(16).render([]).images.shape == (0, 3, 16, 16)
