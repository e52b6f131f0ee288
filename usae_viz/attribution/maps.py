"""Where a concept is: its activation at every token, read off the encoder exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.errors import ConceptError, UsageError
from usae_viz.sae import UniversalSAE


class ConceptMaps(NamedTuple):
    """Some concepts over the token grid of some images.

    Attributes:
        gated: ``[batch, concepts, grid, grid]``, the code's values: at least 0, and 0 where the
            concept is not among the k kept for a token.
        pre_gate: the same before TopK and ReLU; any sign.
    """

    gated: Tensor
    pre_gate: Tensor


@torch.no_grad()
def concept_maps(
    usae: UniversalSAE,
    backbone: Backbone,
    images: Tensor,
    concepts: Sequence[int],
    *,
    batch_size: int = 16,
) -> ConceptMaps:
    """Return the maps of some concepts in one backbone.

    Never holds the whole code: one batch of images at a time, and of its tokens only the values of
    the concepts asked for are kept.

    Args:
        usae: the USAE; it must know the backbone.
        backbone: the network that reads the images.
        images: ``[batch, 3, height, width]`` sRGB in [0, 1], any size.
        concepts: indices of the code.
        batch_size: images at once.

    Returns:
        Both maps in standardised units, on the device of `images`.

    Raises:
        ConceptError: a concept lies outside the code, or none is asked for.
        UsageError: there is no image, or `batch_size` is not positive.
    """
    wanted = check_concepts(usae, concepts).to(images.device)
    if not len(images) or batch_size < 1:
        raise UsageError(
            "there is nothing to map",
            expected="at least one image, at least one at a time",
            got=f"{len(images)} images, {batch_size} at a time",
        )
    gated, pre_gate = [], []
    for batch in torch.split(images, batch_size):
        tokens = backbone(batch)
        flat = tokens.permute(0, 2, 3, 1).flatten(0, 2)
        shape = (len(batch), *tokens.shape[-2:], len(wanted))
        gated.append(usae.gated(backbone.name, flat, wanted).view(shape))
        pre_gate.append(usae.pre_gate(backbone.name, flat, wanted).view(shape))
    return ConceptMaps(*(torch.cat(part).permute(0, 3, 1, 2) for part in (gated, pre_gate)))


def check_concepts(usae: UniversalSAE, concepts: Sequence[int]) -> Tensor:
    """Return concepts as int64 ``[concepts]``.

    Raises:
        ConceptError: one lies outside the code, or there is none.
    """
    outside = [concept for concept in concepts if not 0 <= concept < usae.concepts]
    if outside or not len(concepts):
        raise ConceptError(
            "these concepts cannot be read" if outside else "no concept is asked for",
            expected=f"indices from 0 to {usae.concepts - 1}",
            got=", ".join(map(str, outside)) or "none",
        )
    return torch.tensor(list(concepts), dtype=torch.int64)
