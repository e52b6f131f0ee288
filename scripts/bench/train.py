"""The training step beside the published loop, overcomplete and its own floor, on random tokens.

Both sides take the same batches and the same draws of backbones. A mode that chooses some supports
by vote is timed over as many steps as hold its share of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import torch
from peers.usae_loop import PublishedLoop
from timing import Row, row_of, seconds
from torch import Tensor

from usae_viz.sae.modes import OURS, PAPER, Ingredients
from usae_viz.sae.revival import MOST, SILENT_AFTER
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.universal import UniversalSAE

CONCEPTS, K = 3072, 32
MSE = replace(OURS, init="independent", agreement=0.0, vote=0.0)
"""Squared error through one backbone's code, every decoder steps: nothing else."""
STRIPPED = replace(MSE, update="drawn", rows="unit", clip=1.0)
"""The objective and the update of the published loop without BatchNorm, L1 and auxiliary loss."""

Timed = dict[str, list[float]]


class OurStep:
    """One of our steps with the draw of backbone and vote given from outside."""

    def __init__(
        self, dims: tuple[int, ...], parts: Ingredients, *, concepts: int = CONCEPTS, k: int = K
    ) -> None:
        self.parts = parts
        usae = UniversalSAE({f"{i}": dim for i, dim in enumerate(dims)}, concepts, k)
        self.step = TrainingStep(usae, parts, seed=0)
        self.step.initialise(None)

    def __call__(
        self, batch: dict[str, Tensor], drawn: int, voted: bool = False, share: float = 0.5
    ) -> None:
        """Take the step when `share` of the budget is spent."""
        self.step.generator.manual_seed(self._seed(len(batch), drawn, voted))
        self.step(batch, share)()

    def average(self, batch: dict[str, Tensor], drawn: int) -> float:
        """Return seconds a step, with the mode's share of votes, over both halves of the budget."""
        share = Fraction(self.parts.vote).limit_denominator(8)
        votes = [True] * share.numerator + [False] * (share.denominator - share.numerator)
        taken = [
            seconds(lambda v=v, s=s: self(batch, drawn, v, s))  # type: ignore[misc]
            for s in ((0.25, 0.75) if self.parts.agreement_schedule == "late" else (0.5,))
            for v in votes
        ]
        return sum(taken) / len(taken)

    def silence(self, concepts: int) -> None:
        """Let as many concepts pass for silent."""
        assert self.step.revival is not None
        self.step.revival.silent[:concepts] = SILENT_AFTER

    def _seed(self, count: int, drawn: int, voted: bool) -> int:
        """Return a seed under which the step draws what is asked for."""
        for seed in range(10_000):
            generator = torch.Generator().manual_seed(seed)
            number = int(torch.randint(count, (), generator=generator))
            vote = float(torch.rand((), generator=generator)) < self.parts.vote
            if (number, vote) == (drawn, voted or self.parts.vote == 1):
                return seed
        raise AssertionError("no seed draws this")


def tokens(dims: tuple[int, ...], n: int) -> dict[str, Tensor]:
    """Return random standardised tokens."""
    generator = torch.Generator().manual_seed(0)
    return {f"{i}": torch.randn(n, dim, generator=generator) for i, dim in enumerate(dims)}


def alternate(works: dict[str, Callable[[int], float]], rounds: int, draws: int) -> Timed:
    """Time all works in every round, in an order that turns round; one warm-up each.

    A round takes each work once with every backbone drawn, since widths differ, and its time is the
    mean of those.
    """
    taken: Timed = {name: [] for name in works}
    for name in works:
        works[name](0)
    for number in range(rounds):
        order = list(works)[:: 1 if number % 2 == 0 else -1]
        cycle: Timed = {name: [] for name in works}
        for drawn in range(draws):
            for name in order:
                cycle[name].append(works[name](drawn))
        for name in order:
            taken[name].append(sum(cycle[name]) / draws)
    return taken


def against_loops(dims: tuple[int, ...], n: int, rounds: int) -> list[Row]:
    """Compare with the published loop, with its defaults and stripped, and with the floor."""
    batch = tokens(dims, n)
    default, paper = OurStep(dims, OURS), OurStep(dims, PAPER)
    mse, stripped = OurStep(dims, MSE), OurStep(dims, STRIPPED)
    published = PublishedLoop(dims, CONCEPTS, K, stripped=False)
    plain = PublishedLoop(dims, CONCEPTS, K, stripped=True)
    weights = [torch.randn(CONCEPTS, dim) for dim in dims]
    product = torch.empty(n, CONCEPTS)

    def forward(drawn: int) -> float:
        x = batch[str(drawn)]
        return seconds(lambda: torch.mm(x, weights[drawn].T, out=product))

    taken = alternate(
        {
            "default": lambda d: default.average(batch, d),
            "paper": lambda d: paper.average(batch, d),
            "mse": lambda d: mse.average(batch, d),
            "stripped": lambda d: stripped.average(batch, d),
            "forward": forward,
            "published": lambda d: seconds(lambda: published(batch, d)),
            "plain": lambda d: seconds(lambda: plain(batch, d)),
        },
        rounds,
        len(dims),
    )
    where = f"dims {'/'.join(map(str, dims))}, {n} tokens"
    return [
        row_of(f"default mode, {where}", "official-defaults", taken["default"], taken["published"]),
        row_of(f"paper mode, {where}", "official-defaults", taken["paper"], taken["published"]),
        row_of(
            f"same objective and update, {where}",
            "official-stripped",
            taken["stripped"],
            taken["plain"],
        ),
        row_of(
            f"squared error, all decoders step, {where}",
            "official-stripped",
            taken["mse"],
            taken["plain"],
        ),
        row_of(
            f"squared error, all decoders step, {where}",
            "encoder-forward",
            taken["mse"],
            taken["forward"],
        ),
    ]


def against_overcomplete(n: int, rounds: int) -> list[Row]:
    """Compare one backbone's SAE with overcomplete's TopKSAE, without and with auxiliary losses."""
    try:
        from peers.overcomplete import step

        theirs = {aux: step(384, CONCEPTS, K, auxiliary=aux) for aux in (False, True)}
    except ImportError:
        print("overcomplete is not installed: its rows are left out", file=sys.stderr)
        return []
    batch = tokens((384,), n)
    ours = OurStep((384,), MSE)
    half = OurStep((384,), replace(MSE, auxiliary=0.1))
    revival = OurStep((384,), replace(MSE, revival=1 / 32))
    x = batch["0"]

    def revived(drawn: int) -> float:
        # As many as it ever looks after at a time: what it costs at most.
        revival.silence(MOST)
        return revival.average(batch, drawn)

    taken = alternate(
        {
            "ours": lambda d: ours.average(batch, d),
            "half": lambda d: half.average(batch, d),
            "revived": revived,
            "theirs": lambda _: seconds(lambda: theirs[False](x)),
            "theirs auxiliary": lambda _: seconds(lambda: theirs[True](x)),
        },
        rounds,
        1,
    )
    where = f"dim 384, {n} tokens"
    return [
        row_of(f"one backbone, {where}", "overcomplete", taken["ours"], taken["theirs"]),
        row_of(
            f"one backbone, both with half the dictionary as auxiliary, {where}",
            "overcomplete",
            taken["half"],
            taken["theirs auxiliary"],
        ),
        row_of(
            f"one backbone, each with its own auxiliary loss (ours: {MOST} silent concepts), "
            f"{where}",
            "overcomplete",
            taken["revived"],
            taken["theirs auxiliary"],
        ),
    ]


def rows(quick: bool) -> list[Row]:
    """Return the table: two sets of widths, batches of 2,048 and (not quick) 8,192 tokens."""
    table = []
    for n in (2048,) if quick else (2048, 8192):
        for dims in ((384, 384, 384), (192, 384, 768)):
            table += against_loops(dims, n, 3)
        table += against_overcomplete(n, 3)
    return table
