"""The verb index."""

from __future__ import annotations

from usae_viz.cli.terminal import (
    DeviceOption,
    JsonOption,
    RunOption,
    ThreadsOption,
    chosen_run,
    print_json,
    progress_bar,
    use_threads,
    verb,
)
from usae_viz.errors import UsageError


@verb
def index(
    run: RunOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Index what each concept does over the run's images: statistics and natural examples."""
    opened = chosen_run(run)
    if opened.outputs != opened.path:
        raise UsageError("a bundled run is indexed already", expected="--run RUN")
    use_threads(threads)
    from usae_viz import workflow

    with progress_bar() as progress:
        made = workflow.index(opened, device=device, progress=progress)
    table = {"run": str(opened.path), "images": made.images, "dead": int(made.dead.sum())}
    if as_json:
        print_json(table)
    else:
        print(f"{made.concepts} concepts over {made.images} images, {int(made.dead.sum())} dead")
