"""Where a concept is in images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usae_viz.attribution import heatmap as draw_heatmaps
from usae_viz.attribution.heatmaps import Style
from usae_viz.run import Run


def heatmap(
    run: Run,
    images: Sequence[Path],
    concept: int,
    *,
    style: Style = "overlay",
    out: Path | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Draw where a concept is in image files; returns paths, arrays' file and peaks."""
    folder = (run.outputs if out is None else out) / "heatmaps" / f"{concept:06d}"
    result = draw_heatmaps(run, images, concept, device=device)
    return {
        "run": str(run.path),
        "concept": concept,
        "name": result.name,
        **result.save(folder, style),
    }
