"""The compiled solution of normal equations is that of NumPy, and an indefinite matrix is refused."""

import numpy as np
import pytest

from enn_training.kernels.products import solve


@pytest.mark.parametrize("size", [1, 7, 8, 67])
def test_solution_is_that_of_numpy(size):
    rng = np.random.default_rng(size)
    root, right = rng.normal(size=(size, size)), rng.normal(size=size)
    matrix = root @ root.T + np.eye(size)
    found, x = solve(np.tril(matrix), right)
    assert found
    np.testing.assert_allclose(x, np.linalg.solve(matrix, right), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_matrix_that_is_not_positive_definite_is_refused(value):
    found, _ = solve(np.diag([1.0, value]), np.ones(2))
    assert not found
