"""One optimiser step: draw a backbone, encode, decode all, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from usae_viz.sae.auxiliary import PublishedAuxiliary
from usae_viz.sae.batchnorm import batch_normalised, fold
from usae_viz.sae.encoding import Encoder, screens, select
from usae_viz.sae.losses import agreement_loss, reconstruction_loss
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.optimiser import Optimiser
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.sparse import Support, Tokens, pre_gate_at
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
        # Read once: each reading would make a GPU wait.
        self._scale = {name: float(usae.scale(name)) for name in usae.names}
        self.norms = (
            nn.ModuleList(nn.BatchNorm1d(usae.concepts, device=device) for _ in usae.names)
            if parts.encoder == "batchnorm"
            else None
        )
        self.optimiser = Optimiser(
            [self._parameters(i) for i in range(len(usae.names))], parts, ranks
        )

    def _parameters(self, i: int) -> list[nn.Parameter]:
        own = [self.usae.weight[i], self.usae.bias[i], self.usae.dictionary[i]]
        return own if self.norms is None else [*own, *self.norms[i].parameters()]

    @torch.no_grad()
    def initialise(self, sample: Mapping[str, Tensor] | None) -> None:
        """Set the first rows; encoders start as the dictionaries' transposes.

        Args:
            sample: paired raw tokens ``[n, dim]`` per backbone, which become the rows (the same
                tokens everywhere, so a concept starts as the same pixels in every backbone); None
                for independent Gaussian rows. Fewer tokens than concepts are filled up with
                Gaussian rows.
        """
        usae = self.usae
        for i, name in enumerate(usae.names):
            rows = torch.randn(usae.concepts, usae.dims[name], generator=self.generator)
            if sample is not None:
                tokens = usae.standardise(name, sample[name].to(usae.mean(name).device)).cpu()
                count = min(len(tokens), usae.concepts)
                rows[:count] = tokens[:count]
            usae.dictionary[i].copy_(F.normalize(rows, dim=1))
            usae.weight[i].copy_(usae.dictionary[i])
            usae.bias[i].zero_()
        self._normalise()
        if sample is not None:
            self._scale_encoders(sample)

    def _scale_encoders(self, sample: Mapping[str, Tensor]) -> None:
        """Scale each encoder so that its first reconstruction has the best overall length.

        Rows that are tokens overlap; k of them at full projection would overshoot many times.
        """
        usae = self.usae
        for i, name in enumerate(usae.names):
            tokens = sample[name].to(usae.mean(name).device)
            target = usae.standardise(name, tokens)
            made = usae.standardise(name, usae.decode(name, usae.encode(name, tokens)))
            usae.weight[i].mul_((target * made).sum() / made.square().sum().clamp_min(1e-12))

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
        tokens = {
            name: Tokens(
                batch[name].to(device, non_blocking=True), usae.mean(name), self._scale[name]
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
            PublishedAuxiliary(own, tokens[name], rows, tokens) if parts.auxiliary > 0 else None
        )
        choosing = usae.names if voted else (name,)
        indices, known = select(
            [encoders[other] for other in choosing],
            [tokens[other] for other in choosing],
            usae.k,
            auxiliary.visit if auxiliary else None,
            screen=self.screen,
        )
        support = Support(indices, usae.concepts)
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
        values = values.relu()
        targets = tokens if parts.decoded == "all" else {name: tokens[name]}
        loss = reconstruction_loss(values, support, rows, targets, l1=parts.loss == "l1")
        losses = {"reconstruction": loss.detach()}
        if weight > 0:
            agreement = agreement_loss(
                values, others, kind=parts.agreement_kind, detached=parts.agreement_detached
            )
            losses["agreement"] = agreement.detach()
            loss = loss + weight * agreement
        if auxiliary:
            left_over = auxiliary.loss()
            losses["auxiliary"] = left_over.detach()
            loss = loss + parts.auxiliary * left_over
        rate = self._update(loss, drawn, share)

        def report() -> dict[str, float]:
            figures = {key: round(float(value), 6) for key, value in losses.items()}
            return {**figures, "learning_rate": rate}

        return report

    def _encoder(self, i: int, tokens: Tokens) -> Encoder:
        weight, bias = self.usae.weight[i], self.usae.bias[i]
        if self.norms is None:
            return Encoder(weight, bias)
        norm = self.norms[i]
        assert isinstance(norm, nn.BatchNorm1d)
        return batch_normalised(norm, weight, bias, tokens, self.ranks)

    def _rows(self, drawn: int) -> list[Tensor]:
        """Return the dictionaries as they are used; those that will not step, without gradient."""
        rows = [
            own if self.parts.update == "all" or i == drawn else own.detach()
            for i, own in enumerate(self.usae.dictionary)
        ]
        return [F.normalize(own, dim=1) for own in rows] if self.parts.rows == "unit" else rows

    def _update(self, loss: Tensor, drawn: int, share: float) -> float:
        stepping = range(len(self.usae.names)) if self.parts.update == "all" else [drawn]
        # Only what will step is differentiated: the other gradients would be thrown away.
        loss.backward(inputs=self.optimiser.parameters(stepping))  # type: ignore[no-untyped-call]
        rate = self.optimiser.step(stepping, share)
        if self.parts.rows == "joint":
            self._normalise()
        return rate

    @torch.no_grad()
    def _normalise(self) -> None:
        """Give each concept's rows unit norm: each, or on average over the backbones."""
        rows = self.usae.dictionary
        if self.parts.rows == "unit":
            for own in rows:
                own.copy_(F.normalize(own, dim=1))
            return
        # Tokens have squared norm `dim` on average; compare rows as shares of that.
        dims = [own.shape[1] for own in rows]
        width = sum(dims) / len(dims)
        squared = [
            torch.linalg.vector_norm(own, dim=1).square() / dim
            for own, dim in zip(rows, dims, strict=True)
        ]
        norm = (torch.stack(squared).mean(0) * width).sqrt().clamp_min(1e-6)[:, None]
        for own in rows:
            own.div_(norm)

    def state(self) -> dict[str, Tensor]:
        """Return all that a resume needs besides the optimiser: model, BatchNorm, draws."""
        tensors = {f"usae/{key}": value for key, value in self.usae.state_dict().items()}
        if self.norms is not None:
            tensors |= {f"norms/{key}": value for key, value in self.norms.state_dict().items()}
        return {**tensors, "draws": self.generator.get_state()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, RuntimeError: it is of a training with other settings.
        """
        self.usae.load_state_dict(_below(tensors, "usae/"), strict=True)
        if self.norms is not None:
            self.norms.load_state_dict(_below(tensors, "norms/"), strict=True)
        self.generator.set_state(tensors["draws"])

    @torch.no_grad()
    def finish(self) -> None:
        """Fold what only training needs into the model: BatchNorm, unit rows."""
        usae = self.usae
        if self.norms is not None:
            for i, norm in enumerate(self.norms):
                assert isinstance(norm, nn.BatchNorm1d)
                fold(norm, usae.weight[i], usae.bias[i])
        if usae.encoding == "joint":
            total = torch.stack(list(usae.bias)).sum(0)
            for bias in usae.bias:
                bias.copy_(total)
        self._normalise()


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
