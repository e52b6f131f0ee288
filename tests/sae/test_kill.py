"""A training that is killed goes on and ends with the same bytes; `scripts/faults.py` does more."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from tests.sae.conftest import FakeStore
from tests.sae.test_training import lines_of, train
from usae_viz.sae import state
from usae_viz.sae.step import TrainingStep

SETTINGS: dict[str, Any] = {"checkpoint_every": 7, "log_every": 1, "validate_every": 20}


def killed(work: Callable[[], object]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_kill_9_at_three_steps_and_while_saving(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path / "whole", store, **SETTINGS)
    step, write = TrainingStep.__call__, state.write_bytes

    def dying_at(moment: int) -> Any:
        def call(self: TrainingStep, batch: Mapping[str, Tensor], share: float) -> Any:
            if round(share * 60) + 1 == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self, batch, share)

        return call

    def torn(path: Path, data: bytes) -> None:
        path.with_name(f".{path.name}.{'0' * 12}").write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    for moment in (5, 20, 48):
        with monkeypatch.context() as patch:
            patch.setattr(TrainingStep, "__call__", dying_at(moment))
            assert killed(lambda: train(tmp_path / "broken", store, resume=True, **SETTINGS))
    with monkeypatch.context() as patch:
        patch.setattr(state, "write_bytes", torn)
        assert killed(lambda: train(tmp_path / "broken", store, resume=True, **SETTINGS))
    assert state.write_bytes is write
    broken = train(tmp_path / "broken", store, resume=True, **SETTINGS)
    assert broken.usae_file.read_bytes() == whole.usae_file.read_bytes()
    logs = [[{**line, "seconds": 0} for line in lines_of(run)] for run in (whole, broken)]
    assert logs[0] == logs[1]
    assert not broken.training_state.exists()
