from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from usae_viz.backbones.layout import prefix_names, split_tokens
from usae_viz.errors import BackboneError


def numbered(*shape: int) -> Tensor:
    return torch.arange(float(torch.Size(shape).numel())).view(shape)


def test_maps_of_cnns_are_handed_through() -> None:
    output = numbered(2, 5, 3, 3)
    maps, prefix = split_tokens(output)
    assert maps is output
    assert prefix.shape == (2, 0, 5)


def test_channels_last_become_channels_first() -> None:
    output = numbered(2, 3, 3, 5)
    maps, _ = split_tokens(output)
    assert maps.shape == (2, 5, 3, 3)
    assert torch.equal(maps[1, :, 2, 0], output[1, 2, 0])


def test_of_three_equal_sides_the_last_two_are_the_map_unless_stated() -> None:
    output = numbered(1, 4, 4, 4)
    assert torch.equal(split_tokens(output)[0], output)
    assert torch.equal(split_tokens(output, "NHWC")[0][0, :, 1, 2], output[0, 1, 2])


def test_rows_of_tokens_become_a_map_row_by_row() -> None:
    output = numbered(2, 1 + 9, 5)
    maps, prefix = split_tokens(output)
    assert maps.shape == (2, 5, 3, 3)
    assert torch.equal(maps[1, :, 2, 1], output[1, 1 + 2 * 3 + 1])
    assert torch.equal(prefix, output[:, :1])


def test_the_number_of_tokens_before_the_grid_can_be_stated() -> None:
    output = numbered(1, 17, 5)  # 1 + 4 × 4, or 8 + 3 × 3
    assert split_tokens(output)[0].shape == (1, 5, 4, 4)
    maps, prefix = split_tokens(output, prefix=8)
    assert (maps.shape, prefix.shape) == ((1, 5, 3, 3), (1, 8, 5))
    with pytest.raises(BackboneError, match="no token map"):
        split_tokens(output, prefix=2)


def test_tensors_inside_of_what_networks_return_are_found() -> None:
    output = numbered(1, 5, 3, 3)
    for wrapped in ((output, None), [output], {"last_hidden_state": output}):
        assert split_tokens(wrapped)[0] is output
    assert split_tokens(SimpleNamespace(last_hidden_state=output))[0] is output


@pytest.mark.parametrize(
    "output",
    [numbered(2, 5), numbered(2, 1, 5), numbered(1, 2, 3, 4, 5), {"logits": numbered(1)}, None, ()],
)
def test_what_is_no_token_map_is_refused(output: Any) -> None:
    with pytest.raises(BackboneError, match="no token map"):
        split_tokens(output)


def test_tokens_before_the_grid_have_names() -> None:
    assert prefix_names(0) == ()
    assert prefix_names(1) == ("class",)
    assert prefix_names(2, distilled=True) == ("class", "distillation")
    assert prefix_names(3, registers=2) == ("class", "register_0", "register_1")
    assert prefix_names(2, registers=2) == ("register_0", "register_1")
