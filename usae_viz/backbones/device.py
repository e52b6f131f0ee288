"""The device that networks run on."""

from __future__ import annotations

import torch

from usae_viz.errors import UsageError


def open_device(device: str) -> torch.device:
    """Return the device of this name.

    Raises:
        UsageError: there is none, or torch cannot use it here.
    """
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"device {device!r} cannot be used", expected="cpu, cuda, mps …", got=str(error)[:200]
        ) from None
    return place
