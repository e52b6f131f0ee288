"""Run under TRITON_INTERPRET=1: the kernels against dense products, on the CPU."""

from __future__ import annotations

import torch

from usae_viz.sae.kernels import WIDTH, Kernels

CONCEPTS, N, K = 40, 12, 5


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    for dtype, dim in ((torch.float32, WIDTH + 19), (torch.float64, 24), (torch.bfloat16, 16)):

        def normal(*shape: int, dtype: torch.dtype = dtype) -> torch.Tensor:
            return torch.randn(*shape, generator=generator).to(dtype)

        indices = torch.rand(N, CONCEPTS, generator=generator).topk(K, dim=1).indices
        values, rows, tokens = normal(N, K), normal(CONCEPTS, dim), normal(N, dim)
        dense = torch.zeros(N, CONCEPTS, dtype=torch.float64).scatter(1, indices, values.double())
        order = indices.reshape(-1).argsort(stable=True)
        # Concepts that no token keeps get a row of zeros.
        counts = torch.bincount(indices.reshape(-1), minlength=CONCEPTS)
        kernels = Kernels()
        found = {
            "decode": kernels.decode(values, indices, rows),
            "dots": kernels.dots(tokens, indices, rows),
            "transposed": kernels.transposed(
                values.reshape(-1)[order], order // K, counts.cumsum(0) - counts, tokens
            ),
        }
        expected = {
            "decode": dense @ rows.double(),
            "dots": (tokens.double() @ rows.double().T).gather(1, indices),
            "transposed": dense.T @ tokens.double(),
        }
        for name, own in found.items():
            assert own.dtype == dtype
            torch.testing.assert_close(
                own, expected[name].to(dtype), msg=lambda text, name=name: f"{name}: {text}"
            )
    print("equal")


if __name__ == "__main__":
    main()
