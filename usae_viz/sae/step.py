"""One optimiser step: draw a backbone, encode, decode all, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.sae.archetypes import Archetypes
from usae_viz.sae.auxiliary import PublishedAuxiliary
from usae_viz.sae.batchnorm import batch_normalised, fold
from usae_viz.sae.encoding import Encoder, screens, select
from usae_viz.sae.gates import gate_of
from usae_viz.sae.initialisation import initialise
from usae_viz.sae.losses import agreement_loss, reconstruction_loss
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.optimiser import Optimiser
from usae_viz.sae.products import Products, fastest
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.revival import Revival
from usae_viz.sae.rows import normalise_rows
from usae_viz.sae.sparse import Support, Tokens, pre_gate_at
from usae_viz.sae.state import below, load_model_state, model_state
from usae_viz.sae.universal import UniversalSAE


class TrainingStep:
    """The state of a training and its step.

    Each step draws one backbone (the same draw on every rank, from the seed); its code
    reconstructs every backbone. What else happens is set by the ingredients.

    Args:
        usae: the model that is trained; its standardisation must be set.
        parts: the ingredients.
        seed: of the draws and of the initial rows.
        ranks: the processes that train together.
        precision: as the recipe's ``training.precision``.
    """

    def __init__(
        self,
        usae: UniversalSAE,
        parts: Ingredients,
        *,
        seed: int,
        ranks: Ranks = ONE,
        precision: Literal["auto", "float32"] = "auto",
    ) -> None:
        self.usae, self.parts, self.ranks = usae, parts, ranks
        self.generator = torch.Generator().manual_seed(seed)
        device = usae.bias[0].device
        self.screen = precision == "auto" and screens(device, usae.bias[0].dtype)
        self.precision = torch.bfloat16 if self.screen else usae.bias[0].dtype
        # Read once: each reading would make a GPU wait.
        self._scale = {name: float(usae.scale(name)) for name in usae.names}
        self.norms = (
            nn.ModuleList(nn.BatchNorm1d(usae.concepts, device=device) for _ in usae.names)
            if parts.encoder == "batchnorm"
            else None
        )
        self.gate = gate_of(usae, ranks)
        self.products: Products | None = None
        self.revival = Revival(usae.concepts, device, ranks) if parts.revival else None
        self.archetypes = self._placeholder() if parts.archetypes else None
        groups = [self._parameters(i) for i in range(len(usae.names))]
        if self.archetypes is not None:
            groups.append(list(self.archetypes.parameters()))
        self.optimiser = Optimiser(groups, parts, ranks)

    def _parameters(self, i: int) -> list[nn.Parameter]:
        usae = self.usae
        own = [usae.weight[i], usae.bias[i]]
        if not self.parts.archetypes:
            own.append(usae.dictionary[i])
        if usae.gate == "jumprelu":
            own.append(usae.threshold[i])
        return own if self.norms is None else [*own, *self.norms[i].parameters()]

    def _placeholder(self) -> Archetypes:
        """Return archetypes of the right shapes; `initialise` or a checkpoint fills them."""
        usae, parts = self.usae, self.parts
        points = {
            name: torch.zeros(parts.archetypes, dim, device=usae.bias[0].device)
            for name, dim in usae.dims.items()
        }
        return Archetypes(usae.concepts, points, parts.relaxation, self.generator)

    def initialise(self, sample: Mapping[str, Tensor] | None) -> None:
        """Set the first rows, see `initialisation.initialise`."""
        initialise(self.usae, self.parts, sample, self.generator, self.archetypes)

    def __call__(self, batch: Mapping[str, Tensor], share: float) -> Callable[[], dict[str, float]]:
        """Take a step.

        Args:
            batch: paired raw tokens ``[n, dim]`` per backbone.
            share: of the budget that is spent, in [0, 1); sets the learning rate.

        Returns:
            A function that reads the step's figures (it waits for the device, so call it seldom).
        """
        usae, parts = self.usae, self.parts
        device = usae.bias[0].device
        # Batches lie in memory that is used again. CUDA has staged it when the call returns; MPS
        # would still be reading.
        ahead = device.type == "cuda"
        tokens = {
            name: Tokens(
                batch[name].to(device, usae.bias[0].dtype, non_blocking=ahead),
                usae.mean(name),
                self._scale[name],
            )
            for name in usae.names
        }
        drawn = int(torch.randint(len(usae.names), (), generator=self.generator))
        voted = float(torch.rand((), generator=self.generator)) < parts.vote
        name = usae.names[drawn]
        weight = parts.agreement_weight(share)
        pooled = voted and parts.voted_values != "drawn"
        together = weight > 0 or voted
        encoders = {
            other: self._encoder(i, tokens[other])
            for i, other in enumerate(usae.names)
            if together or i == drawn
        }
        own = encoders[name]
        rows = dict(zip(usae.names, self._rows(drawn), strict=True))
        auxiliary = (
            PublishedAuxiliary(own, tokens[name], rows, tokens, self.precision)
            if parts.auxiliary > 0
            else None
        )
        # The drawn one first: it is whose strongest concepts make a shortlist.
        choosing = (name, *(other for other in usae.names if voted and other != name))
        indices, known = select(
            [encoders[other] for other in choosing],
            [tokens[other] for other in choosing],
            self.gate.width,
            auxiliary.visit if auxiliary else None,
            screen=self.screen,
            shortlist=parts.shortlist * self.gate.width,
        )
        if not voted:
            assert known is not None
            indices, kept = self.gate.choose(drawn, indices, known[0])
            known = [kept]
        if self.products is None:
            self.products = self._fastest(len(indices))
        support = Support(indices, usae.concepts, self.products)
        at = dict(zip(choosing, known, strict=True)) if known else {}
        pre_gate = pre_gate_at(*own, tokens[name], support, at.get(name))
        others = [
            pre_gate_at(*encoders[other], tokens[other], support, at.get(other))
            for other in usae.names
            if other != name and (weight > 0 or pooled)
        ]
        values = pre_gate
        if pooled:
            summed = torch.stack([pre_gate, *others]).sum(0)
            values = summed / len(usae.names) if parts.voted_values == "mean" else summed
        values = self.gate.values(drawn, values, indices)
        targets = tokens if parts.decoded == "all" else {name: tokens[name]}
        nested = [
            reconstruction_loss(
                values if size == usae.concepts else torch.where(indices < size, values, 0),
                support,
                rows,
                targets,
                l1=parts.loss == "l1",
            )
            for size in parts.prefixes or (usae.concepts,)
        ]
        loss = torch.stack(nested).mean()
        losses = {"reconstruction": nested[-1].detach()}
        penalty = self.gate.penalty(drawn, pre_gate, indices)
        if penalty is not None:
            losses["sparsity"] = penalty.detach()
            loss = loss + penalty
        if weight > 0:
            agreement = agreement_loss(
                values, others, kind=parts.agreement_kind, detached=parts.agreement_detached
            )
            losses["agreement"] = agreement.detach()
            loss = loss + weight * agreement
        if self.revival is not None:
            back = self.revival.loss(own, tokens[name], rows, targets, values, support)
            self.revival.count(values, support)
            if back is not None:
                losses["revival"] = back.detach()
                loss = loss + parts.revival * back
        if auxiliary:
            left_over = auxiliary.loss()
            losses["auxiliary"] = left_over.detach()
            loss = loss + parts.auxiliary * left_over
        rate = self._update(loss, drawn, share)

        def report() -> dict[str, float]:
            figures = {key: round(float(value), 6) for key, value in losses.items()}
            return {**figures, "learning_rate": rate}

        return report

    def _fastest(self, n: int) -> Products:
        """Choose what takes the sparse products, at the sizes of the first batch."""
        usae = self.usae
        return fastest(
            usae.bias[0].device,
            usae.bias[0].dtype,
            n=n,
            k=self.gate.width,
            concepts=usae.concepts,
            dim=max(usae.dims.values()),
        )

    def _encoder(self, i: int, tokens: Tokens) -> Encoder:
        weight, bias = self.usae.weight[i], self.usae.bias[i]
        if self.norms is None:
            return Encoder(weight, bias)
        norm = self.norms[i]
        assert isinstance(norm, nn.BatchNorm1d)
        return batch_normalised(norm, weight, bias, tokens, self.ranks)

    def _rows(self, drawn: int) -> list[Tensor]:
        """Return the dictionaries as they are used; those that will not step, without gradient."""
        if self.archetypes is not None:
            return self.archetypes.rows()
        rows = [
            own if self.parts.update == "all" or i == drawn else own.detach()
            for i, own in enumerate(self.usae.dictionary)
        ]
        return [F.normalize(own, dim=1) for own in rows] if self.parts.rows == "unit" else rows

    def _update(self, loss: Tensor, drawn: int, share: float) -> float:
        groups = range(len(self.optimiser.groups))
        stepping = groups if self.parts.update == "all" else [drawn]
        # Only what will step is differentiated: the other gradients would be thrown away.
        loss.backward(inputs=self.optimiser.parameters(stepping))  # type: ignore[no-untyped-call]
        rate = self.optimiser.step(stepping, share)
        if self.parts.rows == "joint" and self.archetypes is None:
            normalise_rows(self.usae.dictionary, self.parts.rows)
        return rate

    def state(self) -> dict[str, Tensor]:
        """Return all that a resume needs besides the optimiser: model, BatchNorm, draws."""
        tensors = model_state(self.usae, self.generator)
        if self.norms is not None:
            tensors |= {f"norms/{key}": value for key, value in self.norms.state_dict().items()}
        if self.revival is not None:
            tensors["silent"] = self.revival.silent
        if self.archetypes is not None:
            table = self.archetypes.state_dict()
            tensors |= {f"archetypes/{key}": value for key, value in table.items()}
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, RuntimeError: it is of a training with other settings.
        """
        load_model_state(self.usae, self.generator, tensors)
        if self.norms is not None:
            self.norms.load_state_dict(below(tensors, "norms/"), strict=True)
        if self.revival is not None:
            self.revival.silent.copy_(tensors["silent"])
        if self.archetypes is not None:
            self.archetypes.load_state_dict(below(tensors, "archetypes/"), strict=True)

    @torch.no_grad()
    def finish(self) -> None:
        """Fold what only training needs into the model: BatchNorm, archetypes, unit rows."""
        usae = self.usae
        if self.norms is not None:
            for i, norm in enumerate(self.norms):
                assert isinstance(norm, nn.BatchNorm1d)
                fold(norm, usae.weight[i], usae.bias[i])
        if usae.encoding == "joint":
            total = torch.stack(list(usae.bias)).sum(0)
            for bias in usae.bias:
                bias.copy_(total)
        if self.archetypes is not None:
            for own, made in zip(usae.dictionary, self.archetypes.rows(), strict=True):
                own.copy_(made)
        normalise_rows(self.usae.dictionary, self.parts.rows)
