from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from tests.attribution.networks import Convolutional, Transformer, backbone_of, seeded
from usae_viz.attribution import (
    Probe,
    classifier_readout,
    embedding_readout,
    fit_probe,
    reference_readout,
)
from usae_viz.errors import UsageError


@pytest.fixture
def backbone():
    return backbone_of(seeded(Convolutional(), 0.6))


def test_a_probe_learns_what_is_linear_in_the_mean_token(backbone):
    images = torch.rand(60, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    means = backbone.native_map(images).mean((2, 3))
    labels = (means[:, 0] > means[:, 0].median()).long()
    probe = fit_probe(backbone, images, labels, ("low", "high"), ridge=1e-4)
    readout = probe.readout(backbone)
    scores = readout.scores(images[:1], backbone.native_map(images))
    assert (scores.argmax(1) == labels).float().mean() > 0.9
    assert readout.find("high") == 1
    assert readout.name(0) == "low"


def test_a_probe_is_saved_and_read_back(backbone, tmp_path, images):
    probe = fit_probe(backbone, images, torch.tensor([0, 1, 0, 1, 1]), ("a", "b"))
    probe.save(tmp_path / "probe.safetensors")
    again = Probe.load(tmp_path / "probe.safetensors")
    assert again.names == ("a", "b")
    assert torch.equal(again.weight, probe.weight)


def test_a_probe_of_another_backbone_is_refused(backbone, images):
    probe = fit_probe(backbone, images, torch.tensor([0, 1, 0, 1, 1]), ("a", "b"))
    with pytest.raises(UsageError, match="fitted on another backbone"):
        probe.readout(backbone_of(seeded(Transformer()), "other"))


@pytest.mark.parametrize("content", [b"", b"no probe", None])
def test_what_is_no_probe_is_refused(tmp_path, content):
    file = tmp_path / "probe"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match="is no linear probe"):
        Probe.load(file)
    save_file({"weight": torch.zeros(2, 3)}, tmp_path / "half")
    with pytest.raises(UsageError, match="is no linear probe"):
        Probe.load(tmp_path / "half")


def test_likeness_to_a_reference_is_largest_for_itself(backbone, images):
    readout = reference_readout(backbone, images[:1], "reference")
    scores = readout.scores(images[:1], backbone.native_map(images))[:, 0]
    assert scores.argmax() == 0
    assert scores[0] == pytest.approx(1)


def test_embeddings_of_the_output_go_through_the_network(images):
    backbone = backbone_of(seeded(Convolutional(classes=7), 0.6))
    vectors = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))
    readout = embedding_readout(backbone, vectors, ("x", "y", "z"))
    maps = backbone.native_map(images[:1])
    output = backbone.network(backbone.preprocess(images[:1]))
    expected = torch.nn.functional.cosine_similarity(output, vectors)
    torch.testing.assert_close(readout.scores(images[:1], maps)[0], expected)
    with pytest.raises(UsageError, match="do not fit toy"):
        embedding_readout(backbone, torch.ones(1, 4), ("x",))
    with pytest.raises(UsageError, match="cannot be used"):
        embedding_readout(backbone, torch.zeros(1, 7), ("x",))


def test_classes_are_found_by_number_and_name(backbone):
    readout = classifier_readout(backbone, ("ant", "bee", "cat", "dog", "elk"))
    assert readout.find("3") == readout.find("dog") == 3
    for wrong in ("5", "-1", "cow"):
        with pytest.raises(UsageError, match="there is no class"):
            readout.find(wrong)
    assert classifier_readout(backbone, ("too", "few")).name(1) == "class 1"
