"""One concept on any image files: the heatmaps of all backbones side by side, on one scale each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from usae_viz.attribution.maps import concept_maps
from usae_viz.attribution.opening import open_image
from usae_viz.backbones import load_run_backbones
from usae_viz.backbones.device import open_device
from usae_viz.concepts import concept_names, load_index
from usae_viz.errors import UsageError, did_you_mean
from usae_viz.render import Tile, outline, over_ground, overlay, sheet, to_picture
from usae_viz.render.picture import png
from usae_viz.run import Run, write_bytes
from usae_viz.sae import load_usae

Floats = NDArray[np.float32]
Style = Literal["overlay", "transparent", "contour"]

CONTOUR = 0.25
"""Share of the scale at which a contour is drawn."""


@dataclass(frozen=True)
class Heatmaps:
    """A concept over some images; displays itself as a sheet in a notebook.

    Attributes:
        concept: index of the code.
        names: backbones, in the run's order.
        files: the images' names, in the order of every array.
        canvases: ``[images, canvas, canvas, 3]`` uint8 sRGB, the pixels every backbone saw.
        gated: per backbone ``[images, grid, grid]``, values of the code (at least 0).
        pre_gate: per backbone the same before the gate, any sign.
        scale: per backbone the largest value of the concept over the indexed images: the top of the
            one scale that all its heatmaps are drawn on.
        name: what the concept is called; empty if it has no name.
    """

    concept: int
    names: tuple[str, ...]
    files: tuple[str, ...]
    canvases: NDArray[np.uint8] = field(repr=False)
    gated: dict[str, Floats] = field(repr=False)
    pre_gate: dict[str, Floats] = field(repr=False)
    scale: dict[str, float]
    name: str = ""

    def panel(
        self, number: int, name: str, style: Style = "overlay", opacity: float = 0.75
    ) -> Image.Image:
        """Draw the heat of one image and backbone, on the backbone's scale from 0 to `scale`.

        Args:
            number: of the image.
            name: of the backbone.
            style: ``overlay``: inferno over the image; ``transparent``: the image itself, faded
                into neutral grey where the heat is low; ``contour``: the image with a line around
                where the heat reaches `CONTOUR` of the scale.
            opacity: of the brightest heat of an overlay, 0 … 1.

        Raises:
            UsageError: another style.
        """
        canvas, heat = to_picture(self.canvases[number]), self.gated[name][number]
        top = self.scale[name] or 1.0
        if style == "overlay":
            return overlay(canvas, heat, vmax=top, opacity=opacity)
        if style == "transparent":
            return over_ground(canvas, (heat / top).clip(0, 1))
        if style == "contour":
            return outline(canvas, heat, level=CONTOUR * top)
        raise UsageError(
            f"heat cannot be drawn as {style!r}",
            expected="overlay, transparent or contour",
            hint=did_you_mean(style, ("overlay", "transparent", "contour")),
        )

    def sheet(
        self, side: int = 224, opacity: float = 0.75, style: Style = "overlay"
    ) -> Image.Image:
        """Draw a row per image: the image, then the heat of each backbone with its peak.

        Each backbone has one scale, from 0 to its `scale`, whatever the image; see `panel`.
        """
        tiles = []
        for number, file in enumerate(self.files):
            canvas = to_picture(self.canvases[number])
            tiles.append(Tile(canvas, file))
            for name in self.names:
                heat, top = self.gated[name][number], self.scale[name]
                share = f"peak {heat.max():.2f} ({heat.max() / top:.0%})" if top else "never fires"
                tiles.append(Tile(self.panel(number, name, style, opacity), share))
        return sheet(
            tiles,
            1 + len(self.names),
            side=side,
            headings=["image", *self.names],
            title=f"Concept {self.concept}" + (f": {self.name}" if self.name else ""),
            note=(f"Line at {CONTOUR:.0%} of the scale. " if style == "contour" else "")
            + "Heat from 0 to the largest value over the indexed images (100%): "
            + ", ".join(f"{name} {self.scale[name]:.2f}" for name in self.names),
        )

    def save(self, folder: str | Path, style: Style = "overlay") -> dict[str, Any]:
        """Write the sheet, each panel and the arrays into a folder, made if it is not there.

        The arrays (``maps.npz``) are ``files``, ``backbones``, ``scale``, and per backbone
        ``gated/NAME`` and ``pre_gate/NAME``.

        Returns:
            What was written, as plain JSON values: ``sheet`` and ``arrays`` (paths), ``scale`` per
            backbone, and ``images``, each with ``image``, per backbone the ``peak`` and the
            ``position`` of its token (row, column), and the path of its ``panel``.
        """
        sheet_file, arrays_file = Path(folder) / "sheet.png", Path(folder) / "maps.npz"
        arrays = {f"gated/{name}": self.gated[name] for name in self.names}
        arrays |= {f"pre_gate/{name}": self.pre_gate[name] for name in self.names}
        data = io.BytesIO()
        np.savez_compressed(
            data,
            allow_pickle=False,
            files=np.array(self.files),
            backbones=np.array(self.names),
            scale=np.array([self.scale[name] for name in self.names], np.float32),
            **arrays,
        )
        write_bytes(sheet_file, png(self.sheet(style=style)))
        write_bytes(arrays_file, data.getvalue())
        images = []
        for number, file in enumerate(self.files):
            entry: dict[str, Any] = {"image": file, "peak": {}, "position": {}, "panel": {}}
            for name in self.names:
                heat = self.gated[name][number]
                # Numbered, since two files may be called alike.
                panel = Path(folder) / f"{number:03d}.{name}.png"
                write_bytes(panel, png(self.panel(number, name, style)))
                row, column = divmod(int(heat.argmax()), heat.shape[1])
                entry["peak"][name] = float(heat.max())
                entry["position"][name] = [row, column]
                entry["panel"][name] = str(panel)
            images.append(entry)
        return {
            "sheet": str(sheet_file),
            "arrays": str(arrays_file),
            "scale": self.scale,
            "images": images,
        }

    def _repr_png_(self) -> bytes:
        return png(self.sheet())


def heatmap(
    run: Run,
    images: Sequence[str | Path],
    concept: int,
    *,
    backbones: Sequence[str] | None = None,
    batch_size: int = 16,
    device: str | torch.device = "cpu",
) -> Heatmaps:
    """Show where a concept is in image files, for every backbone.

    Each file is brought to the run's canvas by the recipe's crop, as in training, and every
    backbone reads that same canvas.

    Args:
        run: an indexed run.
        images: image files.
        concept: index of the code; it must be alive.
        backbones: names, in any order; all by default.
        batch_size: images at once.
        device: where the networks run.

    Raises:
        ConceptError: the concept does not exist or is dead.
        ImageSourceError: a file is missing or is no readable image.
        RunError: the run is not indexed or has no such backbone.
        UsageError: no image is given, or there is no such device.
    """
    if not images:
        raise UsageError("no image is given", hint="name at least one image file")
    index = load_index(run)
    index.require(concept)
    for name in backbones or ():
        run.record(name)
    spec = run.recipe().images
    canvases = torch.stack(
        [open_image(Path(path), spec.canvas, spec.crop, spec.crop_pct) for path in images]
    )
    place = open_device(str(device))
    usae = load_usae(run).to(place)
    pixels = canvases.to(place).float() / 255
    gated, pre_gate, scale = {}, {}, {}
    for name, backbone in load_run_backbones(run, backbones).items():
        found = concept_maps(usae, backbone.to(place), pixels, [concept], batch_size=batch_size)
        gated[name] = found.gated[:, 0].cpu().numpy()
        pre_gate[name] = found.pre_gate[:, 0].cpu().numpy()
        scale[name] = float(index.maximum[index.names.index(name), concept])
    named = concept_names(run).get(concept)
    return Heatmaps(
        concept=concept,
        names=tuple(gated),
        files=tuple(Path(path).name for path in images),
        canvases=canvases.permute(0, 2, 3, 1).numpy(),
        gated=gated,
        pre_gate=pre_gate,
        scale=scale,
        name=named.name if named else "",
    )
