"""The training objective in plain dense torch, as a reference: no line is shared with the step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.sae.modes import Ingredients
from usae_viz.sae.universal import UniversalSAE


def dense_loss(
    usae: UniversalSAE,
    norms: nn.ModuleList | None,
    parts: Ingredients,
    batch: Mapping[str, Tensor],
    drawn: int,
    voted: bool,
) -> Tensor:
    """The whole loss; differentiable by autograd in every parameter."""
    x = [usae.standardise(name, batch[name]) for name in usae.names]
    pre = [F.linear(own, usae.weight[i], usae.bias[i]) for i, own in enumerate(x)]
    if norms is not None:
        pre = [norms[i](own) if i == drawn else own for i, own in enumerate(pre)]
    rows = [F.normalize(d, dim=1) if parts.rows == "unit" else d for d in usae.dictionary]
    chosen = torch.stack(pre).sum(0) if voted else pre[drawn]
    if voted and parts.shortlist:
        strongest = pre[drawn].topk(parts.shortlist * usae.k, dim=1).indices
        listed = torch.zeros_like(chosen).scatter(1, strongest, 1.0) > 0
        chosen = chosen.where(listed, -torch.inf)
    mask = torch.zeros_like(chosen).scatter(1, chosen.topk(usae.k, dim=1).indices, 1.0)
    values = {"drawn": pre[drawn], "mean": sum(pre) / len(pre), "sum": sum(pre)}
    code = values[parts.voted_values if voted else "drawn"].relu() * mask
    errors = [own - code @ rows[j] for j, own in enumerate(x)]
    measure = (lambda e: e.abs().mean()) if parts.loss == "l1" else (lambda e: e.square().mean())
    decoded = errors if parts.decoded == "all" else [errors[drawn]]
    loss = torch.stack([measure(error) for error in decoded]).sum()
    for j in range(len(x)):
        if j != drawn and parts.agreement:
            kept = pre[j] * mask
            target = code.detach() if parts.agreement_detached == "code" else code
            kept = kept.detach() if parts.agreement_detached == "others" else kept
            if parts.agreement_kind == "cosine":
                cosine = (kept * target).sum(1) / (kept.norm(dim=1) * target.norm(dim=1))
                distance = (1 - cosine).mean()
            else:
                distance = (kept - target).square().sum() / code.detach().square().sum()
            loss = loss + parts.agreement * distance
    if parts.auxiliary:
        rest = pre[drawn].relu() * (1 - mask)
        upper = torch.zeros_like(rest).scatter(1, rest.topk(usae.concepts // 2, dim=1).indices, 1.0)
        for error, own in zip(errors, rows, strict=True):
            left = (error.detach() - (rest * upper) @ own).abs().mean()
            loss = loss + parts.auxiliary * left
    return loss
