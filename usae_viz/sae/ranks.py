"""The processes that train together: what one does alone, several do on shares of a batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, distributed

from usae_viz.errors import UsageError


class Ranks:
    """This process among those that train together; alone unless `open_ranks` says otherwise.

    Every rank reads the same batches and draws the same backbones, so that nothing has to be agreed
    on but gradients, and no rank can run out of batches before another.

    Attributes:
        number: of this process, from 0.
        count: of all processes.
        weight: of this process's mean in the mean over the whole batch, times `count`; set by
            `share_of`.
    """

    def __init__(self, number: int = 0, count: int = 1) -> None:
        self.number, self.count, self.weight = number, count, 1.0

    @property
    def first(self) -> bool:
        """True for the process that writes files and talks."""
        return self.number == 0

    def share_of(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this rank's rows of a batch; shares differ by at most one row.

        Raises:
            UsageError: there are fewer rows than ranks.
        """
        rows = len(next(iter(batch.values())))
        if rows < self.count:
            raise UsageError(
                "a batch is smaller than the number of processes",
                expected=f"training.batch_tokens of at least {self.count}",
                got=str(rows),
            )
        start, stop = (rows * r // self.count for r in (self.number, self.number + 1))
        self.weight = (stop - start) * self.count / rows
        return {name: tokens[start:stop] for name, tokens in batch.items()}

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace means over each rank's share by the mean over the whole batch, in place."""
        if self.count == 1:
            return
        # One message: many small ones cost more than copying them together.
        flat = torch.cat([tensor.flatten() for tensor in tensors]).mul_(self.weight / self.count)
        distributed.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def sum_(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by its sum over all ranks, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def largest(self, value: Tensor) -> int:
        """Return the largest of all ranks' values."""
        if self.count > 1:
            distributed.all_reduce(value, distributed.ReduceOp.MAX)
        return int(value)

    def gathered(self, values: Tensor) -> Tensor:
        """Return the values ``[n]`` of all ranks one after the other; n may differ."""
        if self.count == 1:
            return values
        sizes = [torch.zeros(1, dtype=torch.int64, device=values.device) for _ in range(self.count)]
        distributed.all_gather(sizes, torch.full_like(sizes[0], len(values)))
        lengths = [int(size) for size in sizes]
        # Messages of one length; what fills the shorter ones is cut off again.
        padded = values.new_zeros(max(lengths))
        padded[: len(values)] = values
        found = [torch.empty_like(padded) for _ in lengths]
        distributed.all_gather(found, padded)
        return torch.cat([own[:n] for own, n in zip(found, lengths, strict=True)])

    def agree(self, value: float) -> float:
        """Return the first rank's value: clocks differ, and what depends on them must not."""
        if self.count == 1:
            return value
        # Through the device of the backend: nccl moves nothing that lies on the host.
        nccl = distributed.get_backend() == "nccl"
        agreed = torch.tensor(value, dtype=torch.float64, device="cuda" if nccl else "cpu")
        distributed.broadcast(agreed, 0)
        return float(agreed)

    def common(self, values: set[int]) -> set[int]:
        """Return what is in the sets of all ranks."""
        if self.count == 1:
            return values
        found: list[set[int]] = [set() for _ in range(self.count)]
        distributed.all_gather_object(found, values)
        return set.intersection(*found)

    def wait(self) -> None:
        """Wait until every rank is here."""
        if self.count > 1:
            distributed.barrier()


ONE = Ranks()
"""A process by itself."""


def launched() -> bool:
    """Return whether torchrun started this process beside others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def local_device(device: str) -> str:
    """Return the device of this rank: ``cuda`` becomes the GPU of its number on this machine."""
    if launched() and device == "cuda":
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return device


@contextmanager
def open_ranks(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started (gloo on CPU, nccl on CUDA); alone without it.

    Raises:
        UsageError: the backend that the device needs is not in this build of torch.
    """
    if not launched():
        yield Ranks()
        return
    backend = "nccl" if device.startswith("cuda") else "gloo"
    if not distributed.is_available() or not distributed.is_backend_available(backend):
        raise UsageError(f"this build of torch cannot train on several processes with {backend}")
    if backend == "nccl":
        torch.cuda.set_device(device)
    distributed.init_process_group(backend)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
