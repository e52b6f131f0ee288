"""The training's log as TensorBoard event files, beside ``training.jsonl``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from usae_viz.errors import UsageError

NOT_SCALARS = {"step", "validation", "skipped"}


def require_tensorboard() -> None:
    """Check that TensorBoard is installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec("tensorboard") is None:
        raise UsageError(
            "training.tensorboard is on, and TensorBoard is not installed",
            hint="pip install 'usae-viz[tensorboard]'",
        )


class Board:
    """Writes lines of the log as scalars.

    Args:
        folder: where the event files go.
        names: of the backbones, for the R² of each pair.
        done: steps taken before; what another training wrote of later ones is no longer shown.

    Raises:
        UsageError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, names: Sequence[str], done: int) -> None:
        require_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        self.names = tuple(names)
        self._writer = SummaryWriter(str(folder), purge_step=done + 1)

    def write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write lines of ``training.jsonl``, and have them on the disk."""
        for line in lines:
            for name, value in self._scalars(line):
                self._writer.add_scalar(name, value, line["step"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _scalars(self, line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        for key, value in line.items():
            if key not in NOT_SCALARS:
                plain = key in ("seconds", "learning_rate")
                yield key if plain else f"loss/{key}", value
        looked = line.get("validation")
        if looked is None:
            return
        for key in ("score", "dead", "cofire", "correlation"):
            yield f"held-out/{key}", looked[key]
        for source, row in zip(self.names, looked["r2"], strict=True):
            for target, value in zip(self.names, row, strict=True):
                yield f"held-out R2/{source} to {target}", value
