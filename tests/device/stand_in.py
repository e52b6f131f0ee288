"""A device that is none, for machines without a GPU: its tensors may not meet the CPU's.

Memory of the host under another name (`stand_in.cpp`, torch's PrivateUse1). The CPU computes for
it, after a look at the arguments: where CUDA would say that two devices were mixed, so does this
one. Fresh memory is NaN, so that what is read before it is written shows.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import cpp_extension

NAME = "standin"


def load(build: Path) -> None:
    """Compile the device into a folder, where it is not there yet, and make it known to torch."""
    cpp_extension.load(
        NAME,
        [str(Path(__file__).with_name("stand_in.cpp"))],
        build_directory=str(build),
        is_python_module=False,
        extra_cflags=["-O0"],
    )
    torch.utils.rename_privateuse1_backend(NAME)
    module: Any = ModuleType(f"torch.{NAME}")
    module.is_available = module.is_initialized = lambda: True
    module._is_in_bad_fork = lambda: False
    module.device_count = lambda: 1
    module.current_device = lambda: 0
    module.manual_seed_all = lambda _: None
    module.get_rng_state = lambda _=0: torch.zeros(1, dtype=torch.uint8)
    module.set_rng_state = lambda *_: None
    module.get_amp_supported_dtype = lambda: [torch.bfloat16]
    torch._register_device_module(NAME, module)


class WithoutFloat64(TorchFunctionMode):
    """As on MPS: no call may give a float64 tensor on the device."""

    def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.device.type == NAME:
            wide = (torch.float64, torch.complex128)
            assert made.dtype not in wide, f"{function} made float64 on the device"
        return made
