"""TensorBoard's event files, read back by TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from usae_viz import workflow
from usae_viz.errors import UsageError
from usae_viz.recipe import BackboneSpec, Recipe
from usae_viz.sae import board


@pytest.fixture
def recipe(tiny_recipe: Any, tiny_vit: Callable[..., BackboneSpec]) -> Callable[..., Recipe]:
    def make(**training: Any) -> Recipe:
        return tiny_recipe(
            images={"source": "world:images=16", "validation": 0.4},
            backbones=[
                tiny_vit(name, seed=i).model_dump(exclude_none=True) for i, name in enumerate("ab")
            ],
            training={"steps": 6, "validate_every": 3, "tensorboard": True, **training},
        )

    return make


def test_events_are_the_lines_of_the_log(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = workflow.train(recipe(), tmp_path / "run")
    events = EventAccumulator(str(run.tensorboard_dir))
    events.Reload()
    lines = [json.loads(line) for line in run.training_log.read_text().splitlines()]
    assert len(lines) == 6
    for key, name in (
        ("reconstruction", "loss/reconstruction"),
        ("learning_rate", "learning_rate"),
    ):
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert found == [(line["step"], pytest.approx(line[key], rel=1e-6)) for line in lines]
    looks = {line["step"]: line["validation"] for line in lines if "validation" in line}
    assert set(looks) == {3, 6}
    for event in events.Scalars("held-out R2/b to a"):
        assert event.value == pytest.approx(looks[event.step]["r2"][1][0], rel=1e-6)


def test_without_tensorboard_nothing_is_begun(
    recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"usae-viz\[tensorboard\]"):
        workflow.train(recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_log_decides_nothing_about_a_run(recipe: Callable[..., Recipe]) -> None:
    assert recipe().digest() == recipe(tensorboard=False).digest()
