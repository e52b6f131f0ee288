from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from usae_viz.errors import UsageError
from usae_viz.sae import SparseCode, UniversalSAE, universal
from usae_viz.sae.code import densify, top_k, weighted_rows


def tokens(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def test_top_k_keeps_the_largest_and_zeroes_negatives() -> None:
    code = top_k(torch.tensor([[3.0, -1.0, 2.0, 0.5], [-3.0, -1.0, -2.0, -0.5]]), 2)
    dense = densify(code, 4)
    assert dense.tolist() == [[3.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


def test_gathered_rows_equal_the_dense_product_in_values_and_gradients() -> None:
    pre = tokens(7, 20).double().requires_grad_()
    rows = tokens(20, 5, 1).double().requires_grad_()
    target = tokens(7, 5, 2).double()
    sparse = weighted_rows(top_k(pre, 4), rows)
    sparse_gradients = torch.autograd.grad((sparse - target).square().sum(), (pre, rows))
    kept = torch.zeros_like(pre).scatter(1, pre.topk(4).indices, 1.0)
    dense = (pre.relu() * kept) @ rows
    dense_gradients = torch.autograd.grad((dense - target).square().sum(), (pre, rows))
    torch.testing.assert_close(sparse, dense, rtol=0, atol=1e-12)
    for ours, plain in zip(sparse_gradients, dense_gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)


def test_pre_gate_is_the_linear_map_of_standardised_tokens(usae: UniversalSAE) -> None:
    x = tokens(9, 4)
    weight, bias = usae.encoder("b")
    expected = F.linear((x - usae.mean("b")) / 1.7, weight, bias)
    torch.testing.assert_close(usae.pre_gate("b", x), expected)
    some = torch.tensor([11, 3])
    torch.testing.assert_close(usae.pre_gate("b", x, some), expected[:, some])


def test_gated_equals_the_code(usae: UniversalSAE) -> None:
    x = tokens(50, 6)
    dense = densify(usae.encode("a", x), 20)
    some = torch.tensor([0, 7, 19, 4])
    torch.testing.assert_close(usae.gated("a", x, some), dense[:, some])
    assert (dense > 0).sum() > 0


def test_encoding_in_pieces_equals_encoding_at_once(
    usae: UniversalSAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = tokens(50, 6)
    whole = usae.encode("a", x)
    monkeypatch.setattr(universal, "PIECE", 7 * usae.concepts)
    pieces = usae.encode("a", x)
    assert torch.equal(densify(pieces, usae.concepts) > 0, densify(whole, usae.concepts) > 0)
    torch.testing.assert_close(
        densify(pieces, usae.concepts), densify(whole, usae.concepts), rtol=1e-6, atol=1e-6
    )
    with pytest.raises(UsageError):
        usae.encode("a", x[:, :3])


def test_decode_restores_raw_units(usae: UniversalSAE) -> None:
    nothing = SparseCode(torch.zeros(2, 3), torch.arange(3).expand(2, 3))
    torch.testing.assert_close(usae.decode("c", nothing), usae.mean("c").expand(2, -1))
    one = SparseCode(torch.tensor([[2.0]]), torch.tensor([[5]]))
    expected = 2.0 * usae.rows("c")[5] * 1.7 + usae.mean("c")
    torch.testing.assert_close(usae.decode("c", one)[0], expected)


def test_translate_reads_one_and_writes_another(usae: UniversalSAE) -> None:
    x = tokens(8, 6)
    made = usae.translate("a", "c", x)
    assert made.shape == (8, 5)
    torch.testing.assert_close(made, usae.decode("c", usae.encode("a", x)))


def test_errors_say_what_was_expected(usae: UniversalSAE) -> None:
    with pytest.raises(UsageError, match=r"does not know backbone 'd'(.|\n)*one of a, b, c"):
        usae.pre_gate("d", tokens(2, 6))
    with pytest.raises(UsageError, match=r"\[n, 6\](.|\n)*\[2, 4\]"):
        usae.encode("a", tokens(2, 4))
