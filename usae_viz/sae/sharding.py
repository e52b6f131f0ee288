"""A dictionary too large for one device: every process holds some of the concepts.

All processes read the whole batch. Each encodes it to its own concepts and keeps its k largest; the
k·R candidates are gathered, and the k largest of them are the code. Each process decodes its part
of it, and the parts are summed. Gradients stay where their parameters are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.sae.archetypes import Archetypes
from usae_viz.sae.code import SparseCode, weighted_rows
from usae_viz.sae.encoding import Encoder, select
from usae_viz.sae.log import Report
from usae_viz.sae.modes import Ingredients
from usae_viz.sae.optimiser import Optimiser
from usae_viz.sae.ranks import Ranks
from usae_viz.sae.rows import normalise_rows
from usae_viz.sae.sparse import Support, Tokens, pre_gate_at
from usae_viz.sae.state import load_model_state, model_state
from usae_viz.sae.universal import UniversalSAE


class WholeBatch(Ranks):
    """Ranks that hold parts of the model: each takes the whole batch and keeps its gradients."""

    def share_of(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the whole batch."""
        return dict(batch)


class _Sum(torch.autograd.Function):
    """The sum over ranks of something each has a part of.

    What follows is the same on every rank, so the gradient of a part is that of the sum.
    """

    @staticmethod
    def forward(ctx: Any, part: Tensor, group: Any) -> Tensor:
        del ctx
        total = part.clone()
        distributed.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        del ctx
        return gradient, None


def shard_bounds(concepts: int, number: int, count: int) -> tuple[int, int]:
    """Return the first concept of a rank and the first of the next one."""
    return concepts * number // count, concepts * (number + 1) // count


class ShardedStep:
    """One optimiser step on this rank's concepts; a `trainer.Step`, equal to that of one process.

    Args:
        usae: this rank's concepts of the model (`shard_bounds`); its standardisation is set.
        concepts: of the whole model.
        parts: the ingredients; see `refuse`.
        seed: of the draws and the first rows.
        ranks: this process among those that share the model.
    """

    norms: nn.ModuleList | None = None
    archetypes: Archetypes | None = None

    def __init__(
        self, usae: UniversalSAE, concepts: int, parts: Ingredients, *, seed: int, ranks: Ranks
    ) -> None:
        refuse(parts)
        self.usae, self.concepts, self.parts, self.ranks = usae, concepts, parts, ranks
        device = usae.bias[0].device
        self.mesh: DeviceMesh = init_device_mesh(
            device.type, (ranks.count,), mesh_dim_names=("concepts",)
        )
        self.group = self.mesh.get_group("concepts")
        self.bounds = shard_bounds(concepts, ranks.number, ranks.count)
        self.generator = torch.Generator().manual_seed(seed)
        self.optimiser = Optimiser(
            [
                [usae.weight[i], usae.bias[i], usae.dictionary[i]]
                for i in range(len(usae.names))
            ],
            parts,
        )  # fmt: skip

    @torch.no_grad()
    def initialise(self, sample: Mapping[str, Tensor] | None) -> None:
        """Set the first rows, as `step.TrainingStep.initialise` sets those of a whole model."""
        usae, (start, stop) = self.usae, self.bounds
        device = usae.bias[0].device
        for i, name in enumerate(usae.names):
            rows = torch.randn(self.concepts, usae.dims[name], generator=self.generator)
            if sample is not None:
                count = min(len(sample[name]), self.concepts)
                rows[:count] = usae.standardise(name, sample[name][:count].to(device)).cpu()
            usae.dictionary[i].copy_(F.normalize(rows[start:stop], dim=1))
            usae.weight[i].copy_(usae.dictionary[i])
            usae.bias[i].zero_()
        normalise_rows(self.usae.dictionary, self.parts.rows)
        for i, name in enumerate(usae.names if sample is not None else ()):
            assert sample is not None
            tokens = {name: self._tokens(name, sample[name])}
            values, support, _ = self._code(name, tokens, [name])
            made = self._decode(values, support, usae.dictionary[i])
            target = usae.standardise(name, sample[name].to(device))
            usae.weight[i].mul_((target * made).sum() / made.square().sum().clamp_min(1e-12))

    def __call__(self, batch: Mapping[str, Tensor], share: float) -> Report:
        """Take a step on a whole batch; see `step.TrainingStep`."""
        usae, parts = self.usae, self.parts
        tokens = {name: self._tokens(name, batch[name]) for name in usae.names}
        drawn = int(torch.randint(len(usae.names), (), generator=self.generator))
        voted = float(torch.rand((), generator=self.generator)) < parts.vote
        name = usae.names[drawn]
        choosing = usae.names if voted else (name,)
        values, support, kept_here = self._code(name, tokens, choosing)
        loss = values.new_zeros(())
        for i, target in enumerate(usae.names):
            rows = usae.dictionary[i]
            if parts.update != "all" and i != drawn:
                rows = rows.detach()
            if parts.rows == "unit":
                rows = F.normalize(rows, dim=1)
            error = tokens[target].rows(0, len(values)) - self._decode(values, support, rows)
            loss = loss + (error.abs().mean() if parts.loss == "l1" else error.square().mean())
        losses = {"reconstruction": loss.detach()}
        weight = parts.agreement_weight(share)
        if weight > 0:
            agreement = values.new_zeros(())
            kept = values.detach() if parts.agreement_detached == "code" else values
            for other in usae.names:
                if other != name:
                    found = pre_gate_at(*usae.encoder(other), tokens[other], support)
                    found = found * kept_here
                    if parts.agreement_detached == "others":
                        found = found.detach()
                    agreement = agreement + (1 - self._cosine(found, kept)).mean()
            losses["agreement"] = agreement.detach()
            loss = loss + weight * agreement
        stepping = range(len(usae.names)) if parts.update == "all" else [drawn]
        loss.backward(inputs=self.optimiser.parameters(stepping))  # type: ignore[no-untyped-call]
        rate = self.optimiser.step(stepping, share)
        if parts.rows == "joint":
            normalise_rows(self.usae.dictionary, self.parts.rows)

        def report() -> dict[str, float]:
            figures = {key: round(float(value), 6) for key, value in losses.items()}
            return {**figures, "learning_rate": rate}

        return report

    def _tokens(self, name: str, raw: Tensor) -> Tokens:
        usae = self.usae
        raw = raw.to(usae.bias[0].device, usae.bias[0].dtype)
        return Tokens(raw, usae.mean(name), float(usae.scale(name)))

    def _code(
        self, name: str, tokens: Mapping[str, Tokens], choosing: Sequence[str]
    ) -> tuple[Tensor, Support, Tensor]:
        """Return this rank's candidates: values, 0 where not kept; concepts; which are kept."""
        usae, parts = self.usae, self.parts
        encoders = {other: Encoder(*usae.encoder(other)) for other in choosing}
        with torch.no_grad():
            if len(choosing) > 1 and parts.shortlist:
                indices, found = self._voted(name, tokens, encoders, parts.shortlist * usae.k)
            else:
                read = [tokens[other] for other in choosing]
                indices, known = select(list(encoders.values()), read, min(usae.k, usae.concepts))
                found = known or self._at(encoders, tokens, indices)
            kept = self._foremost(torch.stack(found).sum(0), usae.k)
        support = Support(indices, usae.concepts)
        averaged = len(encoders) > 1 and parts.voted_values == "mean"
        values = torch.stack(
            [
                pre_gate_at(*encoder, tokens[other], support, own)
                for (other, encoder), own in zip(encoders.items(), found, strict=True)
                if averaged or other == name
            ]
        ).mean(0)
        return values.relu() * kept, support, kept

    def _voted(
        self,
        name: str,
        tokens: Mapping[str, Tokens],
        encoders: Mapping[str, Encoder],
        shortlist: int,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return this rank's candidates of a vote between the drawn backbone's strongest concepts.

        With them the pre-gate activations of each encoder, -inf for those not on the shortlist.
        """
        usae = self.usae
        width = min(shortlist, usae.concepts)
        indices, known = select([encoders[name]], [tokens[name]], width)
        assert known is not None
        listed = self._foremost(known[0], shortlist)
        found = [own.where(listed, -torch.inf) for own in self._at(encoders, tokens, indices)]
        best = torch.stack(found).sum(0).topk(min(usae.k, usae.concepts), dim=1).indices
        return indices.gather(1, best), [own.gather(1, best) for own in found]

    def _at(
        self, encoders: Mapping[str, Encoder], tokens: Mapping[str, Tokens], indices: Tensor
    ) -> list[Tensor]:
        support = Support(indices, self.usae.concepts)
        return [pre_gate_at(*own, tokens[other], support) for other, own in encoders.items()]

    def _foremost(self, scores: Tensor, count: int) -> Tensor:
        """Return which of this rank's scores ``[n, m]`` are among the `count` largest of all's."""
        # Ranks may hold fewer concepts than are wanted, and not all as many.
        n, m = scores.shape
        padded = scores.new_full((n, count), -torch.inf)
        padded[:, :m] = scores
        gathered = [torch.empty_like(padded) for _ in range(self.ranks.count)]
        distributed.all_gather(gathered, padded, group=self.group)
        best = torch.cat(gathered, 1).topk(count, dim=1).indices
        chosen = torch.zeros(n, self.ranks.count * count, dtype=torch.bool, device=scores.device)
        chosen.scatter_(1, best, True)
        first = self.ranks.number * count
        return chosen[:, first : first + m]

    def _decode(self, values: Tensor, support: Support, rows: Tensor) -> Tensor:
        part = weighted_rows(SparseCode(values, support.indices), rows)
        total: Tensor = _Sum.apply(part, self.group)
        return total

    def _cosine(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the cosine over all ranks' concepts, as ``F.cosine_similarity`` has it."""
        sums = torch.stack([(one * other).sum(1), one.square().sum(1), other.square().sum(1)])
        total: Tensor = _Sum.apply(sums, self.group)
        dot, a, b = total
        norm = a.clamp_min(1e-16).sqrt() * b.clamp_min(1e-16).sqrt()
        return torch.div(dot, norm)

    def finish(self) -> None:
        """Bring rows to the length that they are used at."""
        normalise_rows(self.usae.dictionary, self.parts.rows)

    def gather(self, usae: UniversalSAE) -> UniversalSAE:
        """Return the whole of a model of which each rank has its concepts, on every rank's host."""
        states: list[dict[str, Tensor]] = [{} for _ in range(self.ranks.count)]
        own = {key: value.detach().cpu() for key, value in usae.state_dict().items()}
        distributed.all_gather_object(states, own, group=self.group)
        whole = UniversalSAE(usae.dims, self.concepts, usae.k, usae.tau, encoding=usae.encoding)
        whole.load_state_dict(
            {
                key: torch.cat([state[key] for state in states])
                if key.startswith(("weight.", "bias.", "dictionary."))
                else value
                for key, value in own.items()
            }
        )
        return whole

    def state(self) -> dict[str, Tensor]:
        """Return this rank's part of the model, and the draws."""
        return model_state(self.usae, self.generator)

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError, RuntimeError: it is of a training with other settings.
        """
        load_model_state(self.usae, self.generator, tensors)


def refuse(parts: Ingredients) -> None:
    """Check that a training can be sharded along the concepts.

    Raises:
        UsageError: an ingredient looks at all concepts at once.
    """
    wrong = [
        name
        for name, used in (
            ("BatchNorm encoders", parts.encoder != "linear"),
            ("the auxiliary loss", parts.auxiliary > 0),
            ("clipping", parts.clip is not None),
            ("values summed over the backbones", parts.voted_values == "sum"),
            ("codes that decode to one backbone", parts.decoded != "all"),
            ("the squared agreement loss", parts.agreement_kind != "cosine"),
        )
        if used
    ]
    if wrong:
        raise UsageError(
            f"a training with {wrong[0]} cannot be sharded along the concepts",
            hint='train with training.parallel = "data", or in the default mode',
        )
