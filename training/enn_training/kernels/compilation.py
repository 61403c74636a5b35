"""Compilation of the kernels, with a cache on disk where one can be written."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compile_kernel(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that numba compiles on the first call, and keeps on disk for the next process.

    numba writes beside the source file, into the home folder, or into NUMBA_CACHE_DIR. If it can write to none of
    them, every process compiles the function again.
    """
    options = {"error_model": "numpy", "nogil": True}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no place for the cache
        return njit(**options)(function)
