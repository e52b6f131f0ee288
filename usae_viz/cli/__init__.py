"""The command line: verbs, each a thin call of one public function.

Nothing here imports more than Python's own ``sys`` until a verb is known: the help of the program
is written from the table below, and only the module of the verb that was asked for is loaded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    app: typer.Typer

COLUMNS = 80
HELP = "What several vision models mean by the same concept."

VERBS = {
    "maximize": (
        "Coordinated activation maximization: what each backbone wants to see for a concept."
    ),
    "train": "Train a universal SAE: extract activations, train, index the concepts, evaluate.",
    "extract": "Write the backbones' activations on every image; a second call fills the gaps.",
    "evaluate": (
        "Measure a run on held-out or other images: R² across backbones, universality, controls."
    ),
    "index": (
        "Index what each concept does over the run's images: statistics, examples, neighbours."
    ),
    "concepts": "List concepts, to pick a number for --concept; keep names and notes of them.",
    "dissect": "Name concepts by masks: which labelled thing does each mark best?",
    "compare": "Compare a run's concepts with independent SAEs, and with single channels.",
    "heatmap": "Where a concept is in images, all backbones side by side.",
    "attribute": (
        "Report on images: which concepts, from which pixels, for which class, and what to doubt."
    ),
    "gallery": (
        "Build the gallery: a front page over all living concepts, and a page for each of some."
    ),
    "import-official": (
        "Make a run of the published USAE checkpoints; nothing in their pickles is executed."
    ),
    "push": ("Share a run on the Hugging Face Hub: weights, recipe, figures, index, and a card."),
    "pull": "Fetch a run that was shared on the Hugging Face Hub.",
    "runs": "List the runs that come with the package: a name for --run.",
    "doctor": "Check the environment, or list the layers of a network that a recipe can read.",
    "recipes": "List, copy and check recipes.",
}
"""What each verb does, as the first line of its own help says it. The verb ``a-b`` is the function
``a_b`` of the module ``usae_viz.cli.a_b``, or the Typer ``app`` of that module."""

OPTIONS = {
    "-h, --help": "Show this and exit; usae-viz VERB --help tells of a verb.",
    "--version": "Print the version.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it.",
}


def main_help() -> str:
    """Return what ``usae-viz --help`` prints."""
    width = max(map(len, [*VERBS, *OPTIONS])) + 2
    lines = ["Usage: usae-viz VERB [OPTIONS] [ARGUMENTS]", "", HELP]
    for title, table in (("Verbs", VERBS), ("Options", OPTIONS)):
        lines += ["", f"{title}:"]
        for name, text in table.items():
            first, *rest = _wrapped(text, COLUMNS - 2 - width)
            lines += [f"  {name:{width}}{first}", *(" " * (2 + width) + line for line in rest)]
    return "\n".join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    # textwrap would be a third of the time that the help takes.
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += " " * bool(lines[-1]) + word
    return lines


def __getattr__(name: str) -> Any:
    """Load the Typer application on first use."""
    if name == "app":
        from usae_viz.cli.program import app

        return app
    raise AttributeError(f"module 'usae_viz.cli' has no attribute {name!r}")


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in (["--help"], ["-h"]):
        try:
            print(main_help(), flush=True)
        except BrokenPipeError:
            # Whoever read it has seen enough: no complaint at the interpreter's end either.
            sys.stdout = None
        return
    from usae_viz.cli.interruption import ending_at_ctrl_c

    with ending_at_ctrl_c():
        from usae_viz.cli.program import app

        app()
