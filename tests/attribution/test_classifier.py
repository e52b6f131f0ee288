from __future__ import annotations

import pytest
import torch

from tests.attribution.networks import (
    CLASSES,
    ChannelsLast,
    Convolutional,
    Transformer,
    backbone_of,
    seeded,
)
from usae_viz.attribution.classifier import Classifier
from usae_viz.errors import BackboneError, UsageError


@pytest.mark.parametrize(
    ("network", "place"),
    [
        (Convolutional(), ("patch", "NCHW", 0)),
        (ChannelsLast(), ("turn", "NHWC", 0)),
        (Transformer(), ("blocks.0", "tokens", 1)),
    ],
)
def test_going_on_from_the_map_is_the_network_itself(network, place, images):
    classifier = Classifier(backbone_of(seeded(network)))
    assert classifier.place == place
    assert classifier.classes == CLASSES
    for image in images.split(1):
        maps = classifier.native(image)
        torch.testing.assert_close(classifier(image, maps), classifier.logits(image))


def test_another_map_gives_what_the_rest_of_the_network_makes_of_it(images):
    network = seeded(Convolutional())
    classifier = Classifier(backbone_of(network))
    maps = torch.randn(3, 6, 4, 4, generator=torch.Generator().manual_seed(5))
    expected = network.head(torch.tanh(network.later(maps.relu())).mean((2, 3)))
    torch.testing.assert_close(classifier(images[:1], maps), expected)


def test_hooks_are_gone_after_success_and_after_failure(images):
    network = seeded(Convolutional())
    own = network.patch.register_forward_hook(lambda *_: None)
    classifier = Classifier(backbone_of(network))
    classifier(images[:1], classifier.native(images[:1]))
    with pytest.raises(RuntimeError):
        classifier(images[:1], torch.zeros(1, 7, 4, 4))
    for module in network.modules():
        assert len(module._forward_hooks) == (1 if module is network.patch else 0)
    own.remove()
    assert not any(p.requires_grad for p in network.parameters())


def test_a_class_token_read_from_the_last_layer_is_refused():
    network = seeded(Transformer())
    network.layer = 1
    with pytest.raises(BackboneError, match="do not depend on the token map") as caught:
        Classifier(backbone_of(network))
    assert "every patch has zero gradient" in (caught.value.got or "")
    assert "earlier layer" in (caught.value.hint or "")


def test_a_network_without_classes_is_refused_unless_its_output_is_wanted():
    backbone = backbone_of(seeded(Convolutional(classes=0)))
    with pytest.raises(BackboneError, match="has no classifier"):
        Classifier(backbone)
    assert Classifier(backbone, any_output=True).classes == 6


def test_a_map_that_no_module_puts_out_is_refused():
    network = seeded(Convolutional())
    network.read = lambda images: network.patch(images) * 2
    with pytest.raises(BackboneError, match="no module of toy puts out the token map"):
        Classifier(backbone_of(network))


def test_one_image_at_a_time(images):
    classifier = Classifier(backbone_of(seeded(Convolutional())))
    with pytest.raises(UsageError, match="one image"):
        classifier(images, classifier.native(images))
