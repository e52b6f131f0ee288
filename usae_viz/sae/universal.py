"""The universal sparse autoencoder: an encoder and a dictionary per backbone, one code for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.errors import UsageError, did_you_mean
from usae_viz.sae.code import SparseCode, largest, top_k, weighted_rows
from usae_viz.sae.config import Encoding, Gate

SPARE = 4
"""A threshold keeps at most this many times k concepts of a token."""

PIECE = 1 << 23
"""Pre-gate activations that exist at once while tokens are encoded."""


class UniversalSAE(nn.Module):
    """Z = TopK(ReLU(W A + b)) from any backbone, Â = Z D for every backbone (arXiv 2502.03714).

    Tokens go in and come out as the backbone gives them; standardisation (per-channel mean, one
    scale) happens inside. Code values are in standardised units: a dictionary row has, on average
    over the backbones, unit norm.

    Args:
        dims: channels of each backbone's tokens, in the run's order.
        concepts: width of the code.
        k: concepts kept per token.
        tau: a concept fires where its value exceeds this.
        encoding: what `encode_all` does.
        gate: what keeps a concept; with a threshold, codes are ``[n, limit]``.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        concepts: int,
        k: int,
        tau: float = 0.1,
        *,
        encoding: Encoding = "alone",
        gate: Gate = "topk",
    ) -> None:
        super().__init__()
        self.names = tuple(dims)
        self.dims = dict(dims)
        self.concepts, self.k, self.tau = concepts, k, tau
        self.encoding, self.gate = encoding, gate
        self.limit = k if gate == "topk" else min(SPARE * k, concepts)
        self.weight = nn.ParameterList(
            nn.Parameter(torch.zeros(concepts, d)) for d in dims.values()
        )
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(concepts)) for _ in dims)
        self.dictionary = nn.ParameterList(
            nn.Parameter(torch.zeros(concepts, d)) for d in dims.values()
        )
        if gate != "topk":
            self.threshold = nn.ParameterList(
                nn.Parameter(torch.zeros(concepts), requires_grad=gate == "jumprelu") for _ in dims
            )
        for name, dim in dims.items():
            self.register_buffer(f"mean_{self._at(name)}", torch.zeros(dim))
            self.register_buffer(f"scale_{self._at(name)}", torch.ones(()))

    def _at(self, name: str) -> int:
        if name not in self.dims:
            raise UsageError(
                f"the USAE does not know backbone {name!r}",
                expected=f"one of {', '.join(self.names)}",
                hint=did_you_mean(name, self.names),
            )
        return self.names.index(name)

    def _tokens(self, name: str, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2 or tokens.shape[1] != self.dims[name]:
            raise UsageError(
                f"tokens of {name} have another shape",
                expected=f"[n, {self.dims[name]}]",
                got=str(list(tokens.shape)),
            )
        return self.standardise(name, tokens)

    def mean(self, name: str) -> Tensor:
        """Return the standardisation's mean ``[dim]``."""
        return cast(Tensor, getattr(self, f"mean_{self._at(name)}"))

    def scale(self, name: str) -> Tensor:
        """Return the standardisation's scale, a scalar tensor."""
        return cast(Tensor, getattr(self, f"scale_{self._at(name)}"))

    def set_standardisation(self, name: str, mean: Tensor, scale: float) -> None:
        """Set the per-channel mean ``[dim]`` and the scale of a backbone's tokens."""
        self.mean(name).copy_(mean)
        self.scale(name).fill_(scale)

    def standardise(self, name: str, tokens: Tensor) -> Tensor:
        """Return tokens ``[..., dim]`` in standardised units."""
        return (tokens - self.mean(name)) / self.scale(name)

    def restore(self, name: str, standardised: Tensor) -> Tensor:
        """Undo `standardise`."""
        return standardised * self.scale(name) + self.mean(name)

    def rows(self, name: str) -> Tensor:
        """Return the dictionary of a backbone, ``[concepts, dim]``, in standardised units."""
        rows: Tensor = self.dictionary[self._at(name)]
        return rows

    def encoder(self, name: str) -> tuple[Tensor, Tensor]:
        """Return the encoder's weight ``[concepts, dim]`` and bias ``[concepts]``."""
        return self.weight[self._at(name)], self.bias[self._at(name)]

    def pre_gate(self, name: str, tokens: Tensor, concepts: Tensor | None = None) -> Tensor:
        """Return pre-gate activations of tokens ``[n, dim]``: ``[n, concepts]``, any sign.

        With `concepts` (indices) only those encoder rows are computed.

        Raises:
            UsageError: the backbone is unknown or the tokens are not ``[n, dim]``.
        """
        weight, bias = self.encoder(name)
        if concepts is not None:
            weight, bias = weight[concepts], bias[concepts]
        return F.linear(self._tokens(name, tokens), weight, bias)

    def gated(self, name: str, tokens: Tensor, concepts: Tensor) -> Tensor:
        """Return the code values of some concepts, ``[n, len(concepts)]``: 0 where not kept."""
        pre_gate = self.pre_gate(name, tokens)
        least = pre_gate.topk(self.limit, dim=1, sorted=True).values[:, -1:]
        chosen = pre_gate[:, concepts]
        kept = chosen >= least
        if self.gate != "topk":
            kept &= chosen > self.threshold[self._at(name)][concepts]
        return torch.where(kept, chosen, 0).relu()

    def encode(self, name: str, tokens: Tensor) -> SparseCode:
        """Return the sparse code of tokens ``[n, dim]``."""
        size = max(1, PIECE // self.concepts)
        parts = [top_k(self.pre_gate(name, rows), self.limit) for rows in torch.split(tokens, size)]
        code = parts[0]
        if len(parts) > 1:
            values, indices = (torch.cat(own) for own in zip(*parts, strict=True))
            code = SparseCode(values, indices)
        if self.gate == "topk":
            return code
        above = code.values > self.threshold[self._at(name)][code.indices]
        return SparseCode(torch.where(above, code.values, 0), code.indices)

    def encode_all(self, tokens: Mapping[str, Tensor]) -> dict[str, SparseCode]:
        """Return the code of every backbone for the same tokens, as `encoding` says.

        What crosscoders and global TopK were trained for; `encode` reads one backbone alone, with
        the others at their mean.

        Args:
            tokens: ``[n, dim]`` per backbone; row r is the same pixels everywhere.
        """
        if self.encoding == "alone":
            return {name: self.encode(name, tokens[name]) for name in self.names}
        pre_gate = {name: self.pre_gate(name, tokens[name]) for name in self.names}
        total = torch.stack(list(pre_gate.values())).sum(0)
        if self.encoding == "joint":
            # Each encoder holds the whole bias, so that it can be used alone.
            code = top_k(total - (len(self.names) - 1) * self.bias[0], self.k)
            return dict.fromkeys(self.names, code)
        indices = largest(total.detach(), self.k)
        return {
            name: SparseCode(own.gather(1, indices).relu(), indices)
            for name, own in pre_gate.items()
        }

    def decode(self, name: str, code: SparseCode) -> Tensor:
        """Return the tokens ``[n, dim]`` that a code stands for in one backbone."""
        return self.restore(name, weighted_rows(code, self.rows(name)))

    def translate(self, source: str, target: str, tokens: Tensor) -> Tensor:
        """Encode tokens of one backbone and decode them as another's, ``[n, dim of target]``."""
        return self.decode(target, self.encode(source, tokens))
