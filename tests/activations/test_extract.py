from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.activations.conftest import Numbered, make_run, marked
from usae_viz.activations import ActivationStore, extract
from usae_viz.activations.extract import Progress
from usae_viz.backbones import Backbone, load_backbone
from usae_viz.errors import StoreError
from usae_viz.images import is_validation, open_source
from usae_viz.recipe import BackboneSpec, ImagesSpec, Recipe
from usae_viz.run import Run


def stored(store: ActivationStore) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for split in ("train", "validation"):
        for ids, rows in store.image_batches(split, 3):
            for position, image_id in enumerate(ids):
                yield image_id, {name: tokens[position] for name, tokens in rows.items()}


def contents(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.activations_dir.iterdir()}


def looked_at(backbones: dict[str, Backbone]) -> dict[str, int]:
    return {name: backbone.network.images for name, backbone in backbones.items()}  # type: ignore[misc]


def test_row_means_the_same_pixels_in_every_backbone(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    source = Numbered(23)
    seen = []
    for image_id, tokens in stored(extract(run, recipe, backbones, source)):
        expected = [(source.number[image_id], r, c) for r in range(4) for c in range(4)]
        assert tokens["a"].tolist() == [list(map(float, place)) for place in expected]
        assert tokens["b"].tolist() == [[r, 2 * c, n, n + r + c] for n, r, c in expected]
        seen.append(image_id)
    assert sorted(seen) == list(source.ids)


def test_splits_are_those_of_the_images(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    store = extract(run, recipe, backbones, Numbered(40))
    train, validation = store.ids("train"), store.ids("validation")
    assert len(train) + len(validation) == 40
    assert all(is_validation(i, 0.25) for i in validation)
    assert not any(is_validation(i, 0.25) for i in train)
    assert train
    assert validation


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("float16", torch.float16), ("bfloat16", torch.bfloat16), ("float32", torch.float32)],
)
def test_shards_hold_what_the_recipe_asks_for(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], dtype: str, kind: torch.dtype
) -> None:
    spec = recipe.activations.model_copy(update={"dtype": dtype})
    extract(run, recipe.model_copy(update={"activations": spec}), backbones, Numbered(10))
    shards = sorted(run.activations_dir.glob("shard-*.safetensors"))
    sizes = [len(load_file(shard)["a"]) for shard in shards]
    assert max(sizes) == 4
    assert sum(sizes) == 10
    tensors = load_file(shards[0])
    assert {tensors["a"].dtype, tensors["b"].dtype} == {kind}
    assert tensors["b/m2"].dtype == torch.float64


def test_a_second_call_computes_nothing(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(20))
    before = {p.name: p.stat().st_mtime_ns for p in run.activations_dir.glob("shard*")}
    assert looked_at(backbones) == {"a": 21, "b": 21}  # one more than 20: the probe of its shape
    again = Numbered(20)
    extract(run, recipe, backbones, again)
    assert again.asked == []
    assert looked_at(backbones) == {"a": 21, "b": 21}
    assert before == {p.name: p.stat().st_mtime_ns for p in run.activations_dir.glob("shard*")}


class StoppedError(Exception):
    """Stands for an interruption."""


def stop_after(images: int) -> Progress:
    def progress(_what: str, done: int, _total: int) -> None:
        if done >= images:
            raise StoppedError

    return progress


def test_interrupted_twice_each_image_of_a_finished_shard_is_read_once(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    for images in (11, 19):
        with pytest.raises(StoppedError):
            extract(run, recipe, backbones, Numbered(30), progress=stop_after(images))
    before = looked_at(backbones)["a"]
    # A shard in the middle is lost as well.
    lost = sorted(run.activations_dir.glob("shard*"))[1]
    lost.unlink()
    resumed = extract(run, recipe, backbones, Numbered(30))
    after = looked_at(backbones)["a"]
    whole = make_run(tmp_path / "whole", recipe)
    extract(whole, recipe, backbones, Numbered(30))
    # Two shards were cut short, one was lost: at most 4 images each are read again. One more is
    # the probe of the network's shape.
    assert 30 < after <= 1 + 30 + 3 * 4
    assert after - before < 30 - 11
    assert resumed is not None
    assert contents(run) == contents(whole)


def test_when_images_come_the_store_is_unfinished_until_they_are_in(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(12))
    # The old shards' members shift, and the call is interrupted.
    with pytest.raises(StoppedError):
        extract(run, recipe, backbones, Numbered(30), progress=stop_after(9))
    with pytest.raises(StoreError, match="is not finished"):
        ActivationStore(run.activations_dir)
    source = Numbered(30)
    complete = extract(run, recipe, backbones, source)
    assert complete is not None
    assert len(complete.ids("train")) + len(complete.ids("validation")) == 30
    for image_id, tokens in stored(complete):
        assert (tokens["a"][:, 0] == source.number[image_id]).all()


def test_when_images_go_the_shards_left_over_are_named(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(30))
    with pytest.raises(StoreError, match=r"shard-00003\.safetensors belongs to no image"):
        extract(run, recipe, backbones, Numbered(12))


def test_progress_counts_to_the_number_of_images(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    calls: list[tuple[str, int, int]] = []
    extract(run, recipe, backbones, Numbered(20), progress=lambda *call: calls.append(call))
    counts = [done for _, done, _ in calls]
    assert counts == sorted(counts)
    assert calls[-1] == ("extracting", 20, 20)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("images", {"crop": "squash"}),
        ("images", {"canvas": 16}),
        ("images", {"validation": 0.5}),
        ("activations", {"dtype": "float16"}),
        ("activations", {"grid": 2}),
        ("backbones", {"layer": 1}),
        ("backbones", {"final_norm": False}),
        ("backbones", {"kwargs": {"output_stride": 8}}),
    ],
)
def test_another_preprocessing_is_refused(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], part: str, change: dict[str, Any]
) -> None:
    extract(run, recipe, backbones, Numbered(8))
    if part == "backbones":
        first, *rest = recipe.backbones
        changed: Any = (first.model_copy(update=change), *rest)
    else:
        changed = getattr(recipe, part).model_copy(update=change)
    source = Numbered(8)
    with pytest.raises(StoreError, match="another preprocessing"):
        extract(run, recipe.model_copy(update={part: changed}), backbones, source)
    assert source.asked == []


def test_other_weights_are_another_preprocessing(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(8))
    backbones["b"].weights_sha256 = "other"
    with pytest.raises(StoreError, match="another preprocessing"):
        extract(run, recipe, backbones, Numbered(8))


def test_what_does_not_change_tokens_may_change(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(8))
    spec = recipe.activations.model_copy(update={"batch_images": 2})
    source = Numbered(8)
    extract(run, recipe.model_copy(update={"activations": spec, "seed": 9}), backbones, source)
    assert source.asked == []


def test_images_that_cannot_be_read_are_left_out_counted_and_named(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    for source in (Numbered(20, broken=[3, 4, 11]), Numbered(20, broken=[3, 4, 11])):
        store = extract(run, recipe, backbones, source)
        numbers = {source.number[i] for side in ("train", "validation") for i in store.ids(side)}
        assert numbers == set(range(20)) - {3, 4, 11}
        assert sorted(store.manifest.problems) == [
            ("number 11", "broken"),
            ("number 3", "broken"),
            ("number 4", "broken"),
        ]
        for image_id, tokens in stored(store):
            assert (tokens["a"][:, 0] == source.number[image_id]).all()


def test_without_any_readable_image_there_is_no_store(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    with pytest.raises(StoreError, match="no image could be read") as caught:
        extract(run, recipe, backbones, Numbered(5, broken=range(5)))
    assert "number 0: broken" in str(caught.value.got)


def test_a_real_folder_with_a_broken_picture(
    photos: Callable[..., Path],
    tiny_vit: Callable[..., BackboneSpec],
    tiny_recipe: Callable[..., Recipe],
    tmp_path: Path,
) -> None:
    folder = photos(9)
    whole = (folder / "004.png").read_bytes()
    (folder / "004.png").write_bytes(whole[: len(whole) // 2])
    specs = [tiny_vit("a", seed=1), tiny_vit("b", seed=2, layer=0)]
    recipe = tiny_recipe(backbones=[spec.model_dump(exclude_none=True) for spec in specs])
    source = open_source(ImagesSpec(source=f"folder:{folder}", canvas=32))
    backbones = {spec.name: load_backbone(spec, grid=4) for spec in specs}
    store = extract(make_run(tmp_path / "run", recipe), recipe, backbones, source)
    ((where, reason),) = store.manifest.problems
    assert where.endswith("004.png")
    assert reason == "the file is no readable image"
    for image_id, tokens in stored(store):
        image = source.read([image_id]).images.float() / 255
        for name, backbone in backbones.items():
            direct = backbone(image)[0].flatten(1).T
            # float16 keeps 11 significant bits.
            torch.testing.assert_close(tokens[name], direct, rtol=2**-10, atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "factor", "message"),
    [
        ("float16", 1e6, "float16 cannot hold"),
        ("float32", float("inf"), "not finite"),
        ("float16", float("nan"), "not finite"),
    ],
)
def test_values_that_cannot_be_stored_stop_the_extraction(
    run: Run, recipe: Recipe, dtype: str, factor: float, message: str
) -> None:
    spec = recipe.activations.model_copy(update={"dtype": dtype})
    backbones = {"a": marked("a", torch.eye(3)), "b": marked("b", torch.eye(3), factor)}
    with pytest.raises(StoreError, match=f"b has activations that (are )?{message}"):
        extract(run, recipe.model_copy(update={"activations": spec}), backbones, Numbered(5))


def test_large_values_fit_float32(run: Run, recipe: Recipe) -> None:
    backbones = {"a": marked("a", torch.eye(3)), "b": marked("b", torch.eye(3), 1e6)}
    store = extract(run, recipe, backbones, Numbered(5))
    assert max(float(tokens["b"].max()) for _, tokens in stored(store)) == 4e6


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_ranks_write_the_store_that_one_process_writes(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], tmp_path: Path, order: tuple[int, ...]
) -> None:
    whole = make_run(tmp_path / "whole", recipe)
    extract(whole, recipe, backbones, Numbered(30, broken=[3, 20]))
    sources = [Numbered(30, broken=[3, 20]) for _ in order]
    stores = [extract(run, recipe, backbones, sources[rank], rank=rank, ranks=3) for rank in order]
    assert [store is not None for store in stores] == [False, False, True]
    assert contents(run) == contents(whole)
    asked = [image_id for source in sources for image_id in source.asked]
    assert sorted(asked) == sorted(sources[0].ids)


def test_what_a_dead_rank_has_not_written_any_other_number_of_ranks_writes(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    whole = make_run(tmp_path / "whole", recipe)
    extract(whole, recipe, backbones, Numbered(30))
    with pytest.raises(StoppedError):
        extract(run, recipe, backbones, Numbered(30), rank=1, ranks=2, progress=stop_after(7))
    assert extract(run, recipe, backbones, Numbered(30), rank=0, ranks=2) is None
    kept = contents(run)
    assert extract(run, recipe, backbones, Numbered(30)) is not None
    assert contents(run) == contents(whole)
    assert kept.items() <= contents(run).items()


@pytest.mark.parametrize("part", ["tokens", "header", "length"])
def test_a_second_call_refuses_and_names_a_damaged_shard(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], part: str
) -> None:
    extract(run, recipe, backbones, Numbered(20))
    path = run.activations_dir / "shard-00001.safetensors"
    data = bytearray(path.read_bytes())
    if part == "length":
        del data[-1:]
    else:
        data[-1 if part == "tokens" else 12] ^= 4
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"shard-00001\.safetensors is damaged") as caught:
        extract(run, recipe, backbones, Numbered(20))
    assert "remove it and extract again" in str(caught.value.hint)
    path.unlink()
    store = extract(run, recipe, backbones, Numbered(20))
    assert store is not None
    store.verify()


def test_a_shard_of_another_preprocessing_is_refused_without_any_manifest(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    other = make_run(tmp_path / "other", recipe)
    backbones["b"].weights_sha256 = "other"
    extract(other, recipe, backbones, Numbered(20))
    backbones["b"].weights_sha256 = "b"
    with pytest.raises(StoppedError):
        extract(run, recipe, backbones, Numbered(20), progress=stop_after(6))
    file = "shard-00002.safetensors"
    (run.activations_dir / file).write_bytes((other.activations_dir / file).read_bytes())
    with pytest.raises(StoreError, match=rf"{file} was extracted under another preprocessing"):
        extract(run, recipe, backbones, Numbered(20))


def test_another_preprocessing_is_said_in_words(
    run: Run, recipe: Recipe, backbones: dict[str, Backbone]
) -> None:
    extract(run, recipe, backbones, Numbered(8))
    images = recipe.images.model_copy(update={"crop": "squash"})
    with pytest.raises(StoreError) as caught:
        extract(run, recipe.model_copy(update={"images": images}), backbones, Numbered(8))
    assert caught.value.expected == "images.crop = squash"
    assert caught.value.got == "images.crop = center"


def test_a_full_disk_is_a_clear_error_and_the_work_goes_on_after(
    run: Run,
    recipe: Recipe,
    backbones: dict[str, Backbone],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = make_run(tmp_path / "whole", recipe)
    extract(whole, recipe, backbones, Numbered(20))
    fsync, left = os.fsync, [2]

    def full(handle: int) -> None:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="could not be written") as caught:
            extract(run, recipe, backbones, Numbered(20))
    assert caught.value.got == "No space left on device"
    assert "make space" in str(caught.value.hint)
    assert len(contents(run)) == 2
    assert contents(run).items() <= contents(whole).items()
    extract(run, recipe, backbones, Numbered(20))
    assert contents(run) == contents(whole)
