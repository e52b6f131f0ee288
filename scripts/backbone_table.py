"""Prints the table of backbones that are tested, as docs/backbones.md shows it.

python scripts/backbone_table.py            all networks of tests/backbones/networks.toml
python scripts/backbone_table.py --write    into docs/backbones.md
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from usae_viz.backbones import Backbone, describe_network, load_backbone
from usae_viz.recipe import BackboneSpec

ROOT = Path(__file__).parents[1]
NETWORKS = ROOT / "tests" / "backbones" / "networks.toml"
PAGE = ROOT / "docs" / "backbones.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
HEAD = (
    "family",
    "model",
    "fed here with",
    "layers",
    "first … last",
    "dim",
    "grid",
    "beside the map",
)


class Measured(NamedTuple):
    """A network as it was found: a row of the table, and what makes it usable."""

    row: str
    shape: tuple[int, ...]
    unreached: list[str]
    """Layers whose token map's gradient does not reach the input."""
    batch_difference: float
    """Largest difference of a token in a batch to the same image's alone, over the map's scale."""


def networks() -> list[dict[str, Any]]:
    """Return the list of networks."""
    found: list[dict[str, Any]] = tomllib.loads(NETWORKS.read_text("utf-8"))["networks"]
    return found


def measure(network: dict[str, Any]) -> Measured:
    """Build one network with random weights and read its last layer."""
    spec = BackboneSpec(
        name="backbone",
        model=network["model"],
        input_size=network["size"],
        kwargs=network.get("kwargs", {}),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = describe_network(spec)["layers"]
        backbone = load_backbone(spec, pretrained=False)
    _spread_statistics(backbone)
    side = network["size"] + 8
    images = torch.rand((3, 3, side, side), generator=torch.Generator().manual_seed(0))
    images.requires_grad_()
    tokens = backbone(images)
    (gradient,) = torch.autograd.grad(tokens.square().sum(), images)
    unreached = [row["layer"] for row in layers if not row["gradient"]]
    if not (gradient.abs().flatten(1).sum(1) > 0).all():
        unreached.append("the layer that is read")
    with torch.no_grad():
        alone = backbone(images[1:2])
    tokens = tokens.detach()
    difference = float((tokens[1:2] - alone).abs().max() / tokens.abs().max())
    if layers[-1]["dim"] != backbone.dim or tuple(layers[-1]["grid"]) != backbone.native_grid:
        raise AssertionError(f"{network['model']}: doctor lists {layers[-1]}, read was another")
    names = [row["layer"] for row in layers]
    row = _row(
        network["family"],
        f"`{network['model']}`",
        f"{network['size']} px",
        str(len(names)),
        f"`{names[0]}` … `{names[-1]}`",
        str(backbone.dim),
        "×".join(map(str, backbone.native_grid)),
        ", ".join(backbone.extra_names) or "–",
    )
    return Measured(row, tuple(tokens.shape), unreached, difference)


def _spread_statistics(backbone: Backbone) -> None:
    """Give batch norms other statistics than zero and one, so that using them shows."""
    generator = torch.Generator().manual_seed(1)
    for module in backbone.network.modules():
        mean = getattr(module, "running_mean", None)
        if isinstance(mean, torch.Tensor):
            mean.normal_(0, 0.1, generator=generator)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def lines() -> Iterator[str]:
    """Yield the lines of the table."""
    yield _row(*HEAD)
    yield _row(*["---"] * len(HEAD))
    for network in networks():
        yield measure(network).row


def rows_of_page() -> dict[str, str]:
    """Return the rows that the page holds, by model."""
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    return {line.split("`")[1]: line for line in table.splitlines() if "`" in line}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/backbones.md")
    options = parser.parse_args()
    started = time.process_time()
    table = []
    for line in lines():
        print(line, flush=True)
        table.append(line)
    print(f"{len(table) - 2} networks, {time.process_time() - started:.0f} s of processor time")
    if options.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after, "utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
