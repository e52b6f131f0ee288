from __future__ import annotations

import io

import pytest
from rich.console import Console

from usae_viz.cli import training_view as view
from usae_viz.sae.trainer import Moment

SEEN = {
    "score": 0.5, "r2": [[0.61, 0.2], [0.3, 0.55]], "dead": 3, "cofire": 0.125, "correlation": 0.4,
}  # fmt: skip


def moment(step: int = 250, validation: dict[str, object] | None = None) -> Moment:
    figures = {"step": step, "seconds": 30.0, "reconstruction": 0.4321, "learning_rate": 1e-3}
    return Moment(
        names=("deit", "vit"), step=step, steps=1000, share=0.25, seconds=30.0,
        tokens_per_second=12345.0, figures=figures, validation=validation,
    )  # fmt: skip


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)


def text_of(made: Console) -> str:
    assert isinstance(made.file, io.StringIO)
    return made.file.getvalue()


def test_the_live_view_shows_loss_r2_dead_cofire_speed_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = console(terminal=True)
    monkeypatch.setattr(view, "notes", made)
    with view.training_view() as (progress, watch):
        assert progress is not None
        progress("extracting", 1, 2)
        watch(moment(validation=SEEN))
    shown = text_of(made)
    # 30 s were a quarter: 90 s are left.
    for text in ("0.4321", "0.610", "0.550", "dead", "0.125", "12,345", "0:01:30", "1.00e-03"):
        assert text in shown, text


def test_without_a_terminal_there_is_a_line_for_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    made = console(terminal=False)
    monkeypatch.setattr(view, "notes", made)
    with view.training_view() as (progress, watch):
        assert progress is None
        for step in range(1, 100):
            watch(moment(step, SEEN if step >= 50 else None))
    lines = text_of(made).splitlines()
    assert [line.partition(" of")[0] for line in lines] == ["step 1", "step 50"]
    assert "own R² 0.610 0.550" in lines[1]
    assert "time left 0:01:30" in lines[1]
