"""Several processes that index together write what one does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.sae.test_ranks import torchrun
from usae_viz import workflow
from usae_viz.run import Run, open_run
from usae_viz.workflow.ranks import Rank


@pytest.mark.parametrize("ranks", [2, 4])
def test_many_ranks_write_the_index_that_one_writes(
    trained: Run, tmp_path: Path, ranks: int
) -> None:
    """Of two batches of images; so some of four ranks have none.

    Two as torchrun starts them, four one after the other: each process costs seconds of imports.
    """
    many = tmp_path / "many"
    shutil.copytree(trained.path, many, ignore=shutil.ignore_patterns("concepts"))
    made = open_run(many)
    if ranks == 2:
        torchrun("-m", "--", "usae_viz", "index", "--run", many, ranks=ranks)
    else:
        found = [workflow.index(made, rank=Rank(number, ranks)) for number in range(ranks)]
        assert [index is not None for index in found] == [False] * (ranks - 1) + [True]
    workflow.index(trained)
    assert made.examples_file.read_text() == trained.examples_file.read_text()
    for before, after in (
        (trained.index_file, made.index_file),
        (trained.example_maps_file, made.example_maps_file),
    ):
        one, all_ = load_file(before), load_file(after)
        assert one.keys() == all_.keys()
        for key in one:
            np.testing.assert_allclose(all_[key], one[key], rtol=1e-9, atol=1e-12, err_msg=key)
    thumbs = {path.name for path in (many / "concepts" / "thumbs").iterdir()}
    assert thumbs == {path.name for path in (trained.path / "concepts" / "thumbs").iterdir()}
    left = [path.name for path in (many / "concepts").iterdir() if path.is_dir()]
    assert left == ["thumbs"], "no share is left behind"
