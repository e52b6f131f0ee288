"""Overlaps against slow loops; names that are right, and not given where nothing fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tests.sae.test_training import new_run, recipe
from usae_viz.concepts import ConceptIndex, ConceptPass, write_index
from usae_viz.concepts.dissection import (
    JOINT,
    LEVELS,
    JointMap,
    Overlap,
    coverage,
    dissect,
    overlap_of,
    rolled,
)
from usae_viz.sae import SparseCode, UniversalSAE

NAMES, CONCEPTS, GRID, IMAGES = ("one", "two"), 5, 4, 24
LABELS = ("dots", "red", "nowhere marked")
TOKENS = GRID**2


def masks() -> torch.Tensor:
    """Return ``[images, labels, 8, 8]``: squares at chance places."""
    random = np.random.default_rng(1)
    found = torch.zeros(IMAGES, len(LABELS), 8, 8, dtype=torch.bool)
    for image in range(IMAGES):
        for label in range(len(LABELS)):
            if random.random() < 0.6:
                top, left = random.integers(0, 5, 2)
                found[image, label, top : top + 4, left : left + 4] = True
    return found


def codes() -> dict[str, SparseCode]:
    """Concept 0 marks dots, 1 marks red; 2 and 3 fire by chance, 4 never."""
    generator = torch.Generator().manual_seed(2)
    cover = coverage(masks(), GRID)
    made = {}
    for name in NAMES:
        dense = torch.zeros(IMAGES * TOKENS, CONCEPTS)
        dense[:, :2] = cover[:, :2] * (2 + torch.rand(len(dense), 2, generator=generator))
        dense[:, 2:4] = torch.rand(len(dense), 2, generator=generator)
        dense[:, 2:4] *= torch.rand(len(dense), 2, generator=generator) < 0.2
        made[name] = SparseCode(dense, torch.arange(CONCEPTS).expand(len(dense), -1))
    return made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ConceptIndex:
    usae = UniversalSAE(dict.fromkeys(NAMES, 4), CONCEPTS, CONCEPTS)
    made = ConceptPass(usae, TOKENS)
    made.add([f"{i:064x}" for i in range(IMAGES)], codes())
    return write_index(new_run(tmp_path_factory.mktemp("run") / "r", recipe()), usae, made)


@pytest.fixture(scope="module")
def overlap(index: ConceptIndex) -> Overlap:
    made, cover, half = (
        overlap_of(index, len(LABELS)),
        coverage(masks(), GRID),
        IMAGES * TOKENS // 2,
    )
    for part in (slice(0, half), slice(half, None)):
        some = {n: SparseCode(c.values[part], c.indices[part]) for n, c in codes().items()}
        made.add({**some, JOINT: JointMap(index)(some)}, cover[part].numpy())
    return made


def test_the_joint_map_is_the_mean_in_natural_units(index: ConceptIndex) -> None:
    code = codes()
    joint = JointMap(index)(code).toarray()
    for k in range(CONCEPTS - 1):
        rate = index.rate[:, k]
        counts = [i for i in range(2) if rate[i] >= 0.1 * rate.max()]
        expected = sum(
            code[NAMES[i]].values[:, k].numpy() / index.natural_peak[i, k] for i in counts
        ) / len(counts)
        np.testing.assert_allclose(joint[:, k], expected, rtol=1e-5)
    assert (joint[:, CONCEPTS - 1] == 0).all()


def test_iou_is_that_of_the_mask_with_squares(index: ConceptIndex, overlap: Overlap) -> None:
    pixels = masks().numpy()
    for k in range(CONCEPTS - 1):
        for t, level in enumerate(LEVELS):
            value = codes()["one"].values[:, k].view(IMAGES, GRID, GRID).numpy()
            above = value > level * index.maximum[0, k]
            drawn = above.repeat(2, axis=1).repeat(2, axis=2)
            for label in range(len(LABELS)):
                mask = pixels[:, label]
                expected = (drawn & mask).sum() / max((drawn | mask).sum(), 1)
                assert overlap.iou()[0, t, k, label] == pytest.approx(expected, abs=1e-6)


def test_auc_equals_scikit_learns_on_thresholded_values(
    index: ConceptIndex, overlap: Overlap
) -> None:
    cover = coverage(masks(), GRID).numpy()
    for k in range(CONCEPTS - 1):
        value = codes()["two"].values[:, k].numpy()
        steps = (value[:, None] > np.array(LEVELS) * index.maximum[1, k]).sum(1)
        for label in range(len(LABELS)):
            share = cover[:, label]
            truth = np.repeat([1, 0], len(share))
            weight = np.concatenate([share, 1 - share])
            expected = roc_auc_score(truth, np.tile(steps, 2), sample_weight=weight)
            assert overlap.auc()[1, k, label] == pytest.approx(expected, abs=1e-5)


def test_names_are_right_or_missing(index: ConceptIndex, overlap: Overlap) -> None:
    other = overlap_of(index, len(LABELS))
    other.add(
        {**codes(), JOINT: JointMap(index)(codes())},
        rolled(coverage(masks(), GRID), TOKENS).numpy(),
    )
    found = dissect(index, LABELS, overlap, overlap, other, (IMAGES, IMAGES))
    assert {k: entry["name"] for k, entry in found.concepts.items()} == {
        0: "dots", 1: "red", 2: None, 3: None,
    }  # fmt: skip
    dots = found.labels[0]
    assert dots.concept == 0
    assert dots.mean > 0.7
    assert dots.joint > 0.7
    assert set(dots.iou) == set(NAMES)
    assert set(dots.threshold) == {*NAMES, JOINT}
    assert dots.mean == pytest.approx(np.mean(list(dots.iou.values())))
    assert dots.runner_up[1] < dots.mean
    assert dots.chance < dots.mean / 2
    assert min(dots.auc.values()) > 0.9
    assert found.to_json()["labels"]["dots"]["concept"] == 0


def test_a_mask_is_averaged_over_its_tokens() -> None:
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    mask[0, 0, :3, :2] = True
    shares = coverage(mask, GRID).view(GRID, GRID)
    assert shares[0, 0] == 1
    assert shares[1, 0] == pytest.approx(0.5)
    assert shares.sum() == pytest.approx(1.5)


def test_masks_of_other_images() -> None:
    cover = torch.arange(3.0).repeat_interleave(TOKENS)[:, None]
    assert rolled(cover, TOKENS)[::TOKENS, 0].tolist() == [2, 0, 1]


def test_where_no_masks_are_no_names_are_made(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from usae_viz.cli import app

    result = CliRunner().invoke(app, ["dissect", "--run", str(tmp_path / "none")])
    assert result.exit_code == 1
