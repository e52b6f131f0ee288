"""What this machine runs on."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import torch


def environment() -> dict[str, Any]:
    """Return versions and devices, for ``doctor`` and for bug reports."""
    packages = ("usae-viz", "torch", "torchvision", "timm", "kornia", "captum", "safetensors")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
