from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.sae.test_training import new_run, recipe
from usae_viz.errors import CheckpointError
from usae_viz.run import Run, read_json, write_json
from usae_viz.sae import UniversalSAE, UsaeConfig, load_usae, save_usae


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Run, UniversalSAE]:
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4, tau=0.2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in usae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    usae.set_standardisation("two", torch.randn(16, generator=generator), 2.5)
    run = new_run(tmp_path / "run", recipe())
    save_usae(run, usae, config())
    return run, usae


def config(**changes: Any) -> UsaeConfig:
    table = {
        "dims": {"one": 10, "two": 16},
        "concepts": 32,
        "k": 4,
        "tau": 0.2,
        "mode": "ours",
        "steps": 1,
        "seconds": 0.0,
    }
    return UsaeConfig.model_validate({**table, **changes})


def test_round_trip_is_exact_and_frozen(saved: tuple[Run, UniversalSAE]) -> None:
    run, usae = saved
    loaded = load_usae(run)
    for key, value in usae.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    assert (loaded.names, loaded.k, loaded.tau) == (("one", "two"), 4, 0.2)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_half_precision_keeps_standardisation_exact(saved: tuple[Run, UniversalSAE]) -> None:
    run, usae = saved
    whole = run.usae_file.stat().st_size
    save_usae(run, usae, config(), half=True)
    assert run.usae_file.stat().st_size < 0.6 * whole
    loaded = load_usae(run)
    assert torch.equal(loaded.mean("two"), usae.mean("two"))
    torch.testing.assert_close(loaded.rows("one"), usae.rows("one"), rtol=1e-3, atol=1e-3)


def test_truncated_weights(saved: tuple[Run, UniversalSAE]) -> None:
    run, _ = saved
    run.usae_file.write_bytes(run.usae_file.read_bytes()[:500])
    with pytest.raises(CheckpointError, match="missing or damaged"):
        load_usae(run)


def test_weights_of_another_width(saved: tuple[Run, UniversalSAE]) -> None:
    run, _ = saved
    write_json(run.usae_config_file, config(concepts=16).model_dump())
    with pytest.raises(CheckpointError, match=r"does not match usae\.json"):
        load_usae(run)


def test_backbones_of_another_run(saved: tuple[Run, UniversalSAE]) -> None:
    run, _ = saved
    write_json(run.usae_config_file, config(dims={"two": 16, "one": 10}).model_dump())
    with pytest.raises(CheckpointError):
        load_usae(run)


def test_a_newer_format_and_unknown_keys_are_refused(saved: tuple[Run, UniversalSAE]) -> None:
    run, _ = saved
    table = read_json(run.usae_config_file)
    write_json(run.usae_config_file, {**table, "format": 2})
    with pytest.raises(CheckpointError, match="another format"):
        load_usae(run)
    write_json(run.usae_config_file, {**table, "colour": "red"})
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_usae(run)


def test_an_untrained_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no trained USAE"):
        load_usae(new_run(tmp_path / "empty", recipe()))
