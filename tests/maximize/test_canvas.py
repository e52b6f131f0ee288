from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from usae_viz.errors import UsageError
from usae_viz.maximize import Canvas, FourierCanvas, OwnCanvas, PixelCanvas
from usae_viz.maximize.canvas import CANVASES, canvas_type, make_canvas

SIZES = [(64, 64), (33, 47), (48, 31), (1, 5), (224, 224)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [FourierCanvas, PixelCanvas])
def test_a_start_is_grey_and_of_the_size_asked_for(
    kind: type[FourierCanvas] | type[PixelCanvas], size: tuple[int, int]
) -> None:
    canvas: Canvas = kind([0, 1], *size)
    images = canvas.images().detach()
    assert images.shape == (2, 3, *size)
    assert 0.35 < images.mean() < 0.65
    assert images.std() < 0.1
    assert images.min() > 0.02
    assert images.max() < 0.98


def test_the_start_of_a_fourier_canvas_does_not_grow_with_its_size() -> None:
    # The trap: lucid's factor √(width·height) on top of an orthonormal FFT saturates them.
    spread = [float(FourierCanvas([0], n, n).images().detach().std()) for n in (32, 128, 512)]
    assert max(spread) < 2 * min(spread)


def test_a_steeper_decay_starts_smoother() -> None:
    def roughness(decay: float) -> float:
        images = FourierCanvas([0], 64, 64, decay=decay).images().detach()
        return float(images.diff(dim=-1).std() / images.std())

    assert roughness(1.5) < 0.7 * roughness(1.0)


@pytest.mark.parametrize("width", [9, 8])
def test_images_equal_what_lucids_formula_gives(width: int) -> None:
    """lucid: irfft2 of scale·√(wh)·spectrum with numpy's norm, ÷ 4, colours, sigmoid."""
    height = 6
    (spectrum,) = FourierCanvas([4], height, width).parameters()
    numbers = torch.view_as_complex(spectrum.detach()).numpy()[0]
    fy = torch.fft.fftfreq(height).numpy()[:, None]
    fx = torch.fft.rfftfreq(width).numpy()
    frequency = (fx**2 + fy**2) ** 0.5
    scale = (height * width) ** 0.5 / frequency.clip(1 / max(height, width))
    plain = torch.fft.irfft2(torch.from_numpy(numbers * scale), s=(height, width)).float() / 4
    root = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    colours = root / root.norm(dim=0).max()
    expected = (plain.permute(1, 2, 0) @ colours.T).permute(2, 0, 1).sigmoid()
    images = FourierCanvas([4], height, width).images().detach()
    torch.testing.assert_close(images[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("parametrization", list(CANVASES))
def test_images_of_equal_seeds_start_equal_and_are_independent(parametrization: str) -> None:
    canvas = make_canvas(parametrization, [5, 5, 6], 16, 16)
    images = canvas.images()
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    images[1].sum().backward()
    (leaf,) = canvas.parameters()
    assert leaf.grad is not None
    assert leaf.grad[1].abs().sum() > 0
    assert leaf.grad[[0, 2]].abs().sum() == 0


def test_a_decay_is_written_behind_the_name() -> None:
    steep = make_canvas("fourier:1.5", [0], 32, 32).images()
    assert torch.equal(steep, FourierCanvas([0], 32, 32, decay=1.5).images())


@pytest.mark.parametrize("text", ["fourier:", "fourier:x", "fourier:-1", "maco:1", "furier:1"])
def test_a_parametrization_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="parametrization"):
        canvas_type(text)


def _drawn() -> tuple[list[Tensor], object]:
    leaf = torch.randn(1, 3, 8, 10).requires_grad_()
    return [leaf], lambda: leaf.sigmoid()


def test_a_parametrization_of_ones_own_is_seeded_picture_by_picture() -> None:
    state = torch.random.get_rng_state()
    canvas = OwnCanvas(_drawn, [5, 5, 6])  # type: ignore[arg-type]
    images = canvas.images()
    assert images.shape == (3, 3, 8, 10)
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    assert len(canvas.parameters()) == 3
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    "param_f",
    [
        lambda: torch.zeros(1, 3, 8, 8),
        lambda: ([torch.zeros(1).requires_grad_()], lambda: torch.zeros(3, 8, 8)),
        lambda: ([torch.zeros(1).requires_grad_()], lambda: torch.zeros(1, 4, 8, 8)),
        lambda: ([torch.zeros(1)], lambda: torch.zeros(1, 3, 8, 8)),
        lambda: ([torch.zeros(1).requires_grad_()], None),
        lambda _: None,
    ],
)
def test_what_is_no_parametrization_is_refused(param_f: object) -> None:
    with pytest.raises(UsageError, match="not a parametrization"):
        OwnCanvas(param_f, [0])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.5, -0.1])
def test_a_parametrization_far_outside_the_range_is_refused(value: float) -> None:
    def beyond() -> tuple[list[Tensor], Callable[[], Tensor]]:
        leaf = torch.full((1, 3, 8, 8), value).requires_grad_()
        return [leaf], lambda: leaf

    with pytest.raises(UsageError, match=r"in \[0, 1\]") as error:
        OwnCanvas(beyond, [0])
    assert f"{value:.2f}" in str(error.value)
