"""The world's four small networks: timm models of four families, trained in four ways.

They are loaded the way any pretrained backbone is: ``timm.create_model(timm_name, **kwargs)``,
then ``load_state_dict(..., strict=True)``. ``scripts/train_demo.py`` trains them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import timm
from safetensors.torch import load_file
from torch import Tensor, nn

from usae_viz.demo.world import COLOUR_FAMILIES, CONCEPTS, FAMILIES, to_luma
from usae_viz.errors import BackboneError

WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the bundled weights, and of ``scores.json``."""

SEEN_WITHOUT_COLOUR: tuple[int, ...] = tuple(
    column
    for family, columns in FAMILIES.items()
    if family not in COLOUR_FAMILIES
    for column in columns
)
"""Columns of ``CONCEPTS`` that the colour-blind network can know."""


@dataclass(frozen=True)
class Network:
    """How a bundled network is built, fed and read."""

    name: str
    timm_name: str
    layer: int
    """Index of the layer that is read, as ``forward_intermediates(indices=[layer])`` takes it."""
    dim: int
    """Channels of the token map."""
    grid: int
    """Rows and columns of the token map for a 96-pixel image."""
    training: str
    """How it was trained, in words."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of ``timm.create_model``."""
    norm: bool = False
    """Whether the model's final norm is applied to the layer."""
    concepts: tuple[int, ...] = tuple(range(len(CONCEPTS)))
    """Column of ``CONCEPTS`` that each output of the head stands for."""
    in_chans: int = 3
    """3 for sRGB; 1 for Rec. 601 luma of sRGB."""
    mean: float = 0.5
    std: float = 0.5
    input_size: int = 96

    @property
    def weights(self) -> Path:
        """File of the bundled weights: float16 safetensors of the whole state dict."""
        return WEIGHTS / f"{self.name}.safetensors"


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            "vit",
            "xcit_nano_12_p8_224",
            layer=3,
            dim=128,
            grid=12,
            training="supervised by dense masks",
            kwargs={"depth": 4, "global_pool": "avg"},
        ),
        Network(
            "dla",
            "dla46_c",
            layer=4,
            dim=128,
            grid=6,
            training="self-supervised by contrast of places, then tuned by masks and labels",
        ),
        Network(
            "resnet",
            "resnet10t",
            layer=4,
            dim=128,
            grid=12,
            training="supervised by image labels",
            kwargs={
                "channels": (24, 64, 128, 128),
                "stem_width": 16,
                "output_stride": 8,
                "global_pool": "catavgmax",
            },
        ),
        Network(
            "grey",
            "regnetx_002",
            layer=4,
            dim=192,
            grid=12,
            training="supervised by image labels, without colours; sees luma only",
            kwargs={
                "depth": 9,
                "w0": 24,
                "wa": 18.0,
                "wm": 2.0,
                "output_stride": 8,
                "global_pool": "catavgmax",
            },
            concepts=SEEN_WITHOUT_COLOUR,
            in_chans=1,
        ),
    )
}
"""The bundled networks by name."""


def create(network: Network) -> nn.Module:
    """The network as timm builds it, with random weights."""
    model = timm.create_model(
        network.timm_name,
        pretrained=False,
        num_classes=len(network.concepts),
        in_chans=network.in_chans,
        **network.kwargs,
    )
    assert isinstance(model, nn.Module)
    return model


def load(network: Network) -> nn.Module:
    """The network with its bundled weights, in float32 and evaluation mode.

    Raises:
        BackboneError: if the weights are missing.
        RuntimeError: if they do not fit the model exactly.
    """
    if not network.weights.is_file():
        raise BackboneError(
            f"The bundled network {network.name!r} has no weights.",
            expected=str(network.weights),
            hint=f"python scripts/train_demo.py networks --only {network.name}",
        )
    model = create(network)
    state = load_file(network.weights)
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    model.load_state_dict(floats, strict=True)
    return model.eval()


def prepare(network: Network, images: Tensor) -> Tensor:
    """sRGB images ``[n, 3, 96, 96]`` in [0, 1] → the network's normalised input."""
    pixels = to_luma(images) if network.in_chans == 1 else images
    return (pixels - network.mean) / network.std


def read_tokens(network: Network, model: nn.Module, images: Tensor) -> Tensor:
    """Token map ``[n, dim, grid, grid]`` of sRGB images ``[n, 3, 96, 96]`` in [0, 1]."""
    # nn.Module does not know the method that every timm model has.
    forward_intermediates: Callable[..., list[Tensor]] = cast(Any, model).forward_intermediates
    maps = forward_intermediates(
        prepare(network, images),
        indices=[network.layer],
        norm=network.norm,
        output_fmt="NCHW",
        intermediates_only=True,
    )
    return maps[0]
