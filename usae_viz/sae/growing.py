"""A backbone joins a trained dictionary: its encoder and rows are fitted, all else stays."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from usae_viz.errors import CheckpointError
from usae_viz.sae.archetypes import Archetypes
from usae_viz.sae.encoding import Encoder, select
from usae_viz.sae.log import Report
from usae_viz.sae.losses import agreement_loss, reconstruction_loss
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.optimiser import Optimiser
from usae_viz.sae.ranks import ONE, Ranks
from usae_viz.sae.sparse import Support, Tokens, pre_gate_at
from usae_viz.sae.state import load_model_state, model_state
from usae_viz.sae.universal import UniversalSAE

OWN = 0.5
"""Share of steps whose code is of a backbone that joins; in the others it is of one already there,
and teaches the new dictionary what the concepts are."""


def joined(base: UniversalSAE, usae: UniversalSAE) -> list[str]:
    """Copy a trained model into a wider one; returns the names of the backbones that join.

    Args:
        base: the trained model.
        usae: of the same width, k and τ, with the backbones of `base` and others; the
            standardisation of the others is set.

    Raises:
        CheckpointError: the models do not fit together, or nobody joins.
    """
    new = [name for name in usae.names if name not in base.names]
    asked: dict[str, object] = {
        "concepts": usae.concepts,
        "k": usae.k,
        "tau": usae.tau,
        **usae.dims,
    }
    there: dict[str, object] = {
        "concepts": base.concepts,
        "k": base.k,
        "tau": base.tau,
        **base.dims,
    }
    asked["gate"], there["gate"] = "topk", base.gate
    wrong = {key: value for key, value in there.items() if asked.get(key) != value}
    if wrong or not new:
        raise CheckpointError(
            "the recipe does not grow the trained run",
            expected=", ".join(f"{key} {value}" for key, value in there.items())
            + ", and a further backbone",
            got=", ".join(f"{key} {asked.get(key, 'missing')}" for key in wrong)
            or "no further backbone",
        )
    with torch.no_grad():
        for name in base.names:
            i, j = usae.names.index(name), base.names.index(name)
            usae.weight[i].copy_(base.weight[j])
            usae.bias[i].copy_(base.bias[j])
            usae.dictionary[i].copy_(base.dictionary[j])
            usae.set_standardisation(name, base.mean(name), float(base.scale(name)))
    return new


class GrowingStep:
    """One optimiser step of the backbones that join; a `trainer.Step`.

    A step draws a code, of a backbone that joins or of one already there. From the former, which
    only trains the encoder and rows of that backbone, every backbone is reconstructed, the frozen
    ones by their frozen rows. From the latter only those that join are reconstructed, and their
    encoders are drawn towards it by the agreement loss.

    Args:
        usae: all backbones; those already there are frozen here.
        new: names of those that join.
        parts: loss, agreement, rates.
        seed: of the draws.
        ranks: the processes that train together.
    """

    norms: nn.ModuleList | None = None
    archetypes: Archetypes | None = None

    def __init__(
        self,
        usae: UniversalSAE,
        new: list[str],
        parts: Ingredients,
        *,
        seed: int,
        ranks: Ranks = ONE,
    ) -> None:
        self.usae, self.new, self.parts = usae, new, parts
        self.old = [name for name in usae.names if name not in new]
        self.generator = torch.Generator().manual_seed(seed)
        groups: list[list[nn.Parameter]] = []
        for i, name in enumerate(usae.names):
            own = [usae.weight[i], usae.bias[i], usae.dictionary[i]]
            for parameter in own:
                parameter.requires_grad_(name in new)
            groups.append(own if name in new else [])
        self.optimiser = Optimiser(groups, parts, ranks)

    @torch.no_grad()
    def initialise(self, sample: Mapping[str, Tensor]) -> None:
        """Start new rows at the tokens that fire a concept in the backbones already there.

        A row is the mean of the new backbone's standardised tokens, weighted by the concept's value
        in the others, at the length of least squared error of all rows together; encoders start as
        the rows.

        Args:
            sample: paired raw tokens ``[n, dim]`` per backbone.
        """
        usae = self.usae
        for name in self.new:
            i = usae.names.index(name)
            tokens = usae.standardise(name, sample[name].to(usae.mean(name).device))
            rows = torch.zeros_like(usae.dictionary[i])
            weight = torch.zeros(usae.concepts, device=rows.device)
            for other in self.old:
                code = usae.encode(other, sample[other].to(tokens.device))
                flat, values = code.indices.flatten(), code.values.flatten()
                owner = torch.arange(len(tokens), device=flat.device)
                owner = owner.repeat_interleave(code.indices.shape[1])
                rows.index_add_(0, flat, tokens[owner] * values[:, None])
                weight.index_add_(0, flat, values.square())
            rows /= weight.clamp_min(1e-6)[:, None]
            usae.dictionary[i].copy_(rows)
            norm = rows.square().sum(1, keepdim=True).clamp_min(1e-6)
            usae.weight[i].copy_(rows / norm.sqrt())
            usae.bias[i].zero_()
            # Rows, then encoder, are brought to the length that explains most.
            codes = [usae.encode(other, sample[other].to(rows.device)) for other in self.old]
            made = torch.stack([usae.decode(name, code) for code in codes]).mean(0)
            usae.dictionary[i].mul_(_length(tokens, usae.standardise(name, made)))
            own = usae.translate(name, name, sample[name].to(rows.device))
            usae.weight[i].mul_(_length(tokens, usae.standardise(name, own)))

    def __call__(self, batch: Mapping[str, Tensor], share: float) -> Report:
        """Take a step; see `step.TrainingStep`."""
        usae, parts = self.usae, self.parts
        device = usae.bias[0].device
        tokens = {
            name: Tokens(
                batch[name].to(device, usae.bias[0].dtype), usae.mean(name), float(usae.scale(name))
            )
            for name in usae.names
        }
        own = float(torch.rand((), generator=self.generator)) < OWN
        choices = self.new if own else self.old
        source = choices[int(torch.randint(len(choices), (), generator=self.generator))]
        encoder = Encoder(*usae.encoder(source))
        indices, found = select([encoder], [tokens[source]], usae.k)
        assert found is not None
        known = found[0]
        support = Support(indices, usae.concepts)
        pre_gate = pre_gate_at(*encoder, tokens[source], support, known) if own else known
        values = pre_gate.relu()
        targets = tokens if own else {name: tokens[name] for name in self.new}
        stepping = [source] if own else self.new
        rows = {
            name: usae.rows(name) if name in stepping else usae.rows(name).detach()
            for name in targets
        }
        loss = reconstruction_loss(values, support, rows, targets, l1=parts.loss == "l1")
        losses = {"reconstruction": loss.detach()}
        weight = parts.agreement_weight(share)
        if weight > 0 and not own:
            others = [pre_gate_at(*usae.encoder(name), tokens[name], support) for name in self.new]
            agreement = agreement_loss(values, others, kind=parts.agreement_kind, detached="code")
            losses["agreement"] = agreement.detach()
            loss = loss + weight * agreement
        groups = [usae.names.index(name) for name in stepping]
        loss.backward(inputs=self.optimiser.parameters(groups))  # type: ignore[no-untyped-call]
        rate = self.optimiser.step(groups, share)

        def report() -> dict[str, float]:
            figures = {key: round(float(value), 6) for key, value in losses.items()}
            return {**figures, "learning_rate": rate}

        return report

    def finish(self) -> None:
        """Do nothing: what is trained is what is used."""

    def state(self) -> dict[str, Tensor]:
        """Return the model and the draws."""
        return model_state(self.usae, self.generator)

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, RuntimeError: it is of a training with other settings.
        """
        load_model_state(self.usae, self.generator, tensors)


def _length(target: Tensor, made: Tensor) -> Tensor:
    """Return the factor of `made` of least squared error."""
    return (target * made).sum() / made.square().sum().clamp_min(1e-12)
