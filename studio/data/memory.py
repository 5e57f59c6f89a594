"""Memory that is freed in small pieces, and gone to the system again only when it is asked for."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give what was freed back to the system. Nothing happens where the C library knows no such wish (not glibc)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows, which has no library of that name
        return
