from __future__ import annotations

import json
import math
import runpy
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from usae_viz.backbones import Backbone
from usae_viz.maximize import MacoCanvas, MaximizeSettings, maximize_concepts, spectrum
from usae_viz.maximize.canvas import colour_matrix
from usae_viz.maximize.spectrum import natural_magnitude, spectrum_terms
from usae_viz.sae import UniversalSAE

SHIPPED = Path(spectrum.__file__).with_suffix(".json")
SIZES = [(64, 64), (33, 47), (48, 31), (31, 48), (1, 5), (5, 1), (2, 2), (1, 1)]


def _plain(images: Tensor) -> Tensor:
    """Return images as they are before colours and sigmoid."""
    logits = images.double().logit()
    return torch.einsum("nchw,dc->ndhw", logits, torch.linalg.inv(colour_matrix().double()))


def _corners(images: Tensor, share: int = 7) -> Tensor:
    """Return ``[4]``: energy in each corner of 1/share of the sides, over the corner's area."""
    height, width = images.shape[-2] // share, images.shape[-1] // share
    energy = (images - images.mean((2, 3), keepdim=True)).square().sum((0, 1))
    area = height * width / energy.numel()
    turned = [energy, energy.flip(0), energy.flip(1), energy.flip(0, 1)]
    return torch.stack([e[:height, :width].sum() / energy.sum() / area for e in turned])


@pytest.mark.parametrize("size", SIZES)
def test_the_magnitude_stays_natural_whatever_the_phases(size: tuple[int, int]) -> None:
    canvas = MacoCanvas([0, 1], *size)
    (phase,) = canvas.parameters()
    with torch.no_grad():
        phase += 7 * torch.randn(phase.shape, generator=torch.Generator().manual_seed(1))
    images = canvas.images().detach()
    assert images.shape == (2, 3, *size)
    found = torch.fft.rfft2(_plain(images), norm="ortho").abs()
    found[..., 0, 0] = 0
    wanted = natural_magnitude(*size).double().expand_as(found)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-3)


def test_a_start_has_the_contrast_and_colour_of_a_photograph() -> None:
    images = MacoCanvas(list(range(8)), 192, 192).images().detach()
    assert 0.18 < images.std() < 0.3
    red, green, blue = images.mean((0, 2, 3)).tolist()
    assert 0.6 > red > green > blue > 0.4


def test_no_corner_is_special_at_the_start() -> None:
    images = MacoCanvas(list(range(64)), 56, 63).images().detach()
    assert (_corners(images) < 1.5).all()
    assert (_corners(images) > 1 / 1.5).all()


def test_phases_from_a_normal_distribution_would_fill_a_corner() -> None:
    """The trap that the uniform start avoids, so that the test above can fail."""
    canvas = MacoCanvas(list(range(64)), 56, 63)
    (phase,) = canvas.parameters()
    with torch.no_grad():
        phase.normal_(generator=torch.Generator().manual_seed(0))
    assert _corners(canvas.images().detach()).max() > 2


def test_the_natural_spectrum_does_not_depend_on_the_size() -> None:
    coarse, fine = natural_magnitude(32, 48), natural_magnitude(64, 96)
    torch.testing.assert_close(coarse[:, :16, :24], fine[:, :32:2, :48:2])
    assert (fine[:, 0, 0] == 0).all()
    # Steeper than 1/f, and shallower than 1/f².
    slope = (fine[0, 0, 4] / fine[0, 0, 16]).log() / math.log(4)
    assert 1 < slope < 2


def test_optimised_pictures_have_no_special_corner(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    made = maximize_concepts(
        usae,
        backbones,
        list(range(8)),
        settings=MaximizeSettings(parametrization="maco", steps=60, seeds=2, size=49),
    )
    for name in made.images:
        assert (made.trajectory[name][:, :, -1] > made.trajectory[name][:, :, 0]).all()
        assert (_corners(made.images[name].flatten(0, 1).float()) < 1.5).all()


def test_the_script_gives_back_the_spectrum_that_pictures_were_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = MacoCanvas(list(range(24)), 96, 96).images().detach()
    for number, image in enumerate((images * 255).round().to(torch.uint8)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{number}.png")
    script = Path(__file__).parents[2] / "scripts" / "fit_spectrum.py"
    out = tmp_path / "spectrum.json"
    monkeypatch.setattr(
        sys, "argv", [str(script), str(tmp_path), "--canvas", "96", "--out", str(out)]
    )
    runpy.run_path(str(script), run_name="__main__")
    fitted = torch.tensor(json.loads(out.read_text())["log_magnitude"])
    frequency, direction = torch.tensor([0.05, 0.1, 0.3]), torch.tensor([0.0, 0.8, -1.2])
    terms = spectrum_terms(frequency, direction)
    shipped = torch.tensor(json.loads(SHIPPED.read_text())["log_magnitude"])
    # Clamping and the window's leaks cost a few per cent.
    torch.testing.assert_close(terms @ fitted.T, terms @ shipped.T, atol=0.2, rtol=0)
