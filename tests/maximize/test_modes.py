from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from usae_viz.backbones import Backbone
from usae_viz.errors import UsageError
from usae_viz.maximize import Maximized, MaximizeSettings, maximize_concepts, rows_of
from usae_viz.maximize.objective import concept_activation
from usae_viz.maximize.penalties import descriptor, feature_distance, sideways
from usae_viz.sae import UniversalSAE

NAMES = ("a", "b", "c")


def _made(
    usae: UniversalSAE,
    backbones: dict[str, Backbone],
    concepts: list[int],
    mode: str,
    *,
    start: torch.Tensor | None = None,
    against: list[str] | None = None,
    names: list[str] | None = None,
    levels: dict[str, list[float]] | None = None,
    **settings: Any,
) -> Maximized:
    chosen = MaximizeSettings(mode=mode, **{"steps": 60, "views": 2, **settings})
    return maximize_concepts(
        usae,
        backbones,
        concepts,
        settings=chosen,
        names=names,
        against=against,
        levels=levels,
        start=start,
    )


def _clean(
    usae: UniversalSAE, backbone: Backbone, pictures: torch.Tensor, concepts: list[int]
) -> torch.Tensor:
    with torch.no_grad():
        maps = backbone(pictures.float() / 255)
        return concept_activation(usae, backbone.name, maps, torch.tensor(concepts))


def test_rows() -> None:
    assert [row.name for row in rows_of("per-model", NAMES)] == ["a", "b", "c"]
    (shared,) = rows_of("shared", NAMES, ["c", "a"])
    assert (shared.name, shared.raised, shared.lowered) == ("shared", ("a", "c"), ())
    one_against_rest = rows_of("contrast", NAMES)
    assert [(r.raised, r.lowered) for r in one_against_rest] == [
        (("a",), ("b", "c")),
        (("b",), ("a", "c")),
        (("c",), ("a", "b")),
    ]
    (row,) = rows_of("contrast", NAMES, ["c"], ["a"])
    assert (row.name, row.raised, row.lowered) == ("c", ("c",), ("a",))


@pytest.mark.parametrize(
    ("mode", "names", "chosen", "against", "text"),
    [
        ("shared", ("a",), None, None, "needs two backbones"),
        ("shared", NAMES, ["b"], None, "needs two backbones"),
        ("contrast", ("a",), None, None, "needs two backbones"),
        ("contrast", NAMES, ["a"], ["a"], "at once"),
        ("contrast", NAMES, None, ["a"], "at once"),
        ("per-model", NAMES, None, ["a"], "no meaning"),
    ],
)
def test_backbones_that_do_not_go_with_a_mode(
    mode: str, names: tuple[str, ...], chosen: Any, against: Any, text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        rows_of(mode, names, chosen, against)


def test_one_shared_picture_raises_the_concept_in_all(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    made = _made(usae, backbones, [1, 5], "shared")
    assert list(made.images) == ["shared"]
    assert list(made.alpha) == list(made.trajectory) == ["small", "large"]
    for backbone in backbones.values():
        end = _clean(usae, backbone, made.images["shared"][:, 0], [1, 5])
        grey = torch.full((2, 3, 48, 48), 127)
        assert (end > _clean(usae, backbone, grey, [1, 5]) + 0.03).all()


def test_a_shared_picture_leaves_no_backbone_behind(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    # To reach 20 times the other's natural level, one backbone needs nearly all of the pull.
    levels = {"small": [0.1] * usae.concepts, "large": [2.0] * usae.concepts}
    ends = {}
    for balance in ("worst", "sum"):
        made = _made(usae, backbones, [1, 5], "shared", levels=levels, balance=balance)
        ends[balance] = _clean(usae, backbones["large"], made.images["shared"][:, 0], [1, 5])
    assert (ends["worst"] > ends["sum"] + 0.03).all()


def test_a_backbone_that_never_fires_has_no_say_in_a_shared_picture(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    levels = {"small": [1.0] * usae.concepts, "large": [0.0] * usae.concepts}
    shared = _made(usae, backbones, [1], "shared", levels=levels, steps=8)
    alone = _made(usae, backbones, [1], "per-model", levels=levels, names=["small"], steps=8)
    assert torch.equal(shared.images["shared"], alone.images["small"])


def test_a_contrast_keeps_the_concept_down_in_the_other(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    plain = _made(usae, backbones, [1, 5], "per-model", names=["small"])
    told = _made(usae, backbones, [1, 5], "contrast", names=["small"], against=["large"])
    assert list(told.images) == ["small"]
    assert list(told.lowered) == ["small"]
    assert list(told.lowered["small"]) == ["large"]
    other = [
        _clean(usae, backbones["large"], made.images["small"][:, 0], [1, 5])
        for made in (plain, told)
    ]
    assert (other[1] < 0.1).all()
    assert (other[1] <= other[0]).all()
    own = _clean(usae, backbones["small"], told.images["small"][:, 0], [1, 5])
    assert (own > 0.15).all()


def test_an_accentuated_photograph_stays_close(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    photo = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(1))
    photo = torch.nn.functional.interpolate(photo[None], (48, 48), mode="bicubic")[0].clamp(0, 1)
    ends = {}
    for closeness in (0.0, 5.0):
        made = _made(usae, backbones, [1], "accentuate", start=photo, closeness=closeness)
        for name, backbone in backbones.items():
            picture = made.images[name][0].float() / 255
            with torch.no_grad():
                maps, there = backbone(picture), backbone(photo[None])
                far = feature_distance(usae, name, maps, there)
                before = concept_activation(usae, name, there, torch.tensor([1]))
                after = concept_activation(usae, name, maps, torch.tensor([1]))
            assert after > before
            ends[name, closeness] = float(far)
    for name in backbones:
        assert ends[name, 5.0] < 0.7 * ends[name, 0.0]
    still = _made(usae, backbones, [1], "accentuate", start=photo, steps=1, lr=1e-9)
    difference = still.images["small"][0, 0].float() / 255 - photo.clamp(0.02, 0.98)
    assert difference.abs().max() < 0.003


def test_a_photograph_fits_a_canvas_of_another_size(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    def own() -> tuple[list[torch.Tensor], Callable[[], torch.Tensor]]:
        leaf = torch.zeros(1, 3, 32, 40).requires_grad_()
        return [leaf], leaf.sigmoid

    # Dark above and bright below: the same at any size.
    photo = torch.cat([torch.full((3, 24, 48), 0.2), torch.full((3, 24, 48), 0.8)], dim=1)
    made = _made(
        usae, backbones, [1], "accentuate", start=photo, parametrization=own, steps=2, lr=1e-9
    )
    for name in backbones:
        picture = made.images[name][0, 0].float() / 255
        assert picture.shape == (3, 32, 40)
        assert (picture[:, :15] - 0.2).abs().max() < 0.01
        assert (picture[:, 17:] - 0.8).abs().max() < 0.01
    # The price counts from the photograph as views of that canvas show it, so a first step of any
    # price follows the concept alone.
    photo = 0.2 + 0.6 * torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(1))
    free, priced = (
        _made(
            usae,
            backbones,
            [1],
            "accentuate",
            start=photo,
            parametrization=own,
            steps=1,
            closeness=c,
        )
        for c in (0.0, 5.0)
    )
    for name in backbones:
        difference = free.images[name].int() - priced.images[name].int()
        assert (difference.abs() <= 1).float().mean() > 0.99


def test_diverse_pictures_differ_more_than_seeds_do(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    likeness, level = {}, {}
    for diversity in (0.0, MaximizeSettings().diversity):
        made = _made(usae, backbones, [1, 5], "diverse", images=3, diversity=diversity)
        assert made.images["small"].shape == (2, 3, 3, 48, 48)
        for name, backbone in backbones.items():
            for i, concept in enumerate((1, 5)):
                with torch.no_grad():
                    maps = backbone(made.images[name][i].float() / 255)
                    look = descriptor(usae, name, maps, torch.full((3,), concept))
                likeness[name, concept, diversity] = float((look @ look.T).triu(1).sum() / 3)
                reached = _clean(usae, backbone, made.images[name][i], [concept] * 3)
                level[name, concept, diversity] = float(reached.mean())
    for name in backbones:
        for concept in (1, 5):
            assert likeness[name, concept, 1.0] < likeness[name, concept, 0.0] - 0.1
            assert level[name, concept, 1.0] > 0.5 * level[name, concept, 0.0]


def test_a_push_aside_has_its_length_and_is_never_against() -> None:
    generator = torch.Generator().manual_seed(0)
    along, pull = torch.randn(2, 4, 3, 5, 5, generator=generator)
    pull[0] += 3 * along[0]
    pull[1] -= 3 * along[1]
    pull[2] = -along[2]
    weight = torch.tensor([0.5, 2.0, 1.0, -1.0])
    found = sideways(pull, along, weight)
    dots = (found * along).sum((1, 2, 3))
    lengths, first = (x.flatten(1).norm(dim=1) for x in (found, along))
    assert dots[0] > 0
    assert dots[1].abs() < 1e-3
    torch.testing.assert_close(lengths[:2], (weight * first)[:2])
    kept = torch.nn.functional.cosine_similarity(found[0].flatten(), pull[0].flatten(), dim=0)
    assert kept > 0.9999
    assert lengths[2] < 0.01 * first[2]
    assert not found[3].any()
    assert sideways(pull, torch.zeros_like(along), weight).isfinite().all()


def test_further_concepts_go_along_or_are_kept_down(
    usae: UniversalSAE, backbones: dict[str, Backbone]
) -> None:
    ends = {}
    for weight in (-2.0, 2.0):
        made = _made(usae, backbones, [1], "per-model", names=["small"], also={4: weight})
        ends[weight] = _clean(usae, backbones["small"], made.images["small"][:, 0], [4])
    assert ends[-2.0] < 0.1
    assert ends[2.0] > 0.15


def test_penalties_do_what_they_say(usae: UniversalSAE, backbones: dict[str, Backbone]) -> None:
    def rough(made: Maximized) -> float:
        return float(made.images["small"].float().diff(dim=-1).abs().mean())

    plain = _made(usae, backbones, [1], "per-model", names=["small"])
    smooth = _made(usae, backbones, [1], "per-model", names=["small"], tv=20.0)
    assert rough(smooth) < 0.7 * rough(plain)

    def others(made: Maximized) -> float:
        with torch.no_grad():
            maps = backbones["small"](made.images["small"][0].float() / 255)
        code = usae.encode("small", maps.flatten(2).transpose(1, 2).reshape(-1, 6))
        return float(torch.where(code.indices == 1, 0, code.values).sum())

    alone = _made(usae, backbones, [1], "per-model", names=["small"], selectivity=0.5)
    assert others(alone) < 0.8 * others(plain)
