from __future__ import annotations

import pytest
import torch

from tests.attribution.conftest import make_usae
from tests.attribution.networks import Convolutional, Transformer, backbone_of, seeded
from usae_viz.attribution import (
    Readout,
    attribute_classes,
    classifier_readout,
    scale_concepts,
    swap_code,
)
from usae_viz.attribution.decomposition import Decomposition
from usae_viz.errors import UsageError


def _linear(backbone) -> Readout:
    """Scores that are linear in the map: integrated gradients must be exact."""
    weight = torch.randn(2, backbone.dim, generator=torch.Generator().manual_seed(9))
    return Readout("toy", 2, ("a", "b"), lambda _, maps: maps.mean((2, 3)) @ weight.to(maps).T)


@pytest.fixture(params=[None, 3], ids=["own grid", "resampled"])
def backbone(request):
    return backbone_of(seeded(Convolutional(), 0.6), grid=request.param)


def test_mean_concepts_and_error_are_the_map(usae, backbone, images):
    view = Decomposition(usae, backbone, images[:1])
    torch.testing.assert_close(view.decode(view.code) + view.error, view.native)
    gradient = torch.randn(view.native.shape, generator=torch.Generator().manual_seed(3))
    whole = (gradient * (view.native - view.mean - view.error)).sum()
    torch.testing.assert_close(view.parts(gradient).sum(), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [Convolutional, Transformer])
def test_rows_add_up(usae, images, network):
    backbone = backbone_of(seeded(network(), 0.6))
    readout = classifier_readout(backbone)
    for image in images.split(1):
        found = attribute_classes(usae, backbone, image, readout, top=3)
        total = sum(row.value for row in found.rows)
        assert abs(total - (found.score - found.baseline)) < 1e-3 * abs(
            found.score - found.mean_score
        )
        assert found.completeness < 1e-3
        assert [row.kind for row in found.rows[-3:]] == ["others", "error", "bias"]


def test_a_linear_score_has_the_same_answer_three_times(usae, backbone, images):
    readout = _linear(backbone)
    found = attribute_classes(usae, backbone, images[:1], readout, 1, top=12, steps=1)
    for row in found.rows:
        if row.kind == "concept":
            assert row.value == pytest.approx(row.gradient, rel=1e-4, abs=1e-6)
            assert row.value == pytest.approx(row.ablation, rel=1e-3, abs=1e-5)
    assert found.steps == 1
    assert found.completeness < 1e-4


def test_an_independent_slow_path_agrees(usae, backbone, images):
    """Riemann sums over the densely decoded code, concept by concept, through autograd."""
    readout = classifier_readout(backbone)
    image = images[:1]
    found = attribute_classes(usae, backbone, image, readout, 2, top=12, steps=128)
    view = Decomposition(usae, backbone, image)
    dense = torch.zeros(len(view.code.values), usae.concepts)
    dense.scatter_(1, view.code.indices, view.code.values)
    rows, scale = usae.rows("toy"), usae.scale("toy")
    total = torch.zeros_like(dense)
    count = 400
    for step in range(count):
        share = (step + 0.5) / count
        leaf = (dense * share).requires_grad_()
        tokens = usae.restore("toy", leaf @ rows)
        maps = view.resample(tokens) + share * view.error
        total += torch.autograd.grad(readout.scores(image, maps)[:, 2].sum(), leaf)[0] / count
    assert scale.ndim == 0
    expected = (total * dense).sum(0)
    for row in found.rows:
        if row.kind == "concept":
            assert row.value == pytest.approx(float(expected[row.concept]), rel=2e-2, abs=2e-4)


def test_a_concept_that_moves_nothing_gets_nothing(usae, backbone, images):
    image = images[:1]
    with torch.no_grad():
        usae.dictionary[0][int(Decomposition(usae, backbone, image).present[0])] = 0
    dummy = int(Decomposition(usae, backbone, image).present[0])
    found = attribute_classes(usae, backbone, image, classifier_readout(backbone), top=12)
    (row,) = [row for row in found.rows if row.concept == dummy]
    assert row.value == row.gradient == 0
    assert row.ablation == pytest.approx(0, abs=1e-6)


def test_batch_size_changes_nothing(usae, backbone, images):
    readout = classifier_readout(backbone)
    one, many = (
        attribute_classes(usae, backbone, images[:1], readout, batch_size=n) for n in (1, 64)
    )
    for a, b in zip(one.rows, many.rows, strict=True):
        assert a.concept == b.concept
        assert a.value == pytest.approx(b.value, rel=1e-4, abs=1e-6)


def test_scaling_and_swapping(usae, backbone, images):
    readout = classifier_readout(backbone)
    image = images[:1]
    same = scale_concepts(usae, backbone, image, readout, {3: 1.0})
    torch.testing.assert_close(same.after, same.before)
    present = Decomposition(usae, backbone, image).present.tolist()
    gone = scale_concepts(usae, backbone, image, readout, dict.fromkeys(present, 0.0))
    assert not torch.allclose(gone.after, gone.before)
    own = swap_code(usae, backbone, image, readout, backbone)
    torch.testing.assert_close(own.after, own.reconstructed)
    torch.testing.assert_close(
        swap_code(usae, backbone, image, readout, backbone, keep_error=True).after, own.before
    )
    both = make_usae(("toy", "other"))
    other = backbone_of(seeded(Transformer()), "other", grid=backbone.grid)
    swapped = swap_code(both, backbone, image, readout, other)
    assert not torch.allclose(swapped.after, swapped.before)
    torch.testing.assert_close(swapped.change, swapped.after - swapped.before)


def test_bad_input(usae, backbone, images):
    readout = classifier_readout(backbone)
    with pytest.raises(UsageError, match="there is no class 5"):
        attribute_classes(usae, backbone, images[:1], readout, 5)
    with pytest.raises(UsageError, match="out of range"):
        attribute_classes(usae, backbone, images[:1], readout, top=0)
    with pytest.raises(UsageError, match="one image"):
        attribute_classes(usae, backbone, images, readout)
    with pytest.raises(UsageError, match="no concept 12"):
        scale_concepts(usae, backbone, images[:1], readout, {12: 0.0})
    other = backbone_of(seeded(Transformer()), "toy", grid=2)
    with pytest.raises(UsageError, match="different grids"):
        swap_code(usae, backbone, images[:1], readout, other)
