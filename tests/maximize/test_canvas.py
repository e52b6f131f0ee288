from __future__ import annotations

import pytest
import torch

from usae_viz.maximize import Canvas, FourierCanvas, PixelCanvas


def _generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (48, 31), (1, 5), (224, 224)])
@pytest.mark.parametrize("kind", [FourierCanvas, PixelCanvas])
def test_a_start_is_grey_and_of_the_size_asked_for(
    kind: type[FourierCanvas] | type[PixelCanvas], size: tuple[int, int]
) -> None:
    canvas: Canvas = kind(_generators(0, 1), *size)
    images = canvas.images().detach()
    assert images.shape == (2, 3, *size)
    assert 0.35 < images.mean() < 0.65
    assert images.std() < 0.1
    assert images.min() > 0.02
    assert images.max() < 0.98


def test_the_start_of_a_fourier_canvas_does_not_grow_with_its_size() -> None:
    # The trap: lucid's factor √(width·height) on top of an orthonormal FFT saturates them.
    spread = [
        float(FourierCanvas(_generators(0), side, side).images().detach().std())
        for side in (32, 128, 512)
    ]
    assert max(spread) < 2 * min(spread)


def test_images_equal_what_lucids_formula_gives() -> None:
    """lucid: irfft2 of scale·√(wh)·spectrum with numpy's norm, ÷ 4, colours, sigmoid."""
    height, width = 6, 9
    (spectrum,) = FourierCanvas(_generators(4), height, width).parameters()
    numbers = torch.view_as_complex(spectrum.detach()).numpy()[0]
    fy = torch.fft.fftfreq(height).numpy()[:, None]
    fx = torch.fft.rfftfreq(width).numpy()
    frequency = (fx**2 + fy**2) ** 0.5
    scale = (height * width) ** 0.5 / frequency.clip(1 / max(height, width))
    plain = torch.fft.irfft2(torch.from_numpy(numbers * scale), s=(height, width)).float() / 4
    root = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colours = root / root.norm(dim=0).max()
    expected = (plain.permute(1, 2, 0) @ colours.T).permute(2, 0, 1).sigmoid()
    images = FourierCanvas(_generators(4), height, width).images().detach()
    torch.testing.assert_close(images[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [FourierCanvas, PixelCanvas])
def test_images_of_equal_generators_start_equal_and_are_independent(
    kind: type[FourierCanvas] | type[PixelCanvas],
) -> None:
    canvas = kind(_generators(5, 5, 6), 16, 16)
    images = canvas.images()
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    images[1].sum().backward()
    (leaf,) = canvas.parameters()
    assert leaf.grad is not None
    assert leaf.grad[1].abs().sum() > 0
    assert leaf.grad[[0, 2]].abs().sum() == 0
