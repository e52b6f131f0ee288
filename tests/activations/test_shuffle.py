from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from scipy import stats

from usae_viz.activations.prefetch import prefetched
from usae_viz.activations.shuffle import Buffer, gather, shuffled_buffers

IMAGES, TOKENS, BATCH = 600, 4, 50


def some(
    count: int, *, block: int, seed: int = 0, buffer: int = 128, start: int = 0
) -> list[Buffer]:
    buffers = shuffled_buffers(
        IMAGES, TOKENS, BATCH, seed=seed, buffer_images=buffer, block=block, start=start
    )
    return list(islice(buffers, count))


def parts_variance(kind: int, n: int = 120) -> float:
    """Return the variance of how many tokens of a batch come from `kind` images of the store.

    The buffer's n images are drawn without replacement from the store, the batch so from its
    tokens: what the buffer adds, and what the batch does given the buffer.
    """
    share, tokens = kind / IMAGES, n * TOKENS
    between = share * (1 - share) * (IMAGES - n) / (IMAGES - 1) / n
    within = (share * (1 - share) - between) * (tokens - BATCH) / (tokens - 1)
    return BATCH**2 * between + BATCH * within


def images_of(buffer: Buffer, batch: int) -> np.ndarray:
    return buffer.images[buffer.rows[batch] // TOKENS]


@pytest.mark.parametrize("block", [1, 2])
def test_every_epoch_holds_every_image_once_and_no_token_twice(block: int) -> None:
    for epoch in range(3):
        buffers = some(15, block=block)[5 * epoch : 5 * epoch + 5]
        images = np.concatenate([buffer.images for buffer in buffers])
        assert sorted(images) == list(range(IMAGES))
        for buffer in buffers:
            rows = buffer.rows.reshape(-1)
            assert len(np.unique(rows)) == len(rows) > len(buffer.images) * TOKENS - BATCH
            assert rows.max() < len(buffer.images) * TOKENS


@pytest.mark.parametrize("block", [1, 2])
def test_any_batch_draws_uniformly_from_the_whole_store(block: int) -> None:
    """Over seeds, a later batch falls evenly on the parts of the store and on positions."""
    seeds = 300
    images = np.zeros(IMAGES)
    positions = np.zeros(TOKENS)
    for seed in range(seeds):
        (buffer,) = some(1, block=block, seed=seed)
        np.add.at(images, images_of(buffer, 3), 1)
        np.add.at(positions, buffer.rows[3] % TOKENS, 1)
    parts = images.reshape(10, -1).sum(1)
    # Tokens of a batch hang together through their buffer, so counts vary by more than those of
    # free draws; blocks of two double what images add to that.
    one = parts_variance(IMAGES // 10) * seeds * block
    assert stats.chisquare(positions).pvalue > 1e-3
    scaled = ((parts - seeds * BATCH / 10) ** 2).sum() / one * 0.9
    assert stats.chi2.sf(scaled, 9) > 1e-3
    assert stats.chi2.cdf(scaled, 9) > 1e-4


def test_batches_mix_the_store_as_drawing_at_random_would() -> None:
    """A kind of image that fills a tenth of the store, all in one place, is in every batch alike.

    The share of it in a batch varies as in drawing tokens of a buffer without replacement, the
    buffer itself being drawn so from the store.
    """
    kind = 60
    counts = []
    for seed in range(300):
        (buffer,) = some(1, block=1, seed=seed)
        counts.append(int((images_of(buffer, 1) < kind).sum()))
    variance = parts_variance(kind)
    share = kind / IMAGES
    assert np.mean(counts) == pytest.approx(BATCH * share, abs=3.5 * np.sqrt(variance / 300))
    # The sample variance of 300 draws is within a third of the true one in all but 1 of 10,000.
    assert np.var(counts) == pytest.approx(variance, rel=0.35)


def test_no_two_neighbours_are_always_read_together() -> None:
    together = np.zeros(IMAGES - 1)
    for buffer in some(5 * 40, block=2):
        inside = np.isin(np.arange(IMAGES), buffer.images)
        together += inside[:-1] & inside[1:]
    assert together.max() < 40


@pytest.mark.parametrize("start", [1, 7, 11, 49, 500])
def test_skipping_gives_what_counting_would(start: int) -> None:
    def rows(buffers: list[Buffer]) -> np.ndarray:
        return np.concatenate(
            [b.images[r // TOKENS] * TOKENS + r % TOKENS for b in buffers for r in b.rows]
        )

    whole = rows(some(64, block=2))
    skipped = rows(some(3, block=2, start=start))
    assert np.array_equal(skipped, whole[start * BATCH :][: len(skipped)])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_rows_are_gathered_exactly(dtype: torch.dtype) -> None:
    tokens = torch.randn((50, 6), generator=torch.Generator().manual_seed(0)).to(dtype)
    rows = np.array([3, 49, 0, 3])
    got = gather(tokens, rows)
    assert got.dtype == dtype
    assert torch.equal(got, tokens[torch.from_numpy(rows)])


def test_what_is_made_ahead_comes_in_order_and_errors_where_they_happen() -> None:
    def broken() -> object:
        yield from range(5)
        raise ZeroDivisionError

    got = []
    with pytest.raises(ZeroDivisionError):
        got.extend(prefetched(broken()))  # type: ignore[arg-type]
    assert got == list(range(5))[: len(got)]
    reader = prefetched(iter(range(1000)), 3)
    assert list(islice(reader, 4)) == [0, 1, 2, 3]
    reader.close()


def test_closing_early_ends_the_maker() -> None:
    made, closed = [], []

    def endless() -> object:
        try:
            number = 0
            while True:
                made.append(number)
                yield number
                number += 1
        finally:
            closed.append(True)

    reader = prefetched(endless(), 2)  # type: ignore[arg-type]
    assert next(reader) == 0
    reader.close()
    assert closed == [True]
    assert len(made) <= 5
