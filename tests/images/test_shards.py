from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from usae_viz.errors import ImageSourceError
from usae_viz.images import MaskedSource, cache, open_source, shards, source_sha256
from usae_viz.images.patterns import shard_paths
from usae_viz.images.shards import TarSource
from usae_viz.recipe import ImagesSpec


def png(seed: int, *, size: tuple[int, int] = (24, 24)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def mask() -> bytes:
    pixels = np.zeros((24, 24), np.uint8)
    pixels[:12] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def open_tar(where: object, **fields: object) -> TarSource:
    spec = ImagesSpec.model_validate({"source": f"tar:{where}", "canvas": 24, **fields})
    source = open_source(spec)
    assert isinstance(source, TarSource)
    return source


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_images_are_read_from_their_place_in_the_shards(tmp_path: Path) -> None:
    pictures = [png(seed) for seed in range(6)]
    for shard in range(2):
        write_tar(
            tmp_path / f"s-{shard:03d}.tar",
            [(f"dir/{n}.png", pictures[n]) for n in range(3 * shard, 3 * shard + 3)],
        )
    source = open_tar(tmp_path)
    assert list(source.ids) == sorted(map(sha, pictures))
    batch = source.read([sha(data) for data in pictures])
    for data, image in zip(pictures, batch.images, strict=True):
        expected = torch.from_numpy(np.array(Image.open(io.BytesIO(data)))).permute(2, 0, 1)
        assert torch.equal(image, expected)
    assert source.where(sha(pictures[4])) == f"{tmp_path}/s-001.tar/dir/4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s-000.tar", "s-001.tar"]
    assert (source.label_names, source.problems) == ((), [])


def test_the_same_files_in_a_folder_and_in_shards_are_the_same_images(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for number in range(4):
        (tmp_path / "files" / f"{number}.png").write_bytes(png(number, size=(40, 30)))
    members = [(path.name, path.read_bytes()) for path in (tmp_path / "files").iterdir()]
    tar = open_tar(write_tar(tmp_path / "s.tar", members))
    folder = open_source(ImagesSpec(source=f"folder:{tmp_path / 'files'}", canvas=24))
    assert tar.ids == folder.ids
    assert source_sha256(tar) == source_sha256(folder)
    assert torch.equal(tar.read(tar.ids).images, folder.read(folder.ids).images)


def test_classes_come_from_cls_or_json_and_all_else_is_kept(tmp_path: Path) -> None:
    samples = {
        "a": {"png": png(0), "cls": b"10\n", "json": b'{"label": "ignored"}'},
        "b": {"json": json.dumps({"labels": ["x", 2]}).encode(), "jpg": png(1)},
        "c": {"png": png(2), "txt": "a photograph of a café".encode(), "cls": b"2"},
        "d": {"png": png(3), "json": b"[1]"},
        "e": {"png": png(4), "json": b"[" * 100_000, "cls.bak": b"7"},
        "no image": {"txt": b"words", "cls": b"5"},
    }
    write_tar(
        tmp_path / "s.tar",
        [(f"{key}.{end}", data) for key, parts in samples.items() for end, data in parts.items()],
    )
    source = open_tar(tmp_path / "s.tar")
    assert source.label_names == ("2", "10", "x")
    images = {
        key: sha(parts.get("png") or parts["jpg"]) for key, parts in list(samples.items())[:-1]
    }
    found = source.labels([images[key] for key in "abcd"])
    assert found is not None
    assert found.int().tolist() == [[0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert source.about(images["c"]) == {k: v for k, v in samples["c"].items() if k != "png"}
    assert source.about(images["b"]).keys() == {"json"}
    (problem,) = source.problems
    assert problem.where.endswith("s.tar/e.png")
    assert "label cannot be read" in problem.reason


def test_masks_lie_beside_their_image(tmp_path: Path) -> None:
    members = [("a.png", png(0)), ("a.sky.mask.png", mask()), ("b.jpg", png(1))]
    source = open_tar(write_tar(tmp_path / "s.tar", members))
    assert isinstance(source, MaskedSource)
    assert len(source.ids) == 2
    assert (source.mask_names, source.label_names) == (("sky",), ("sky",))
    found = source.masks([sha(members[2][1]), sha(members[0][1])])
    assert not found[0].any()
    assert found[1, 0, :12].all()
    assert not found[1, 0, 12:].any()


def test_a_segmentation_beside_it_is_not_taken_for_the_image(tmp_path: Path) -> None:
    members = [("a.seg.png", png(0)), ("a.png", png(1)), ("b.only.png", png(2))]
    source = open_tar(write_tar(tmp_path / "s.tar", members))
    assert list(source.ids) == sorted([sha(png(1)), sha(png(2))])


def test_shards_are_scanned_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "GRAIN_NS", 0)
    for shard in range(3):
        write_tar(tmp_path / f"{shard}.tar", [("a.png", png(shard)), ("a.cls", b"7")])
    seen: list[str] = []
    scan = shards._scan
    monkeypatch.setattr(
        shards, "_scan", lambda path, size: (seen.append(path), scan(path, size))[1]
    )
    before = open_tar(tmp_path)
    assert len(seen) == 3
    seen.clear()
    write_tar(tmp_path / "1.tar", [("a.png", png(9)), ("a.cls", b"7")])
    after = open_tar(tmp_path)
    assert [Path(path).name for path in seen] == ["1.tar"]
    assert set(after.ids) - set(before.ids) == {sha(png(9))}
    assert after.label_names == ("7",)
    assert after.read(after.ids).ids == list(after.ids)


def test_a_shard_that_changed_under_an_open_source_gives_no_wrong_image(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "s.tar", [("a.png", png(0)), ("b.png", png(1))])
    source = open_tar(path)
    write_tar(path, [("a.png", png(2)), ("b.png", png(1))])
    assert source.read(source.ids).ids == [sha(png(1))]
    path.write_bytes(b"gone" * 1000)
    with pytest.raises(ImageSourceError, match="cannot be read"):
        source.about(source.ids[0])
    assert [problem.reason for problem in source.problems] == [
        "the image has changed since it was listed"
    ]


def test_names_that_lead_outside_are_only_names(tmp_path: Path) -> None:
    members = [("../../evil.png", png(0)), ("/etc/passwd.png", png(1)), ("c:\\x.png", png(2))]
    path = write_tar(tmp_path / "in" / "s.tar", members)
    source = open_tar(path)
    assert len(source.read(source.ids).ids) == 3
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "s.tar"]


def test_links_and_devices_are_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (
            ("link.png", tarfile.SYMTYPE),
            ("pipe.png", tarfile.FIFOTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        info = tarfile.TarInfo("good.png")
        info.size = len(png(0))
        tar.addfile(info, io.BytesIO(png(0)))
    source = open_tar(path)
    assert list(source.ids) == [sha(png(0))]
    assert [p.where.rsplit("/", 1)[-1] for p in source.problems] == ["link.png", "pipe.png"]


def test_bad_images_in_a_shard_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = png(0)
    members = [
        ("a.png", whole),
        ("cut.png", whole[:200]),
        ("empty.png", b""),
        ("text.jpg", b"a letter"),
        ("again.png", whole),
        (".hidden.png", png(5)),
        ("x/._mac.png", b"junk"),
    ]
    source = open_tar(write_tar(tmp_path / "s.tar", members))
    assert source.read(source.ids).ids == [sha(whole)]
    reasons = {p.where.rsplit("/", 1)[-1]: p.reason for p in source.problems}
    assert reasons == {
        "cut": "the file is no readable image",
        "empty.png": "the file is empty",
        "text": "the file is no readable image",
        "again": "the same bytes as a",
    }


def test_a_shard_that_was_cut_short_keeps_what_is_whole_and_says_so(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "s.tar", [(f"{n}.png", png(n)) for n in range(4)])
    with tarfile.open(path) as tar:
        end = tar.getmembers()[2].offset_data + 100
    path.write_bytes(path.read_bytes()[:end])
    write_tar(tmp_path / "whole.tar", [("w.png", png(9))])
    source = open_tar(tmp_path)
    assert sha(png(0)) in source.ids
    assert sha(png(9)) in source.ids
    assert len(source.read(source.ids).ids) == len(source.ids) == 3
    assert any("ends within" in p.reason or "damaged" in p.reason for p in source.problems)


def test_a_damaged_header_in_the_middle_is_noticed(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "s.tar", [(f"{n}.png", png(n)) for n in range(4)])
    with tarfile.open(path) as tar:
        third = tar.getmembers()[2].offset
    data = bytearray(path.read_bytes())
    data[third : third + 300] = b"\xff" * 300
    path.write_bytes(bytes(data))
    source = open_tar(path)
    assert len(source.ids) == 2
    assert any("damaged" in problem.reason for problem in source.problems)


def test_shards_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageSourceError, match="there is no shard"):
        open_tar(tmp_path / "none.tar")
    with pytest.raises(ImageSourceError, match="there is no shard ''"):
        open_tar("")
    with pytest.raises(ImageSourceError, match="holds no tar file"):
        open_tar(tmp_path)
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    with pytest.raises(ImageSourceError, match="is compressed"):
        open_tar(tmp_path)
    (tmp_path / "packed.tar").write_bytes(b"this is no archive at all" * 100)
    with pytest.raises(ImageSourceError, match="no usable image"):
        open_tar(tmp_path)


def test_patterns_name_shards_as_webdataset_does(tmp_path: Path) -> None:
    for name in ("a-000", "a-001", "a-002", "b-000", "odd[1]"):
        write_tar(tmp_path / f"{name}.tar", [("x.png", png(0))])

    def names(pattern: str) -> list[str]:
        return [Path(path).stem for path in shard_paths(f"{tmp_path}/{pattern}")]

    assert names("a-{000..001}.tar") == ["a-000", "a-001"]
    assert names("{a,b}-000.tar") == ["a-000", "b-000"]
    assert names("a-*.tar") == ["a-000", "a-001", "a-002"]
    assert names("odd[1].tar") == ["odd[1]"]
    with pytest.raises(ImageSourceError, match=r"there is no shard '.*a-003\.tar'"):
        names("a-{000..003}.tar")
