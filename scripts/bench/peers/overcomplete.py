"""The installed package overcomplete: a training step of its TopKSAE as its `train_sae` does it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def step(dim: int, concepts: int, k: int, *, auxiliary: bool) -> Callable[[Tensor], float]:
    """Return a function that takes one step on standardised tokens ``[n, dim]``.

    Raises:
        ImportError: overcomplete is not installed.
    """
    import matplotlib
    import matplotlib.cm

    # overcomplete 0.3 asks for a function that matplotlib 3.9 and later no longer have.
    if not hasattr(matplotlib.cm, "get_cmap"):
        matplotlib.cm.get_cmap = matplotlib.colormaps.get_cmap  # type: ignore[attr-defined]
    from overcomplete.sae import TopKSAE
    from overcomplete.sae.losses import top_k_auxiliary_loss

    sae = TopKSAE(dim, concepts, top_k=k)
    optimiser = torch.optim.Adam(sae.parameters(), lr=1e-3)

    def plain(x: Tensor, made: Tensor, pre: Tensor, code: Tensor, rows: Tensor) -> Tensor:
        del pre, code, rows
        return (x - made).square().mean()

    criterion = top_k_auxiliary_loss if auxiliary else plain

    def take(x: Tensor) -> float:
        optimiser.zero_grad()
        pre, code, made = sae(x)
        loss: Tensor = criterion(x, made, pre, code, sae.get_dictionary())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        optimiser.step()
        return loss.item()

    return take
