from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from usae_viz.backbones import Backbone
from usae_viz.errors import UsaeVizError, UsageError
from usae_viz.maximize import Maximized, MaximizeSettings, maximize_concepts
from usae_viz.maximize.objective import concept_activation
from usae_viz.sae import UniversalSAE

QUICK: dict[str, Any] = {"steps": 12, "views": 2}


def _run(
    usae: UniversalSAE,
    backbones: dict[str, Backbone],
    concepts: list[int],
    names: list[str] | None = None,
    **settings: Any,
) -> Maximized:
    return maximize_concepts(
        usae, backbones, concepts, settings=MaximizeSettings(**{**QUICK, **settings}), names=names
    )


def test_shapes_ranges_and_moments(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    made = _run(usae, backbones, [4, 0, 9], seeds=2, steps=70)
    assert list(made.images) == ["small", "large"]
    for name in made.images:
        assert made.images[name].shape == (3, 2, 3, 48, 48)  # 1.15 x 40, in steps of 8
        assert made.images[name].dtype == torch.uint8
        assert made.alpha[name].shape == (3, 2, 48, 48)
        assert made.alpha[name].min() >= 0
        assert (made.alpha[name].amax((2, 3)) == 1).all()
        assert made.trajectory[name].shape == (3, 2, len(made.moments))
    assert made.moments[0] == 0
    assert made.moments[-1] == 69
    assert len(made.moments) <= 65


def test_all_backbones_start_from_the_same_picture(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    made = _run(usae, backbones, [4, 0], steps=1, lr=1e-9, seeds=2)
    small, large = made.images["small"], made.images["large"]
    assert torch.equal(small, large)
    assert torch.equal(small[0], small[1])
    assert not torch.equal(small[:, 0], small[:, 1])


@pytest.mark.parametrize("parametrization", ["fourier", "pixel"])
def test_activation_rises_far_above_start_and_random_pictures(
    usae: UniversalSAE, backbones: dict[str, Backbone], parametrization: str
) -> None:
    made = _run(usae, backbones, [1, 5], steps=60, lr=0.05, parametrization=parametrization)
    asked = torch.tensor([1, 5])
    noise = torch.rand(20, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    for name, backbone in backbones.items():
        rise = made.trajectory[name][:, 0, -1] - made.trajectory[name][:, 0, 0]
        with torch.no_grad():
            clean = concept_activation(
                usae, name, backbone(made.images[name][:, 0].float() / 255), asked
            )
            random = torch.stack(
                [
                    concept_activation(usae, name, backbone(noise), torch.full((20,), k))
                    for k in asked.tolist()
                ]
            )
        assert (rise > 2 * random.std(1)).all()
        assert (clean > random.amax(1) + random.std(1)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    state = torch.random.get_rng_state()
    first, second, other = (_run(usae, backbones, [3], seed=seed) for seed in (5, 5, 6))
    for name in backbones:
        assert torch.equal(first.images[name], second.images[name])
        assert torch.equal(first.alpha[name], second.alpha[name])
        assert not torch.equal(first.images[name], other.images[name])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_picture_does_not_depend_on_what_is_optimised_along_with_it(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    batch = _run(usae, backbones, [3, 8, 2], seeds=2, seed=4)
    for number, concept in enumerate([3, 8, 2]):
        for s in range(2):
            alone = _run(usae, backbones, [concept], names=["small"], seed=4 + s)
            difference = batch.images["small"][number, s].int() - alone.images["small"][0, 0].int()
            # Arithmetic in batches rounds otherwise; a wrong start or view would differ by dozens.
            assert difference.abs().max() <= 2
            assert list(alone.images) == ["small"]


def test_backbones_of_equal_weights_and_size_get_equal_pictures(
    tiny_backbone: Callable[..., Backbone],
) -> None:
    twins = {name: tiny_backbone(name, 24, seed=1) for name in ("a", "b")}
    usae = UniversalSAE({"a": 6, "b": 6}, 4, 2)
    row = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weight in usae.weight:
            weight.copy_(row)
    made = _run(usae.requires_grad_(False), twins, [0, 1])
    assert torch.equal(made.images["a"], made.images["b"])


def test_nothing_is_left_behind(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    _run(usae, backbones, [1])
    for module in (usae, *backbones.values()):
        assert all(parameter.grad is None for parameter in module.parameters())
        assert not any(parameter.requires_grad for parameter in module.parameters())
        for part in module.modules():
            hooks = (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks)
            assert not any(hooks)


def test_progress_is_told_to_the_end(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    told: list[tuple[str, int, int]] = []
    maximize_concepts(
        usae,
        backbones,
        [1],
        settings=MaximizeSettings(**QUICK),
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert told == [("maximizing", 8, 12), ("maximizing", 12, 12)]


def test_not_a_number_is_an_error(
    usae: UniversalSAE, tiny_backbone: Callable[..., Backbone]
) -> None:
    broken = tiny_backbone("small", 24, seed=1)
    assert isinstance(broken.network, nn.Sequential)
    with torch.no_grad():
        next(broken.network.parameters()).fill_(float("nan"))
    with pytest.raises(UsaeVizError, match="not-a-number: concept 1 in small, step 1 of 12"):
        _run(usae, {"small": broken}, [1])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"mode": "per-modle"}, "did you mean 'per-model'"),
        ({"mode": "sideways"}, "one of per-model"),
        ({"parametrization": "furier"}, "did you mean 'fourier'"),
        ({"objective": "median"}, "one of mean, top"),
        ({"steps": 0}, "at least 1"),
        ({"size": 8}, "at least 16"),
        ({"seed": -1}, "at least 0"),
        ({"lr": 0.0}, "positive"),
        ({"lr": float("nan")}, "positive"),
    ],
)
def test_a_wrong_setting_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        MaximizeSettings(**fields)
