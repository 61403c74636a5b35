"""Numba kernels: vectorized activations and the LMS learner."""
