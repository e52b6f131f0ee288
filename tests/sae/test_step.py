from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.sae.conftest import FakeStore
from tests.sae.dense import dense_loss
from usae_viz.sae.auxiliary import upper_half
from usae_viz.sae.code import largest
from usae_viz.sae.encoding import Encoder, select
from usae_viz.sae.modes import CROSSCODER, INDEPENDENT, OURS, PAPER, SPARC, Ingredients
from usae_viz.sae.sparse import Support, Tokens, dots, pre_gate_at, totals, transposed
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.universal import UniversalSAE


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("concepts", "k"), [(3072, 32), (1024, 16), (256, 8), (40, 4), (30, 30), (7, 1), (1000, 60)]
)
@pytest.mark.parametrize("shift", [0.0, -9.0])
def test_the_largest_are_the_largest(
    concepts: int, k: int, dtype: torch.dtype, shift: float
) -> None:
    scores = (normal(50, concepts) + shift).to(dtype)
    found = scores.gather(1, largest(scores, k)).sort(1, descending=True).values
    assert torch.equal(found, scores.topk(k, dim=1).values)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_ties_still_give_distinct_concepts(dtype: torch.dtype) -> None:
    scores = torch.zeros(4, 1024, dtype=dtype)
    scores[:, 500] = 1.0
    scores[1] *= -1.0
    found = largest(scores, 16)
    assert all(len(set(row)) == 16 for row in found.tolist())
    assert all(500 in row for row in found[[0, 2, 3]].tolist())
    coarse = normal(40, 1024).mul(4).round().to(dtype)
    kept = coarse.gather(1, largest(coarse, 16)).sort(1, descending=True).values
    assert torch.equal(kept, coarse.topk(16, dim=1).values)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_nan_and_infinity_leave_the_other_rows_alone(dtype: torch.dtype) -> None:
    scores = normal(4, 1024).to(dtype)
    scores[2, 7] = float("nan")
    scores[3, 9], scores[3, 8] = float("inf"), -float("inf")
    found = largest(scores, 16)
    assert all(len(set(row)) == 16 for row in found.tolist())
    for row in (0, 1, 3):
        kept = scores[row, found[row]].sort(descending=True).values
        assert torch.equal(kept, scores[row].topk(16).values)


@pytest.fixture
def support() -> Support:
    return Support(normal(40, 24, seed=3).topk(5, dim=1).indices, 24)


def test_sparse_products_equal_dense_ones(support: Support) -> None:
    values, rows, tokens = normal(40, 5), normal(24, 6), normal(40, 6, seed=1)
    dense = torch.zeros(40, 24, dtype=torch.float64).scatter(1, support.indices, values)
    torch.testing.assert_close(transposed(support, values, tokens), dense.T @ tokens)
    torch.testing.assert_close(totals(support, values), dense.sum(0))
    expected = (tokens @ rows.T).gather(1, support.indices)
    torch.testing.assert_close(dots(tokens, rows, support), expected)
    torch.testing.assert_close(dots(tokens[10:30], rows, support, 10), expected[10:30])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_dots_equal_dense_ones_in_every_type(support: Support, dtype: torch.dtype) -> None:
    tokens, rows = normal(40, 6).to(dtype), normal(24, 6, seed=1).to(dtype)
    expected = (tokens.double() @ rows.double().T).gather(1, support.indices)
    found = dots(tokens, rows, support)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected.to(dtype))
    assert dots(tokens[:0], rows, support).shape == (0, 5)


def test_gradients_of_the_kept_pre_gate_activations(support: Support) -> None:
    weight, bias = normal(24, 6).requires_grad_(), normal(24, seed=7).requires_grad_()
    tokens = Tokens(normal(40, 6, seed=2) * 3 + 1, normal(6), 3.0)
    assert torch.autograd.gradcheck(
        lambda w, b: pre_gate_at(w, b, tokens, support), (weight, bias), fast_mode=True
    )


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.3, 5.0])
def test_the_upper_half_of_what_was_not_kept(shift: float) -> None:
    pre = normal(30, 20) + shift
    kept = pre.topk(3, dim=1).indices
    rest = pre.relu().scatter(1, kept, 0.0)
    best = rest.topk(10, dim=1)
    expected = torch.zeros_like(rest).scatter(1, best.indices, best.values)
    assert torch.equal(upper_half(pre.clone(), kept), expected)


def variant(base: Ingredients, **changes: Any) -> Ingredients:
    return dataclasses.replace(base, **changes)


@pytest.mark.parametrize(
    "parts",
    [
        variant(OURS, vote=0.0),
        variant(OURS, vote=1.0),
        variant(OURS, vote=1.0, shortlist=1),
        variant(OURS, vote=1.0, shortlist=0, voted_values="drawn"),
        variant(OURS, vote=1.0, agreement=0.0, rows="unit", loss="l1"),
        variant(OURS, vote=1.0, shortlist=0),
        variant(OURS, vote=1.0, agreement=0.3, agreement_kind="squared"),
        variant(OURS, vote=0.0, agreement=0.3, agreement_detached="code"),
        variant(OURS, vote=0.0, agreement=0.3, agreement_detached="others"),
        variant(OURS, encoder="batchnorm", vote=0.0, agreement=0.0),
        PAPER,
        CROSSCODER,
        SPARC,
        INDEPENDENT,
    ],
    ids=[
        "default",
        "voted",
        "voted from the drawn backbone's own",
        "voted from all, drawn values",
        "unit rows, L1",
        "voted from all",
        "squared agreement",
        "detached code",
        "detached others",
        "batchnorm",
        "paper",
        "crosscoder",
        "sparc",
        "independent",
    ],
)
def test_loss_and_gradients_equal_a_dense_reference(parts: Ingredients) -> None:
    parts = variant(parts, clip=None, weight_decay=0.0)
    usae = UniversalSAE({"one": 10, "two": 16}, 64, 4).double()
    for name in usae.names:
        usae.set_standardisation(name, normal(usae.dims[name]), 2.5)
    step = TrainingStep(usae, parts, seed=0)
    step.initialise(None)
    if step.norms is not None:
        step.norms.double()
        for norm in step.norms:
            torch.nn.init.normal_(norm.weight)
            torch.nn.init.normal_(norm.bias)
    for bias in usae.bias:
        torch.nn.init.normal_(bias)
    batch = {name: rows.double() for name, rows in FakeStore().sample(64, seed=0).items()}
    twin, norms = copy.deepcopy(usae), copy.deepcopy(step.norms)
    draws = torch.Generator()
    draws.set_state(step.generator.get_state())
    drawn = int(torch.randint(2, (), generator=draws))
    voted = float(torch.rand((), generator=draws)) < parts.vote
    expected = dense_loss(twin, norms, parts, batch, drawn, voted)
    expected.backward()
    captured: list[Tensor] = []

    def capture(loss: Tensor, number: int, share: float) -> float:
        assert (number, share) == (drawn, 0.5)
        captured.append(loss.detach().clone())
        loss.backward()
        return 0.0

    step._update = capture  # type: ignore[method-assign]
    step(batch, 0.5)
    torch.testing.assert_close(captured[0], expected.detach(), rtol=1e-13, atol=0)
    compared = 0
    ours = [*usae.named_parameters(), *(step.norms.named_parameters() if step.norms else ())]
    dense = [*twin.named_parameters(), *(norms.named_parameters() if norms else ())]
    for (key, own), (_, plain) in zip(ours, dense, strict=True):
        frozen = parts.update == "drawn" and not key.startswith(f"{drawn}.")
        if frozen and not key.endswith(f".{drawn}"):
            assert own.grad is None  # thrown away as published, so not made here
        elif plain.grad is not None and plain.grad.abs().max() > 1e-12:
            assert own.grad is not None, key
            torch.testing.assert_close(own.grad, plain.grad, rtol=0, atol=1e-13)
            compared += 1
    assert compared >= 3
    if step.norms is not None and norms is not None:
        for key, value in norms.state_dict().items():
            torch.testing.assert_close(step.norms.state_dict()[key], value)


def test_the_agreement_loss_follows_its_schedule() -> None:
    weights = {
        schedule: [
            variant(OURS, agreement=2.0, agreement_schedule=schedule).agreement_weight(s)
            for s in (0.0, 0.25, 0.5, 0.75)
        ]
        for schedule in ("constant", "falling", "late")
    }
    assert weights == {
        "constant": [2.0, 2.0, 2.0, 2.0],
        "falling": [2.0, 1.5, 1.0, 0.5],
        "late": [0.0, 0.0, 2.0, 2.0],
    }


@pytest.mark.parametrize(("together", "shortlist"), [(1, 0), (3, 0), (3, 32)])
def test_screening_in_bfloat16_chooses_what_full_precision_does(
    together: int, shortlist: int
) -> None:
    dims = (24, 40, 64)[:together]
    tokens = [Tokens(normal(300, d, seed=d).float(), torch.zeros(d), 1.0) for d in dims]
    encoders = [
        Encoder(normal(512, d, seed=d + 1).float() / d**0.5, normal(512).float() / 9) for d in dims
    ]
    exact, screened = (
        select(encoders, tokens, 16, screen=s, shortlist=shortlist) for s in (False, True)
    )
    kept = [torch.zeros(300, 512).scatter(1, found.indices, 1.0) for found in (exact, screened)]
    missed = 16 - (kept[0] * kept[1]).sum(1)
    # A shortlist's edge is where bfloat16 has it: at most one concept stands on its other side.
    assert missed.max() <= bool(shortlist)
    assert missed.mean() < 0.01 * 16
    assert screened.known is not None
    pairs = zip(encoders, tokens, screened.known, strict=True)
    for encoder, own, known in pairs:
        pre = own.raw @ encoder.weight.T + encoder.bias
        torch.testing.assert_close(known, pre.gather(1, screened.indices), rtol=1e-4, atol=1e-5)


def test_the_published_auxiliary_loss_in_bfloat16_points_the_same_way() -> None:
    gradients = {}
    for precision in (torch.float32, torch.bfloat16):
        usae = UniversalSAE({"one": 10, "two": 16}, 64, 4)
        step = TrainingStep(usae, variant(PAPER, auxiliary=1.0), seed=0, precision="float32")
        step.precision = precision
        step.initialise(None)
        step._update = lambda loss, *_: loss.backward() or 0.0  # type: ignore[method-assign]
        report = step(FakeStore().sample(256, seed=0), 0.5)()
        grown = [p.grad.flatten() for p in usae.parameters() if p.grad is not None]
        gradients[precision] = (report["auxiliary"], torch.cat(grown))
    (loss, exact), (rounded_loss, rounded) = gradients.values()
    assert rounded_loss == pytest.approx(loss, rel=0.01)
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.995
