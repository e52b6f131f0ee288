"""Run by torchrun from `test_torchrun`: several verbs in one go, since each start costs seconds."""

from __future__ import annotations

import sys

from usae_viz.cli import main


def call(*words: str) -> None:
    """Call a verb as the command line does."""
    sys.argv[1:] = words
    main()


if __name__ == "__main__":
    recipe, run, whole, *maximize = sys.argv[1:]
    sets = ["--set", "training.batch_tokens=66", "--threads", "1"]
    for words in (
        ["extract", recipe, *sets, "--out", run],
        ["train", recipe, *sets, "--out", run],
        ["maximize", "--run", whole, *maximize, "--out", f"{run}/../maximized", "--threads", "1"],
    ):
        try:
            call(*words)
        except SystemExit as end:
            if end.code:
                raise
