"""Against the real torch-lucent."""

from __future__ import annotations

from collections.abc import Callable

import kornia
import numpy as np
import pytest
import torch

from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.maximize import MaximizeSettings, ViewSpec, maximize_concepts
from usae_viz.maximize.canvas import FourierCanvas, OwnCanvas
from usae_viz.maximize.lucent import (
    ConceptModel,
    lucent_model,
    lucent_objective,
    lucent_views,
    lucents_kornia,
)
from usae_viz.maximize.views import apply_views, draw_views
from usae_viz.run import Run
from usae_viz.sae import UniversalSAE

pytest.importorskip("lucent", reason="torch-lucent is not installed")
from lucent.optvis import objectives, param, render, transform


def _spread(usae: UniversalSAE, backbone: Backbone, concepts: list[int]) -> torch.Tensor:
    """Return how the mean activations differ between pictures of noise."""
    noise = torch.rand(20, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    return ConceptModel(usae, backbone, concepts)(noise).mean((2, 3)).std(0)


def _hooks(backbone: Backbone) -> int:
    return sum(len(part._forward_hooks) for part in backbone.modules())


@pytest.mark.parametrize("transforms", [[], None])
def test_lucents_renderer_raises_a_concept(
    usae: UniversalSAE, backbones: dict[str, Backbone], transforms: list[Callable[..., object]]
) -> None:
    model = ConceptModel(usae, backbones["small"], [3, 7])
    torch.manual_seed(0)
    with lucents_kornia():
        images = render.render_vis(
            model,
            lucent_objective(model, 7),
            param_f=lambda: param.image(48),
            transforms=transforms,
            thresholds=(1, 40),
            preprocess=False,
            progress=False,
            show_image=False,
        )
    first, last = (torch.from_numpy(image).permute(0, 3, 1, 2) for image in images)
    rise = (model(last) - model(first))[0].mean((1, 2)) / _spread(usae, backbones["small"], [3, 7])
    assert rise[1] > 2
    assert rise[1] > rise[0] + 1
    assert _hooks(backbones["small"]) == 0


def test_any_objective_of_lucent_sees_the_concepts_as_channels(run: Run) -> None:
    model = lucent_model(run, "high")
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    maps = model(images)
    assert maps.shape == (2, 12, 4, 4)

    def layer(name: str) -> torch.Tensor:
        assert name == "concepts"
        return maps

    assert lucent_objective(model, 7)(layer) == -maps[:, 7].mean()
    assert lucent_objective(model, 7, batch=1)(layer) == -maps[1, 7].mean()
    both = objectives.neuron("concepts", 4, x=1, y=2) - objectives.channel("concepts", 5)
    assert torch.isclose(both(layer), -maps[:, 4, 2, 1].mean() + maps[:, 5].mean())
    few = lucent_model(run, "high", [9, 2])
    torch.testing.assert_close(few(images), maps[:, [9, 2]])
    assert few.channel(2) == 1


def test_wrong_use_is_refused(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    model = ConceptModel(usae, backbones["small"], [3, 7])
    with pytest.raises(UsageError, match="one of 3, 7"):
        lucent_objective(model, 4)
    with pytest.raises(UsageError, match="one of 0 to 11"):
        ConceptModel(usae, backbones["small"]).channel(12)
    with pytest.raises(UsageError, match="preprocess=False"):
        model(torch.full((1, 3, 24, 24), -2.0))


def test_lucents_parametrization_is_a_canvas() -> None:
    canvas = OwnCanvas(lambda: param.image(33, 20), [4, 4, 9])
    images = canvas.images()
    assert images.shape == (3, 3, 20, 33)
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    # Both have lucid's numbers; lucent's frequencies of an odd width hold a column more.
    ours = FourierCanvas([4], 20, 32).images().detach()
    torch.manual_seed(4)
    theirs = param.image(32, 20)[1]().detach()
    torch.testing.assert_close(theirs, ours, atol=1e-6, rtol=0)


@pytest.mark.parametrize("fft", [True, False])
def test_a_run_on_lucents_parametrization_and_transforms(
    usae: UniversalSAE, backbones: dict[str, Backbone], fft: bool
) -> None:
    # The standard ones, whose black margins fill half of so small a picture, are used above.
    transforms = [transform.jitter(3), transform.random_rotate([-5, 0, 5])]
    spec = ViewSpec(scale=(1.0, 1.0), rotation=0.0, augmentations=lucent_views(transforms))
    settings = MaximizeSettings(
        parametrization=lambda: param.image(48, fft=fft), steps=40, view_spec=spec
    )
    drawn = np.random.get_state()[1].tolist()
    first, second = (
        maximize_concepts(usae, backbones, [4, 9], settings=settings) for _ in range(2)
    )
    assert np.random.get_state()[1].tolist() == drawn
    for name, backbone in backbones.items():
        assert torch.equal(first.images[name], second.images[name])
        maps = ConceptModel(usae, backbone, [4, 9])(first.images[name][:, 0].float() / 255)
        rise = maps.mean((2, 3)).diagonal() - first.trajectory[name][:, 0, 0]
        assert (rise > _spread(usae, backbone, [4, 9])).all()
    alone = maximize_concepts(usae, backbones, [9], settings=settings)
    difference = first.images["small"][1].int() - alone.images["small"][0].int()
    assert difference.abs().max() <= 2


def test_lucents_standard_transforms_go_with_several_pictures(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    spec = ViewSpec(augmentations=lucent_views(transform.standard_transforms))
    for asked in ({"seeds": 3}, {"mode": "diverse", "images": 3}, {"mode": "accentuate"}):
        settings = MaximizeSettings(**{"steps": 4, "views": 1, "view_spec": spec, **asked})
        accentuated = settings.mode == "accentuate"
        photo = torch.full((3, 48, 48), 0.5) if accentuated else None
        made = maximize_concepts(usae, backbones, [4], settings=settings, start=photo)
        assert made.images["small"].shape == (1, 1 if accentuated else 3, 3, 48, 48)


def test_kornia_is_left_as_it_was() -> None:
    before = set(dir(kornia))
    views = draw_views(
        ViewSpec(augmentations=lucent_views([transform.random_rotate([10])])),
        2,
        torch.Generator().manual_seed(0),
        24,
    )
    images = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert apply_views(images, views, 24).shape == (2, 3, 24, 24)
    assert set(dir(kornia)) == before
    with lucents_kornia():
        assert kornia.warp_affine is kornia.geometry.transform.warp_affine
    assert set(dir(kornia)) == before
