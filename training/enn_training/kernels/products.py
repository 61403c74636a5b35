"""Compiled linear algebra of second-order learning: products of a Jacobian, and the solution of normal equations.

A BLAS would split its sums by the number of its threads: equal seeds could give unequal networks. For matrices
of this size these loops need a third of the time (measured, OpenBLAS, one thread, 68 rows).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.compilation import compile_kernel
from enn_training.kernels.simd import LANES, address, fill, load, total

Floats = NDArray[np.float64]


@njit(error_model="numpy")
def add_products(matrix: Floats, jacobian: Floats, first: int) -> None:
    """Add J J' to the lower triangle of a matrix.

    Args:
        matrix: Sums, [n, n]; n is a multiple of 4.
        jacobian: J, [n, columns]; the number of columns is a multiple of 8.
        first: Row of J from which on products are needed.
    """
    rows, columns = jacobian.shape
    begin = first // 4 * 4
    for i in range(begin, rows, 4):
        for j in range(begin, i + 1, 4):
            _add_tile(matrix, i, j, address(jacobian), columns)


@njit(error_model="numpy")
def _add_tile(matrix: Floats, i: int, j: int, jacobian: int, columns: int) -> None:
    """Add the 16 products of four rows of J from i on and four from j on, whose sums stay in registers."""
    stride = 8 * columns
    left, right = jacobian + i * stride, jacobian + j * stride
    zero = fill(0.0)
    s00, s01, s02, s03 = zero, zero, zero, zero
    s10, s11, s12, s13 = zero, zero, zero, zero
    s20, s21, s22, s23 = zero, zero, zero, zero
    s30, s31, s32, s33 = zero, zero, zero, zero
    for group in range(columns // LANES):
        a, b = load(left, group), load(left + stride, group)
        c, d = load(left + 2 * stride, group), load(left + 3 * stride, group)
        r = load(right, group)
        s00, s10, s20, s30 = s00 + a * r, s10 + b * r, s20 + c * r, s30 + d * r
        r = load(right + stride, group)
        s01, s11, s21, s31 = s01 + a * r, s11 + b * r, s21 + c * r, s31 + d * r
        r = load(right + 2 * stride, group)
        s02, s12, s22, s32 = s02 + a * r, s12 + b * r, s22 + c * r, s32 + d * r
        r = load(right + 3 * stride, group)
        s03, s13, s23, s33 = s03 + a * r, s13 + b * r, s23 + c * r, s33 + d * r
    _add_row(matrix[i, j : j + 4], total(s00), total(s01), total(s02), total(s03))
    _add_row(matrix[i + 1, j : j + 4], total(s10), total(s11), total(s12), total(s13))
    _add_row(matrix[i + 2, j : j + 4], total(s20), total(s21), total(s22), total(s23))
    _add_row(matrix[i + 3, j : j + 4], total(s30), total(s31), total(s32), total(s33))


@njit(error_model="numpy")
def _add_row(row: Floats, a: float, b: float, c: float, d: float) -> None:
    row[0] += a
    row[1] += b
    row[2] += c
    row[3] += d


@njit(error_model="numpy")
def add_sums(sums: Floats, jacobian: Floats, first: int) -> None:
    """Add the sum of each row of J, [n, columns], from a row on, to sums, [n]."""
    rows, columns = jacobian.shape
    for i in range(first, rows):
        at, lanes = address(jacobian) + i * 8 * columns, fill(0.0)
        for group in range(columns // LANES):
            lanes = lanes + load(at, group)
        sums[i] += total(lanes)


@njit(error_model="numpy")
def _dot(left: int, right: int, a: Floats, b: Floats, size: int) -> float:
    """Return the product of the first numbers of two rows, given by their addresses and as arrays."""
    groups = size // LANES
    lanes = fill(0.0)
    for group in range(groups):
        lanes = lanes + load(left, group) * load(right, group)
    sum_ = total(lanes)
    for k in range(groups * LANES, size):
        sum_ += a[k] * b[k]
    return sum_


@compile_kernel
def solve(matrix: Floats, right: Floats) -> tuple[bool, Floats]:
    """Solve A x = b by Cholesky's factorization.

    Args:
        matrix: A, symmetric, [n, n]; the lower triangle is read, and overwritten by the factor.
        right: b, [n].

    Returns:
        True if A is positive definite, and x, [n], which is meaningless otherwise.
    """
    n, x = len(matrix), right.copy()
    at, stride = address(matrix), 8 * matrix.shape[1]
    for i in range(n):
        for j in range(i):
            inner = _dot(at + i * stride, at + j * stride, matrix[i], matrix[j], j)
            matrix[i, j] = (matrix[i, j] - inner) / matrix[j, j]
        pivot = matrix[i, i] - _dot(at + i * stride, at + i * stride, matrix[i], matrix[i], i)
        if not pivot > 0.0 or math.isinf(pivot):
            return False, x
        matrix[i, i] = math.sqrt(pivot)
    for i in range(n):
        x[i] = (x[i] - _dot(at + i * stride, address(x), matrix[i], x, i)) / matrix[i, i]
    for i in range(n - 1, -1, -1):
        x[i] /= matrix[i, i]
        for j in range(i):
            x[j] -= matrix[i, j] * x[i]
    return True, x
