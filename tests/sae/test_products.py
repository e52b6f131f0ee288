"""The sparse products: both implementations, and how one is chosen."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from usae_viz.sae.products import GATHERED, fastest

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="Triton is not installed on this system"
)


@needs_triton
def test_the_triton_kernels_equal_dense_products() -> None:
    """Without a GPU: Triton's interpreter runs the same kernels, if told so before it loads."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "interpreted.py")],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "equal\n", done.stderr


@needs_triton
def test_the_triton_kernels_compile_for_gpus(tmp_path: Path) -> None:
    """What the interpreter lets through a compiler may refuse; no GPU is needed to ask it."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "compiled.py")],
        env=os.environ | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "compiled\n", done.stderr


def test_off_cuda_there_is_one_choice() -> None:
    chosen = fastest(torch.device("cpu"), torch.float32, n=8, k=2, concepts=16, dim=4)
    assert chosen is GATHERED
