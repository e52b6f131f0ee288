from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from usae_viz.demo.source import WorldSource
from usae_viz.errors import ImageSourceError, RecipeError
from usae_viz.images import MaskedSource, open_source, read_labels
from usae_viz.images.folder import FolderSource
from usae_viz.recipe import ImagesSpec, parse_recipe


def picture(path: Path, *, size: tuple[int, int] = (40, 20), left: int = 0) -> None:
    """Black, with a white block of 10 x 10 pixels in the middle's height."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[5:15, left : left + 10] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def mask(path: Path, *, size: tuple[int, int] = (40, 20), left: int = 0) -> None:
    pixels = np.zeros((size[1], size[0]), np.uint8)
    pixels[5:15, left : left + 10] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def open_folder(folder: Path, **fields: object) -> FolderSource:
    spec = ImagesSpec.model_validate({"source": f"folder:{folder}", "canvas": 20, **fields})
    source = open_source(spec)
    assert isinstance(source, FolderSource)
    return source


def by_name(source: FolderSource) -> dict[str, str]:
    return {Path(source.where(image_id)).name: image_id for image_id in source.ids}


def test_class_folders_are_labels_where_the_recipe_says_so(tmp_path: Path) -> None:
    for number, place in enumerate(("cat/a.png", "cat/deep/b.png", "dog/c.png", "d.png")):
        picture(tmp_path / place, left=number)
    assert open_folder(tmp_path).label_names == ()
    source = open_folder(tmp_path, labels="folders")
    assert source.label_names == ("cat", "dog")
    ids = by_name(source)
    table = source.labels([ids[f"{name}.png"] for name in "abcd"])
    assert table is not None
    assert table.tolist() == [[True, False], [True, False], [False, True], [False, False]]
    batch = source.read([ids["c.png"], ids["a.png"]])
    assert batch.labels is not None
    assert batch.labels.tolist() == [[False, True], [True, False]]


def test_labels_come_without_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "cat" / "a.png")
    source = open_folder(tmp_path, labels="folders")
    monkeypatch.setattr(source, "data", None)
    table = read_labels(source, source.ids)
    assert table is not None
    assert table.tolist() == [[True]]
    world = WorldSource("images=3", ImagesSpec(source="world:images=3", canvas=32))
    same = read_labels(world, world.ids)
    assert same is not None
    assert torch.equal(same, world.read(world.ids).labels)
    assert read_labels(open_folder(tmp_path), source.ids) is None


@pytest.mark.parametrize(
    ("crop", "columns"),
    [("center", slice(4, 14)), ("squash", slice(7, 12)), ("pad", slice(7, 12))],
)
def test_a_mask_goes_the_way_of_its_image(tmp_path: Path, crop: str, columns: slice) -> None:
    picture(tmp_path / "images" / "a.png", left=14)
    mask(tmp_path / "masks" / "a__block.png", left=14)
    source = open_folder(tmp_path / "images", masks=str(tmp_path / "masks"), crop=crop)
    assert isinstance(source, MaskedSource)
    assert (source.mask_names, source.label_names) == (("block",), ("block",))
    found = source.masks(source.ids)
    white = source.read(source.ids).images[:, 0] > 127
    if crop == "pad":
        white = source.read(source.ids).images[:, 0] > 200  # its borders are grey
    assert found.shape == (1, 1, 20, 20)
    assert found[0, 0].any(0).nonzero().flatten().tolist() == list(range(20))[columns]
    assert (found[0] != white).float().mean() < 0.03


def test_masks_find_their_image_by_place_and_by_name(tmp_path: Path) -> None:
    for place in ("x/a.png", "y/a.png", "y/b.png"):
        picture(tmp_path / "images" / place, left=ord(place[0]) % 7 + ord(place[2]) % 5)
    mask(tmp_path / "masks" / "x" / "a__cat.png")
    mask(tmp_path / "masks" / "anywhere" / "b__dog.png")
    mask(tmp_path / "masks" / "anywhere" / "a__bird.png")  # of which a?
    source = open_folder(tmp_path / "images", masks=str(tmp_path / "masks"))
    assert source.mask_names == ("cat", "dog")
    labels = {source.where(i)[-7:]: source.labels([i]) for i in source.ids}
    assert {k: v.tolist()[0] for k, v in labels.items() if v is not None} == {
        "x/a.png": [True, False],
        "y/a.png": [False, False],
        "y/b.png": [False, True],
    }


def test_masks_that_do_not_fit_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    masks = tmp_path / "masks"
    with pytest.raises(ImageSourceError, match="no folder of masks"):
        open_folder(tmp_path / "images", masks=str(masks))
    mask(masks / "b__cat.png")
    with pytest.raises(ImageSourceError, match="holds no mask of these images"):
        open_folder(tmp_path / "images", masks=str(masks))
    mask(masks / "a__cat.png", size=(20, 40), left=2)
    source = open_folder(tmp_path / "images", masks=str(masks))
    with pytest.raises(ImageSourceError, match="has not the shape of its image") as caught:
        source.masks(source.ids)
    assert (caught.value.expected, caught.value.got) == ("40 x 20 pixels, upright", "20 x 40")
    with pytest.raises(ImageSourceError, match="has no masks"):
        open_folder(tmp_path / "images").masks([])


def test_the_world_has_masks_of_its_labels() -> None:
    world = WorldSource("images=2", ImagesSpec(source="world:images=2", canvas=32))
    assert isinstance(world, MaskedSource)
    found = world.masks(world.ids)
    assert found.shape == (2, len(world.mask_names), 32, 32)
    labels = world.read(world.ids).labels
    assert labels is not None
    assert bool((found.flatten(2).any(2) <= labels).all())


def test_labels_of_folders_are_refused_where_there_are_none() -> None:
    table = {
        "name": "t",
        "images": {"source": "world:images=3", "labels": "folders", "crop": "pad"},
        "backbones": [{"name": "a", "model": "timm:resnet18"}],
        "activations": {"grid": 4},
        "usae": {"concepts": 4, "k": 2},
        "training": {"steps": 1},
    }
    with pytest.raises(RecipeError, match="labels goes with folder:PATH"):
        parse_recipe(table)
    table["images"] = {"source": "folder:/x", "crop": "squash", "crop_pct": 0.9}
    with pytest.raises(RecipeError, match="crop_pct goes with crop = 'center'"):
        parse_recipe(table)


@pytest.mark.real
def test_the_coco_masks_lie_on_their_photographs(real_data: Path) -> None:
    source = open_folder(
        real_data / "images" / "coco", masks=str(real_data / "masks" / "coco"), canvas=64
    )
    assert "person" in source.mask_names
    found = source.masks(source.ids)
    labels = source.labels(source.ids)
    assert labels is not None
    assert found.flatten(2).any(2).sum() > 0.9 * labels.sum()  # a crop may cut a thing off
