"""Run by `test_products`: the Triton kernels compiled for GPUs that need not be here."""

from __future__ import annotations

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from usae_viz.sae import kernels

SHAPES = {"dim": "i32", "k": "i32"}
INDICES = dict.fromkeys(("indices", "token", "starts", "ends"), "*i64")


def main() -> None:
    for capability in (80, 90):
        for kind, sums in (("fp32", tl.float32), ("bf16", tl.float32), ("fp64", tl.float64)):
            for kernel in (kernels._decode, kernels._dots, kernels._transposed):
                constants = {"width": kernels.WIDTH, "sums": sums}
                signature = {
                    name: "constexpr"
                    if name in constants
                    else {**SHAPES, **INDICES}.get(name, f"*{kind}")
                    for name in kernel.arg_names
                }
                source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
                made = triton.compile(source, target=GPUTarget("cuda", capability, 32))
                assert made.asm["cubin"], (kernel, kind, capability)


if __name__ == "__main__":
    main()
    print("compiled")
