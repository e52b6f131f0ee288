"""Fit the natural magnitude spectrum that MaCo keeps fixed, from any folder of photographs.

    python scripts/fit_spectrum.py FOLDER [--out usae_viz/maximize/spectrum.json]

Each photograph is cropped to a square, brought to ``--canvas`` pixels, clamped to [0.02, 0.98],
taken back through the sigmoid and the colour matrix of the canvases, and weighted with a Hann
window. The mean magnitude over all photographs is then fitted, octave by octave alike, with the
7 terms a colour channel of `usae_viz.maximize.spectrum.spectrum_terms`: what is written are 24
numbers, which hold nothing of any one photograph.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from usae_viz.images.folder import FolderSource
from usae_viz.maximize.canvas import colour_matrix
from usae_viz.maximize.spectrum import frequencies, spectrum_terms
from usae_viz.recipe import ImagesSpec

CLAMP = 0.02


def decorrelated(images: Tensor) -> Tensor:
    """Return uint8 images ``[n, 3, h, w]`` as the canvases have them before colours and sigmoid."""
    logits = (images.float() / 255).clamp(CLAMP, 1 - CLAMP).logit()
    return torch.einsum("nchw,dc->ndhw", logits, torch.linalg.inv(colour_matrix()))


def fit(magnitude: Tensor) -> tuple[Tensor, float]:
    """Return the terms' weights ``[3, 7]`` and the residual in ln units (root mean square)."""
    side = magnitude.shape[1]
    frequency, direction = frequencies(side, side)
    kept = frequency > 2 / side  # below, the window mixes in the mean
    terms = spectrum_terms(frequency[kept], direction[kept]).double()
    # The number of frequencies in an octave grows with f², so each is weighted with 1/f².
    weight = (1 / frequency[kept]).double()[:, None]
    target = magnitude[:, kept].log().double().T
    found = torch.linalg.lstsq(weight * terms, weight * target).solution
    error = (weight * (terms @ found - target)).square().sum() / (3 * weight.square().sum())
    return found.T, float(error.sqrt())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--canvas", type=int, default=192, help="pixels")
    parser.add_argument("--out", type=Path, default=Path("usae_viz/maximize/spectrum.json"))
    args = parser.parse_args()
    spec = ImagesSpec(source=f"folder:{args.folder}", canvas=args.canvas)
    source = FolderSource(args.folder, spec)
    hann = torch.hann_window(args.canvas, periodic=True)
    window = torch.outer(hann, hann)
    window /= window.square().mean().sqrt()
    magnitude, mean, count = torch.zeros(()), torch.zeros(3), 0
    for start in range(0, len(source.ids), 64):
        plain = decorrelated(source.read(source.ids[start : start + 64]).images)
        centred = plain - plain.mean((2, 3), keepdim=True)
        magnitude = magnitude + torch.fft.rfft2(centred * window, norm="ortho").abs().sum(0)
        mean += plain.mean((2, 3)).sum(0)
        count += len(plain)
    weights, error = fit(magnitude / count)
    table = {
        "about": "mean magnitude spectrum of natural images, by scripts/fit_spectrum.py",
        "images": count,
        "log_magnitude": [[round(float(x), 5) for x in row] for row in weights],
        "mean": [round(float(x), 5) for x in mean / count],
        "residual": round(error, 4),
    }
    args.out.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(f"{count} images, {len(source.problems)} unusable, residual {error:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
