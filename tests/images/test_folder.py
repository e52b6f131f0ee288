from __future__ import annotations

import hashlib
import shutil
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from usae_viz.errors import ImageSourceError
from usae_viz.images import ImageBatch, ImageSource, batches, is_validation, open_source, split_ids
from usae_viz.recipe import ImagesSpec

Photos = Callable[..., Path]


def folder_source(folder: Path, **fields: object) -> ImageSource:
    table = {"source": f"folder:{folder}", "canvas": 16, **fields}
    return open_source(ImagesSpec.model_validate(table))


def names(source: ImageSource) -> set[str]:
    return {Path(source.where(image_id)).name for image_id in source.ids}


def test_the_folder_source_is_an_image_source(photos: Photos) -> None:
    source = folder_source(photos(3))
    assert isinstance(source, ImageSource)
    assert source.label_names == ()
    assert source.read(source.ids[:1]).labels is None


def test_ids_are_the_content_hashes_sorted(photos: Photos) -> None:
    folder = photos(4)
    hashes = sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir())
    assert folder_source(folder).ids == tuple(hashes)


def test_folders_are_searched_in_depth_without_hidden_ones(photos: Photos) -> None:
    folder = photos(3)
    for place in ("a/b/DEEP.PNG", ".hidden.png", ".cache/x.png", "a/.git/y.png", "a/._z.png"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "000.png", folder / place)
    (folder / "000.png").unlink()
    (folder / "folder.jpg").mkdir()
    (folder / "notes.txt").write_text("no image")
    source = folder_source(folder)
    assert names(source) == {"001.png", "002.png", "DEEP.PNG"}
    assert source.problems == []


def test_ids_survive_renaming_and_moving(photos: Photos) -> None:
    folder = photos(4)
    before = folder_source(folder)
    images = before.read(before.ids).images
    (folder / "sub").mkdir()
    (folder / "002.png").rename(folder / "sub" / "another name.png")
    after = folder_source(folder)
    assert after.ids == before.ids
    assert torch.equal(after.read(after.ids).images, images)


def test_the_same_bytes_twice_count_once_and_are_named(photos: Photos) -> None:
    folder = photos(3)
    shutil.copy(folder / "001.png", folder / "copy.png")
    source = folder_source(folder)
    assert len(source.ids) == 3
    (problem,) = source.problems
    assert problem.where.endswith("copy.png")
    assert problem.reason == "the same bytes as 001.png"


def test_unusable_files_are_named_each_once_and_the_rest_is_read(photos: Photos) -> None:
    folder = photos(5)
    (folder / "empty.png").write_bytes(b"")
    (folder / "letter.jpg").write_text("this is a letter")
    whole = (folder / "003.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "link.png").symlink_to(folder / "nowhere.png")
    source = folder_source(folder)
    for _ in range(2):
        batch = source.read(source.ids)
        assert len(batch.ids) == 5
        assert batch.images.shape == (5, 3, 16, 16)
    reasons = {Path(where).name: reason for where, reason in source.problems}
    assert len(source.problems) == 4
    assert reasons.keys() == {"empty.png", "letter.jpg", "cut.png", "link.png"}
    assert reasons["empty.png"] == "the file is empty"
    assert reasons["letter.jpg"] == "the file is no readable image"


def test_rows_belong_to_their_ids_in_any_order(photos: Photos) -> None:
    folder = photos(6)
    source = folder_source(folder)
    chosen = [source.ids[i] for i in (4, 0, 5)]
    batch = source.read(chosen)
    assert batch.ids == chosen
    for image_id, image in zip(batch.ids, batch.images, strict=True):
        assert torch.equal(image, source.read([image_id]).images[0])
    assert not torch.equal(batch.images[0], batch.images[1])


def test_a_file_that_vanished_is_a_problem_and_no_failure(photos: Photos) -> None:
    folder = photos(2)
    source = folder_source(folder)
    Path(source.where(source.ids[0])).unlink()
    batch = source.read(source.ids)
    assert batch.ids == [source.ids[1]]
    assert "No such file" in source.problems[0].reason
    nothing = source.read(source.ids[:1])
    assert nothing.ids == []
    assert nothing.images.shape == (0, 3, 16, 16)


def test_decoding_leaves_the_warning_filters_of_the_process_alone(photos: Photos) -> None:
    folder = photos(30)
    broken_exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    Image.new("RGB", (20, 20), "red").save(folder / "exif.jpg", exif=broken_exif)
    source = folder_source(folder)
    before = list(warnings.filters)
    assert len(source.read(source.ids).ids) == 31
    assert source.problems == []
    assert list(warnings.filters) == before


def test_canvas_and_crop_come_from_the_recipe(tmp_path: Path) -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    center = folder_source(tmp_path, canvas=10)
    squash = folder_source(tmp_path, canvas=12, crop="squash")
    assert center.read(center.ids).images.float().mean() > 240
    image = squash.read(squash.ids).images
    assert image.shape == (1, 3, 12, 12)
    assert 60 < image.float().mean() < 110


def test_a_folder_without_images_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ImageSourceError, match="there is no folder"):
        folder_source(tmp_path / "none")
    with pytest.raises(ImageSourceError, match="there is no folder ''"):
        open_source(ImagesSpec(source="folder:"))
    with pytest.raises(ImageSourceError, match="holds no usable image"):
        folder_source(tmp_path)
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(ImageSourceError, match="1 such files, 1 of them unusable"):
        folder_source(tmp_path)


def test_limit_keeps_both_sides_of_the_split(photos: Photos) -> None:
    source = folder_source(photos(60), limit=20)
    assert source.ids == folder_source(photos(60)).ids[:20]
    train = split_ids(source, "train", 0.3)
    validation = split_ids(source, "validation", 0.3)
    assert len(train) + len(validation) == 20
    assert 1 <= len(validation) <= 14


def test_split_is_fixed_by_each_image_alone(photos: Photos) -> None:
    few = folder_source(photos(20))
    many = folder_source(photos(50))
    assert set(few.ids) < set(many.ids)
    held_out = set(split_ids(many, "validation", 0.3))
    assert set(split_ids(few, "validation", 0.3)) == held_out & set(few.ids)
    assert 5 <= len(held_out) <= 25


def test_the_two_sides_make_up_all_images_and_grow_with_the_share() -> None:
    ids = [hashlib.sha256(bytes([i, j])).hexdigest() for i in range(40) for j in range(50)]
    shares = [sum(is_validation(i, share) for i in ids) / len(ids) for share in (0, 0.1, 0.5)]
    assert shares[0] == 0
    assert abs(shares[1] - 0.1) < 0.03
    assert abs(shares[2] - 0.5) < 0.05
    assert all(is_validation(i, 0.5) for i in ids if is_validation(i, 0.1))


def test_split_names(photos: Photos) -> None:
    source = folder_source(photos(10))
    train, validation = (split_ids(source, side, 0.5) for side in ("train", "validation"))
    assert sorted(train + validation) == split_ids(source, "all", 0.5) == list(source.ids)


def test_batches_keep_the_order_and_leave_out_what_cannot_be_read(photos: Photos) -> None:
    folder = photos(7)
    source = folder_source(folder)
    broken = source.ids[2:4]
    for image_id in broken:
        Path(source.where(image_id)).write_bytes(b"broken")
    got = [batch.ids for batch in batches(source, source.ids, 2)]
    assert got == [list(source.ids[0:2]), list(source.ids[4:6]), [source.ids[6]]]


def test_the_next_batches_are_read_while_one_is_used(photos: Photos) -> None:
    source = folder_source(photos(8))
    read, asked = source.read, threading.Semaphore(0)

    def counting(ids: Sequence[str]) -> ImageBatch:
        asked.release()
        return read(ids)

    source.read = counting  # type: ignore[method-assign]
    running = batches(source, source.ids, 1, ahead=2)
    assert next(running).ids == [source.ids[0]]
    for _ in range(3):  # the one that was given out, and two more without being asked for
        assert asked.acquire(timeout=10)
    assert not asked.acquire(timeout=0.05)
    running.close()  # type: ignore[attr-defined]
    assert not any("usae-viz-read" in thread.name for thread in threading.enumerate())


def test_a_source_that_fails_fails_where_its_batch_is_used(photos: Photos) -> None:
    source = folder_source(photos(4))
    read = source.read

    def failing(ids: Sequence[str]) -> ImageBatch:
        if source.ids[2] in ids:
            raise ImageSourceError("the disk is gone")
        return read(ids)

    source.read = failing  # type: ignore[method-assign]
    running = batches(source, source.ids, 2)
    assert next(running).ids == list(source.ids[:2])
    with pytest.raises(ImageSourceError, match="the disk is gone"):
        next(running)


def test_unknown_kinds_get_a_suggestion() -> None:
    with pytest.raises(ImageSourceError, match="did you mean 'folder'"):
        open_source(ImagesSpec(source="foldr:/x"))
    with pytest.raises(ImageSourceError, match="write folder:PATH"):
        open_source(ImagesSpec(source="/photos"))
