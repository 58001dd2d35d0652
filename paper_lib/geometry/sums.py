r"""Norms and inner products that decide membership, with care about rounding.

:func:`l2_norm` neither overflows nor underflows, and :func:`row_dots` adds in one fixed
order, so that for given rows a count does not depend on the batch, the number of
threads or the processor.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from paper_lib.checks.operands import check_shape

# Products that fit a core's cache together; affects speed alone.
_PRODUCTS_PER_BLOCK = 100_000
# How to read and write what torch computes float32 products and convolutions in.
_PRODUCTS: tuple[tuple[Any, Any, Any], ...] = (
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    (
        lambda: torch.backends.cudnn.allow_tf32,
        lambda allowed: setattr(torch.backends.cudnn, "allow_tf32", allowed),
        False,
    ),
)
# Where torch's newer names for it are, since 2.9: the general before the special, which
# follows it unless set itself.
_NEWER: list[Any] = [
    place
    for place in (
        torch.backends,
        torch.backends.cudnn,
        torch.backends.mkldnn,
        torch.backends.cuda.matmul,
        *(
            getattr(backend, kind, None)
            for backend in (torch.backends.cudnn, torch.backends.mkldnn)
            for kind in ("matmul", "conv", "rnn")
        ),
    )
    if hasattr(place, "fp32_precision")
]


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply and convolve in the precision of the operands, whatever is on outside.

    Turns off autocast and, for float32, TF32 and bfloat16 inside products.

    Yields:
        Nothing; the settings come back as they were.
    """
    with ExitStack() as stack:
        for kind in ("cpu", torch.get_default_device().type, "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        # Last of all, as the older names write to some of the newer ones.
        stack.callback(_restore, [place.fp32_precision for place in _NEWER])
        for read, write, wanted in _PRODUCTS:
            # What was set by torch's newer names cannot be read by these.
            with suppress(RuntimeError):
                if (before := read()) != wanted:
                    write(wanted)
                    stack.callback(write, before)
        for place in _NEWER:
            if place.fp32_precision in ("tf32", "bf16"):
                place.fp32_precision = "ieee"
        yield


def _restore(before: list[str]) -> None:
    """Write back what changed, no more: what is written no longer follows others."""
    for place, precision in zip(_NEWER, before, strict=True):
        if place.fp32_precision != precision:
            place.fp32_precision = precision


def l2_norm(vectors: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    r"""Euclidean norms in float64, without overflow or underflow.

    Args:
        vectors: Vectors along the last axis, in either precision.

    Returns:
        :math:`\|v\|_2` for each vector, as float64.

    Example:
        >>> l2_norm(torch.tensor([3e-200, 4e-200], dtype=torch.float64)).item()
        5e-200
    """
    if vectors.dtype == torch.float32:  # squares of float32 fit float64
        return torch.linalg.vector_norm(vectors, dim=-1, dtype=torch.float64)
    scaled, scale = near_one(vectors)
    rows = scaled.reshape(-1, scaled.shape[-1])
    return row_dots(rows, rows).sqrt().view_as(scale) * scale


def row_dots(
    rows: Float[Tensor, "n d"], vectors: Float[Tensor, "#n d"]
) -> Float[Tensor, " n"]:
    r"""Inner products row by row, in float64 and in one order of summation.

    The products are added pairwise, the first half to the second, until one is left.
    Every step is one elementwise operation of IEEE arithmetic, so the result is the
    same bit for bit for any batch, number of threads, processor or device; a matrix
    product promises none of that. The error is at most
    :math:`(\lceil \log_2 d \rceil + 1) u \sum_j |c_j v_j|` with
    :math:`u = 2^{-53}`, to first order.

    Args:
        rows: One vector a row.
        vectors: One vector a row, or a single one for all rows.

    Returns:
        :math:`c_i^\top v_i` for each row, as float64.

    Raises:
        ValueError: If the shapes do not fit.

    Example:
        >>> row_dots(torch.eye(2), torch.tensor([[3.0, 4.0]]))
        tensor([3., 4.], dtype=torch.float64)
    """
    num, dim = rows.shape
    check_shape("vectors", vectors, (num, dim), (1, dim))
    blocks = [
        _sum_pairwise(left.double() * right.double())
        for left, right in _blocks(rows, vectors)
    ]
    return torch.cat(blocks)


@full_precision()
def rough_dots(
    rows: Float[Tensor, "n d"], vectors: Float[Tensor, "*k d"]
) -> tuple[Float[Tensor, "*k n"], Float[Tensor, "*k n"]]:
    r"""Inner products by one matrix product, and how far :func:`row_dots` may be off.

    A matrix product adds in any order, in the precision of the rows, but it is many
    times faster. Its error is at most :math:`d u \|c_i\| \|v\|`, to first order.

    Args:
        rows: One vector a row.
        vectors: One for all rows, or several.

    Returns:
        The products and the bounds, as float64; a bound may be infinite or NaN where a
        number over- or underflowed, and then says nothing.
    """
    kind, dim = torch.finfo(rows.dtype), rows.shape[1]
    # Squares of entries below the root of the smallest number are lost.
    norms = torch.linalg.vector_norm(rows, dim=-1).double() + math.sqrt(dim * kind.tiny)
    relative = (2 * dim + 32) * kind.eps
    error = relative * norms * l2_norm(vectors).unsqueeze(-1) + dim * kind.tiny
    products = (rows @ vectors.mT).mT if vectors.ndim > 1 else rows @ vectors
    products = products.double()
    # A sum that overflowed may have any sign.
    return products, error.masked_fill(~products.isfinite(), torch.inf)


def near_one(
    vectors: Float[Tensor, "*batch d"],
) -> tuple[Float[Tensor, "*batch d"], Float[Tensor, "*batch"]]:
    """Divide vectors by a power of two near their largest entry, exactly.

    Args:
        vectors: Vectors along the last axis.

    Returns:
        The quotients and the powers, one for each vector.
    """
    # What is computed next then neither overflows nor underflows.
    largest = 1021 if vectors.dtype == torch.float64 else 125
    peak = vectors.abs().amax(-1, keepdim=True)
    exponent = torch.frexp(peak).exponent.clamp(-largest, largest)
    scale = torch.ldexp(torch.ones_like(peak), exponent)
    return vectors / scale, scale.squeeze(-1)


def _blocks(rows: Tensor, vectors: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut rows, and vectors where there is one for each, into blocks."""
    size = max(_PRODUCTS_PER_BLOCK // (rows.shape[1] or 1), 1)
    for start in range(0, max(len(rows), 1), size):
        part = slice(start, start + size)
        yield rows[part], vectors if len(vectors) == 1 else vectors[part]


def _sum_pairwise(terms: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Sum along the last axis, the first half plus the second, again and again."""
    while (width := terms.shape[-1]) > 1:
        half = width // 2
        folded = terms[:, :half] + terms[:, half : 2 * half]
        rest = terms[:, 2 * half :]
        terms = torch.cat([folded, rest], dim=-1) if width % 2 else folded
    return terms[:, 0]
