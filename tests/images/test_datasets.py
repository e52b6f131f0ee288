"""Image sources that stand on other libraries' data sets."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from usae_viz.errors import ImageSourceError
from usae_viz.images import ImageSource, cache, open_source
from usae_viz.images.torchvision import TorchvisionSource
from usae_viz.recipe import ImagesSpec


def picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    picture(seed).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.array(picture(seed))).permute(2, 0, 1)


def opened(where: str, **fields: object) -> ImageSource:
    return open_source(ImagesSpec.model_validate({"source": where, "canvas": 20, **fields}))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two splits on disk, with class labels, several labels a row, and captions."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    classes = datasets.ClassLabel(names=["cat", "dog", "owl"])
    features = datasets.Features(
        {
            "caption": datasets.Value("string"),
            "photo": datasets.Image(),
            "depth": datasets.Image(),
            "kind": classes,
            "all": datasets.Sequence(classes),
        }
    )
    rows = {
        "caption": list("abcdef"),
        "photo": [{"bytes": png(n), "path": None} for n in (0, 1, 2, 3, 0)]
        + [{"bytes": b"no image", "path": None}],
        "depth": [{"bytes": png(n), "path": None} for n in range(10, 16)],
        "kind": [1, 0, 1, -1, 1, 2],
        "all": [[1], [0, 2], [], [2], [1], [0]],
    }
    table = datasets.Dataset.from_dict(rows, features=features)
    path = tmp_path_factory.mktemp("hf") / "set"
    datasets.DatasetDict({"train": table, "test": table.select([1, 2])}).save_to_disk(path)
    return path


def test_a_hugging_face_set_gives_images_and_class_labels(saved: Path) -> None:
    source = opened(f"huggingface:{saved}")
    assert source.label_names == ("cat", "dog", "owl")
    assert len(source.ids) == 5
    chosen = [hashlib.sha256(png(n)).hexdigest() for n in (3, 0, 1)]
    batch = source.read(chosen)
    assert batch.ids == chosen
    assert torch.equal(batch.images, torch.stack([pixels(3), pixels(0), pixels(1)]))
    assert batch.labels is not None
    assert batch.labels.int().tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert source.where(chosen[0]).endswith("set, row 3")
    assert source.read(source.ids).ids == [i for i in source.ids if i in map(sha, range(4))]
    assert sorted(problem.reason for problem in source.problems) == [
        "the file is no readable image",
        f"the same bytes as {saved.name}, row 0",
    ]


def sha(seed: int) -> str:
    return hashlib.sha256(png(seed)).hexdigest()


def test_split_column_and_labels_are_chosen_behind_the_name(saved: Path) -> None:
    test = opened(f"huggingface:{saved},split=test,image=depth,label=all")
    assert sorted(test.ids) == sorted([sha(11), sha(12)])
    labels = test.read([sha(11), sha(12)]).labels
    assert labels is not None
    assert labels.int().tolist() == [[1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (",split=tset", "did you mean 'test'"),
        (",image=caption", "expected: image= one of photo, depth"),
        (",label=caption", "expected: label= one of kind, all"),
        (",splt=test", "did you mean 'split'"),
    ],
)
def test_what_a_hugging_face_set_does_not_have_is_named(
    saved: Path, settings: str, message: str
) -> None:
    with pytest.raises(ImageSourceError, match=message):
        opened(f"huggingface:{saved}{settings}")


def test_a_folder_of_files_opens_as_datasets_opens_it(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    for number, kind in enumerate(("cat", "cat", "dog")):
        path = tmp_path / "files" / kind / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    source = opened(f"huggingface:{tmp_path / 'files'}")
    assert list(source.ids) == sorted(sha(n) for n in range(3))
    assert source.label_names == ("cat", "dog")
    labels = source.read([sha(2)]).labels
    assert labels is not None
    assert labels.int().tolist() == [[0, 1]]


def test_a_hugging_face_set_is_hashed_once(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from usae_viz.images.huggingface import HuggingFaceSource

    where = f"huggingface:{saved},split=test"
    before = opened(where)
    monkeypatch.setattr(HuggingFaceSource, "_hash", None)
    assert opened(where).ids == before.ids


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImageSourceError, match=r"pip install 'usae-viz\[huggingface\]'"):
        opened("huggingface:mnist")


def test_a_set_that_does_not_exist_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    datasets = pytest.importorskip("datasets")

    def offline(*_arguments: object, **_keywords: object) -> None:
        raise ConnectionError("cannot reach the hub")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(ImageSourceError, match="cannot be opened") as caught:
        opened("huggingface:nobody/nothing")
    assert "cannot reach the hub" in str(caught.value.got)


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    for number, kind in enumerate(("cat", "dog", "dog")):
        path = tmp_path / "tv" / kind / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return tmp_path / "tv"


def test_a_torchvision_set_gives_images_and_class_labels(image_folder: Path) -> None:
    source = opened(f"torchvision:ImageFolder,root={image_folder}")
    assert isinstance(source, TorchvisionSource)
    assert source.label_names == ("cat", "dog")
    by_item = {source.catalogue.item(image_id): image_id for image_id in source.ids}
    batch = source.read([by_item[2], by_item[0]])
    assert torch.equal(batch.images, torch.stack([pixels(2), pixels(0)]))
    assert batch.labels is not None
    assert batch.labels.int().tolist() == [[0, 1], [1, 0]]
    assert source.where(by_item[1]) == "ImageFolder, item 1"


def test_ids_of_a_torchvision_set_are_those_of_its_pixels(image_folder: Path) -> None:
    before = opened(f"torchvision:ImageFolder,root={image_folder}").ids
    for path in image_folder.rglob("*.png"):
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    assert opened(f"torchvision:ImageFolder,root={image_folder}").ids == before


def test_a_torchvision_set_is_decoded_once(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "GRAIN_NS", 0)
    where = f"torchvision:ImageFolder,root={image_folder}"
    before = opened(where)
    hash_one: Any = TorchvisionSource._hash
    monkeypatch.setattr(TorchvisionSource, "_hash", None)
    again = opened(where)
    assert again.ids == before.ids
    assert torch.equal(again.read(again.ids).labels, before.read(before.ids).labels)  # type: ignore[arg-type]
    monkeypatch.setattr(TorchvisionSource, "_hash", hash_one)
    next(image_folder.rglob("0.png")).write_bytes(png(9))
    assert opened(where).ids != before.ids


def test_a_set_that_draws_its_images_gives_the_same_ones_from_any_thread() -> None:
    source = opened("torchvision:FakeData,size=8,image_size=[3,16,16],num_classes=3")
    assert source.label_names == ()
    assert source.read(source.ids).ids == list(source.ids)
    assert len(source.ids) == 8
    assert source.problems == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("CIFAR,root=/x", "did you mean 'CIFAR10'"),
        ("CIFAR10,root=/nowhere", "cannot be made"),
        ("CIFAR10", "root"),
        ("FakeData,size=0", "no usable image"),
        ("ImageFolder,root=/nowhere,trian=1", "trian"),
    ],
)
def test_torchvision_sets_that_cannot_be_made_are_named(where: str, message: str) -> None:
    with pytest.raises(ImageSourceError, match=message):
        opened(f"torchvision:{where}")
