"""The training loop: resumable, repeatable, one JSON line every few steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from demo_training.images import Store
from demo_training.objectives import (
    ImageLabels,
    Masks,
    Objective,
    PlaceContrast,
)
from usae_viz.demo.networks import NETWORKS, Network, create


@dataclass(frozen=True)
class Phase:
    """One way in which a network is trained for a while."""

    objective: Callable[[Network, nn.Module], Objective]
    steps: int
    batch: int
    peak_lr: float
    seed: int
    weight_decay: float = 0.05
    warmup: int = 100


PLANS: dict[str, tuple[Phase, ...]] = {
    "vit": (Phase(partial(Masks, objects=5.0), steps=1500, batch=32, peak_lr=1.5e-3, seed=11),),
    "dla": (
        Phase(PlaceContrast, steps=300, batch=32, peak_lr=2e-3, seed=12),
        Phase(partial(Masks, objects=3.0), steps=1500, batch=32, peak_lr=3e-3, seed=15),
        Phase(ImageLabels, steps=1600, batch=32, peak_lr=3e-3, seed=16),
        Phase(ImageLabels, steps=1400, batch=32, peak_lr=3e-3, seed=17),
    ),
    "resnet": (Phase(ImageLabels, steps=2600, batch=32, peak_lr=4e-3, seed=13),),
    "grey": (Phase(ImageLabels, steps=2600, batch=32, peak_lr=4e-3, seed=14),),
}
"""The phases of each network, in order; each starts from the network that the last one left."""

_LOG_EVERY = 25
_SAVE_EVERY = 100


def train(name: str, store: Store, folder: Path) -> tuple[nn.Module, float]:
    """Train network ``name`` on ``store``; go on from ``folder`` if there are checkpoints.

    Every step draws its batch and its augmentations from a generator seeded with (seed, step), so
    a run that was interrupted takes the same steps as one that was not.

    Returns:
        The trained network in evaluation mode, and seconds of training over all sittings.
    """
    torch.manual_seed(PLANS[name][0].seed)
    model, total = create(NETWORKS[name]), 0.0
    for number, phase in enumerate(PLANS[name]):
        objective = phase.objective(NETWORKS[name], model)
        total += _run(f"{name}-{number}", phase, objective, store, folder)
        model = objective.modules["network"]
    return model.eval(), total


def _optimizer(phase: Phase, modules: nn.Module) -> torch.optim.Optimizer:
    decayed = [p for p in modules.parameters() if p.ndim > 1]
    plain = [p for p in modules.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": phase.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=phase.peak_lr, betas=(0.9, 0.98))


def _run(title: str, phase: Phase, objective: Objective, store: Store, folder: Path) -> float:
    """Take the steps of a phase that its checkpoint has not taken; returns seconds in all."""
    modules = objective.modules.train()
    optimizer = _optimizer(phase, modules)
    checkpoint = folder / f"{title}.pt"
    first, before = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        modules.load_state_dict(saved["modules"])
        optimizer.load_state_dict(saved["optimizer"])
        first, before = saved["step"], saved["seconds"]
    started, running, seconds = time.monotonic(), 0.0, before
    for step in range(first, phase.steps):
        generator = torch.Generator().manual_seed(phase.seed * 1_000_003 + step)
        rows = torch.randint(len(store.images), (phase.batch,), generator=generator)
        rate = _learning_rate(phase, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss = objective.loss(store, rows, generator)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(modules.parameters(), 2.0)
        optimizer.step()
        running += loss.item()
        done = step + 1
        seconds = before + time.monotonic() - started
        if done % _LOG_EVERY == 0:
            facts = {
                "phase": title,
                "step": done,
                "loss": round(running / _LOG_EVERY, 5),
                "lr": round(rate, 7),
                "images_per_s": round((done - first) * phase.batch / (seconds - before), 1),
            }
            print(json.dumps(facts), flush=True)
            running = 0.0
        if done % _SAVE_EVERY == 0 or done == phase.steps:
            state = {"modules": modules.state_dict(), "optimizer": optimizer.state_dict()}
            part = checkpoint.with_suffix(".part")
            torch.save({**state, "step": done, "seconds": seconds}, part)
            part.replace(checkpoint)
    return seconds


def _learning_rate(phase: Phase, step: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < phase.warmup:
        return phase.peak_lr * (step + 1) / phase.warmup
    progress = (step - phase.warmup) / (phase.steps - phase.warmup)
    return phase.peak_lr * 0.5 * (1 + math.cos(math.pi * progress))
