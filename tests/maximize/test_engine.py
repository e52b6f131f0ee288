from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

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


@pytest.mark.parametrize("mode", ["per-model", "diverse", "accentuate"])
def test_a_batch_bounds_the_views_of_a_single_picture(
    usae: UniversalSAE, backbones: dict[str, Backbone], mode: str
) -> None:
    photo = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0))

    def made(batch: int) -> Maximized:
        several = {"images": 2} if mode == "diverse" else {}
        chosen = MaximizeSettings(
            mode=mode, steps=6, views=6, selectivity=0.1, batch=batch, **several
        )
        start = photo if mode == "accentuate" else None
        return maximize_concepts(usae, backbones, [3, 8], settings=chosen, start=start)

    seen: list[tuple[int, bool]] = []
    hooks = [
        backbone.network.register_forward_pre_hook(
            lambda _, inputs: seen.append((len(inputs[0]), inputs[0].requires_grad))
        )
        for backbone in backbones.values()
    ]
    try:
        whole, most = made(6), max(n for n, _ in seen)
        passes = sum(n for n, pulls in seen if pulls)
        seen.clear()
        parted = made(4)
    finally:
        for hook in hooks:
            hook.remove()
    assert most == 6
    assert {n for n, _ in seen} == {4, 2}
    # Made anew on the way back, so that only one part's activations are there at a time.
    assert sum(n for n, pulls in seen if pulls) >= 2 * passes
    for name in backbones:
        assert (whole.images[name].int() - parted.images[name].int()).abs().max() <= 2
        torch.testing.assert_close(
            whole.trajectory[name], parted.trajectory[name], atol=1e-3, rtol=1e-3
        )


@pytest.mark.parametrize("without", [torch.no_grad, torch.inference_mode])
def test_a_caller_without_gradients_gets_the_same_pictures(
    usae: UniversalSAE,
    tiny_backbone: Callable[..., Backbone],
    without: Callable[[], AbstractContextManager[None]],
) -> None:
    expected = _run(usae, {"small": tiny_backbone("small", 24, seed=1)}, [3])
    with without():
        # Loaded in there too.
        networks = {"small": tiny_backbone("small", 24, seed=1)}
        made = _run(copy.deepcopy(usae), networks, [3])
        assert not torch.is_grad_enabled()
    assert torch.equal(made.images["small"], expected.images["small"])
    assert torch.equal(made.trajectory["small"], expected.trajectory["small"])


def test_what_leaves_the_range_is_cut_off_and_does_not_wrap_around(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    def own() -> tuple[list[Tensor], Callable[[], Tensor]]:
        leaf = torch.cat([torch.full((1, 3, 48, 24), v) for v in (1.02, -0.02)], dim=3)
        return [leaf.requires_grad_()], lambda: leaf

    made = _run(usae, backbones, [1], parametrization=own, steps=1, lr=1e-9)
    assert (made.images["small"][..., :24] == 255).all()
    assert (made.images["small"][..., 24:] == 0).all()
