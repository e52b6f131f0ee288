from __future__ import annotations

from typing import Any

import pytest

from usae_viz.errors import UsageError
from usae_viz.maximize import MaximizeSettings


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"images": 6}, "diverse"),
        ({"diversity": 2.0}, "diverse"),
        ({"suppression": 3.0}, "contrast"),
        ({"closeness": 4.0}, "accentuate"),
        ({"balance": "log"}, "shared"),
    ],
)
def test_what_only_another_mode_looks_at_is_refused(changes: dict[str, Any], mode: str) -> None:
    with pytest.raises(UsageError, match="says nothing in per-model mode") as caught:
        MaximizeSettings(**changes)
    assert f"--mode {mode}" in str(caught.value)
    MaximizeSettings(mode=mode, **changes)


def test_a_seed_beyond_torchs_is_refused() -> None:
    with pytest.raises(UsageError, match="seed is too large"):
        MaximizeSettings(seed=(1 << 63) - 1, seeds=2)


def test_concepts_to_go_along_are_numbers() -> None:
    with pytest.raises(UsageError, match="'12' is no concept"):
        MaximizeSettings(also={"12": 0.5})  # type: ignore[dict-item]
