"""One base error; every message says what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsaeVizError(Exception):
    """Base of every error that `usae_viz` raises on purpose.

    Args:
        problem: one sentence saying what is wrong.
        expected: what would have been right.
        got: what came instead.
        hint: what to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem, self.expected, self.got, self.hint = problem, expected, got, hint
        lines = [problem]
        if expected is not None:
            lines.append(f"  expected: {expected}")
        if got is not None:
            lines.append(f"  got:      {got}")
        if hint is not None:
            lines.append(f"  to do:    {hint}")
        super().__init__("\n".join(lines))


class RecipeError(UsaeVizError):
    """A recipe cannot be read or does not validate."""


class RunError(UsaeVizError):
    """A run directory is missing, incomplete, locked, or of another format."""


class BusyError(RunError):
    """Another process is writing there."""


class WriteError(RunError):
    """A file cannot be written: the disk is full, or the folder is not ours."""


class ImageSourceError(UsaeVizError):
    """An image source cannot be opened or holds no usable image."""


class BackboneError(UsaeVizError):
    """A backbone, its weights or its layer cannot be loaded."""


class StoreError(UsaeVizError):
    """An activation store is missing, truncated, or was made under another preprocessing."""


class CheckpointError(UsaeVizError):
    """A USAE checkpoint is missing, truncated, or does not match its configuration."""


class TrainingError(UsaeVizError):
    """A training cannot go on: a batch or a gradient is not finite."""


class ConceptError(UsaeVizError):
    """A concept does not exist, is dead, or a selection of concepts cannot be read."""


class HubError(UsaeVizError):
    """The Hugging Face Hub does not answer or refuses, or a repository holds no run."""


class UsageError(UsaeVizError):
    """An argument lies outside what a function accepts."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return ``"did you mean 'x'?"`` for the closest of `known`, or None if none is close."""
    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {matches[0]!r}?" if matches else None
