from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from usae_viz.images import cache, open_source
from usae_viz.images.folder import FolderSource
from usae_viz.recipe import ImagesSpec

Photos = Callable[..., Path]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USAE_VIZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Items whose files were read for their hash."""
    seen: list[int] = []
    original = FolderSource._hash
    monkeypatch.setattr(
        FolderSource, "_hash", lambda self, item: (seen.append(item), original(self, item))[1]
    )
    return seen


@pytest.fixture
def old_photos(photos: Photos) -> Callable[..., Path]:
    """Photographs that were written long ago."""

    def make(count: int) -> Path:
        folder = photos(count)
        _age(folder)
        return folder

    return make


def _age(folder: Path) -> None:
    for path in folder.iterdir():
        os.utime(path, (1e9, 1e9))


@pytest.fixture(autouse=True)
def _coarse_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    # The time of the last change of a file's inode cannot be set, so "long ago" is made short.
    monkeypatch.setattr(cache, "GRAIN_NS", 0)


def ids(folder: Path) -> list[str]:
    return list(open_source(ImagesSpec(source=f"folder:{folder}", canvas=16)).ids)


def contents(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir())


def test_a_second_opening_reads_only_what_is_new(
    old_photos: Photos, hashed: list[int], photos: Photos
) -> None:
    folder = old_photos(5)
    assert ids(folder) == contents(folder)
    assert len(hashed) == 5
    hashed.clear()
    assert ids(folder) == contents(folder)
    assert hashed == []
    photos(1, seed=9, name="photos/more")
    (folder / "more" / "000.png").rename(folder / "0005.png")
    (folder / "more").rmdir()
    assert ids(folder) == contents(folder)
    assert len(hashed) == 1


def test_a_changed_file_is_hashed_again_even_if_its_time_was_set_back(
    old_photos: Photos, hashed: list[int]
) -> None:
    folder = old_photos(3)
    ids(folder)
    path = folder / "001.png"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, (1e9, 1e9))
    hashed.clear()
    assert ids(folder) == contents(folder)
    assert len(hashed) == 1


def test_files_that_are_gone_are_forgotten(old_photos: Photos) -> None:
    folder = old_photos(4)
    ids(folder)
    for name in ("000.png", "003.png"):
        (folder / name).unlink()
    assert ids(folder) == contents(folder)
    assert [Path(path).name for path, _, _ in cache.recall(f"{folder}/")] == ["001.png", "002.png"]


def test_a_folder_beside_is_not_mixed_in(photos: Photos, tmp_path: Path) -> None:
    one, other = photos(2), photos(3, seed=1, name="photos2")
    assert (ids(one), ids(other), ids(one)) == (contents(one), contents(other), contents(one))
    assert len(list(cache.recall(f"{one}/"))) == 2
    assert len(list(cache.recall(str(tmp_path)))) == 5


def test_a_file_written_just_now_is_not_remembered(
    photos: Photos, hashed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "GRAIN_NS", 10**15)
    folder = photos(2)
    ids(folder)
    hashed.clear()
    ids(folder)
    assert len(hashed) == 2


def test_without_a_usable_cache_everything_still_works(
    old_photos: Photos, place: Path, hashed: list[int]
) -> None:
    folder = old_photos(3)
    place.write_text("a file where the folder should be")
    assert ids(folder) == contents(folder)
    place.unlink()
    place.mkdir()
    (place / "images.sqlite").write_text("this is no database" * 100)
    assert ids(folder) == contents(folder)
    hashed.clear()
    assert ids(folder) == contents(folder)
    assert hashed == []  # a new one was begun in place of the damaged one


def test_a_stale_entry_can_never_put_one_image_in_anothers_place(old_photos: Photos) -> None:
    folder = old_photos(2)
    source = open_source(ImagesSpec(source=f"folder:{folder}", canvas=16))
    first, second = (Path(source.where(image_id)) for image_id in source.ids)
    first.write_bytes(second.read_bytes())
    batch = source.read(source.ids)
    assert batch.ids == [source.ids[1]]
    assert source.problems[0].reason == "the image has changed since it was listed"


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    assert cache.cache_folder() == place
    monkeypatch.delenv("USAE_VIZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_folder() == Path("/x/usae-viz")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "usae-viz"
