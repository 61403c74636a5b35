"""Setting of the C library's heap for large requests."""

import ctypes

M_MMAP_THRESHOLD = -3
"""Parameter of `mallopt`, from glibc's malloc.h."""
MMAP_BYTES = 2**17
"""Size from which an allocation is a mapping of its own."""


def return_large_blocks() -> None:
    """Let the C library return each large block to the system when it is freed; does nothing without glibc.

    By default glibc raises the threshold with the size of freed blocks, up to 32 MiB. Each thread would then keep a
    heap of the size of its largest request.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
