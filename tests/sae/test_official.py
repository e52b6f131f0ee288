"""Checkpoints of the published structure, made here, against the published formulas."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from typer.testing import CliRunner

from usae_viz.cli import app
from usae_viz.errors import CheckpointError
from usae_viz.run import open_run
from usae_viz.sae import load_usae
from usae_viz.sae.code import densify
from usae_viz.sae.official import read_official

DIMS = {"SigLIP": 12, "DinoV2": 8, "ViT": 12}
CONCEPTS, K = 40, 5
SCALARS = {"SigLIP": (-0.03, 2.23), "DinoV2": (0.033, 2.47), "ViT": (-0.029, 2.14)}


def published_state(dim: int, seed: int) -> dict[str, Tensor]:
    """A trained encoder and dictionary under the published names."""
    generator = torch.Generator().manual_seed(seed)
    linear, norm = nn.Linear(dim, CONCEPTS), nn.BatchNorm1d(CONCEPTS)
    with torch.no_grad():
        for parameter in (*linear.parameters(), *norm.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        for _ in range(4):
            norm(linear(torch.randn(64, dim, generator=generator) * 3 + 1))
    state = {f"encoder.final_block.0.{k}": v for k, v in linear.state_dict().items()}
    state |= {f"encoder.final_block.1.{k}": v for k, v in norm.state_dict().items()}
    rows = torch.randn(CONCEPTS, dim, generator=generator) * 4
    return {**state, "dictionary._weights": rows}


def write(folder: Path, **changes: Any) -> dict[str, dict[str, Tensor]]:
    """Write files as they are published; returns the states by name."""
    folder.mkdir(exist_ok=True)
    states = {name: published_state(dim, seed) for seed, (name, dim) in enumerate(DIMS.items())}
    for name, state in states.items():
        moments = {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(3)}}
        table = {
            "epoch": 29,
            "model_state_dict": state,
            "optimizer_state_dict": {"state": moments, "param_groups": [{"lr": 1e-6}]},
            "learning_rate": 1e-6,
        }
        torch.save(table, folder / f"uni_{name}_checkpoint_29.pth")
    config = {
        "global": {"standardize": True, "exp_factor": 8, "lr": 0.0003},
        "sae_params": {
            "encoder_module": "mlp_bn_1", "dictionary_normalization": "l2", "top_k": K,
        },
        "model_zoo": {
            name: {
                "checkpoint_path": f"checkpoints/uni_{name}_checkpoint_29.pth",
                "input_shape": DIMS[name],
                "model_mean": mean,
                "model_std": std,
            }
            for name, (mean, std) in SCALARS.items()
        },
    }  # fmt: skip
    for key, value in changes.items():
        section, _, field = key.partition("__")
        config[section][field] = value
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return states


def published_forward(
    state: dict[str, Tensor], tokens: Tensor, name: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """Z = TopK(ReLU(BatchNorm(W x + b))) of standardised tokens, and the parts of it."""
    mean, std = SCALARS[name]
    x = (tokens - mean) / std
    linear = x @ state["encoder.final_block.0.weight"].T + state["encoder.final_block.0.bias"]
    norm = {k.rpartition(".")[2]: v for k, v in state.items() if ".final_block.1." in k}
    normed = (linear - norm["running_mean"]) / (norm["running_var"] + 1e-5).sqrt()
    active = (normed * norm["weight"] + norm["bias"]).relu()
    best = active.topk(K, dim=1)
    return torch.zeros_like(active).scatter(1, best.indices, best.values), norm


def test_the_forward_pass_is_the_published_one(tmp_path: Path) -> None:
    states = write(tmp_path)
    usae, steps = read_official(tmp_path)
    assert (usae.names, usae.concepts, usae.k, usae.tau) == (tuple(DIMS), CONCEPTS, K, 0.1)
    assert steps == 21
    for name, dim in DIMS.items():
        tokens = torch.randn(50, dim, generator=torch.Generator().manual_seed(9)) * 2
        code, _ = published_forward(states[name], tokens, name)
        torch.testing.assert_close(
            densify(usae.encode(name, tokens), CONCEPTS), code, rtol=1e-5, atol=1e-5
        )
        for target, (mean, std) in SCALARS.items():
            rows = states[target]["dictionary._weights"]
            made = code @ (rows / rows.norm(dim=1, keepdim=True)) * std + mean
            torch.testing.assert_close(
                usae.translate(name, target, tokens), made, rtol=1e-5, atol=1e-5
            )


def test_the_verb_makes_a_run_that_names_its_networks(tmp_path: Path) -> None:
    write(tmp_path / "files")
    words = ["import-official", str(tmp_path / "files"), "--out", str(tmp_path / "run"), "--json"]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["backbones"] == list(DIMS)
    run = open_run(tmp_path / "run")
    before, _ = read_official(tmp_path / "files")
    for key, value in load_usae(run).state_dict().items():
        assert torch.equal(value, before.state_dict()[key])
    assert {spec.name: spec.model for spec in run.recipe().backbones} == {
        "SigLIP": "timm:vit_base_patch16_siglip_224.webli",
        "DinoV2": "timm:vit_small_patch14_dinov2.lvd142m",
        "ViT": "timm:vit_base_patch16_224.augreg2_in21k_ft_in1k",
    }
    assert (run.recipe().images.crop, run.recipe().activations.grid) == ("squash", 14)
    assert CliRunner().invoke(app, words).exit_code == 1
    words = [*words[:3], str(tmp_path / "other"), "--model", "VT=timm:resnet50"]
    wrong = CliRunner().invoke(app, words)
    assert wrong.exit_code == 2
    assert "did you mean 'ViT'" in wrong.stderr
    assert not (tmp_path / "other").exists()


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickle_that_asks_for_code_is_refused_and_not_executed(tmp_path: Path) -> None:
    write(tmp_path)
    target = tmp_path / "uni_ViT_checkpoint_29.pth"
    torch.save({"model_state_dict": Trap(tmp_path / "sprung")}, target)
    with pytest.raises(CheckpointError, match="is refused: it holds more than tensors"):
        read_official(tmp_path)
    target.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(CheckpointError, match="is refused"):
        read_official(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_damaged_and_foreign_files_are_named(tmp_path: Path) -> None:
    states = write(tmp_path)
    target = tmp_path / "uni_ViT_checkpoint_29.pth"
    whole = target.read_bytes()

    def problem(**table: Any) -> str:
        torch.save(table, target)
        with pytest.raises(CheckpointError) as caught:
            read_official(tmp_path)
        return str(caught.value)

    for cut in (0, 10, len(whole) // 2):
        target.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError, match=r"uni_ViT_checkpoint_29\.pth"):
            read_official(tmp_path)
    assert "no published checkpoint" in problem(weights=1)
    assert "another architecture" in problem(model_state_dict={"a": torch.zeros(1)})
    state = states["ViT"]
    wrong = {**state, "encoder.final_block.0.bias": torch.zeros(3)}
    assert "does not fit together at encoder.final_block.0.bias" in problem(model_state_dict=wrong)
    nan = {**state, "dictionary._weights": state["dictionary._weights"] * torch.nan}
    assert "not finite" in problem(model_state_dict=nan)
    narrow = {key: value[:20] if value.ndim else value for key, value in state.items()}
    assert "not of one training" in problem(model_state_dict=narrow)
    target.unlink()
    with pytest.raises(CheckpointError, match="holds no checkpoint of ViT"):
        read_official(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sae_params__encoder_module": "mlp_ln_1"}, "another architecture"),
        ({"sae_params__dictionary_normalization": "max"}, "another architecture"),
        ({"sae_params__top_k": 0}, "top_k"),
        ({"global__standardize": False}, "without standardisation"),
        ({"model_zoo__ViT": {"model_mean": None, "model_std": None}}, "no standardisation of ViT"),
        (
            {"model_zoo__ViT": {"model_mean": math.nan, "model_std": 1.0}},
            "standardisation of ViT",
        ),
        ({"model_zoo__Other": {}}, "holds no checkpoint of Other"),
    ],
)
def test_a_yaml_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    write(tmp_path, **change)
    with pytest.raises(CheckpointError, match=said):
        read_official(tmp_path)


def test_a_yaml_that_asks_for_code_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "config.yaml").write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_official(tmp_path)
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(CheckpointError, match="holds 0 YAML files"):
        read_official(tmp_path)
