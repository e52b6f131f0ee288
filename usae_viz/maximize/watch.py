"""Watching over pictures on their way: what is done, what went wrong, and where."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from usae_viz.errors import UsaeVizError

WINDOW = 32
"""Steps over which early stopping averages."""
EVERY = 16
"""Steps between looks at what was noted: a look waits for the device."""
FLAT = 16
"""Steps without any gradient after which a picture counts as stuck."""

Fault = Callable[[str, str, int, int], UsaeVizError]
"""Makes the error for a kind (``nan`` or ``flat``), a backbone, a picture and a step."""


class Watch:
    """Notes on n pictures, kept on their device.

    Args:
        tolerance: see `MaximizeSettings.early_stop`.
        n: number of pictures.
        device: where the notes are kept.
    """

    def __init__(self, tolerance: float, n: int, device: torch.device) -> None:
        self.tolerance = tolerance
        self.finished = torch.zeros(n, dtype=torch.bool)
        self.just_finished = self.finished.clone()
        self.steps = torch.zeros(n, dtype=torch.long)
        self._device = device
        self._nan: dict[str, Tensor] = {}
        self._flat: dict[str, Tensor] = {}
        self._sum = torch.zeros(n, device=device)
        self._before = torch.full((n,), -torch.inf, device=device)

    @property
    def all_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.finished.all())

    def see(self, step: int, name: str, pictures: Tensor, nan: Tensor, flat: Tensor) -> None:
        """Note which of a backbone's pictures are not-a-number or without gradient."""
        n = len(self.finished)
        first = self._nan.setdefault(name, torch.full((n,), -1, device=self._device))
        first[pictures] = torch.where(nan & (first[pictures] < 0), step, first[pictures])
        count = self._flat.setdefault(name, torch.zeros(n, dtype=torch.long, device=self._device))
        count[pictures] = torch.where(flat, count[pictures] + 1, 0)

    def gain(self, step: int, gained: Tensor) -> None:
        """Note what the objective was worth in this step."""
        del step
        self._sum += gained

    def check(self, step: int, *, last: bool, fault: Fault) -> bool:
        """Look at the notes; returns whether pictures have just been finished.

        Raises:
            UsaeVizError: what `fault` makes, of the earliest fault.
        """
        self.steps[~self.finished] = step + 1
        if last or (step + 1) % EVERY == 0:
            self._raise(step, fault)
        if not self.tolerance or (step + 1) % WINDOW:
            return False
        mean = self._sum / WINDOW
        still = (mean - self._before < self.tolerance).cpu()
        self._before, self._sum = mean, torch.zeros_like(self._sum)
        self.just_finished = still & ~self.finished
        self.finished |= still
        return bool(self.just_finished.any())

    def _raise(self, step: int, fault: Fault) -> None:
        for name, first in self._nan.items():
            wrong = first.cpu()
            if (wrong >= 0).any():
                earliest = int(wrong[wrong >= 0].min())
                picture = int(torch.nonzero(wrong == earliest)[0])
                raise fault("nan", name, picture, earliest)
        for name, count in self._flat.items():
            stuck = torch.nonzero(count.cpu() >= min(FLAT, step + 1))
            if len(stuck):
                raise fault("flat", name, int(stuck[0]), step)
