"""Shares and sizes as a person reads them."""

from __future__ import annotations


def share_in_words(part: int, whole: int) -> str:
    """The share in per cent, to two digits: 0.45 %, 12 %, 100 %."""
    share = 100 * part / max(1, whole)
    if 0 < share < 0.001:
        return "under 0.001 %"
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"


def bytes_in_words(size: float) -> str:
    """A size in the largest unit that leaves at least 1: 640 B, 6.4 MB, 1.2 GB. Units of 1000, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.2g} {unit}"
        size /= 1000
    return f"{size:,.0f} TB" if size >= 99.5 else f"{size:.2g} TB"
