"""Jobs that torchrun shares out among four processes end where one process ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from scripts.tiny import write_recipe
from tests.sae.test_ranks import torchrun
from usae_viz.cli import app
from usae_viz.maximize import read_result
from usae_viz.run import open_run
from usae_viz.sae import load_usae

MAXIMIZE = ["--concept", "0-4", "--steps", "3", "--size", "32"]
SETS = ["--set", "training.batch_tokens=66"]
"""Not a multiple of four: shares differ."""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe, and the run that one process makes of it."""
    folder = tmp_path_factory.mktemp("one")
    recipe = write_recipe(folder, images=12, steps=4)
    run = folder / "run"
    for words in (
        ["train", recipe, *SETS, "--out", run, "--threads", 1],
        ["maximize", "--run", run, *MAXIMIZE, "--threads", 1],
    ):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.output
    return folder


def test_four_ranks_make_what_one_makes(one: Path, tmp_path: Path) -> None:
    recipe, run = one / "tiny.toml", tmp_path / "run"
    job = Path(__file__).parent / "torchrun_job.py"
    torchrun(job, recipe, run, one / "run", *MAXIMIZE, ranks=4)
    # Extraction: the same bytes, whoever wrote them.
    for path in sorted((one / "run" / "activations").iterdir()):
        assert (run / "activations" / path.name).read_bytes() == path.read_bytes(), path.name
    # Training: sums over ranks are rounded in another order, which four steps hardly enlarge.
    mine, theirs = (load_usae(open_run(folder)).state_dict() for folder in (run, one / "run"))
    for key, value in theirs.items():
        np.testing.assert_allclose(mine[key], value, rtol=0, atol=2e-3, err_msg=key)
    # Maximizing: each concept is one rank's; of the same weights the same pictures.
    made = tmp_path / "maximized"
    found = sorted(path.name for path in (made / "maximized").iterdir())
    assert found == [f"{concept:06d}" for concept in range(5)]
    for name in found:
        before, after = (read_result(f / "maximized" / name) for f in (one / "run", made))
        assert before.transfer.tolist() == after.transfer.tolist()
        for backbone, picture in before.images.items():
            assert np.array_equal(after.images[backbone], picture)
    assert (made / "gallery" / "index.html").is_file()
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]
