from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from usae_viz.activations import ActivationStore
from usae_viz.activations.manifest import Manifest, ShardRecord, digest, planned_shards
from usae_viz.activations.shard import Shard, Split, write_shard
from usae_viz.activations.statistics import Moments, write_moments
from usae_viz.errors import StoreError

GRID, TOKENS = 2, 4
DIMS = {"a": 3, "b": 5}
PREPROCESSING = {"images": {"canvas": 8}}
Make = Callable[..., ActivationStore]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a store of `train` images in shards of 5 and `validation` ones in one.

    Channel 0 of every token is image * 10 + position, in both backbones; the others are noise.
    """

    def build(train: int = 13, validation: int = 3, dtype: torch.dtype = torch.float32) -> Path:
        generator = torch.Generator().manual_seed(0)
        folder = tmp_path / "activations"
        ids: dict[Split, list[str]] = {
            "train": [f"{n:064x}" for n in range(train)],
            "validation": [f"{n:064x}" for n in range(train, train + validation)],
        }
        records, total = [], {name: Moments(dim) for name, dim in DIMS.items()}
        for file, (split, members) in planned_shards(ids, 5).items():
            tokens: dict[str, Tensor] = {}
            moments = {name: Moments(dim) for name, dim in DIMS.items()}
            images = torch.tensor([int(i, 16) for i in members]).view(-1, 1)
            for name, dim in DIMS.items():
                values = 3 * torch.randn((len(members), TOKENS, dim), generator=generator) + 1
                values[..., 0] = images * 10.0 + torch.arange(TOKENS)
                tokens[name] = values.to(dtype)
                moments[name].add(tokens[name].flatten(0, 1))
                if split == "train":
                    total[name].merge(moments[name])
            write_shard(
                folder / file,
                preprocessing=digest(PREPROCESSING),
                split=split,
                planned=members,
                skipped=(),
                ids=members,
                tokens=tokens,
                moments=moments,
            )
            header = Shard(folder / file).header
            records.append(ShardRecord(file=file, split=split, images=len(members), header=header))
        manifest = Manifest(
            preprocessing=PREPROCESSING,
            images="all",
            grid=GRID,
            dtype=str(dtype).removeprefix("torch."),
            dims=DIMS,
            shards=records,
            statistics=write_moments(folder / "statistics.safetensors", total, "all"),
        )
        (folder / "manifest.json").write_text(manifest.model_dump_json())
        return folder

    return lambda *arguments, **fields: ActivationStore(build(*arguments, **fields))


def everything(store: ActivationStore, split: Split = "train") -> dict[str, np.ndarray]:
    rows = [rows for _, rows in store.image_batches(split, 4)]
    return {n: torch.cat([r[n] for r in rows]).flatten(0, 1).numpy() for n in store.names}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_statistics_are_those_of_all_training_tokens(make: Make, dtype: torch.dtype) -> None:
    store = make(dtype=dtype)
    statistics = store.statistics()
    for name, tokens in everything(store).items():
        exact = tokens.astype(np.float64)
        assert len(exact) == statistics[name].tokens == 13 * TOKENS
        np.testing.assert_allclose(statistics[name].mean.numpy(), exact.mean(0), rtol=1e-6)
        np.testing.assert_allclose(statistics[name].variance.numpy(), exact.var(0), rtol=1e-5)
        scale = np.sqrt(exact.var(0).mean())
        np.testing.assert_allclose(statistics[name].scale, scale, rtol=1e-6)


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
        assert batch["a"].dtype == batch["b"].dtype == torch.float16
        assert torch.equal(batch["a"][:, 0], batch["b"][:, 0])


def test_a_batch_that_is_kept_stays_as_it_was(make: Make) -> None:
    stream = make(dtype=torch.float16).token_batches(3, seed=0, buffer_images=4)
    some = (batch["b"] for number, batch in enumerate(islice(stream, 60)) if number % 7 == 0)
    kept = [(batch, batch.clone()) for batch in some]
    assert all(torch.equal(batch, copy) for batch, copy in kept)


def test_tokens_of_a_batch_are_tokens_of_the_store(make: Make) -> None:
    store = make()
    known = {tuple(row) for row in everything(store)["b"].tolist()}
    drawn = {tuple(row) for batch in batches(store, 30) for row in batch["b"].tolist()}
    assert drawn <= known
    assert len(drawn) > len(known) / 2


def test_in_an_epoch_no_token_comes_twice_and_images_mix(make: Make) -> None:
    # 13 images in buffers of 3, 3, 3 and 4: 12 or 16 tokens each, 4 + 4 + 4 + 5 batches of 3.
    got = batches(make(), 34)
    marks = [[float(v) for b in got[s : s + 17] for v in b["a"][:, 0]] for s in (0, 17)]
    for epoch in marks:
        assert len(epoch) == len(set(epoch)) == 51
        assert len({v // 10 for v in epoch}) == 13
    assert marks[0] != marks[1]
    in_buffer = [float(v) // 10 for b in got[:4] for v in b["a"][:, 0]]
    assert len(set(in_buffer)) == 3
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
    assert caught.value.expected == "batch_tokens of at most 12"


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
    with pytest.raises(StoreError, match=r"shard-00001\.safetensors is damaged") as caught:
        ActivationStore(folder)
    assert "extract again" in str(caught.value.hint)


def test_a_missing_shard_is_named(make: Make) -> None:
    folder = make().folder
    (folder / "shard-00002.safetensors").unlink()
    with pytest.raises(StoreError, match=r"shard-00002\.safetensors is missing"):
        ActivationStore(folder)


def test_another_shard_in_its_place_is_named(make: Make) -> None:
    folder = make().folder
    (folder / "shard-00001.safetensors").replace(folder / "shard-00000.safetensors")
    with pytest.raises(StoreError, match=r"shard-00000\.safetensors is not the shard"):
        ActivationStore(folder)


def test_every_flipped_bit_is_found_and_named(make: Make) -> None:
    """In the tokens, ids and moments by `verify`; in the header already when it is opened."""
    folder = make().folder
    path = folder / "shard-00002.safetensors"
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    places = np.random.default_rng(0).integers(0, len(whole), 60)
    assert (places < header).any()
    assert (places > header).any()
    for place in places.tolist():
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"shard-00002\.safetensors"):
            ActivationStore(folder).verify()
        if place >= header:
            ActivationStore(folder)
    path.write_bytes(whole)
    ActivationStore(folder).verify()


def test_all_damaged_shards_are_named_at_once(make: Make) -> None:
    store = make()
    for number in (0, 3):
        path = store.folder / f"shard-0000{number}.safetensors"
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StoreError, match=r"2 shards .*\n.*shard-00000.*\n.*shard-00003"):
        store.verify()


def test_damaged_statistics_are_refused(make: Make) -> None:
    store = make()
    path = store.folder / "statistics.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match=r"statistics\.safetensors is missing or damaged"):
        store.statistics()


def test_an_unfinished_store_says_so(make: Make) -> None:
    folder = make().folder
    (folder / "manifest.json").unlink()
    with pytest.raises(StoreError, match="is not finished"):
        ActivationStore(folder)


def test_a_store_is_read_by_safetensors_alone(make: Make) -> None:
    store = make(dtype=torch.bfloat16)
    tensors = load_file(store.folder / "shard-00001.safetensors")
    assert tensors["b"].dtype == torch.bfloat16
    assert bytes(tensors["images/id"][2].numpy()).hex() == store.ids("train")[7]
    ids, rows = next(iter(store.image_batches("train", 8)))
    assert ids == store.ids("train")[:5]
    assert torch.equal(rows["b"], load_file(store.folder / "shard-00000.safetensors")["b"].float())


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
    assert list(plan.items()) == [
        ("shard-00000.safetensors", ("train", ("1", "2"))),
        ("shard-00001.safetensors", ("train", ("3",))),
        ("shard-00002.safetensors", ("validation", ("4",))),
    ]
    assert planned_shards({"train": []}, 2) == {}


def test_a_shard_weighs_what_its_tokens_do(tmp_path: Path) -> None:
    members = [f"{n:064x}" for n in range(64)]
    tokens = {name: torch.zeros((64, 196, 192), dtype=torch.float16) for name in "abc"}
    moments = {name: Moments(192) for name in "abc"}
    path = tmp_path / "shard-00000.safetensors"
    write_shard(
        path,
        preprocessing="",
        split="train",
        planned=members,
        skipped=(),
        ids=members,
        tokens=tokens,
        moments=moments,
    )
    assert 1 < path.stat().st_size / (64 * 196 * 3 * 192 * 2) < 1.005
