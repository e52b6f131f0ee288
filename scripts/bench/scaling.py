"""How the training step grows with the dictionary, k and the number of backbones.

Each row is a step that updates all decoders, against the forward product of one encoder alone.
"""

from __future__ import annotations

import torch
from timing import Row, row_of, seconds
from train import MSE, OurStep, alternate, tokens


def against_forward(concepts: int, k: int, backbones: int, n: int = 2048) -> Row:
    """Compare a step on backbones of width 384 with the floor."""
    dims = (384,) * backbones
    batch = tokens(dims, n)
    ours = OurStep(dims, MSE, concepts=concepts, k=k)
    weight, product = torch.randn(concepts, 384), torch.empty(n, concepts)
    taken = alternate(
        {
            "ours": lambda d: ours.average(batch, d),
            "forward": lambda _: seconds(lambda: torch.mm(batch["0"], weight.T, out=product)),
        },
        3,
        backbones,
    )
    work = f"{concepts} concepts, k {k}, {backbones} backbones, {n} tokens"
    return row_of(work, "encoder-forward", taken["ours"], taken["forward"])


def rows(quick: bool) -> list[Row]:
    """Return the table; quick: one dictionary and one k less of each end."""
    shapes = [(3072, 32, 3), (12288, 32, 3), (3072, 16, 3), (3072, 64, 3), (3072, 32, 2)]
    if not quick:
        shapes += [(3072, 32, 6), (12288, 64, 6), (49152, 32, 3), (49152, 64, 3)]
    return [against_forward(*shape) for shape in shapes]
