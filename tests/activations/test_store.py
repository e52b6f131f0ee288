from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.activations.store import Manifest, ShardRecord, Split, planned_shards, token_sums
from usae_viz.errors import StoreError

GRID, TOKENS = 2, 4
DIMS = {"a": 3, "b": 5}
Make = Callable[..., ActivationStore]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a store of `train` images in shards of 5 and `validation` ones in one.

    Channel 0 of every token is image * 10 + position, in both backbones; the others are noise.
    """

    def build(train: int = 13, validation: int = 3, dtype: torch.dtype = torch.float32) -> Path:
        generator = torch.Generator().manual_seed(0)
        folder = tmp_path / "activations"
        folder.mkdir()
        ids: dict[Split, list[str]] = {
            "train": [f"{n:064x}" for n in range(train)],
            "validation": [f"{n:064x}" for n in range(train, train + validation)],
        }
        shards = []
        for number, (split, members) in enumerate(planned_shards(ids, 5)):
            tensors: dict[str, Tensor] = {}
            images = torch.tensor([int(i, 16) for i in members]).view(-1, 1)
            for name, dim in DIMS.items():
                tokens = 3 * torch.randn((len(members), TOKENS, dim), generator=generator) + 1
                tokens[..., 0] = images * 10.0 + torch.arange(TOKENS)
                tensors[name] = tokens.to(dtype)
                sums = token_sums(tensors[name].flatten(0, 1))
                tensors[f"{name}/sum"], tensors[f"{name}/square"] = sums
            file = f"shard-{number:05d}.safetensors"
            save_file(tensors, folder / file)
            shards.append(ShardRecord(file=file, split=split, planned=members, ids=members))
        manifest = Manifest(preprocessing="x", grid=GRID, dims=DIMS, shards=shards)
        (folder / "manifest.json").write_text(manifest.model_dump_json())
        return folder

    return lambda *arguments, **fields: ActivationStore(build(*arguments, **fields))


def everything(store: ActivationStore, split: Split = "train") -> dict[str, np.ndarray]:
    rows = [rows for _, rows in store.image_batches(split, 4)]
    return {n: torch.cat([r[n] for r in rows]).flatten(0, 1).numpy() for n in store.names}


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_statistics_are_those_of_all_training_tokens(make: Make, dtype: torch.dtype) -> None:
    store = make(dtype=dtype)
    statistics = store.statistics()
    for name, tokens in everything(store).items():
        exact = tokens.astype(np.float64)
        assert len(exact) == 13 * TOKENS
        np.testing.assert_allclose(statistics[name].mean.numpy(), exact.mean(0), rtol=1e-6)
        scale = np.sqrt(exact.var(0).mean())
        np.testing.assert_allclose(statistics[name].scale, scale, rtol=1e-6)


def test_statistics_are_exact_where_the_mean_is_far_from_zero() -> None:
    tokens = torch.randn((4096, 2), generator=torch.Generator().manual_seed(0)) + 1000
    total, square = token_sums(tokens)
    variance = square / 4096 - (total / 4096) ** 2
    np.testing.assert_allclose(variance, tokens.numpy().astype(np.float64).var(0), rtol=1e-6)


def test_statistics_without_training_images_say_what_to_do(make: Make) -> None:
    with pytest.raises(StoreError, match="no training image") as caught:
        make(train=0).statistics()
    assert "validation" in str(caught.value.hint)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_image_batches_give_every_image_once_in_stored_order(make: Make, size: int) -> None:
    store = make()
    for split, first, count in (("train", 0, 13), ("validation", 13, 3)):
        got = list(store.image_batches(split, size))
        assert [i for ids, _ in got for i in ids] == store.ids(split)
        assert max(len(ids) for ids, _ in got) <= size
        numbers = torch.cat([rows["b"] for _, rows in got])[:, 0, 0] / 10
        assert numbers.tolist() == list(range(first, first + count))


def batches(
    store: ActivationStore, count: int, *, start: int = 0, seed: int = 0, buffer: int = 4
) -> list[dict[str, Tensor]]:
    stream = store.token_batches(3, seed=seed, buffer_images=buffer, start=start)
    return list(islice(stream, count))


def test_rows_of_a_batch_are_paired_across_backbones(make: Make) -> None:
    for batch in batches(make(dtype=torch.float16), 20):
        assert batch["a"].shape == (3, 3)
        assert batch["b"].shape == (3, 5)
        assert batch["a"].dtype == batch["b"].dtype == torch.float32
        assert torch.equal(batch["a"][:, 0], batch["b"][:, 0])


def test_tokens_of_a_batch_are_tokens_of_the_store(make: Make) -> None:
    store = make()
    known = {tuple(row) for row in everything(store)["b"].tolist()}
    drawn = {tuple(row) for batch in batches(store, 30) for row in batch["b"].tolist()}
    assert drawn <= known
    assert len(drawn) > len(known) / 2


def test_in_an_epoch_no_token_comes_twice_and_images_mix(make: Make) -> None:
    # 13 images in buffers of 4: 3 buffers an epoch, 16 tokens each, 5 batches of 3.
    got = batches(make(), 30)
    marks = [[float(v) for b in got[s : s + 15] for v in b["a"][:, 0]] for s in (0, 15)]
    for epoch in marks:
        assert len(epoch) == len(set(epoch)) == 45
    assert marks[0] != marks[1]
    in_buffer = [float(v) // 10 for b in got[:5] for v in b["a"][:, 0]]
    assert len(set(in_buffer)) == 4
    assert in_buffer != sorted(in_buffer)


def test_every_image_is_drawn_sooner_or_later(make: Make) -> None:
    seen = {float(v) // 10 for b in batches(make(), 150) for v in b["a"][:, 0]}
    assert seen == set(range(13))


def test_validation_images_never_train(make: Make) -> None:
    assert max(float(b["a"][:, 0].max()) for b in batches(make(), 60)) < 130


def test_the_same_seed_gives_the_same_batches(make: Make) -> None:
    store = make()
    one, same, other = batches(store, 20), batches(store, 20), batches(store, 20, seed=1)
    assert all(torch.equal(x["b"], y["b"]) for x, y in zip(one, same, strict=True))
    assert not all(torch.equal(x["b"], y["b"]) for x, y in zip(one, other, strict=True))


def test_batches_leave_the_global_generator_alone(make: Make) -> None:
    store = make()
    before = torch.get_rng_state()
    batches(store, 5)
    store.sample(8, seed=0)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("start", [1, 4, 5, 7, 15, 23, 41])
def test_a_resumed_stream_goes_on_where_it_was(make: Make, start: int) -> None:
    store = make()
    whole = batches(store, start + 12)[start:]
    resumed = batches(store, 12, start=start)
    assert all(torch.equal(x["b"], y["b"]) for x, y in zip(whole, resumed, strict=True))


def test_a_buffer_larger_than_the_store_is_the_store(make: Make) -> None:
    marks = [float(v) for b in batches(make(), 17, buffer=1000) for v in b["a"][:, 0]]
    assert len(set(marks)) == 51


def test_a_batch_larger_than_the_buffer_is_refused(make: Make) -> None:
    stream = make().token_batches(17, seed=0, buffer_images=4)
    with pytest.raises(StoreError, match="larger than the shuffle buffer") as caught:
        next(stream)
    assert caught.value.expected == "batch_tokens of at most 16"


def test_a_sample_is_paired_and_no_larger_than_the_store(make: Make) -> None:
    store = make()
    sample = store.sample(20, seed=0)
    assert (sample["a"].shape, sample["b"].shape) == ((20, 3), (20, 5))
    assert torch.equal(sample["a"][:, 0], sample["b"][:, 0])
    assert len(store.sample(10_000, seed=0)["a"]) == 13 * TOKENS


def test_a_folder_without_manifest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="usae-viz extract"):
        ActivationStore(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_shard_is_named(make: Make, share: float) -> None:
    folder = make().folder
    path = folder / "shard-00001.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(
        StoreError, match=r"shard-00001\.safetensors is missing or damaged"
    ) as caught:
        ActivationStore(folder)
    assert "extract again" in str(caught.value.hint)


def test_a_missing_shard_is_named(make: Make) -> None:
    folder = make().folder
    (folder / "shard-00002.safetensors").unlink()
    with pytest.raises(StoreError, match=r"shard-00002\.safetensors is missing or damaged"):
        ActivationStore(folder)


def test_a_shard_of_another_shape_is_named(make: Make) -> None:
    folder = make().folder
    (folder / "shard-00003.safetensors").replace(folder / "shard-00000.safetensors")
    with pytest.raises(StoreError, match=r"shard-00000\.safetensors does not match") as caught:
        ActivationStore(folder)
    assert (caught.value.expected, caught.value.got) == ("[5, 4, 3]", "[3, 4, 3]")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99, "new": 1}, "another format"), ({"grid": "two"}, "no manifest of a store")],
)
def test_other_manifests_are_refused(make: Make, change: dict[str, object], message: str) -> None:
    folder = make().folder
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(StoreError, match=message):
        ActivationStore(folder)


def test_shards_are_planned_by_split_in_order() -> None:
    plan = planned_shards({"train": ["1", "2", "3"], "validation": ["4"]}, 2)
    assert plan == [("train", ("1", "2")), ("train", ("3",)), ("validation", ("4",))]
    assert planned_shards({"train": []}, 2) == []
