"""The published auxiliary loss, tile by tile: concepts that were not kept predict the residual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from usae_viz.sae.code import SparseCode, largest, weighted_rows
from usae_viz.sae.encoding import Encoder
from usae_viz.sae.sparse import Tokens, with_gradients


class PublishedAuxiliary:
    """AuxK as published: the upper half of the concepts that were not kept, by L1.

    Selected once for all decoders, the residual detached. It sees each tile of pre-gate
    activations while the support is chosen (`visit` of `encoding.select`) and adds up its loss and
    the gradients with it, so nothing of size tokens × concepts is made.

    Args:
        encoder: of the drawn backbone.
        tokens: of that backbone.
        rows: dictionary of each backbone as it is used, ``[concepts, dim]``.
        targets: tokens of each backbone.
        precision: of this loss's products; the residual and the code are in the tokens' own.
    """

    def __init__(
        self,
        encoder: Encoder,
        tokens: Tokens,
        rows: Mapping[str, Tensor],
        targets: Mapping[str, Tokens],
        precision: torch.dtype,
    ) -> None:
        self.encoder, self.tokens, self.rows, self.targets = encoder, tokens, rows, targets
        self.precision = precision
        self._detached = {name: own.detach() for name, own in rows.items()}
        # All decoders side by side: one product each way in place of one a backbone.
        self._decoder = torch.cat(list(self._detached.values()), dim=1).to(precision)
        counts = [own.raw.numel() for own in targets.values()]
        self._shares = torch.cat(
            [
                encoder.bias.new_full((own.shape[1],), 1 / count)
                for own, count in zip(rows.values(), counts, strict=True)
            ]
        )
        self._weight = torch.zeros_like(encoder.weight)
        self._bias = torch.zeros_like(encoder.bias)
        self._to_rows = {
            name: torch.zeros_like(own) if own.requires_grad else None for name, own in rows.items()
        }
        self._total = encoder.bias.new_zeros(())

    @torch.no_grad()
    def visit(self, start: int, pre_gate: Tensor, kept: Tensor, activations: Tensor) -> None:
        """Add a tile; its buffer is overwritten."""
        stop = start + len(pre_gate)
        values = activations.relu()
        second = upper_half(pre_gate, kept).to(self.precision)
        error = (second @ self._decoder).to(values.dtype)
        for name, part in self._parts(error):
            part -= self.targets[name].rows(start, stop)
            part += weighted_rows(SparseCode(values, kept), self._detached[name])
        self._total += (error.abs().sum(0) * self._shares).sum()
        # The error's sign, in units of the loss.
        error.sign_().mul_(self._shares)
        low = error.to(self.precision)
        for name, part in self._parts(low):
            to_rows = self._to_rows[name]
            if to_rows is not None:
                to_rows += second.T @ part
        # The gradient of relu in one pass: a mask would be a second one, and slower.
        back = torch.ops.aten.threshold_backward(low @ self._decoder.T, second, 0)
        self._weight += back.T @ self.tokens.rows(start, stop).to(self.precision)
        self._bias += back.sum(0, dtype=values.dtype)

    def _parts(self, columns: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield each backbone's columns of ``[rows, sum of dims]``."""
        widths = [own.shape[1] for own in self.rows.values()]
        return zip(self.rows, columns.split(widths, 1), strict=True)  # type: ignore[no-untyped-call]

    def loss(self) -> Tensor:
        """Return the loss over all tiles seen, with its gradients."""
        pairs: list[tuple[Tensor, Tensor | None]] = [
            (self.encoder.weight, self._weight),
            (self.encoder.bias, self._bias),
        ]
        pairs += [(own, self._to_rows[name]) for name, own in self.rows.items()]
        return with_gradients(self._total, pairs)


def upper_half(pre_gate: Tensor, kept: Tensor) -> Tensor:
    """Return the upper half of the concepts that were not kept, dense, the others 0; in place.

    Where at most half of a row's entries are positive, these are simply all of them; elsewhere the
    smallest positive ones beyond half go.

    Args:
        pre_gate: ``[n, concepts]``; becomes the result.
        kept: indices ``[n, k]`` that are left out.
    """
    half = max(1, pre_gate.shape[1] // 2)
    rest = pre_gate.relu_().scatter_(1, kept, 0.0)
    # Faster than counting a mask; float32 counts exactly up to 2²⁴.
    beyond = rest.sign().sum(1, dtype=torch.float32).int() - half
    most = int(beyond.max()) if len(beyond) else 0
    if most <= 0:
        return rest
    full = (beyond > 0).nonzero().squeeze(1)
    some = rest[full]
    lowest = torch.where(some > 0, -some, -torch.inf)
    candidates = largest(lowest, most)
    order = lowest.gather(1, candidates).argsort(1, descending=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(most, device=rest.device).expand_as(order)
    )
    values = some.gather(1, candidates)
    some.scatter_(1, candidates, torch.where(rank < beyond[full][:, None], 0.0, values))
    rest[full] = some
    return rest
