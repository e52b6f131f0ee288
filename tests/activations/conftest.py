"""A numbered source and networks whose tokens say where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from usae_viz.backbones import Backbone
from usae_viz.images import ImageBatch, ImageProblem
from usae_viz.recipe import Recipe
from usae_viz.run import FORMAT, Run, RunInfo

SIDE = 8


class Numbered:
    """A source whose image number n is of value n / 255 everywhere; `broken` cannot be read."""

    label_names: tuple[str, ...] = ()

    def __init__(self, count: int, broken: Sequence[int] = ()) -> None:
        self.number = {f"{17 * n % 256:02x}" * 32: n for n in range(count)}
        self.ids = tuple(sorted(self.number))
        self.broken = set(broken)
        self.problems: list[ImageProblem] = []
        self.asked: list[str] = []

    def read(self, ids: Sequence[str]) -> ImageBatch:
        self.asked += ids
        for image_id in ids:
            problem = ImageProblem(self.where(image_id), "broken")
            if self.number[image_id] in self.broken and problem not in self.problems:
                self.problems.append(problem)
        good = [i for i in ids if self.number[i] not in self.broken]
        values = torch.tensor([self.number[i] for i in good], dtype=torch.uint8)
        images = values.view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE).contiguous()
        return ImageBatch(good, images, None)

    def where(self, image_id: str) -> str:
        return f"number {self.number[image_id]}"


class Marked(nn.Module):
    """Tokens that say where they come from: (image number, row, column) in any basis."""

    def __init__(self, basis: Tensor, factor: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("basis", basis)
        self.factor = factor
        self.images = 0

    def forward(self, images: Tensor) -> Tensor:
        self.images += len(images)
        value = images[:, :1, ::2, ::2] * 255
        row = torch.arange(SIDE // 2.0).view(1, 1, -1, 1).expand_as(value)
        where = torch.cat([value, row, row.transpose(2, 3)], 1)
        return torch.einsum("dc,bchw->bdhw", self.basis, where) * self.factor


def marked(name: str, basis: Tensor, factor: float = 1.0) -> Backbone:
    network = Marked(basis, factor)
    return Backbone(
        name,
        network,
        network,
        input_size=SIDE,
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
        grid=4,
        weights_sha256=name * 8,
    )


@pytest.fixture
def backbones() -> dict[str, Backbone]:
    """Two networks that keep image number, row and column, one in another basis."""
    return {
        "a": marked("a", torch.eye(3)),
        "b": marked("b", torch.tensor([[0.0, 1, 0], [0, 0, 2], [1, 0, 0], [1, 1, 1]])),
    }


@pytest.fixture
def recipe(tiny_recipe: Callable[..., Recipe]) -> Recipe:
    return tiny_recipe(
        backbones=[{"name": n, "model": "timm:vit_tiny_patch16_224"} for n in "ab"],
        images={"canvas": SIDE, "validation": 0.25},
        activations={"dtype": "float32"},
    )


@pytest.fixture
def run(recipe: Recipe, tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", recipe)


def make_run(path: Path, recipe: Recipe) -> Run:
    info = RunInfo(
        format=FORMAT, name="tiny", recipe_sha256="", backbones=(), created_by="usae-viz"
    )
    return Run.create(path, recipe, info)
