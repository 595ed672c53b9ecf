"""Memory that is free, given back to the system: allocators keep what reading tables and weights took for a moment."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give back what pyarrow, if it is imported, and the C library (glibc) hold and do not use; takes milliseconds."""
    if "pyarrow" in sys.modules:
        import pyarrow

        pyarrow.default_memory_pool().release_unused()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
